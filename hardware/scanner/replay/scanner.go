// Package replay is a scanner that hands out pictures of a folder: page by page,
// in the order of their names, the last one again and again.
//
// A picture named like page.ir.jpg or page.uv.jpg is taken under that light, all
// others under visible light. recipe.json beside them says how the scanner
// misbehaves (Recipe); it is read anew at every scan.
//
// What may live here: what a scanner does with pages that exist already. What
// may not: making pages (hardware/rig), or looking at them.
package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"vestibule/hardware/camera"
	"vestibule/hardware/clock"
	"vestibule/hardware/scanner"
)

// RecipeFile lies beside the pages.
const RecipeFile = "recipe.json"

const (
	maxPages   = 1000
	maxPage    = 32 << 20
	maxRecipe  = 1 << 20
	maxDelayMS = 60_000
)

// Recipe is the content of recipe.json.
type Recipe struct {
	// Errors by number of the scan, from the first: cover_open, jammed, no_page,
	// busy, io, or empty for a scan that works. Further scans work.
	Errors  []string `json:"errors,omitempty"`
	DelayMS int      `json:"delay_ms,omitempty"` // how long a scan takes, at most a minute
	DPI     int      `json:"dpi,omitempty"`      // of the pages; default 300
}

// kinds are the words of Recipe.Errors.
func kinds(word string) (error, bool) {
	switch word {
	case "":
		return nil, true
	case "cover_open":
		return scanner.ErrCoverOpen, true
	case "jammed":
		return scanner.ErrJammed, true
	case "no_page":
		return scanner.ErrNoPage, true
	case "busy":
		return scanner.ErrBusy, true
	case "io":
		return scanner.ErrIO, true
	}
	return nil, false
}

// ParseRecipe reads and checks a recipe.json.
func ParseRecipe(b []byte) (Recipe, error) {
	var r Recipe
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Recipe{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Recipe{}, errors.New("there is more behind the first value")
	}
	for i, w := range r.Errors {
		if _, ok := kinds(w); !ok {
			return Recipe{}, fmt.Errorf("error %d %q is none of cover_open, jammed, no_page, busy, io", i+1, w)
		}
	}
	if r.DelayMS < 0 || r.DelayMS > maxDelayMS {
		return Recipe{}, fmt.Errorf("delay %d ms is not in 0..%d", r.DelayMS, maxDelayMS)
	}
	if r.DPI < 0 || r.DPI > 4800 {
		return Recipe{}, fmt.Errorf("%d dpi is not in 0..4800", r.DPI)
	}
	return r, nil
}

// Scanner plays the pages of a folder.
type Scanner struct {
	dir string
	clk clock.Clock

	mu     sync.Mutex
	scans  int
	given  map[scanner.Light]int
	closed bool
}

var _ scanner.Scanner = (*Scanner)(nil)

// New returns a scanner that plays dir. It touches nothing. clk may be nil.
func New(dir string, clk clock.Clock) *Scanner {
	return &Scanner{dir: dir, clk: clock.Or(clk), given: map[scanner.Light]int{}}
}

// Name is "replay".
func (s *Scanner) Name() string { return "replay" }

// Caps lists the lights that the folder has pages for, and one resolution.
func (s *Scanner) Caps() scanner.Caps {
	c := scanner.Caps{Lights: []scanner.Light{scanner.Visible}, DPI: []int{s.dpi()}}
	for _, l := range []scanner.Light{scanner.Infrared, scanner.Ultraviolet} {
		if p, err := s.pages(l); err == nil && len(p) > 0 {
			c.Lights = append(c.Lights, l)
		}
	}
	return c
}

func (s *Scanner) dpi() int {
	if r, err := s.recipe(); err == nil && r.DPI > 0 {
		return r.DPI
	}
	return 300
}

// Wait returns at once: this scanner does not sense documents.
func (s *Scanner) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait for a document: %w", context.Cause(ctx))
	}
	return nil
}

// Scan returns the next page under that light. The resolution is that of the
// page, whatever is asked for.
func (s *Scanner) Scan(ctx context.Context, l scanner.Light, _ int) (scanner.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return scanner.Page{}, fmt.Errorf("scan: %w", fs.ErrClosed)
	}
	r, err := s.recipe()
	if err != nil {
		return scanner.Page{}, fmt.Errorf("scan: %w: %w", scanner.ErrIO, err)
	}
	s.scans++
	if r.DelayMS > 0 {
		select {
		case <-s.clk.After(time.Duration(r.DelayMS) * time.Millisecond):
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return scanner.Page{}, fmt.Errorf("scan: %w", context.Cause(ctx))
	}
	if s.scans <= len(r.Errors) {
		if err, _ := kinds(r.Errors[s.scans-1]); err != nil {
			return scanner.Page{}, fmt.Errorf("scan: %w", err)
		}
	}
	pages, err := s.pages(l)
	if err != nil {
		return scanner.Page{}, fmt.Errorf("scan: %w: %w", scanner.ErrMissing, err)
	}
	if len(pages) == 0 {
		return scanner.Page{}, fmt.Errorf("scan: %w under %s light", scanner.ErrNoPage, l)
	}
	b, err := read(pages[min(s.given[l], len(pages)-1)], maxPage)
	if err == nil {
		var j camera.JPEG
		if j, err = camera.ScanJPEG(b); err == nil {
			b = b[:j.Length]
		}
	}
	if err != nil {
		return scanner.Page{}, fmt.Errorf("scan: %w: %w", scanner.ErrIO, err)
	}
	s.given[l]++
	dpi := r.DPI
	if dpi == 0 {
		dpi = 300
	}
	return scanner.Page{JPEG: b, Light: l, DPI: dpi}, nil
}

// Close ends it.
func (s *Scanner) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *Scanner) recipe() (Recipe, error) {
	b, err := read(filepath.Join(s.dir, RecipeFile), maxRecipe)
	if errors.Is(err, fs.ErrNotExist) {
		return Recipe{}, nil
	}
	if err != nil {
		return Recipe{}, err
	}
	r, err := ParseRecipe(b)
	if err != nil {
		return Recipe{}, fmt.Errorf("%s: %w", RecipeFile, err)
	}
	return r, nil
}

func (s *Scanner) pages(l scanner.Light) ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if !e.IsDir() && lightOf(e.Name()) == l {
			out = append(out, filepath.Join(s.dir, e.Name()))
		}
	}
	if len(out) > maxPages {
		return nil, fmt.Errorf("%d pages are more than %d", len(out), maxPages)
	}
	return out, nil
}

// lightOf is the light a file's name tells, or empty when it is no page.
func lightOf(name string) scanner.Light {
	name = strings.ToLower(name)
	ext := filepath.Ext(name)
	if ext != ".jpg" && ext != ".jpeg" {
		return ""
	}
	switch filepath.Ext(strings.TrimSuffix(name, ext)) {
	case ".ir":
		return scanner.Infrared
	case ".uv":
		return scanner.Ultraviolet
	}
	return scanner.Visible
}

func read(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("larger than %d bytes", limit)
	}
	return b, err
}
