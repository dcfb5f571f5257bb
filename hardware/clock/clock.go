// Package clock is the time that drivers live by, so that a test, or a bench
// that must not wait, can bring its own.
//
// What may live here: telling the time and waiting for it. What may not: time
// zones, formatting, or anybody's schedule.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	// After delivers the time once, d from now.
	After(d time.Duration) <-chan time.Time
}

// System is the machine's clock.
type System struct{}

// Now is time.Now.
func (System) Now() time.Time { return time.Now() }

// After is time.After.
func (System) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Leaping is a clock on which waiting takes no time: After moves it forward and
// fires at once. It suits one waiting goroutine at a time.
type Leaping struct {
	mu  sync.Mutex
	now time.Time
}

// NewLeaping returns a clock that stands at start.
func NewLeaping(start time.Time) *Leaping { return &Leaping{now: start} }

// Now is where the clock stands.
func (l *Leaping) Now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// Advance moves the clock forward by d.
func (l *Leaping) Advance(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.now.Add(d)
}

// After advances the clock by d, if positive, and fires.
func (l *Leaping) After(d time.Duration) <-chan time.Time {
	if d > 0 {
		l.Advance(d)
	}
	c := make(chan time.Time, 1)
	c <- l.Now()
	return c
}

// Or returns c, or the system's clock when c is nil.
func Or(c Clock) Clock {
	if c == nil {
		return System{}
	}
	return c
}
