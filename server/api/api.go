// Package api answers partners' systems: GET /submission as the contract has it,
// and journeys with their explanation, as JSON.
//
// What may live here: parameters, permissions, and the shape of answers. What may
// not: statements, keys, and how anything came about.
package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"vestibule/journey"
	"vestibule/server/store"
)

// The scopes of API keys. Admin opens everything.
const (
	ScopeSubmissions = "submissions:read"
	ScopeJourneys    = "journeys:read"
	ScopeAdmin       = "admin"
)

// Scopes lists the scopes.
func Scopes() []string { return []string{ScopeSubmissions, ScopeJourneys, ScopeAdmin} }

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

// Store is what the API reads. store.Reader has it.
type Store interface {
	APIKeyByHash(ctx context.Context, hash string) (store.APIKey, error)
	Submission(ctx context.Context, id string) (store.Submission, error)
	Submissions(ctx context.Context, f store.SubmissionFilter) ([]store.Submission, error)
	Same(ctx context.Context, project string, field store.Field, value, besides string) ([]store.Submission, error)
	// Screening gives a result whose matches can be read: {"matches":[{"entity","score","risk"}]}.
	Screening(ctx context.Context, submission string) (store.Screening, error)
	Decisions(ctx context.Context, session string) ([]store.Decision, error)
	Session(ctx context.Context, id string) (store.Session, error)
	Sessions(ctx context.Context, f store.SessionFilter) ([]store.Session, error)
	Events(ctx context.Context, session string) ([]journey.Event, error)
}

// Private opens what is kept encrypted, and makes the keys it is found under.
type Private interface {
	Dossier(row store.Submission) (journey.Submission, error)
	EmailKey(email string) string
	UserKey(user string) string
}

// Config is what the API needs.
type Config struct {
	Store   Store
	Private Private
	// Waiting says why a submission is not decided yet; may be nil.
	Waiting func(ctx context.Context, submission string) (string, error)
	Clock   func() time.Time
	Log     *slog.Logger
}

// server answers requests.
type server struct{ Config }

// Handler serves /submission, /journeys and /journeys/{session}.
func Handler(c Config) http.Handler {
	s := server{c}
	r := chi.NewRouter()
	r.Get("/submission", s.answer(ScopeSubmissions, s.submission))
	r.Get("/journeys", s.answer(ScopeJourneys, s.journeys))
	r.Get("/journeys/{session}", s.answer(ScopeJourneys, s.journey))
	return r
}

// fault is an error as the API tells it: a code of the contract, and what to do.
type fault struct {
	Status int
	Key    journey.CodeKey
	Values map[string]string // of what the message leaves open
	Hint   string
}

func (f *fault) Error() string { return f.Key.Code }

// faultBody is how a fault travels.
type faultBody struct {
	Code    string `json:"errorCode"`
	Message string `json:"errorMsg"`
	Hint    string `json:"hint"`
}

func (f *fault) body() faultBody {
	b := faultBody{Code: f.Key.Code, Message: f.Key.Code, Hint: f.Hint}
	if all := journey.LookupCode(f.Key); len(all) > 0 {
		b.Message = all[0].Text(f.Values)
	}
	return b
}

// answer checks the key, and writes what do gives, or its fault, as JSON.
func (s server) answer(scope string, do func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := s.checked(r, scope, do)
		status := http.StatusOK
		if err != nil {
			var f *fault
			if !errors.As(err, &f) {
				// The query is not logged: it may hold an e-mail address.
				s.Log.ErrorContext(r.Context(), "request failed", "code", "processing_error", "path", r.URL.Path, "error", err)
				f = &fault{
					Status: http.StatusInternalServerError, Key: journey.AnswerErrorProcessingError,
					Hint: "try again; if it stays so, the centre's log holds the cause",
				}
			}
			status, body = f.Status, f.body()
		}
		text, err := json.Marshal(body)
		if err != nil {
			s.Log.ErrorContext(r.Context(), "answer cannot be written", "code", "processing_error", "path", r.URL.Path, "error", err)
			status, text = http.StatusInternalServerError, []byte(`{"errorCode":"processing_error"}`)
		}
		h := w.Header()
		h.Set("Content-Type", "application/json; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(status)
		_, _ = w.Write(append(text, '\n')) // the caller has gone: nobody is left to tell
	}
}

func (s server) checked(r *http.Request, scope string, do func(r *http.Request) (any, error)) (any, error) {
	known, allowed, err := Allows(r.Context(), s.Store, r.Header.Get("x-api-key"), scope)
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, &fault{Status: http.StatusUnauthorized, Key: journey.AnswerErrorInvalidAdmin, Hint: "send a valid key in the header x-api-key"}
	case !allowed:
		return nil, &fault{Status: http.StatusForbidden, Key: journey.AnswerErrorInvalidAdmin, Hint: "use a key of scope " + scope}
	}
	return do(r)
}

// Keys finds API keys.
type Keys interface {
	APIKeyByHash(ctx context.Context, hash string) (store.APIKey, error)
}

// Allows reports whether a key is known, and whether it has a scope. A key may
// have several scopes, separated by commas.
func Allows(ctx context.Context, keys Keys, key, scope string) (known, allowed bool, err error) {
	if key == "" || len(key) > maxKey {
		return false, false, nil
	}
	k, err := keys.APIKeyByHash(ctx, HashKey(key))
	if errors.Is(err, store.ErrNotFound) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	has := strings.Split(k.Scope, ",")
	return true, slices.Contains(has, scope) || slices.Contains(has, ScopeAdmin), nil
}
