package api

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

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

// exact is a time as a page key has it: nothing of it is rounded away.
func exact(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// journeys answers GET /journeys.
func (s server) journeys(r *http.Request) (any, error) {
	f, bad := parseJourneys(r.URL.Query())
	if bad != nil {
		return nil, bad
	}
	size := f.Limit
	f.Limit++
	rows, err := s.Store.Sessions(r.Context(), f)
	if err != nil {
		return nil, err
	}
	out := struct {
		Journeys []journeyRow `json:"journeys"`
		Next     *pageKey     `json:"nextpageKey,omitempty"`
	}{Journeys: []journeyRow{}}
	if len(rows) > size {
		rows = rows[:size]
		out.Next = &pageKey{rows[size-1].ID, exact(rows[size-1].Started)}
	}
	for _, row := range rows {
		out.Journeys = append(out.Journeys, rowOf(row))
	}
	return out, nil
}

// parseJourneys checks the parameters of a list of journeys.
func parseJourneys(values url.Values) (store.SessionFilter, *fault) {
	f := store.SessionFilter{Limit: defaultLimit}
	for name, all := range values {
		if len(all) != 1 || len(all[0]) > maxValue {
			return f, badFormat(name, "give it once, with at most 320 characters")
		}
		v := all[0]
		var err error
		switch name {
		case "status":
			f.Status = journey.SessionStatus(v)
			if !slices.Contains([]journey.SessionStatus{journey.StatusInProgress, journey.StatusCompleted, journey.StatusDropped, journey.StatusError}, f.Status) {
				return f, badFormat(name, "one of IN_PROGRESS, COMPLETED, DROPPED, ERROR")
			}
		case "decision":
			f.Decision = journey.Decision(v)
			if !slices.Contains([]journey.Decision{journey.Approved, journey.Rejected, journey.Pending}, f.Decision) {
				return f, badFormat(name, "one of APPROVED, REJECTED, PENDING")
			}
		case "reason":
			f.Reason = journey.Reason(v)
			if !slices.ContainsFunc(journey.Reasons(), func(e journey.ReasonEntry) bool { return e.Reason == f.Reason }) {
				return f, badFormat(name, "a reason of the contract, such as DUPLICATE_USER")
			}
		case "kiosk":
			f.Kiosk = v
		case "offline":
			if f.Offline = v == "true"; !f.Offline {
				return f, badFormat(name, "true, or leave it out")
			}
		case "limit":
			if f.Limit, err = strconv.Atoi(v); err != nil || f.Limit < 1 || f.Limit > maxLimit {
				return f, badFormat(name, "a whole number from 1 to 100")
			}
		case "id":
			f.BeforeID = v
		case "created_at":
			if f.Before, err = time.Parse(time.RFC3339Nano, v); err != nil {
				return f, badFormat(name, "take it from nextpageKey as it is")
			}
		case "start_date":
			if f.From, err = time.Parse(time.DateOnly, v); err != nil {
				return f, badFormat(name, "YYYY-MM-DD")
			}
		case "end_date":
			if f.To, err = time.Parse(time.DateOnly, v); err != nil {
				return f, badFormat(name, "YYYY-MM-DD")
			}
			f.To = f.To.AddDate(0, 0, 1)
		default:
			return f, &fault{
				Status: http.StatusBadRequest, Key: journey.AnswerErrorInvalidParameter,
				Values: map[string]string{"parameter": bounded64(name)},
				Hint:   "known are status, decision, reason, kiosk, offline, limit, id, created_at, start_date, end_date",
			}
		}
	}
	if (f.BeforeID == "") != f.Before.IsZero() {
		return f, &fault{Status: http.StatusBadRequest, Key: journey.AnswerErrorMissingData, Hint: "id and created_at of nextpageKey belong together"}
	}
	return f, nil
}

// journey answers GET /journeys/{session}: the row, why it ended so, and the journal.
func (s server) journey(r *http.Request) (any, error) {
	ctx := r.Context()
	row, err := s.Store.Session(ctx, chi.URLParam(r, "session"))
	if errors.Is(err, store.ErrNotFound) {
		return nil, &fault{Status: http.StatusNotFound, Key: journey.AnswerErrorMissingData, Hint: "no journey has this session id, or it has not arrived yet"}
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
	out := struct {
		journeyRow
		Explain   journey.Explanation `json:"explain"`
		Journal   []journey.Event     `json:"journal"`
		Delivered string              `json:"delivered,omitempty"` // when the kiosk acknowledged the decision
		Waiting   string              `json:"waiting,omitempty"`   // why there is no decision yet
	}{journeyRow: rowOf(row), Explain: explain, Journal: events}
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
