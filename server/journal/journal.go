// Package journal writes the centre's own events and keeps the rows of sessions in
// step with their events.
//
// What may live here: numbering, ids, and the derived columns. What may not: why
// an event is written.
package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"vestibule/journey"
	"vestibule/server/store"
)

// lateAfter is the delay between an event and its receipt from which a visit
// counts as offline even if the kiosk never said so. Frames wait a second at most.
const lateAfter = time.Minute

// fold is what a session's events come to so far: kept beside its row, so that a frame costs what it brings and not
// what the visit was so far.
type fold struct {
	journey.Fold
	Stage   journey.Stage `json:"stage,omitempty"` // of the kiosk's last event that has one
	Cut     bool          `json:"cut,omitempty"`   // the kiosk said that it was without a line
	Delay   time.Duration `json:"delay,omitempty"` // the longest between an event and its receipt
	Release int           `json:"release"`         // of these rules; what another one kept is worked out anew
}

// foldRelease is counted up when fold, or what it is made by, changes.
const foldRelease = 1

// add takes one more event, or reports that all have to be taken anew.
func (f *fold) add(e journey.Event) bool {
	if !f.Add(e) {
		return false
	}
	if e.Origin == journey.OriginServer {
		return true
	}
	if entry, ok := journey.Lookup(e.Name); ok && entry.Stage.Segment() != "" {
		f.Stage = entry.Stage
	}
	switch e.Name {
	case journey.EventNetworkOffline, journey.EventWebSocketDisconnected:
		f.Cut = true
	}
	if delay := e.Received.Sub(e.Ended); e.Clock != journey.ClockUntrusted && delay > f.Delay {
		f.Delay = delay
	}
	return true
}

// folded gives what a session's events come to: from what was kept and the later ones where that is all of them,
// else from all.
func folded(ctx context.Context, tx *store.Tx, row store.Session, session string) (fold, error) {
	var f fold
	if len(row.Fold) > 0 && json.Unmarshal(row.Fold, &f) == nil && f.Release == foldRelease {
		later, all, err := tx.EventsAfter(ctx, session, f.Kiosk.Seq, f.Centre.Seq)
		if err != nil {
			return f, fmt.Errorf("read later events: %w", err)
		}
		whole := f.Events+len(later) == all // else some came that belong before
		for _, e := range later {
			whole = whole && f.add(e)
		}
		if whole {
			return f, nil
		}
	}
	events, err := tx.Events(ctx, session)
	if err != nil {
		return f, fmt.Errorf("read events: %w", err)
	}
	f = fold{Release: foldRelease}
	for _, e := range events { // the kiosk's in order, then the centre's
		if !f.add(e) {
			return f, fmt.Errorf("event %s is out of order", e.ID)
		}
	}
	return f, nil
}

// Refresh derives a session's row from its events. The caller holds the kiosk's
// row. A silenceLimit of 0 does not judge silence: see journey.Status.
func Refresh(ctx context.Context, tx *store.Tx, session, project string, now time.Time, silenceLimit time.Duration) (store.Session, error) {
	row, err := tx.Session(ctx, session)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return row, fmt.Errorf("read session: %w", err)
	}
	f, err := folded(ctx, tx, row, session)
	if err != nil || f.Events == 0 {
		return row, err
	}
	return save(ctx, tx, f, row, session, project, now, silenceLimit)
}

// Continue is Refresh for a caller who journalled the events itself, held the kiosk's row from before it read the
// session's and counted what it had, and since: none of it has to be read again. What does not continue what was kept is
// worked out from all.
func Continue(ctx context.Context, tx *store.Tx, row store.Session, had int, project string, now time.Time, events []journey.Event) error {
	f, ok := continued(row, had, events)
	if !ok {
		_, err := Refresh(ctx, tx, row.ID, project, now, 0)
		return err
	}
	_, err := save(ctx, tx, f, row, row.ID, project, now, 0)
	return err
}

// continued adds events to what was kept of a session, if that was all of it and they come next.
func continued(row store.Session, had int, events []journey.Event) (f fold, ok bool) {
	if len(row.Fold) == 0 || json.Unmarshal(row.Fold, &f) != nil || f.Release != foldRelease || f.Events != had {
		return f, false
	}
	for _, e := range events {
		if e.Origin == journey.OriginServer || e.Seq <= f.Kiosk.Seq || !f.add(e) {
			return f, false
		}
	}
	return f, true
}

// save writes a session's row as its events have it.
func save(ctx context.Context, tx *store.Tx, f fold, row store.Session, session, project string, now time.Time, silenceLimit time.Duration) (store.Session, error) {
	s := f.Session(now, silenceLimit)
	if row.ID == "" {
		row.ID, row.Received = session, now
	}
	row.Kiosk, row.Submission = s.Kiosk, s.Submission
	if project != "" {
		row.Project = project
	}
	row.Started, row.Ended = s.Started, s.Ended
	if row.Started.IsZero() { // so far only the centre has spoken
		row.Started, row.Ended = f.Centre.Started, f.Centre.Ended
	}
	row.Updated, row.Status, row.Decision, row.Reason, row.Events = now, s.Status, s.Decision, s.Reason, s.Events
	row.KioskSeq, row.CentreSeq, row.Stage = f.Kiosk.Seq, f.Centre.Seq, f.Stage
	row.Delay = f.Delay
	row.Offline = f.Cut || row.Delay > lateAfter
	var err error
	if row.Fold, err = json.Marshal(f); err != nil {
		return row, fmt.Errorf("keep what a session came to: %w", err)
	}
	return row, tx.SaveSession(ctx, row)
}

// Add journals events of the centre: it gives each its place, its number and the
// time of receipt. The caller holds the kiosk's row, sets ids and intervals, and
// calls Refresh afterwards for events of a session.
func Add(ctx context.Context, tx *store.Tx, kiosk, session, submission string, now time.Time, events ...journey.Event) error {
	var next uint64
	if session == "" {
		n, err := tx.NextSeq(ctx, kiosk)
		if err != nil {
			return fmt.Errorf("number centre events: %w", err)
		}
		next = n
	} else {
		row, err := tx.Session(ctx, session)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("number centre events: %w", err)
		}
		next = row.CentreSeq + 1
	}
	for i, e := range events {
		e.Kiosk, e.Session, e.Submission = kiosk, session, submission
		e.Origin, e.Seq, e.Received, e.Clock = journey.OriginServer, next+uint64(i), now, journey.ClockTrusted
		if e.Source == "" {
			e.Source = journey.BE
		}
		if e.Impact == "" {
			e.Impact = journey.ImpactNone
		}
		if err := e.Validate(); err != nil {
			return fmt.Errorf("centre event %s: %w", e.Name, err)
		}
		fresh, err := tx.AddEvent(ctx, e)
		if err != nil {
			return err
		}
		if !fresh {
			return fmt.Errorf("centre event %s has an id that exists", e.Name)
		}
	}
	return nil
}
