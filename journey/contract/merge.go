package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vestibule/journey"
)

const (
	suffix   = ".reached.json"
	maxFile  = 8 << 20 // bytes of a record or an answer
	maxFiles = 10_000
)

// Row is one line of the table.
type Row struct {
	Name  string   `json:"name"`
	Tests []string `json:"tests"` // that reach it; none: not reached
}

// Reached reports whether any test reaches it.
func (r Row) Reached() bool { return len(r.Tests) > 0 }

// Total counts the rows of a part.
type Total struct {
	Reached int `json:"reached"`
	Of      int `json:"of"`
}

// Part is one part of the contract.
type Part struct {
	Title string `json:"title"`
	Total Total  `json:"total"`
	Rows  []Row  `json:"rows"`
}

// Table is the whole coverage. Additions are ours and not in the total.
type Table struct {
	Parts     []Part `json:"parts"`
	Total     Total  `json:"total"`
	Additions Part   `json:"additions"`
}

// Merge reads the records in dir into a table. A folder without records gives a
// table in which nothing is reached; a record that cannot be read is an error.
func Merge(dir string) (Table, error) {
	files, err := read(dir)
	if err != nil {
		return Table{}, fmt.Errorf("merge the records in %s: %w", dir, err)
	}
	return tabulate(files), nil
}

func read(dir string) ([]file, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, entry := range entries {
		if entry.IsDir() || !strings.HasSuffix(entry.Name(), suffix) {
			continue
		}
		if len(files) == maxFiles {
			return nil, fmt.Errorf("more than %d records; empty the folder first", maxFiles)
		}
		f, err := readFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		files = append(files, f)
	}
	return files, nil
}

func readFile(name string) (file, error) {
	in, err := os.Open(name)
	if err != nil {
		return file{}, err
	}
	defer in.Close()
	return parse(in)
}

// parse reads one record. Whatever the contract does not know is refused, so that
// a record from another version is noticed rather than half counted.
func parse(in io.Reader) (file, error) {
	body, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return file{}, err
	}
	if len(body) > maxFile {
		return file{}, fmt.Errorf("larger than %d bytes", maxFile)
	}
	var f file
	if err := json.Unmarshal(body, &f); err != nil {
		return file{}, err
	}
	if f.Test == "" {
		return file{}, errors.New("names no test")
	}
	for _, c := range f.Codes {
		if len(journey.LookupCode(c.Key)) == 0 {
			return file{}, errors.New("holds a code that is not the contract's")
		}
	}
	for _, g := range f.Ground {
		if _, ok := journey.LookupReason(g.Decision, g.Reason); !ok {
			return file{}, errors.New("holds a reason that is not the contract's")
		}
	}
	for _, field := range f.Fields {
		if !slices.ContainsFunc(journey.Fields(field.Variant), func(k journey.Field) bool { return k.Path == field.Path }) {
			return file{}, errors.New("holds a field that is not the contract's")
		}
	}
	return f, nil
}

// tests collects for each key which tests reach it.
type tests map[string]map[string]bool

func (t tests) add(key, test string) {
	if t[key] == nil {
		t[key] = make(map[string]bool)
	}
	t[key][test] = true
}

func (t tests) row(name string, keys ...string) Row {
	all := make(map[string]bool)
	for _, key := range keys {
		for test := range t[key] {
			all[test] = true
		}
	}
	return Row{Name: name, Tests: sorted(all, func(s string) string { return s })}
}

func tabulate(files []file) Table {
	events, grounds, codes, fields := make(tests), make(tests), make(tests), make(tests)
	for _, f := range files {
		for _, e := range f.Events {
			events.add(string(e), f.Test)
		}
		for _, g := range f.Ground {
			grounds.add(groundName(g), f.Test)
		}
		for _, c := range f.Codes {
			codes.add(messageName(c), f.Test)
		}
		for _, field := range f.Fields {
			fields.add(string(field.Variant)+" "+field.Path, f.Test)
		}
	}
	t := Table{Parts: []Part{
		eventPart(events), reasonPart(grounds), codePart(codes),
		fieldPart(fields, journey.AnswerDocument), fieldPart(fields, journey.AnswerKnowledge),
	}}
	for _, p := range t.Parts {
		t.Total.Reached += p.Total.Reached
		t.Total.Of += p.Total.Of
	}
	var own []Row
	for _, e := range journey.Additions() {
		own = append(own, events.row(string(e.Name), string(e.Name)))
	}
	t.Additions = part("own events (not the contract's)", own)
	return t
}

func part(title string, rows []Row) Part {
	p := Part{Title: title, Rows: rows, Total: Total{Of: len(rows)}}
	for _, r := range rows {
		if r.Reached() {
			p.Total.Reached++
		}
	}
	return p
}

func eventPart(t tests) Part {
	var rows []Row
	for _, e := range journey.Catalogue() {
		rows = append(rows, t.row(string(e.Name), string(e.Name)))
	}
	return part("events", rows)
}

func reasonPart(t tests) Part {
	var rows []Row
	for _, r := range journey.Reasons() {
		name := groundName(r.Ground())
		rows = append(rows, t.row(name, name))
	}
	return part("reasons", rows)
}

func groundName(g journey.Ground) string { return string(g.Decision) + " " + string(g.Reason) }

// messageName is how a recorded code is filed: with its variant where its key has
// several. A key with several and no variant told is filed under no message at all.
func messageName(c codeRef) string {
	if len(journey.LookupCode(c.Key)) == 1 {
		return c.Key.String()
	}
	return c.Key.String() + "#" + c.Variant
}

// codePart has one row for each of the contract's entries. An entry is reached when
// one of its messages is. Where several messages make up one entry, its code
// without a variant reaches it as well; where a code stands for several entries,
// only the variant tells which.
func codePart(t tests) Part {
	var rows []Row
	codes := journey.Codes()
	for i := 0; i < len(codes); {
		entry, key := codes[i].Entry, codes[i].Key
		var variants, keys []string
		for ; i < len(codes) && codes[i].Entry == entry; i++ {
			keys = append(keys, codes[i].Name())
			variants = append(variants, codes[i].Variant)
		}
		name := key.String()
		if all := journey.LookupCode(key); len(all) > 1 {
			name += "#" + strings.Join(variants, ",")
			if len(all) == len(variants) {
				keys = append(keys, key.String()+"#")
			}
		}
		rows = append(rows, t.row(name, keys...))
	}
	return part("code entries", rows)
}

func fieldPart(t tests, variant journey.AnswerVariant) Part {
	var rows []Row
	for _, f := range journey.Fields(variant) {
		rows = append(rows, t.row(f.Path, string(variant)+" "+f.Path))
	}
	return part("fields of "+string(variant), rows)
}

// Print writes the table for people: every row, then the totals.
func (t Table) Print(w io.Writer) error {
	var b strings.Builder
	for _, p := range append(slices.Clone(t.Parts), t.Additions) {
		fmt.Fprintf(&b, "%s\n", p.Title)
		for _, r := range p.Rows {
			mark, by := " ", ""
			if r.Reached() {
				mark, by = "x", r.Tests[0]
				if more := len(r.Tests) - 1; more > 0 {
					by += fmt.Sprintf(" +%d", more)
				}
			}
			fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("  [%s] %-72s %s", mark, r.Name, by), " "))
		}
		b.WriteString("\n")
	}
	b.WriteString("totals\n")
	for _, p := range t.Parts {
		fmt.Fprintf(&b, "  %-34s %4d of %4d\n", p.Title, p.Total.Reached, p.Total.Of)
	}
	fmt.Fprintf(&b, "  %-34s %4d of %4d\n", "the contract", t.Total.Reached, t.Total.Of)
	fmt.Fprintf(&b, "  %-34s %4d of %4d\n", t.Additions.Title, t.Additions.Total.Reached, t.Additions.Total.Of)
	_, err := io.WriteString(w, b.String())
	return err
}
