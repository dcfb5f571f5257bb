package aml

import (
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds of a list.
const (
	maxFile     = 256 << 20 // bytes of one file
	maxField    = 64 << 10  // bytes of one field
	maxName     = 1 << 10   // bytes of one name
	maxEntities = 1_000_000
	maxWarnings = 100
)

// Load reads a list from the operator's file. For OFACCSV path is the folder of
// the set or its sdn.csv; the other files stand beside it under the same prefix.
// A file that cannot be read whole is an error that names the line, and so is a
// list without people: half a list clears those of the other half.
func Load(kind Kind, path string) (List, error) {
	var list List
	var err error
	switch kind {
	case OFACCSV:
		list, err = loadOFAC(path)
	case UNXML:
		list, err = loadUN(path)
	default:
		return List{}, fmt.Errorf("load %s: %w: %q; known are %q", filepath.Base(path), ErrKind, kind, Kinds())
	}
	if err == nil {
		err = list.finish()
	}
	if err != nil {
		return List{}, fmt.Errorf("load %s: %w", filepath.Base(path), err)
	}
	return list, nil
}

func loadUN(path string) (List, error) {
	f, err := os.Open(path)
	if err != nil {
		return List{}, err
	}
	defer f.Close()
	return readUN(f)
}

func loadOFAC(path string) (List, error) {
	info, err := os.Stat(path)
	if err != nil {
		return List{}, err
	}
	sdn := path
	if info.IsDir() {
		found, err := filepath.Glob(filepath.Join(path, "*sdn.csv"))
		if err != nil {
			return List{}, err
		}
		if len(found) != 1 {
			return List{}, fmt.Errorf("%d files named …sdn.csv in the folder; name the one that is meant", len(found))
		}
		sdn = found[0]
	}
	prefix, ok := strings.CutSuffix(sdn, "sdn.csv")
	if !ok {
		return List{}, errors.New("the main file of the set is named …sdn.csv")
	}
	var files ofacFiles
	for _, f := range []struct {
		name     string
		in       *io.Reader
		required bool
	}{
		{"sdn.csv", &files.SDN, true},
		{"alt.csv", &files.Alt, true}, // without its aliases a list misses most of whom it means
		{"add.csv", &files.Add, false},
		{"sdn_comments.csv", &files.Comments, false},
	} {
		in, err := os.Open(prefix + f.name)
		switch {
		case err == nil:
			defer in.Close()
			*f.in = in
		case f.required || !errors.Is(err, os.ErrNotExist):
			return List{}, err
		}
	}
	return readOFAC(files)
}

// finish puts entries in order, and computes the snapshot id.
func (l *List) finish() error {
	people := 0
	for _, e := range l.Entities {
		if e.Type == Person {
			people++
		}
	}
	if people == 0 {
		return ErrEmptyList
	}
	slices.SortFunc(l.Entities, func(a, b Entity) int { return cmp.Compare(a.ID, b.ID) })
	snapshot, err := l.contentHash()
	if err != nil {
		return err
	}
	l.Snapshot = snapshot
	return nil
}

// contentHash is SHA-256 over the source and the entries in order. How a file was
// laid out, when it was issued and what was warned of play no part in it.
func (l *List) contentHash() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", l.Source)
	enc := json.NewEncoder(h)
	for _, e := range l.Entities {
		if err := enc.Encode(e); err != nil {
			return "", fmt.Errorf("hash the list: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (l *List) warn(format string, args ...any) {
	if len(l.Warnings) < maxWarnings {
		l.Warnings = append(l.Warnings, fmt.Sprintf(format, args...))
	}
}

// Write keeps a snapshot: gzipped JSON.
func (l List) Write(w io.Writer) error {
	z := gzip.NewWriter(w)
	if err := json.NewEncoder(z).Encode(l); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

// Read reads a snapshot that Write kept, and holds it against its id.
func Read(r io.Reader) (List, error) {
	z, err := gzip.NewReader(&boundedReader{in: r, left: maxFile})
	if err != nil {
		return List{}, fmt.Errorf("read snapshot: %w", err)
	}
	var l List
	if err := json.NewDecoder(&boundedReader{in: z, left: maxFile}).Decode(&l); err != nil {
		return List{}, fmt.Errorf("read snapshot: %w", err)
	}
	if len(l.Entities) > maxEntities {
		return List{}, fmt.Errorf("read snapshot: %w", ErrTooLarge)
	}
	said := l.Snapshot
	if err := l.finish(); err != nil {
		return List{}, fmt.Errorf("read snapshot: %w", err)
	}
	if l.Snapshot != said {
		return List{}, errors.New("read snapshot: its content does not fit its id; import the list again")
	}
	return l, nil
}

// boundedReader ends with an error, not silently, when there is more than it may read.
type boundedReader struct {
	in   io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.in.Read(p)
	b.left -= int64(n)
	return n, err
}
