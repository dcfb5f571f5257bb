package agent

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"vestibule/agent/health"
	"vestibule/journey"
	"vestibule/sync/wire"
)

// What is too hot, °C. Starting values: processors slow down or switch off from about 95 on.
const (
	hot       = 80.0
	tooHot    = 90.0
	certSpent = .8                 // of a certificate's life; it should have been renewed at two thirds
	certEnd   = 7 * 24 * time.Hour // a certificate that ends so soon and could not be renewed
)

// look sees what is wrong with the kiosk, shows it and tells the centre.
func (o *owner) look() {
	now := o.now()
	o.health.Look(now, o.findings(now))
	shown := o.health.Shown(now)
	if slices.Equal(shown, o.shown) {
		return
	}
	o.shown = shown
	if o.link != nil {
		told := make([]wire.Condition, 0, len(shown))
		for _, c := range shown {
			told = append(told, wire.Condition{Code: string(c.Code), Severity: uint8(c.Severity), Since: c.Since.UTC().Truncate(time.Second), Detail: c.Detail})
		}
		o.link.Report(told)
	}
	o.publish()
}

// doubted is how long a frame that was not the centre's is told of: as long as no second event about it is recorded.
const doubted = time.Hour

// findings is everything that is wrong just now.
func (o *owner) findings(now time.Time) (found []health.Finding) {
	add := func(code health.Code, severity health.Severity, detail string) {
		found = append(found, health.Finding{Code: code, Severity: severity, Detail: detail})
	}
	level := func(code health.Code, level int, detail string) { // 1 at 80 % of a limit, 2 at it
		if level > 0 {
			add(code, health.Warning+health.Severity(level-1), detail)
		}
	}
	if o.closed != nil {
		add(health.Closed, health.Critical, o.closed.Code)
	}
	if used, limit, err := o.store.Space(o.disk); err == nil && limit > 0 {
		level(health.Disk, o.low, strconv.Itoa(int(100*used/limit)))
	}
	if st, err := o.store.Outbox().Stats(o.disk); err == nil {
		if !st.Oldest.IsZero() {
			level(health.Queue, o.old, fmt.Sprintf("%dh", int(now.Sub(st.Oldest).Hours())))
		}
		if st.Quarantined > 0 {
			add(health.Quarantine, health.Warning, strconv.Itoa(st.Quarantined))
		}
	}
	level(health.Policy, o.late, "")
	if o.link != nil {
		if !o.status.Online || o.status.Code != "" {
			add(health.Link, health.Warning, o.status.Code)
		}
		if at := o.status.Unproven; !at.IsZero() && now.Sub(at).Abs() < doubted {
			add(health.Unproven, health.Warning, o.status.Doubt)
		}
		switch o.clock {
		case journey.ClockUntrusted:
			add(health.Clock, health.Warning, "untrusted")
		case journey.ClockUnknown:
			add(health.Clock, health.Notice, "unknown")
		}
	}
	if f, old := o.adviceAge(now); old {
		found = append(found, f)
	}
	if o.cfg.Expires != nil {
		spent, failed := 0., ""
		if o.cfg.Renewal != nil {
			spent, failed = o.cfg.Renewal()
		}
		switch left := o.cfg.Expires().Sub(now); {
		case left <= 0:
			add(health.Certificate, health.Critical, strings.TrimSpace("ended "+failed))
		case left <= certEnd || spent >= certSpent:
			add(health.Certificate, health.Warning, strings.TrimSpace(fmt.Sprintf("%dh %s", int(left.Hours()), failed)))
		case failed != "":
			add(health.Certificate, health.Notice, failed)
		}
	}
	if o.cfg.Temperature != nil {
		switch c, ok := o.cfg.Temperature(); {
		case ok && c >= tooHot:
			add(health.Temperature, health.Critical, strconv.Itoa(int(c)))
		case ok && c >= hot:
			add(health.Temperature, health.Warning, strconv.Itoa(int(c)))
		}
	}
	return found
}
