package report

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vestibule/models/evaluate/figures"
)

//go:embed page.html
var pageText string

// figureRow is one figure of the page's table.
type figureRow struct {
	Name, Value, Unit, Spread, Goal, Verdict, Class, How string
	N                                                    int
	Earlier                                              bool
}

type summary struct{ Met, Missed, Open int }

// Write writes the page: all figures, of which fresh names those of this run, then the
// sections in the order they were added.
func (r *Report) Write(w io.Writer, all, fresh figures.Set, goals []figures.Goal) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"paragraphs": func(s string) []string {
			return strings.FieldsFunc(strings.ReplaceAll(s, "\n\n", "\x00"), func(r rune) bool { return r == 0 })
		},
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	rows, sum := table(all, fresh, goals)
	page := struct {
		Figures  []figureRow
		Summary  summary
		Sections []sectionView
	}{rows, sum, nil}
	if r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		for i, s := range r.sections {
			page.Sections = append(page.Sections, view(i, s))
		}
	}
	if err := t.Execute(w, page); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// File writes the page beside the figures, readable by its owner only: it shows people.
func (r *Report) File(name string, all, fresh figures.Set, goals []figures.Goal) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	part := name + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := r.Write(f, all, fresh, goals); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := os.Rename(part, name); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// table puts the figures with a goal first, in the goals' order, then the others by name.
func table(all, fresh figures.Set, goals []figures.Goal) (rows []figureRow, sum summary) {
	aimed := map[string]bool{}
	for _, g := range goals {
		aimed[g.Name] = true
		sign := "≥"
		if g.AtMost {
			sign = "≤"
		}
		f, measured := all[g.Name]
		row := rowOf(g.Name, f)
		row.Goal = fmt.Sprintf("%s %.4g", sign, g.Value)
		_, now := fresh[g.Name]
		row.Earlier = measured && !now
		switch {
		case !measured:
			row.Value, row.Verdict, row.Class = "", "not measured", "open"
			sum.Open++
		case g.Met(f):
			row.Verdict, row.Class = "met", "met"
			sum.Met++
		default:
			row.Verdict, row.Class = "not met", "missed"
			sum.Missed++
		}
		rows = append(rows, row)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if aimed[name] {
			continue
		}
		row := rowOf(name, all[name])
		_, now := fresh[name]
		row.Earlier = !now
		rows = append(rows, row)
	}
	return rows, sum
}

func rowOf(name string, f figures.Figure) figureRow {
	row := figureRow{Name: name, Value: fmt.Sprintf("%.4g", f.Value), Unit: f.Unit, N: f.N, How: f.How}
	if f.P50 != nil && f.P95 != nil && f.Max != nil {
		row.Spread = fmt.Sprintf("%.4g / %.4g / %.4g", *f.P50, *f.P95, *f.Max)
	}
	return row
}

type sectionView struct {
	ID       string
	Title    string
	Prose    string
	Tables   []tableView
	Curves   []curveView
	Failures []failureView
	More     int
}

type tableView struct {
	Table
	More int
}

type curveView struct {
	Caption string
	SVG     template.HTML
}

type failureView struct {
	Name, Says    string
	Source        template.URL
	Width, Height int
}

func view(i int, s Section) sectionView {
	v := sectionView{ID: fmt.Sprintf("section-%d", i+1), Title: s.Title, Prose: s.Prose, More: s.more}
	for _, t := range s.Tables {
		v.Tables = append(v.Tables, tableView{t, t.more})
	}
	for _, c := range s.Curves {
		if len(c.Lines) > 0 {
			v.Curves = append(v.Curves, curveView{c.Caption, c.SVG()})
		}
	}
	for _, f := range s.Failures {
		fv := failureView{Name: f.Name, Says: f.Says, Width: f.width, Height: f.height}
		if len(f.jpeg) > 0 {
			fv.Source = template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(f.jpeg))
		}
		v.Failures = append(v.Failures, fv)
	}
	return v
}
