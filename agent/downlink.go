package agent

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/sync/link"
	"vestibule/sync/outbox"
	"vestibule/sync/wire"
)

// openLink makes the link to the centre.
func (a *Agent) openLink() error {
	u, err := link.NewUplink(a.cfg.Uplink.Transport, ackWatcher{a.store.Outbox(), a}, link.UplinkConfig{
		Kiosk: a.cfg.Kiosk, Release: a.cfg.Uplink.Release, Signer: a.cfg.Uplink.Signer, Centre: a.cfg.Centre,
		Apply: a.apply, Applied: a.applied, Roll: rollKeeper{a},
		Now: a.cfg.Now, Random: a.cfg.Rand, Log: a.cfg.Log, Tuning: a.cfg.Uplink.Tuning,
	})
	a.link = u
	return err
}

// ackWatcher tells the owner which pictures arrived at the centre.
type ackWatcher struct {
	*outbox.Outbox
	a *Agent
}

func (w ackWatcher) Acknowledge(ctx context.Context, ack wire.Ack) (outbox.Acked, error) {
	done, err := w.Outbox.Acknowledge(ctx, ack)
	if err == nil && (done.Records > 0 || len(done.Blobs) > 0) {
		w.a.acked.Store(true)
		w.a.arrive(func(o *owner) { o.acknowledged(done) })
	}
	return done, err
}

// arrive passes something of the link's to the owner without blocking the link.
// What would not fit is only told late: the next arrival counts anew.
func (a *Agent) arrive(f func(*owner)) {
	select {
	case a.arrivals <- f:
	default:
		go func() {
			select {
			case a.arrivals <- f:
			case <-a.ended:
			}
		}()
	}
}

// acknowledged is what the centre has by now.
func (o *owner) acknowledged(done outbox.Acked) {
	if o.link != nil { // else a courier brought it
		o.linkStatus(o.link.Status()) // an answer also says what time it is at the centre
	}
	for _, blob := range done.Blobs {
		o.delivered(blob)
	}
	before := o.waiting
	o.count()
	if o.waiting != before {
		o.publish()
	}
}

// delivered records that a picture arrived, in the session it was taken in.
func (o *owner) delivered(blob string) {
	var ev *journey.Event
	err := o.store.Write(o.disk, func(tx *store.Tx) error {
		ev = nil
		session, submission, e, err := tx.Delivered(blob)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // told before, or its session is no longer kept
		}
		if err != nil {
			return err
		}
		ev = o.event(journey.EventUploadImage)
		ev.Session, ev.Submission, ev.Path, ev.Attempt = session, submission, "", e.Attempt
		ev.Started, ev.Result = e.Taken.UTC(), journey.Pass
		if ev.Started.After(ev.Ended) {
			ev.Started = ev.Ended
		}
		ev.Detail = map[string]string{"phase": "delivered", "kind": string(e.Kind), "evidence": e.ID}
		return tx.Record(ev)
	})
	if err != nil {
		o.cfg.Log.Warn("agent: the arrival of a picture was not recorded", "error", err)
		return
	}
	if ev != nil {
		o.tracedDelivery(ev)
	}
	if o.link != nil {
		o.link.Kick()
	}
}

// apply carries a command of the centre out, inside the transaction that remembers
// that it was. It runs on the link's goroutine and touches nothing of the owner's.
func (a *Agent) apply(ctx context.Context, tx *sql.Tx, cmd wire.Record) error {
	t := a.store.Within(ctx, tx)
	at := a.cfg.Now().UTC().Truncate(time.Microsecond)
	switch cmd.Kind {
	case wire.KindVerdict:
		var d journey.Verdict
		if err := wire.Unmarshal(cmd.Body, &d); err != nil {
			return outbox.Poison(fmt.Errorf("verdict: %w", err))
		}
		if d.Event == "" || d.Submission == "" || d.Decision != journey.Approved && d.Decision != journey.Rejected && d.Decision != journey.Pending {
			return outbox.Poison(errors.New("verdict: incomplete"))
		}
		fresh, err := t.Verdict(d, at)
		if err != nil || !fresh {
			return err
		}
		if err := t.DecidedVisit(d.Submission, d.Decision == journey.Rejected, at); err != nil {
			return err
		}
		known, err := t.Knows(d.Session)
		if err != nil || !known {
			return err // its session is no longer kept here: the verdict alone is
		}
		ev := a.bare(journey.KioskVerdictReceived, at)
		ev.Session, ev.Submission, ev.Policy = d.Session, d.Submission, d.Policy
		ev.Result, ev.Causes = journey.Pass, []string{d.Event}
		ev.Detail = map[string]string{"decision": string(d.Decision)}
		return t.Record(ev)
	case wire.KindPolicy:
		return a.order(t, cmd.Body, at)
	case wire.KindSeal:
		return a.reseal(t, cmd.Body, at)
	}
	return outbox.Poison(fmt.Errorf("command of kind %d is not known to this release", cmd.Kind))
}

// bare begins an event outside the owner's goroutine.
func (a *Agent) bare(name journey.EventName, at time.Time) *journey.Event {
	o := owner{Agent: a, clock: journey.ClockUnknown}
	ev := o.event(name)
	ev.Started, ev.Ended = at, at
	return ev
}

// applied passes on what was stored.
func (a *Agent) applied(cmd wire.Record) {
	switch cmd.Kind {
	case wire.KindVerdict:
		var d journey.Verdict
		if wire.Unmarshal(cmd.Body, &d) == nil {
			a.tracedVerdict(d)
			a.arrive(func(o *owner) { o.decided(d) })
		}
	case wire.KindPolicy:
		a.arrive(func(o *owner) { o.loadPolicy() })
	case wire.KindSeal:
		a.arrive(func(o *owner) { o.useSeal() })
	}
}

// linkStatus records what the line does. It changes no visit.
func (o *owner) linkStatus(s link.Status) {
	was := o.status
	o.status = s
	if s.Online != was.Online || s.Code != was.Code || s.Refused != was.Refused {
		o.noteLine(s)
	}
	o.hear(s.Clock)
	var events []*journey.Event
	add := func(name journey.EventName, r journey.Result) {
		ev := o.event(name)
		ev.Result = r
		if s.Code != "" {
			ev.Detail = map[string]string{"code": s.Code}
		}
		events = append(events, ev)
	}
	switch {
	case s.Online && !was.Online:
		add(journey.EventNetworkOnline, journey.Observed)
		add(journey.EventWebSocketConnected, journey.Pass)
	case !s.Online && was.Online:
		add(journey.EventNetworkOffline, journey.Observed)
		add(journey.EventWebSocketDisconnected, journey.Errored)
	case !s.Online && was.Code == "" && s.Code == link.CodeUnreachable:
		add(journey.EventNetworkOffline, journey.Observed)
	}
	switch s.Code {
	case link.CodeUntrusted, link.CodeClock, link.CodeNotAdmitted, link.CodeNotGranted, link.CodeRefused, link.CodeAhead:
		if s.Code != was.Code {
			add(journey.EventWebSocketError, journey.Errored)
		}
	}
	if at := s.Unproven; !at.IsZero() && !at.Equal(was.Unproven) && (o.doubted.IsZero() || o.now().Sub(o.doubted).Abs() >= doubted) {
		o.doubted = o.now()
		ev := o.own(journey.KioskFrameRefused)
		ev.Result, ev.Detail = journey.Fail, map[string]string{"code": s.Doubt}
		events = append(events, ev)
	}
	if c := confidence(s, o.now()); c != o.clock {
		o.clock = c
		ev := o.event(journey.KioskClockChanged)
		ev.Session, ev.Submission, ev.Path, ev.Attempt = store.OwnJournal, "", "", 0
		ev.Detail = map[string]string{"clock": string(c), "offset": s.Offset.Truncate(time.Millisecond).String()}
		events = append(events, ev)
	}
	if len(events) > 0 {
		if err := o.commit(nil, events...); err != nil && o.v != nil {
			o.fail(problemOf(err))
		}
	}
	if s.Online != was.Online || len(events) > 0 {
		o.publish()
	}
}

// confidence says how far the clock may be believed, from the last comparison with the centre's.
func confidence(s link.Status, now time.Time) journey.ClockConfidence {
	off := s.Offset.Abs()
	switch {
	case s.Clock.IsZero() || now.Sub(s.Clock) > 7*24*time.Hour:
		return journey.ClockUnknown
	case off > time.Minute+s.RTT:
		return journey.ClockUntrusted
	case off <= 2*time.Second+s.RTT:
		return journey.ClockTrusted
	}
	return journey.ClockUnknown
}
