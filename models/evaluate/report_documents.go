package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"vestibule/models"
	"vestibule/models/evaluate/report"
	"vestibule/models/inspect"
)

// documentPage collects what the page tells of documents.
type documentPage struct {
	to            *report.Report
	layouts       report.Confusion
	codes         report.Confusion
	issuers       report.Confusion
	hints, misses map[string]int
	failures      []report.Failure
}

func newDocumentPage(ctx context.Context) *documentPage {
	return &documentPage{to: report.From(ctx), hints: map[string]int{}, misses: map[string]int{}}
}

// note takes one reading. exact: every line is as printed; taken: the product would
// accept the reading by itself.
func (p *documentPage) note(s specimen, f models.Frame, d models.Document, exact, taken bool) error {
	if !p.to.Wanted() {
		return nil
	}
	found, code, issuer := "", "", ""
	if d.MRZ != nil {
		found, code, issuer = string(d.MRZ.Layout), d.MRZ.Code.Value, d.MRZ.Issuer.Value
	}
	p.layouts.Count(s.Format, found)
	if len(s.Lines) > 0 && len(s.Lines[0]) >= 5 {
		// Every layout has both in the same place (ICAO 9303-4 to 9303-7).
		p.codes.Count(strings.TrimRight(s.Lines[0][:2], "<"), code)
		p.issuers.Count(strings.TrimRight(s.Lines[0][2:5], "<"), issuer)
	}
	switch {
	case taken:
		p.hints["accepted"]++
	case d.Hint == models.HintNone:
		p.hints["no hint: the print itself does not fit"]++
	default:
		p.hints[string(d.Hint)]++
	}
	says := []string{}
	for i, want := range s.Lines {
		got := "nothing"
		if i < len(d.Lines) {
			got = d.Lines[i].Text
		}
		if got == want {
			continue
		}
		says = append(says, "want "+want, "got  "+got)
		if len(got) == len(want) {
			for k := range want {
				if got[k] != want[k] {
					p.misses[fmt.Sprintf("%c as %c", want[k], got[k])]++
				}
			}
		}
	}
	for _, z := range d.Fields {
		if !printedAlike(z, d, s) {
			says = append(says, fmt.Sprintf("%s is wrong, %.0f %% sure of it", z.Name, z.Confidence))
		}
	}
	// What does not fit as printed cannot be accepted, and rightly so.
	if exact && (taken || !s.Valid) {
		return nil
	}
	if exact {
		why := "the second reader read something else"
		if d.MRZ != nil && d.Agreed {
			why = faults(*d.MRZ)
		}
		says = append(says, "read as printed, not accepted: "+why)
	}
	if d.Hint != models.HintNone {
		says = append(says, "hint "+string(d.Hint))
	}
	m, err := inspect.Annotate(f, inspect.Account{Document: &d})
	if err != nil {
		return fmt.Errorf("%s: %w", s.File, err)
	}
	p.failures = append(p.failures, report.Failure{Name: filepath.Base(s.File), Says: strings.Join(says, "\n"), Picture: m})
	return nil
}

func (p *documentPage) add() {
	p.to.Add(report.Section{
		Title: "Documents",
		Prose: "One frame each, through the product's own engine. Under what went wrong stand the pictures in which a character was read wrongly, and those that were read as printed but would not be accepted although their check digits fit.",
		Tables: []report.Table{
			p.layouts.Table("Kind of document: expected and found"),
			p.codes.Table("Document code: expected and found"),
			counted("What the reader says to it", "answer", "pictures", p.hints),
			counted("Characters read as others", "printed as read", "times", p.misses),
			p.issuers.Misses("Issuers read as others"),
		},
		Failures: p.failures,
	})
}

// counted makes a table of counts, the largest first.
func counted(caption, what, of string, counts map[string]int) report.Table {
	t := report.Table{Caption: caption, Head: []string{what, of}}
	var names []string
	for n := range counts {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		if c := counts[b] - counts[a]; c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	for _, n := range names {
		t.Rows = append(t.Rows, []string{n, fmt.Sprint(counts[n])})
	}
	return t
}
