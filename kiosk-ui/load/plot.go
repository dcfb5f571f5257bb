package main

import (
	"fmt"
	"os"
	"strings"
)

// plot draws rate, lag and memory over time, one under the other.
func plot(file string, samples []sample) error {
	const width, height, left, gap = 760, 150, 90, 40
	panels := []struct {
		title string
		lines []func(sample) float64
		names []string
	}{
		{"events a second", []func(sample) float64{func(s sample) float64 { return s.made }, func(s sample) float64 { return s.answered }}, []string{"made", "acknowledged"}},
		{"events waiting", []func(sample) float64{func(s sample) float64 { return s.waiting }}, []string{"waiting"}},
		{"server's memory, MB", []func(sample) float64{func(s sample) float64 { return s.rss }}, []string{"RSS"}},
	}
	colours := []string{"#8a8f98", "#0b63c4"}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">`+"\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n", left+width+30, len(panels)*(height+gap)+30)
	end := 1.0
	if n := len(samples); n > 0 {
		end = samples[n-1].at
	}
	for i, p := range panels {
		top := float64(30 + i*(height+gap))
		most := 1.0
		for _, s := range samples {
			for _, of := range p.lines {
				most = max(most, of(s))
			}
		}
		fmt.Fprintf(&b, `<text x="%d" y="%.0f">%s</text>`+"\n", left, top-8, p.title)
		fmt.Fprintf(&b, `<rect x="%d" y="%.0f" width="%d" height="%d" fill="none" stroke="#ccc"/>`+"\n", left, top, width, height)
		for _, share := range []float64{0, .5, 1} {
			fmt.Fprintf(&b, `<text x="%d" y="%.1f" text-anchor="end" fill="#555">%.0f</text>`+"\n", left-8, top+height*(1-share)+4, most*share)
		}
		for j, of := range p.lines {
			colour := colours[(j+len(colours)-len(p.lines))%len(colours)]
			fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="`, colour)
			for _, s := range samples {
				fmt.Fprintf(&b, "%.1f,%.1f ", left+width*s.at/end, top+height*(1-of(s)/most))
			}
			fmt.Fprintf(&b, `"/>`+"\n"+`<text x="%d" y="%.0f" text-anchor="end" fill="%s">%s</text>`+"\n", left+width-110*(len(p.lines)-1-j), top-8, colour, p.names[j])
		}
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end" fill="#555">%.0f s</text>`+"\n</svg>\n", left+width, len(panels)*(height+gap)+10, end)
	return os.WriteFile(file, []byte(b.String()), 0o644)
}
