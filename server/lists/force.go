package lists

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"vestibule/server/aml"
	"vestibule/server/centre"
	"vestibule/server/store"
)

// InForce holds the lists in force in memory, in step with the database. Refresh is
// called by one goroutine at a time; the other methods by any.
type InForce struct {
	Store *store.Store
	Log   *slog.Logger

	screener aml.Screener
	ids      []string
	oldest   atomic.Pointer[oldest]
}

// oldest is the list in force that was confirmed longest ago.
type oldest struct {
	source    aml.Source
	confirmed time.Time
}

// Refresh builds a new index when other snapshots are in force than before, and holds
// none when none are.
func (l *InForce) Refresh(ctx context.Context) error {
	rows, err := l.Store.Read().ActiveSnapshots(ctx)
	if err != nil {
		return fmt.Errorf("look for lists: %w", err)
	}
	var ids []string
	for _, s := range rows {
		ids = append(ids, s.ID)
	}
	if slices.Equal(ids, l.ids) {
		l.note(rows)
		return nil
	}
	if len(ids) == 0 {
		l.screener.Swap(nil)
		l.oldest.Store(nil)
		l.ids = nil
		l.Log.WarnContext(ctx, "no list is in force any more", "code", centre.ProblemLists)
		return nil
	}
	all := make([]aml.List, 0, len(rows))
	for _, s := range rows {
		list, err := headOf(s)
		if err != nil {
			return err
		}
		if err := l.Store.Read().EachListEntity(ctx, s.ID, func(row store.ListEntity) error {
			e := aml.Entity{Hash: row.Hash}
			if err := json.Unmarshal(row.Body, &e); err != nil {
				return fmt.Errorf("read list %s: %w", s.Kind, err)
			}
			if e.Type == aml.Person {
				list.Entities = append(list.Entities, e)
			}
			return nil
		}); err != nil {
			return err
		}
		all = append(all, list)
	}
	index, err := aml.Build(all...)
	if err != nil {
		return fmt.Errorf("build index: %w", err)
	}
	l.screener.Swap(index)
	l.note(rows)
	l.ids = ids
	l.Log.InfoContext(ctx, "lists in force", "index", index.ID(), "people", index.People())
	return nil
}

// note keeps which of the lists is the oldest.
func (l *InForce) note(rows []store.Snapshot) {
	if len(rows) == 0 {
		return
	}
	first := slices.MinFunc(rows, func(a, b store.Snapshot) int { return a.Confirmed.Compare(b.Confirmed) })
	l.oldest.Store(&oldest{aml.Source(first.Kind), first.Confirmed})
}

// Screen is centre.Screen over the lists in force.
func (l *InForce) Screen(_ context.Context, q aml.Query) (centre.Screened, error) {
	if !l.Loaded() {
		return centre.Screened{}, centre.ErrNoLists
	}
	got, err := l.screener.Screen(q)
	if err != nil {
		return centre.Screened{}, err
	}
	out := centre.Screened{Lists: got.Index, Entities: got.People, Matches: got.Matches}
	if o := l.oldest.Load(); o != nil {
		out.Oldest, out.Confirmed = o.source, o.confirmed
	}
	return out, nil
}

// Loaded reports whether there is anything to screen against.
func (l *InForce) Loaded() bool {
	_, err := l.screener.Index()
	return !errors.Is(err, aml.ErrNotScreened)
}
