package agent

import (
	"strconv"
	"time"

	"vestibule/agent/store"
	"vestibule/journey"
)

// settingHeard is where the time lies at which the centre spoke last, by this kiosk's clock.
const settingHeard = "heard"

// heardEvery is how often that is written down while the line is up.
const heardEvery = time.Hour

// loadHeard takes up when the centre spoke last. A kiosk that does not know begins to count now.
func (o *owner) loadHeard() {
	now := o.now()
	if b, err := o.store.Get(o.disk, settingHeard); err == nil && b != nil {
		if at, err := time.Parse(time.RFC3339Nano, string(b)); err == nil && !at.After(now) {
			o.heard, o.noted = at, at
			return
		}
	}
	o.noteHeard(now)
}

// hear notes a word of the centre. An idle kiosk asks for one all the time that the line is up.
func (o *owner) hear(at time.Time) {
	if !at.After(o.heard) {
		return
	}
	o.heard = at
	if o.late > 0 || at.Sub(o.noted) >= heardEvery { // what opens a kiosk has to outlast a restart at once
		o.noteHeard(at)
	}
	if o.late > 0 {
		o.watchPolicy()
	}
}

func (o *owner) noteHeard(at time.Time) {
	o.heard, o.noted = at, at
	err := o.store.Write(o.disk, func(tx *store.Tx) error {
		return tx.Put(settingHeard, []byte(at.UTC().Format(time.RFC3339Nano)), o.now())
	})
	if err != nil {
		o.cfg.Log.Warn("agent: when the centre spoke last was not noted", "error", err)
	}
}

// watchPolicy warns at 80 % of the time that the policy gives a kiosk without its centre, and closes it at the
// end: by then its policy may be one that nobody wants any more. A running visit goes on. The next word of the
// centre opens it.
func (o *owner) watchPolicy() {
	limit, age := o.policy.OfflineLimit, o.now().Sub(o.heard)
	level := 0
	switch {
	case limit <= 0:
	case age >= limit:
		level = 2
	case age > limit*8/10:
		level = 1
	}
	if level > o.late {
		ev := o.own(journey.KioskPolicyOld)
		ev.Result, ev.Detail = journey.Fail, map[string]string{"hours": strconv.Itoa(int(age.Hours()))}
		_ = o.commit(nil, ev)
	}
	o.late = level
	switch {
	case level == 2 && o.v == nil && o.closed == nil:
		o.close(problem(ProblemPolicyOld))
		o.publish()
	case level < 2 && o.closed != nil && o.closed.Code == ProblemPolicyOld:
		o.closed = nil
		_ = o.commit(nil, o.event(journey.KioskOpened))
		o.publish()
	}
}
