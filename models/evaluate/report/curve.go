package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
)

// Plot is a drawing of curves. X and Y are shares, 0..1.
type Plot struct {
	Caption string
	X, Y    string  // what the axes are
	Floor   float64 // when set, both axes are logarithmic down to this share
	Lines   []Line
	Marks   []Mark
}

// Line is one curve.
type Line struct {
	Name   string
	Points [][2]float64
}

// Mark is one point that stands out, such as a threshold in use.
type Mark struct {
	Name string
	X, Y float64
}

// DET draws what a threshold on a score costs: the share of impostors (or attacks) at or
// above it against the share of genuine scores below it, on logarithmic axes, for every
// threshold that makes a difference. marks are thresholds in use, by name. It follows
// ISO/IEC 19795-1 (DET) and, with attacks for impostors, ISO/IEC 30107-3.
func DET(caption, x, y string, genuine, impostor []float64, marks map[string]float64) Plot {
	p := Plot{Caption: caption, X: x, Y: y, Floor: 1e-4}
	if len(genuine) == 0 || len(impostor) == 0 {
		return p
	}
	p.Floor = floor(len(genuine), len(impostor))
	line := Line{Name: fmt.Sprintf("%d genuine, %d others", len(genuine), len(impostor))}
	for _, r := range rates(genuine, impostor) {
		line.Points = append(line.Points, [2]float64{r.above, r.below})
	}
	p.Lines = []Line{line}
	for _, name := range sortedKeys(marks) {
		t := marks[name]
		p.Marks = append(p.Marks, Mark{name, share(impostor, func(v float64) bool { return v >= t }), share(genuine, func(v float64) bool { return v < t })})
	}
	return p
}

// Thresholds draws both errors against the threshold itself, where a DET curve of scores
// that hardly overlap says little. Scores are shares, 0..1; marks are thresholds in use.
func Thresholds(caption, x string, genuine, impostor []float64, low, high string, marks map[string]float64) Plot {
	p := Plot{Caption: caption, X: x, Y: "share of pictures or pairs on the wrong side"}
	if len(genuine) == 0 || len(impostor) == 0 {
		return p
	}
	const steps = 200
	a, b := Line{Name: low}, Line{Name: high}
	for i := range steps + 1 {
		t := float64(i) / steps
		a.Points = append(a.Points, [2]float64{t, share(genuine, func(v float64) bool { return v < t })})
		b.Points = append(b.Points, [2]float64{t, share(impostor, func(v float64) bool { return v >= t })})
	}
	p.Lines = []Line{a, b}
	for _, name := range sortedKeys(marks) {
		p.Lines = append(p.Lines, Line{Name: name, Points: [][2]float64{{marks[name], 0}, {marks[name], 1}}})
	}
	return p
}

// ROC draws how well a score tells good from bad things, whose scores are lower: the share
// of bad ones under a threshold against the share of good ones under it, on straight axes.
func ROC(caption, x, y string, good, bad []float64) Plot {
	p := Plot{Caption: caption, X: x, Y: y}
	if len(good) == 0 || len(bad) == 0 {
		return p
	}
	line := Line{Name: fmt.Sprintf("%d good, %d bad: area %.4f", len(good), len(bad), AUC(good, bad))}
	for _, r := range rates(good, bad) {
		line.Points = append(line.Points, [2]float64{r.below, 1 - r.above})
	}
	p.Lines = []Line{line}
	return p
}

// AUC is the probability that a good thing scores higher than a bad one, ties half; 0
// when there are none of either.
func AUC(good, bad []float64) float64 {
	if len(good) == 0 || len(bad) == 0 {
		return 0
	}
	b := slices.Clone(bad)
	slices.Sort(b)
	sum := 0.0
	for _, g := range good {
		lo, _ := slices.BinarySearch(b, g)
		hi, _ := slices.BinarySearch(b, math.Nextafter(g, math.Inf(1)))
		sum += float64(lo) + float64(hi-lo)/2
	}
	return sum / float64(len(good)) / float64(len(bad))
}

// rate is what one threshold does: the share of the low ones at or above it, of the high ones below.
type rate struct{ above, below float64 }

// rates goes through all thresholds from the lowest up, leaving out those that change
// nothing and thinning what no eye could tell apart.
func rates(high, low []float64) []rate {
	h, l := slices.Clone(high), slices.Clone(low)
	slices.Sort(h)
	slices.Sort(l)
	at := func(i, j int) rate {
		return rate{float64(len(l)-j) / float64(len(l)), float64(i) / float64(len(h))}
	}
	out := []rate{at(0, 0)}
	for i, j := 0, 0; i < len(h) || j < len(l); {
		t := math.Inf(1)
		if i < len(h) {
			t = h[i]
		}
		if j < len(l) {
			t = min(t, l[j])
		}
		for i < len(h) && h[i] <= t {
			i++
		}
		for j < len(l) && l[j] <= t {
			j++
		}
		out = append(out, at(i, j))
	}
	const most = 800
	if len(out) > 4*most {
		// Keep every point where the smaller rates change; they are what is looked at.
		kept := out[:1]
		for _, r := range out[1:] {
			last := kept[len(kept)-1]
			if far(last.above, r.above) || far(last.below, r.below) {
				kept = append(kept, r)
			}
		}
		out = append(kept, rate{0, 1})
	}
	return out
}

// far tells whether two shares are a visible step apart on either kind of axis.
func far(a, b float64) bool {
	return math.Abs(a-b) > .004 || (a > 0) != (b > 0) || a > 0 && math.Abs(math.Log(a/b)) > .02
}

func share(list []float64, is func(float64) bool) float64 {
	n := 0
	for _, v := range list {
		if is(v) {
			n++
		}
	}
	return float64(n) / float64(max(1, len(list)))
}

func floor(n ...int) float64 {
	least := 1.0 / float64(slices.Max(n)) / 2
	return math.Pow(10, math.Floor(math.Log10(math.Max(least, 1e-6))))
}

func sortedKeys(m map[string]float64) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// The drawing's measures, in its own units.
const (
	plotWide, plotHigh         = 520, 400
	plotLeft, plotTop          = 62, 14
	plotRight, plotBottom      = 500, 340
	plotLegend, plotLegendStep = 392, 18
)

// SVG draws the plot. Colours come from the page's style, by class.
func (p Plot) SVG() template.HTML {
	var b strings.Builder
	esc := template.HTMLEscapeString
	high := plotHigh + plotLegendStep*max(0, len(p.Lines)+len(p.Marks)-1)
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, plotWide, high, esc(p.Caption+": "+p.Y+" against "+p.X))
	x := func(v float64) float64 { return plotLeft + p.part(v)*(plotRight-plotLeft) }
	y := func(v float64) float64 { return plotBottom - p.part(v)*(plotBottom-plotTop) }
	fmt.Fprintf(&b, `<rect class="frame" x="%d" y="%d" width="%d" height="%d"/>`, plotLeft, plotTop, plotRight-plotLeft, plotBottom-plotTop)
	for _, t := range p.ticks() {
		label := fmt.Sprintf("%g", t)
		if p.Floor > 0 && t == p.Floor {
			label = "≤" + label
		}
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f %dV%dM%d %.1fH%d"/>`, x(t), plotTop, plotBottom, plotLeft, y(t), plotRight)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text><text x="%d" y="%.1f" text-anchor="end">%s</text>`, x(t), plotBottom+16, label, plotLeft-6, y(t)+4, label)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`, (plotLeft+plotRight)/2, plotBottom+34, esc(p.X))
	fmt.Fprintf(&b, `<text transform="translate(14 %d) rotate(-90)" text-anchor="middle">%s</text>`, (plotTop+plotBottom)/2, esc(p.Y))
	entry := plotLegend
	for i, l := range p.Lines {
		var d strings.Builder
		for k, pt := range l.Points {
			if k == 0 {
				fmt.Fprintf(&d, "M%.1f %.1f", x(pt[0]), y(pt[1]))
			} else {
				fmt.Fprintf(&d, "L%.1f %.1f", x(pt[0]), y(pt[1]))
			}
		}
		if d.Len() > 0 {
			fmt.Fprintf(&b, `<path class="curve c%d" d="%s"/>`, i%4, d.String())
		}
		fmt.Fprintf(&b, `<path class="curve c%d" d="M%d %dh24"/><text x="%d" y="%d">%s</text>`, i%4, plotLeft, entry-4, plotLeft+32, entry, esc(l.Name))
		entry += plotLegendStep
	}
	for _, m := range p.Marks {
		fmt.Fprintf(&b, `<circle class="mark" cx="%.1f" cy="%.1f" r="5"/>`, x(m.X), y(m.Y))
		fmt.Fprintf(&b, `<circle class="mark" cx="%d" cy="%d" r="5"/><text x="%d" y="%d">%s: %s %.4g, %s %.4g</text>`, plotLeft+12, entry-4, plotLeft+32, entry, esc(m.Name), esc(short(p.X)), m.X, esc(short(p.Y)), m.Y)
		entry += plotLegendStep
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // all texts are escaped above
}

// short is an axis' abbreviation: what stands before its explanation.
func short(s string) string {
	s, _, _ = strings.Cut(s, ":")
	return s
}

// part maps a share to 0..1 along an axis.
func (p Plot) part(v float64) float64 {
	if math.IsNaN(v) {
		v = 0
	}
	v = min(1, max(0, v))
	if p.Floor <= 0 {
		return v
	}
	return 1 - math.Log(max(v, p.Floor))/math.Log(p.Floor)
}

func (p Plot) ticks() []float64 {
	if p.Floor <= 0 {
		return []float64{0, .2, .4, .6, .8, 1}
	}
	var out []float64
	for i := 0; ; i++ {
		t := math.Pow(10, -float64(i))
		if t < p.Floor*.999 {
			return out
		}
		if i == 0 {
			t = 1
		}
		out = append(out, t)
	}
}
