package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"io"
	"path/filepath"
	"slices"
	"time"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/picture"
	"vestibule/models/quality"
)

// pictureQuality spoils the clean pictures of the documents' folder in known ways and measures how
// well the scores of package quality tell the spoilt ones from the clean ones, and how often the
// product's thresholds would complain about a clean one.
func pictureQuality(ctx context.Context, e models.Engine, data string, log io.Writer) (figures.Set, error) {
	var list []specimen
	if err := load(filepath.Join(data, "documents", "manifest.json"), &list); err != nil {
		return nil, err
	}
	s := spoiler{scores: map[string][]float64{}, log: log}
	defer s.close()
	for i, one := range list {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.specimen(ctx, e, uint64(i), filepath.Join(data, "documents", one.File)); err != nil {
			return nil, fmt.Errorf("%s: %w", one.File, err)
		}
	}
	for i := range uint64(20) {
		d := newDistorter(1000 + i)
		s.note("glare.white", s.measure(d.page()).Glare)
	}
	return s.figures(), s.err
}

// spoiler collects scores by what was done to the picture.
type spoiler struct {
	scores   map[string][]float64
	measurer quality.Measurer
	log      io.Writer
	err      error
}

func (s *spoiler) close() { s.measurer.Close() }

func (s *spoiler) note(name string, score float64) {
	s.scores[name] = append(s.scores[name], score)
	fmt.Fprintf(s.log, " %s %.1f", name, score)
}

// measure takes m over.
func (s *spoiler) measure(m gocv.Mat) models.Quality {
	defer m.Close()
	q, err := s.measurer.Measure(m)
	if err != nil && s.err == nil {
		s.err = err
	}
	return q
}

func (s *spoiler) specimen(ctx context.Context, e models.Engine, seed uint64, file string) error {
	m := gocv.IMRead(file, gocv.IMReadColor)
	defer m.Close()
	if err := picture.BGR(m); err != nil {
		return err
	}
	if m.Cols() < wide {
		return nil
	}
	fmt.Fprintf(s.log, "%-24s %4d×%-4d", filepath.Base(file), m.Cols(), m.Rows())
	defer fmt.Fprintln(s.log)
	d := newDistorter(seed)
	asIs := s.measure(m.Clone())

	s.note("sharp", asIs.Sharpness)
	s.note("blur.gauss15", s.measure(d.focus(m, 1.5)).Sharpness)
	s.note("blur.gauss25", s.measure(d.focus(m, 2.5)).Sharpness)
	s.note("blur.motion", s.measure(d.motion(m, 9)).Sharpness)

	camera := exposed(m)
	defer camera.Close()
	s.note("plain", s.measure(camera.Clone()).Glare)
	s.note("plain.scan", asIs.Glare)
	s.note("plain.uneven", s.measure(d.uneven(camera)).Glare)
	for _, k := range kinds() {
		spots := d.spots(camera, k)
		s.note("glare."+k.name, s.measure(shine(camera, spots)).Glare)
		s.note("glare.scan", s.measure(shine(m, spots)).Glare)
	}
	if err := s.across(d, "", camera); err != nil {
		return err
	}
	if err := s.across(d, ".scan", m); err != nil {
		return err
	}

	// What is printed in black and white is no copy for that, but has no colour to be told by.
	if colourful(m) {
		copied := d.copied(m)
		defer copied.Close()
		s.note("colour", asIs.Colour)
		s.note("copy", s.measure(copied.Clone()).Colour)
		all := lamps()
		for _, l := range all {
			s.note("colour.cast", s.measure(lit(m, l, l)).Colour)
			s.note("copy.cast", s.measure(lit(copied, l, l)).Colour)
		}
		s.note("colour.mixed", s.measure(lit(m, all[0], all[2])).Colour)
		s.note("copy.mixed", s.measure(lit(copied, all[0], all[2])).Colour)
	}

	for i, table := range []color.RGBA{{R: 38, G: 40, B: 44}, {R: 205, G: 205, B: 200}, {R: 150, G: 105, B: 65}} {
		laid, corners := d.laid(m, table)
		s.place("free", laid, corners)
		for _, skin := range skins() {
			f := d.finger(laid, corners, skin, d.between(70, 120), d.between(35, 90))
			s.place("finger", f, corners)
			if i == 0 {
				hint, err := s.glance(ctx, e, f)
				if err != nil {
					return err
				}
				s.note("live.finger", one(hint == models.HintFinger))
				s.note("live.stopped", one(hint != models.HintNone))
			}
			f.Close()
		}
		hint, err := s.glance(ctx, e, laid)
		if err != nil {
			return err
		}
		s.note("live.free", one(hint == models.HintFinger))
		if i == 0 {
			s.note("live.ready", one(hint == models.HintNone))
		}
		laid.Close()
	}
	return nil
}

// across compares three frames in which a reflection moves, and three without one.
func (s *spoiler) across(d distorter, name string, m gocv.Mat) error {
	k := kinds()[1]
	spots := d.spots(m, k)
	var with, without []gocv.Mat
	defer func() {
		for _, m := range slices.Concat(with, without) {
			m.Close()
		}
	}()
	reach := float64(m.Cols()) / 480 // a pixel where they are compared
	for range 3 {
		shone := shine(m, spots)
		with = append(with, d.filmed(shone, reach))
		shone.Close()
		without = append(without, d.filmed(m, reach))
		spots[0].x += d.between(.08, .16) * float64(m.Cols())
		if spots[0].x > .9*float64(m.Cols()) {
			spots[0].x = .15 * float64(m.Cols())
		}
	}
	for what, frames := range map[string][]gocv.Mat{"across.moving": with, "across.plain": without} {
		r, err := quality.GlareAcross(frames)
		if err != nil {
			return err
		}
		worst := 100.0
		for _, one := range r {
			worst = min(worst, one.Score)
		}
		s.scores[what+name] = append(s.scores[what+name], worst)
	}
	return nil
}

func (s *spoiler) place(name string, m gocv.Mat, corners [4]image.Point) {
	var q models.Quad
	for i, c := range corners {
		q[i] = models.Point{X: float64(c.X) / float64(m.Cols()), Y: float64(c.Y) / float64(m.Rows())}
	}
	p, err := s.measurer.Place(m, q, 0)
	if err != nil && s.err == nil {
		s.err = err
	}
	s.note(name, p.Uncovered)
}

// glance times the live look at a frame as a camera sends it, and gives its hint.
func (s *spoiler) glance(ctx context.Context, e models.Engine, m gocv.Mat) (models.HintCode, error) {
	b, err := picture.EncodeJPEG(m, 90)
	if err != nil {
		return "", err
	}
	start, used := time.Now(), processCPU()
	g, err := e.Glance(ctx, models.Frame{Format: models.JPEG, Pix: b}, models.AimDocument)
	if err != nil {
		return "", err
	}
	s.scores["glance.ms"] = append(s.scores["glance.ms"], float64(time.Since(start))/float64(time.Millisecond))
	s.scores["glance.cpu"] = append(s.scores["glance.cpu"], processCPU()-used)
	return g.Hint, nil
}

// one is 1 for what is so, to be counted by its share.
func one(so bool) float64 {
	if so {
		return 1
	}
	return 0
}

// colourful tells by the plain difference of the channels, not by the measure in question.
func colourful(m gocv.Mat) bool {
	n, pix := 0, m.ToBytes()
	for i := 0; i+2 < len(pix); i += 3 {
		if max(pix[i], pix[i+1], pix[i+2])-min(pix[i], pix[i+1], pix[i+2]) > 12 {
			n++
		}
	}
	return n > len(pix)/3/50
}

func (s *spoiler) figures() figures.Set {
	const how = "public specimen pictures of 500 px width and more, clean against distorted in code with a fixed seed; area under the curve. The measures were tuned on the same pictures"
	all := func(names ...string) (out []float64) {
		for _, n := range names {
			out = append(out, s.scores[n]...)
		}
		return out
	}
	area := func(good, bad []float64, more string) figures.Figure {
		return figures.Figure{Value: auc(good, bad), Unit: "auc", N: len(bad), How: how + "; " + more}
	}
	below := func(v []float64, least float64, more string) figures.Figure {
		n := 0
		for _, x := range v {
			if x < least {
				n++
			}
		}
		return figures.Share(n, len(v), more)
	}
	count := func(v []float64, more string) figures.Figure {
		n := 0.0
		for _, x := range v {
			n += x
		}
		return figures.Share(int(n), len(v), more)
	}
	sharp, colour := all("sharp"), all("colour")
	out := figures.Set{
		"quality.blur_auc":            area(sharp, all("blur.gauss15", "blur.gauss25", "blur.motion"), "all of the following"),
		"quality.blur_auc.gauss15":    area(sharp, all("blur.gauss15"), "Gaussian of 1.5 pixels"),
		"quality.blur_auc.gauss25":    area(sharp, all("blur.gauss25"), "Gaussian of 2.5 pixels"),
		"quality.blur_auc.motion":     area(sharp, all("blur.motion"), "even motion of 9 pixels in any direction"),
		"quality.blur_false_alarm":    below(sharp, quality.Legible, "clean pictures under Legible"),
		"quality.blur_caught":         below(all("blur.gauss25"), quality.Legible, "Gaussian of 2.5 pixels under Legible"),
		"quality.glare_auc.scan":      area(all("plain.scan"), all("glare.scan"), "all kinds of spots on the scans as they are: on paper at 255 light leaves no trace"),
		"quality.glare_false_alarm":   below(all("plain", "plain.scan", "plain.uneven", "glare.white"), quality.Glaring, "under Glaring: clean pictures as scanned, as exposed, in uneven light, and drawn white pages"),
		"quality.glare_across_auc":    area(all("across.plain"), all("across.moving"), "three frames a pixel off each other, a spot that moves or none"),
		"quality.glare_across.scan":   area(all("across.plain.scan"), all("across.moving.scan"), "the same on the scans as they are, white paper at 255 included"),
		"quality.copy_auc":            area(colour, all("copy"), "copies in black and white with a toner's tint; pictures without any colour left out"),
		"quality.copy_auc.cast":       area(all("colour.cast"), all("copy.cast"), "both in four lamps' light, unbalanced"),
		"quality.copy_auc.mixed":      area(all("colour.mixed"), all("copy.mixed"), "both in warm light from the left and cool light from the right"),
		"quality.copy_false_alarm":    below(all("colour", "colour.cast"), quality.Grey, "pictures in colour, under each lamp, under Grey"),
		"quality.copy_caught":         below(all("copy", "copy.cast"), quality.Grey, "copies, under each lamp, under Grey"),
		"quality.finger_auc":          area(all("free"), all("finger"), "drawn fingers of five skins over one border, on a dark, a light and a wooden table; the outline is given"),
		"quality.finger_false_alarm":  below(all("free"), quality.Obstructed, "the same without a finger, under Obstructed"),
		"quality.finger_caught":       below(all("finger"), quality.Obstructed, "the same with one, under Obstructed"),
		"quality.finger_live":         count(all("live.finger"), "the engine's live look names the finger; it finds the outline itself; dark table"),
		"quality.finger_live_stopped": count(all("live.stopped"), "the same: it names anything, so that no picture is taken"),
		"quality.live_ready":          count(all("live.ready"), "the engine's live look has nothing against the same pictures without a finger; dark table"),
		"quality.finger_live_false":   count(all("live.free"), "the engine's live look names a finger where none is, all tables"),
		"quality.glance_ms":           figures.Spread(all("glance.ms"), "ms", "the engine's live look at a JPEG of 1280 × 720, decoding included"),
		"quality.glance_cpu_ms":       figures.Spread(all("glance.cpu"), "ms", "processor time of the same, all threads"),
	}
	var glare []float64
	for _, k := range kinds() {
		v := all("glare." + k.name)
		out["quality.glare_auc."+k.name] = area(all("plain"), v, "the paper exposed to 220")
		out["quality.glare_caught."+k.name] = below(v, quality.Glaring, "the same under Glaring")
		glare = append(glare, v...)
	}
	out["quality.glare_auc"] = area(all("plain", "plain.uneven", "glare.white"), glare, "all kinds of spots, the paper exposed to 220, against the same pictures clean, in uneven light, and drawn white pages")
	return out
}

// auc is the area under the curve: how often a good one scores above a bad one, ties by half.
func auc(good, bad []float64) float64 {
	if len(good) == 0 || len(bad) == 0 {
		return 0
	}
	g := slices.Sorted(slices.Values(good))
	sum := 0.0
	for _, b := range bad {
		lo, _ := slices.BinarySearch(g, b)
		hi := lo
		for hi < len(g) && g[hi] == b {
			hi++
		}
		sum += float64(len(g)-hi) + float64(hi-lo)/2
	}
	return sum / float64(len(g)*len(bad))
}
