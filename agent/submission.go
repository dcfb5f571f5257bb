package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"vestibule/agent/check"
	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// snapshot seals the submission as it stands, as its next revision.
func (o *owner) snapshot(state journey.SubmissionState) (wire.SubmissionBody, error) {
	v := o.v
	v.Revision++
	v.State = state
	plain, err := wire.Marshal(o.submission())
	if err != nil {
		return wire.SubmissionBody{}, fmt.Errorf("snapshot: %w", err)
	}
	defer clear(plain)
	sealed, err := seal.Seal(o.seal, seal.InfoSubmission, seal.SubmissionAAD(o.cfg.Kiosk, v.Submission, v.Revision), plain)
	if err != nil {
		return wire.SubmissionBody{}, fmt.Errorf("snapshot: %w", err)
	}
	body := wire.SubmissionBody{Submission: v.Submission, Session: v.Session, Revision: v.Revision, Sealed: sealed}
	for _, e := range v.Evidence {
		if !slices.Contains(body.Blobs, e.Blob) {
			body.Blobs = append(body.Blobs, e.Blob)
		}
	}
	return body, nil
}

func (o *owner) submission() journey.Submission {
	v := o.v
	started := v.fronted
	if started.IsZero() {
		started = v.Started
	}
	return journey.Submission{
		ID: v.Submission, Session: v.Session, Kiosk: o.cfg.Kiosk, Project: v.Policy.Project,
		Revision: v.Revision, State: v.State, Created: v.CreatedAt, Updated: o.now(),
		SiteCountry: o.cfg.Site.Country, Language: v.Language, StartPressed: started,
		Document: v.Document, Review: v.Review, Recognition: v.Recognition,
		Similarity: v.Measured.Similarity, Liveness: v.Measured.Liveness, Face: v.Measured.Face,
		Attempts: v.Attempts, Retries: v.Retries, Camera: v.Camera, Evidence: v.Evidence,
		Policy: v.Policy.Version, Models: maps.Clone(o.models),
		FailedStep: v.FailedStep, FailedCode: v.FailedCode, OCR: v.OCR, IDLiveness: v.IDLiveness,
		FaceAges: v.FaceAges, FaceAgeRules: v.Policy.FaceAge,
	}
}

// create marks the submission's beginning. The event goes with its first snapshot.
func (o *owner) create(causes ...string) *journey.Event {
	v := o.v
	v.Created, v.CreatedAt = true, o.now()
	ev := o.event(journey.EventSubmissionCreated, causes...)
	ev.Result = journey.Pass
	return ev
}

// submit stores events together with a snapshot.
func (o *owner) submit(state journey.SubmissionState, events ...*journey.Event) bool {
	body, err := o.snapshot(state)
	if err != nil {
		o.cfg.Log.Error("agent: no snapshot", "error", err)
		o.pending = append(o.pending, events...)
		o.fail(problem(ProblemStoreFailed))
		return false
	}
	at := o.now()
	ok := o.save(func(tx *store.Tx) error {
		if state == journey.SubmissionComplete {
			if err := o.remember(tx, at); err != nil {
				return err
			}
		}
		return tx.Submit(body, state, at)
	}, events...)
	o.count()
	return ok
}

// abandon makes the last snapshot of a submission that was begun and not completed.
func (o *owner) abandon() ([]*journey.Event, func(*store.Tx) error) {
	v := o.v
	if !v.Created || v.Final {
		return nil, nil
	}
	v.Final = true
	body, err := o.snapshot(journey.SubmissionAbandoned)
	if err != nil {
		o.cfg.Log.Error("agent: no last snapshot", "error", err)
		return nil, nil
	}
	at := o.now()
	return nil, func(tx *store.Tx) error { return tx.Submit(body, journey.SubmissionAbandoned, at) }
}

// completeStep1 takes the document as done: the submission exists from here on.
func (o *owner) completeStep1(why []string, events ...*journey.Event) {
	v := o.v
	created := o.create(why...)
	known := o.advise(created.ID)
	completed := o.event(journey.EventStep1Completed, append([]string{created.ID}, why...)...)
	completed.Result, completed.Impact = journey.Pass, journey.ImpactCompleted
	v.Attempts = append(v.Attempts, journey.Attempt{Count: v.Attempt1, Step: journey.Step1, At: o.now(), Event: completed.ID})
	v.Retake, v.RetakeVariant, v.Why = journey.CodeKey{}, "", nil
	v.enter(StepSelfie, o.now())
	entered := o.event(journey.EventStep2Entered, completed.ID)
	if o.submit(journey.SubmissionOpen, append(append(append(events, created), known...), completed, entered)...) {
		o.lookAtFace()
		o.publish()
	}
}

// again lets the person try a step once more, or ends it when that was the last try.
func (o *owner) again(step journey.Step, why check.Verdict, causes []string, events ...*journey.Event) {
	v := o.v
	now := o.now()
	number := &v.Attempt1
	if step == journey.Step2 {
		number = &v.Attempt2
	}
	attempt := journey.Attempt{Count: *number, Step: step, At: now, Code: why.Code}
	if len(causes) > 0 {
		attempt.Event = causes[0]
	}
	if step == journey.Step2 {
		attempt = o.figures(attempt)
	}
	v.Attempts = append(v.Attempts, attempt)
	v.Retries = append(v.Retries, journey.RetryEntry{Step: step, Count: *number, Code: why.Code})
	v.Why = causes
	if *number >= maxAttempts(v.Policy) {
		o.exhaust(step, why.Code, causes, events...)
		return
	}
	*number++
	v.Retake, v.RetakeVariant = why.Code, why.Detail[journey.DetailVariant]
	if step == journey.Step1 {
		v.forgetReading()
		o.enterDocument(events...)
		return
	}
	v.enter(StepSelfie, now)
	if o.save(nil, events...) {
		o.lookAtFace()
		o.publish()
	}
}

// figures adds what STEP2 measured to an attempt.
func (o *owner) figures(a journey.Attempt) journey.Attempt {
	v := o.v
	a.Similarity, a.Liveness = v.Measured.Similarity, v.Measured.Liveness.Score
	a.Probability, a.Quality = v.Measured.Liveness.Probability, v.Measured.Liveness.Quality
	for _, e := range v.Evidence {
		if e.Kind == journey.EvidenceSelfie && e.Attempt == a.Count {
			a.Selfie = e.ID
		}
	}
	return a
}

// exhaust ends the visit because a step failed too often. The centre decides.
func (o *owner) exhaust(step journey.Step, code journey.CodeKey, causes []string, events ...*journey.Event) {
	v := o.v
	if !v.Created {
		created := o.create(causes...)
		events = append(events, created)
	}
	ev := o.event(journey.KioskRetryExhausted, causes...)
	ev.Result, ev.Impact, ev.Code = journey.Fail, journey.ImpactBlocked, code
	ev.Reason, ev.Provisional = journey.ReasonRetryExhausted, true
	v.FailedStep, v.FailedCode, v.Exhausted = step, code, true
	o.finish(journey.SubmissionExhausted, ev.ID, append(events, ev)...)
}

// block ends the visit because trying again changes nothing. What was captured
// goes to the centre, which decides; nobody is asked for a selfie in vain.
func (o *owner) block(step journey.Step, why check.Verdict, causes []string, events ...*journey.Event) {
	v := o.v
	if !v.Created {
		events = append(events, o.create(causes...))
	}
	attempt := journey.Attempt{Count: v.attempt(), Step: step, At: o.now(), Code: why.Code}
	if len(causes) > 0 {
		attempt.Event = causes[0]
	}
	v.Attempts = append(v.Attempts, attempt)
	v.FailedStep, v.FailedCode = step, why.Code
	first := ""
	if len(causes) > 0 {
		first = causes[0]
	}
	o.finish(journey.SubmissionComplete, first, events...)
}

// finish shows the result: what the kiosk can say before the centre has decided.
func (o *owner) finish(state journey.SubmissionState, cause string, events ...*journey.Event) {
	v := o.v
	o.halt()
	v.Final = true
	v.enter(StepResult, o.now())
	v.Retake, v.RetakeVariant = journey.CodeKey{}, ""
	v.outcome = v.receipt()
	v.until = o.now().Add(o.resultShown())
	ev := o.event(journey.KioskProvisionalOutcome, cause)
	ev.Provisional = true
	ev.Detail = map[string]string{"state": string(state), "reference": v.outcome.Reference}
	if o.submit(state, append(events, ev)...) {
		o.publish()
	}
}

// receipt is what the person takes away. It holds nothing about them.
func (v *visit) receipt() *Outcome {
	ref := journey.Reference(v.Submission)
	return &Outcome{Reference: ref, QR: "VESTIBULE:" + ref, Exhausted: v.Exhausted}
}

// decided shows the centre's word, if the person it concerns still stands here.
func (o *owner) decided(d journey.Verdict) {
	v := o.v
	if v == nil || v.Step != StepResult || v.Submission != d.Submission {
		return
	}
	out := *v.outcome
	out.Decided, out.Decision, out.Reason = true, d.Decision, d.Reason
	v.outcome = &out
	if least := o.now().Add(o.resultShown() / 2); v.until.Before(least) {
		v.until = least // time to read it
	}
	o.tracedResult(d)
	o.publish()
}

// keep seals a picture and stores it until a submission names it.
func (o *owner) keep(kind journey.EvidenceKind, picture []byte, taken time.Time, attempt int) (*journey.Evidence, []byte, error) {
	v := o.v
	e := &journey.Evidence{ID: o.newID(), Kind: kind, Attempt: attempt, Media: "image/jpeg", Taken: taken}
	sealed, err := seal.Seal(o.seal, seal.InfoEvidence, seal.EvidenceAAD(o.cfg.Kiosk, v.Submission, e.ID), picture)
	if err != nil {
		return nil, nil, fmt.Errorf("seal evidence: %w", err)
	}
	return e, sealed, nil
}

// picture is one to be kept.
type picture struct {
	kind journey.EvidenceKind
	jpeg []byte
}

// preserve seals and stores pictures, and gives their events.
func (o *owner) preserve(attempt int, taken time.Time, pictures ...picture) ([]*journey.Event, bool) {
	v := o.v
	before := len(v.Evidence)
	type row struct {
		e      *journey.Evidence
		sealed []byte
	}
	var rows []row
	var events []*journey.Event
	for _, p := range pictures {
		if len(p.jpeg) == 0 {
			continue
		}
		ev := o.event(journey.EventUploadImage)
		e, sealed, err := o.keep(p.kind, p.jpeg, taken, attempt)
		if err != nil {
			o.cfg.Log.Error("agent: evidence was not sealed", "error", err)
			o.fail(problem(ProblemStoreFailed))
			return nil, false
		}
		rows = append(rows, row{e, sealed})
		ev.Ended, ev.Result = o.now(), journey.Pass
		ev.Detail = map[string]string{"phase": "stored", "kind": string(p.kind), "evidence": e.ID}
		events = append(events, ev)
		clear(p.jpeg)
	}
	if len(rows) == 0 {
		return nil, true
	}
	keep := func(write writer) writer {
		return func(ctx context.Context, f func(*store.Tx) error) error {
			return write(ctx, func(tx *store.Tx) error {
				v.Evidence = v.Evidence[:before]
				for _, r := range rows {
					if err := tx.Keep(v.Session, v.Submission, r.e, r.sealed); err != nil {
						return err
					}
					v.Evidence = append(v.Evidence, *r.e)
				}
				return f(tx)
			})
		}
	}
	if err := o.commitBy(keep(o.store.Write), nil, events...); err != nil {
		v.Evidence = v.Evidence[:before]
		o.fail(problemOf(err))
		return nil, false
	}
	return events, true
}
