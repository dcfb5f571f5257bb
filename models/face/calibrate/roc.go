package calibrate

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"vestibule/models/face"
)

// Point is one threshold: clips that reach it pass.
type Point struct {
	Threshold float64 // 0..100
	APCER     float64 // share of attacks that pass (ISO/IEC 30107-3)
	BPCER     float64 // share of living people that do not
}

// ROC is how well scores tell live clips from attacks.
type ROC struct {
	Points []Point // from the strictest threshold to the mildest
	EER    float64 // where both errors are the same
	AUC    float64 // 1: told apart without error, .5: not at all
	At     Point   // at face.PassivePass
}

func rocOf(clips []Clip, scores []float64) ROC {
	var live, attack []float64
	for i, c := range clips {
		if c.Live {
			live = append(live, scores[i])
		} else {
			attack = append(attack, scores[i])
		}
	}
	share := func(v []float64, t float64) float64 { // that reaches t
		n := 0
		for _, x := range v {
			if x >= t {
				n++
			}
		}
		return float64(n) / float64(len(v))
	}
	at := func(t float64) Point { return Point{t, share(attack, t), 1 - share(live, t)} }
	r := ROC{At: at(face.PassivePass)}
	thresholds := append([]float64{101}, scores...)
	slices.Sort(thresholds)
	slices.Reverse(thresholds)
	for _, t := range slices.Compact(thresholds) {
		r.Points = append(r.Points, at(t))
	}
	met := false
	for i := 1; i < len(r.Points); i++ {
		a, b := r.Points[i-1], r.Points[i]
		r.AUC += (b.APCER - a.APCER) * (2 - a.BPCER - b.BPCER) / 2
		if !met && b.APCER >= b.BPCER {
			// Between two points both errors are taken to change evenly.
			d, e := a.BPCER-a.APCER, b.APCER-b.BPCER
			k := 1.0
			if d+e > 0 {
				k = d / (d + e)
			}
			r.EER, met = a.APCER+k*(b.APCER-a.APCER), true
		}
	}
	return r
}

// Text tells an operator what the calibration is worth.
func (r Result) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d live clips, %d attacks; \"after\" is cross-validated: no clip was judged by a head that had seen it\n", r.Live, r.Attack)
	fmt.Fprintf(&b, "%-34s %8s %8s\n", "", "before", "after")
	row := func(what string, before, after float64, unit string) {
		fmt.Fprintf(&b, "%-34s %7.1f%s %7.1f%s\n", what, before, unit, after, unit)
	}
	row("equal error rate", 100*r.Before.EER, 100*r.After.EER, "%")
	row("attacks that pass at 50 (APCER)", 100*r.Before.At.APCER, 100*r.After.At.APCER, "%")
	row("living people stopped at 50 (BPCER)", 100*r.Before.At.BPCER, 100*r.After.At.BPCER, "%")
	fmt.Fprintf(&b, "%-34s %8.3f %8.3f\n", "area under the curve", r.Before.AUC, r.After.AUC)
	n := min(r.Live, r.Attack)
	fmt.Fprintf(&b, "with %d clips a rate of 0 means: below %.0f%% (95%%)\n", n, 300/float64(n))
	return b.String()
}

// Sizes of the plot, pixels.
const (
	plotSide   = 400
	plotLeft   = 64
	plotTop    = 44
	plotWidth  = plotLeft + plotSide + 24
	plotHeight = plotTop + plotSide + 64
)

// SVG draws both curves: attacks that pass against living people that pass.
func (r Result) SVG(w io.Writer) error {
	var b strings.Builder
	text := func(x, y int, anchor, s string) {
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="%s">%s</text>`+"\n", x, y, anchor, s)
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="13">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<title>Liveness before and after calibration</title>`+"\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", plotWidth, plotHeight)
	text(plotLeft, 26, "start", fmt.Sprintf("Liveness: %d live clips, %d attacks", r.Live, r.Attack))
	for i := 0; i <= 10; i += 2 {
		at := plotSide * i / 10
		fmt.Fprintf(&b, `<path d="M%d %dv%d M%d %dh%d" stroke="#ddd" fill="none"/>`+"\n", plotLeft+at, plotTop, plotSide, plotLeft, plotTop+at, plotSide)
		text(plotLeft+at, plotTop+plotSide+18, "middle", fmt.Sprintf("%d%%", 10*i))
		text(plotLeft-8, plotTop+plotSide-at+4, "end", fmt.Sprintf("%d%%", 10*i))
	}
	text(plotLeft+plotSide/2, plotTop+plotSide+44, "middle", "attacks that pass (APCER)")
	fmt.Fprintf(&b, `<text transform="translate(18 %d) rotate(-90)" text-anchor="middle">living people that pass (1 − BPCER)</text>`+"\n", plotTop+plotSide/2)
	for i, c := range []struct {
		name, colour string
		ROC
	}{{"before", "#999999", r.Before}, {"after, cross-validated", "#0b6e4f", r.After}} {
		fmt.Fprintf(&b, `<path fill="none" stroke="%s" stroke-width="2" d="`, c.colour)
		for k, p := range c.Points {
			op := "L"
			if k == 0 {
				op = "M"
			}
			fmt.Fprintf(&b, "%s%.1f %.1f", op, plotLeft+plotSide*p.APCER, plotTop+plotSide*p.BPCER)
		}
		b.WriteString(`"/>` + "\n")
		y := plotTop + plotSide - 40 + 20*i
		fmt.Fprintf(&b, `<path d="M%d %dh24" stroke="%s" stroke-width="2"/>`+"\n", plotLeft+150, y-4, c.colour)
		text(plotLeft+180, y, "start", fmt.Sprintf("%s: EER %.1f%%", c.name, 100*c.EER))
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}
