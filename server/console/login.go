package console

import (
	"context"
	"net/http"
	"time"
)

// How long a log-in lasts, and the cookie that it goes by.
const (
	visitLasts = 12 * time.Hour
	cookieName = "vestibule_console"
	maxForm    = 4 << 10
)

// Visitor is who has logged in. Whoever came with a partner's key has no name.
type Visitor struct {
	Name     string
	Reviewer bool
	Operator bool
	Auditor  bool   // sees the audit trail
	Key      string // id of the API key that they came with; empty: with their own
}

// account is who the audit trail says it was.
func (v Visitor) account() string {
	if v.Name == "" && v.Key != "" {
		return "api key " + v.Key
	}
	return v.Name
}

// insiders lets only those in who have logged in.
func (c *Console) insiders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie(cookieName)
		if err == nil {
			who, ok, err := c.visits.find(r.Context(), cookie.Value)
			if err != nil {
				c.broken(w, "find out who you are", err)
				return
			}
			if ok {
				if ok, err = c.Active(r.Context(), who); err != nil {
					c.broken(w, "find out who you are", err)
					return
				}
				if !ok {
					if err := c.visits.close(r.Context(), cookie.Value); err != nil {
						c.broken(w, "end your log-in", err)
						return
					}
				}
			}
			if ok {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), insider{}, inside{cookie.Value, who})))
				return
			}
		}
		http.Redirect(w, r, "/console/login", http.StatusSeeOther)
	})
}

// insider is the key under which a request knows who made it.
type insider struct{}

type inside struct {
	visit string
	Visitor
}

func visitorOf(r *http.Request) inside {
	who, _ := r.Context().Value(insider{}).(inside)
	return who
}

type loginData struct{ Refused string }

func (c *Console) loginPage(w http.ResponseWriter, _ *http.Request) {
	c.show(w, http.StatusOK, "login.html", loginData{})
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	key := r.PostFormValue("key")
	who, ok, err := c.Admits(r.Context(), key)
	if err != nil {
		c.broken(w, "check the key", err)
		return
	}
	if !ok {
		c.turnedAway(r.Context())
		c.show(w, http.StatusForbidden, "login.html", loginData{"This key does not open the console. It needs to be a user's, or an API key with the scope admin or journeys:read; `server user add` and `server key add` make them."})
		return
	}
	if err := c.note(r.Context(), who.account(), "log-in"); err != nil {
		c.broken(w, "note the log-in", err)
		return
	}
	id, err := c.visits.open(r.Context(), who)
	if err != nil {
		c.broken(w, "let you in", err)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: id, Path: "/console", MaxAge: int(visitLasts.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil || c.Proxied,
	})
	http.Redirect(w, r, "/console/journeys", http.StatusSeeOther)
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(cookieName); err == nil {
		who, in, err := c.visits.find(r.Context(), cookie.Value)
		if err == nil {
			err = c.visits.close(r.Context(), cookie.Value)
		}
		if err != nil {
			c.broken(w, "end your log-in", err)
			return
		}
		if in {
			if err := c.note(r.Context(), who.account(), "log-out"); err != nil {
				c.Log.Error("a log-out is not in the audit trail", "code", "audit", "error", err)
			}
		}
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/console", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/console/login", http.StatusSeeOther)
}
