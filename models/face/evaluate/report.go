package evaluate

import (
	"context"
	"fmt"
	"image"
	"path"
	"slices"

	"golang.org/x/image/draw"

	"vestibule/models"
	"vestibule/models/evaluate/report"
	"vestibule/models/face"
	"vestibule/models/inspect"
	"vestibule/models/picture"
)

// page collects what the report tells of faces.
type page struct {
	to            *report.Report
	people        []person
	lives, others []float64 // passive liveness, 0..100, of live people and of attacks
	species       map[string][]float64
	failures      []report.Failure
}

type person struct {
	sample
	small *image.RGBA
}

func newPage(ctx context.Context) *page {
	return &page{to: report.From(ctx), species: map[string][]float64{}}
}

// smallSide is how large a face is kept for the pictures of pairs.
const smallSide = 200

// note takes one picture and what was measured in it.
func (p *page) note(r row, f models.Frame, m models.Face) error {
	if !p.to.Wanted() {
		return nil
	}
	var live float64
	if m.Found {
		live = 100 * m.Live
	}
	why := ""
	switch {
	case !m.Found:
		why = "no face was found"
	case r.kind == "pad" && r.label == "live" && live < face.PassivePass:
		why = fmt.Sprintf("a live person scored %.0f", live)
	case r.kind == "pad" && r.label != "live" && live >= face.PassivePass:
		why = fmt.Sprintf("an attack (%s) scored %.0f", r.note, live)
	}
	if r.kind == "pad" {
		if r.label == "live" {
			p.lives = append(p.lives, live)
		} else {
			p.others = append(p.others, live)
			p.species[r.note] = append(p.species[r.note], live)
		}
	}
	if why != "" {
		if m.Hint != models.HintNone {
			why += "\nhint " + string(m.Hint)
		}
		drawn, err := inspect.Annotate(f, inspect.Account{Face: &m})
		if err != nil {
			return fmt.Errorf("%s: %w", r.file, err)
		}
		p.failures = append(p.failures, report.Failure{Name: path.Base(r.file), Says: why, Picture: drawn})
	}
	if r.kind != "identity" || !m.Found {
		return nil
	}
	whole, err := picture.Image(f)
	if err != nil {
		return fmt.Errorf("%s: %w", r.file, err)
	}
	w, h := picture.Within(whole.Rect.Dx(), whole.Rect.Dy(), smallSide, smallSide)
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.ApproxBiLinear.Scale(small, small.Rect, whole, whole.Rect, draw.Src, nil)
	p.people = append(p.people, person{sample{r.file, r.identity, m.Template}, small})
	return nil
}

// add adds the section; genuine and impostor are the cosines of all pairs.
func (p *page) add(genuine, impostor []float64) {
	if !p.to.Wanted() {
		return
	}
	s := report.Section{
		Title: "Faces",
		Prose: "All pairs of the labelled people, and single pictures of live people and of attacks. What went wrong: faces that were not found, liveness on the wrong side of the line, and the pairs on the wrong side of the product's threshold, the worst first.",
		Curves: []report.Plot{
			report.DET("Comparison: what each threshold costs", "FMR: different people taken for one", "FNMR: one person taken for two", genuine, impostor, map[string]float64{"similarity 85": face.Match}),
			report.Thresholds("Comparison: both errors by threshold", "similarity, of 1", similarities(genuine), similarities(impostor), "one person taken for two", "different people taken for one", map[string]float64{"the product's threshold": face.Similarity(face.Match) / 100}),
			report.DET("Passive liveness of single pictures: what each threshold costs", "APCER: attacks taken for live", "BPCER: live people taken for attacks", p.lives, p.others, map[string]float64{"score 50": face.PassivePass}),
			report.Thresholds("Passive liveness: both errors by threshold", "score, of 1", parts(p.lives), parts(p.others), "live people taken for attacks", "attacks taken for live", map[string]float64{"the product's threshold": face.PassivePass / 100}),
		},
		Failures: append(p.failures, p.pairs()...),
	}
	t := report.Table{Caption: "Attacks by kind: how many pass at 50", Head: []string{"kind", "pictures", "pass", "median score"}}
	kinds := make([]string, 0, len(p.species))
	for k := range p.species {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	for _, k := range kinds {
		v := slices.Clone(p.species[k])
		slices.Sort(v)
		t.Rows = append(t.Rows, []string{k, fmt.Sprint(len(v)), fmt.Sprint(len(v) - below(v, face.PassivePass)), fmt.Sprintf("%.0f", v[len(v)/2])})
	}
	if len(t.Rows) > 0 {
		s.Tables = append(s.Tables, t)
	}
	p.to.Add(s)
}

func similarities(cosines []float64) []float64 {
	out := make([]float64, len(cosines))
	for i, c := range cosines {
		out[i] = face.Similarity(c) / 100
	}
	return out
}

func parts(scores []float64) []float64 {
	out := make([]float64, len(scores))
	for i, s := range scores {
		out[i] = s / 100
	}
	return out
}

// pairs shows the pairs on the wrong side of the threshold, those farthest from it first.
func (p *page) pairs() []report.Failure {
	type miss struct {
		a, b person
		cos  float64
	}
	var list []miss
	for i, a := range p.people {
		for _, b := range p.people[i+1:] {
			if c := face.Cosine(a.template, b.template); (a.identity == b.identity) != (c >= face.Match) {
				list = append(list, miss{a, b, c})
			}
		}
	}
	off := func(m miss) float64 { return max(m.cos-face.Match, face.Match-m.cos) }
	slices.SortStableFunc(list, func(x, y miss) int {
		switch a, b := off(x), off(y); {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	var out []report.Failure
	for i, m := range list {
		says := fmt.Sprintf("one person, taken for two: similarity %.0f, cosine %.3f", face.Similarity(m.cos), m.cos)
		if m.a.identity != m.b.identity {
			says = fmt.Sprintf("two people, taken for one: similarity %.0f, cosine %.3f", face.Similarity(m.cos), m.cos)
		}
		f := report.Failure{Name: path.Base(m.a.file) + " and " + path.Base(m.b.file), Says: says}
		if i < report.MaxFailures { // more are counted only
			f.Picture = beside(m.a.small, m.b.small)
		}
		out = append(out, f)
	}
	return out
}

func beside(a, b *image.RGBA) *image.RGBA {
	const gap = 6
	out := image.NewRGBA(image.Rect(0, 0, a.Rect.Dx()+gap+b.Rect.Dx(), max(a.Rect.Dy(), b.Rect.Dy())))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(out, a.Rect, a, image.Point{}, draw.Src)
	draw.Draw(out, b.Rect.Add(image.Pt(a.Rect.Dx()+gap, 0)), b, image.Point{}, draw.Src)
	return out
}
