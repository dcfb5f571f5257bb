// Package aml screens people against sanctions lists.
//
// A list is read whole from the operator's files (package source), has a snapshot id
// that depends on its content alone, and is built with others into an immutable
// Index. A Screener holds the index that is in force and swaps it without
// a search ever failing or seeing half a list.
//
// Every match tells which name matched and how each word of it did. The same
// snapshots, engine version and query always give the same answer. What cannot be
// screened is an error, never an empty answer: "not screened" is never "clear".
//
// What may live here: comparing names, searching. What may not: formats (source),
// storage, jobs, the decision what a match means, and any network access.
package aml

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Engine is the version of the comparison. It changes whenever a score may change,
// and stands beside the snapshots in every result that is kept.
const Engine = "names-1"

// Errors of loading and searching.
var (
	// ErrNotScreened is returned by a Screener without lists, and for a query without a name.
	ErrNotScreened = errors.New("not screened")
	// ErrEmptyList is returned for a list that holds nobody.
	ErrEmptyList = errors.New("the list holds no entries")
)

// Kind names a format of files; package source reads them.
type Kind string

// Source names a list, whichever file it was read from.
type Source string

// The sources of the formats.
const (
	SourceOFAC Source = "us_ofac"
	SourceUN   Source = "un_sc"
	SourceEU   Source = "eu_fsf"
	SourceOFSI Source = "uk_ofsi"
	SourceUK   Source = "uk_fcdo"
	SourceFTM  Source = "opensanctions" // or as the operator calls the collection
	SourceOwn  Source = "own"           // or as the operator calls it
)

// List is one list at one moment.
type List struct {
	Source   Source    `json:"source"`
	Kind     Kind      `json:"kind"`
	Snapshot string    `json:"snapshot"`           // SHA-256 over the entries, hex
	Issued   time.Time `json:"issued,omitzero"`    // as the list says; zero where it says nothing
	Warnings []string  `json:"warnings,omitempty"` // what was left out, with its line
	Read     int       `json:"read,omitempty"`     // records in the file
	Dropped  int       `json:"dropped,omitempty"`  // of them, left out because they could not be read
	Entities []Entity  `json:"entities"`
}

// EntityType says what an entry is about. Only people are compared with people.
type EntityType string

// Types of entries.
const (
	Person       EntityType = "person"
	Organisation EntityType = "organisation"
	Vessel       EntityType = "vessel"
	Aircraft     EntityType = "aircraft"
)

// Entity is one entry of a list.
type Entity struct {
	ID          string       `json:"id"` // as the list names it
	Source      Source       `json:"source"`
	Type        EntityType   `json:"type"`
	Names       []Name       `json:"names"` // the primary one first
	Births      []Birth      `json:"births,omitempty"`
	Gender      string       `json:"gender,omitempty"`    // male, female or empty
	Countries   []string     `json:"countries,omitempty"` // nationality, citizenship: alpha-3, or the list's own word
	Identifiers []Identifier `json:"identifiers,omitempty"`
	Programs    []string     `json:"programs,omitempty"`
	Listed      string       `json:"listed,omitempty"` // YYYY-MM-DD

	// Hash is ContentHash, where whoever made the entry set it; no part of the content.
	Hash string `json:"-"`
}

// ContentHash is SHA-256 over all that the list says of the entry, hex. Two states of
// an entry are the same exactly if it is.
func (e Entity) ContentHash() (string, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return "", fmt.Errorf("hash list entry: %w", err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), nil
}

// NameKind says how a list gives a name.
type NameKind string

// Kinds of names. A weak alias is one that the list itself calls weak or low.
const (
	Primary  NameKind = "primary"
	Alias    NameKind = "alias"
	Weak     NameKind = "weak"
	Original NameKind = "original" // in the original script
)

// Name is one name of an entity.
type Name struct {
	Text string   `json:"text"`
	Kind NameKind `json:"kind"`
}

// Birth is a date of birth, or a period in which it lies. Both ends are YYYY,
// YYYY-MM or YYYY-MM-DD; To is empty unless it is a period. Circa marks an estimate.
type Birth struct {
	From  string `json:"from"`
	To    string `json:"to,omitempty"`
	Circa bool   `json:"circa,omitempty"`
}

// Identifier is a document or register number.
type Identifier struct {
	Kind    string `json:"kind"` // as the list calls it
	Number  string `json:"number"`
	Country string `json:"country,omitempty"` // alpha-3, or the list's own word
}

// Query is the person to look for. Only the name is needed.
type Query struct {
	Name     string
	Birth    string // YYYY, YYYY-MM or YYYY-MM-DD; 00 stands for an unknown part
	Gender   string // male, female or empty
	Country  string // nationality, alpha-3
	Document string // number of the document
	Issuer   string // of the document, alpha-3

	Sources []Source // empty: all
	AtLeast float64  // leave out what scores less; 0..100
	Most    int      // leave out what comes after so many; 0: 20
}

// Match is an entity that resembles the person, by its best name.
type Match struct {
	Entity   string       `json:"entity"`
	Source   Source       `json:"source"`
	Hash     string       `json:"hash,omitempty"` // content hash of the entry, where its index was given it
	Score    float64      `json:"score"`          // 0..100
	Name     string       `json:"name"`           // the name that matched, as listed
	Kind     NameKind     `json:"kind"`
	NameOnly float64      `json:"nameOnly"` // the score before birth, gender, country and document
	Why      []TokenMatch `json:"why"`
	Facts    []Fact       `json:"facts,omitempty"`
}

// Supported reports whether a date of birth that agrees, as far as both are known,
// speaks for it. A name alone is never a high risk, and neither is a document's
// number alone: numbers are short, and lists give them with slips and without issuers.
func (m Match) Supported() bool {
	for _, f := range m.Facts {
		if f.What == "birth" && (f.How == birthEqual || f.How == birthConsonant) {
			return true
		}
	}
	return false
}

// TokenMatch tells how one word of the query, or of the listed name, was matched.
// One side is empty where nothing corresponds.
type TokenMatch struct {
	Query  string  `json:"query,omitempty"`
	Listed string  `json:"listed,omitempty"`
	How    How     `json:"how"`
	Alike  float64 `json:"alike"`  // 0..1
	Weight float64 `json:"weight"` // 0..1: rare words weigh more
}

// How says in which way two words correspond.
type How string

// Ways in which words correspond.
const (
	Equal    How = "equal"
	Joined   How = "joined"   // written as one word on one side, as two on the other
	Sounding How = "sounding" // the same consonants
	Spelled  How = "spelled"  // a few letters differ
	Initial  How = "initial"
	Missing  How = "missing" // in the query only
	Extra    How = "extra"   // in the list only
)

// Fact tells how something other than the name changed a score.
type Fact struct {
	What   string  `json:"what"` // birth, gender, country, document
	How    string  `json:"how"`  // equal, near, different, …
	Points float64 `json:"points"`
}
