package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"vestibule/server/store"
)

// OutKind is what something that leaves the centre is.
type OutKind string

// The kinds.
const (
	OutWebhook OutKind = "webhook"
	OutMail    OutKind = "mail"
)

// Out is what left the centre, or is to. The statements are store.Reader's.
type Out interface {
	Webhooks(ctx context.Context) ([]store.Webhook, error)
	Deliveries(ctx context.Context, limit int) ([]store.Delivery, error)
	DeliveriesIn(ctx context.Context, state store.JobState, limit int) ([]store.Delivery, error)
	Mails(ctx context.Context, limit int) ([]store.Mail, error)
	MailsIn(ctx context.Context, state store.JobState, limit int) ([]store.Mail, error)
	// Replay sends again what has ended, and notes who wanted it; else it is store.ErrNotFound.
	Replay(ctx context.Context, who string, kind OutKind, id string) error
}

// maxOut is how many of each kind a list shows.
const maxOut = 100

// outRow is one thing that left, without whom it is about.
type outRow struct {
	Kind       OutKind
	ID         string
	To         string // host of an endpoint, or what a mail is for
	Session    string
	Submission string
	State      store.JobState
	Attempts   int
	Status     int
	Problem    string
	Due        time.Time
	Created    time.Time
}

// Ended reports whether it may be sent again.
func (r outRow) Ended() bool { return r.State == store.JobDone || r.State == store.JobDead }

type outData struct {
	Who          inside
	Dead, Newest []outRow
	More         bool // more are given up than are shown
}

// deliveries is the page of what left the centre: what was given up first.
func (c *Console) deliveries(w http.ResponseWriter, r *http.Request) {
	data, err := c.left(r.Context())
	if err != nil {
		c.broken(w, "list the deliveries", err)
		return
	}
	data.Who = visitorOf(r)
	c.show(w, http.StatusOK, "deliveries.html", data)
}

func (c *Console) left(ctx context.Context) (outData, error) {
	var data outData
	if c.Out == nil {
		return data, nil
	}
	hooks, err := c.Out.Webhooks(ctx)
	if err != nil {
		return data, err
	}
	hosts := map[string]string{}
	for _, h := range hooks {
		if u, err := url.Parse(h.URL); err == nil { // a path may hold a partner's secret
			hosts[h.ID] = u.Host
		}
	}
	dead, err := c.Out.DeliveriesIn(ctx, store.JobDead, maxOut)
	if err != nil {
		return data, err
	}
	deadMail, err := c.Out.MailsIn(ctx, store.JobDead, maxOut)
	if err != nil {
		return data, err
	}
	data.Dead, data.More = outRows(hosts, dead, deadMail), len(dead) == maxOut || len(deadMail) == maxOut
	all, err := c.Out.Deliveries(ctx, maxOut)
	if err != nil {
		return data, err
	}
	allMail, err := c.Out.Mails(ctx, maxOut)
	data.Newest = outRows(hosts, all, allMail)
	return data, err
}

func outRows(hosts map[string]string, deliveries []store.Delivery, mails []store.Mail) []outRow {
	rows := make([]outRow, 0, len(deliveries)+len(mails))
	for _, d := range deliveries {
		row := outRow{OutWebhook, d.ID, hosts[d.Webhook], d.Session, d.Submission, d.State, d.Attempts, d.Status, d.Problem, d.Due, d.Created}
		if d.Cause == "" {
			row.Submission = "" // a test's stands for none
		}
		rows = append(rows, row)
	}
	for _, m := range mails {
		rows = append(rows, outRow{OutMail, m.ID, m.Kind, m.Session, m.Submission, m.State, m.Attempts, m.Status, m.Problem, m.Due, m.Created})
	}
	slices.SortStableFunc(rows, func(a, b outRow) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID)) })
	return rows
}

// replay sends something again. Only reviewers may: they have a name that is noted.
func (c *Console) replay(w http.ResponseWriter, r *http.Request) {
	const back = "/console/deliveries"
	who, kind := visitorOf(r), OutKind(chi.URLParam(r, "kind"))
	switch {
	case !who.Reviewer || who.Name == "":
		c.show(w, http.StatusForbidden, "trouble.html", trouble{
			Title: "This is for reviewers", Message: "Sending something again is noted under a name.", Hint: "Log in with a reviewer's key, or use server webhook replay and server mail replay.", Back: back,
		})
		return
	case c.Out == nil || kind != OutWebhook && kind != OutMail:
		http.NotFound(w, r)
		return
	}
	switch err := c.Out.Replay(r.Context(), who.Name, kind, chi.URLParam(r, "id")); {
	case errors.Is(err, store.ErrNotFound):
		c.show(w, http.StatusNotFound, "trouble.html", trouble{
			Title: "That is not there to be sent again", Message: "It is on its way already, or there is no such delivery.", Hint: "Look at the list again.", Back: back,
		})
	case err != nil:
		c.broken(w, "send it again", err)
	default:
		http.Redirect(w, r, back, http.StatusSeeOther)
	}
}
