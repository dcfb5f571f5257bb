package agent

import (
	"strconv"
	"time"

	"vestibule/journey"
)

// housekeep looks after storage and queue between visits and during them.
func (o *owner) housekeep() {
	if o.loose != "" {
		o.tieUp()
	} else if len(o.pending) > 0 {
		_ = o.commit(nil) // what could not be stored goes as soon as there is room
	}
	o.useSeal()
	o.catchUp()
	o.watchSpace()
	o.watchQueue()
	if o.link != nil {
		o.noteLine(o.link.Status())
		o.hear(o.link.Status().Clock)
	}
	o.watchPolicy()
	o.forgetVisits()
	if o.v == nil && o.closed == nil {
		o.prune()
	}
	o.look()
}

// arrivedAtOnce bounds one catching up.
const arrivedAtOnce = 100

// catchUp notes which pictures the centre has, where that was left undone.
func (o *owner) catchUp() {
	arrived, err := o.store.Arrived(o.disk, arrivedAtOnce)
	if err != nil {
		o.cfg.Log.Warn("agent: the arrival of pictures could not be looked up", "error", err)
		return
	}
	for _, blob := range arrived {
		o.delivered(blob)
	}
}

// watchSpace warns at 80 % of the store's limit, and closes the kiosk near its end.
// A running visit goes on.
func (o *owner) watchSpace() {
	used, limit, err := o.store.Space(o.disk)
	if err != nil || limit <= 0 {
		return
	}
	share := float64(used) / float64(limit)
	level := 0
	switch {
	case share > fullAt:
		level = 2
	case share > warnAt:
		level = 1
	}
	if level > o.low {
		ev := o.own(journey.KioskStorageLow)
		ev.Result, ev.Detail = journey.Fail, map[string]string{"used": strconv.Itoa(int(100 * share))}
		_ = o.commit(nil, ev)
	}
	o.low = level
	if level == 2 && o.v == nil && o.closed == nil {
		o.close(problem(ProblemStoreFull))
		o.publish()
	}
}

// watchQueue warns when records wait too long for the centre. Nothing is ever dropped for it.
func (o *owner) watchQueue() {
	st, err := o.store.Outbox().Stats(o.disk)
	if err != nil {
		return
	}
	before := o.waiting
	if o.count(); o.waiting != before {
		o.publish()
	}
	level, age := 0, time.Duration(0)
	if !st.Oldest.IsZero() {
		age = o.now().Sub(st.Oldest)
	}
	switch limit := o.cfg.Limits.QueueAge; {
	case age > limit:
		level = 2
	case age > limit*8/10:
		level = 1
	}
	if level > o.old {
		ev := o.own(journey.KioskQueueOld)
		ev.Result, ev.Detail = journey.Fail, map[string]string{"hours": strconv.Itoa(int(age.Hours())), "records": strconv.Itoa(st.Records)}
		_ = o.commit(nil, ev)
	}
	o.old = level
}

// prune forgets finished visits that the centre has whole.
func (o *owner) prune() {
	st, err := o.store.Outbox().Stats(o.disk)
	if err != nil || st.Records > 0 || st.Blobs > 0 {
		return
	}
	if _, err := o.store.Prune(o.disk, o.now().Add(-o.cfg.Limits.Retention)); err != nil {
		o.cfg.Log.Warn("agent: old visits were not cleared", "error", err)
	}
}

// own begins an event of the kiosk itself, also while a visit runs.
func (o *owner) own(name journey.EventName) *journey.Event {
	ev := o.event(name)
	ev.Session, ev.Submission, ev.Path, ev.Attempt, ev.Policy = "", "", "", 0, o.policy.Version
	return ev
}
