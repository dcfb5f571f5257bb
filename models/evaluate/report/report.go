// Package report makes one page of what was measured: the figures with their goals, and
// from whoever measured them tables, curves and pictures of what went wrong.
//
// A part of the evaluation finds the report in its context and adds sections to it:
//
//	report.From(ctx).Add(report.Section{Title: "Barcodes", Tables: …})
//
// Without a report in the context that does nothing, so that a part never has to ask.
//
// What may live here: the page and its drawing. What may not: measuring, and anything
// that the page would have to fetch. The page holds pictures of people and documents, so
// it is for the machine that the test data is on.
package report

import (
	"context"
	"image"
	"sync"

	"vestibule/models/inspect"
)

// Bounds of the page's pictures; what is beyond them is counted and left out.
const (
	MaxFailures  = 24      // of one section
	MaxPictures  = 8 << 20 // bytes of all thumbnails together
	maxThumbnail = 520     // pixels, the longer side
	maxRows      = 400     // of one table
)

// Section is what one part has to show.
type Section struct {
	Title    string
	Prose    string // paragraphs, apart by an empty line
	Tables   []Table
	Curves   []Plot
	Failures []Failure
	more     int // failures that were left out
}

// Table is a table whose first column names its rows.
type Table struct {
	Caption string
	Head    []string
	Rows    [][]string
	more    int
}

// Failure is one thing that went wrong, with a picture of it where there is one.
type Failure struct {
	Name    string
	Says    string
	Picture image.Image // scaled down and kept as a JPEG when it is added

	jpeg          []byte
	width, height int
}

// Report collects sections. All methods may be called from several goroutines and on nil.
type Report struct {
	mu       sync.Mutex
	sections []Section
	bytes    int
}

// Add adds a section. Its pictures are scaled down here; the caller keeps none.
func (r *Report) Add(s Section) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var kept []Failure
	for _, f := range s.Failures {
		if len(kept) == MaxFailures {
			s.more++
			continue
		}
		if f.Picture != nil {
			if b, err := inspect.Thumbnail(f.Picture, maxThumbnail); err == nil && r.bytes+len(b) <= MaxPictures {
				f.jpeg = b
				r.bytes += len(b)
				f.width, f.height = fit(f.Picture.Bounds())
			}
			f.Picture = nil
		}
		kept = append(kept, f)
	}
	s.Failures = kept
	for i, t := range s.Tables {
		if n := len(t.Rows); n > maxRows {
			s.Tables[i].Rows, s.Tables[i].more = t.Rows[:maxRows], n-maxRows
		}
	}
	r.sections = append(r.sections, s)
}

func fit(r image.Rectangle) (w, h int) {
	w, h = r.Dx(), r.Dy()
	if longer := max(w, h); longer > maxThumbnail {
		w, h = max(1, w*maxThumbnail/longer), max(1, h*maxThumbnail/longer)
	}
	return w, h
}

// Wanted says whether somebody will read the report: a picture that nobody sees need
// not be drawn.
func (r *Report) Wanted() bool { return r != nil }

type key struct{}

// Into puts a report into a context.
func Into(ctx context.Context, r *Report) context.Context { return context.WithValue(ctx, key{}, r) }

// From takes the report out of a context: nil, which can be used, when there is none.
func From(ctx context.Context) *Report {
	r, _ := ctx.Value(key{}).(*Report)
	return r
}
