package centre

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/aml"
	"vestibule/server/decide"
	"vestibule/server/duplicate"
	"vestibule/server/ingest"
	"vestibule/server/store"
	"vestibule/server/vault"
)

// Pair names an entry of a list in one state.
type Pair struct {
	Source aml.Source `json:"source"`
	Entity string     `json:"entity"`
	Hash   string     `json:"hash"`
}

// IsCleared reports whether somebody found that a match is another person.
func (s Screened) IsCleared(m aml.Match) bool {
	return slices.Contains(s.Cleared, Pair{m.Source, m.Entity, m.Hash})
}

// queryOf is what of a submission is looked for; ok is false where there is no name.
func queryOf(s journey.Submission) (q aml.Query, ok bool) {
	p := duplicate.Person(s)
	q = aml.Query{
		Name: strings.TrimSpace(p.FullName()), Birth: p.Birth, Gender: p.Gender, Country: p.Nationality,
		Document: p.Number, Issuer: s.Document.IssuingCountry,
	}
	return q, q.Name != ""
}

// personKey stands for the data that are looked for: whoever changes one of them is
// somebody else, whom nobody has looked at.
func personKey(v *vault.Vault, q aml.Query) string {
	return v.Hash("screened person", strings.Join([]string{
		duplicate.NameKey(q.Name), q.Name, q.Birth, q.Gender, q.Country, duplicate.DocumentNumber(q.Document), q.Issuer,
	}, "\x1f"))
}

// clearedOf tells which of the entries that were found are cleared for a person.
func clearedOf(ctx context.Context, r store.Reader, person string, found []aml.Match) ([]Pair, error) {
	if len(found) == 0 {
		return nil, nil
	}
	rows, err := r.ClearedFor(ctx, person)
	if err != nil {
		return nil, fmt.Errorf("look for cleared pairs: %w", err)
	}
	var all []Pair
	for _, row := range rows {
		pair := Pair{aml.Source(row.Source), row.Entity, row.Hash}
		if pair.Hash != "" && slices.ContainsFunc(found, func(m aml.Match) bool { return Pair{m.Source, m.Entity, m.Hash} == pair }) {
			all = append(all, pair)
		}
	}
	return all, nil
}

// grade gives the status and the risk of a screening.
func grade(got Screened, policy journey.AMLPolicy, stale bool) (status, risk string) {
	status, risk = decide.StatusClear, RiskLow
	if stale {
		status, risk = decide.StatusNotScreened, decide.StatusNotScreened
	}
	for _, m := range got.Matches {
		if m.Score < policy.Flag || got.IsCleared(m) {
			continue
		}
		status = decide.StatusRedFlag
		// The best score need not be the highest risk: it may be a name's alone.
		if r := Risk(m, policy.Flag); r == RiskHigh || risk != RiskHigh {
			risk = r
		}
	}
	return status, risk
}

// keepScreening keeps the lists' whole answer. It repeats words of the person's name,
// so it is encrypted.
func keepScreening(ctx context.Context, tx *store.Tx, v *vault.Vault, submission string, got Screened, status, risk string, now time.Time) error {
	plain, err := json.Marshal(got)
	if err != nil {
		return fmt.Errorf("encode screening: %w", err)
	}
	sealed, err := v.Seal(plain, ScreeningContext(submission))
	if err != nil {
		return fmt.Errorf("encrypt screening: %w", err)
	}
	return tx.SaveScreening(ctx, store.Screening{Submission: submission, Status: status, Risk: risk, Result: sealed, At: now})
}

// searched reports whether an answer comes from a list in that state.
func (s Screened) searched(list store.Snapshot) bool {
	return strings.Contains(s.Lists, fmt.Sprintf("%s:%.16s", list.Kind, list.ID))
}

// behind refuses an answer without a list that has been in force for so long that
// everybody known then may have been screened again: a decision on it would slip
// through. It is tried again when this copy has caught up.
func behind(ctx context.Context, r store.Reader, got Screened, now time.Time) error {
	rows, err := r.ActiveSnapshots(ctx)
	if err != nil {
		return fmt.Errorf("look for lists: %w", err)
	}
	for _, row := range rows {
		if got.searched(row) {
			continue
		}
		run, err := r.Rescreening(ctx, row.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("find since when a list is in force: %w", err)
		}
		if now.Sub(run.Begun) > RescreenAfter {
			return fmt.Errorf("%w: %s", ErrListBehind, row.Kind)
		}
	}
	return nil
}

// Clearing lets people say that somebody is not the entry of a list that they resemble.
type Clearing struct {
	Store *store.Store
	Vault *vault.Vault
	Now   func() time.Time
	NewID func() string
}

// WhyContext binds the encrypted reason of a cleared pair to it.
func WhyContext(submission string, source aml.Source, entity string) string {
	return strings.Join([]string{"cleared", submission, string(source), entity}, "|")
}

// Clear notes that the person of a submission is not an entry, as both are now. It does
// not decide anew: what is held stays so until somebody decides. store.ErrNotFound says
// that there is no such submission, or no such entry in force.
func (c Clearing) Clear(ctx context.Context, submission string, source aml.Source, entity, who, why string) error {
	row, person, err := c.person(ctx, submission)
	if err != nil {
		return err
	}
	hash, err := c.entryHash(ctx, row, source, entity)
	if err != nil {
		return err
	}
	reason, err := c.Vault.Seal([]byte(why), WhyContext(submission, source, entity))
	if err != nil {
		return fmt.Errorf("encrypt why: %w", err)
	}
	now := c.Now()
	return c.Store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.LockKiosk(ctx, row.Kiosk); err != nil {
			return fmt.Errorf("hold kiosk: %w", err)
		}
		if gone, err := tx.Erased(ctx, submission); err != nil || gone {
			return cmp.Or(err, store.ErrNotFound)
		}
		if err := tx.Clear(ctx, store.Cleared{
			Person: person, Source: string(source), Entity: entity, Hash: hash, Submission: submission, Who: who, Why: reason, At: now,
		}); err != nil {
			return err
		}
		if err := tx.CloseHits(ctx, submission, string(source), entity, now); err != nil {
			return err
		}
		if err := c.regrade(ctx, tx, row, person, now); err != nil {
			return err
		}
		return tx.Audit(ctx, c.NewID(), who, "list clear", strings.Join([]string{submission, string(source), entity}, " "), now)
	})
}

// entryHash finds the state of an entry: in the list that is in force, or, where it is
// of an external screener, as it answered last about this submission.
func (c Clearing) entryHash(ctx context.Context, row store.Submission, source aml.Source, entity string) (string, error) {
	snapshot, err := c.Store.Read().ActiveSnapshot(ctx, string(source))
	if err == nil {
		entry, err := c.Store.Read().ListEntity(ctx, snapshot.ID, entity)
		if err != nil {
			return "", fmt.Errorf("find the entry: %w", err)
		}
		return entry.Hash, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("find the list: %w", err)
	}
	_, got, keptErr := c.kept(ctx, c.Store.Read(), row)
	if keptErr == nil {
		for _, m := range got.Matches {
			if m.Source == source && m.Entity == entity && m.Hash != "" {
				return m.Hash, nil
			}
		}
	}
	return "", fmt.Errorf("find the list: %w", err)
}

// kept opens the screening of a submission that is kept.
func (c Clearing) kept(ctx context.Context, r store.Reader, row store.Submission) (kept store.Screening, got Screened, err error) {
	if kept, err = r.Screening(ctx, row.ID); err != nil {
		return kept, got, fmt.Errorf("find screening: %w", err)
	}
	if len(kept.Result) == 0 {
		return kept, got, store.ErrNotFound // erased
	}
	plain, err := c.Vault.Open(kept.Result, ScreeningContext(row.ID))
	if err != nil {
		return kept, got, fmt.Errorf("open screening: %w", err)
	}
	if err := json.Unmarshal(plain, &got); err != nil {
		return kept, got, fmt.Errorf("decode screening: %w", err)
	}
	return kept, got, nil
}

// Unclear takes it back.
func (c Clearing) Unclear(ctx context.Context, submission string, source aml.Source, entity, who string) error {
	row, person, err := c.person(ctx, submission)
	if err != nil {
		return err
	}
	now := c.Now()
	return c.Store.Write(ctx, func(tx *store.Tx) error {
		was, err := tx.Unclear(ctx, person, string(source), entity)
		if err == nil && !was {
			err = store.ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := c.regrade(ctx, tx, row, person, now); err != nil {
			return err
		}
		return tx.Audit(ctx, c.NewID(), who, "list unclear", strings.Join([]string{submission, string(source), entity}, " "), now)
	})
}

func (c Clearing) person(ctx context.Context, submission string) (row store.Submission, person string, err error) {
	if row, err = c.Store.Read().Submission(ctx, submission); err != nil {
		return row, "", fmt.Errorf("find submission: %w", err)
	}
	s, err := ingest.HandedIn(c.Vault, row)
	if err != nil {
		return row, "", err
	}
	q, _ := queryOf(s)
	return row, personKey(c.Vault, q), nil
}

// regrade brings the kept screening of a submission up to what is cleared now.
func (c Clearing) regrade(ctx context.Context, tx *store.Tx, row store.Submission, person string, now time.Time) error {
	kept, got, err := c.kept(ctx, tx.Reader, row)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	policy, err := PolicyAt(ctx, tx.Reader, row.Project, row.Kiosk)
	if err != nil {
		return fmt.Errorf("read policy: %w", err)
	}
	if got.Cleared, err = clearedOf(ctx, tx.Reader, person, got.Matches); err != nil {
		return err
	}
	status, risk := grade(got, policy.AML, kept.Status == decide.StatusNotScreened)
	return keepScreening(ctx, tx, c.Vault, row.ID, got, status, risk, now)
}
