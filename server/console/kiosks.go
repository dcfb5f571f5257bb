package console

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"vestibule/server/store"
	"vestibule/sync/wire"
)

// conditionWords say what is wrong with a kiosk. The codes are the kiosk's; one that a later release tells is shown as it is.
var conditionWords = map[string]string{
	"closed":      "takes no visits",
	"disk":        "storage fills up",
	"link":        "does not reach the centre",
	"queue":       "records have waited long",
	"quarantine":  "could not carry out what the centre sent",
	"clock":       "clock is not to be trusted",
	"certificate": "certificate ends soon",
	"policy":      "has not heard the centre for long",
	"temperature": "is hot",
	"advice":      "has an old roll-out of who was here before",
	"unproven":    "was spoken to by something that is not proved to be the centre",
}

// severityWords name wire.Condition's severities.
var severityWords = map[uint8]string{1: "notice", 2: "warning", 3: "critical"}

// kioskRow is one kiosk on its page.
type kioskRow struct {
	store.Kiosk
	State string // online, offline, revoked
	Wrong []wrongRow
	Skew  time.Duration // of its clock, where it is worth telling
}

type wrongRow struct {
	wire.Condition
	Words, Severity string
}

// worth is from when on a clock's difference is told.
const worth = 2 * time.Second

// kiosks is the page of the fleet: who needs somebody first.
func (c *Console) kiosks(w http.ResponseWriter, r *http.Request) {
	c.fleet(w, r, http.StatusOK, c.mayInvite(r))
}

func (c *Console) fleet(w http.ResponseWriter, r *http.Request, status int, form *inviteForm) {
	all, err := c.Store.Kiosks(r.Context())
	if err != nil {
		c.broken(w, "list the kiosks", err)
		return
	}
	told, err := c.Store.ToldTallies(r.Context(), c.Clock().AddDate(0, 0, -7))
	if err != nil {
		c.broken(w, "look at re-checks", err)
		return
	}
	rows := make([]kioskRow, 0, len(all))
	online, wrong := 0, 0
	for _, k := range all {
		row := kioskRow{Kiosk: k, State: "offline"}
		switch {
		case !k.Revoked.IsZero():
			row.State = "revoked"
		case k.Online:
			row.State = "online"
			online++
		}
		if k.ClockOffset.Abs() >= worth {
			row.Skew = k.ClockOffset.Abs()
		}
		for _, one := range k.Conditions {
			words, ok := conditionWords[one.Code]
			if !ok {
				words = one.Code
			}
			row.Wrong = append(row.Wrong, wrongRow{one, words, severityWords[one.Severity]})
		}
		for _, t := range told {
			if t.Kiosk == k.ID {
				row.Wrong = append(row.Wrong, wrongRow{
					wire.Condition{Code: "recheck_differs", Severity: 2, Detail: fmt.Sprintf("%d of %d", t.Differed, t.N)},
					"reads evidence differently than the centre", severityWords[2],
				})
			}
		}
		if len(row.Wrong) > 0 && row.State != "revoked" {
			wrong++
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b kioskRow) int { return cmp.Compare(b.needs(), a.needs()) })
	c.show(w, status, "kiosks.html", struct {
		Rows          []kioskRow
		Online, Wrong int
		Now           time.Time
		Invite        *inviteForm // nil: who looks may let nobody in
	}{rows, online, wrong, c.Clock(), form})
}

// needs ranks who needs somebody.
func (k kioskRow) needs() int {
	if k.State == "revoked" {
		return -1
	}
	worst := 0
	for _, c := range k.Wrong {
		worst = max(worst, int(c.Condition.Severity))
	}
	return worst
}
