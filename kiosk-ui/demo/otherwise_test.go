package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/journey/contract"
	"vestibule/kiosk-ui/child"
)

// otherwise is a visit that ends in another way than the demo's.
type otherwise struct {
	name     string
	policy   func(*journey.Policy)
	touches  map[string]string // instead of the demo's
	status   journey.SessionStatus
	decision journey.Decision
	reason   journey.Reason
	code     string // that a person was told, or a partner is
	unlived  bool   // nobody came before the face camera
}

// TestVisitsThatEndOtherwise lets one person come again and again under policies that stop her, and leave in other ways.
func TestVisitsThatEndOtherwise(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	w := otherWorld(t, ctx)
	reached := contract.NewReached(t.Name())
	for _, v := range []otherwise{
		{name: "refuses", touches: map[string]string{"consent": "refuse"}, status: journey.StatusDropped},
		{name: "stops", touches: map[string]string{"review": "stop"}, status: journey.StatusDropped},
		{
			name: "too young", policy: func(p *journey.Policy) { p.MinAge = 99 }, status: journey.StatusCompleted,
			decision: journey.Rejected, reason: journey.ReasonAgeLimit, code: "final/reject/under_ageLimit", unlived: true,
		},
		{
			name: "blocked issuer", policy: func(p *journey.Policy) { p.BlockedIssuers = []string{"UTO"} }, status: journey.StatusCompleted,
			decision: journey.Rejected, reason: journey.ReasonBlacklistCountry, code: "final/reject/blacklistCountry", unlived: true,
		},
		{
			name: "another type", policy: func(p *journey.Policy) {
				p.AcceptedTypes, p.MaxAttempts = []journey.DocumentType{journey.DriversLicense}, 2
			},
			status: journey.StatusCompleted, decision: journey.Rejected, reason: journey.ReasonRetryExhausted, code: "step1/error/invalid_id_type", unlived: true,
		},
		{
			name: "never alike enough", policy: func(p *journey.Policy) { p.MinSimilarity, p.MaxAttempts = 100, 1 },
			status: journey.StatusCompleted, decision: journey.Rejected, reason: journey.ReasonRetryExhausted, code: "step2/retry/face_compare_underscore",
		},
		{
			name: "never live enough", policy: func(p *journey.Policy) { p.MinLiveness, p.MaxAttempts = 100, 1 },
			status: journey.StatusCompleted, decision: journey.Rejected, reason: journey.ReasonRetryExhausted, code: "step2/retry/liveness_fail",
		},
	} {
		a, screens := w.otherwise(t, ctx, v)
		t.Logf("%-20s %s %s %s: %s", v.name, a.Status, a.Decision, a.Reason, a.Explain.Sentence)
		require.Equal(t, string(v.status), a.Status, v.name)
		require.Equal(t, v.decision, a.Decision, v.name)
		require.Equal(t, v.reason, a.Reason, v.name)
		require.NotEmpty(t, a.Explain.Sentence, v.name)
		coded := v.code == ""
		for _, e := range a.Journal {
			require.NoError(t, e.Validate(), v.name)
			coded = coded || e.Code.String() == v.code
			if v.unlived && e.Origin == journey.OriginServer && (e.Name == journey.EventFaceCompare || e.Name == journey.EventLivenessVerification) {
				require.Equal(t, journey.Skipped, e.Result, "%s: no face was asked for", v.name)
			}
		}
		require.True(t, coded, "%s: no event carries %s", v.name, v.code)
		require.Equal(t, !v.unlived && v.decision != "", slices.Contains(screens, "selfie"), "%s: %v", v.name, screens)
		require.NoError(t, reached.Events(a.Journal...))
		if a.Submission != "" {
			body, err := w.centre.submission(a.Submission)
			require.NoError(t, err)
			require.NoError(t, reached.Answer(journey.AnswerDocument, body))
		}
	}
	if dir := os.Getenv(contract.Env); dir != "" {
		require.NoError(t, contract.Record(dir, reached))
	}
}

// otherWorld is a centre and a kiosk before whose cameras one person always comes.
func otherWorld(t *testing.T, ctx context.Context) *world {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	models := os.Getenv("VESTIBULE_MODELS")
	if models == "" {
		models = filepath.Join(root, "models", "cache")
		t.Setenv("VESTIBULE_MODELS", models)
	}
	w, err := newWorld(filepath.Join(root, "build", "bin"), t.TempDir(), models)
	require.NoError(t, err)
	t.Cleanup(w.close)
	require.NoError(t, w.build(ctx, visits()[:1]))
	return w
}

// otherwise receives one person and gives what the centre knows of it in the end.
func (w *world) otherwise(t *testing.T, ctx context.Context, v otherwise) (journeyAnswer, []string) {
	p := demoPolicy()
	p.Version = "other-" + strings.ReplaceAll(v.name, " ", "-")
	if v.policy != nil {
		v.policy(&p)
	}
	require.NoError(t, w.apply(ctx, p))
	w.say("visit: %s", v.name)
	var session string
	var screens []string
	since := time.Now()
	require.NoError(t, child.WaitFor(ctx, stepLimit, func() (bool, error) {
		s, err := w.door.state()
		if err != nil {
			return false, err
		}
		if s.Session != "" {
			session = s.Session
		}
		if len(screens) == 0 || screens[len(screens)-1] != s.Step {
			screens, since = append(screens, s.Step), time.Now()
		}
		if s.Step == "attract" && session != "" {
			return true, nil
		}
		tap, ok := v.touches[s.Step]
		if !ok {
			tap, ok = touches[s.Step]
		}
		if s.Step == "result" || s.Step == "error" {
			tap, ok = "finish", true
		}
		if ok && time.Since(since) > time.Second {
			_ = w.door.tap(tap) // it may have gone meanwhile
			time.Sleep(200 * time.Millisecond)
		}
		return false, nil
	}, "the visit does not end"), "%s: %v", v.name, screens)
	var a journeyAnswer
	require.NoError(t, child.WaitFor(ctx, decideLimit, func() (bool, error) {
		var err error
		a, err = w.centre.journey(session)
		if errors.Is(err, errNotYet) {
			return false, nil
		}
		s, e := w.door.state()
		return err == nil && e == nil && s.Waiting == 0 && a.Status != "IN_PROGRESS" && (a.Submission == "" || a.Decision != ""), err
	}, "the centre does not know how it ended"), "%s: %v %+v", v.name, screens, a.Status)
	return a, screens
}

// apply puts a policy in force and waits until the kiosk runs it.
func (w *world) apply(ctx context.Context, p journey.Policy) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	file := filepath.Join(w.dir, p.Version+".json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	data := filepath.Join(w.dir, "centre")
	if _, err := w.tool(ctx, "server", "policy", "apply", "--data", data, file); err != nil {
		return err
	}
	return child.WaitFor(ctx, time.Minute, func() (bool, error) {
		out, err := w.tool(ctx, "server", "kiosk", "list", "--data", data)
		return strings.Contains(out, "policy "+p.Version) && !strings.Contains(out, "waits"), err
	}, "the kiosk does not run the policy")
}
