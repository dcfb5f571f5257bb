package console

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Bounds of how refused log-ins are noted: one by one at first, then by their number, so that nobody can fill the trail
// by trying keys.
const (
	refusedEach   = 10
	refusedWindow = time.Minute
)

// notKnown is who is refused: whoever it was, the trail must not hold what they typed.
const notKnown = "unknown"

// refusals counts refused log-ins.
type refusals struct {
	mu    sync.Mutex
	since time.Time // of the window
	noted int       // one by one in it
	more  int       // besides
}

// take counts one and reports whether it is noted by itself, and how many of an earlier window are still to be noted.
func (r *refusals) take(now time.Time) (itself bool, more int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	more = r.turn(now)
	if r.noted < refusedEach {
		r.noted++
		return true, more
	}
	r.more++
	return false, more
}

// turn begins a new window when the old one is over, and gives what is to be noted of it.
func (r *refusals) turn(now time.Time) int {
	if now.Sub(r.since) < refusedWindow {
		return 0
	}
	more := r.more
	r.since, r.noted, r.more = now, 0, 0
	return more
}

// turnedAway notes a refused log-in. What cannot be noted is refused all the same.
func (c *Console) turnedAway(ctx context.Context) {
	itself, more := c.refusals.take(c.Clock())
	c.noteMore(ctx, more)
	if itself {
		c.noteRefusal(ctx, "log-in refused")
	}
}

// Settle notes the refused log-ins that were only counted, once their minute is over. Somebody calls it every now and then.
func (c *Console) Settle(ctx context.Context) {
	c.refusals.mu.Lock()
	more := c.refusals.turn(c.Clock())
	c.refusals.mu.Unlock()
	c.noteMore(ctx, more)
}

// SettleAll notes all that were only counted, before the program ends.
func (c *Console) SettleAll(ctx context.Context) {
	c.refusals.mu.Lock()
	more := c.refusals.more
	c.refusals.more = 0
	c.refusals.mu.Unlock()
	c.noteMore(ctx, more)
}

func (c *Console) noteMore(ctx context.Context, more int) {
	if more > 0 {
		c.noteRefusal(ctx, fmt.Sprintf("log-in refused: %d more", more))
	}
}

func (c *Console) noteRefusal(ctx context.Context, what string) {
	if err := c.note(ctx, notKnown, what); err != nil {
		c.Log.Error("a refused log-in is not in the audit trail", "code", "audit", "error", err)
	}
}

// note puts a line into the audit trail.
func (c *Console) note(ctx context.Context, who, what string) error {
	if c.Note == nil {
		return nil
	}
	return c.Note(ctx, who, what, "console")
}
