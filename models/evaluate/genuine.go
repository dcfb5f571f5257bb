package main

import (
	"context"
	"fmt"
	"image"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/genuine/stage"
	"vestibule/models/picture"
)

// simulated is what has to be said of every figure of this part.
const simulated = "SIMULATED attacks, drawn by models/genuine/stage from public specimen pictures of 500 px and more; no real attack was measured"

// How often each specimen is filmed, each time with another seed: ground, pose, light, noise.
const (
	asGenuine = 4
	asAttack  = 2
)

// staged is one filmed specimen and what was found.
type staged struct {
	kind  string // genuine, screen, paper, portrait, drawn
	sort  string // of the attack, empty: there is but one
	half  int    // 0: the curves were tuned on it, 1: reported
	found models.Genuineness
}

// liveness films every specimen as itself and as three kinds of attack, and counts who falls
// under 50. The specimens of even place in the manifest are the half that curves and weights were
// tuned on; the figures are of the other half, those of the first are named tuning.
func liveness(ctx context.Context, e models.Engine, data string, log io.Writer) (figures.Set, error) {
	var list []specimen
	if err := load(filepath.Join(data, "documents", "manifest.json"), &list); err != nil {
		return nil, err
	}
	docs, err := widest(ctx, e, data, list)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, d := range docs {
			d.flat.Close()
		}
	}()
	var all []staged
	var ms, larger []float64
	examine := func(kind, sort, name string, half int, m gocv.Mat) error {
		defer m.Close()
		b, err := picture.EncodeJPEG(m, 90)
		if err != nil {
			return err
		}
		start := processCPU()
		x, err := e.Examine(ctx, []models.Frame{{Format: models.JPEG, Pix: b, At: time.Now()}}, models.Looks{Genuineness: true})
		if err != nil {
			return fmt.Errorf("%s as %s: %w", name, kind, err)
		}
		if used := processCPU() - start; m.Cols() == 1280 {
			ms = append(ms, used)
		} else {
			larger = append(larger, used)
		}
		all = append(all, staged{kind, sort, half, *x.Genuineness})
		describe(log, kind, name, half, *x.Genuineness)
		return nil
	}
	raw, rawFailed := 0, 0
	for i, d := range docs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := film(d, docs, i, examine); err != nil {
			return nil, err
		}
		x, err := e.Examine(ctx, []models.Frame{d.frame}, models.Looks{Genuineness: true})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		raw++
		if least(*x.Genuineness) < 50 {
			rawFailed++
		}
		describe(log, "raw", d.name, i%2, *x.Genuineness)
	}
	drawn, drawnFailed := 0, 0
	for seed := range uint64(20) {
		flat := stage.Drawn(1000, 704, seed)
		m, err := stage.Genuine(flat, stage.Shot{Seed: seed})
		flat.Close()
		if err != nil {
			return nil, err
		}
		if err := examine("drawn", "", fmt.Sprint("drawn ", seed), int(seed%2), m); err != nil {
			return nil, err
		}
		drawn++
		if least(all[len(all)-1].found) < 50 {
			drawnFailed++
		}
	}
	out := outcome(all)
	out["genuine.raw_under_50"] = figures.Count(rawFailed, raw, "the specimens' web pictures themselves, examined as if they were frames: some are screenshots, drawings or black and white")
	out["genuine.drawn_under_50"] = figures.Count(drawnFailed, drawn, "documents drawn in code, filmed as genuine ones")
	out["genuine.ms"] = figures.Spread(ms, "ms", "processor time of one frame of 1280 × 720, JPEG in, all threads")
	out["genuine.ms_1080p"] = figures.Spread(larger, "ms", "the same for 1920 × 1080")
	return out, nil
}

// flatDocument is a specimen, as it comes, with the place of its portrait.
type flatDocument struct {
	name   string
	flat   gocv.Mat
	frame  models.Frame
	longMM float64
	face   image.Rectangle // empty: none
}

func widest(ctx context.Context, e models.Engine, data string, list []specimen) (docs []flatDocument, err error) {
	defer func() {
		if err != nil {
			for _, d := range docs {
				d.flat.Close()
			}
		}
	}()
	for _, s := range list {
		f, err := picture.FromFile(filepath.Join(data, "documents", s.File))
		if err != nil {
			return docs, err
		}
		m, err := picture.Decode(f)
		if err != nil {
			return docs, fmt.Errorf("%s: %w", s.File, err)
		}
		if m.Cols() < wide {
			m.Close()
			continue
		}
		d := flatDocument{name: filepath.Base(s.File), flat: m, frame: f, longMM: 125}
		switch s.Format {
		case "TD1":
			d.longMM = 85.6
		case "TD2", "MRVB", "FRID":
			d.longMM = 105
		}
		docs = append(docs, d)
		face, err := e.ReadFace(ctx, f)
		if err != nil {
			return docs, fmt.Errorf("%s: %w", s.File, err)
		}
		if b := face.Box; face.Found {
			w, h := float64(m.Cols()), float64(m.Rows())
			docs[len(docs)-1].face = image.Rect(int(b.X1*w), int(b.Y1*h), int(b.X2*w), int(b.Y2*h))
		}
	}
	return docs, nil
}

// around is the part of a portrait that is put in or covered, from its face.
func around(face, within image.Rectangle) image.Rectangle {
	w, h := face.Dx(), face.Dy()
	return image.Rect(face.Min.X-w*2/5, face.Min.Y-h*2/5, face.Max.X+w*2/5, face.Max.Y+h*2/5).Intersect(within)
}

func film(d flatDocument, docs []flatDocument, i int, examine func(kind, sort, name string, half int, m gocv.Mat) error) error {
	shot := func(n int) stage.Shot {
		s := stage.Shot{Seed: uint64(1000*i + n), LongMM: d.longMM}
		if n%2 == 1 {
			s.Width, s.Height = 1920, 1080
		}
		return s
	}
	for n := range asGenuine {
		m, err := stage.Genuine(d.flat, shot(n))
		if err != nil {
			return err
		}
		if err := examine("genuine", "", d.name, i%2, m); err != nil {
			return err
		}
	}
	for n := range asAttack {
		// Half of the displays have pixels that the camera resolves somehow, or shows as moiré; the other
		// half are finer, as telephones' are. Within each the pitch is spread evenly.
		sort, from, to := "coarse", 1.2, 3.2
		if n == 1 {
			sort, from, to = "fine", .6, 1.2
		}
		spread := math.Mod(float64(i)*.618, 1)
		m, err := stage.Screen(d.flat, shot(100+n+i%4/2), stage.Display{Around: i%8 > 3, Pitch: from * math.Pow(to/from, spread)})
		if err != nil {
			return err
		}
		if err := examine("screen", sort, d.name, i%2, m); err != nil {
			return err
		}
		if sort = "screened"; n == 1 {
			sort = "sprayed"
		}
		m, err = stage.Print(d.flat, shot(200+n+i%4/2), stage.Press{Spray: n == 1})
		if err != nil {
			return err
		}
		if err := examine("paper", sort, d.name, i%2, m); err != nil {
			return err
		}
		if d.face.Empty() {
			continue
		}
		// The portrait of the next specimen of the same half that has one.
		other := d
		for k := 2; k < len(docs); k += 2 {
			if o := docs[(i+k*(1+n))%(len(docs)/2*2)]; !o.face.Empty() && o.name != d.name {
				other = o
				break
			}
		}
		bounds := func(m gocv.Mat) image.Rectangle { return image.Rect(0, 0, m.Cols(), m.Rows()) }
		photo, err := picture.Crop(other.flat, around(other.face, bounds(other.flat)))
		if err != nil {
			return err
		}
		swapped, err := stage.Replaced(d.flat, uint64(1000*i+300+n), stage.Portrait{At: around(d.face, bounds(d.flat)), Photo: photo})
		photo.Close()
		if err != nil {
			return err
		}
		m, err = stage.Genuine(swapped, shot(300+n))
		swapped.Close()
		if err != nil {
			return err
		}
		if err := examine("portrait", "", d.name, i%2, m); err != nil {
			return err
		}
	}
	return nil
}

func least(g models.Genuineness) float64 {
	return min(g.ScreenReplay, g.PaperPrinted, g.ReplacePortrait)
}

// sorted says what a sort of attacks is.
func sorted(sort string) string {
	switch sort {
	case "coarse":
		return "displays whose pixels are 1.2 to 3.2 of the camera's"
	case "fine":
		return "displays whose pixels are .6 to 1.2 of the camera's"
	case "screened":
		return "printed with a screen of 75 to 133 lines an inch"
	default:
		return "printed with dots strewn at random"
	}
}

// score is what the pipeline that is meant for an attack says.
func (s staged) score(kind string) float64 {
	switch kind {
	case "screen":
		return s.found.ScreenReplay
	case "paper":
		return s.found.PaperPrinted
	default:
		return s.found.ReplacePortrait
	}
}

func outcome(all []staged) figures.Set {
	out := figures.Set{}
	for half, suffix := range []string{".tuning", ""} {
		which := "; the half of the specimens that nothing was tuned on"
		if half == 0 {
			which = "; the half of the specimens that curves and weights were TUNED on"
		}
		var failed, genuine int
		for _, s := range all {
			if s.half == half && s.kind == "genuine" {
				genuine++
				if least(s.found) < 50 {
					failed++
				}
			}
		}
		out["genuine.bpcer_at_50"+suffix] = figures.Share(failed, genuine, "specimens filmed as themselves that any pipeline scores under 50; filming is simulated too"+which)
		for _, kind := range []string{"screen", "paper", "portrait"} {
			var good, bad []float64
			passed, caught := 0, 0
			sorts := map[string][2]int{}
			for _, s := range all {
				switch {
				case s.half != half:
				case s.kind == "genuine":
					good = append(good, s.score(kind))
				case s.kind == kind:
					bad = append(bad, s.score(kind))
					count := sorts[s.sort]
					count[1]++
					if s.score(kind) >= 50 {
						passed++
						count[0]++
					}
					sorts[s.sort] = count
					if least(s.found) < 50 {
						caught++
					}
				}
			}
			out["genuine.apcer_at_50."+kind+suffix] = figures.Share(passed, len(bad), "attacks that their own pipeline scores 50 and more; "+simulated+which)
			for sort, count := range sorts {
				if sort != "" && half == 1 {
					out["genuine.apcer_at_50."+kind+"."+sort] = figures.Share(count[0], count[1], "of these, "+sorted(sort)+"; "+simulated+which)
				}
			}
			out["genuine.caught_by_any."+kind+suffix] = figures.Share(caught, len(bad), "attacks that any pipeline scores under 50; "+simulated+which)
			out["genuine.auc."+kind+suffix] = figures.Figure{Value: areaUnder(bad, good), Unit: "share", N: len(bad) + len(good), How: "area under the ROC curve of the pipeline's score, its attacks against genuine; " + simulated + which}
		}
	}
	return out
}

// areaUnder is the share of pairs in which the attack scores less, ties half.
func areaUnder(attacks, genuine []float64) float64 {
	if len(attacks) == 0 || len(genuine) == 0 {
		return 0
	}
	sum := 0.0
	for _, a := range attacks {
		for _, g := range genuine {
			switch {
			case a < g:
				sum++
			case a == g:
				sum += .5
			}
		}
	}
	return sum / float64(len(attacks)*len(genuine))
}

// describe writes one line: what, three scores, every cue's measure.
func describe(log io.Writer, kind, name string, half int, g models.Genuineness) {
	var cues []string
	for _, c := range g.Cues {
		cues = append(cues, fmt.Sprintf("%s=%.2f", c.Name, c.Measured))
	}
	slices.Sort(cues)
	fmt.Fprintf(log, "%-8s half %d %-24s screen %3.0f paper %3.0f portrait %3.0f  %s\n", kind, half, name, g.ScreenReplay, g.PaperPrinted, g.ReplacePortrait, strings.Join(cues, " "))
}
