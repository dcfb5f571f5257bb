package evaluate

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"path/filepath"
	"strings"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/face"
	"vestibule/models/picture"
)

// Quality measures capture quality on DATA/faces: the rows of kind quality, each
// labelled with its defect, those of kind pose_eyes, and coverings: how often a face
// that is in view is called covered, and how often a painted mask or painted dark
// glasses are noticed. What a painted covering shows is the measure's best case: it is
// plain. It fails with fs.ErrNotExist when DATA has no such folder.
func Quality(ctx context.Context, e models.Engine, data string, log io.Writer) (figures.Set, error) {
	rows, err := list(filepath.Join(data, "faces", "manifest.csv"))
	if err != nil {
		return nil, err
	}
	type tally struct{ hit, n int }
	add := func(m map[string]*tally, key string, hit bool) {
		if m[key] == nil {
			m[key] = &tally{}
		}
		m[key].n++
		if hit {
			m[key].hit++
		}
	}
	defects, covered := map[string]*tally{}, map[string]*tally{}
	var found, refused, pose, eyes, called tally
	for _, r := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		switch r.kind {
		case "quality", "pose_eyes", "identity":
		default:
			continue
		}
		shot, f, err := look(ctx, e, data, r)
		if err != nil {
			return nil, err
		}
		switch r.kind {
		case "quality":
			hit := hasDefect(f, r.label)
			add(defects, r.label, hit)
			found.n, refused.n = found.n+1, refused.n+1
			if hit {
				found.hit++
			}
			if f.Hint != models.HintNone {
				refused.hit++
			}
			fmt.Fprintf(log, "%s: %s found %v, hint %q, quality %.0f, least %s\n", r.file, r.label, hit, f.Hint, f.Quality, least(f))
		case "pose_eyes":
			ok := asLabelled(f, r.label)
			of := &pose
			if strings.Contains(r.label, "eye") {
				of = &eyes
			}
			of.n++
			if ok {
				of.hit++
			}
			fmt.Fprintf(log, "%s: %s right %v, yaw %.0f pitch %.0f roll %.0f eyes %.2f\n", r.file, r.label, ok, f.Yaw, f.Pitch, f.Roll, f.EyesOpen)
		case "identity":
			if !f.Found || f.Detail == nil {
				continue
			}
			called.n++
			if hidden(f) {
				called.hit++
				fmt.Fprintf(log, "%s: called covered, mouth relief %.1f, eye contrast %.1f\n", r.file, f.Detail.MouthRelief, f.Detail.EyeContrast)
			}
			for _, c := range coverings() {
				hit, err := noticed(ctx, e, shot, f, c)
				if err != nil {
					return nil, fmt.Errorf("%s with %s: %w", r.file, c.name, err)
				}
				add(covered, c.name, hit)
			}
		}
	}
	out := figures.Set{
		"face.quality_reject":  figures.Share(found.hit, found.n, "pictures of kind quality whose labelled defect is found (its component is under 50)"),
		"face.quality_refused": figures.Share(refused.hit, refused.n, "of these: pictures with a hint, whichever"),
		"face.pose_right":      figures.Share(pose.hit, pose.n, "pictures of kind pose_eyes with a turned head: its direction, by 5 degrees and more"),
		"face.eyes_right":      figures.Share(eyes.hit, eyes.n, "pictures of kind pose_eyes about open and closed eyes; eyes that are not judged, the head being turned too far, count as wrong"),
		"face.covered_false":   figures.Share(called.hit, called.n, "pictures of kind identity, called covered; dark glasses among them are not labelled and count"),
	}
	for label, t := range defects {
		out["face.quality_reject."+slug(label)] = figures.Share(t.hit, t.n, "of these: "+label)
	}
	for name, t := range covered {
		out["face.covered_found."+slug(name)] = figures.Share(t.hit, t.n, "pictures of kind identity with a painted "+name+", called covered or without a face; the limits were set on the same pictures")
	}
	return out, nil
}

// look reads a row's picture and measures its face.
func look(ctx context.Context, e models.Engine, data string, r row) (models.Frame, models.Face, error) {
	shot, err := picture.FromFile(filepath.Join(data, "faces", filepath.FromSlash(r.file)))
	if err != nil {
		return shot, models.Face{}, err
	}
	f, err := e.ReadFace(ctx, shot)
	if err != nil {
		return shot, f, fmt.Errorf("%s: %w", r.file, err)
	}
	return shot, f, nil
}

// hasDefect reports whether the components name what the label says.
func hasDefect(f models.Face, label string) bool {
	names := map[string][]string{
		"multi_face": {"single-face-present"},
		"cropped":    {"leftward-crop", "rightward-crop", "margin-above", "margin-below", "jaw-in-view"},
		"occluded":   {"mouth-occlusion-prevention", "eyes-visible"},
		"blur":       {"sharpness"},
		"dark":       {"luminance-mean"},
		"bright":     {"luminance-mean"},
	}[label]
	if label == "no_face" {
		return !f.Found
	}
	for _, c := range face.Components(f) {
		for _, n := range names {
			if c.Name == n && c.Score < 50 {
				return true
			}
		}
	}
	return false
}

// least names the lowest component.
func least(f models.Face) string {
	name, score := "none", 101.0
	for _, c := range face.Components(f) {
		if c.Score < score {
			name, score = fmt.Sprintf("%s %.0f", c.Name, c.Score), c.Score
		}
	}
	return name
}

// asLabelled reports whether pose and eyes are as the label says: yaw is + towards image
// left, pitch + up.
func asLabelled(f models.Face, label string) bool {
	const turn = 5
	if !f.Found {
		return false
	}
	switch label {
	case "yaw_image_left":
		return f.Yaw > turn
	case "yaw_image_right":
		return f.Yaw < -turn
	case "pitch_up":
		return f.Pitch > turn
	case "pitch_down":
		return f.Pitch < -turn
	case "roll_positive":
		return f.Roll > turn
	case "roll_negative":
		return f.Roll < -turn
	case "eyes_open":
		return f.EyesOpen >= face.MinEyesOpen
	case "eyes_closed", "left_image_eye_closed_right_open":
		return f.EyesOpen >= 0 && f.EyesOpen < face.MinEyesOpen
	}
	return false
}

// hidden reports whether a face is called covered, whatever else is wrong with it.
func hidden(f models.Face) bool { return hasDefect(f, "occluded") }

// covering is something painted over a face.
type covering struct {
	name   string
	glass  bool // over the eyes; else from the nose to the chin
	colour color.RGBA
	skin   bool // in the colour of the nose's bridge instead
}

func coverings() []covering {
	return []covering{
		{name: "blue mask", colour: color.RGBA{R: 130, G: 175, B: 205, A: 255}},
		{name: "white mask", colour: color.RGBA{R: 225, G: 225, B: 225, A: 255}},
		{name: "black mask", colour: color.RGBA{R: 35, G: 36, B: 40, A: 255}},
		{name: "skin-coloured mask", skin: true},
		{name: "dark glasses", glass: true, colour: color.RGBA{R: 25, G: 25, B: 25, A: 255}},
	}
}

// noticed paints the covering, with a sensor's noise and darker to the sides, and looks again.
func noticed(ctx context.Context, e models.Engine, shot models.Frame, f models.Face, c covering) (bool, error) {
	m, err := picture.Decode(shot)
	if err != nil {
		return false, err
	}
	defer m.Close()
	w, h := m.Cols(), m.Rows()
	at := func(i int) image.Point {
		return image.Pt(int(f.Points[i].X*float64(w)), int(f.Points[i].Y*float64(h)))
	}
	var outline [][]image.Point
	if c.glass {
		five := face.FivePoints(f.Points)
		for _, eye := range five[:2] {
			var round []image.Point
			for k := range 24 {
				sin, cos := math.Sincos(float64(k) / 12 * math.Pi)
				round = append(round, image.Pt(int(eye.X*float64(w)+.42*f.Eyes*cos), int(eye.Y*float64(h)+f.Eyes*(.05+.3*sin))))
			}
			outline = append(outline, round)
		}
	} else {
		var lower []image.Point
		for i := 2; i <= 14; i++ {
			lower = append(lower, at(i))
		}
		outline = append(outline, append(lower, at(29)))
	}
	area := gocv.NewMatWithSizeFromScalar(gocv.Scalar{}, h, w, gocv.MatTypeCV8UC1)
	defer area.Close()
	polygon := gocv.NewPointsVectorFromPoints(outline)
	defer polygon.Close()
	gocv.FillPoly(&area, polygon, color.RGBA{R: 255, G: 255, B: 255, A: 255})
	pix, mask := m.ToBytes(), area.ToBytes()
	tint := [3]float64{float64(c.colour.B), float64(c.colour.G), float64(c.colour.R)}
	if p := at(27); c.skin && p.In(image.Rect(0, 0, w, h)) {
		for k := range tint {
			tint[k] = float64(pix[3*(p.Y*w+p.X)+k])
		}
	}
	middle, noise := at(30).X, uint32(1)
	for i, inside := range mask {
		if inside == 0 {
			continue
		}
		noise = noise*1664525 + 1013904223
		shade := 1 - .15*math.Abs(float64(i%w-middle))/math.Max(1, f.Eyes)
		for k := range tint {
			pix[3*i+k] = byte(math.Max(0, math.Min(255, tint[k]*shade+float64(noise>>28)/2-4)))
		}
	}
	for i := 0; i < len(pix); i += 3 { // to RGB
		pix[i], pix[i+2] = pix[i+2], pix[i]
	}
	again, err := e.ReadFace(ctx, models.Frame{Format: models.RGB, Width: w, Height: h, Pix: pix})
	if err != nil {
		return false, err
	}
	return !again.Found || hidden(again), nil
}
