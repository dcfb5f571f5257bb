package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// table prints how the visits ended: one line each.
func table(out io.Writer, all []outcome) {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "visit\t\tdecision\treason\tseconds a step\tdecided in\tevents\t")
	for _, o := range all {
		mark := "ok"
		if o.err != nil {
			mark = "FAILED"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", o.visit.name, o.visit.title, word(string(o.journey.Decision)), word(string(o.journey.Reason)),
			o.seconds(), o.decideIn.Round(10*time.Millisecond), len(o.journey.Journal), mark)
	}
	w.Flush()
	for _, o := range all {
		if o.err != nil {
			fmt.Fprintf(out, "\nvisit %s: %v\n", o.visit.name, o.err)
		}
	}
}

// seconds lists how long each screen was shown, in the order of the visit.
func (o outcome) seconds() string {
	var parts []string
	for _, step := range o.order {
		if d := o.steps[step]; step != "" && step != "attract" && d > 0 {
			parts = append(parts, fmt.Sprintf("%s %.1f", step, d.Seconds()))
		}
	}
	return strings.Join(parts, ", ")
}

func word(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
