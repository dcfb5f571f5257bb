package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/review"
	"vestibule/server/review/desk"
	"vestibule/server/store"
)

// bench is a desk in memory with one submission, which keeps to the rules.
type bench struct {
	mu    sync.Mutex
	item  review.Item
	calls []string
	votes []review.Vote
	now   time.Time
	fail  error
	gone  string // who has no access any more
}

func newBench() *bench {
	return &bench{now: noon, item: review.Open(journey.Verdict{
		Submission: "sub-1", Session: "s-1", Decision: journey.Pending, Reason: journey.ReasonCustomPolicy, Event: "e3", At: noon.Add(-25 * time.Hour),
	}, "hall-1", "default", 1, []review.Finding{{Check: "custom", Ground: journey.Ground{Decision: journey.Pending, Reason: journey.ReasonCustomPolicy}}}, journey.ReviewPolicy{})}
}

func (b *bench) do(call string, step func() (review.Item, error)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, call)
	if b.fail != nil {
		return b.fail
	}
	after, err := step()
	if err == nil {
		b.item = after
	}
	return err
}

func (b *bench) said() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.calls...)
}

func (b *bench) Queue(context.Context) (desk.Queue, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.item.State == review.Leaving {
		return desk.Queue{Leaving: []review.Item{b.item}}, b.fail
	}
	if b.item.State == review.Done {
		return desk.Queue{}, b.fail
	}
	return desk.Queue{Waiting: []review.Item{b.item}}, b.fail
}

func (b *bench) Open(ctx context.Context) (int, error) {
	q, err := b.Queue(ctx)
	return len(q.Waiting), err
}

func (b *bench) Case(context.Context, string) (desk.Case, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return desk.Case{
		Item: b.item, Policy: journey.DefaultPolicy().Review, Differs: []string{"number"},
		Pictures: []store.Evidence{{ID: "pic-1", Kind: journey.EvidenceSelfie}},
		Events: []journey.Event{
			{
				ID: "e1", Session: "s-1", Name: journey.EventCustomPolicyEvaluation, Source: journey.BE, Origin: journey.OriginServer, Seq: 1,
				Result: journey.Fail, Impact: journey.ImpactPending, Reason: journey.ReasonCustomPolicy, Detail: map[string]string{"rule": "aml.hold"}, Causes: []string{"e0"},
			},
			{
				ID: "e0", Session: "s-1", Name: journey.EventAMLCheck, Source: journey.BE, Origin: journey.OriginServer, Seq: 4,
				Result: journey.Fail, Impact: journey.ImpactNone, Detail: map[string]string{"best": "98.0", "entity": "QDi.001"},
			},
			{
				ID: "e2", Session: "s-1", Name: journey.CentreRecheck, Source: journey.BE, Origin: journey.OriginServer, Seq: 2, Result: journey.Pass,
				Detail: map[string]string{"kiosk_similarity": "97.2", "centre_similarity": "61"},
			},
			{
				ID: "e3", Session: "s-1", Submission: "sub-1", Name: journey.EventPending, Source: journey.BE, Origin: journey.OriginServer, Seq: 3,
				Result: journey.Observed, Impact: journey.ImpactPending, Reason: journey.ReasonCustomPolicy, Causes: []string{"e1"},
			},
		},
	}, b.fail
}

func (b *bench) Claim(_ context.Context, who, _ string) error {
	return b.do(who+" claim", func() (review.Item, error) { return b.item.Claim(who, b.now, journey.ReviewPolicy{}) })
}

func (b *bench) Release(_ context.Context, who, _ string) error {
	return b.do(who+" release", func() (review.Item, error) { return b.item.Release(who, b.now) })
}

func (b *bench) Touch(context.Context, string, string) error { return nil }

func (b *bench) Decide(_ context.Context, who, _, seen string, v review.Vote) error {
	return b.do(fmt.Sprintf("%s %s %s %s", who, v.Decision, v.Reason, v.Code), func() (review.Item, error) {
		if seen != b.item.Mark() {
			return b.item, review.ErrChanged()
		}
		v.Who = who
		b.votes = append(b.votes, v)
		return b.item.Decide(v, b.now, journey.ReviewPolicy{})
	})
}

func (b *bench) Undo(_ context.Context, who, _ string) error {
	return b.do(who+" undo", func() (review.Item, error) { return b.item.Undo(b.now) })
}

func (b *bench) Reopen(_ context.Context, who, _, why string) error {
	return b.do(who+" reopen "+why, func() (review.Item, error) { return b.item.Reopen(b.now, journey.ReviewPolicy{}) })
}

func (b *bench) Correct(_ context.Context, who, _, _ string, entered map[review.Field]string) error {
	return b.do(fmt.Sprint(who, " correct ", entered), func() (review.Item, error) {
		return b.item.Correct(who, []review.Field{review.Birth}, b.now, journey.ReviewPolicy{})
	})
}

func (b *bench) Reveal(_ context.Context, who, _ string, why desk.Reason, _ string, what []string) error {
	return b.do(fmt.Sprint(who, " reveal ", why, " ", what), func() (review.Item, error) { return b.item.Touch(who, b.now, journey.ReviewPolicy{}) })
}

func (b *bench) Personal(_ context.Context, who, _ string, why desk.Reason) (desk.Personal, error) {
	p := journey.PersonData{FamilyName: `ERIKSSON"><script>alert(1)</script>`, Birth: "1974-08-12"}
	return desk.Personal{Read: p, Now: p}, b.do(fmt.Sprint(who, " shown data ", why), func() (review.Item, error) { return b.item, nil })
}

func (b *bench) Picture(_ context.Context, who, _, id string, why desk.Reason) ([]byte, error) {
	if id == "page" {
		return []byte("<html><script>alert(1)</script>"), nil
	}
	return []byte("\xff\xd8\xff\xe0picture"), b.do(fmt.Sprint(who, " shown ", id, " ", why), func() (review.Item, error) { return b.item, nil })
}

// office serves the console over a bench; the client it gives does not follow redirects.
func office(t *testing.T, b *bench) (web string, log *bytes.Buffer) {
	log = &bytes.Buffer{}
	c, err := New(Config{
		Visits: newMemory(), Store: &shelf{}, Desk: b, Clock: func() time.Time { return b.now }, Log: slog.New(slog.NewTextHandler(log, nil)),
		Active: func(_ context.Context, who Visitor) (bool, error) { return who.Name == "" || who.Name != b.gone, nil },
		Admits: func(_ context.Context, key string) (Visitor, bool, error) {
			switch key {
			case "anna", "bob":
				return Visitor{Name: key, Reviewer: true}, true, nil
			case "vera":
				return Visitor{Name: key}, true, nil
			}
			return Visitor{}, key == "partner", nil
		},
	})
	require.NoError(t, err)
	root := chi.NewRouter()
	root.Mount("/console", c.Handler())
	server := httptest.NewServer(root)
	t.Cleanup(server.Close)
	return server.URL, log
}

func enter(t *testing.T, web, key string) *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	resp, err := client.PostForm(web+"/console/login", url.Values{"key": {key}})
	require.NoError(t, err)
	resp.Body.Close()
	return client
}

// post sends a form and gives the status and the page it led to.
func post(t *testing.T, client *http.Client, address string, form url.Values) (int, string) {
	t.Helper()
	resp, err := client.PostForm(address, form)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

// seen takes the mark out of a page's forms.
func seen(t *testing.T, page string) string {
	t.Helper()
	m := regexp.MustCompile(`name="seen" value="([0-9a-f]+)"`).FindStringSubmatch(page)
	require.NotNil(t, m)
	return m[1]
}

func TestAReviewerTakesUpRejectsAndUndoesWithoutAnyScript(t *testing.T) {
	b := newBench()
	web, _ := office(t, b)
	anna := enter(t, web, "anna")
	_, page := get(t, anna, web+"/console/review")
	require.Contains(t, page, "PENDING · CUSTOM_POLICY")
	require.Contains(t, page, "1 late")
	require.Contains(t, page, `Review <span class="count" title="wait for a person">1</span>`)
	require.Contains(t, page, "late by 1 h 00 min")
	require.Contains(t, page, "25 h 00 min")

	_, page = get(t, anna, web+"/console/review/sub-1")
	require.NotContains(t, page, `name="seen"`, "who has not taken it up decides nothing")
	status, page := post(t, anna, web+"/console/review/sub-1/claim", nil)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "Held for a person to look at (CUSTOM_POLICY)")
	require.Contains(t, page, `href="/console/journeys/s-1#e-e1">CUSTOM_POLICY_EVALUATION</a>`)
	require.Contains(t, page, "rule aml.hold")
	require.Contains(t, page, `#e-e0">AML_CHECK</a>`)
	require.Contains(t, page, "entity QDi.001")
	require.Contains(t, page, "Similarity ≠")
	require.Contains(t, page, "<b>number</b>")
	for _, code := range review.Codes() {
		require.Contains(t, page, `<option value="`+code.Code+`">`)
	}

	form := url.Values{"seen": {seen(t, page)}, "code": {"id_info_dataMismatch"}, "comment": {"Bring the other one."}, "internal": {"see case 7"}}
	status, page = post(t, anna, web+"/console/review/sub-1/reject", form)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "On their way out")
	require.Contains(t, page, "id_info_dataMismatch")
	require.Equal(t, journey.ReasonIDInfoMismatch, b.votes[0].Reason, "the reason that goes with the code")
	require.Equal(t, "Bring the other one.", b.votes[0].Comment)
	require.Equal(t, "see case 7", b.votes[0].Internal)

	_, page = get(t, anna, web+"/console/review/sub-1")
	require.Contains(t, page, "Leaves in")
	_, page = post(t, anna, web+"/console/review/sub-1/undo", nil)
	require.Contains(t, page, "a decision was undone")
	require.Equal(t, []string{"anna claim", "anna REJECTED ID_INFO_MISMATCH id_info_dataMismatch", "anna undo"}, b.said())
}

func TestWhatWasNotSeenIsNotDecidedOn(t *testing.T) {
	b := newBench()
	web, _ := office(t, b)
	anna := enter(t, web, "anna")
	_, page := post(t, anna, web+"/console/review/sub-1/claim", nil)
	mark := seen(t, page)
	b.item.Findings = append(b.item.Findings, review.Finding{Check: "pii"})
	status, page := post(t, anna, web+"/console/review/sub-1/approve", url.Values{"seen": {mark}})
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, page, "Somebody changed this since your page was made.")
	require.Contains(t, page, `href="/console/review/sub-1"`)
	_, page = get(t, anna, web+"/console/review/sub-1")
	status, _ = post(t, anna, web+"/console/review/sub-1/approve", url.Values{"seen": {seen(t, page)}})
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, review.Leaving, b.item.State)
}

func TestAnotherReviewerSeesWhoHasItAndCannotTakeIt(t *testing.T) {
	b := newBench()
	web, _ := office(t, b)
	post(t, enter(t, web, "anna"), web+"/console/review/sub-1/claim", nil)
	bob := enter(t, web, "bob")
	_, page := get(t, bob, web+"/console/review/sub-1")
	require.Contains(t, page, "anna is at work on this")
	require.NotContains(t, page, `name="seen"`)
	status, page := post(t, bob, web+"/console/review/sub-1/claim", nil)
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, page, "This is taken: anna is at work on it.")
}

func TestEvidenceIsHiddenUntilItIsSaidWhyAndAgainAfterAWhile(t *testing.T) {
	b := newBench()
	web, _ := office(t, b)
	anna := enter(t, web, "anna")
	_, page := post(t, anna, web+"/console/review/sub-1/claim", nil)
	require.NotContains(t, page, "ERIKSSON")
	require.NotContains(t, page, "<img")
	picture := web + "/console/review/sub-1/pictures/pic-1"
	status, _ := get(t, anna, picture)
	require.Equal(t, http.StatusForbidden, status)

	_, page = post(t, anna, web+"/console/review/sub-1/reveal", url.Values{"why": {"compare-faces"}, "what": {"data", "pic-1"}})
	require.Contains(t, page, "ERIKSSON")
	require.NotContains(t, page, "<script>alert", "what was read is escaped")
	require.Contains(t, page, `<img src="/console/review/sub-1/pictures/pic-1"`)
	status, body := get(t, anna, picture)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "\xff\xd8\xff\xe0picture", body)
	require.Equal(t, []string{"anna claim", "anna reveal compare-faces [data pic-1]", "anna shown data compare-faces", "anna shown pic-1 compare-faces"}, b.said())

	// The other visit of the same person has said nothing, and time runs out for this one.
	status, _ = get(t, enter(t, web, "anna"), picture)
	require.Equal(t, http.StatusForbidden, status)
	b.now = b.now.Add(revealLasts)
	status, _ = get(t, anna, picture)
	require.Equal(t, http.StatusForbidden, status)
	_, page = get(t, anna, web+"/console/review/sub-1")
	require.NotContains(t, page, "ERIKSSON")
}

func TestARefusedRevealShowsNothing(t *testing.T) {
	b := newBench()
	web, _ := office(t, b)
	bob := enter(t, web, "bob")
	status, page := post(t, bob, web+"/console/review/sub-1/reveal", url.Values{"why": {"compare-faces"}, "what": {"data"}})
	require.Equal(t, http.StatusConflict, status)
	require.NotContains(t, page, "ERIKSSON")
	_, page = get(t, bob, web+"/console/review/sub-1")
	require.NotContains(t, page, "ERIKSSON")
}

func TestWhatAKioskSentIsNeverShownAsAPage(t *testing.T) {
	require.Equal(t, "image/jpeg", pictureType([]byte("\xff\xd8\xff\xe0")))
	require.Equal(t, "application/octet-stream", pictureType([]byte("<html><script>alert(1)</script>")))
	require.Equal(t, "application/octet-stream", pictureType([]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)))
}

func TestACorrectionSendsWhatWasEnteredAndEmptiesNothingSilently(t *testing.T) {
	b := newBench()
	web, _ := office(t, b)
	anna := enter(t, web, "anna")
	post(t, anna, web+"/console/review/sub-1/claim", nil)
	_, page := post(t, anna, web+"/console/review/sub-1/correct", url.Values{
		"birth": {"1974-08-13"}, "was-birth": {"1974-08-12"}, "gender": {""}, "was-gender": {""}, "number": {""}, "was-number": {"L1"},
	})
	require.Contains(t, b.said()[1], "birth:1974-08-13")
	require.Contains(t, b.said()[1], "number:", "emptied: the rules refuse it")
	require.NotContains(t, b.said()[1], "gender")
	require.Contains(t, page, "The checks run again on the corrected data.")
	require.Contains(t, page, "disabled", "nobody decides meanwhile")
}

func TestWhoIsNoReviewerIsOfferedNothing(t *testing.T) {
	b := newBench()
	web, _ := office(t, b)
	for _, key := range []string{"vera", "partner"} {
		client := enter(t, web, key)
		_, page := get(t, client, web+"/console/review")
		require.Contains(t, page, "looking only")
		require.NotContains(t, page, "Take up")
		_, page = get(t, client, web+"/console/review/sub-1")
		require.NotContains(t, page, "Take up <kbd>")
		require.NotContains(t, page, "ERIKSSON")
	}
	_, page := get(t, &http.Client{}, web+"/console/review/sub-1")
	require.Contains(t, page, `name="key"`)
}

func TestWhoeverLosesAccessIsOutAtOnce(t *testing.T) {
	b := newBench()
	web, _ := office(t, b)
	anna := enter(t, web, "anna")
	b.gone = "anna"
	for _, path := range []string{"/console/review", "/console/journeys"} {
		_, page := get(t, anna, web+path)
		require.Contains(t, page, `name="key"`, path)
	}
	b.gone = ""
	_, page := get(t, anna, web+"/console/review")
	require.Contains(t, page, `name="key"`, "the old log-in does not come back")
}

func TestAFormFromAnotherSiteIsRefused(t *testing.T) {
	b := newBench()
	web, _ := office(t, b)
	anna := enter(t, web, "anna")
	for name, header := range map[string]http.Header{
		"told by the browser": {"Sec-Fetch-Site": {"cross-site"}}, "told by its origin": {"Origin": {"https://evil.example"}},
	} {
		req, err := http.NewRequest(http.MethodPost, web+"/console/review/sub-1/claim", nil)
		require.NoError(t, err)
		req.Header = header
		resp, err := anna.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusForbidden, resp.StatusCode, name)
	}
	require.Empty(t, b.said())
}

func TestBadFormsAreAnsweredAndChangeNothing(t *testing.T) {
	b := newBench()
	web, log := office(t, b)
	anna := enter(t, web, "anna")
	post(t, anna, web+"/console/review/sub-1/claim", nil)
	for name, c := range map[string]struct {
		step   string
		form   url.Values
		status int
	}{
		"a step that there is none of": {"dance", nil, http.StatusNotFound},
		"a form that is too long":      {"approve", url.Values{"internal": {strings.Repeat("x", maxReviewForm)}}, http.StatusBadRequest},
		"a code that there is none of": {"reject", url.Values{"seen": {b.item.Mark()}, "code": {"nonsense"}}, http.StatusBadRequest},
		"other without a comment":      {"reject", url.Values{"seen": {b.item.Mark()}, "code": {"other"}}, http.StatusBadRequest},
		"a reason of a hold":           {"reject", url.Values{"seen": {b.item.Mark()}, "code": {"duplicate_user"}, "reason": {"FACE_AGENT_REVIEW"}}, http.StatusBadRequest},
		"bytes that are no text":       {"approve", url.Values{"seen": {b.item.Mark()}, "comment": {"\xff"}}, http.StatusBadRequest},
		"nothing to undo":              {"undo", nil, http.StatusConflict},
	} {
		t.Run(name, func(t *testing.T) {
			status, _ := post(t, anna, web+"/console/review/sub-1/"+c.step, c.form)
			require.Equal(t, c.status, status)
		})
	}
	require.Equal(t, review.Waiting, b.item.State)
	require.Empty(t, b.item.Votes)

	// What breaks is told without what is in it.
	b.fail = errors.New("secret of ERIKSSON")
	status, page := get(t, anna, web+"/console/review/sub-1")
	require.Equal(t, http.StatusInternalServerError, status)
	require.NotContains(t, page, "ERIKSSON")
	require.NotEmpty(t, log.String())
}

func TestTheReviewPagesNameTheirKeys(t *testing.T) {
	b := newBench()
	web, _ := office(t, b)
	anna := enter(t, web, "anna")
	_, page := get(t, anna, web+"/console/review")
	for _, key := range []string{"j", "k", "Enter", "c", "a", "r", "u", "Esc", "?"} {
		require.Contains(t, page, "<kbd>"+key+"</kbd>")
	}
	require.Contains(t, page, "/console/assets/review.js")
	status, script := get(t, anna, web+"/console/assets/review.js")
	require.Equal(t, http.StatusOK, status)
	for _, key := range []string{`"j"`, `"k"`, `"c"`, `"a"`, `"r"`, `"u"`, `"?"`, `"Escape"`} {
		require.Contains(t, script, key)
	}
}

func FuzzStep(f *testing.F) {
	f.Add("reject", "code=other&comment=x&seen=1")
	f.Add("reveal", "what=data&why=other&note=%ff")
	f.Add("correct", "birth=1974-08-12&was-birth=&number=%00")
	f.Add("claim", "%zz=&;=")
	b := newBench()
	c, err := New(Config{
		Visits: newMemory(), Store: &shelf{}, Desk: b, Clock: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler),
		Admits: func(context.Context, string) (Visitor, bool, error) {
			return Visitor{Name: "anna", Reviewer: true}, true, nil
		},
		Active: func(context.Context, Visitor) (bool, error) { return true, nil },
	})
	require.NoError(f, err)
	h := c.Handler()
	cookie := c.admit(f, Visitor{Name: "anna", Reviewer: true})
	f.Fuzz(func(t *testing.T, step, form string) {
		r := httptest.NewRequest(http.MethodPost, "/review/sub-1/"+url.PathEscape(step), strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(cookie)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Less(t, w.Code, 500)
	})
}
