// Package gate compares a list with the one in force and refuses what looks like an
// accident: a file that was cut, damaged, or older than the one before.
//
// What may live here: what changed, and bounds on it. What may not: formats, storage,
// and whoever overrules a refusal.
package gate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"vestibule/server/aml"
	"vestibule/sync/fault"
)

// Bounds says what a new list may look like beside the one in force.
type Bounds struct {
	Removed float64 // share of the entries, and of the people, in force that it may lack
	Dropped float64 // share of its records that could not be read
}

// Usual gives the bounds that hold unless somebody overrules them. Both are starting
// values: publishers take a few entries off in a day, and no published file of ours had
// a record that could not be read.
func Usual() Bounds { return Bounds{Removed: .20, Dropped: .01} }

// Entry is one entry of the list in force, as far as comparing needs it.
type Entry struct {
	ID     string
	Hash   string // content hash
	Person bool
}

// Change tells what a new list would change. All ids are in order.
type Change struct {
	Added, Changed, Removed []string
	Before, After           int // entries
	PeopleBefore            int
	PeopleRemoved           int
}

// None reports whether both lists say the same.
func (c Change) None() bool { return len(c.Added)+len(c.Changed)+len(c.Removed) == 0 }

// Compare tells what changes from the entries in force to those of a new list, whose
// Hash is set. No two entries of one list share an id.
func Compare(before []Entry, after []aml.Entity) Change {
	c := Change{Before: len(before), After: len(after)}
	had := make(map[string]Entry, len(before))
	for _, e := range before {
		had[e.ID] = e
		if e.Person {
			c.PeopleBefore++
		}
	}
	for _, e := range after {
		old, known := had[e.ID]
		switch {
		case !known:
			c.Added = append(c.Added, e.ID)
		case old.Hash != e.Hash:
			c.Changed = append(c.Changed, e.ID)
		}
		delete(had, e.ID)
	}
	for id, e := range had {
		c.Removed = append(c.Removed, id)
		if e.Person {
			c.PeopleRemoved++
		}
	}
	for _, ids := range [][]string{c.Added, c.Changed, c.Removed} {
		slices.SortFunc(ids, cmp.Compare[string])
	}
	return c
}

// Check refuses a list that goes beyond the bounds, with a fault for each of them.
// before is the head of the list in force; nil: there is none.
func (b Bounds) Check(before *aml.List, after aml.List, c Change) error {
	var all []error
	refuse := func(code, message string) {
		all = append(all, fault.New(code, message+"; the one in force stays",
			"see server list diff; if the publisher means it, import with -force", nil))
	}
	if after.Read > 0 && share(after.Dropped, after.Read) > b.Dropped {
		refuse("list_damaged", fmt.Sprintf("%d of %d records of the list cannot be read", after.Dropped, after.Read))
	}
	switch {
	case share(len(c.Removed), c.Before) > b.Removed:
		refuse("list_shrunk", fmt.Sprintf("the list lacks %d of the %d entries in force", len(c.Removed), c.Before))
	case share(c.PeopleRemoved, c.PeopleBefore) > b.Removed:
		refuse("list_shrunk", fmt.Sprintf("the list lacks %d of the %d people in force", c.PeopleRemoved, c.PeopleBefore))
	}
	if before != nil && !after.Issued.IsZero() && after.Issued.Before(before.Issued) {
		refuse("list_older", fmt.Sprintf("the list was issued on %s, before the one in force (%s)",
			after.Issued.UTC().Format("2006-01-02 15:04"), before.Issued.UTC().Format("2006-01-02 15:04")))
	}
	return errors.Join(all...)
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
