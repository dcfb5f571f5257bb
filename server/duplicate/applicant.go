package duplicate

import "time"

// LinkKind says why two submissions belong to one applicant.
type LinkKind string

// The hard links. Anything weaker is for people to look at.
const (
	LinkPII      LinkKind = "pii"      // same personal data
	LinkDocument LinkKind = "document" // same document, and the name or the date of birth agrees
	LinkFace     LinkKind = "face"     // certain face, and the name or the date of birth agrees
	LinkReviewer LinkKind = "reviewer" // a person said so
)

// Root is the head of a group of submissions: an applicant.
type Root struct {
	ID      string
	Created time.Time
}

// Merge is one union: Merged becomes part of Survivor.
type Merge struct {
	Survivor string
	Merged   string
	Why      LinkKind
}

// Link says that the submission at hand belongs to a root, and why.
type Link struct {
	Root Root
	Why  LinkKind
}

// Union joins all linked roots: the oldest survives, the smaller id among equals.
// Without links it returns no root: the submission starts an applicant of its own.
func Union(links []Link) (survivor string, merges []Merge) {
	if len(links) == 0 {
		return "", nil
	}
	oldest := links[0].Root
	for _, l := range links[1:] {
		if l.Root.Created.Before(oldest.Created) || l.Root.Created.Equal(oldest.Created) && l.Root.ID < oldest.ID {
			oldest = l.Root
		}
	}
	done := map[string]bool{oldest.ID: true}
	for _, l := range links {
		if !done[l.Root.ID] {
			done[l.Root.ID] = true
			merges = append(merges, Merge{Survivor: oldest.ID, Merged: l.Root.ID, Why: l.Why})
		}
	}
	return oldest.ID, merges
}

// Within reports whether something that happened at then still counts at now. A
// period of 0 counts for ever. What lies in the future (a kiosk's clock was ahead) counts.
func Within(then, now time.Time, period time.Duration) bool {
	return period == 0 || now.Sub(then) <= period
}
