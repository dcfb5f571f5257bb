package agent

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vestibule/agent/check"
	"vestibule/agent/store"
	"vestibule/journey"
)

// Shares of the store's limit.
const (
	warnAt   = 0.80 // KIOSK_STORAGE_LOW
	fullAt   = 0.95 // no new visit begins
	reopenAt = 0.90
)

// maxRetakes bounds how often somebody may throw a good picture away.
const maxRetakes = 10

func maxAttempts(p journey.Policy) int {
	if p.MaxAttempts < 1 {
		return journey.DefaultPolicy().MaxAttempts
	}
	return p.MaxAttempts
}

// path names the screen.
func (v *visit) path() string {
	switch v.Step {
	case StepDocument:
		if v.need == check.NeedBack {
			return "/document/back"
		}
		return "/document/front"
	case StepReading:
		return "/document/reading"
	case StepReview:
		return "/document/review"
	case StepChecking:
		return "/selfie/checking"
	}
	return "/" + string(v.Step)
}

// command carries one out. What does not fit the step changes nothing.
func (o *owner) command(c Command) error {
	v := o.v
	if _, start := c.(Start); start {
		return o.start()
	}
	if v == nil {
		return ErrNotNow
	}
	if _, stop := c.(Stop); stop {
		return o.stop()
	}
	if v.paused {
		if _, here := c.(StillHere); !here {
			return ErrNotNow
		}
		return o.goOn()
	}
	var err error
	switch c := c.(type) {
	case ChooseLanguage:
		err = o.chooseLanguage(c.Language)
	case Consent:
		err = o.consent(c.Given)
	case TakeNow:
		err = o.takeNow()
	case AnswerLights:
		err = o.answerLights(c.Yes)
	case LightsShown:
		err = o.lightsShown(c.At)
	case Retake:
		err = o.retake()
	case Confirm:
		err = o.confirm(c.Person)
	case Back:
		err = o.back()
	case StillHere:
		if v.asking.IsZero() {
			return ErrNotNow
		}
	case Done:
		switch v.Step {
		case StepResult:
			o.end("completed")
		case StepError:
			o.end("error")
		default:
			return ErrNotNow
		}
		return nil
	default:
		return ErrNotNow
	}
	if err != nil {
		return err
	}
	if o.v == v && v.Session != "" {
		o.touch()
	}
	return nil
}

// touch is a sign of a person: nobody has to be asked whether they are here.
func (o *owner) touch() {
	o.v.touched, o.v.asking = o.now(), time.Time{}
	o.publish()
}

// enter goes to a step. Nothing is stored yet.
func (v *visit) enter(s Step, now time.Time) {
	v.Step, v.entered, v.touched, v.asking = s, now, now, time.Time{}
	v.live, v.tip, v.hand = State{}, "", false
}

// start begins a visit.
func (o *owner) start() error {
	if o.v != nil || o.closed != nil || o.loose != "" {
		return ErrNotNow
	}
	if used, limit, err := o.store.Space(o.disk); err != nil {
		return o.refuse(problemOf(err))
	} else if float64(used) > fullAt*float64(limit) {
		return o.refuse(problem(ProblemStoreFull))
	}
	o.useSeal()
	key, err := newKey(o.cfg.KeyDir, o.cfg.Rand)
	if err != nil {
		return o.refuse(problemOf(err))
	}
	now := o.now()
	v := &visit{key: key, last: map[journey.EventName]string{}}
	v.Session, v.Submission = o.newID(), o.newID()
	v.Policy, v.Started = o.policy, now
	v.Attempt1, v.Attempt2 = 1, 1
	v.enter(StepLanguage, now)
	o.v = v

	created := o.event(journey.EventSessionCreated)
	options := o.event(journey.EventProjectOptionsFetched, created.ID)
	options.Detail = map[string]string{"policy": v.Policy.Version, "project": v.Policy.Project, "source": "cache"}
	country := o.event(journey.EventNationalityInfoLookup, created.ID)
	country.Detail = map[string]string{"site": o.cfg.Site.Country}
	flow := o.event(journey.EventFlowIDIssued, created.ID, options.ID)
	flow.Detail = map[string]string{"flow": v.Policy.Version + "/" + o.cfg.Kiosk + "/" + v.Session}
	for _, ev := range []*journey.Event{created, options, country, flow} {
		ev.Path, ev.Result = "/", journey.Pass
	}
	first := []*journey.Event{created, options, country, flow}
	if o.cfg.Uplink.Transport != nil && !o.status.Online { // the line was down before anybody came
		offline := o.event(journey.EventNetworkOffline, created.ID)
		offline.Detail = map[string]string{"since": "before-the-visit"}
		first = append(first, offline)
	}
	begin := func(tx *store.Tx) error { return tx.Begin(v.Session, v.Policy.Version, now) }
	// The session's row must be there before its events.
	if err := o.commitBy(o.beginning(begin), nil, first...); err != nil {
		o.pending = slices.DeleteFunc(o.pending, func(ev *journey.Event) bool { return ev.Session == v.Session })
		v.wipe()
		o.v = nil
		_ = dropKey(o.cfg.KeyDir) // nothing was sealed with it
		return o.refuse(problemOf(err))
	}
	o.publish()
	return nil
}

// refuse closes the kiosk instead of beginning a visit.
func (o *owner) refuse(p *Problem) error {
	o.close(p)
	o.publish()
	return p
}

// beginning makes the session's row before its first events.
func (o *owner) beginning(first func(*store.Tx) error) writer {
	return func(ctx context.Context, f func(*store.Tx) error) error {
		return o.store.Write(ctx, func(tx *store.Tx) error {
			if err := first(tx); err != nil {
				return err
			}
			return f(tx)
		})
	}
}

func (o *owner) chooseLanguage(tag string) error {
	v := o.v
	if v.Step == StepResult || v.Step == StepError || !validTag(tag) {
		return ErrNotNow
	}
	v.Language = tag
	ev := o.event(journey.KioskLanguageChosen)
	ev.Detail = map[string]string{"language": tag}
	if v.Step == StepLanguage {
		v.enter(StepConsent, o.now())
	}
	o.save(nil, ev)
	return nil
}

// validTag accepts what looks like a BCP 47 tag.
func validTag(tag string) bool {
	if len(tag) < 2 || len(tag) > 35 {
		return false
	}
	for _, c := range tag {
		if c != '-' && (c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c)) {
			return false
		}
	}
	return true
}

func (o *owner) back() error {
	v := o.v
	switch v.Step {
	case StepConsent:
		v.enter(StepLanguage, o.now())
		o.save(nil)
		return nil
	case StepReview:
		return o.retake()
	case StepDocument:
		if v.first == nil {
			return ErrNotNow
		}
		v.startOver() // the other side once more
		v.Retake, v.RetakeVariant = journey.CodeKey{}, ""
		o.enterDocument()
		return nil
	}
	return ErrNotNow
}

func (o *owner) consent(given bool) error {
	v := o.v
	if v.Step != StepConsent {
		return ErrNotNow
	}
	if !given {
		ev := o.event(journey.KioskConsentRefused)
		ev.Impact = journey.ImpactBlocked
		o.end("refused", ev)
		return nil
	}
	v.Consented = true
	ev := o.event(journey.KioskConsentGiven)
	ev.Result = journey.Pass
	if o.cfg.Text != "" {
		ev.Detail = map[string]string{"text": o.cfg.Text}
	}
	guards, blocked := o.guards(ev.ID)
	events := append([]*journey.Event{ev}, guards...)
	if blocked != nil {
		if o.save(nil, events...) {
			o.fail(blocked)
		}
		return nil
	}
	entered := o.event(journey.EventStep1Entered, ids(guards)...)
	entered.Path, entered.Attempt = "/document/front", v.Attempt1
	o.enterDocument(append(events, entered)...)
	return nil
}

// guards are the checks before the first picture.
func (o *owner) guards(consent string) ([]*journey.Event, *Problem) {
	v := o.v
	presence := o.event(journey.EventTurnstileTokenCheck, v.last[journey.EventSessionCreated], consent)
	presence.Result, presence.Detail = journey.Pass, map[string]string{"touch": "yes", "face": "not-looked-for"}

	var blocked *Problem
	rate := o.event(journey.EventRateLimitCheck, v.last[journey.EventSessionCreated])
	n, err := o.store.StartedSince(o.disk, o.now().Add(-time.Hour))
	rate.Detail = map[string]string{"hour": strconv.Itoa(n), "limit": strconv.Itoa(o.cfg.Limits.Visits)}
	switch {
	case err != nil:
		rate.Result = journey.Errored
	case n > o.cfg.Limits.Visits:
		rate.Result, rate.Impact, blocked = journey.Fail, journey.ImpactBlocked, problem(ProblemTooOften)
	default:
		rate.Result = journey.Pass
	}

	identity := o.event(journey.EventFingerprintCheck)
	identity.Result = journey.Pass // the store refuses to open under another name
	identity.Detail = map[string]string{
		"documentCamera": o.cfg.DocumentCamera.Name(), "faceCamera": o.cfg.FaceCamera.Name(),
	}
	device := o.event(journey.EventDeviceVerification, identity.ID)
	device.Models = o.models
	device.Detail = map[string]string{"clock": string(o.clock)}
	device.Result = journey.Pass
	if len(o.models) == 0 {
		device.Result = journey.Errored
	}
	period := o.event(journey.EventPeriodCheck)
	period.Result, period.Detail = journey.Skipped, map[string]string{"why": "decided-at-the-centre"}
	return []*journey.Event{presence, rate, identity, device, period}, blocked
}

func (o *owner) takeNow() error {
	v := o.v
	if v.Step != StepDocument && v.Step != StepSelfie || v.shutter == nil || v.hand {
		return ErrNotNow
	}
	v.hand = true
	if !o.save(nil, o.event(journey.KioskHandShutter)) {
		return nil
	}
	select {
	case v.shutter <- struct{}{}:
	default:
	}
	return nil
}

// retake throws a reading away because the person wants to.
func (o *owner) retake() error {
	v := o.v
	if v.Step != StepReview || v.Retakes >= maxRetakes {
		return ErrNotNow
	}
	v.Retakes++
	v.startOver()
	v.forgetReading()
	v.Why = nil
	o.enterDocument()
	return nil
}

func (v *visit) forgetReading() {
	v.Document, v.Read, v.Review = journey.DocumentData{}, false, nil
	v.OCR, v.IDLiveness, v.Portrait, v.PortraitAge, v.Recognition = nil, nil, nil, nil, 0
	v.closer = nil
}

// reviewed is what the person is shown to confirm.
func (v *visit) reviewed() journey.PersonData {
	if v.Review != nil {
		return *v.Review
	}
	p := v.Document.Person
	p.Number, p.Expiry = v.Document.Number, v.Document.ExpiryDate
	return p
}

// confirm takes the data as the person left them. Nothing given means as read.
func (o *owner) confirm(p journey.PersonData) error {
	v := o.v
	if v.Step != StepReview {
		return ErrNotNow
	}
	read := v.reviewed()
	if p == (journey.PersonData{}) {
		p = read
	}
	if err := validPerson(p); err != nil {
		return fmt.Errorf("%w: %w", ErrNotNow, err)
	}
	if v.closer != nil && !v.closer.done { // quicker than the closer looks
		v.closer.confirm, v.closer.pressed = &p, o.now()
		v.enter(StepReading, o.now())
		if o.save(nil) {
			o.publish()
		}
		return nil
	}
	o.accept(p)
	return nil
}

// accept takes the data that the person confirmed, if the document's own sources agree.
func (o *owner) accept(p journey.PersonData) {
	v := o.v
	read := v.reviewed()
	changed := changedFields(read, p)
	p.Corrected = len(changed) > 0
	v.Review = &p
	said := o.event(journey.KioskDataConfirmed, v.Why...)
	if p.Corrected {
		said = o.event(journey.KioskDataCorrected, v.Why...)
		said.Detail = map[string]string{"fields": strings.Join(changed, " ")}
	}
	if v.closer != nil && !v.closer.pressed.IsZero() {
		said.Started, said.Ended = v.closer.pressed, v.closer.pressed
	}
	events := []*journey.Event{said}
	var verdicts []check.Verdict
	var checks []*journey.Event
	for _, c := range o.closerVerdicts() {
		// The first reading has its events already. What was not compared takes nothing back of it.
		if c.Result == journey.Skipped && c.Event != journey.EventIDLivenessVerification {
			if c.Event == journey.EventIDRecognition {
				said.Detail = withDetail(said.Detail, "print", c.Detail["why"])
			}
			continue
		}
		verdicts = append(verdicts, c)
		ev := o.verdict(c, v.Why...)
		if v.closer != nil && c.Result != journey.Skipped {
			when := v.closer.reading
			if c.Event == journey.EventIDLivenessVerification {
				when = v.closer.looking
			}
			ev.Started, ev.Ended = when.began, when.ended
		}
		checks = append(checks, ev)
	}
	for _, c := range o.personalVerdicts(p, changed) {
		verdicts, checks = append(verdicts, c), append(checks, o.verdict(c, said.ID))
	}
	if slices.Contains(changed, "expiry") {
		verdict := check.Expiry(v.Document, p.Expiry, journey.Step1RetryDocumentExpired, o.now(), o.clock)
		verdicts, checks = append(verdicts, verdict), append(checks, o.verdict(verdict, said.ID))
	}
	events = append(events, checks...)
	if ruling := check.Rule(verdicts); ruling.Action != check.Accept {
		o.again(journey.Step1, ruling.Why, causesOf(ruling, verdicts, checks), events...)
		return
	}
	o.completeStep1(append([]string{said.ID}, v.Why...), events...)
}

func withDetail(d map[string]string, key, value string) map[string]string {
	if d == nil {
		d = map[string]string{}
	}
	d[key] = value
	return d
}

// validPerson bounds what comes from a keyboard.
func validPerson(p journey.PersonData) error {
	for _, f := range []struct {
		name, value string
		limit       int
	}{
		{"familyName", p.FamilyName, 120},
		{"givenNames", p.GivenNames, 120},
		{"birth", p.Birth, 10},
		{"gender", p.Gender, 6},
		{"nationality", p.Nationality, 3},
		{"number", p.Number, 40},
		{"expiry", p.Expiry, 10},
	} {
		if !utf8.ValidString(f.value) || utf8.RuneCountInString(f.value) > f.limit || strings.ContainsFunc(f.value, unicode.IsControl) {
			return fmt.Errorf("field %s is not acceptable", f.name)
		}
	}
	if p.FamilyName == "" && p.GivenNames == "" {
		return fmt.Errorf("field %s is empty", "familyName")
	}
	if !slices.Contains([]string{"", "male", "female", "x"}, p.Gender) {
		return fmt.Errorf("field %s is not acceptable", "gender")
	}
	return nil
}

// changedFields names what differs, never how.
func changedFields(a, b journey.PersonData) []string {
	var out []string
	for _, f := range []struct{ name, a, b string }{
		{"familyName", a.FamilyName, b.FamilyName},
		{"givenNames", a.GivenNames, b.GivenNames},
		{"birth", a.Birth, b.Birth},
		{"gender", a.Gender, b.Gender},
		{"nationality", a.Nationality, b.Nationality},
		{"number", a.Number, b.Number},
		{"expiry", a.Expiry, b.Expiry},
	} {
		if f.a != f.b {
			out = append(out, f.name)
		}
	}
	return out
}

func (o *owner) stop() error {
	v := o.v
	if v.Step == StepResult { // the visit is over: Stop only clears the screen
		o.end("completed")
		return nil
	}
	if v.Step == StepError {
		o.end("error")
		return nil
	}
	ev := o.event(journey.KioskVisitStopped)
	ev.Detail = map[string]string{"step": string(v.Step)}
	o.end("stopped", ev)
	return nil
}

// verdict makes an event of a check, as long as the work it came from.
func (o *owner) verdict(c check.Verdict, causes ...string) *journey.Event {
	ev := o.event(c.Event, causes...)
	ev.Result, ev.Impact, ev.Reason, ev.Code, ev.Detail = c.Result, c.Impact, c.Reason, c.Code, c.Detail
	ev.Models, ev.Provisional = o.models, true
	return ev
}

func ids(events []*journey.Event) []string {
	out := make([]string, len(events))
	for i, ev := range events {
		out[i] = ev.ID
	}
	return out
}

// fail shows that the visit cannot go on. The screen clears itself.
func (o *owner) fail(p *Problem) {
	v := o.v
	if v == nil {
		o.close(p)
		o.publish()
		return
	}
	if v.Step == StepError {
		return
	}
	o.halt()
	o.pictures.clear()
	now := o.now()
	events, more := o.abandon()
	v.enter(StepError, now)
	v.problem, v.until = p, now.Add(o.resultShown())
	v.paused = false
	session := v.Session
	if err := o.commitBy(o.store.WriteLast, func(tx *store.Tx) error {
		if more != nil {
			if err := more(tx); err != nil {
				return err
			}
		}
		return tx.Forget(session) // a visit that failed is not taken up again
	}, events...); err != nil {
		o.rest = more
		o.cfg.Log.Error("agent: the end of a visit waits for room", "problem", p.Code)
	}
	if closes(p.Code) {
		o.after = p
	}
	o.publish()
}

// closes says whether a problem will meet the next visitor too.
func closes(code string) bool { return code != ProblemTooOften }

// end ends the visit: the screen goes first, then memory, then the record of it.
func (o *owner) end(trigger string, events ...*journey.Event) {
	v := o.v
	began := o.now()
	o.halt()
	last, more := o.abandon()
	if more == nil {
		more, o.rest = o.rest, nil
	}
	// The screen is cleared before anything that may take its time.
	o.pictures.clear()
	o.states.put(State{Step: StepAttract, Path: "/", Online: o.status.Online, Waiting: o.waiting})
	session, key := v.Session, v.key
	v.key = nil // no checkpoint is made any more
	err := o.commitBy(o.store.WriteLast, func(tx *store.Tx) error {
		if more != nil {
			if err := more(tx); err != nil {
				return err
			}
		}
		return tx.End(session, o.now())
	}, append(events, last...)...)

	clear(key)
	keyErr := dropKey(o.cfg.KeyDir)
	reset := o.event(journey.KioskPrivacyReset)
	reset.Path, reset.Attempt = "/", 0
	o.tracedVisit(v, o.now())
	v.wipe()
	o.v = nil
	reset.Started, reset.Ended = began, o.now()
	reset.Result, reset.Detail = journey.Pass, map[string]string{"trigger": trigger}
	if keyErr != nil {
		reset.Result, reset.Detail["key"] = journey.Errored, "left"
		o.cfg.Log.Error("agent: the visit's key could not be removed", "error", keyErr)
	}
	if err == nil {
		err = o.commitBy(o.store.WriteLast, func(tx *store.Tx) error { return tx.Cleared(session) }, reset)
	} else {
		o.pending = append(o.pending, reset)
	}
	if err != nil { // it is told when there is room again; nobody else begins before
		o.loose, o.rest = session, more
		o.after = problemOf(err)
	}
	o.count()
	if o.after != nil {
		o.close(o.after)
		o.after = nil
	}
	o.publish()
}

// tieUp stores the end of a visit that could not be stored before.
func (o *owner) tieUp() {
	session, more := o.loose, o.rest
	err := o.commitBy(o.store.WriteLast, func(tx *store.Tx) error {
		if more != nil {
			if err := more(tx); err != nil {
				return err
			}
		}
		if err := tx.End(session, o.now()); err != nil {
			return err
		}
		return tx.Cleared(session)
	})
	if err == nil {
		o.loose, o.rest = "", nil
	}
}
