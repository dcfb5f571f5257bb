// Package api answers partners' systems: submissions as the contract has them,
// their pictures, and journeys with their explanation.
//
// What may live here: parameters, permissions, and the shape of answers. What may
// not: statements, keys of the centre, and how anything came about.
//
// Null and absent: a field that has no value is absent, never null, never an empty
// text or list. The one exception is signals.cameraProcessInfo[i].error, which the
// contract makes null when there was no error. Absent says why a field of the
// contract can never be there.
package api

import (
	"context"
	"crypto/ecdsa"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"vestibule/journey"
	"vestibule/server/store"
)

// Store is what the API reads. store.Reader has it.
type Store interface {
	APIKeyByHash(ctx context.Context, hash string) (store.APIKey, error)
	KnowsProject(ctx context.Context, project string) (bool, error)
	Submission(ctx context.Context, id string) (store.Submission, error)
	Submissions(ctx context.Context, f store.SubmissionFilter) ([]store.Submission, error)
	// SamePII gives by submission which others have the same personal data.
	SamePII(ctx context.Context, rows []store.Submission) (map[string][]string, error)
	// Erasures tells what of a submission was erased.
	Erasures(ctx context.Context, submission string) ([]store.Erasure, error)
	EvidenceOf(ctx context.Context, submission, id string) (store.Evidence, error)
	// Results gives by submission, where there is one, a result whose matches can be read:
	// {"matches":[{"entity","score","risk"}]}.
	Results(ctx context.Context, rows []store.Submission) (map[string]store.Screening, error)
	// LastDecisions gives them by session, where there is one.
	LastDecisions(ctx context.Context, sessions []string) (map[string]store.Decision, error)
	Session(ctx context.Context, id string) (store.Session, error)
	Sessions(ctx context.Context, f store.SessionFilter) ([]store.Session, error)
	Events(ctx context.Context, session string) ([]journey.Event, error)
}

// Private opens what is kept encrypted, and makes the keys it is found under.
type Private interface {
	Dossier(row store.Submission) (journey.Submission, error)
	// Comment is what a reviewer wrote for the person; empty: nothing.
	Comment(row store.Submission) (string, error)
	EmailKey(email string) string
	UserKey(user string) string
	// Picture opens a sealed picture. One that is not here is store.ErrNotFound.
	Picture(row store.Submission, e store.Evidence) ([]byte, error)
	// PageTag signs a place in a list, so that only places that were given out come back.
	PageTag(text string) string
	// RequestKey opens what partners encrypt to the centre; on P-256.
	RequestKey() (*ecdsa.PrivateKey, error)
}

// Config is what the API needs.
type Config struct {
	Store   Store
	Private Private
	// Audit notes who saw what; a picture that cannot be noted is not shown.
	Audit func(ctx context.Context, who, what, target string) error
	// Waiting says why a submission is not decided yet; may be nil.
	Waiting func(ctx context.Context, submission string) (string, error)
	Clock   func() time.Time
	Log     *slog.Logger
	// FaceAuth compares a picture with the face that is kept of a submission. It gives
	// ErrNoFace where none is, and ErrBusy where pictures cannot be read now.
	FaceAuth func(ctx context.Context, row store.Submission, picture []byte) (FaceAuth, error)
	// BodyWithin is how long the body of a POST may take; 0 means ten seconds.
	BodyWithin time.Duration
}

// server answers requests.
type server struct {
	Config
	limits *limits
	places chan struct{} // for operations that hold a picture in memory
}

// call is one request that may be answered.
type call struct {
	key    store.APIKey
	values map[string]string
	path   func(name string) string
	sealed bool // it came encrypted, so its answer goes so
}

// file is an answer that is no JSON.
type file struct {
	Media string
	Bytes []byte
}

// operation is one thing that can be asked.
type operation struct {
	ID      string
	Path    string
	Post    bool   // the parameters may stand in a body instead of the address
	Picture bool   // a picture is among them: by POST only, up to maxPictureBody, and few at the same time
	Scope   string // what a key needs
	Summary string
	Does    string
	Known   []parameter // of the query
	InPath  []parameter
	Answer  any // of what type the answer is; nil: a picture
	do      func(s server, ctx context.Context, c call) (any, error)
}

// operations is the one table that routes, the OpenAPI document and the reference
// page are made of.
func operations() []operation {
	return []operation{
		{
			ID: "getSubmission", Path: "/submission", Post: true, Scope: ScopeSubmissions,
			Summary: "One submission, or a list of them",
			Does: "With submission_id: that submission. Without: the newest first, page by page. A list that is walked by nextpageKey " +
				"neither repeats nor loses a submission that was there when the walk began, whatever is added meanwhile.",
			Known: submissionParameters(), Answer: submissionAnswer{}, do: server.submission,
		},
		{
			ID: "getImage", Path: "/image/{submission}/{evidence}", Scope: ScopeImages,
			Summary: "One picture of a submission",
			Does: "Opens the sealed picture that a field such as image.idImage links to. Every time is noted in the centre's audit. " +
				"A picture that is not there, not there yet, or not this key's to see is answered alike: 404.",
			InPath: []parameter{{Name: "submission", Does: "id of the submission"}, {Name: "evidence", Does: "id of the picture"}},
			do:     server.image,
		},
		{
			ID: "listJourneys", Path: "/journeys", Post: true, Scope: ScopeJourneys,
			Summary: "Journeys, the newest first",
			Does:    "Every visit, also those that ended before there was a submission. Paging as with submissions.",
			Known:   journeyParameters(), Answer: journeyList{}, do: server.journeys,
		},
		{
			ID: "getJourney", Path: "/journeys/{session}", Scope: ScopeJourneys,
			Summary: "One journey with its explanation",
			Does:    "The row, one sentence and the chain that say why it ended so, and the journal. No personal data.",
			InPath:  []parameter{{Name: "session", Does: "id of the session"}},
			Answer:  journeyAnswer{}, do: server.journey,
		},
		{
			ID: "faceAuth", Path: "/faceauth", Post: true, Picture: true, Scope: ScopeFaceAuth,
			Summary: "Is this the person whom the centre knows? (Face Auth, 1:1)",
			Does: "Compares one fresh selfie with the face that the collection keeps of one approved person, and looks whether it is live. " +
				"Answered in the contract's knowledge-based shape: kyc.result is approved where face and liveness reach the policy's thresholds, else " +
				"rejected with the code of STEP2 in kyc.attempts[0]; submission_id is the one whose face was compared with. " +
				"The picture is read by the caged worker and not kept; every comparison stands in the centre's audit. Liveness rests on the one picture, " +
				"so it is weaker than in a visit. Nobody is decided on anew.",
			Known: faceAuthParameters(), Answer: faceAuthAnswer{}, do: server.faceAuth,
		},
	}
}

// places is how many requests with a picture are worked on at the same time: each holds
// some 20 MB, and the worker reads one after the other.
const places = 4

// Handler serves the operations, their description and the public key for
// encrypted requests.
func Handler(c Config) http.Handler {
	if c.BodyWithin == 0 {
		c.BodyWithin = bodyWithin
	}
	s := server{c, newLimits(c.Clock), make(chan struct{}, places)}
	r := chi.NewRouter()
	for _, op := range operations() {
		if !op.Picture {
			r.Get(op.Path, s.answer(op))
		}
		if op.Post {
			r.Post(op.Path, s.answer(op))
		}
	}
	s.describe(r)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		s.write(w, r, nil, &fault{Status: http.StatusNotFound, Key: journey.AnswerErrorMissingData, Hint: "/docs lists the addresses that there are"})
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, req *http.Request) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if r.Match(chi.NewRouteContext(), method, req.URL.Path) {
				w.Header().Add("Allow", method)
			}
		}
		s.write(w, req, nil, &fault{Status: http.StatusMethodNotAllowed, Key: journey.AnswerErrorInvalidPayload, Hint: "use one of the methods in the header Allow"})
	})
	return r
}

// answer checks the key, reads the parameters, and writes what the operation gives, or its fault.
func (s server) answer(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := s.perform(w, r, op)
		s.write(w, r, body, err)
	}
}

func (s server) perform(w http.ResponseWriter, r *http.Request, op operation) (any, error) {
	key, err := s.admit(w, r, op.Scope)
	if err != nil {
		return nil, err
	}
	if op.Picture {
		select {
		case s.places <- struct{}{}:
			defer func() { <-s.places }()
		default:
			return nil, errBusy()
		}
	}
	c := call{key: key, path: func(name string) string { return chi.URLParam(r, name) }}
	if c.values, c.sealed, err = s.parameters(w, r, op); err != nil {
		return nil, err
	}
	for _, p := range op.InPath {
		if v := c.path(p.Name); v == "" || len(v) > maxID {
			return nil, badFormat(p.Name, "at most 64 characters")
		}
	}
	if c.sealed && key.EncryptTo == "" {
		return nil, &fault{Status: http.StatusForbidden, Key: journey.AnswerErrorInvalidAdmin, Hint: "no public key is registered for this API key, so the answer could not be encrypted"}
	}
	body, err := op.do(s, r.Context(), c)
	if err != nil || key.EncryptTo == "" {
		return body, err
	}
	return encrypted(body, key.EncryptTo)
}
