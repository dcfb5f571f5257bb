package agent

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math/big"
	"slices"
	"strconv"
	"time"

	"vestibule/agent/capture"
	"vestibule/agent/check"
	"vestibule/hardware/camera"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/aamva"
	"vestibule/models/face"
	"vestibule/models/face/injection"
	"vestibule/models/mrz"
)

// enterDocument goes to the document camera.
func (o *owner) enterDocument(events ...*journey.Event) {
	v := o.v
	v.enter(StepDocument, o.now())
	if o.save(nil, events...) {
		o.lookAtDocument()
		o.publish()
	}
}

// lookAtDocument runs the document camera until a picture was taken.
func (o *owner) lookAtDocument() {
	p := o.v.Policy.Document
	tilt := p.Tilt && p.Genuineness
	turned := o.v.first != nil // also in a second try: it may still lie as it did
	o.runCapture(o.cfg.DocumentCamera, camera.RoleDocument, func(ctx context.Context, r capture.Rig) func() {
		r.Turned, r.Tilt = turned, tilt
		shot, err := capture.Document(ctx, r)
		return func() {
			if err != nil {
				o.captureFailed(camera.RoleDocument, err)
				return
			}
			o.read(shot)
		}
	})
}

// runCapture runs one capture beside the owner.
func (o *owner) runCapture(cam camera.Camera, role camera.Role, f func(context.Context, capture.Rig) func()) {
	o.halt()
	shutter := make(chan struct{}, 1)
	o.v.shutter = shutter
	opt := o.cfg.Capture
	opt.Now = o.cfg.Now
	o.work(func(ctx context.Context, tell func(func())) func() {
		return f(ctx, capture.Rig{
			Camera: cam, Role: role, Engine: o.cfg.Engine, Options: opt, Shutter: shutter, Show: o.showPicture,
			Tell: func(r capture.Report) { tell(func() { o.report(role, r) }) },
		})
	})
}

// report takes what happens during a capture.
func (o *owner) report(role camera.Role, r capture.Report) {
	v := o.v
	switch r := r.(type) {
	case capture.Activated:
		ev := o.event(journey.EventCameraActivated, v.last[journey.EventCameraRequested])
		ev.Started, ev.Ended, ev.Result = r.Asked.UTC(), r.At.UTC(), journey.Pass
		ev.Detail = map[string]string{
			"role": string(role), "device": r.Camera,
			"size": strconv.Itoa(r.Mode.Width) + "x" + strconv.Itoa(r.Mode.Height), "fps": strconv.Itoa(r.Mode.FPS),
			"warmUp": strconv.FormatInt(r.At.Sub(r.Asked).Milliseconds(), 10),
		}
		events := []*journey.Event{ev}
		if stalled := v.last[journey.KioskCameraStalled]; stalled != "" && stalled != v.stallSeen {
			back := o.event(journey.KioskCameraRecovered, stalled, ev.ID)
			back.Started, back.Ended, back.Result = r.Asked.UTC(), r.At.UTC(), journey.Pass
			back.Detail = map[string]string{"role": string(role), "reopens": strconv.Itoa(r.Reopens)}
			events = append(events, back)
			v.stallSeen = stalled
		}
		o.save(nil, events...)
	case capture.Stalled:
		ev := o.event(journey.KioskCameraStalled, v.last[journey.EventCameraActivated])
		ev.Result, ev.Detail = journey.Errored, map[string]string{"role": string(role), "code": r.Code}
		o.save(nil, ev)
	case capture.EngineLost:
		o.cfg.Log.Warn("agent: the vision engine does not answer")
	case capture.EngineBack:
		ev := o.event(journey.KioskWorkerRestarted)
		ev.Started, ev.Ended, ev.Result = r.Since.UTC(), r.At.UTC(), journey.Pass
		o.save(nil, ev)
	case capture.Live:
		challenge, lights := v.live.Challenge, v.live.Lights
		v.live = State{Hint: r.Hint, Outline: r.Outline, Face: r.Face, Progress: r.Progress, ByHand: r.ByHand, Challenge: challenge, Lights: lights}
		if r.Present {
			o.present()
		}
		o.publish()
	case capture.LightsAsked:
		v.live.Lights = &Lights{Asking: true}
		o.publish()
	case capture.LightsOn:
		v.live.Lights = &Lights{Colours: r.Plan.Colours, Dwell: r.Plan.Dwell}
		o.publish()
	case capture.LightsOver:
		v.live.Lights = nil
		o.publish()
	case capture.Asked:
		v.live.Challenge = r.Challenge
		o.publish()
	case capture.Moved:
		v.live.Challenge = ""
		ev := o.event(journey.KioskChallengeAsked)
		ev.Started, ev.Ended, ev.Models = r.Started.UTC(), r.Ended.UTC(), o.models
		ev.Result, ev.Detail = journey.Pass, map[string]string{"challenge": string(r.Challenge)}
		if !r.Done {
			ev.Result, ev.Detail["failed"] = journey.Fail, r.Failed
			ev.Impact = journey.ImpactRetake
		}
		if o.save(nil, ev) {
			v.moved = append(v.moved, ev.ID)
			o.publish()
		}
	}
}

// present takes what a camera sees for a sign of a person, but not for ever: a
// document left on the glass is nobody.
func (o *owner) present() {
	v := o.v
	if now := o.now(); now.Sub(v.entered) < 3*o.screenLimit() {
		v.touched, v.asking = now, time.Time{}
	}
}

// captureFailed ends a visit whose camera or engine is gone for good.
func (o *owner) captureFailed(role camera.Role, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	v := o.v
	p := problemOf(err)
	var f *capture.Failure
	if !errors.As(err, &f) {
		p = problem(ProblemCameraFailed)
	}
	v.Camera = append(v.Camera, journey.CameraProcess{
		Type: v.process(role, true), Started: v.worked, Ended: o.now(), Error: p.Code,
	})
	if p.Code == ProblemModelMissing || p.Code == ProblemWorkerLost {
		o.fail(p)
		return
	}
	name := journey.EventCameraError
	if p.Code == ProblemCameraDenied {
		name = journey.EventCameraPermissionDenied
	}
	ev := o.event(name, v.last[journey.EventCameraRequested], v.last[journey.KioskCameraStalled])
	ev.Started, ev.Result, ev.Impact = v.worked, journey.Errored, journey.ImpactBlocked
	ev.Detail = map[string]string{"role": string(role), "problem": p.Code}
	if o.save(nil, ev) {
		o.fail(p)
	}
}

// process names the contract's type of a camera's use.
func (v *visit) process(role camera.Role, auto bool) journey.CameraProcessType {
	switch {
	case role == camera.RoleFace && v.Policy.Liveness.Active:
		return journey.FaceActive
	case role == camera.RoleFace:
		return journey.FacePassive
	case v.need == check.NeedBack && auto:
		return journey.BackAutocapture
	case v.need == check.NeedBack:
		return journey.BackCapture
	case auto:
		return journey.FrontAutocapture
	}
	return journey.FrontCapture
}

// cameraDone notes that a camera was used and released.
func (o *owner) cameraDone(role camera.Role, auto bool, started time.Time) *journey.Event {
	v := o.v
	now := o.now()
	v.Camera = append(v.Camera, journey.CameraProcess{Type: v.process(role, auto), Started: started.UTC(), Ended: now})
	ev := o.event(journey.KioskCameraClosed, v.last[journey.EventCameraActivated])
	ev.Started, ev.Detail = started.UTC(), map[string]string{"role": string(role)}
	return ev
}

// read reads a document's picture, beside the owner.
func (o *owner) read(shot capture.Shot) {
	v := o.v
	o.pictures.clear()
	closed := o.cameraDone(camera.RoleDocument, shot.Auto, shot.Started)
	v.enter(StepReading, o.now())
	if !o.save(nil, closed) {
		return
	}
	o.publish()
	barcode := v.Policy.Document.Barcode
	o.work(func(ctx context.Context, tell func(func())) func() {
		seen := sight{shot: shot, started: o.now()}
		var err error
		seen.doc, err = o.readDocument(ctx, shot.Frames, tell)
		if err == nil && seen.doc.MRZ == nil && barcode { // else it is looked for later, see closer
			seen.barcode = o.examine(ctx, shot.Frames, models.Looks{Barcode: true}).Barcode
		}
		if seen.still = seen.doc.Upright; len(seen.still) == 0 {
			seen.still = stillOf(shot.Frames, seen.doc.Best)
		}
		return func() { o.checkDocument(seen, err) }
	})
}

// sight is one picture of a document and all that was seen in it.
type sight struct {
	shot    capture.Shot
	doc     models.Document
	barcode *models.Barcode // nil: not looked for
	still   []byte          // the picture that is kept
	started time.Time
}

// examine looks closer at a document. It is not worth a visit: what it could not see is
// nil, and the checks that wanted it are recorded as skipped.
func (o *owner) examine(ctx context.Context, frames []models.Frame, looks models.Looks) models.Examination {
	call, cancel := context.WithTimeout(ctx, o.cfg.Limits.Engine)
	defer cancel()
	x, err := o.cfg.Engine.Examine(call, frames, looks)
	if err != nil && ctx.Err() == nil {
		o.cfg.Log.Warn("agent: a closer look at the document failed", "error", err)
	}
	return x
}

// readDocument asks the engine, and again when its worker died meanwhile.
func (o *owner) readDocument(ctx context.Context, frames []models.Frame, tell func(func())) (models.Document, error) {
	var lost time.Time
	for try := 0; ; try++ {
		call, cancel := context.WithTimeout(ctx, o.cfg.Limits.Engine)
		d, err := o.cfg.Engine.ReadDocument(call, frames)
		cancel()
		if err == nil || try >= 3 || ctx.Err() != nil || errors.Is(err, models.ErrFrame) || errors.Is(err, models.ErrModel) {
			if err == nil && !lost.IsZero() {
				back := capture.EngineBack{Since: lost, At: o.now()}
				tell(func() { o.report(camera.RoleDocument, back) })
			}
			return d, err
		}
		if lost.IsZero() {
			lost = o.now()
		}
		pause := time.NewTimer(700 * time.Millisecond) // a worker is back within a second
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return models.Document{}, ctx.Err()
		}
	}
}

// stillOf gives a frame as a JPEG picture: the evidence when nothing was made of it.
func stillOf(frames []models.Frame, best int) []byte {
	if best < 0 || best >= len(frames) {
		best = 0
	}
	if len(frames) == 0 {
		return nil
	}
	f := frames[best]
	if f.Format == models.JPEG {
		return bytes.Clone(f.Pix)
	}
	img, err := capture.Picture(f, image.Pt(models.MaxFrameSide, models.MaxFrameSide))
	if err != nil {
		return nil
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 92}); err != nil {
		return nil
	}
	return b.Bytes()
}

// checkDocument judges what was read: a whole document, or the two sides of one.
func (o *owner) checkDocument(seen sight, err error) {
	v := o.v
	shot, d, still, started := seen.shot, seen.doc, seen.still, seen.started
	page := bytes.Clone(d.Upright)
	if err != nil && !errors.Is(err, models.ErrFrame) {
		if errors.Is(err, context.Canceled) {
			return
		}
		if errors.Is(err, models.ErrModel) {
			o.fail(problem(ProblemModelMissing))
			return
		}
		o.fail(problem(ProblemWorkerLost))
		return
	}
	step := check.Step1{
		Document: d, Barcode: seen.barcode, Site: o.cfg.Site.Country, Today: o.now(), Clock: o.clock, Policy: v.Policy,
	}
	if err == nil && check.Whole(d) {
		v.startOver() // this picture needs no other side
	}
	kind := journey.EvidenceFront
	missing := check.NeedNothing
	if v.first == nil && err == nil {
		missing = step.Missing()
	}
	if v.need == check.NeedBack || missing == check.NeedFront {
		kind = journey.EvidenceBack
	}
	uploads, ok := o.preserve(v.Attempt1, shot.Taken.UTC(),
		picture{kind, still}, picture{journey.EvidencePortrait, bytes.Clone(portraitOf(d, kind))})
	if !ok {
		return
	}
	causes := ids(uploads)
	if err != nil { // the camera's pictures could not be read at all
		bad := check.Unreadable()
		ev := o.verdict(bad, causes...)
		ev.Started = started
		o.again(journey.Step1, bad, []string{ev.ID}, ev)
		return
	}
	if missing != check.NeedNothing {
		o.turnOver(missing, seen, page, causes)
		return
	}
	var verdicts []check.Verdict
	closer := &closer{side: sideOf(d, step.Barcode), frames: [2][]models.Frame{allOf(shot)}}
	if v.first != nil {
		here, there := sideOf(d, seen.barcode), sideOf(v.first.doc, v.first.barcode)
		closer.side, closer.other, closer.frames[1] = here, &there, v.first.frames
		if v.need == check.NeedBack { // the print is on the other side
			closer.side, closer.other = there, &here
			closer.frames[0], closer.frames[1] = closer.frames[1], closer.frames[0]
			page = bytes.Clone(v.first.page)
		}
		causes = append(causes, v.first.causes...)
		verdicts = append(verdicts, check.Belong(v.first.doc, d))
		d = check.Join(v.first.doc, d)
		step.Document = d
		if _, here := check.Licence(step.Barcode); !here && v.first.barcode != nil {
			step.Barcode = v.first.barcode
		}
	}
	if v.Policy.FaceAge.LooksAtDocument() {
		closer.portrait = bytes.Clone(d.Portrait)
	}
	verdicts = append(verdicts, step.Check()...)
	var events []*journey.Event
	for _, c := range verdicts {
		ev := o.verdict(c, causes...)
		ev.Started = started
		events = append(events, ev)
	}
	ruling := check.Rule(verdicts)
	why := causesOf(ruling, verdicts, events)
	if data, ok := step.Reading(); ok {
		v.Document, v.Read = data, true
	}
	v.Recognition, v.OCR, v.Portrait = step.Recognition(), fieldsOf(d), d.PortraitFace
	if d.MRZ == nil {
		v.OCR = fieldsOfBarcode(step.Barcode)
	}
	switch ruling.Action {
	case check.Block:
		o.block(journey.Step1, ruling.Why, why, events...)
	case check.Again:
		if !check.ThisSide(ruling.Why) {
			v.startOver()
		}
		o.again(journey.Step1, ruling.Why, why, events...)
	default:
		if v.first != nil {
			v.first.frames = nil // the closer looks need them, and wipe them
		}
		v.startOver()
		v.Retake, v.RetakeVariant = journey.CodeKey{}, ""
		v.Why = ids(events)
		v.enter(StepReview, o.now())
		if o.save(nil, events...) {
			o.publish()
			o.lookCloser(page, closer)
		}
	}
}

// allOf is every frame of a document's picture, those held aslant last.
func allOf(s capture.Shot) []models.Frame {
	return append(s.Frames[:len(s.Frames):len(s.Frames)], s.Tilted...)
}

// portraitOf gives the portrait that is to be kept: a face on a card's back is
// the small copy of the one in front.
func portraitOf(d models.Document, kind journey.EvidenceKind) []byte {
	if kind == journey.EvidenceBack {
		return nil
	}
	return d.Portrait
}

// turnOver keeps a side that was read and asks for the other one. It is the same
// try: nothing has failed.
func (o *owner) turnOver(need check.Need, seen sight, page []byte, causes []string) {
	v := o.v
	ev := o.verdict(check.OneSide(need, seen.doc), causes...)
	ev.Started = seen.started
	v.first, v.need = &side{doc: seen.doc, barcode: seen.barcode, frames: allOf(seen.shot), page: page, causes: append(causes, ev.ID)}, need
	v.Retake, v.RetakeVariant, v.Why = journey.CodeKey{}, "", nil
	o.enterDocument(ev)
}

// causesOf gives the ids of the events that a ruling rests on, the deciding one first.
func causesOf(r check.Ruling, verdicts []check.Verdict, events []*journey.Event) []string {
	var out []string
	for i, c := range verdicts {
		if c.Result != journey.Fail && c.Result != journey.Errored {
			continue
		}
		if c.Event == r.Why.Event && c.Code == r.Why.Code {
			out = append([]string{events[i].ID}, out...)
		} else {
			out = append(out, events[i].ID)
		}
	}
	return out
}

// fieldsOf lists what was read, for the contract's OCR_raw, and how far the picture had to be turned
// for it. Whether the whole reading was accepted is the checks' word; a field is accepted when
// its own digit fits, it says something possible, and both readers read it alike. Places are
// those of the picture that is kept.
func fieldsOf(d models.Document) []journey.OCRField {
	if d.MRZ == nil {
		return nil
	}
	z := *d.MRZ
	out := []journey.OCRField{{Item: journey.OCRRotate, Value: strconv.Itoa(d.Turn), Score: percent(d.Recognition), Accepted: true}}
	for _, f := range []struct {
		item string
		mrz.Field
	}{
		{"documentCode", z.Code},
		{"issuingCountry", z.Issuer},
		{"lastName", z.FamilyName},
		{"firstName", z.GivenNames},
		{"number", z.Number},
		{"nationality", z.Nationality},
		{"birthDate", z.Birth},
		{"gender", z.Sex},
		{"expireDate", z.Expiry},
	} {
		if f.Value == "" {
			continue
		}
		field := journey.OCRField{Item: f.item, Value: f.Value, Score: percent(d.Recognition), Accepted: f.Check != mrz.CheckWrong && f.Problem == ""}
		if at := slices.IndexFunc(d.Fields, func(s models.ZoneField) bool { return s.Name == f.Name }); at >= 0 {
			seen := d.Fields[at]
			field.Score, field.Accepted = percent(seen.Confidence), field.Accepted && seen.Agreed
			place := seen.Upright
			if place == (models.Quad{}) { // no upright picture was made: the frame is kept
				place = seen.At
			}
			for _, p := range place {
				field.Box = append(field.Box, p.X, p.Y)
			}
		}
		out = append(out, field)
	}
	return out
}

// percent rounds a score of 0 to 100.
func percent(score float64) int { return min(100, max(0, int(score+.5))) }

// fieldsOfBarcode lists what a card's barcode says, for the contract's OCR_raw.
func fieldsOfBarcode(b *models.Barcode) []journey.OCRField {
	a, ok := check.Licence(b)
	if !ok {
		return nil
	}
	var out []journey.OCRField
	for _, f := range []struct {
		item string
		aamva.Field
	}{
		{"lastName", a.FamilyName},
		{"firstName", a.GivenName},
		{"number", a.Number},
		{"birthDate", a.Birth},
		{"gender", a.Sex},
		{"issueDate", a.Issue},
		{"expireDate", a.Expiry},
		{"address", a.Street},
	} {
		if f.Value != "" {
			out = append(out, journey.OCRField{Item: f.item, Value: f.Value, Score: 100, Accepted: f.Problem == ""})
		}
	}
	return out
}

// sideOf is what was read of one side, to be compared with the print and the other side.
func sideOf(d models.Document, b *models.Barcode) check.Side {
	s := check.Side{Zone: d.MRZ, Trusted: true}
	if a, ok := check.Licence(b); ok {
		s.Barcode = check.BarcodeItems(a)
	}
	return s
}

// lookAtFace runs the face camera until a selfie was taken.
func (o *owner) lookAtFace() {
	v := o.v
	v.moved = nil
	p := v.Policy.Liveness
	want := capture.Selfie{Frames: max(5, p.Frames)}
	if p.Active {
		want.Moves = o.draw(p)
	}
	if v.lights = nil; p.Flash && !v.unlit {
		v.lights, want.Lights = o.drawLights()
	}
	o.runCapture(o.cfg.FaceCamera, camera.RoleFace, func(ctx context.Context, r capture.Rig) func() {
		portrait, err := capture.Face(ctx, r, want)
		var selfie []byte
		var source injection.Result
		if err == nil {
			selfie = stillOf([]models.Frame{portrait.Frame}, 0)
			source = injection.Check(deviceOf(r.Camera), portrait.Trace, injection.Rules{Cameras: p.Cameras})
		}
		return func() {
			if err != nil {
				o.captureFailed(camera.RoleFace, err)
				return
			}
			o.checkFace(portrait, source, selfie)
		}
	})
}

// draw picks the movements to ask for, none twice, from those that policy allows.
func (o *owner) draw(p journey.LivenessPolicy) []face.Move {
	from := p.Allowed
	if len(from) == 0 {
		from = journey.DefaultPolicy().Liveness.Allowed
	}
	moves := make([]face.Move, 0, len(from))
	for _, c := range from {
		if m := face.Move(c); slices.Contains(face.Moves(), m) && !slices.Contains(moves, m) {
			moves = append(moves, m)
		}
	}
	n := min(max(1, p.Challenges), len(moves))
	for i := range n {
		j := i
		if k, err := o.intn(len(moves) - i); err == nil { // else the order stays; the count does not shrink
			j += k
		}
		moves[i], moves[j] = moves[j], moves[i]
	}
	return moves[:n]
}

// intn draws a number in [0, n) that nobody can foresee.
func (o *owner) intn(n int) (int, error) {
	r, err := rand.Int(o.cfg.Rand, big.NewInt(int64(n)))
	if err != nil {
		return 0, fmt.Errorf("draw a number: %w", err)
	}
	return int(r.Int64()), nil
}

// checkFace takes a selfie to be judged.
func (o *owner) checkFace(p capture.Portrait, source injection.Result, selfie []byte) {
	v := o.v
	o.pictures.clear()
	closed := o.cameraDone(camera.RoleFace, p.Auto, p.Started)
	v.enter(StepChecking, o.now())
	if !o.save(nil, closed) {
		return
	}
	o.publish()
	o.work(func(ctx context.Context, _ func(func())) func() {
		t := time.NewTimer(leastShown)
		defer t.Stop()
		limited, cancel := context.WithTimeout(ctx, ageLimit)
		looks := o.examine(limited, []models.Frame{p.Frame}, models.Looks{Age: true}).Age
		cancel()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
		return func() { o.judgeFace(p, source, selfie, looks) }
	})
}

// ageRange puts an apparent age into the words of a submission.
func ageRange(a *models.Age) *journey.AgeRange {
	if a == nil {
		return nil
	}
	return &journey.AgeRange{Low: a.Low, Median: a.Median, High: a.High}
}

// ageLimit bounds how long the apparent age, which decides nothing, may keep anybody waiting.
const ageLimit = time.Second

// leastShown is how long a step stays on the screen: shorter would only flash.
const leastShown = 100 * time.Millisecond

// judgeFace gives the verdicts on a selfie.
func (o *owner) judgeFace(p capture.Portrait, source injection.Result, selfie []byte, looks *models.Age) {
	v := o.v
	v.unlit = v.unlit || p.Lit.Declined
	uploads, ok := o.preserve(v.Attempt2, p.Taken.UTC(), picture{journey.EvidenceSelfie, selfie})
	if !ok {
		return
	}
	causes := ids(uploads)
	person := v.reviewed()
	if looks != nil || v.PortraitAge != nil {
		v.FaceAges = append(v.FaceAges, journey.FaceAge{Selfie: ageRange(looks), Document: v.PortraitAge})
	}
	measured, verdicts := check.Step2{
		Frames: p.Faces, Best: p.Best, Portrait: v.Portrait,
		Active: check.Active{
			Ran: p.Active.Ran, Asked: p.Active.Asked, Score: p.Active.Score, Failed: p.Active.Failed,
		},
		Head: o.headFor(p.Faces), Injection: source, Looks: looks,
		Lights:   check.Lights{Asked: p.Lit.Asked, Declined: v.unlit, Why: p.Lit.Why, Result: p.Lit.Result},
		Document: v.Document, Person: person, Site: o.cfg.Site.Country,
		Today: o.now(), Clock: o.clock, Policy: v.Policy,
	}.Check()
	v.Measured = measured
	var events []*journey.Event
	for _, c := range verdicts {
		ev := o.verdict(c, causes...)
		switch c.Event {
		case journey.EventLivenessVerification:
			ev.Started, ev.Ended = p.Started.UTC(), p.Taken.UTC()
		case journey.KioskInjectionCheck:
			if c.Result != journey.Skipped {
				ev.Started, ev.Ended = p.Started.UTC(), p.Taken.UTC()
			}
		case journey.KioskFlashCheck:
			if p.Lit.Asked {
				ev.Started, ev.Ended = p.Lit.Started.UTC(), p.Lit.Ended.UTC()
			}
		case journey.EventActiveLivenessVerification:
			if p.Active.Ran {
				ev.Started, ev.Ended = p.Active.Started.UTC(), p.Active.Ended.UTC()
				ev.Causes = append(ev.Causes, v.moved...)
			}
		}
		events = append(events, ev)
	}
	ruling := check.Rule(verdicts)
	if ruling.Action != check.Accept {
		o.again(journey.Step2, ruling.Why, causesOf(ruling, verdicts, events), events...)
		return
	}
	completed := o.event(journey.EventStep2Completed, ids(events)...)
	completed.Result, completed.Impact = journey.Pass, journey.ImpactCompleted
	v.Attempts = append(v.Attempts, o.figures(journey.Attempt{Count: v.Attempt2, Step: journey.Step2, At: o.now(), Event: completed.ID}))
	o.finish(journey.SubmissionComplete, completed.ID, append(events, completed)...)
}
