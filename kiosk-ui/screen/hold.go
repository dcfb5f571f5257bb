package screen

import (
	"time"

	"vestibule/models"
)

// holdFor is how long a hint stays at least, so that it can be read.
const holdFor = 1500 * time.Millisecond

// hold keeps one hint on the screen long enough. A new one waits its turn; of
// several that wait only the latest is shown.
type hold struct {
	now   models.HintCode
	since time.Time
	any   bool
}

// show takes the hint that is due at t and gives the one to show.
func (h *hold) show(c models.HintCode, t time.Time) (code models.HintCode, changed bool) {
	if h.any && (c == h.now || t.Sub(h.since) < holdFor) {
		return h.now, false
	}
	changed = !h.any || c != h.now
	h.now, h.since, h.any = c, t, true
	return c, changed
}

func (h *hold) reset() { *h = hold{} }
