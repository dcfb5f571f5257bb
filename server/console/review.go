package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"vestibule/journey"
	"vestibule/server/review"
	"vestibule/server/review/desk"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// Desk is what reviewers work with. desk.Desk has it. What it refuses is a fault.
type Desk interface {
	Queue(ctx context.Context) (desk.Queue, error)
	Open(ctx context.Context) (int, error)
	Case(ctx context.Context, submission string) (desk.Case, error)
	Claim(ctx context.Context, who, submission string) error
	Release(ctx context.Context, who, submission string) error
	Touch(ctx context.Context, who, submission string) error
	Decide(ctx context.Context, who, submission, seen string, v review.Vote) error
	Undo(ctx context.Context, who, submission string) error
	Reopen(ctx context.Context, who, submission, why string) error
	Correct(ctx context.Context, who, submission, seen string, entered map[review.Field]string) error
	Reveal(ctx context.Context, who, submission string, why desk.Reason, note string, what []string) error
	Personal(ctx context.Context, who, submission string, why desk.Reason) (desk.Personal, error)
	Picture(ctx context.Context, who, submission, id string, why desk.Reason) ([]byte, error)
}

// Bounds of the reviewers' forms and of how long what was revealed stays so.
const (
	maxReviewForm = 64 << 10
	revealLasts   = 5 * time.Minute
)

// review serves the pages below /review. Whoever has logged in sees the queue; the desk
// itself lets nobody but reviewers act.
func (c *Console) review(r chi.Router) {
	r.Get("/", c.queue)
	r.Get("/{submission}", c.reviewOne)
	r.Get("/{submission}/pictures/{picture}", c.picture)
	r.Post("/{submission}/{step}", c.step)
}

// queueRow is one item with its times as they are now.
type queueRow struct {
	review.Item
	Age     time.Duration
	Left    time.Duration // until it is due, negative when late; while it leaves, until then
	Grade   review.Grade
	HeldBy  string
	Mine    bool
	CanUndo bool
}

type queueData struct {
	Who     inside
	Now     time.Time
	Waiting []queueRow
	Leaving []queueRow
	Late    int
	More    bool
}

func (c *Console) queue(w http.ResponseWriter, r *http.Request) {
	q, err := c.Desk.Queue(r.Context())
	if err != nil {
		c.broken(w, "list what waits for review", err)
		return
	}
	data := queueData{Who: visitorOf(r), Now: c.Clock(), More: q.More}
	for _, i := range q.Waiting {
		one := c.queueRow(i, data.Who)
		if one.Grade == review.Late {
			data.Late++
		}
		data.Waiting = append(data.Waiting, one)
	}
	for _, i := range q.Leaving {
		data.Leaving = append(data.Leaving, c.queueRow(i, data.Who))
	}
	c.show(w, http.StatusOK, "queue.html", data)
}

func (c *Console) queueRow(i review.Item, who inside) queueRow {
	now := c.Clock()
	one := queueRow{Item: i, Age: now.Sub(i.Opened), HeldBy: i.HeldBy(now)}
	one.Left, one.Grade = i.Clock(now)
	if i.State == review.Leaving {
		one.Left = i.Leaves.Sub(now)
		one.CanUndo = one.Left > 0
	}
	one.Mine = who.Name != "" && one.HeldBy == who.Name
	return one
}

// found is a finding with the event that recorded it.
type found struct {
	review.Finding
	Event   journey.Event
	Led     []journey.Event // checks that did not pass either, and led to it
	Meaning string
}

// shownPicture is a picture of the evidence, and whether it may be shown now.
type shownPicture struct {
	store.Evidence
	Shown bool
}

// said is one field as kiosk and person have it, and as it counts now.
type said struct {
	Field     review.Field
	Read      string
	Confirmed string
	Now       string
}

type reviewData struct {
	queueRow
	Who      inside
	Mark     string
	Explain  journey.Explanation
	Found    []found
	Scores   []score
	Differs  []string
	Acts     []desk.Act
	Problem  string
	Pictures []shownPicture
	Policy   journey.ReviewPolicy
	Codes    []review.Code
	Reasons  []journey.Reason
	Why      []desk.Reason
	Personal *desk.Personal // nil while it is not revealed
	Fields   []said
}

func (c *Console) reviewOne(w http.ResponseWriter, r *http.Request) {
	ctx, who, id := r.Context(), visitorOf(r), chi.URLParam(r, "submission")
	if who.Reviewer {
		if err := c.Desk.Touch(ctx, who.Name, id); err != nil { // looking is being at work on it
			c.refused(w, id, "read the submission", err)
			return
		}
	}
	one, err := c.Desk.Case(ctx, id)
	if err != nil {
		c.refused(w, id, "read the submission", err)
		return
	}
	data := reviewData{
		queueRow: c.queueRow(one.Item, who), Who: who, Mark: one.Item.Mark(), Explain: journey.Explain(one.Events), Scores: scores(one.Events),
		Differs: one.Differs, Acts: one.Acts, Problem: one.Problem, Policy: one.Policy, Codes: review.Codes(), Why: desk.Reasons(),
	}
	for _, reason := range journey.Reasons() {
		if reason.Decision == journey.Rejected {
			data.Reasons = append(data.Reasons, reason.Reason)
		}
	}
	for _, f := range one.Item.Findings {
		line := found{Finding: f}
		line.Event, _ = desk.Rule(f, one.Events)
		for _, e := range one.Events {
			if slices.Contains(line.Event.Causes, e.ID) && (e.Result == journey.Fail || e.Result == journey.Errored) {
				line.Led = append(line.Led, e)
			}
		}
		if meaning, ok := journey.LookupReason(f.Ground.Decision, f.Ground.Reason); ok {
			line.Meaning = meaning.Meaning
		}
		data.Found = append(data.Found, line)
	}
	for _, e := range one.Pictures {
		_, ok, err := c.visits.revealed(ctx, who.visit, id, e.ID)
		if err != nil {
			c.broken(w, "find out what you may see", err)
			return
		}
		data.Pictures = append(data.Pictures, shownPicture{e, ok && data.Mine})
	}
	why, ok, err := c.visits.revealed(ctx, who.visit, id, desk.Data)
	if err != nil {
		c.broken(w, "find out what you may see", err)
		return
	}
	if ok && data.Mine {
		p, err := c.Desk.Personal(ctx, who.Name, id, why)
		if err != nil {
			c.refused(w, id, "open the data", err)
			return
		}
		data.Personal = &p
		for _, f := range review.Fields() {
			line := said{Field: f, Read: f.Of(p.Read), Now: f.Of(p.Now)}
			switch f {
			case review.Number:
				line.Read = p.Document.Number
			case review.Expiry:
				line.Read = p.Document.ExpiryDate
			}
			if p.Confirmed != nil {
				line.Confirmed = f.Of(*p.Confirmed)
			}
			data.Fields = append(data.Fields, line)
		}
	}
	c.show(w, http.StatusOK, "review.html", data)
}

// picture shows a picture that was revealed to this visit.
func (c *Console) picture(w http.ResponseWriter, r *http.Request) {
	who, id, picture := visitorOf(r), chi.URLParam(r, "submission"), chi.URLParam(r, "picture")
	why, ok, err := c.visits.revealed(r.Context(), who.visit, id, picture)
	if err != nil {
		c.broken(w, "find out what you may see", err)
		return
	}
	if !ok {
		http.Error(w, "It was not said why this is looked at.", http.StatusForbidden)
		return
	}
	body, err := c.Desk.Picture(r.Context(), who.Name, id, picture, why)
	switch {
	case fault.Code(err) != "":
		http.Error(w, "This is not yours to see now.", http.StatusForbidden)
	case errors.Is(err, store.ErrNotFound):
		http.Error(w, "This picture is not here.", http.StatusNotFound)
	case err != nil:
		c.Log.Error("picture cannot be shown", "error", err)
		http.Error(w, "The centre's log holds the cause.", http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", pictureType(body))
		w.Header().Set("Content-Disposition", "inline")
		_, _ = w.Write(body) // the browser has gone: nobody is left to tell
	}
}

// pictureType names what a browser may show. What came from a kiosk is never a page.
func pictureType(body []byte) string {
	if t := http.DetectContentType(body); t == "image/jpeg" || t == "image/png" {
		return t
	}
	return "application/octet-stream"
}

// step takes one of the reviewers' forms.
func (c *Console) step(w http.ResponseWriter, r *http.Request) {
	ctx, who, id := r.Context(), visitorOf(r), chi.URLParam(r, "submission")
	r.Body = http.MaxBytesReader(w, r.Body, maxReviewForm)
	if err := r.ParseForm(); err != nil {
		c.show(w, http.StatusBadRequest, "trouble.html", trouble{
			Title: "This form cannot be read", Message: "It is too long, or broken.", Hint: "Go back, and write less.", Back: "/console/review/" + url.PathEscape(id),
		})
		return
	}
	form := r.PostForm
	then := "/console/review/" + url.PathEscape(id)
	var err error
	switch chi.URLParam(r, "step") {
	case "claim":
		err = c.Desk.Claim(ctx, who.Name, id)
	case "release":
		err, then = c.Desk.Release(ctx, who.Name, id), "/console/review"
	case "undo":
		err = c.Desk.Undo(ctx, who.Name, id)
	case "reopen":
		err = c.Desk.Reopen(ctx, who.Name, id, form.Get("why"))
	case "approve":
		err = c.Desk.Decide(ctx, who.Name, id, form.Get("seen"), review.Vote{
			Decision: journey.Approved, Comment: form.Get("comment"), Internal: form.Get("internal"),
		})
		then = "/console/review"
	case "reject":
		v := review.Vote{
			Decision: journey.Rejected, Code: form.Get("code"), Reason: journey.Reason(form.Get("reason")),
			Comment: form.Get("comment"), Internal: form.Get("internal"),
		}
		if v.Reason == "" {
			v.Reason = review.ReasonOf(v.Code)
		}
		err, then = c.Desk.Decide(ctx, who.Name, id, form.Get("seen"), v), "/console/review"
	case "correct":
		entered := map[review.Field]string{}
		for _, f := range review.Fields() {
			if form.Has(string(f)) {
				if value := form.Get(string(f)); strings.TrimSpace(value) != "" || form.Get("was-"+string(f)) != "" {
					entered[f] = value
				}
			}
		}
		err = c.Desk.Correct(ctx, who.Name, id, form.Get("seen"), entered)
	case "reveal":
		why, what := desk.Reason(form.Get("why")), form["what"]
		if err = c.Desk.Reveal(ctx, who.Name, id, why, form.Get("note"), what); err == nil {
			err = c.visits.reveal(ctx, who.visit, id, why, what)
		}
		then += "#evidence"
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		c.refused(w, id, "do this", err)
		return
	}
	http.Redirect(w, r, then, http.StatusSeeOther)
}

// refused tells what the desk refused, or that something failed.
func (c *Console) refused(w http.ResponseWriter, id, doing string, err error) {
	var f *fault.Fault
	if !errors.As(err, &f) {
		c.broken(w, doing, err)
		return
	}
	status := http.StatusConflict
	back := "/console/review/" + url.PathEscape(id)
	switch f.Code {
	case desk.CodeNotReviewer:
		status = http.StatusForbidden
	case desk.CodeUnknown, desk.CodeUndecided:
		status, back = http.StatusNotFound, "/console/review"
	case review.CodeMalformed, review.CodeComment, review.CodeNoComment, review.CodeNotCorrected, review.CodeText, review.CodeField, review.CodeUnchanged, desk.CodeReason:
		status = http.StatusBadRequest
	}
	c.show(w, status, "trouble.html", trouble{Title: "Not done", Message: sentence(f.Message), Hint: sentence(f.Hint), Back: back})
}

// sentence makes a fault's clause stand for itself.
func sentence(clause string) string {
	if clause == "" {
		return ""
	}
	return strings.ToUpper(clause[:1]) + clause[1:] + "."
}
