// Command show prints what make bench-centre measured, with its goals, and draws how answers slow down as a centre
// fills.
//
// What may live here: the table and the drawing. What may not: measuring.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"vestibule/models/evaluate/figures"
	"vestibule/server/measure"
)

func main() {
	file := flag.String("figures", "build/bench-centre.json", "file of the figures")
	svg := flag.String("svg", "build/bench-centre.svg", "drawing to write")
	flag.Parse()
	if err := run(*file, *svg, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "show:", err)
		os.Exit(1)
	}
}

func run(file, svg string, out io.Writer) error {
	all, err := figures.Read(file)
	if err != nil {
		return err
	}
	if err := all.Table(out); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	_, _ = fmt.Fprintln(out)
	if err := goals(all, out); err != nil {
		return err
	}
	if err := os.WriteFile(svg, []byte(draw(curves(all))), 0o644); err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	_, _ = fmt.Fprintf(out, "\nfigures in %s, drawn in %s\n", file, svg)
	return nil
}

// goals prints which goals are met. A goal is for the size it names: what was measured at a smaller one says so.
func goals(all figures.Set, out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "GOAL\tAIM\tVALUE\tMET\tHOW")
	for _, g := range measure.Goals() {
		sign := "≥"
		if g.AtMost {
			sign = "≤"
		}
		f, ok := all[g.Name]
		switch {
		case !ok:
			_, _ = fmt.Fprintf(t, "%s\t%s %g\t\tnot measured\t\n", g.Name, sign, g.Value)
		case g.Met(f):
			_, _ = fmt.Fprintf(t, "%s\t%s %g\t%.4g %s\tyes\t%s\n", g.Name, sign, g.Value, f.Value, f.Unit, f.How)
		default:
			_, _ = fmt.Fprintf(t, "%s\t%s %g\t%.4g %s\tNO\t%s\n", g.Name, sign, g.Value, f.Value, f.Unit, f.How)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
