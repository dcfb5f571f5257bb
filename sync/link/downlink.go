package link

import "time"

// downlink is the centre's go-back-N state towards one kiosk: one frame of commands
// at a time, sent again until the kiosk's cursor has passed it.
type downlink struct {
	known  bool   // the kiosk has told its cursor
	cursor uint64 // last command that it applied
	sent   uint64 // last command sent; nothing is under way when it is not above cursor
	more   bool   // there may be commands after sent
	late   retry
	due    time.Time
	misses int
}

// downTries is how often commands are sent to a kiosk that does not answer. Its
// next frame begins anew.
const downTries = 6

// heard takes a kiosk's cursor and the highest command there is for it.
func (d *downlink) heard(cursor, top uint64, now time.Time) {
	news := !d.known || cursor != d.cursor
	if news || d.misses >= downTries { // after giving up, any frame says that it is here again
		d.misses = 0
		d.late.reset()
	}
	switch {
	case !d.known || cursor < d.cursor || d.sent <= cursor:
		d.sent, d.due = cursor, time.Time{}
	case news:
		d.due = now.Add(d.late.next())
	}
	d.known, d.cursor = true, cursor
	d.more = d.more || top > d.sent
}

// want tells whether commands should be sent now, and after which.
func (d *downlink) want(now time.Time) (after uint64, ok bool) {
	if d.sent > d.cursor {
		if d.due.IsZero() || now.Before(d.due) {
			return 0, false // under way
		}
		d.sent, d.more = d.cursor, true
		if d.misses++; d.misses >= downTries {
			d.due = time.Time{}
			return 0, false
		}
	}
	d.due = time.Time{}
	if !d.more || d.misses >= downTries {
		return 0, false
	}
	return d.cursor, true
}

// under notes what was sent; last == cursor when there was nothing.
func (d *downlink) under(last uint64, now time.Time) {
	d.more = false
	d.sent, d.due = last, time.Time{}
	if last > d.cursor {
		d.due = now.Add(d.late.next())
		d.more = true // look once more after the kiosk has taken these
	}
}
