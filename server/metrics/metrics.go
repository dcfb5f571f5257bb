// Package metrics tells a Prometheus how the centre stands: what happened in this process is counted as it happens,
// what stands in the database is counted when it is asked for.
//
// What may live here: names, labels and units of figures. What may not: anything that a figure is about. Labels are
// codes of a known number; no kiosk, no person and no address is ever one.
package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"vestibule/journey"
	"vestibule/server/store"
	"vestibule/sync/link"
	"vestibule/sync/wire"
)

// Source tells what stands in the database. store.Reader is one.
type Source interface {
	Standing(ctx context.Context) (store.Standing, error)
}

// askLimit is how long a database may take to tell; a scrape waits ten seconds by default.
const askLimit = 5 * time.Second

// Metrics are the centre's figures.
type Metrics struct {
	registry  *prometheus.Registry
	frames    *prometheus.CounterVec
	records   prometheus.Counter
	committed prometheus.Histogram
	refused   *prometheus.CounterVec
	decisions *prometheus.CounterVec
	decided   prometheus.Histogram
	erased    *prometheus.CounterVec
}

// New makes the figures. now is for ages.
func New(s Source, release string, now func() time.Time, log *slog.Logger) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		frames: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vestibule_frames_total", Help: "Frames from kiosks, by what became of them: accepted, or the code of the refusal.",
		}, []string{"result"}),
		records: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "vestibule_records_total", Help: "Records in accepted frames, repeated ones included.",
		}),
		committed: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "vestibule_commit_seconds", Help: "How long a frame took to be committed.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vestibule_broker_refusals_total", Help: "Connections and packets that the embedded broker turned away, by code.",
		}, []string{"code"}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vestibule_decisions_total", Help: "Decisions by this copy, by decision, reason and who made them: rules or people.",
		}, []string{"decision", "reason", "by"}),
		decided: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "vestibule_decision_seconds", Help: "How long a decision of the rules took from the arrival of the last thing it needed.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}),
	}
	m.erased = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "vestibule_erasures_total", Help: "Erasures by this copy, by kind of data and why.",
	}, []string{"kind", "why"})
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "vestibule_info", Help: "1, with the release.", ConstLabels: prometheus.Labels{"release": release},
	})
	info.Set(1)
	m.registry.MustRegister(m.frames, m.records, m.committed, m.refused, m.decisions, m.decided, m.erased, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &standing{source: s, now: now, log: log})
	return m
}

// Screener shows whether an external screener answered when it was asked last.
func (m *Metrics) Screener(up func() bool) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "vestibule_screener_up", Help: "1 while the external screener answers; at 0 submissions wait for it.",
	}, func() float64 {
		if up() {
			return 1
		}
		return 0
	}))
}

// Handler serves the figures.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 2 * askLimit})
}

// Rejected counts a frame that was not accepted.
func (m *Metrics) Rejected(code string) { m.frames.WithLabelValues(code).Inc() }

// Refused counts what the broker turned away.
func (m *Metrics) Refused(code string) { m.refused.WithLabelValues(code).Inc() }

// Decided counts a decision. waited is zero where people made it: it was theirs to take their time.
func (m *Metrics) Decided(d journey.Decision, r journey.Reason, people bool, waited time.Duration) {
	by := "rules"
	if people {
		by = "people"
	}
	m.decisions.WithLabelValues(string(d), string(r), by).Inc()
	if !people {
		m.decided.Observe(waited.Seconds())
	}
}

// Erased counts a kind of data of one submission that was erased.
func (m *Metrics) Erased(kind journey.DataKind, why string) {
	m.erased.WithLabelValues(string(kind), why).Inc()
}

// Inbox counts what passes through to another one.
func (m *Metrics) Inbox(i link.Inbox) link.Inbox { return counted{i, m} }

type counted struct {
	link.Inbox
	m *Metrics
}

// Accept implements link.Inbox.
func (c counted) Accept(ctx context.Context, up wire.Up) (wire.Ack, error) {
	began := time.Now()
	ack, err := c.Inbox.Accept(ctx, up)
	if err == nil {
		c.m.frames.WithLabelValues("accepted").Inc()
		c.m.records.Add(float64(len(up.Records)))
		c.m.committed.Observe(time.Since(began).Seconds())
	}
	return ack, err
}

// standing asks the database when it is asked.
type standing struct {
	source Source
	now    func() time.Time
	log    *slog.Logger
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("vestibule_"+name, help, labels, nil)
}

var (
	kiosks      = gauge("kiosks", "Enrolled kiosks: online, offline, revoked.", "state")
	conditions  = gauge("kiosk_conditions", "Kiosks with whom something is wrong, by condition and severity (1 notice, 2 warning, 3 critical).", "code", "severity")
	jobs        = gauge("jobs", "Jobs that are not done; dead ones need a person.", "kind", "state")
	jobAge      = gauge("oldest_job_seconds", "How long the oldest job has been due.")
	deliveries  = gauge("webhook_deliveries", "Webhooks that are not delivered; dead ones need a person.", "state")
	mails       = gauge("mail_messages", "Messages that are not sent; dead ones need a person.", "state")
	quarantined = gauge("quarantined_records", "Records that were put aside.")
	reviews     = gauge("reviews", "Submissions that wait for people.")
	differing   = gauge("kiosks_reading_differently", "Kiosks that, in the last week, were found to read evidence differently than the centre too often.")
	overdue     = gauge("review_overdue_seconds", "How long the one that is due first is over its time; below zero: it has that long yet.")
	listAge     = gauge("list_age_seconds", "How long ago a sanctions list was found to be its publisher's newest.", "list")
	audited     = gauge("audit_lines", "Lines of the audit trail. It never falls, but by a restored backup.")
	bytes       = gauge("database_bytes", "Size of the database.")
	told        = gauge("database_told", "1 when the database told all of this, else 0.")
)

// Describe implements prometheus.Collector.
func (s *standing) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{kiosks, conditions, jobs, jobAge, deliveries, mails, quarantined, reviews, differing, overdue, listAge, audited, bytes, told} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s *standing) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	set := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now := s.now()
	all, err := s.source.Standing(ctx)
	if err != nil {
		s.log.Warn("figures could not be read", "code", "database", "error", err)
		set(told, 0)
		return
	}
	set(told, 1)
	for state, n := range all.Kiosks {
		set(kiosks, float64(n), state)
	}
	// A kiosk's program may be of a later release, or lie: what is no code of ours is one label, not as many as it likes.
	others := map[uint8]int{}
	for w, n := range all.Conditions {
		if known[w.Code] {
			set(conditions, float64(n), w.Code, strconv.Itoa(int(w.Severity)))
		} else {
			others[w.Severity] += n
		}
	}
	for severity, n := range others {
		set(conditions, float64(n), "other", strconv.Itoa(int(severity)))
	}
	for q, n := range all.Jobs {
		set(jobs, float64(n), q.Kind, q.State)
	}
	age := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return now.Sub(t).Seconds()
	}
	set(jobAge, max(0, age(all.OldestJob)))
	for state, n := range all.Deliveries {
		set(deliveries, float64(n), state)
	}
	for state, n := range all.Mail {
		set(mails, float64(n), state)
	}
	set(quarantined, float64(all.Quarantined))
	set(reviews, float64(all.Reviews))
	set(differing, float64(all.Differing))
	set(overdue, age(all.OldestDue))
	for list, confirmed := range all.Lists {
		set(listAge, age(confirmed), list)
	}
	set(audited, float64(all.Audited))
	set(bytes, float64(all.Bytes))
}

// known are the conditions that kiosks of this release tell.
var known = map[string]bool{
	"closed": true, "disk": true, "link": true, "queue": true, "quarantine": true, "clock": true, "policy": true, "certificate": true, "temperature": true, "unproven": true, "advice": true,
}
