package report

import (
	"fmt"
	"maps"
	"slices"
)

// Confusion counts what was found where what was expected.
type Confusion struct {
	cells map[string]map[string]int
	found map[string]bool
}

// Count adds one thing. An empty word is told as none.
func (c *Confusion) Count(expected, found string) {
	if c.cells == nil {
		c.cells, c.found = map[string]map[string]int{}, map[string]bool{}
	}
	expected, found = named(expected), named(found)
	if c.cells[expected] == nil {
		c.cells[expected] = map[string]int{}
	}
	c.cells[expected][found]++
	c.found[found] = true
}

func named(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// Misses lists only where something else was found, for confusions of too many words for a square.
func (c *Confusion) Misses(caption string) Table {
	t := Table{Caption: caption, Head: []string{"expected", "found", "times"}}
	for _, e := range slices.Sorted(maps.Keys(c.cells)) {
		for _, f := range slices.Sorted(maps.Keys(c.cells[e])) {
			if e != f {
				t.Rows = append(t.Rows, []string{e, f, fmt.Sprint(c.cells[e][f])})
			}
		}
	}
	return t
}

// Table gives one row for what was expected and one column for what was found.
func (c *Confusion) Table(caption string) Table {
	columns := slices.Sorted(maps.Keys(c.found))
	t := Table{Caption: caption, Head: append([]string{"expected \\ found"}, columns...)}
	for _, e := range slices.Sorted(maps.Keys(c.cells)) {
		row := []string{e}
		for _, f := range columns {
			n := c.cells[e][f]
			if n == 0 {
				row = append(row, "")
				continue
			}
			row = append(row, fmt.Sprint(n))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
