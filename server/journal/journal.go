// Package journal writes the centre's own events and keeps the rows of sessions in
// step with their events.
//
// What may live here: numbering, ids, and the derived columns. What may not: why
// an event is written.
package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vestibule/journey"
	"vestibule/server/store"
)

// lateAfter is the delay between an event and its receipt from which a visit
// counts as offline even if the kiosk never said so. Frames wait a second at most.
const lateAfter = time.Minute

// Refresh derives a session's row from its events. The caller holds the kiosk's
// row. A silenceLimit of 0 does not judge silence: see journey.Status.
func Refresh(ctx context.Context, tx *store.Tx, session, project string, now time.Time, silenceLimit time.Duration) (store.Session, error) {
	row, err := tx.Session(ctx, session)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return row, fmt.Errorf("read session: %w", err)
	}
	events, err := tx.Events(ctx, session)
	if err != nil {
		return row, fmt.Errorf("read events: %w", err)
	}
	if len(events) == 0 {
		return row, nil
	}
	s := journey.Summarise(events, now, silenceLimit)
	if row.ID == "" {
		row.ID, row.Received = session, now
	}
	row.Kiosk, row.Submission = s.Kiosk, s.Submission
	if project != "" {
		row.Project = project
	}
	row.Started, row.Ended = s.Started, s.Ended
	if row.Started.IsZero() { // so far only the centre has spoken
		row.Started, row.Ended = events[0].Started, events[0].Ended
	}
	row.Updated, row.Status, row.Decision, row.Reason, row.Events = now, s.Status, s.Decision, s.Reason, s.Events
	row.Stage = ""
	for _, e := range events {
		if e.Origin == journey.OriginServer {
			row.CentreSeq = max(row.CentreSeq, e.Seq)
			continue
		}
		row.KioskSeq = max(row.KioskSeq, e.Seq)
		if entry, ok := journey.Lookup(e.Name); ok && entry.Stage.Segment() != "" {
			row.Stage = entry.Stage
		}
		switch e.Name {
		case journey.EventNetworkOffline, journey.EventWebSocketDisconnected:
			row.Offline = true
		}
		if delay := e.Received.Sub(e.Ended); e.Clock != journey.ClockUntrusted && delay > row.Delay {
			row.Delay = delay
		}
	}
	row.Offline = row.Offline || row.Delay > lateAfter
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
