// Package source reads sanctions lists as their publishers write them, and lists of
// the operator's own, into aml.List: one file of this package for each format.
//
// Whatever a file says, reading it ends, holds at most one record of it in memory
// besides the result, and gives a list within the bounds below or an error that names
// the place. What a list says beyond a bound is left out with a warning that counts it;
// a file that is damaged as a whole is an error, because half a list clears the people
// of the other half. XML is read without document types, so without entities.
//
// What may live here: formats, their bounds, and how lists write dates and countries.
// What may not: comparing names, storage, downloads, and whether a list may go into
// force (gate).
package source

import (
	"cmp"
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

	"vestibule/server/aml"
)

// The formats that are read.
const (
	OFACCSV aml.Kind = "ofac-csv" // US OFAC SDN: sdn.csv with alt.csv, add.csv, sdn_comments.csv beside it
	UNXML   aml.Kind = "un-xml"   // UN Security Council consolidated list
	EUXML   aml.Kind = "eu-xml"   // EU consolidated financial sanctions list, schema 1.1
	OFSICSV aml.Kind = "ofsi-csv" // UK OFSI consolidated list, ConList.csv in the format of 2022
	UKCSV   aml.Kind = "uk-csv"   // UK Sanctions List, the successor of OFSI's in 2026: UK-Sanctions-List.csv
	FTMJSON aml.Kind = "ftm-json" // OpenSanctions: entities.ftm.json, a line for each entity
	OwnCSV  aml.Kind = "own-csv"  // the operator's own list: OwnHelp tells its columns
	OFACXML aml.Kind = "ofac-xml" // US OFAC SDN: sdn_advanced.xml, in the place of the csv
)

// format is how one kind of file is read.
type format struct {
	kind   aml.Kind
	source aml.Source
	named  bool // the operator may give the list another name
	read   func(g *gathering, in io.Reader) error
}

func formats() []format {
	return []format{
		{OFACCSV, aml.SourceOFAC, false, nil}, // several files
		{UNXML, aml.SourceUN, false, readUN},
		{EUXML, aml.SourceEU, false, readEU},
		{OFSICSV, aml.SourceOFSI, false, readOFSI},
		{UKCSV, aml.SourceUK, false, readFCDO},
		{FTMJSON, aml.SourceFTM, true, readFTM},
		{OwnCSV, aml.SourceOwn, true, readOwn},
		{OFACXML, aml.SourceOFAC, false, readOFACXML},
	}
}

// Kinds gives the formats that Load reads.
func Kinds() []aml.Kind {
	var all []aml.Kind
	for _, f := range formats() {
		all = append(all, f.kind)
	}
	return all
}

// Errors of reading.
var (
	// ErrKind is returned for a kind of list that is not known.
	ErrKind = errors.New("the kind of list is unknown")
	// ErrTooLarge is returned for files beyond the bounds.
	ErrTooLarge = errors.New("the list is too large")
	// ErrName is returned where a list cannot be called as the operator wants.
	ErrName = errors.New("the list cannot have that name")
)

// Load reads a list from the operator's file. For OFACCSV path is the folder of the
// set or its sdn.csv; the other files stand beside it under the same prefix. as names
// the list where its kind leaves that to the operator; empty: the kind's own name.
//
// A file that cannot be read whole is an error that names the line, and so is a list
// without people.
func Load(kind aml.Kind, path string, as aml.Source) (aml.List, error) {
	list, err := load(kind, path, as)
	if err != nil {
		return aml.List{}, fmt.Errorf("load %s: %w", filepath.Base(path), err)
	}
	return list, nil
}

func load(kind aml.Kind, path string, as aml.Source) (aml.List, error) {
	f, err := formatOf(kind, as)
	if err != nil {
		return aml.List{}, err
	}
	g := newGathering(f.source, kind)
	if kind == OFACCSV {
		err = loadOFAC(g, path)
	} else {
		var in *os.File
		if in, err = os.Open(path); err != nil {
			return aml.List{}, err
		}
		defer in.Close()
		err = f.read(g, in)
	}
	if err != nil {
		return aml.List{}, err
	}
	return g.finish()
}

func formatOf(kind aml.Kind, as aml.Source) (format, error) {
	i := slices.IndexFunc(formats(), func(f format) bool { return f.kind == kind })
	if i < 0 {
		return format{}, fmt.Errorf("%w: %q; known are %q", ErrKind, kind, Kinds())
	}
	f := formats()[i]
	if as != "" && as != f.source {
		if err := checkName(f, as); err != nil {
			return format{}, err
		}
		f.source = as
	}
	return f, nil
}

// NameOf gives what a list of a kind is called, where the operator calls it as.
func NameOf(kind aml.Kind, as aml.Source) (aml.Source, error) {
	f, err := formatOf(kind, as)
	return f.source, err
}

// File is one of the files that a list comes in.
type File struct {
	Name     string
	Required bool
}

// Files gives the files of a kind. Where it is one, its name does not matter.
func Files(kind aml.Kind) []File {
	if kind != OFACCSV {
		return []File{{"list", true}}
	}
	var all []File
	for _, f := range ofacFiles() {
		all = append(all, File{f.name, f.required})
	}
	return all
}

// checkName holds a name for a list of the operator's own against those of the
// publishers: a list never takes another's place.
func checkName(f format, as aml.Source) error {
	if !f.named {
		return fmt.Errorf("%w: a list of kind %s is called %s", ErrName, f.kind, f.source)
	}
	for _, other := range formats() {
		if other.source == as {
			return fmt.Errorf("%w: %s is another list", ErrName, as)
		}
	}
	ok := len(as) <= 32 && !strings.ContainsFunc(string(as), func(r rune) bool {
		return r != '-' && r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	if !ok {
		return fmt.Errorf("%w: use at most 32 of a-z, 0-9, - and _", ErrName)
	}
	return nil
}

// finish puts entries in order, says what was left out, and computes the snapshot id.
func (g *gathering) finish() (aml.List, error) {
	l := g.list
	people := 0
	for _, e := range l.Entities {
		if e.Type == aml.Person {
			people++
		}
	}
	if people == 0 {
		return aml.List{}, aml.ErrEmptyList
	}
	l.Warnings = g.warnings()
	slices.SortFunc(l.Entities, func(a, b aml.Entity) int { return cmp.Compare(a.ID, b.ID) })
	var err error
	l.Snapshot, err = contentHash(l)
	return l, err
}

// contentHash is SHA-256 over the source and the entries in order. How a file was
// laid out, when it was issued and what was warned of play no part in it.
func contentHash(l aml.List) (string, error) {
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
