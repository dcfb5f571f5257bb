package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"vestibule/journey"
	"vestibule/server/aml"
	"vestibule/server/centre"
	"vestibule/server/duplicate"
	"vestibule/server/ingest"
	"vestibule/server/review"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// Reason says why evidence is looked at.
type Reason string

// The reasons. Other needs a note.
const (
	ReasonFaces    Reason = "compare-faces"
	ReasonDocument Reason = "read-document"
	ReasonMatch    Reason = "judge-list-match"
	ReasonCorrect  Reason = "correct-data"
	ReasonAppeal   Reason = "person-asked"
	ReasonOther    Reason = "other"
)

// Reasons lists the reasons.
func Reasons() []Reason {
	return []Reason{ReasonFaces, ReasonDocument, ReasonMatch, ReasonCorrect, ReasonAppeal, ReasonOther}
}

// Data names the personal data where evidence is chosen: everything else is a picture's id.
const Data = "data"

// Personal is what a reviewer sees of a person, once it is said why.
type Personal struct {
	Read      journey.PersonData // by the kiosk, in the document
	Confirmed *journey.PersonData
	Now       journey.PersonData // what counts, corrections included
	Document  journey.DocumentData
	Matches   []Match
	History   []Told
}

// Match is an entry of a list that resembles the person.
type Match struct {
	aml.Match
	Risk string
}

// Told is a step with its texts.
type Told struct {
	Act
	review.Texts
}

// Reveal notes that a reviewer wants to see evidence, and why. It must be noted before
// anything is shown; who has not taken the submission up sees nothing.
func (d *Desk) Reveal(ctx context.Context, who, submission string, why Reason, note string, what []string) error {
	return d.change(ctx, who, submission, "", func(s *step, i review.Item) (review.Item, error) {
		note = strings.TrimSpace(note)
		switch {
		case !slices.Contains(Reasons(), why):
			return i, fault.New(CodeReason, "it is not said why", "choose a reason", nil)
		case why == ReasonOther && note == "":
			return i, fault.New(CodeReason, "“other” says nothing by itself", "write the reason beside it", nil)
		case utf8.RuneCountInString(note) > review.MaxText:
			return i, fault.New(CodeReason, "the note is too long", "use at most 2000 letters", nil)
		case len(what) == 0 || len(what) > 64:
			return i, fault.New(CodeReason, "nothing to look at was chosen", "choose the data, or a picture", nil)
		}
		after, err := i.Touch(who, s.now, s.policy)
		if err != nil {
			return i, err
		}
		for _, one := range what {
			name, err := s.named(ctx, one)
			if err != nil {
				return i, err
			}
			if _, err := s.note(ctx, whatReveal, name+" for "+string(why), review.Texts{Note: note}); err != nil {
				return i, err
			}
		}
		return after, nil
	})
}

// named tells what is looked at: the data, or a picture that there is.
func (s *step) named(ctx context.Context, what string) (string, error) {
	if what == Data {
		return Data, nil
	}
	e, err := s.tx.EvidenceOf(ctx, s.row.ID, what)
	if errors.Is(err, store.ErrNotFound) {
		return "", fault.New(CodeUnknown, "there is no such picture", "reload the page", nil)
	}
	if err != nil {
		return "", fmt.Errorf("find evidence: %w", err)
	}
	return string(e.Kind) + " " + e.ID, nil
}

// Personal opens the data. The caller has revealed it: every time it is shown is noted again.
func (d *Desk) Personal(ctx context.Context, who, submission string, why Reason) (Personal, error) {
	var p Personal
	if err := d.shown(ctx, who, submission, why, Data); err != nil {
		return p, err
	}
	r := d.c.Store.Read()
	row, err := r.Submission(ctx, submission)
	if err != nil {
		return p, fmt.Errorf("find submission: %w", err)
	}
	s, err := ingest.HandedIn(d.c.Vault, row)
	if err != nil {
		return p, err
	}
	p.Read, p.Confirmed, p.Now, p.Document = s.Document.Person, s.Review, duplicate.Person(s), s.Document
	screened, err := d.screened(ctx, r, submission)
	if err != nil {
		return p, err
	}
	policy, err := centre.PolicyAt(ctx, r, row.Project, row.Kiosk)
	if err != nil {
		return p, fmt.Errorf("read policy: %w", err)
	}
	for _, m := range screened.Matches {
		if m.Score >= policy.AML.Flag {
			p.Matches = append(p.Matches, Match{m, centre.Risk(m, policy.AML.Flag)})
		}
	}
	p.History, err = d.history(ctx, r, submission)
	return p, err
}

// history opens what was written, but for a decision that the second person must not know.
func (d *Desk) history(ctx context.Context, r store.Reader, submission string) ([]Told, error) {
	item, err := r.Review(ctx, submission)
	if err != nil {
		return nil, fmt.Errorf("find review: %w", err)
	}
	acts, err := r.ReviewActs(ctx, submission)
	if err != nil {
		return nil, fmt.Errorf("read review steps: %w", err)
	}
	var out []Told
	for _, a := range acts {
		if a.Private == nil || item.State == review.Second && isVote(item, a.ID) {
			continue
		}
		t, err := d.texts(a)
		if err != nil {
			return nil, err
		}
		out = append(out, Told{Act{At: a.At, Who: a.Who, What: a.What, Detail: a.Detail}, t})
	}
	return out, nil
}

// Picture opens a picture. The caller has revealed it: every time it is shown is noted again.
func (d *Desk) Picture(ctx context.Context, who, submission, id string, why Reason) ([]byte, error) {
	r := d.c.Store.Read()
	row, err := r.Submission(ctx, submission)
	if err != nil {
		return nil, fmt.Errorf("find submission: %w", err)
	}
	e, err := r.EvidenceOf(ctx, submission, id)
	if err != nil {
		return nil, fmt.Errorf("find evidence: %w", err)
	}
	if err := d.shown(ctx, who, submission, why, string(e.Kind)+" "+id); err != nil {
		return nil, err
	}
	return d.c.Picture(row, e)
}

// shown writes the audit line of one view. Without it nothing is shown, and nothing is
// shown to whoever no longer has the submission.
func (d *Desk) shown(ctx context.Context, who, submission string, why Reason, what string) error {
	now := d.c.Now()
	return d.c.Store.Write(ctx, func(tx *store.Tx) error {
		if err := d.admit(ctx, tx.Reader, who); err != nil {
			return err
		}
		item, err := tx.Review(ctx, submission)
		if err != nil {
			return fmt.Errorf("find review: %w", err)
		}
		if _, err := item.Touch(who, now, journey.ReviewPolicy{}); err != nil {
			return err
		}
		return tx.Audit(ctx, d.c.NewID(), who, "review shown: "+what+" for "+string(why), submission, now)
	})
}
