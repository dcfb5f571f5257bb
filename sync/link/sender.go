package link

import (
	"math/rand/v2"
	"time"
)

// frame is one Up frame under way.
type frame struct {
	last uint64 // highest record in it, or below it when it has none
	at   time.Time
	lone bool // nothing was under way, nor answered lately: an answer with this mark is to this frame
}

// quiet is how long after an answer a frame without records is surely not what it answered.
const quiet = 5 * time.Second

// sender is the kiosk's go-back-N state: a window of frames after the acknowledged
// mark; when an answer is late, everything after that mark is sent again.
type sender struct {
	t       Tuning
	acked   uint64
	next    uint64 // highest record sent since the last rewind
	flight  []frame
	win     window
	pace    pace
	late    retry     // how the wait grows while nothing is answered
	due     time.Time // when the oldest frame's answer is late; zero: nothing is under way
	misses  int       // late answers in a row
	rewound uint64    // highest record sent before the last rewind: its times say nothing
	heard   time.Time // last answer
}

func newSender(t Tuning, jitter *rand.Rand) *sender {
	return &sender{
		t: t, win: window{size: min(2, t.Frames), most: t.Frames},
		late: retry{first: t.RetryFirst, most: t.RetryMost, jitter: jitter},
	}
}

// start begins a session: what was under way in the one before is not.
func (s *sender) start(acked uint64) {
	s.acked, s.next = acked, acked
	s.flight, s.due, s.misses, s.rewound, s.heard = nil, time.Time{}, 0, 0, time.Time{}
	s.win.size = min(2, s.t.Frames)
	s.late.reset()
}

// room tells whether another frame may be sent.
func (s *sender) room() bool { return len(s.flight) < s.win.size }

// sent notes a frame that ends with record last; last == s.next for one without records.
func (s *sender) sent(last uint64, now time.Time) {
	lone := len(s.flight) == 0 && s.misses == 0 && (s.heard.IsZero() || now.Sub(s.heard) > quiet)
	s.flight = append(s.flight, frame{last: last, at: now, lone: lone})
	s.next = max(s.next, last)
	if s.due.IsZero() {
		s.due = now.Add(s.wait())
	}
}

func (s *sender) wait() time.Duration {
	w := s.pace.patience(s.t.RetryFirst, s.t.RetryMost)
	if s.misses > 0 {
		w = max(w, s.late.next())
	}
	return w
}

// acknowledged notes an answer. It returns whether the mark moved and, where it can
// be told, how long the answer took.
func (s *sender) acknowledged(high uint64, now time.Time) (moved bool, rtt time.Duration) {
	if high < s.acked {
		return false, 0 // late, of before
	}
	s.heard = now
	before := s.acked
	moved = high > before
	s.acked, s.next = high, max(s.next, high)
	n := 0
	for n < len(s.flight) && s.flight[n].last <= high {
		n++
	}
	if n > 0 {
		// Only an answer that cannot be to an earlier frame, or to an earlier copy of
		// this one, says how long answers take.
		if f := s.flight[n-1]; f.lone || f.last > before && f.last > s.rewound {
			rtt = now.Sub(f.at)
			s.pace.sample(rtt)
		}
		for range n {
			s.win.success()
		}
		s.flight = s.flight[n:]
	}
	if n > 0 || moved {
		s.misses = 0
		s.late.reset()
		s.due = time.Time{}
		if len(s.flight) > 0 {
			s.due = now.Add(s.wait())
		}
	}
	return moved, rtt
}

// expired rewinds to the acknowledged mark when an answer is late, and says so.
func (s *sender) expired(now time.Time) bool {
	if s.due.IsZero() || now.Before(s.due) {
		return false
	}
	s.rewound = max(s.rewound, s.next)
	s.next, s.flight, s.due = s.acked, nil, time.Time{}
	s.win.failure()
	s.misses++
	return true
}
