package branch

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"vestibule/sync/wire"
)

// Presences of a kiosk.
const (
	Online  = "online"
	Offline = "offline"
	Silent  = "silent"  // it said that it is there, and has said nothing for long
	Unknown = "unknown" // the box is not reached, or has told nothing of it
)

// silence is how long a kiosk that is there may say nothing: it shows how it stands every minute.
const silence = 150 * time.Second

// stopped is from when on a book that nobody writes says nothing of the present.
const stopped = 30 * time.Second

// Snapshot is the branch as the view sees it. It holds no personal data.
type Snapshot struct {
	Branch string    `json:"branch"`
	At     time.Time `json:"at"`
	Box    Line      `json:"box"`    // between this view and the branch's box
	Centre Line      `json:"centre"` // between the box and the centre, as the box says
	Kiosks []Kiosk   `json:"kiosks"`
}

// Line is how a connection is.
type Line struct {
	State string    `json:"state"` // up, down, unknown
	Since time.Time `json:"since,omitzero"`
	Code  string    `json:"code,omitempty"`
}

// Kiosk is one kiosk.
type Kiosk struct {
	Name     string `json:"name"`
	Presence string `json:"presence"` // not signed: the box vouches for it
	Release  string `json:"release,omitempty"`
	// Heard is when it last said anything to this view.
	Heard      time.Time   `json:"heard,omitzero"`
	Conditions []Condition `json:"conditions"` // not signed: the box vouches for them
	// Proof says what is known of Waiting and Visits: signed, or none where nothing was shown yet. Doubt is why the
	// newest that came was not believed (signature, malformed); what is shown then is what was signed before.
	Proof   string    `json:"proof"`
	Doubt   string    `json:"doubt,omitempty"`
	Shown   time.Time `json:"shown,omitzero"` // when Waiting came
	Waiting Waiting   `json:"waiting"`
	Visits  []Visit   `json:"visits"` // of today, newest first
	Last    *Visit    `json:"last,omitempty"`
}

// Condition is one thing that is wrong.
type Condition struct {
	Code     string    `json:"code"`
	Severity uint8     `json:"severity"` // 1 notice, 2 warning, 3 critical
	Since    time.Time `json:"since,omitzero"`
	Detail   string    `json:"detail,omitempty"`
}

// Waiting is what the centre has not acknowledged.
type Waiting struct {
	Records     int       `json:"records"`
	Submissions int       `json:"submissions"`
	Pictures    int       `json:"pictures"`
	Bytes       int64     `json:"bytes"`
	Oldest      time.Time `json:"oldest,omitzero"`
}

// Visit is one journey. Times are the kiosk's, set right by how its clock differs from ours.
type Visit struct {
	Session    string    `json:"session"`
	Submission string    `json:"submission,omitempty"`
	Status     string    `json:"status"`
	Segment    string    `json:"segment"`
	Path       string    `json:"path,omitempty"`
	Started    time.Time `json:"started"`
	Ended      time.Time `json:"ended"`
	Events     int       `json:"events"`
	Decision   string    `json:"decision,omitempty"` // empty: none came down
	Reason     string    `json:"reason,omitempty"`
}

// Snapshot reads the book. Today is the day of now in its own zone.
func (b *Book) Snapshot(ctx context.Context, now time.Time) (Snapshot, error) {
	s := Snapshot{At: now, Kiosks: []Kiosk{}}
	var up bool
	var since, turned, seen int64
	var code, centre string
	if err := b.db.QueryRowContext(ctx, `SELECT name, box, since, code, centre, turned, alive FROM branch`).
		Scan(&s.Branch, &up, &since, &code, &centre, &turned, &seen); err != nil {
		return s, fmt.Errorf("read the branch's book: %w", err)
	}
	if up && now.Sub(moment(seen)) > stopped {
		up, code, since = false, "view_stopped", seen
	}
	s.Box = Line{State: "down", Since: moment(since), Code: code}
	s.Centre = Line{State: "unknown"}
	if up {
		s.Box.State = "up"
		switch centre {
		case wire.BridgeUp:
			s.Centre = Line{State: "up", Since: moment(turned)}
		case wire.BridgeDown:
			s.Centre = Line{State: "down", Since: moment(turned)}
		}
	}
	rows, err := b.db.QueryContext(ctx, `SELECT name, state, told, heard, standing, shown, skew, doubt FROM kiosk ORDER BY name`)
	if err != nil {
		return s, fmt.Errorf("read the branch's book: %w", err)
	}
	skews := map[string]time.Duration{}
	for rows.Next() {
		k, skew, err := scanKiosk(rows, up, moment(since), now)
		if err != nil {
			rows.Close()
			return s, fmt.Errorf("read the branch's book: %w", err)
		}
		skews[k.Name] = skew
		s.Kiosks = append(s.Kiosks, k)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return s, fmt.Errorf("read the branch's book: %w", err)
	}
	for i := range s.Kiosks {
		if err := b.visits(ctx, &s.Kiosks[i], skews[s.Kiosks[i].Name], now); err != nil {
			return s, fmt.Errorf("read the branch's book: %w", err)
		}
	}
	// Who needs somebody first.
	slices.SortStableFunc(s.Kiosks, func(a, b Kiosk) int { return cmp.Compare(b.worst(), a.worst()) })
	return s, nil
}

func (k Kiosk) worst() (n uint8) {
	for _, c := range k.Conditions {
		n = max(n, c.Severity)
	}
	return n
}

func scanKiosk(rows *sql.Rows, up bool, since, now time.Time) (Kiosk, time.Duration, error) {
	var state, standing []byte
	var told, heard, shown, skew int64
	k := Kiosk{Presence: Unknown, Proof: "none", Conditions: []Condition{}, Visits: []Visit{}}
	if err := rows.Scan(&k.Name, &state, &told, &heard, &standing, &shown, &skew, &k.Doubt); err != nil {
		return k, 0, err
	}
	k.Heard, k.Shown = moment(heard), moment(shown)
	if st, err := wire.DecodeState(state); err == nil {
		k.Release = st.Release
		for _, c := range st.Conditions {
			k.Conditions = append(k.Conditions, Condition{c.Code, c.Severity, c.Since, c.Detail})
		}
		// What the box told before this connection may be over.
		if up && !moment(told).Before(since) {
			sign := k.Heard
			if sign.Before(since) {
				sign = since
			}
			switch {
			case !st.Online:
				k.Presence = Offline
			case now.Sub(sign) > silence:
				k.Presence = Silent
			default:
				k.Presence = Online
			}
		}
	}
	if standing != nil {
		var s wire.Standing
		if err := json.Unmarshal(standing, &s); err != nil {
			return k, 0, err
		}
		k.Proof, k.Waiting = "signed", Waiting(s.Waiting)
	}
	return k, time.Duration(skew) * time.Microsecond, nil
}

// visits reads a kiosk's journeys of today, and the last one of whatever day.
func (b *Book) visits(ctx context.Context, k *Kiosk, skew time.Duration, now time.Time) error {
	y, m, d := now.Date()
	from := time.Date(y, m, d, 0, 0, 0, 0, now.Location()).Add(-skew)
	rows, err := b.db.QueryContext(ctx, `SELECT body FROM visit WHERE kiosk = ? AND started >= ? ORDER BY started DESC, session`, k.Name, from.UnixMicro())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return err
		}
		v, err := visitOf(body, skew)
		if err != nil {
			return err
		}
		k.Visits = append(k.Visits, v)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	if len(k.Visits) > 0 {
		k.Last = &k.Visits[0]
		return nil
	}
	var body []byte
	err = b.db.QueryRowContext(ctx, `SELECT body FROM visit WHERE kiosk = ? ORDER BY started DESC LIMIT 1`, k.Name).Scan(&body)
	if err == sql.ErrNoRows {
		return nil
	}
	if err != nil {
		return err
	}
	v, err := visitOf(body, skew)
	k.Last = &v
	return err
}

func visitOf(body []byte, skew time.Duration) (Visit, error) {
	var w wire.Visit
	if err := json.Unmarshal(body, &w); err != nil {
		return Visit{}, err
	}
	v := Visit(w)
	v.Started, v.Ended = v.Started.Add(skew), v.Ended.Add(skew)
	return v, nil
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
