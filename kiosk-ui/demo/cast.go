package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the portraits' format
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"vestibule/hardware/rig"
	"vestibule/models/mrz"
)

// shot is one face in a picture that came with a package.
type shot struct {
	file string          // under the portraits folder, or under gocv's images with that prefix
	face image.Rectangle // the detector's box
	turn float64         // degrees counter-clockwise that set the head upright
}

// gocvImages leads file names that lie in the images folder of the gocv module.
const gocvImages = "gocv:"

// player is one visitor of the demo. All of them are invented; the pictures come
// from packages (models/manifest.json names origin and licence).
type player struct {
	surname, given string
	birth          string // YYYY-MM-DD
	sex            string
	number         string
	size           rig.Size
	portrait       shot // in the document
	selfie         shot
	others         []image.Rectangle // other faces near the selfie's
	sameShot       bool              // the selfie is the portrait's own picture: nothing is proved about likeness
}

// cast are the people of the demo, by the name the visits use.
func cast() map[string]player {
	return map[string]player{
		"mara": {
			surname: "LINDQVIST", given: "MARA ELIN", birth: "1992-05-17", sex: "female", number: "U4471902K", size: rig.TD3,
			portrait: shot{"sample3.jpg", image.Rect(1076, 192, 1295, 506), 6},
			selfie:   shot{"sample1.jpg", image.Rect(1469, 212, 1674, 428), 42},
			others:   []image.Rectangle{image.Rect(831, 432, 1032, 647)},
		},
		"dana": { // stands on the list that the demo imports
			surname: "QORVANE", given: "DANA ILSE", birth: "1988-11-02", sex: "female", number: "U2210457P", size: rig.TD3,
			portrait: shot{"sample3.jpg", image.Rect(589, 330, 787, 604), 0}, selfie: shot{"sample3.jpg", image.Rect(589, 330, 787, 604), 0},
			others: []image.Rectangle{image.Rect(1076, 192, 1295, 506)}, sameShot: true,
		},
		"ines": {
			surname: "FERREIRA DUARTE", given: "INES", birth: "1995-02-28", sex: "female", number: "D23145890", size: rig.TD1,
			portrait: shot{"sample6.jpg", image.Rect(1480, 260, 1698, 556), 0}, selfie: shot{"sample6.jpg", image.Rect(1480, 260, 1698, 556), 0},
			others: []image.Rectangle{image.Rect(1167, 309, 1355, 584)}, sameShot: true,
		},
		"sora": {
			surname: "TANAKA", given: "SORA", birth: "1990-09-09", sex: "female", number: "U9038821C", size: rig.TD3,
			portrait: shot{"sample5.jpg", image.Rect(796, 116, 951, 326), 0}, selfie: shot{"sample5.jpg", image.Rect(796, 116, 951, 326), 0},
			others: []image.Rectangle{image.Rect(1115, 208, 1277, 425), image.Rect(602, 416, 772, 671)}, sameShot: true,
		},
	}
}

// open reads the picture and says where the face is in it.
func (s shot) open(portraits string) (rig.Portrait, error) {
	path := filepath.Join(portraits, s.file)
	if name, ok := strings.CutPrefix(s.file, gocvImages); ok {
		dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "gocv.io/x/gocv").Output()
		if err != nil {
			return rig.Portrait{}, fmt.Errorf("find the gocv module: %w", err)
		}
		path = filepath.Join(strings.TrimSpace(string(dir)), "images", name)
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return rig.Portrait{}, fmt.Errorf("picture %s is missing: run `make models`", s.file)
	}
	if err != nil {
		return rig.Portrait{}, err
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		return rig.Portrait{}, fmt.Errorf("picture %s: %w", s.file, err)
	}
	return rig.Portrait{Image: img, Face: s.face, Turn: s.turn}, nil
}

// print makes the sides of the player's document: the one with the portrait, and
// for a card the one with the machine readable zone.
func (p player) print(printer *rig.Printer, portraits string) (front, back *image.RGBA, err error) {
	portrait, err := p.portrait.open(portraits)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	expiry := now.AddDate(6, 2, 0).Format(time.DateOnly)
	content := mrz.Content{
		Layout: mrz.TD3, Code: "P", Issuer: "UTO", FamilyName: p.surname, GivenNames: p.given,
		Number: p.number, Nationality: "UTO", Birth: p.birth, Sex: p.sex, Expiry: expiry,
	}
	doc := rig.Document{
		Size: p.size, State: "UTOPIA", StateCode: "UTO", Title: "PASSPORT", TypeCode: "P", Portrait: portrait,
		Surname: p.surname, GivenNames: p.given, Nationality: "UTOPIAN", BirthDate: printed(p.birth), BirthPlace: "ZENITH",
		Sex: strings.ToUpper(p.sex[:1]), Number: p.number, IssueDate: printed(now.AddDate(-3, -10, 0).Format(time.DateOnly)),
		ExpiryDate: printed(expiry), Authority: "UTOPIA PASSPORT OFFICE", Seed: uint64(len(p.surname))*7919 + uint64(p.number[1]),
	}
	if p.size == rig.TD1 {
		content.Layout, content.Code = mrz.TD1, "I"
		doc.Title, doc.TypeCode, doc.Authority = "IDENTITY CARD", "I", "UTOPIA CIVIL REGISTRY"
	}
	if doc.MRZ, err = mrz.Write(content); err != nil {
		return nil, nil, fmt.Errorf("write the machine readable zone: %w", err)
	}
	const scale = 11.8 // 300 dpi
	if front, err = printer.Front(doc, scale); err != nil || p.size != rig.TD1 {
		return front, nil, err
	}
	back, err = printer.Back(doc, scale)
	return front, back, err
}

// printed is a date as documents show it.
func printed(iso string) string {
	t, err := time.Parse(time.DateOnly, iso)
	if err != nil {
		return iso
	}
	return strings.ToUpper(t.Format("02 Jan 2006"))
}

// film records what the cameras will see of one visit into dir/document and dir/face.
func (p player) film(ctx context.Context, printer *rig.Printer, portraits, dir string, seed uint64, blurredFirst bool) error {
	front, back, err := p.print(printer, portraits)
	if err != nil {
		return err
	}
	shot := rig.Shot{Width: 1920, Height: 1080, Seed: seed}
	takes := []rig.DocumentFilm{{Shot: shot, Page: front, Size: p.size}}
	if blurredFirst {
		takes = append([]rig.DocumentFilm{{Shot: shot, Page: front, Size: p.size, Blurred: true}}, takes...)
	}
	if back != nil {
		takes = append(takes, rig.DocumentFilm{Shot: shot, Page: back, Size: p.size})
	}
	for i, take := range takes {
		take.Seed += uint64(i)
		if _, err := rig.FilmDocument(ctx, filepath.Join(dir, "document", fmt.Sprintf("take-%d", i+1)), take); err != nil {
			return err
		}
	}
	face, err := p.selfie.open(portraits)
	if err != nil {
		return err
	}
	face.Others = p.others
	_, err = rig.FilmFace(ctx, filepath.Join(dir, "face"), rig.FaceFilm{Shot: rig.Shot{Seed: seed + 100}, People: []rig.Portrait{face}, Seconds: 4})
	return err
}
