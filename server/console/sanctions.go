package console

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Lists is how the sanctions lists stand.
type Lists struct {
	InForce []List
	Hits    int           // people who resemble an entry that is new since they were decided on
	MaxAge  time.Duration // that the default project's policy allows; 0: no limit
	Wanted  bool          // the policy wants screening

	External bool // an external screener is asked, too
	Away     bool // and did not answer last time: submissions wait for it
}

// List is one list.
type List struct {
	Source    string
	Kind      string
	Snapshot  string
	Entries   int
	Issued    time.Time
	Confirmed time.Time
	Stale     bool
	Problem   string // code of the last fetch's failure; empty: none
}

// Trouble says in a sentence what somebody should see to, or nothing.
func (l Lists) Trouble() string {
	var all []string
	if l.External && l.Away {
		all = append(all, "the external screener does not answer, and submissions wait for it")
	}
	if l.Wanted && len(l.InForce) == 0 && !l.External {
		all = append(all, "no sanctions list is in force: nobody can be screened")
	}
	for _, one := range l.InForce {
		if one.Stale {
			all = append(all, "the list "+one.Source+" is too old")
		}
		if one.Problem != "" {
			all = append(all, "the list "+one.Source+" could not be fetched")
		}
	}
	if l.Hits > 0 {
		all = append(all, fmt.Sprintf("%d red flags came up after the decision", l.Hits))
	}
	if len(all) == 0 {
		return ""
	}
	text := strings.Join(all, "; ")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// sanctioned asks how the lists stand.
func (c *Console) sanctioned(ctx context.Context) (Lists, error) {
	if c.Lists == nil {
		return Lists{}, nil
	}
	return c.Config.Lists(ctx)
}

// sanctions is the page of the lists.
func (c *Console) sanctions(w http.ResponseWriter, r *http.Request) {
	all, err := c.sanctioned(r.Context())
	if err != nil {
		c.broken(w, "read how the lists stand", err)
		return
	}
	c.show(w, http.StatusOK, "sanctions.html", struct {
		Lists
		Now time.Time
	}{all, c.Clock()})
}

// Age is how long ago a list was found to be its publisher's newest.
func (l List) Age(now time.Time) time.Duration { return now.Sub(l.Confirmed) }
