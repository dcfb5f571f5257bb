package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"vestibule/journey"
	"vestibule/server/store"
)

// The scopes of API keys. Admin opens everything but pictures and Face Auth, which need
// a scope that somebody gave on purpose.
const (
	ScopeSubmissions = "submissions:read"
	ScopeImages      = "images:read"
	ScopeJourneys    = "journeys:read"
	ScopeFaceAuth    = "faceauth" // says who somebody is: a centre's most sensitive answer
	ScopeAdmin       = "admin"
)

// Scopes lists the scopes.
func Scopes() []string {
	return []string{ScopeSubmissions, ScopeImages, ScopeJourneys, ScopeFaceAuth, ScopeAdmin}
}

// KnownScope reports whether there is such a scope.
func KnownScope(scope string) bool { return slices.Contains(Scopes(), scope) }

// HashKey gives what is stored of a key. A key has 256 random bits: nobody tries
// them out, so a fast hash is enough.
func HashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// maxKey bounds a key before it is hashed.
const maxKey = 256

// Keys finds API keys.
type Keys interface {
	APIKeyByHash(ctx context.Context, hash string) (store.APIKey, error)
}

// find gives a key that is known and not revoked. Looking it up by its hash tells
// an onlooker with a stopwatch nothing about the key; the hashes are compared once
// more in constant time, so that a database that compares loosely admits nobody.
func find(ctx context.Context, keys Keys, key string) (store.APIKey, bool, error) {
	if key == "" || len(key) > maxKey {
		return store.APIKey{}, false, nil
	}
	hash := HashKey(key)
	k, err := keys.APIKeyByHash(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		return k, false, nil
	}
	if err != nil {
		return k, false, err
	}
	return k, subtle.ConstantTimeCompare([]byte(k.Hash), []byte(hash)) == 1, nil
}

// has reports whether a key opens a scope.
func has(k store.APIKey, scope string) bool {
	all := strings.Split(k.Scope, ",")
	return slices.Contains(all, scope) || scope != ScopeImages && scope != ScopeFaceAuth && slices.Contains(all, ScopeAdmin)
}

// Find gives a key, and whether it is known and not revoked.
func Find(ctx context.Context, keys Keys, key string) (k store.APIKey, known bool, err error) {
	return find(ctx, keys, key)
}

// Opens reports whether a key opens a scope for all projects. A key may have several
// scopes, separated by commas. A key of one project does not open what shows all of them.
func Opens(k store.APIKey, scope string) bool { return k.Project == "" && has(k, scope) }

// admit finds the key of a request and checks what it may do.
func (s server) admit(w http.ResponseWriter, r *http.Request, scope string) (store.APIKey, error) {
	k, known, err := find(r.Context(), s.Store, r.Header.Get("x-api-key"))
	switch {
	case err != nil:
		return k, err
	case !known:
		w.Header().Set("WWW-Authenticate", "ApiKey")
		return k, &fault{Status: http.StatusUnauthorized, Key: journey.AnswerErrorInvalidAdmin, Hint: "send a valid key in the header x-api-key"}
	}
	if wait := s.limits.take(k); wait > 0 {
		return k, &fault{Status: http.StatusTooManyRequests, Key: journey.AnswerErrorProcessingError, Hint: "this key makes too many requests; wait as long as Retry-After says", Retry: wait}
	}
	if !has(k, scope) {
		return k, &fault{Status: http.StatusForbidden, Key: journey.AnswerErrorInvalidAdmin, Hint: "use a key of scope " + scope}
	}
	if k.Project == "" {
		return k, nil
	}
	ok, err := s.Store.KnowsProject(r.Context(), k.Project)
	if err == nil && !ok {
		err = &fault{Status: http.StatusForbidden, Key: journey.AnswerErrorInvalidProject, Hint: "the project of this key has neither a kiosk nor a policy here"}
	}
	return k, err
}

// Requests a second that a key may make where it does not say itself, and how many
// at once: a multiple. Starting values.
const (
	DefaultPerSecond = 50
	burst            = 2
)

// maxLimits is how many keys' limits are kept. Beyond it they begin anew, which
// costs nothing but a burst.
const maxLimits = 10_000

// limits keeps count of every key's requests. A revoked key never gets here, so
// there are no more than keys that were made.
type limits struct {
	clock func() time.Time
	mu    sync.Mutex
	byKey map[string]*rate.Limiter
}

func newLimits(clock func() time.Time) *limits {
	return &limits{clock: clock, byKey: map[string]*rate.Limiter{}}
}

// take takes one request off a key's allowance, or says how long to wait for it.
func (l *limits) take(k store.APIKey) time.Duration {
	per := k.PerSecond
	if per <= 0 {
		per = DefaultPerSecond
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	one, ok := l.byKey[k.ID]
	if !ok {
		if len(l.byKey) >= maxLimits {
			clear(l.byKey)
		}
		one = rate.NewLimiter(rate.Limit(per), burst*per)
		l.byKey[k.ID] = one
	}
	now := l.clock()
	if one.Limit() != rate.Limit(per) {
		one.SetLimitAt(now, rate.Limit(per))
		one.SetBurstAt(now, burst*per)
	}
	if one.AllowN(now, 1) {
		return 0
	}
	// Not a reservation: whoever is refused has used nothing up.
	return time.Duration((1 - one.TokensAt(now)) / float64(per) * float64(time.Second))
}
