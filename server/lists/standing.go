package lists

import (
	"context"
	"time"

	"vestibule/server/aml"
	"vestibule/server/store"
)

// Standing is how a list in force stands.
type Standing struct {
	Source    aml.Source
	Kind      aml.Kind
	Snapshot  string
	Entries   int
	Issued    time.Time // as the list says; zero where it says nothing
	Imported  time.Time // this state of it, for the first time
	Confirmed time.Time // when this was last found to be the publisher's newest: an import, or an answer of its address
}

// Age is how long ago the list was found to be its publisher's newest. A list that its
// publisher has not changed for long is not old; one that nobody has asked for is.
func (s Standing) Age(now time.Time) time.Duration { return now.Sub(s.Confirmed) }

// Standings tells how the lists in force stand, by source.
func Standings(ctx context.Context, r store.Reader) ([]Standing, error) {
	rows, err := r.ActiveSnapshots(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Standing, 0, len(rows))
	for _, row := range rows {
		head, err := headOf(row)
		if err != nil {
			return nil, err
		}
		all = append(all, Standing{
			Source: aml.Source(row.Kind), Kind: head.Kind, Snapshot: row.ID, Entries: row.Entities,
			Issued: head.Issued, Imported: row.Imported, Confirmed: row.Confirmed,
		})
	}
	return all, nil
}

// Stale gives those that are older than a limit; 0 is none.
func Stale(all []Standing, limit time.Duration, now time.Time) []Standing {
	var old []Standing
	for _, s := range all {
		if limit > 0 && s.Age(now) > limit {
			old = append(old, s)
		}
	}
	return old
}
