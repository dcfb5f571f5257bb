package console

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"strconv"

	"vestibule/server/audit"
	"vestibule/server/store"
)

// Trail is the audit trail. store.Reader has it.
type Trail interface {
	AuditLines(ctx context.Context, f store.AuditFilter) ([]audit.Line, error)
	AuditHead(ctx context.Context) (audit.Head, error)
}

// trailLength is how many lines a page shows.
const trailLength = 100

type trailData struct {
	Rows              []audit.Line
	Head              audit.Head
	Who, What, Target string
	Older             template.URL // query of the next page; empty on the last
	Newest            bool         // the first page
}

// Any reports whether the lines are narrowed at all.
func (d trailData) Any() bool { return d.Who+d.What+d.Target != "" }

// trail is the page of the audit trail. It is for auditors: what it tells would let the second of two reviewers know what
// the first one decided.
func (c *Console) trail(w http.ResponseWriter, r *http.Request) {
	if !visitorOf(r).Auditor || c.Trail == nil {
		c.show(w, http.StatusForbidden, "trouble.html", trouble{
			Title: "The audit trail is for auditors", Message: "It tells what reviewers did, to each other too.",
			Hint: "Log in with an auditor's key, or an API key with the scope admin; `server user add -role auditor` makes one.",
		})
		return
	}
	values := r.URL.Query()
	d := trailData{Who: bounded(values.Get("who")), What: bounded(values.Get("what")), Target: bounded(values.Get("target")), Newest: true}
	f := store.AuditFilter{Who: d.Who, What: d.What, Target: d.Target, Limit: trailLength + 1}
	if before, err := strconv.ParseInt(values.Get("before"), 10, 64); err == nil && before > 0 {
		f.Before, d.Newest = before, false
	}
	var err error
	if d.Head, err = c.Trail.AuditHead(r.Context()); err != nil {
		c.broken(w, "read where the audit trail ends", err)
		return
	}
	if d.Rows, err = c.Trail.AuditLines(r.Context(), f); err != nil {
		c.broken(w, "read the audit trail", err)
		return
	}
	if len(d.Rows) > trailLength {
		d.Rows = d.Rows[:trailLength]
		v := url.Values{"before": {strconv.FormatInt(d.Rows[trailLength-1].N, 10)}}
		for name, value := range map[string]string{"who": d.Who, "what": d.What, "target": d.Target} {
			if value != "" {
				v.Set(name, value)
			}
		}
		d.Older = template.URL(v.Encode())
	}
	c.show(w, http.StatusOK, "trail.html", d)
}
