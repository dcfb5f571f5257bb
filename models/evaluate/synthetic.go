package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/evaluate/report"
	"vestibule/models/manifest"
	drawings "vestibule/models/specimen"
)

// How many documents are drawn, and from which seed on: -n and -seed.
type drawing struct {
	n    int
	seed uint64
}

// drawn is how documents are drawn in this run.
type drawnKey struct{}

func drawingOf(ctx context.Context) drawing {
	if d, ok := ctx.Value(drawnKey{}).(drawing); ok {
		return d
	}
	return drawing{n: 240, seed: 1}
}

// portraits are pictures of people for the drawn documents: those of the demonstration, where they were fetched.
func portraits() []image.Image {
	var out []image.Image
	files, _ := filepath.Glob(filepath.Join(manifest.Dir(), "portraits", "*.jpg"))
	slices.Sort(files)
	for _, f := range files {
		m := gocv.IMRead(f, gocv.IMReadColor)
		if m.Empty() {
			m.Close()
			continue
		}
		// The middle of each holds faces; cut-outs of people alone come with the demonstration.
		img, err := m.ToImage()
		m.Close()
		if err == nil {
			out = append(out, img)
		}
	}
	return out
}

// tally counts what went well.
type tally struct{ right, n int }

func (t *tally) add(right bool) {
	t.n++
	if right {
		t.right++
	}
}

func (t *tally) share(how string) figures.Figure {
	if t == nil {
		return figures.Share(0, 0, how)
	}
	return figures.Share(t.right, t.n, how)
}

// synthetic reads documents of every form that are drawn and filmed from a seed: any turn, tilts up
// to 30°, perspective up to 15 %, on four kinds of ground, 1280×960, out of focus, noisy, unevenly
// lit, JPEG. It measures the border, the kind, and the zone.
func synthetic(ctx context.Context, e models.Engine, _ string, log io.Writer) (figures.Set, error) {
	printer, err := drawings.NewPrinter()
	if err != nil {
		return nil, err
	}
	of := drawingOf(ctx)
	people := portraits()
	grounds, forms := drawings.Backgrounds(), drawings.Documents()
	outline, exact, accept := map[string]*tally{}, map[string]*tally{}, map[string]*tally{}
	count := func(m map[string]*tally, right bool, names ...string) {
		for _, n := range names {
			if m[n] == nil {
				m[n] = &tally{}
			}
			m[n].add(right)
		}
	}
	var kinds report.Confusion
	var kind, otherKind tally
	wrong := 0
	var ms []float64
	section := report.Section{Title: "Drawn documents", Prose: "Drawn and filmed from a seed; what is wrong here can be drawn again with -seed."}
	for i := range of.n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		dice := rand.New(rand.NewPCG(of.seed+uint64(i), 41))
		form, ground := forms[i%len(forms)], grounds[(i/len(forms))%len(grounds)]
		var portrait image.Image
		if len(people) > 0 {
			portrait = bust(people[dice.IntN(len(people))])
		}
		sheet, err := drawings.Make(form, dice, portrait)
		if err != nil {
			return nil, err
		}
		scene := drawings.Random(sheet, ground, 1280, 960, dice)
		pic, err := printer.Film(sheet, scene)
		if err != nil {
			return nil, err
		}
		f, err := pic.Frame()
		pic.BGR.Close()
		if err != nil {
			return nil, err
		}
		start := time.Now()
		d, err := e.ReadDocument(ctx, []models.Frame{f})
		if err != nil {
			return nil, fmt.Errorf("drawn document %d: %w", i, err)
		}
		ms = append(ms, float64(time.Since(start))/float64(time.Millisecond))
		over := 0.0
		if d.Outline != nil {
			over = overlap(*d.Outline, pic.Corners, float64(scene.Width), float64(scene.Height))
		}
		count(outline, over >= .9, string(ground), "all")
		if over < .9 {
			fmt.Fprintf(log, "drawn %d: %s on %s, turn %.0f, tilt %.0f: the border overlaps the truth by %.2f, zone %v, hint %q\n", i, form, ground, scene.Turn, scene.Tilt, over, d.MRZ != nil, d.Hint)
		}
		kinds.Count(kindName(sheet.Kind), kindName(d.Kind))
		if len(sheet.Lines) > 0 {
			kind.add(d.Kind == sheet.Kind)
			var got []string
			for _, l := range d.Lines {
				got = append(got, l.Text)
			}
			same := slices.Equal(got, sheet.Lines)
			take := d.MRZ != nil && d.Agreed && digitsFit(*d.MRZ)
			count(exact, same, string(form), "all")
			count(accept, take, string(form), "all")
			if take && !same {
				wrong++
			}
			if !same || take && !same {
				fmt.Fprintf(log, "drawn %d: %s on %s, %.1f px/mm, turn %.0f, tilt %.0f, blur %.1f: hint %q, agreed %v, border %.2f\n    want %s\n    got  %s\n",
					i, form, ground, scene.PxMM, scene.Turn, scene.Tilt, scene.Blur, d.Hint, d.Agreed, over, strings.Join(sheet.Lines, " "), strings.Join(got, " "))
				section.Failures = appendFailure(ctx, section.Failures, f, fmt.Sprintf("drawn %d, %s on %s", i, form, ground), sheet.Lines, got)
			}
		} else {
			otherKind.add(d.Kind == sheet.Kind || d.Kind == models.KindUnknown || form == drawings.LicenseFront && d.Kind == models.KindCard)
			if d.Kind != sheet.Kind {
				fmt.Fprintf(log, "drawn %d: %s on %s is taken for %q\n", i, form, ground, d.Kind)
			}
			if d.MRZ != nil && d.Agreed && digitsFit(*d.MRZ) {
				wrong++
			}
		}
	}
	accepted, things := 0, 0
	for i := range max(of.n/4, len(drawings.NoDocuments())) {
		dice := rand.New(rand.NewPCG(of.seed+uint64(i), 43))
		form := drawings.NoDocuments()[i%len(drawings.NoDocuments())]
		if form == drawings.Face && len(people) == 0 {
			continue
		}
		var portrait image.Image
		if len(people) > 0 {
			portrait = bust(people[dice.IntN(len(people))])
		}
		sheet, err := drawings.Make(form, dice, portrait)
		if err != nil {
			return nil, err
		}
		pic, err := printer.Film(sheet, drawings.Random(sheet, grounds[(i/len(drawings.NoDocuments()))%len(grounds)], 1280, 960, dice))
		if err != nil {
			return nil, err
		}
		f, err := pic.Frame()
		pic.BGR.Close()
		if err != nil {
			return nil, err
		}
		d, err := e.ReadDocument(ctx, []models.Frame{f})
		if err != nil {
			return nil, fmt.Errorf("drawn thing %d: %w", i, err)
		}
		things++
		kinds.Count(kindName(models.KindNotID), kindName(d.Kind))
		if d.Kind != models.KindNotID && d.Kind != models.KindUnknown || d.MRZ != nil {
			accepted++
			fmt.Fprintf(log, "drawn thing %d: %s is taken for %q\n", i, form, d.Kind)
		}
	}
	section.Tables = append(section.Tables, kinds.Table("Kinds: drawn, and taken for"))
	report.From(ctx).Add(section)
	how := fmt.Sprintf("drawn and filmed documents from seed %d on, 1280×960, any turn, tilt to 30°, perspective to 15 %%; of drawings, not of real documents", of.seed)
	set := figures.Set{
		"mrz.synthetic_exact":          exact["all"].share("every line as drawn; " + how),
		"mrz.synthetic_accept_rate":    accept["all"].share("sure readings from one frame: digits fit and both readers agree; " + how),
		"mrz.synthetic_accepted_wrong": figures.Count(wrong, of.n, "sure readings in which a character differs; "+how),
		"mrz.synthetic_read_ms":        figures.Spread(ms, "ms", "whole readings; "+how),
		"document.outline_iou90":       outline["all"].share("overlap of the outline with the truth of .9 and more; " + how),
		"document.kind_right":          kind.share("documents with a zone; " + how),
		"document.kind_plausible":      otherKind.share("documents without a zone on that side: right, or left open, or the front of a licence told as that of a card; " + how),
		"document.not_id_false_accept": figures.Share(accepted, things, "things that are no documents and are taken for one; drawn"),
	}
	for _, g := range grounds {
		set["document.outline_iou90."+string(g)] = outline[string(g)].share("on this ground; " + how)
	}
	for _, f := range drawings.Zones() {
		set["mrz.synthetic_exact."+string(f)] = exact[string(f)].share("of this form; " + how)
	}
	return set, nil
}

func kindName(k models.Kind) string {
	if k == models.KindUnknown {
		return "open"
	}
	return string(k)
}

// bust cuts the middle out of a picture of people: a portrait's shape.
func bust(img image.Image) image.Image {
	b := img.Bounds()
	h := b.Dy() * 3 / 4
	w := h * 35 / 45
	x, y := b.Min.X+(b.Dx()-w)/2, b.Min.Y+(b.Dy()-h)/3
	type cropper interface {
		SubImage(image.Rectangle) image.Image
	}
	if c, ok := img.(cropper); ok {
		return c.SubImage(image.Rect(x, y, x+w, y+h))
	}
	return img
}

// appendFailure keeps a few pictures of what went wrong for the report.
func appendFailure(ctx context.Context, list []report.Failure, f models.Frame, title string, want, got []string) []report.Failure {
	if !report.From(ctx).Wanted() || len(list) >= 12 {
		return list
	}
	img, err := jpeg.Decode(bytes.NewReader(f.Pix))
	if err != nil {
		return list
	}
	return append(list, report.Failure{Name: title, Says: "drawn " + strings.Join(want, " ") + ", read " + strings.Join(got, " "), Picture: img})
}

// overlap is the intersection of two convex outlines over their union, 0..1.
func overlap(a, b models.Quad, w, h float64) float64 {
	type point struct{ x, y float64 }
	shape := func(q models.Quad) []point {
		var p []point
		for _, c := range q {
			p = append(p, point{c.X * w, c.Y * h})
		}
		area := 0.0
		for i := range p {
			j := (i + 1) % len(p)
			area += p[i].x*p[j].y - p[j].x*p[i].y
		}
		if area < 0 {
			slices.Reverse(p)
		}
		return p
	}
	area := func(p []point) float64 {
		s := 0.0
		for i := range p {
			j := (i + 1) % len(p)
			s += p[i].x*p[j].y - p[j].x*p[i].y
		}
		return s / 2
	}
	one, two := shape(a), shape(b)
	both := one
	for i := range two {
		p, q := two[i], two[(i+1)%4]
		in := func(v point) float64 { return (q.x-p.x)*(v.y-p.y) - (q.y-p.y)*(v.x-p.x) }
		var out []point
		for j := range both {
			u, v := both[j], both[(j+1)%len(both)]
			su, sv := in(u), in(v)
			if su >= 0 {
				out = append(out, u)
			}
			if su >= 0 != (sv >= 0) {
				k := su / (su - sv)
				out = append(out, point{u.x + (v.x-u.x)*k, u.y + (v.y-u.y)*k})
			}
		}
		if both = out; len(both) == 0 {
			return 0
		}
	}
	common := area(both)
	return common / (area(one) + area(two) - common)
}
