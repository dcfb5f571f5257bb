package console

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"sync"
	"time"
)

// How long a log-in lasts, and how many may stand open.
const (
	visitLasts = 12 * time.Hour
	maxVisits  = 1000
	cookieName = "vestibule_console"
	maxForm    = 4 << 10
)

// visits are the open log-ins, by the random value of their cookie.
type visits struct {
	clock func() time.Time
	mu    sync.Mutex
	until map[string]time.Time
}

func newVisits(clock func() time.Time) *visits {
	return &visits{clock: clock, until: map[string]time.Time{}}
}

func (v *visits) open() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails, by its documentation
	id := hex.EncodeToString(raw[:])
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.clock()
	for old, until := range v.until {
		if now.After(until) || len(v.until) >= maxVisits {
			delete(v.until, old)
		}
	}
	v.until[id] = now.Add(visitLasts)
	return id
}

func (v *visits) valid(id string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	until, ok := v.until[id]
	return ok && v.clock().Before(until)
}

func (v *visits) close(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.until, id)
}

// insiders lets only those in who have logged in.
func (c *Console) insiders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie(cookieName)
		if err != nil || !c.visits.valid(cookie.Value) {
			http.Redirect(w, r, "/console/login", http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
}

type loginData struct{ Refused string }

func (c *Console) loginPage(w http.ResponseWriter, _ *http.Request) {
	c.show(w, http.StatusOK, "login.html", loginData{})
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	key := r.PostFormValue("key")
	ok, err := c.Admits(r.Context(), key)
	if err != nil {
		c.broken(w, "check the key", err)
		return
	}
	if !ok {
		c.show(w, http.StatusForbidden, "login.html", loginData{"This key does not open the console. It needs the scope admin or journeys:read; `server key add` makes one."})
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: c.visits.open(), Path: "/console", MaxAge: int(visitLasts.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
	http.Redirect(w, r, "/console/journeys", http.StatusSeeOther)
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(cookieName); err == nil {
		c.visits.close(cookie.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/console", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/console/login", http.StatusSeeOther)
}
