package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vestibule/server/aml"
	"vestibule/server/aml/source"
	"vestibule/server/centre"
	"vestibule/server/console"
	"vestibule/server/lists"
	"vestibule/server/lists/feed"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/fault"
)

// commandLine is who does what commands do, in the audit.
const commandLine = "command line"

func keeper(s *store.Store) lists.Keeper {
	return lists.Keeper{Store: s, Now: time.Now, NewID: newID}
}

func listImport(ctx context.Context, p *program, args []string) error {
	return p.withList(ctx, args, func(s *store.Store, list aml.List, force bool) error {
		taken, err := keeper(s).Take(ctx, list, commandLine, force)
		if err != nil {
			return err
		}
		if taken.Forced != nil {
			_, _ = fmt.Fprintln(p.errs, "imported although:")
			report(p.errs, taken.Forced)
		}
		_, _ = fmt.Fprintf(p.out, "%s\t%s\t%d entries\n", list.Source, list.Snapshot[:12], len(list.Entities))
		return nil
	})
}

func listDiff(ctx context.Context, p *program, args []string) error {
	return p.withList(ctx, args, func(s *store.Store, list aml.List, _ bool) error {
		change, refused, err := keeper(s).Compare(ctx, list)
		if err != nil {
			return err
		}
		names := map[string]string{}
		for _, e := range list.Entities {
			names[e.ID] = e.Names[0].Text
		}
		gone, err := keeper(s).Names(ctx, list.Source, change.Removed)
		if err != nil {
			return err
		}
		maps.Copy(names, gone)
		_, _ = fmt.Fprintf(p.out, "%s\t%d entries in force\t%d in the file\t%d added\t%d changed\t%d removed\n",
			list.Source, change.Before, change.After, len(change.Added), len(change.Changed), len(change.Removed))
		for _, part := range []struct {
			sign string
			ids  []string
		}{{"+", change.Added}, {"~", change.Changed}, {"-", change.Removed}} {
			for _, id := range part.ids {
				_, _ = fmt.Fprintf(p.out, "%s\t%s\t%s\n", part.sign, id, names[id])
			}
		}
		if refused != nil {
			_, _ = fmt.Fprintln(p.errs, "an import would be refused:")
			report(p.errs, refused)
		}
		return nil
	})
}

// withList reads the list that a command names and opens the database.
func (p *program) withList(ctx context.Context, args []string, do func(s *store.Store, list aml.List, force bool) error) error {
	fs, data, db := p.flags("PATH…")
	kind := fs.String("kind", "", "format of the list: "+kinds())
	as := fs.String("as", "", "name of the list, for a list of your own or a collection of OpenSanctions")
	force := new(bool)
	if p.name == "list import" {
		fs.BoolVar(force, "force", false, "import the list although it looks like an accident; the audit says so")
	}
	plain := fs.Usage
	fs.Usage = func() {
		plain()
		_, _ = fmt.Fprint(p.errs, "\n"+source.OwnHelp)
	}
	operands, err := p.parse(fs, args, "data", "kind")
	if err != nil {
		return err
	}
	if len(operands) == 0 {
		_, _ = fmt.Fprintf(p.errs, "server %s: give the list's file or folder\n", p.name)
		return errUsage
	}
	for _, other := range operands[1:] {
		// An OFAC list is several files side by side; naming more than one of them is
		// all the same, but files elsewhere would be left out without a word.
		if filepath.Dir(other) != filepath.Dir(operands[0]) {
			_, _ = fmt.Fprintf(p.errs, "server %s: give one list; its files lie side by side in one folder\n", p.name)
			return errUsage
		}
	}
	list, err := source.Load(aml.Kind(*kind), operands[0], aml.Source(*as))
	if err != nil {
		return fault.New("list_unreadable", "the list cannot be imported; the one in force stays", "formats: "+kinds(), err)
	}
	for _, w := range list.Warnings {
		_, _ = fmt.Fprintln(p.errs, "warning:", w)
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s, list, *force)
}

func kinds() string {
	var names []string
	for _, k := range source.Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

func listWithdraw(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("SOURCE")
	operands, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	if len(operands) != 1 {
		fs.Usage()
		return errUsage
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	snapshot, err := keeper(s).Withdraw(ctx, aml.Source(operands[0]), commandLine)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.out, "%s\t%s\twithdrawn\n", operands[0], snapshot[:12])
	return nil
}

func fetcher(s *store.Store, dir string, log *slog.Logger) *feed.Fetcher {
	return &feed.Fetcher{Keeper: keeper(s), Dir: dir, Log: log}
}

func listFetch(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("[SOURCE…]")
	path := fs.String("lists", "", "file of the addresses")
	force := fs.Bool("force", false, "put lists in force although they look like an accident; the audit says so")
	plain := fs.Usage
	fs.Usage = func() {
		plain()
		_, _ = fmt.Fprint(p.errs, "\n"+feed.Help)
	}
	operands, err := p.parse(fs, args, "data", "lists")
	if err != nil {
		return err
	}
	feeds, err := feed.Read(*path)
	if err != nil {
		return err
	}
	for _, name := range operands {
		if !slices.ContainsFunc(feeds, func(f feed.Feed) bool { return string(f.Source) == name }) {
			return fault.New("list_unknown", fmt.Sprintf("the file has no address of a list %.40q", name), "see the file of addresses", nil)
		}
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	var failed []error
	for _, f := range feeds {
		if len(operands) > 0 && !slices.Contains(operands, string(f.Source)) {
			continue
		}
		got, err := fetcher(s, *data, slog.New(slog.DiscardHandler)).Fetch(ctx, f, *force)
		if err != nil {
			_, _ = fmt.Fprintf(p.out, "%s\tfailed\t%s\n", f.Source, lists.Codes(err))
			failed = append(failed, err)
			continue
		}
		for _, w := range got.Warnings {
			_, _ = fmt.Fprintln(p.errs, "warning:", w)
		}
		if got.Same {
			_, _ = fmt.Fprintf(p.out, "%s\t%s\tnothing newer\n", f.Source, got.Snapshot[:12])
			continue
		}
		c := got.Taken.Change
		_, _ = fmt.Fprintf(p.out, "%s\t%s\t%d entries\t%d added\t%d changed\t%d removed\n", f.Source, got.Snapshot[:12], c.After, len(c.Added), len(c.Changed), len(c.Removed))
	}
	return errors.Join(failed...)
}

func listRescreen(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("SOURCE")
	operands, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	if len(operands) != 1 {
		fs.Usage()
		return errUsage
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	return keeper(s).Rescreen(ctx, aml.Source(operands[0]), commandLine)
}

func listPrune(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	days := fs.Int("days", 400, "keep what was in force within so many days")
	if operands, err := p.parse(fs, args, "data"); err != nil {
		return err
	} else if len(operands) > 0 || *days < 1 {
		fs.Usage()
		return errUsage
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	n, err := keeper(s).Prune(ctx, time.Now().AddDate(0, 0, -*days), commandLine)
	_, _ = fmt.Fprintf(p.out, "%d states of lists forgotten\n", n)
	return err
}

func listHistory(ctx context.Context, p *program, args []string) error {
	return p.reading(ctx, args, func(r store.Reader) error {
		lines, err := r.Audits(ctx, "list ", 200)
		for _, a := range lines {
			_, _ = fmt.Fprintf(p.out, "%s\t%s\t%s\t%s\n", a.At.Format(time.RFC3339), a.Who, a.What, a.Target)
		}
		return err
	})
}

func listShow(ctx context.Context, p *program, args []string) error {
	return p.reading(ctx, args, func(r store.Reader) error {
		all, err := lists.Standings(ctx, r)
		if err != nil {
			return err
		}
		now := time.Now()
		for _, s := range all {
			_, _ = fmt.Fprintf(p.out, "%s\t%s\t%s\t%d entries\tissued %s\timported %s\tconfirmed %s\tage %s\n", s.Source, s.Kind, s.Snapshot[:12], s.Entries,
				day(s.Issued), day(s.Imported), day(s.Confirmed), age(s.Age(now)))
		}
		for _, s := range all {
			switch run, err := r.Rescreening(ctx, s.Snapshot); {
			case errors.Is(err, store.ErrNotFound):
			case err != nil:
				return err
			case run.Ended.IsZero():
				_, _ = fmt.Fprintf(p.out, "%s\tto be screened again\t%d people so far\t%d hits\n", s.Source, run.People, run.Hits)
			default:
				_, _ = fmt.Fprintf(p.out, "%s\tscreened again %s\t%d people\t%d hits\n", s.Source, day(run.Ended), run.People, run.Hits)
			}
		}
		feeds, err := r.Feeds(ctx)
		for _, f := range feeds {
			how := "well"
			if f.Problem != "" {
				how = "failed: " + f.Problem
			}
			_, _ = fmt.Fprintf(p.out, "%s\tfetched %s\t%s\n", f.Source, day(f.Tried), how)
		}
		return err
	})
}

func listClear(ctx context.Context, p *program, args []string) error {
	return p.onPair(ctx, args, true, func(c centre.Clearing, submission string, list aml.Source, entity, why string) error {
		return c.Clear(ctx, submission, list, entity, commandLine, why)
	})
}

func listUnclear(ctx context.Context, p *program, args []string) error {
	return p.onPair(ctx, args, false, func(c centre.Clearing, submission string, list aml.Source, entity, _ string) error {
		return c.Unclear(ctx, submission, list, entity, commandLine)
	})
}

// onPair runs a change on a submission and the entry of a list.
func (p *program) onPair(ctx context.Context, args []string, reasoned bool, do func(c centre.Clearing, submission string, list aml.Source, entity, why string) error) error {
	fs, dir, db := p.flags("SUBMISSION SOURCE ENTITY")
	why := new(string)
	required := []string{"data"}
	if reasoned {
		fs.StringVar(why, "why", "", "how it was found that they are two people; kept encrypted")
		required = append(required, "why")
	}
	operands, err := p.parse(fs, args, required...)
	if err != nil {
		return err
	}
	if len(operands) != 3 {
		fs.Usage()
		return errUsage
	}
	if len(*why) > maxWhy {
		return fault.New("why_too_long", fmt.Sprintf("the reason is longer than %d bytes", maxWhy), "shorten it", nil)
	}
	keys, err := vault.Load(filepath.Join(*dir, folderKeys))
	if err != nil {
		return fault.New("keys_unusable", "the centre's own keys cannot be used", "restore "+folderKeys+"/ from a backup, and see to its permissions", err)
	}
	s, err := open(ctx, *dir, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	err = do(centre.Clearing{Store: s, Vault: keys, Now: time.Now, NewID: newID}, operands[0], aml.Source(operands[1]), operands[2], *why)
	if errors.Is(err, store.ErrNotFound) {
		return fault.New("pair_unknown", "there is no such submission, list in force, entry or cleared pair", "server list hits and the submission's screening name them", err)
	}
	return err
}

// maxWhy bounds the reason for clearing a pair.
const maxWhy = 4 << 10

func listCleared(ctx context.Context, p *program, args []string) error {
	return p.reading(ctx, args, func(r store.Reader) error {
		all, err := r.AllCleared(ctx, 200)
		for _, c := range all {
			_, _ = fmt.Fprintf(p.out, "%s\t%s\t%s\t%s\tas of %s\tby %s\n", c.Submission, c.Source, c.Entity, c.Hash[:min(12, len(c.Hash))], day(c.At), c.Who)
		}
		return err
	})
}

func listHits(ctx context.Context, p *program, args []string) error {
	return p.reading(ctx, args, func(r store.Reader) error {
		all, err := r.OpenHits(ctx, 1000)
		for _, h := range all {
			_, _ = fmt.Fprintf(p.out, "%s\t%s\t%s\t%.1f\tsince %s\n", h.Submission, h.Source, h.Entity, h.Score, day(h.At))
		}
		return err
	})
}

// day writes a moment as lists are dated; "unknown" where a list says nothing.
func day(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("2006-01-02T15:04Z")
}

func age(d time.Duration) string {
	if d < 48*time.Hour {
		return d.Round(time.Minute).String()
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// stale gives the lists that are older than the default project's policy lets them be.
func (c *running) stale(ctx context.Context) ([]lists.Standing, error) {
	policy, err := centre.Policy(ctx, c.store.Read(), "default")
	if err != nil || !policy.AML.Screen {
		return nil, err
	}
	all, err := lists.Standings(ctx, c.store.Read())
	if err != nil {
		return nil, err
	}
	return lists.Stale(all, policy.AML.MaxAge, time.Now()), nil
}

// listed tells the console how the lists stand.
func (c *running) listed(ctx context.Context) (console.Lists, error) {
	read := c.store.Read()
	policy, err := centre.Policy(ctx, read, "default")
	if err != nil {
		return console.Lists{}, err
	}
	all, err := lists.Standings(ctx, read)
	if err != nil {
		return console.Lists{}, err
	}
	feeds, err := read.Feeds(ctx)
	if err != nil {
		return console.Lists{}, err
	}
	hits, err := read.OpenHits(ctx, 1000)
	if err != nil {
		return console.Lists{}, err
	}
	out := console.Lists{Hits: len(hits), MaxAge: policy.AML.MaxAge, Wanted: policy.AML.Screen}
	now := time.Now()
	for _, s := range all {
		one := console.List{
			Source: string(s.Source), Kind: string(s.Kind), Snapshot: s.Snapshot[:12], Entries: s.Entries, Issued: s.Issued, Confirmed: s.Confirmed,
			Stale: len(lists.Stale([]lists.Standing{s}, policy.AML.MaxAge, now)) > 0,
		}
		for _, f := range feeds {
			if f.Source == one.Source {
				one.Problem = f.Problem
			}
		}
		out.InForce = append(out.InForce, one)
	}
	out.External, out.Away = c.yente != nil, !c.screenerUp()
	return out, nil
}

// staleEvery is how often the log repeats that a list is too old.
const staleEvery = 24 * time.Hour

// warnStale logs that lists are older than the default project's policy lets them be,
// when it becomes so and then once a day.
func (c *running) warnStale(ctx context.Context) {
	old, err := c.stale(ctx)
	if err != nil {
		return // which the log says already
	}
	if len(old) == 0 {
		c.staleTold = time.Time{}
		return
	}
	if time.Since(c.staleTold) < staleEvery {
		return
	}
	c.staleTold = time.Now()
	for _, s := range old {
		c.log.WarnContext(ctx, "a list is too old", "code", problemStale, "list", string(s.Source), "confirmed", s.Confirmed, "hint", staleHint)
	}
}

// What is said of lists that are too old.
const (
	problemStale = "list_stale"
	staleHint    = "import the newest with server list import, or see why it cannot be fetched: server list"
)
