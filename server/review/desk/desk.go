package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"vestibule/journey"
	"vestibule/server/centre"
	"vestibule/server/decide"
	"vestibule/server/duplicate"
	"vestibule/server/ingest"
	"vestibule/server/journal"
	"vestibule/server/review"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/fault"
	"vestibule/sync/wire"
)

// Roles of the people who use the console.
const (
	Reviewer = "reviewer" // decides, corrects and looks at evidence
	Viewer   = "viewer"   // sees journeys and the queue
	Auditor  = "auditor"  // sees those, and who did what
	Operator = "operator" // sees them too, and lets kiosks in
)

// Codes of what is wrong with a request here, besides those of package review.
const (
	CodeNotReviewer = "not_a_reviewer"
	CodeUnknown     = "review_unknown"
	CodeReason      = "review_reason_missing"
	CodeUndecided   = "review_undecided"
	CodeErased      = "review_erased"
)

// queueLength bounds the lists; what is due first is shown.
const queueLength = 200

// Config holds what a Desk works with.
type Config struct {
	Store *store.Store
	Vault *vault.Vault
	// Picture opens a sealed picture; store.ErrNotFound: it is not here.
	Picture func(row store.Submission, e store.Evidence) ([]byte, error)
	Now     func() time.Time
	NewID   func() string // UUIDv7
	Wake    func()        // a job was queued; may be nil
	Watch   func(session string)
}

// Desk is safe for concurrent use; several may work on one database.
type Desk struct{ c Config }

// New makes a Desk.
func New(c Config) *Desk {
	if c.Wake == nil {
		c.Wake = func() {}
	}
	if c.Watch == nil {
		c.Watch = func(string) {}
	}
	return &Desk{c}
}

// Queue is what there is to do.
type Queue struct {
	Waiting []review.Item // waiting for one person, or for the second
	Leaving []review.Item
	More    bool // than are listed
}

// Queue lists what there is to do, what is due first at the top.
func (d *Desk) Queue(ctx context.Context) (Queue, error) {
	var q Queue
	r := d.c.Store.Read()
	for _, state := range []review.State{review.Second, review.Waiting} {
		list, err := r.Reviews(ctx, state, queueLength)
		if err != nil {
			return q, fmt.Errorf("list reviews: %w", err)
		}
		q.Waiting, q.More = append(q.Waiting, list...), q.More || len(list) == queueLength
	}
	sortByDue(q.Waiting)
	var err error
	if q.Leaving, err = r.Reviews(ctx, review.Leaving, queueLength); err != nil {
		return q, fmt.Errorf("list reviews: %w", err)
	}
	return q, nil
}

// Open counts what waits for people.
func (d *Desk) Open(ctx context.Context) (int, error) {
	n, err := d.c.Store.Read().CountReviews(ctx, review.Waiting)
	if err != nil {
		return 0, fmt.Errorf("count reviews: %w", err)
	}
	m, err := d.c.Store.Read().CountReviews(ctx, review.Second)
	if err != nil {
		return 0, fmt.Errorf("count reviews: %w", err)
	}
	return n + m, nil
}

// Act is a step in the history of a submission.
type Act struct {
	At        time.Time
	Who, What string
	Detail    string
}

// Case is one submission as a reviewer finds it: nothing in it names the person.
type Case struct {
	Item     review.Item
	Policy   journey.ReviewPolicy
	Differs  []string // fields of the zone that kiosk and centre read differently
	Acts     []Act
	Pictures []store.Evidence
	Events   []journey.Event
	Problem  string // why the checks could not run, or the decision not leave, when they last tried
}

// Case reads one submission. One that was never held is made up from its last
// decision, so that it can be looked at again; one that is not decided has none.
func (d *Desk) Case(ctx context.Context, submission string) (Case, error) {
	r := d.c.Store.Read()
	item, row, err := d.item(ctx, r, submission)
	if err != nil {
		return Case{}, err
	}
	c := Case{Item: item}
	policy, err := centre.PolicyAt(ctx, r, row.Project, row.Kiosk)
	if err != nil {
		return c, fmt.Errorf("read policy: %w", err)
	}
	c.Policy = policy.Review.Filled()
	if c.Pictures, err = r.EvidenceFor(ctx, submission); err != nil {
		return c, fmt.Errorf("list evidence: %w", err)
	}
	if c.Events, err = r.Events(ctx, item.Session); err != nil {
		return c, fmt.Errorf("read events: %w", err)
	}
	record, err := lastRecord(ctx, r, row)
	if err != nil {
		return c, err
	}
	if record.Recheck != nil && record.Recheck.Document != nil {
		c.Differs = record.Recheck.Document.Differs
	}
	if c.Problem, err = problem(ctx, r, item); err != nil {
		return c, err
	}
	acts, err := r.ReviewActs(ctx, submission)
	if err != nil {
		return c, fmt.Errorf("read review steps: %w", err)
	}
	for _, a := range acts {
		one := Act{At: a.At, Who: a.Who, What: a.What, Detail: a.Detail}
		if item.State == review.Second && (a.What == whatApprove || a.What == whatReject) && isVote(item, a.ID) {
			one.What, one.Detail = "decided", "unseen until the second person has decided"
		}
		c.Acts = append(c.Acts, one)
	}
	return c, nil
}

// problem is what the item's job met last, while it has not done its work.
func problem(ctx context.Context, r store.Reader, i review.Item) (string, error) {
	kind := review.JobSettle
	switch {
	case i.Checking:
		kind = review.JobCheck
	case i.State != review.Leaving:
		return "", nil
	}
	job, err := r.Job(ctx, kind, i.Submission)
	if err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return "", nil
		}
		return "", fmt.Errorf("find the job: %w", err)
	}
	return job.Problem, nil
}

func isVote(i review.Item, act string) bool {
	for _, v := range i.Votes {
		if v.Act == act {
			return true
		}
	}
	return false
}

// item finds an item, or makes one of a decision that nobody ever looked at.
func (d *Desk) item(ctx context.Context, r store.Reader, submission string) (review.Item, store.Submission, error) {
	row, err := r.Submission(ctx, submission)
	if errors.Is(err, store.ErrNotFound) {
		return review.Item{}, row, fault.New(CodeUnknown, "there is no such submission", "go back to the queue", nil)
	}
	if err != nil {
		return review.Item{}, row, fmt.Errorf("find submission: %w", err)
	}
	if row.Stand == store.StandErased {
		return review.Item{}, row, fault.New(CodeErased, "what this submission was of a person is erased", "the journey still tells what happened", nil)
	}
	item, err := r.Review(ctx, submission)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return item, row, fmt.Errorf("find review: %w", err)
	case err == nil && item.Event != "":
		return item, row, nil
	}
	kept := err == nil // from before there were reviews: what was found is in the decision
	if row.Stand != store.StandDecided {
		return item, row, fault.New(CodeUndecided, "this submission is not decided yet", "wait for the centre's decision", nil)
	}
	last, err := lastDecision(ctx, r, row)
	if err != nil {
		return item, row, err
	}
	record, err := recordOf(last)
	if err != nil {
		return item, row, err
	}
	findings := centre.Findings(record.Fired, record.Lookups, record.Policy)
	if kept {
		item.Event, item.Findings = last.ID, findings
		return item, row, nil
	}
	item = review.Open(journey.Verdict{
		Submission: row.ID, Session: row.Session, Decision: row.Decision, Reason: row.Reason, Event: last.ID, At: row.Decided,
	}, row.Kiosk, row.Project, row.Revision, findings, journey.ReviewPolicy{})
	item.State = review.Done
	return item, row, nil
}

func lastDecision(ctx context.Context, r store.Reader, row store.Submission) (store.Decision, error) {
	all, err := r.Decisions(ctx, row.Session)
	if err != nil {
		return store.Decision{}, fmt.Errorf("read decisions: %w", err)
	}
	var last store.Decision
	for _, one := range all {
		if one.Submission == row.ID {
			last = one
		}
	}
	return last, nil
}

func lastRecord(ctx context.Context, r store.Reader, row store.Submission) (centre.Record, error) {
	last, err := lastDecision(ctx, r, row)
	if err != nil {
		return centre.Record{}, err
	}
	return recordOf(last)
}

func recordOf(d store.Decision) (r centre.Record, err error) {
	if len(d.Record) == 0 {
		return r, nil
	}
	if err := json.Unmarshal(d.Record, &r); err != nil {
		return r, fmt.Errorf("decode decision: %w", err)
	}
	return r, nil
}

// step is one person's doing, inside one transaction.
type step struct {
	*Desk
	tx     *store.Tx
	who    string
	now    time.Time
	row    store.Submission
	policy journey.ReviewPolicy
}

// Steps, as history and audit name them.
const (
	whatClaim   = "claim"
	whatRelease = "release"
	whatApprove = "approve"
	whatReject  = "reject"
	whatUndo    = "undo"
	whatCorrect = "correct"
	whatReopen  = "reopen"
	whatReveal  = "reveal"
)

// change runs the rules on an item for a person and keeps what comes of it. What the
// rules refuse changes nothing. Seen is the mark of what the person had before them;
// empty is any.
func (d *Desk) change(ctx context.Context, who, submission, seen string, do func(*step, review.Item) (review.Item, error)) error {
	s := &step{Desk: d, who: who, now: d.c.Now()}
	err := d.c.Store.Write(ctx, func(tx *store.Tx) error {
		s.tx = tx
		if err := d.admit(ctx, tx.Reader, who); err != nil {
			return err
		}
		item, row, err := d.item(ctx, tx.Reader, submission)
		if err != nil {
			return err
		}
		if seen != "" && seen != item.Mark() {
			return review.ErrChanged()
		}
		s.row = row
		policy, err := centre.PolicyAt(ctx, tx.Reader, row.Project, row.Kiosk)
		if err != nil {
			return fmt.Errorf("read policy: %w", err)
		}
		s.policy = policy.Review
		after, err := do(s, item)
		if err != nil {
			return err
		}
		return tx.SaveReview(ctx, after, s.now)
	})
	if err == nil {
		d.c.Watch(s.row.Session)
	}
	return err
}

// admit refuses everybody but reviewers; one who was disabled a moment ago, too.
func (d *Desk) admit(ctx context.Context, r store.Reader, who string) error {
	u, err := r.User(ctx, who)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("find user: %w", err)
	}
	if err != nil || u.Role != Reviewer || !u.Disabled.IsZero() {
		return fault.New(CodeNotReviewer, "only reviewers do this", "log in with a reviewer's key; `server user add -role reviewer` makes one", nil)
	}
	return nil
}

// note keeps a step with its texts, and audits it. It gives the step's id.
func (s *step) note(ctx context.Context, what, detail string, t review.Texts) (string, error) {
	id := s.c.NewID()
	return id, s.noteAs(ctx, id, what, detail, t)
}

func (s *step) noteAs(ctx context.Context, id, what, detail string, t review.Texts) error {
	act := store.ReviewAct{ID: id, Submission: s.row.ID, At: s.now, Who: s.who, What: what, Detail: detail}
	if t.Comment != "" || t.Internal != "" || t.Note != "" || t.Before != nil {
		plain, err := json.Marshal(t)
		if err != nil {
			return fmt.Errorf("encode texts: %w", err)
		}
		if act.Private, err = s.c.Vault.Seal(plain, review.TextsContext(id)); err != nil {
			return fmt.Errorf("encrypt texts: %w", err)
		}
	}
	if err := s.tx.AddReviewAct(ctx, act); err != nil {
		return err
	}
	line := "review " + what
	if detail != "" {
		line += ": " + detail
	}
	return s.tx.Audit(ctx, s.c.NewID(), s.who, line, s.row.ID, s.now)
}

// Claim takes a submission up. Of several who do it at once one gets it, and the others
// hear who.
func (d *Desk) Claim(ctx context.Context, who, submission string) error {
	err := d.claim(ctx, who, submission)
	if fault.Code(err) == review.CodeChanged {
		err = d.claim(ctx, who, submission)
	}
	return err
}

func (d *Desk) claim(ctx context.Context, who, submission string) error {
	return d.change(ctx, who, submission, "", func(s *step, i review.Item) (review.Item, error) {
		after, err := i.Claim(who, s.now, s.policy)
		if err != nil {
			return i, err
		}
		_, err = s.note(ctx, whatClaim, "", review.Texts{})
		return after, err
	})
}

// Release gives a submission back.
func (d *Desk) Release(ctx context.Context, who, submission string) error {
	return d.change(ctx, who, submission, "", func(s *step, i review.Item) (review.Item, error) {
		after, err := i.Release(who, s.now)
		if err != nil {
			return i, err
		}
		_, err = s.note(ctx, whatRelease, "", review.Texts{})
		return after, err
	})
}

// Touch lengthens the time of whoever has a submission; nothing happens to others.
func (d *Desk) Touch(ctx context.Context, who, submission string) error {
	item, err := d.c.Store.Read().Review(ctx, submission)
	if err != nil || item.HeldBy(d.c.Now()) != who {
		return none(err)
	}
	err = d.change(ctx, who, submission, "", func(s *step, i review.Item) (review.Item, error) { return i.Touch(who, s.now, s.policy) })
	if fault.Code(err) != "" {
		return nil // lost it, or changed it, meanwhile: the page shows it as it is
	}
	return err
}

func none(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// Decide takes a person's decision. It leaves when its time to be undone is over.
func (d *Desk) Decide(ctx context.Context, who, submission, seen string, v review.Vote) error {
	err := d.change(ctx, who, submission, seen, func(s *step, i review.Item) (review.Item, error) {
		v.Who, v.Act = who, d.c.NewID()
		v.Comment, v.Internal = strings.TrimSpace(v.Comment), strings.TrimSpace(v.Internal)
		after, err := i.Decide(v, s.now, s.policy)
		if err != nil {
			return i, err
		}
		what, detail := whatApprove, ""
		if v.Decision == journey.Rejected {
			what, detail = whatReject, string(v.Reason)+" "+v.Code
		}
		if err := s.noteAs(ctx, v.Act, what, detail, review.Texts{Comment: v.Comment, Internal: v.Internal}); err != nil {
			return i, err
		}
		if after.State == review.Leaving {
			return after, s.tx.Enqueue(ctx, d.c.NewID(), review.JobSettle, submission, after.Leaves, s.now)
		}
		return after, nil
	})
	if err == nil {
		d.c.Wake()
	}
	return err
}

// Undo takes a decision back that has not left.
func (d *Desk) Undo(ctx context.Context, who, submission string) error {
	return d.change(ctx, who, submission, "", func(s *step, i review.Item) (review.Item, error) {
		after, err := i.Undo(s.now)
		if err != nil {
			return i, err
		}
		_, err = s.note(ctx, whatUndo, "", review.Texts{})
		return after, err
	})
}

// Reopen takes a decision that is out up again. It needs to be said why.
func (d *Desk) Reopen(ctx context.Context, who, submission, why string) error {
	return d.change(ctx, who, submission, "", func(s *step, i review.Item) (review.Item, error) {
		if why = strings.TrimSpace(why); why == "" || utf8.RuneCountInString(why) > review.MaxText {
			return i, fault.New(CodeReason, "it is not said why", "write why this decision is looked at again, in 2000 letters at most", nil)
		}
		after, err := i.Reopen(s.now, s.policy)
		if err != nil {
			return i, err
		}
		_, err = s.note(ctx, whatReopen, "", review.Texts{Note: why})
		return after, err
	})
}

// Correct puts what the document says over what was read, and lets the checks run again.
func (d *Desk) Correct(ctx context.Context, who, submission, seen string, entered map[review.Field]string) error {
	err := d.change(ctx, who, submission, seen, func(s *step, i review.Item) (review.Item, error) {
		if _, err := s.tx.LockKiosk(ctx, s.row.Kiosk); err != nil {
			return i, fmt.Errorf("hold kiosk: %w", err)
		}
		dossier, err := ingest.HandedIn(d.c.Vault, s.row)
		if err != nil {
			return i, err
		}
		before := duplicate.Person(dossier)
		after, fields, err := review.Corrected(before, entered)
		if err != nil {
			return i, err
		}
		next, err := i.Correct(who, fields, s.now, s.policy)
		if err != nil {
			return i, err
		}
		dossier.Review = &after
		if err := s.save(ctx, dossier); err != nil {
			return i, err
		}
		t := review.Texts{Before: map[review.Field]string{}, After: map[review.Field]string{}}
		var names []string
		for _, f := range fields {
			t.Before[f], t.After[f] = f.Of(before), f.Of(after)
			names = append(names, string(f))
		}
		if _, err := s.note(ctx, whatCorrect, strings.Join(names, " "), t); err != nil {
			return i, err
		}
		if err := journal.Add(ctx, s.tx, s.row.Kiosk, s.row.Session, s.row.ID, s.now, journey.Event{
			ID: d.c.NewID(), Name: journey.CentreCorrected, Result: journey.Observed, Started: s.now, Ended: s.now,
			Detail: map[string]string{"reviewer": who, "fields": strings.Join(names, " ")},
		}); err != nil {
			return i, err
		}
		if _, err := journal.Refresh(ctx, s.tx, s.row.Session, s.row.Project, s.now, 0); err != nil {
			return i, fmt.Errorf("derive session: %w", err)
		}
		return next, s.tx.Enqueue(ctx, d.c.NewID(), review.JobCheck, submission, s.now, s.now)
	})
	if err == nil {
		d.c.Wake()
	}
	return err
}

// save writes corrected data with the keys it is found by.
func (s *step) save(ctx context.Context, dossier journey.Submission) error {
	plain, err := wire.Marshal(dossier)
	if err != nil {
		return fmt.Errorf("encode submission: %w", err)
	}
	private, err := s.c.Vault.Seal(plain, ingest.PrivateContext(s.row.ID))
	if err != nil {
		return fmt.Errorf("encrypt submission: %w", err)
	}
	v := duplicate.ValuesOf(dossier)
	return s.tx.CorrectSubmission(ctx, s.row.ID, private, ingest.Keys(s.c.Vault, v), v.Rank)
}

// screened is what the lists said of a submission; nothing when they were not asked.
func (d *Desk) screened(ctx context.Context, r store.Reader, submission string) (centre.Screened, error) {
	var s centre.Screened
	kept, err := r.Screening(ctx, submission)
	if errors.Is(err, store.ErrNotFound) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("find screening: %w", err)
	}
	plain, err := d.c.Vault.Open(kept.Result, centre.ScreeningContext(submission))
	if err != nil {
		return s, fmt.Errorf("open screening: %w", err)
	}
	if err := json.Unmarshal(plain, &s); err != nil {
		return s, fmt.Errorf("decode screening: %w", err)
	}
	return s, nil
}

// Rule tells which check a finding is of, in the words of the event that recorded it.
func Rule(f review.Finding, events []journey.Event) (journey.Event, bool) {
	name, ok := map[string]journey.EventName{
		decide.CheckDevice: journey.EventDeviceValidationRecorded, decide.CheckPacket: journey.EventPacketAbuseCheck,
		decide.CheckEvidence: journey.CentreEvidenceCheck, decide.CheckRecheck: journey.CentreRecheck,
		decide.CheckExhausted: journey.EventCustomPolicyEvaluation, decide.CheckAge: journey.EventAgeVerification,
		decide.CheckExpiry: journey.EventExpiredIDCheck, decide.CheckBlocked: journey.EventBlacklistCountryEvaluation,
		decide.CheckAccepted: journey.CentreAcceptedDocumentCheck, decide.CheckRegion: journey.EventRegionalValidation,
		decide.CheckCountry: journey.EventCountryCodeMatchCheck, decide.CheckQuality: journey.EventRecognitionScoreEvaluation,
		decide.CheckFace: journey.EventFaceCompare, decide.CheckLiveness: journey.EventLivenessVerification,
		decide.CheckFaceAge: journey.CentreFaceAgeCheck, decide.CheckFlash: journey.CentreFlashCheck,
		decide.CheckPII: journey.EventPIIDuplicatePeriodCheck, decide.CheckSelfie: journey.EventSelfieDuplicateCheck,
		decide.CheckApproved: journey.EventDuplicateApprovedUserCheck, decide.CheckSuperseded: journey.CentreSupersededPassportCheck,
		decide.CheckSuspected: journey.CentreSuspectedDuplicateCheck,
		decide.CheckAML:       journey.EventAMLCheck, decide.CheckCustom: journey.EventCustomPolicyEvaluation,
	}[f.Check]
	var found journey.Event
	for _, e := range events {
		if e.ID == f.Check || ok && e.Name == name && e.Origin == journey.OriginServer {
			found = e // the last run of the check counts
		}
	}
	return found, found.ID != ""
}

func (d *Desk) texts(a store.ReviewAct) (t review.Texts, err error) {
	plain, err := d.c.Vault.Open(a.Private, review.TextsContext(a.ID))
	if err != nil {
		return t, fmt.Errorf("open texts: %w", err)
	}
	if err := json.Unmarshal(plain, &t); err != nil {
		return t, fmt.Errorf("decode texts: %w", err)
	}
	return t, nil
}

// sortByDue orders what two lists brought, each in that order already.
func sortByDue(items []review.Item) {
	slices.SortStableFunc(items, func(a, b review.Item) int { return a.Due.Compare(b.Due) })
}
