package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/centre"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/fault"
)

// replayCommand makes stored decisions again and fails when one comes out otherwise.
func replayCommand(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	session := fs.String("journey", "", "only the decisions of this journey")
	since := fs.String("since", "", "only decisions from then on: 2026-11-01, or 30d or 12h ago; empty: all")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	f := store.DecisionFilter{Session: *session}
	var err error
	if f.Since, err = parseSince(*since, time.Now()); err != nil {
		return err
	}
	s, v, err := openArchive(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	total, err := s.Read().CountDecisions(ctx, f)
	if err != nil {
		return fmt.Errorf("count decisions: %w", err)
	}
	if total == 0 && *session != "" {
		return fault.New("journey_undecided", "no decision on this journey is kept", "the console's address of a journey ends in its id", nil)
	}
	bar := newProgress(p.errs, "replayed", total)
	var same, differ, bad, without int
	err = centre.Replay(ctx, s.Read(), v, f, nil, func(r centre.Replayed) error {
		bar.step(time.Now())
		switch {
		case r.Problem == centre.ProblemNoInput:
			without++
			return nil
		case r.Problem != "":
			bad++
			_, err := fmt.Fprintf(p.out, "UNREADABLE\t%s\t%s\t%s\n", r.Session, r.ID, r.Problem)
			return err
		}
		differs := r.Differs()
		if len(differs) == 0 {
			same++
			return nil
		}
		differ++
		for _, d := range differs {
			if _, err := fmt.Fprintf(p.out, "DIFFERS\t%s\t%s\t%s\n", r.Session, r.ID, d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.out, "same\t%d\ndiffer\t%d\nunreadable\t%d\nwithout input\t%d\n", same, differ, bad, without)
	if without > 0 {
		_, _ = fmt.Fprintf(p.errs, "%d decisions were made by a release that did not keep what they rest on; nobody can make them again.\n", without)
	}
	if differ+bad > 0 {
		return fault.New("replay_differs", fmt.Sprintf("%d of %d decisions do not come out as they are stored", differ+bad, total),
			"either the rules changed with this release, or a stored row was altered: server verify -journey ID proves what the kiosk sent", nil)
	}
	return nil
}

// openArchive opens the database, and the keys of what is encrypted in it.
func openArchive(ctx context.Context, data, db string) (*store.Store, *vault.Vault, error) {
	s, err := open(ctx, data, db)
	if err != nil {
		return nil, nil, err
	}
	v, err := vault.Load(filepath.Join(data, folderKeys))
	if err != nil {
		_ = s.Close()
		return nil, nil, fault.New("keys_unusable", "the centre's own keys cannot be used", "restore "+folderKeys+"/ from a backup, and see to its permissions", err)
	}
	return s, v, nil
}

// whatifCommand asks what stored decisions would have come to under another policy.
func whatifCommand(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	file := fs.String("policy", "", "policy file to try")
	since := fs.String("since", "30d", "decisions from then on: 2026-11-01, or 30d or 12h ago; all: every one")
	asJSON := fs.Bool("json", false, "print JSON")
	if _, err := p.parse(fs, args, "data", "policy"); err != nil {
		return err
	}
	policy, err := readPolicy(*file)
	if err != nil {
		return err
	}
	f := store.DecisionFilter{Project: policy.Project}
	if f.Since, err = parseSince(*since, time.Now()); err != nil {
		return err
	}
	s, v, err := openArchive(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	total, err := s.Read().CountDecisions(ctx, f)
	if err != nil {
		return fmt.Errorf("count decisions: %w", err)
	}
	bar := newProgress(p.errs, "compared", total)
	w := whatif{Policy: policy.Version, Project: policy.Project, Since: f.Since, Counts: []whatifCount{}, Changed: []whatifChange{}}
	err = centre.Replay(ctx, s.Read(), v, f, &policy, func(r centre.Replayed) error {
		bar.step(time.Now())
		w.add(r)
		return nil
	})
	if err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(p.out)
		enc.SetIndent("", "  ")
		return enc.Encode(w)
	}
	return w.print(p.out)
}

// whatif is what a policy would have made of the past. It holds ids and no personal data.
type whatif struct {
	Policy     string         `json:"policy"`
	Project    string         `json:"project"`
	Since      time.Time      `json:"since,omitzero"`
	Compared   int            `json:"compared"`
	Unreadable int            `json:"unreadable"` // without kept input, or it does not open
	Counts     []whatifCount  `json:"counts"`
	Changed    []whatifChange `json:"changed"`
}

type whatifCount struct {
	Old string `json:"old"`
	New string `json:"new"`
	N   int    `json:"n"`
}

// whatifChange is a decision that would have been another one.
type whatifChange struct {
	Submission string   `json:"submission"`
	Session    string   `json:"session"`
	Old        string   `json:"old"`
	New        string   `json:"new"`
	Rule       string   `json:"rule,omitempty"`
	Unknown    []string `json:"unknown,omitempty"` // look-ups that were not made at the time
}

// whatifUnknown stands for a decision that nobody can tell.
const whatifUnknown = "CANNOT TELL"

func (w *whatif) add(r centre.Replayed) {
	if r.Problem != "" {
		w.Unreadable++
		return
	}
	w.Compared++
	was, now := groundText(r.Stored), groundText(r.Now)
	c := whatifChange{Submission: r.Submission, Session: r.Session, Old: was, New: now, Rule: r.Now.Rule}
	// What speaks for a rejection stays, whatever a look-up that was never made would have said.
	if len(r.Unknown) > 0 && r.Now.Decision != journey.Rejected {
		c.New, c.Rule, c.Unknown = whatifUnknown, "", r.Unknown
	}
	i := slices.IndexFunc(w.Counts, func(n whatifCount) bool { return n.Old == c.Old && n.New == c.New })
	if i < 0 {
		i = len(w.Counts)
		w.Counts = append(w.Counts, whatifCount{Old: c.Old, New: c.New})
	}
	w.Counts[i].N++
	if c.Old != c.New {
		w.Changed = append(w.Changed, c)
	}
}

func groundText(a centre.Answer) string {
	if a.Reason == "" {
		return string(a.Decision)
	}
	return string(a.Decision) + " " + string(a.Reason)
}

func (w *whatif) print(out io.Writer) error {
	slices.SortFunc(w.Counts, func(a, b whatifCount) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Old, b.Old), strings.Compare(a.New, b.New))
	})
	wide := 3
	for _, c := range w.Counts {
		wide = max(wide, len(c.Old))
	}
	var err error
	line := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(out, format, args...)
		}
	}
	line("%d decisions of %s under policy %s, %d would change\n\n", w.Compared, w.Project, w.Policy, len(w.Changed))
	line("%8s  %-*s     new\n", "n", wide, "old")
	for _, c := range w.Counts {
		mark := "  "
		if c.Old != c.New {
			mark = "→ "
		}
		line("%8d  %-*s  %s %s\n", c.N, wide, c.Old, mark, c.New)
	}
	if len(w.Changed) > 0 {
		line("\nchanged:\n")
	}
	for _, c := range w.Changed {
		why := c.Rule
		if len(c.Unknown) > 0 {
			why = "not looked up at the time: " + strings.Join(c.Unknown, ", ")
		}
		line("%s\t%s → %s\t%s\n", c.Submission, c.Old, c.New, why)
	}
	if w.Unreadable > 0 {
		line("\n%d decisions could not be made again: what they rest on was not kept, or does not open\n", w.Unreadable)
	}
	return err
}

// parseSince reads a day, a moment, or how long ago; empty and "all" are the beginning.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" || text == "all" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36500 {
			return now.AddDate(0, 0, -n), nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fault.New("since_unknown", "-since is neither a day nor how long ago", "such as 2026-11-01, 2026-11-01T08:00:00Z, 30d or 12h", nil)
}

// progress tells of work that takes longer than a second, once a second.
type progress struct {
	out   io.Writer
	verb  string
	total int
	done  int
	told  time.Time
}

func newProgress(out io.Writer, verb string, total int) *progress {
	return &progress{out: out, verb: verb, total: total, told: time.Now()}
}

func (p *progress) step(now time.Time) {
	p.done++
	if now.Sub(p.told) < time.Second {
		return
	}
	p.told = now
	_, _ = fmt.Fprintf(p.out, "%s %d of %d\n", p.verb, p.done, p.total)
}
