package api

import (
	"context"
	"errors"

	"vestibule/journey"
	"vestibule/server/store"
)

// journeyRow is a journey as a list has it.
type journeyRow struct {
	Session    string                `json:"session"`
	Submission string                `json:"submission,omitempty"`
	Kiosk      string                `json:"kiosk"`
	Project    string                `json:"project,omitempty"`
	Status     journey.SessionStatus `json:"status"`
	Stage      journey.Stage         `json:"stage,omitempty"`
	Decision   journey.Decision      `json:"decision,omitempty"`
	Reason     journey.Reason        `json:"reason,omitempty"`
	Started    string                `json:"started"`
	Ended      string                `json:"ended"`
	Received   string                `json:"received,omitempty"`
	Updated    string                `json:"updated,omitempty"`
	Offline    bool                  `json:"offline"`
	Delay      float64               `json:"delaySeconds"` // longest time between an event and its receipt
	Events     int                   `json:"events"`
}

func rowOf(s store.Session) journeyRow {
	return journeyRow{
		Session: s.ID, Submission: s.Submission, Kiosk: s.Kiosk, Project: s.Project, Status: s.Status, Stage: s.Stage,
		Decision: s.Decision, Reason: s.Reason, Started: timestamp(s.Started), Ended: timestamp(s.Ended),
		Received: timestamp(s.Received), Updated: timestamp(s.Updated), Offline: s.Offline, Delay: s.Delay.Seconds(), Events: s.Events,
	}
}

// journeyList is a page of journeys.
type journeyList struct {
	Journeys []journeyRow `json:"journeys" required:"true"`
	Next     *pageKey     `json:"nextpageKey,omitempty"`
}

// journeyAnswer is one journey.
type journeyAnswer struct {
	journeyRow
	Explain   journey.Explanation `json:"explain" required:"true"`
	Journal   []journey.Event     `json:"journal" required:"true"`
	Delivered string              `json:"delivered,omitempty"` // when the kiosk acknowledged the decision
	Waiting   string              `json:"waiting,omitempty"`   // why there is no decision yet
}

// journeys answers /journeys.
func (s server) journeys(ctx context.Context, c call) (any, error) {
	scope := scopeOf("journeys", c.key.Project, c.values)
	p, err := s.parsePage(scope, c.values)
	if err != nil {
		return nil, err
	}
	rows, err := s.Store.Sessions(ctx, store.SessionFilter{
		Project: c.key.Project, Status: journey.SessionStatus(c.values["status"]), Decision: journey.Decision(c.values["decision"]),
		Reason: journey.Reason(c.values["reason"]), Kiosk: c.values["kiosk"], Offline: c.values["offline"] != "",
		From: p.From, To: p.To, Before: p.After, BeforeID: p.AfterID, Limit: p.Limit + 1,
	})
	if err != nil {
		return nil, err
	}
	out := journeyList{Journeys: make([]journeyRow, 0, len(rows))}
	if len(rows) > p.Limit {
		rows = rows[:p.Limit]
		last := rows[len(rows)-1]
		out.Next = s.next(scope, last.ID, last.Started)
	}
	for _, row := range rows {
		out.Journeys = append(out.Journeys, rowOf(row))
	}
	return out, nil
}

// journey answers /journeys/{session}: the row, why it ended so, and the journal.
func (s server) journey(ctx context.Context, c call) (any, error) {
	row, err := s.Store.Session(ctx, c.path("session"))
	if errors.Is(err, store.ErrNotFound) || err == nil && c.key.Project != "" && row.Project != c.key.Project {
		return nil, errHidden()
	}
	if err != nil {
		return nil, err
	}
	events, err := s.Store.Events(ctx, row.ID)
	if err != nil {
		return nil, err
	}
	explain := journey.Explain(events)
	explain.Status = row.Status // the row's has judged silence, too
	out := journeyAnswer{journeyRow: rowOf(row), Explain: explain, Journal: events}
	if out.Journal == nil {
		out.Journal = []journey.Event{}
	}
	for _, e := range events {
		if e.Name == journey.CentreVerdictDelivered {
			out.Delivered = timestamp(e.Received)
		}
	}
	if row.Decision == "" && row.Submission != "" && s.Waiting != nil {
		if out.Waiting, err = s.Waiting(ctx, row.Submission); err != nil {
			return nil, err
		}
	}
	return out, nil
}
