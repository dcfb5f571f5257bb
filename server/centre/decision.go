package centre

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"vestibule/journey"
	"vestibule/server/aml"
	"vestibule/server/decide"
	"vestibule/server/duplicate"
	"vestibule/server/ingest"
	"vestibule/server/journal"
	"vestibule/server/notify"
	"vestibule/server/notify/mail"
	"vestibule/server/review"
	"vestibule/server/rule"
	"vestibule/server/store"
	"vestibule/sync/wire"
)

// Record is the whole of a decision as it is kept: what it rests on and what it
// says, without personal data. With its sealed Input it can be made again.
type Record struct {
	Decision    journey.Decision `json:"decision"`
	Reason      journey.Reason   `json:"reason,omitempty"`
	CommentCode string           `json:"commentCode,omitempty"`
	Rule        string           `json:"rule,omitempty"`
	Fired       []decide.Fired   `json:"fired"`
	Policy      journey.Policy   `json:"policy"`
	KioskPolicy string           `json:"kioskPolicy"`
	Digest      string           `json:"digest"` // SHA-256 over the sealed submission and its pictures
	Lookups     decide.Lookups   `json:"lookups"`
	Recheck     *decide.Recheck  `json:"recheck,omitempty"`
	Engine      string           `json:"engine"` // of the screening
	Events      []string         `json:"events"`
	Faces       []Alike          `json:"faces"` // submissions whose face is certainly the same
	Review      *Reviewed        `json:"review,omitempty"`
}

// Alike names a submission with the same face.
type Alike struct {
	Submission string  `json:"submission"`
	Score      float64 `json:"score"` // cosine
}

// Decide decides one submission, if it is still to be decided.
func (c *Centre) Decide(ctx context.Context, id string) error {
	row, err := c.c.Store.Read().Submission(ctx, id)
	if err != nil {
		return fmt.Errorf("find submission: %w", err)
	}
	if row.Stand != store.StandQueued {
		return nil // decided by an earlier run that could not say so, or taken up again by the kiosk
	}
	d := &deciding{Centre: c, row: row, queued: c.c.Now(), began: c.c.Now(), ran: map[string]interval{}}
	if j, err := c.c.Store.Read().Job(ctx, ingest.JobDecide, id); err == nil {
		if d.queued = j.Due; j.Attempts > 1 {
			d.queued = j.Created
		}
	}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	if err := c.c.Store.Write(ctx, func(tx *store.Tx) error { return d.commit(ctx, tx) }); err != nil {
		return err
	}
	if d.done {
		c.c.Notify(row.Kiosk)
		c.c.Watch(row.Session)
		d.trace(c.c.Now())
		c.c.Decided(d.told.Decision, d.told.Reason, false, c.c.Now().Sub(d.queued))
	}
	return nil
}

// deciding is one decision on its way.
type deciding struct {
	*Centre
	row      store.Submission
	s        journey.Submission
	policy   journey.Policy
	evidence decide.Evidence
	lookups  decide.Lookups
	face     *journey.FaceTemplate
	screened *Screened
	ran      map[string]interval
	done     bool
	told     journey.Verdict
	began    time.Time
	queued   time.Time // when the last thing it needed came

	// Of a decision by people.
	item   *review.Item
	kiosk  store.Kiosk
	round  int
	people *Reviewed
	words  string // that a reviewer wrote for the person
}

// timed notes when a check ran.
func (d *deciding) timed(check string, do func() error) error {
	started := d.c.Now()
	err := do()
	d.ran[check] = interval{started, d.c.Now()}
	return err
}

// open reads what was handed in, and under which policy.
func (d *deciding) open(ctx context.Context) error {
	r := d.c.Store.Read()
	var err error
	if d.policy, err = PolicyAt(ctx, r, d.row.Project, d.row.Kiosk); err != nil {
		return fmt.Errorf("read policy: %w", err)
	}
	if d.s, err = ingest.HandedIn(d.c.Vault, d.row); err != nil {
		return err
	}
	d.evidence = decide.Evidence{Submission: d.s, Kiosk: map[journey.EventName]journey.Event{}}
	events, err := r.Events(ctx, d.row.Session)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	for _, e := range events {
		if e.Origin != journey.OriginServer {
			d.evidence.Kiosk[e.Name] = e
		}
	}
	d.face = d.s.Face
	return nil
}

// prepare does what is slow and needs no lock: opening, reading, screening.
func (d *deciding) prepare(ctx context.Context) error {
	if err := d.open(ctx); err != nil {
		return err
	}
	if d.s.State != journey.SubmissionComplete {
		return nil
	}
	defer func() {
		if d.collectable() {
			d.evidence.FaceModel = d.face.Model
		}
	}()
	if d.policy.Recheck {
		left, err := d.left(ctx, d.policy, d.s)
		if err != nil {
			return err
		}
		if left != "" {
			d.evidence.Recheck = &decide.Recheck{Left: left}
		}
	}
	if d.policy.Recheck && d.evidence.Recheck == nil {
		got, err := d.recheck(ctx, d.s)
		if err != nil {
			return err
		}
		d.evidence.Recheck = got.recheck
		for check, when := range got.ran {
			d.ran[check] = when
		}
		// The centre's own template goes over the kiosk's: the collection must not
		// depend on what a kiosk says.
		if got.template != nil {
			d.face = got.template
		}
	}
	if d.policy.AML.Screen {
		if err := d.timed(decide.CheckAML, func() error { return d.screen(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

func (d *deciding) screen(ctx context.Context) error {
	if d.c.Screen == nil {
		return ErrNoLists
	}
	q, named := queryOf(d.s)
	if !named {
		return nil // the same
	}
	got, err := d.c.Screen(ctx, q)
	if errors.Is(err, aml.ErrNotScreened) {
		return nil // nothing in it to search with: held, and never called clear
	}
	if errors.Is(err, ErrScreenerAway) && d.policy.AML.Wait > 0 && !d.queued.IsZero() && d.c.Now().Sub(d.queued) >= d.policy.AML.Wait {
		d.c.Log.WarnContext(ctx, "a submission is held without a screening", "code", ProblemScreener, "submission", d.row.ID, "waited", d.c.Now().Sub(d.queued).String())
		return nil // Not Screened: held for people by the rule for that
	}
	if err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	if got.Cleared, err = clearedOf(ctx, d.c.Store.Read(), personKey(d.c.Vault, q), got.Matches); err != nil {
		return err
	}
	d.screened = &got
	return nil
}

// commit looks up, decides and journals under the decider's turn: between the
// look-up and the approval nobody else approves.
func (d *deciding) commit(ctx context.Context, tx *store.Tx) error {
	if err := tx.Turn(ctx, store.DeciderTurn); err != nil {
		return err
	}
	kiosk, err := tx.LockKiosk(ctx, d.row.Kiosk)
	if err != nil {
		return fmt.Errorf("hold kiosk: %w", err)
	}
	row, err := tx.Submission(ctx, d.row.ID)
	if err != nil {
		return fmt.Errorf("find submission: %w", err)
	}
	if row.Stand != store.StandQueued || row.Revision != d.row.Revision {
		return nil // decided meanwhile, or replaced: the job for the newer one is queued
	}
	now := d.c.Now()
	out, err := d.ask(ctx, tx, kiosk, now)
	if err != nil {
		return err
	}
	verdict, record, err := d.journalise(ctx, tx, out, now)
	if err != nil {
		return err
	}
	if err := d.settle(ctx, tx, verdict, record, now); err != nil {
		return err
	}
	if err := d.tally(ctx, tx, out, now); err != nil {
		return err
	}
	d.done, d.told = true, verdict
	return nil
}

// ask looks up and asks the rules: for a decision, and whenever people have to know
// what the checks say.
func (d *deciding) ask(ctx context.Context, tx *store.Tx, kiosk store.Kiosk, now time.Time) (decide.Outcome, error) {
	if err := d.look(ctx, tx, kiosk, now); err != nil {
		return decide.Outcome{}, err
	}
	if err := d.judge(ctx); err != nil {
		return decide.Outcome{}, err
	}
	began := d.c.Now()
	out := decide.Decide(d.evidence, d.policy, d.lookups)
	d.ran[decide.DecisionEvent] = interval{began, d.c.Now()}
	return out, nil
}

// look makes the look-ups.
func (d *deciding) look(ctx context.Context, tx *store.Tx, kiosk store.Kiosk, now time.Time) error {
	keys := d.row.Keys
	refused, err := tx.RefusedStreams(ctx, kiosk.ID)
	if err != nil {
		return fmt.Errorf("look at streams: %w", err)
	}
	d.lookups = decide.Lookups{
		Now: now, Rank: d.row.DocumentRank, PIIEvaluated: keys.PII != "",
		Device: decide.Device{Enrolled: true, Revoked: !kiosk.Revoked.IsZero(), Refused: refused > 0},
	}
	if id, err := tx.QuarantinedAs(ctx, d.row.ID, ingest.WhyTaken); err == nil {
		d.lookups.Packet.Reused = id
	} else if !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("look at quarantine: %w", err)
	}
	same := func(field store.Field, value string, into *[]decide.Known) error {
		rows, err := tx.Same(ctx, d.row.Project, field, value, d.row.ID)
		if err != nil {
			return fmt.Errorf("look for %s: %w", field, err)
		}
		for _, r := range rows {
			*into = append(*into, d.known(r))
		}
		return nil
	}
	if err := d.timed(decide.CheckPII, func() error {
		return errors.Join(same(store.ByPII, keys.PII, &d.lookups.SamePII), same(store.ByDocument, keys.Document, &d.lookups.SameDocument))
	}); err != nil {
		return err
	}
	if err := d.timed(decide.CheckSuperseded, func() error { return same(store.ByHolder, keys.Holder, &d.lookups.SameHolder) }); err != nil {
		return err
	}
	if d.s.State == journey.SubmissionComplete && d.policy.Duplicates.Face {
		if err := d.timed(decide.CheckSelfie, func() error { return d.searchFaces(ctx, tx) }); err != nil {
			return err
		}
	}
	if err := d.timed(decide.CheckApproved, func() error {
		if err := d.link(ctx, tx, now); err != nil {
			return err
		}
		return same(store.ByApplicant, d.lookups.Applicant, &d.lookups.Approved)
	}); err != nil {
		return err
	}
	if rules := d.policy.Duplicates.Suspected; rules == journey.SuspectedNote || rules == journey.SuspectedHold {
		if err := d.timed(decide.CheckSuspected, func() error { return d.suspect(ctx, tx) }); err != nil {
			return err
		}
	}
	d.lookups.Approved = slices.DeleteFunc(d.lookups.Approved, func(k decide.Known) bool { return k.Decision != journey.Approved })

	if d.screened != nil {
		if err := behind(ctx, tx.Reader, *d.screened, now); err != nil {
			return err
		}
		s := &decide.Screening{
			Lists: d.screened.Lists, Entities: d.screened.Entities, Oldest: string(d.screened.Oldest), Confirmed: d.screened.Confirmed,
		}
		for _, m := range d.screened.Matches {
			s.Matches = append(s.Matches, decide.Match{List: string(m.Source), Entity: m.Entity, Score: m.Score, Cleared: d.screened.IsCleared(m)})
		}
		d.lookups.Screening = s
	}
	return nil
}

// judge judges the policy's own rules by everything that was looked up.
func (d *deciding) judge(ctx context.Context) error {
	if len(d.policy.Rules) == 0 || d.s.State != journey.SubmissionComplete {
		return nil
	}
	began := d.c.Now()
	set, _ := d.rules.Compile(d.policy.Rules)
	d.lookups.Rules = set.Judge(ctx, rule.Of(d.evidence, d.policy, d.lookups))
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("judge rules: %w", err) // out of time for other reasons than a rule's
	}
	when := interval{began, d.c.Now()}
	d.ran[decide.CheckRules] = when
	for _, r := range d.policy.Rules {
		d.ran[decide.CheckRule+r.Name] = when
	}
	return nil
}

func (d *deciding) known(r store.Submission) decide.Known {
	mine := d.row.Keys
	return decide.Known{
		Submission: r.ID, Applicant: r.Applicant, Decision: r.Decision, Created: r.Created, Rank: r.DocumentRank,
		SameName:   mine.Name != "" && r.Keys.Name == mine.Name,
		SameBirth:  mine.Birth != "" && r.Keys.Birth == mine.Birth,
		SameNumber: mine.Document != "" && r.Keys.Document == mine.Document,
	}
}

// link finds the applicant that this submission belongs to, and joins applicants
// that it shows to be one.
func (d *deciding) link(ctx context.Context, tx *store.Tx, now time.Time) error {
	var links []duplicate.Link
	add := func(applicant string, why duplicate.LinkKind) error {
		if applicant == "" {
			return nil
		}
		root, created, err := tx.Applicant(ctx, applicant)
		if err != nil {
			return err
		}
		links = append(links, duplicate.Link{Root: duplicate.Root{ID: root, Created: created}, Why: why})
		return nil
	}
	earlier, err := d.earlier(ctx, tx)
	if err != nil {
		return err
	}
	if err := add(earlier, duplicate.LinkPII); err != nil {
		return err
	}
	for _, k := range d.lookups.SamePII {
		if err := add(k.Applicant, duplicate.LinkPII); err != nil {
			return err
		}
	}
	for _, k := range d.lookups.SameDocument {
		if k.SameName || k.SameBirth {
			if err := add(k.Applicant, duplicate.LinkDocument); err != nil {
				return err
			}
		}
	}
	for _, h := range d.lookups.Faces {
		if h.Score < d.policy.Duplicates.FaceCertain {
			continue
		}
		other, err := tx.Submission(ctx, h.Submission)
		if err != nil {
			return fmt.Errorf("find the owner of a face: %w", err)
		}
		if k := d.known(other); k.SameName || k.SameBirth {
			if err := add(h.Applicant, duplicate.LinkFace); err != nil {
				return err
			}
		}
	}
	survivor, merges := duplicate.Union(links)
	if survivor == "" {
		survivor = d.c.NewID()
		if err := tx.AddApplicant(ctx, survivor, now); err != nil {
			return err
		}
	}
	for _, m := range merges {
		if err := tx.MergeApplicants(ctx, d.c.NewID(), m.Survivor, m.Merged, string(m.Why), d.row.ID, now); err != nil {
			return err
		}
	}
	d.lookups.Applicant = survivor
	for i, h := range d.lookups.Faces {
		root, _, err := tx.Applicant(ctx, h.Applicant)
		if err != nil {
			return err
		}
		d.lookups.Faces[i].Applicant, d.lookups.Faces[i].Own = root, root == survivor
	}
	return nil
}

// earlier gives the applicant whom an earlier revision belonged to. When data was
// corrected that applicant may have been found by what was wrong: then it counts only
// while nobody else belongs to it, and the links are looked for anew.
func (d *deciding) earlier(ctx context.Context, tx *store.Tx) (string, error) {
	if d.item == nil || len(d.item.Corrected) == 0 || d.row.Applicant == "" {
		return d.row.Applicant, nil
	}
	others, err := tx.Same(ctx, d.row.Project, store.ByApplicant, d.row.Applicant, d.row.ID)
	if err != nil {
		return "", fmt.Errorf("look for the applicant: %w", err)
	}
	if len(others) > 0 {
		return "", nil
	}
	return d.row.Applicant, nil
}

// entries gives the outcome's events their ids and places; and the ids by their names.
func (d *deciding) entries(out decide.Outcome) ([]journey.Event, map[string]string) {
	ids := map[string]string{}
	for _, e := range out.Events {
		ids[e.ID] = d.c.NewID()
	}
	decided := d.ran[decide.DecisionEvent]
	events := make([]journey.Event, 0, len(out.Events)+1)
	for _, e := range out.Events {
		when, ok := d.ran[e.ID]
		if !ok {
			when = decided
		}
		for i, cause := range e.Causes {
			if id, ours := ids[cause]; ours {
				e.Causes[i] = id
			}
		}
		e.ID = ids[e.ID]
		e.Started, e.Ended, e.Policy = when.started, when.ended, d.policy.Version
		events = append(events, e)
	}
	return events, ids
}

// journalise writes the outcome's events.
func (d *deciding) journalise(ctx context.Context, tx *store.Tx, out decide.Outcome, now time.Time) (journey.Verdict, Record, error) {
	events, ids := d.entries(out)
	record := Record{
		Decision: out.Decision, Reason: out.Reason, CommentCode: out.CommentCode, Rule: out.Rule, Fired: out.Fired,
		Policy: d.policy, KioskPolicy: d.s.Policy, Digest: digest(d.row.Sealed, d.s.Evidence), Lookups: d.lookups,
		Recheck: d.evidence.Recheck, Engine: aml.Engine,
		Faces: alike(d.lookups.Faces, d.policy.Duplicates.FaceCertain), Review: d.people,
	}
	for _, e := range events {
		record.Events = append(record.Events, e.ID)
	}
	verdict := journey.Verdict{
		Submission: d.row.ID, Session: d.row.Session, Decision: out.Decision, Reason: out.Reason, CommentCode: out.CommentCode,
		Policy: d.policy.Version, Event: ids[decide.DecisionEvent], At: now,
	}
	events = append(events, journey.Event{
		ID: d.c.NewID(), Name: journey.CentreVerdictSent, Source: journey.BE, Result: journey.Observed, Impact: journey.ImpactNone,
		Started: now, Ended: now, Causes: []string{verdict.Event}, Policy: d.policy.Version,
	})
	return verdict, record, journal.Add(ctx, tx, d.row.Kiosk, d.row.Session, d.row.ID, now, events...)
}

// settle writes what follows from the decision.
func (d *deciding) settle(ctx context.Context, tx *store.Tx, v journey.Verdict, record Record, now time.Time) error {
	if err := tx.SetDecision(ctx, d.row.ID, v, d.row.Revision, d.lookups.Applicant); err != nil {
		return err
	}
	body, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode decision: %w", err)
	}
	var lists string
	if d.lookups.Screening != nil {
		lists = d.lookups.Screening.Lists
	}
	if err := tx.AddDecision(ctx, store.Decision{
		ID: v.Event, Session: v.Session, Submission: v.Submission, Revision: d.row.Revision, Round: d.round, Applicant: d.lookups.Applicant,
		Decision: v.Decision, Reason: v.Reason, Policy: v.Policy, Digest: record.Digest, Lists: lists, Record: body, At: now,
	}); err != nil {
		return err
	}
	input, err := sealInput(d.c.Vault, v.Event, d.evidence)
	if err != nil {
		return err
	}
	if err := tx.AddDecisionInput(ctx, v.Event, input); err != nil {
		return err
	}
	if err := d.saveScreening(ctx, tx, now); err != nil {
		return err
	}
	if err := tx.Unapprove(ctx, d.row.ID); err != nil {
		return err
	}
	if v.Decision == journey.Approved {
		if err := tx.Approve(ctx, d.row.Project, d.lookups.Applicant, d.row.ID, now); err != nil {
			return err
		}
		if err := d.collect(ctx, tx, now); err != nil {
			return err
		}
	}
	command, err := wire.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode verdict: %w", err)
	}
	if _, err := tx.PushCommand(ctx, d.row.Kiosk, wire.KindVerdict, v.Event, command, now); err != nil {
		return err
	}
	if err := notify.Decided(ctx, tx, d.c.NewID, d.row.Kiosk, d.row.Project, v); err != nil {
		return err
	}
	if d.policy.Mail.Tells(v.Decision) {
		if err := mail.Decided(ctx, tx, d.c.Vault, d.c.NewID, mail.Decision{
			Verdict: v, Revision: d.row.Revision, Round: d.round, Kiosk: d.row.Kiosk, Project: d.row.Project,
			Address: d.s.Email, Language: d.s.Language, Comment: d.words,
		}); err != nil {
			return err
		}
	}
	if d.people == nil {
		if err := d.handOver(ctx, tx, v, record.Fired, now); err != nil {
			return err
		}
	}
	_, err = journal.Refresh(ctx, tx, d.row.Session, d.row.Project, now, 0)
	return err
}

// collect adds an approved person's face to the collection.
func (d *deciding) collect(ctx context.Context, tx *store.Tx, now time.Time) error {
	if !d.collectable() {
		return nil
	}
	sealed, err := d.c.Vault.Seal(duplicate.PackVector(d.face.Vector), FaceContext(d.row.ID))
	if err != nil {
		return fmt.Errorf("encrypt face template: %w", err)
	}
	_, err = tx.AddFace(ctx, store.Face{
		Submission: d.row.ID, Applicant: d.lookups.Applicant, Project: d.row.Project, Model: d.face.Model, Template: sealed,
	}, now)
	return err
}

// collectable reports whether there is a template that may join the collection.
func (d *deciding) collectable() bool {
	return d.face != nil && d.face.Model != "" && len(d.face.Vector) == duplicate.Dimensions
}

// ScreeningContext binds an encrypted screening result to its submission.
func ScreeningContext(submission string) string { return "screening|" + submission }

// saveScreening keeps what the lists said.
func (d *deciding) saveScreening(ctx context.Context, tx *store.Tx, now time.Time) error {
	if d.screened == nil {
		return nil
	}
	status, risk := grade(*d.screened, d.policy.AML, d.lookups.Screening.Stale(d.policy.AML, d.lookups.Now))
	return keepScreening(ctx, tx, d.c.Vault, d.row.ID, *d.screened, status, risk, now)
}

// Risk levels of a match, and of a screening: its highest.
const (
	RiskHigh   = "High"
	RiskMedium = "Medium"
	RiskLow    = "Low"
)

// Risk names the risk level of a match: High from halfway between the flag and a
// certain match, if a date of birth agrees; Medium from the flag, else Low. Without
// the date a match is never High, whatever its score: names are many people's.
func Risk(m aml.Match, flag float64) string {
	switch {
	case m.Score >= (100+flag)/2 && m.Supported():
		return RiskHigh
	case m.Score >= flag:
		return RiskMedium
	}
	return RiskLow
}

// digest is the fingerprint of everything the person handed in.
func digest(sealed []byte, manifest []journey.Evidence) string {
	h := sha256.New()
	h.Write(sealed)
	var list []string
	for _, e := range manifest {
		list = append(list, e.Blob)
	}
	slices.Sort(list)
	for _, b := range list {
		h.Write([]byte(b))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func alike(hits []decide.FaceHit, certain float64) []Alike {
	out := []Alike{}
	for _, h := range hits {
		if h.Score >= certain {
			out = append(out, Alike{h.Submission, h.Score})
		}
	}
	return out
}
