package console

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"vestibule/server/enrol/code"
	"vestibule/sync/fault"
)

// NewKiosk is what an operator says of a kiosk that is to be let in.
type NewKiosk struct {
	Name, Country, Project string
	Broker                 string // host:port at which it reaches the broker
	Centre                 string // host:port at which it enrols
}

// Invitation is what is given for it: shown once, and kept nowhere.
type Invitation struct {
	Token   string // to be typed
	Code    string // text of the QR code
	Expires time.Time
}

// Fleet lets kiosks in. What it refuses is a fault.
type Fleet interface {
	// Suggest gives the addresses that a new kiosk probably needs, where the console is reached under a host.
	Suggest(host string) NewKiosk
	// Invite makes a token, in the name of who asks.
	Invite(ctx context.Context, who string, k NewKiosk) (Invitation, error)
}

// inviteForm is the form below the page of the kiosks.
type inviteForm struct {
	NewKiosk
	Refused, Hint string
}

// invited is the page that shows a token.
type invited struct {
	NewKiosk
	Invitation
	Path string // of the code's drawing
	Size int
}

// mayInvite gives the form to who may fill it in; nil to all others.
func (c *Console) mayInvite(r *http.Request) *inviteForm {
	if c.Fleet == nil || !visitorOf(r).Operator {
		return nil
	}
	return &inviteForm{NewKiosk: c.Fleet.Suggest(r.Host)}
}

// invite makes a token for a new kiosk and shows it, once.
func (c *Console) invite(w http.ResponseWriter, r *http.Request) {
	form := c.mayInvite(r)
	if form == nil {
		c.show(w, http.StatusForbidden, "trouble.html", trouble{
			Title: "Only operators do this", Message: "A kiosk is added by somebody with an operator's key.", Hint: "server user add -role operator makes one; `server kiosk add` does it on the centre's machine.", Back: "/console/kiosks",
		})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		c.show(w, http.StatusBadRequest, "trouble.html", trouble{Title: "This form cannot be read", Message: "It is too long, or broken.", Hint: "Go back, and write less.", Back: "/console/kiosks"})
		return
	}
	of := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	form.NewKiosk = NewKiosk{Name: of("name"), Country: of("country"), Project: of("project"), Broker: of("broker"), Centre: of("centre")}
	given, err := c.Fleet.Invite(r.Context(), visitorOf(r).Name, form.NewKiosk)
	var f *fault.Fault
	if errors.As(err, &f) {
		form.Refused, form.Hint = f.Message, f.Hint
		c.fleet(w, r, http.StatusUnprocessableEntity, form)
		return
	}
	if err != nil {
		c.broken(w, "make a token", err)
		return
	}
	page := invited{NewKiosk: form.NewKiosk, Invitation: given}
	if page.Path, page.Size, err = code.Path(given.Code); err != nil {
		c.broken(w, "draw the code", err)
		return
	}
	c.show(w, http.StatusOK, "invited.html", page)
}
