package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"vestibule/journey"
	"vestibule/sync/wire"
)

// How often it is looked whether there is something new to show a branch, and from when on it is shown anew though
// nothing happened.
const (
	showEvery = time.Second
	showAgain = time.Minute
)

// startShowing shows the kiosk's branch how it stands, until ctx ends; the channel is closed when that is over.
func (a *Agent) startShowing(ctx context.Context) <-chan struct{} {
	over := make(chan struct{})
	if a.link == nil || a.cfg.Uplink.Certificate == nil {
		close(over)
		return over
	}
	go func() {
		defer close(over)
		s := stander{Agent: a, visits: map[string]standing{}}
		tick := time.NewTicker(showEvery)
		defer tick.Stop()
		for {
			if err := s.show(ctx); err != nil && ctx.Err() == nil {
				a.cfg.Log.Warn("agent: the branch is not shown how the kiosk stands", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return over
}

// stander remembers what was told of the newest journeys, so that only those in which something happened are read again.
type stander struct {
	*Agent
	seen   int64 // the last event that was looked at
	begun  bool
	visits map[string]standing
	shown  time.Time
}

// standing is one journey, and the event by which it changed last.
type standing struct {
	wire.Visit
	changed int64
}

// show tells how the kiosk stands, if that has changed or was told long ago.
func (s *stander) show(ctx context.Context) error {
	changed, last, err := s.store.Changed(ctx, s.seen, s.begun, wire.MaxVisits)
	if err != nil {
		return err
	}
	acked := s.acked.Swap(false)
	if s.begun && len(changed) == 0 && !acked && time.Since(s.shown) < showAgain {
		return nil
	}
	for _, c := range changed {
		v, err := s.visit(ctx, c.Session)
		if err != nil {
			return err
		}
		s.visits[c.Session] = standing{v, c.Last}
	}
	s.seen, s.begun = last, true
	list := make([]standing, 0, len(s.visits))
	for _, v := range s.visits {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b standing) int { return cmp.Compare(b.changed, a.changed) })
	for len(list) > wire.MaxVisits {
		delete(s.visits, list[len(list)-1].Session)
		list = list[:len(list)-1]
	}
	st, err := s.store.Outbox().Stats(ctx)
	if err != nil {
		return err
	}
	out := wire.Standing{Kiosk: s.cfg.Kiosk, At: s.cfg.Now().UTC().Truncate(time.Microsecond), Waiting: wire.Waiting{
		Records: st.Records, Submissions: st.Submissions, Pictures: st.Blobs, Bytes: st.Bytes + st.BlobBytes, Oldest: st.Oldest,
	}}
	for _, v := range list {
		out.Visits = append(out.Visits, v.Visit)
	}
	b, err := s.sign(out)
	if err != nil {
		return err
	}
	s.link.Show(b)
	s.shown = time.Now()
	return nil
}

// sign encodes a standing; where it would be too large, the older half of the journeys is left out.
func (s *stander) sign(out wire.Standing) ([]byte, error) {
	for {
		b, err := wire.SignStanding(out, s.cfg.Uplink.Signer, s.cfg.Uplink.Certificate(), s.cfg.Rand)
		if !errors.Is(err, wire.ErrTooLarge) || len(out.Visits) == 0 {
			return b, err
		}
		out.Visits = out.Visits[:len(out.Visits)/2]
	}
}

// visit reads a journey's events into what is told of it.
func (s *stander) visit(ctx context.Context, session string) (wire.Visit, error) {
	events, err := s.store.Events(ctx, session)
	if err != nil {
		return wire.Visit{}, err
	}
	j := journey.Summarise(events, time.Time{}, 0) // silence is not judged: the kiosk is here
	v := wire.Visit{
		Session: session, Submission: j.Submission, Status: string(j.Status), Segment: string(j.Segment), Path: j.Path,
		Started: j.Started, Ended: j.Ended, Events: j.Events,
	}
	if v.Submission != "" {
		verdict, ok, err := s.store.LatestVerdict(ctx, v.Submission)
		if err != nil {
			return wire.Visit{}, fmt.Errorf("read verdict: %w", err)
		}
		if ok {
			v.Decision, v.Reason = string(verdict.Decision), string(verdict.Reason)
		}
	}
	return v, nil
}
