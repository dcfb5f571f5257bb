package console

import (
	"html/template"
	"net/http"
	"net/url"
	"time"

	"vestibule/journey"
	"vestibule/server/store"
)

// listLength is how many journeys a page shows; older ones are a link away.
const listLength = 50

// filter is what the list is narrowed to, as it stands in the address.
type filter struct {
	Decision journey.Decision
	Status   journey.SessionStatus
	Kiosk    string
	Offline  bool
}

func filterOf(v url.Values) filter {
	return filter{
		Decision: journey.Decision(bounded(v.Get("decision"))),
		Status:   journey.SessionStatus(bounded(v.Get("status"))),
		Kiosk:    bounded(v.Get("kiosk")),
		Offline:  v.Get("offline") == "1",
	}
}

// bounded drops what is too long to be a value of ours.
func bounded(s string) string {
	if len(s) > 100 {
		return ""
	}
	return s
}

// Query gives the filter as the address has it.
func (f filter) Query() string {
	v := url.Values{}
	for name, value := range map[string]string{"decision": string(f.Decision), "status": string(f.Status), "kiosk": f.Kiosk} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if f.Offline {
		v.Set("offline", "1")
	}
	return v.Encode()
}

// Any reports whether the list is narrowed at all.
func (f filter) Any() bool { return f != filter{} }

type listData struct {
	Now       time.Time
	Rows      []row
	Filter    filter
	Kiosks    []store.Kiosk
	Older     template.URL // query of the next page; empty on the last
	Live      bool         // the first page follows the news
	Statuses  []journey.SessionStatus
	Decisions []journey.Decision
	Trouble   string // with the sanctions lists
}

type row struct {
	store.Session
	Lasted time.Duration
}

func rowsOf(sessions []store.Session) []row {
	rows := make([]row, 0, len(sessions))
	for _, s := range sessions {
		rows = append(rows, row{s, s.Ended.Sub(s.Started)})
	}
	return rows
}

func (c *Console) list(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	f := filterOf(values)
	query := store.SessionFilter{Decision: f.Decision, Status: f.Status, Kiosk: f.Kiosk, Offline: f.Offline, Limit: listLength + 1}
	if id := bounded(values.Get("id")); id != "" {
		before, err := time.Parse(time.RFC3339Nano, values.Get("before"))
		if err != nil {
			c.show(w, http.StatusBadRequest, "trouble.html", trouble{Title: "This address is not whole", Message: "The page of older journeys cannot be found from it.", Hint: "Go back to the list and follow “Older” again."})
			return
		}
		query.Before, query.BeforeID = before, id
	}
	sessions, err := c.Store.Sessions(r.Context(), query)
	if err != nil {
		c.broken(w, "list the journeys", err)
		return
	}
	kiosks, err := c.Store.Kiosks(r.Context())
	if err != nil {
		c.broken(w, "list the kiosks", err)
		return
	}
	lists, err := c.sanctioned(r.Context())
	if err != nil {
		c.broken(w, "read how the lists stand", err)
		return
	}
	data := listData{
		Trouble: lists.Trouble(),
		Now:     c.Clock(), Filter: f, Kiosks: kiosks, Live: query.BeforeID == "",
		Decisions: []journey.Decision{journey.Approved, journey.Rejected, journey.Pending},
		Statuses:  []journey.SessionStatus{journey.StatusInProgress, journey.StatusCompleted, journey.StatusDropped, journey.StatusError},
	}
	if len(sessions) > listLength {
		sessions = sessions[:listLength]
		last := sessions[listLength-1]
		v, _ := url.ParseQuery(f.Query()) // made by us two lines above
		v.Set("before", last.Started.UTC().Format(time.RFC3339Nano))
		v.Set("id", last.ID)
		data.Older = template.URL(v.Encode()) // as a text it would be one escaped word
	}
	data.Rows = rowsOf(sessions)
	c.show(w, http.StatusOK, "list.html", data)
}
