// Package console shows the journeys in a browser: a live list, and one journey
// with its answer first, then its timeline and its events. And it is where reviewers
// find what waits for them, and decide.
//
// What may live here: pages, their look, the log-in, live updates. What may not:
// decisions, statements, and personal data, but where a reviewer has asked the desk for
// it, which notes every view.
package console

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"vestibule/journey"
	"vestibule/server/store"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// Store is what the console reads. store.Reader has it.
type Store interface {
	Session(ctx context.Context, id string) (store.Session, error)
	Sessions(ctx context.Context, f store.SessionFilter) ([]store.Session, error)
	Events(ctx context.Context, session string) ([]journey.Event, error)
	Kiosks(ctx context.Context) ([]store.Kiosk, error)
	ToldTallies(ctx context.Context, since time.Time) ([]store.Tally, error)
	Erasures(ctx context.Context, submission string) ([]store.Erasure, error)
}

// Config is what the console needs.
type Config struct {
	Store Store
	// Admits tells who a key is, and whether it opens the console.
	Admits func(ctx context.Context, key string) (Visitor, bool, error)
	// Active reports whether a visitor still has access; it is asked at every request.
	Active func(ctx context.Context, who Visitor) (bool, error)
	// Visits keeps who has logged in.
	Visits Visits
	// Proxied: a proxy in front ends TLS, so cookies may be kept for TLS only although none is seen here.
	Proxied bool
	// Stopping is closed when the centre stops: pages that stream end then. May be nil.
	Stopping <-chan struct{}
	// Desk is where reviewers work.
	Desk Desk
	// Fleet lets new kiosks in; nil: nobody does so here.
	Fleet Fleet
	// Waiting says why a submission is not decided yet; may be nil.
	Waiting func(ctx context.Context, submission string) (string, error)
	Clock   func() time.Time
	Log     *slog.Logger
	// Lists tells how the sanctions lists stand; may be nil.
	Lists func(ctx context.Context) (Lists, error)
	// Trail is the audit trail; nil: its page is shown to nobody.
	Trail Trail
	// Note puts a line into the audit trail: who came and went, and who was refused; may be nil.
	Note func(ctx context.Context, who, what, target string) error
	// Out tells what left the centre, and sends it again; may be nil.
	Out Out
	// Every is how often live pages look for news; half a second when zero.
	Every time.Duration
}

// Console serves the pages. Create it with New.
type Console struct {
	Config
	pages    *template.Template
	visits   visits
	refusals refusals
}

// New prepares the pages.
func New(c Config) (*Console, error) {
	if c.Every == 0 {
		c.Every = 500 * time.Millisecond
	}
	con := &Console{Config: c, visits: visits{c.Clock, c.Visits}}
	var err error
	con.pages, err = template.New("").Funcs(words).Funcs(template.FuncMap{"waiting": con.waiting}).ParseFS(pageFiles, "pages/*.html")
	return con, err
}

// waiting is how many submissions wait for people, beside the name of their page;
// nothing where that cannot be told.
func (c *Console) waiting() string {
	if c.Desk == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	n, err := c.Desk.Open(ctx)
	if err != nil || n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Handler serves everything below the path it is mounted at: /console.
func (c *Console) Handler() http.Handler {
	r := chi.NewRouter()
	r.Use(strict, http.NewCrossOriginProtection().Handler)
	assets, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		panic(err) // the folder is part of this binary
	}
	r.Handle("/assets/*", http.StripPrefix("/console/assets/", http.FileServerFS(assets)))
	r.Get("/login", c.loginPage)
	r.Post("/login", c.login)
	r.Post("/logout", c.logout)
	r.Group(func(r chi.Router) {
		r.Use(c.insiders)
		r.Get("/", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/console/journeys", http.StatusSeeOther)
		})
		r.Get("/journeys", c.list)
		r.Get("/journeys/{session}", c.one)
		r.Route("/review", c.review)
		r.Get("/live", c.liveList)
		r.Get("/live/{session}", c.liveOne)
		r.Get("/lists", c.sanctions)
		r.Get("/kiosks", c.kiosks)
		r.Get("/audit", c.trail)
		r.Get("/deliveries", c.deliveries)
		r.Post("/deliveries/{kind}/{id}/replay", c.replay)
		r.Post("/kiosks", c.invite)
	})
	return r
}

// strict forbids everything a page of ours does not need.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// show writes a page whole, or an error: never half of one.
func (c *Console) show(w http.ResponseWriter, status int, page string, data any) {
	body, err := c.render(page, data)
	if err != nil {
		c.Log.Error("page could not be made", "page", page, "error", err)
		http.Error(w, "The page could not be made. The centre's log holds the cause.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the browser has gone: nobody is left to tell
}

func (c *Console) render(page string, data any) ([]byte, error) {
	var body bytes.Buffer
	err := c.pages.ExecuteTemplate(&body, page, data)
	return body.Bytes(), err
}

// trouble is the page for what went wrong.
type trouble struct {
	Title, Message, Hint string
	Back                 string // page to go on with; empty: all journeys
}

func (c *Console) broken(w http.ResponseWriter, doing string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	c.Log.Error("console request failed", "doing", doing, "error", err)
	c.show(w, http.StatusInternalServerError, "trouble.html", trouble{
		Title: "That did not work", Message: "The centre could not " + doing + ".", Hint: "Reload the page. If it stays so, look at the centre's log and at /readyz.",
	})
}
