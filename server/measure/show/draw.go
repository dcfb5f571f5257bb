package main

import (
	"cmp"
	"fmt"
	"html"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"vestibule/models/evaluate/figures"
	"vestibule/server/measure"
)

// curve is one kind of answer: milliseconds against how many submissions are stored.
type curve struct {
	name   string
	panel  string // the database
	points [][2]float64
}

// curves finds the figures that were taken at several sizes: NAME.at.SIZE.
func curves(all figures.Set) []curve {
	found := map[string]*curve{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		base, size, ok := strings.Cut(name, measure.At)
		n, err := strconv.Atoi(size)
		if !ok || err != nil || n < 1 {
			continue
		}
		if found[base] == nil {
			parts := strings.SplitN(base, ".", 4) // centre.DATABASE.answer.KIND
			if len(parts) != 4 {
				continue
			}
			found[base] = &curve{name: parts[3], panel: parts[1]}
		}
		found[base].points = append(found[base].points, [2]float64{float64(n), all[name].Value})
	}
	var out []curve
	for _, name := range slices.Sorted(maps.Keys(found)) {
		c := found[name]
		slices.SortFunc(c.points, func(a, b [2]float64) int { return cmp.Compare(a[0], b[0]) })
		out = append(out, *c)
	}
	return out
}

// goalMillis is what an answer shall take at most, 99 times in 100.
const goalMillis = 20

// draw draws a panel for each database, both axes logarithmic.
func draw(all []curve) string {
	const width, height, left, top, gap, legend = 460.0, 300.0, 60.0, 40.0, 90.0, 18.0
	colours := []string{"#0b63c4", "#c4570b", "#2a8f4f", "#8a3fa8", "#b8920a", "#5b6470", "#c41f5a"}
	var panels []string
	low, high, slow := math.Inf(1), 10.0, float64(goalMillis)
	fast := slow
	for _, c := range all {
		if !slices.Contains(panels, c.panel) {
			panels = append(panels, c.panel)
		}
		for _, p := range c.points {
			low, high = min(low, p[0]), max(high, p[0])
			fast, slow = min(fast, p[1]), max(slow, p[1])
		}
	}
	if len(all) == 0 {
		low = 1
	}
	floor := func(v float64) float64 { return math.Floor(math.Log10(max(v, .01))) }
	ceil := func(v float64) float64 { return math.Ceil(math.Log10(max(v, .01))) }
	x0, x1, y0, y1 := floor(low), ceil(high), floor(fast), ceil(slow*1.01)
	if x1 == x0 {
		x1++
	}
	lines := len(measure.Answers())
	whole := left + float64(max(1, len(panels)))*(width+gap)
	deep := top + height + 60 + legend*float64(lines)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="sans-serif" font-size="13" role="img" aria-label="milliseconds of an answer against submissions stored">`+"\n"+`<rect width="100%%" height="100%%" fill="white"/>`+"\n", whole, deep, whole, deep)
	for i, panel := range panels {
		x := func(v float64) float64 {
			return left + float64(i)*(width+gap) + width*(math.Log10(v)-x0)/(x1-x0)
		}
		y := func(v float64) float64 { return top + height*(1-(math.Log10(max(v, .01))-y0)/(y1-y0)) }
		start, end := x(math.Pow(10, x0)), x(math.Pow(10, x1))
		fmt.Fprintf(&b, `<text x="%.1f" y="%.0f">%s: p99 of an answer, ms, against submissions stored</text>`+"\n", start, top-14, html.EscapeString(panel))
		for e := x0; e <= x1; e++ {
			at := x(math.Pow(10, e))
			fmt.Fprintf(&b, `<path stroke="#ddd" d="M%.1f %.1fv%.1f"/><text x="%.1f" y="%.1f" text-anchor="middle" fill="#555">%g</text>`+"\n", at, top, height, at, top+height+18, math.Pow(10, e))
		}
		for e := y0; e <= y1; e++ {
			at := y(math.Pow(10, e))
			fmt.Fprintf(&b, `<path stroke="#ddd" d="M%.1f %.1fH%.1f"/><text x="%.1f" y="%.1f" text-anchor="end" fill="#555">%g</text>`+"\n", start, at, end, start-6, at+4, math.Pow(10, e))
		}
		fmt.Fprintf(&b, `<path stroke="#b00" stroke-dasharray="5 4" d="M%.1f %.1fH%.1f"/><text x="%.1f" y="%.1f" text-anchor="end" fill="#b00">goal %d ms</text>`+"\n", start, y(goalMillis), end, end-4, y(goalMillis)-5, goalMillis)
		row := top + height + 44
		for _, c := range all {
			if c.panel != panel {
				continue
			}
			colour := colours[max(0, slices.Index(measure.Answers(), c.name))%len(colours)]
			var points []string
			for _, p := range c.points {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(p[0]), y(p[1])))
				fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, x(p[0]), y(p[1]), colour)
			}
			last := c.points[len(c.points)-1]
			fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>`+"\n", colour, strings.Join(points, " "))
			fmt.Fprintf(&b, `<path stroke="%s" stroke-width="2" d="M%.1f %.1fh22"/><text x="%.1f" y="%.1f">%s: %.3g ms at %.0f</text>`+"\n", colour, start, row-4, start+30, row, html.EscapeString(c.name), last[1], last[0])
			row += legend
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}
