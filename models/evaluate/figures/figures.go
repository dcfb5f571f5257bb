// Package figures keeps measured figures in one machine-readable file: a flat JSON
// object, name → {value, unit, n, p50, p95, p99, max, how}.
//
// What may live here: the file and its table. What may not: measuring. Commands
// that measure different things add to the same file one after the other.
package figures

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
)

// Figure is one measured value. P50, P95 and Max are given for what was measured
// many times; N is how many times, or over how many things.
type Figure struct {
	Value float64  `json:"value"`
	Unit  string   `json:"unit"`
	N     int      `json:"n"`
	P50   *float64 `json:"p50,omitempty"`
	P95   *float64 `json:"p95,omitempty"`
	P99   *float64 `json:"p99,omitempty"` // of what is held to its slowest answers
	Max   *float64 `json:"max,omitempty"`
	How   string   `json:"how"`
}

// Set is figures by name.
type Set map[string]Figure

// Share is a part of n as a fraction.
func Share(part, n int, how string) Figure {
	f := Figure{Unit: "share", N: n, How: how}
	if n > 0 {
		f.Value = float64(part) / float64(n)
	}
	return f
}

// Count is a number of things out of n.
func Count(value, n int, how string) Figure {
	return Figure{Value: float64(value), Unit: "count", N: n, How: how}
}

// Spread sums up many measurements; its value is their median.
func Spread(values []float64, unit, how string) Figure {
	f := Figure{Unit: unit, N: len(values), How: how}
	if len(values) == 0 {
		return f
	}
	v := slices.Clone(values)
	slices.Sort(v)
	at := func(part float64) *float64 {
		x := v[min(len(v)-1, int(part*float64(len(v))))]
		return &x
	}
	f.P50, f.P95, f.Max = at(.5), at(.95), at(1)
	f.Value = *f.P50
	return f
}

// Merge adds the figures to a file: those of the same name are replaced, others stay.
func Merge(file string, add Set) error {
	all := Set{}
	b, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("merge figures: %w", err)
	default:
		if err := json.Unmarshal(b, &all); err != nil {
			return fmt.Errorf("merge figures into %s: %w; delete it and measure again", file, err)
		}
	}
	maps.Copy(all, add)
	if b, err = json.MarshalIndent(all, "", "  "); err != nil {
		return fmt.Errorf("merge figures: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("merge figures: %w", err)
	}
	// Written beside and moved, so that a reader never sees half of it.
	part := file + ".part"
	if err := os.WriteFile(part, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("merge figures: %w", err)
	}
	if err := os.Rename(part, file); err != nil {
		return fmt.Errorf("merge figures: %w", err)
	}
	return nil
}

// Table prints the figures in the order of their names.
func (s Set) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FIGURE\tVALUE\tUNIT\tN\tP50\tP95\tP99\tMAX")
	for _, name := range slices.Sorted(maps.Keys(s)) {
		f := s[name]
		show := func(v *float64) string {
			if v == nil {
				return ""
			}
			return fmt.Sprintf("%.4g", *v)
		}
		fmt.Fprintf(t, "%s\t%.4g\t%s\t%d\t%s\t%s\t%s\t%s\n", name, f.Value, f.Unit, f.N, show(f.P50), show(f.P95), show(f.P99), show(f.Max))
	}
	return t.Flush()
}
