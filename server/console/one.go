package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"vestibule/journey"
	"vestibule/server/store"
)

type oneData struct {
	row
	Explain journey.Explanation
	Line    timeline
	Events  []entry
	Scores  []score
	Models  map[string]string
	Policy  string
	Clock   journey.ClockConfidence
	Decided journey.Event // zero while undecided
	Erased  []store.Erasure
	Waiting string // why there is no decision yet, where that is known
}

// entry is an event in the table, with its causes named.
type entry struct {
	journey.Event
	Lasted  time.Duration
	Because []cause
}

type cause struct{ ID, Name string }

// score is one measure as the kiosk and as the centre took it.
type score struct {
	Name          string
	Kiosk, Centre string
	Differ        bool
}

func (c *Console) one(w http.ResponseWriter, r *http.Request) {
	data, err := c.load(r.Context(), chi.URLParam(r, "session"))
	if errors.Is(err, store.ErrNotFound) {
		c.show(w, http.StatusNotFound, "trouble.html", trouble{
			Title: "No such journey", Message: "The centre has no journey with this session id.",
			Hint: "It may not have arrived from its kiosk yet. The list of journeys shows what has.",
		})
		return
	}
	if err != nil {
		c.broken(w, "read the journey", err)
		return
	}
	c.show(w, http.StatusOK, "one.html", data)
}

func (c *Console) load(ctx context.Context, id string) (oneData, error) {
	session, err := c.Store.Session(ctx, id)
	if err != nil {
		return oneData{}, err
	}
	events, err := c.Store.Events(ctx, id)
	if err != nil {
		return oneData{}, err
	}
	slices.SortStableFunc(events, func(a, b journey.Event) int { return a.Started.Compare(b.Started) })
	data := oneData{
		row: row{session, session.Ended.Sub(session.Started)}, Explain: journey.Explain(events),
		Line: draw(events), Scores: scores(events), Models: map[string]string{},
	}
	names := make(map[string]string, len(events))
	for _, e := range events {
		names[e.ID] = string(e.Name)
	}
	for _, e := range events {
		one := entry{Event: e, Lasted: e.Ended.Sub(e.Started)}
		for _, id := range e.Causes {
			if name, ok := names[id]; ok {
				one.Because = append(one.Because, cause{id, name})
			}
		}
		data.Events = append(data.Events, one)
		for name, version := range e.Models {
			data.Models[name] = version
		}
		if e.Policy != "" {
			data.Policy = e.Policy
		}
		if e.Clock != "" && e.Origin != journey.OriginServer {
			data.Clock = e.Clock
		}
		switch e.Name {
		case journey.EventApproved, journey.EventRejected, journey.EventPending:
			data.Decided = e
		}
	}
	if session.Submission != "" {
		if data.Erased, err = c.Store.Erasures(ctx, session.Submission); err != nil {
			return oneData{}, err
		}
	}
	if session.Decision == "" && session.Submission != "" && c.Waiting != nil {
		if data.Waiting, err = c.Waiting(ctx, session.Submission); err != nil {
			return oneData{}, err
		}
	}
	return data, nil
}

// scores puts what kiosk and centre measured side by side. The numbers stand in
// the details of the checks and of the centre's re-check.
func scores(events []journey.Event) []score {
	kiosk, centre := map[string]string{}, map[string]string{}
	for _, e := range events {
		if e.Name == journey.CentreRecheck {
			for _, m := range []string{"similarity", "liveness", "recognition"} {
				if v := e.Detail["centre_"+m]; v != "" {
					centre[m] = v
				}
				if v := e.Detail["kiosk_"+m]; v != "" {
					kiosk[m] = v
				}
			}
			continue
		}
		if e.Origin == journey.OriginServer || e.Detail["score"] == "" {
			continue
		}
		switch e.Name {
		case journey.EventFaceCompare:
			kiosk["similarity"] = e.Detail["score"]
		case journey.EventLivenessVerification:
			kiosk["liveness"] = e.Detail["score"]
		case journey.EventRecognitionScoreEvaluation:
			kiosk["recognition"] = e.Detail["score"]
		}
	}
	var out []score
	for _, m := range []struct{ key, name string }{{"recognition", "Recognition"}, {"liveness", "Liveness"}, {"similarity", "Similarity"}} {
		k, c := kiosk[m.key], centre[m.key]
		if k == "" && c == "" {
			continue
		}
		out = append(out, score{Name: m.name, Kiosk: rounded(k), Centre: rounded(c), Differ: apart(k, c)})
	}
	return out
}

// rounded shortens a number to whole points; "–" stands for none.
func rounded(v string) string {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return "–"
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

// apart reports a difference a person should look at: more than ten points.
func apart(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && (x-y > 10 || y-x > 10)
}
