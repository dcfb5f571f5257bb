package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"vestibule/server/blobs"
	"vestibule/server/keep"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// keeping is what the commands about a person's data work with.
type keeping struct {
	*keep.Keeper
	store *store.Store
	find  person
	data  string
}

// person says whose data are meant.
type person struct {
	submission, email, user, applicant, project string
}

// keeping registers the flags that say whose data are meant, and opens the centre.
func (p *program) keeping(ctx context.Context, args []string, more func(fs *flag.FlagSet)) (*keeping, error) {
	fs, data, db := p.flags("")
	var who person
	fs.StringVar(&who.submission, "submission", "", "one submission, by its id")
	fs.StringVar(&who.email, "email", "", "all submissions with an e-mail address")
	fs.StringVar(&who.user, "userid", "", "all submissions of a user")
	fs.StringVar(&who.applicant, "applicant", "", "all submissions of an applicant")
	fs.StringVar(&who.project, "project", "", "of one project only")
	more(fs)
	if _, err := p.parse(fs, args, "data"); err != nil {
		return nil, err
	}
	return openKeeping(ctx, p, *data, *db, who)
}

func openKeeping(ctx context.Context, p *program, data, db string, who person) (*keeping, error) {
	s, v, err := openArchive(ctx, data, db)
	if err != nil {
		return nil, err
	}
	shelf, err := blobs.Open(filepath.Join(data, folderBlobs))
	if err != nil {
		_ = s.Close()
		return nil, fault.New("data_unusable", "the folder for sealed pictures cannot be written", "check owner and free space", err)
	}
	return &keeping{keep.New(keep.Config{
		Store: s, Blobs: shelf, Vault: v, Now: time.Now, NewID: newID, Log: slog.New(slog.NewTextHandler(p.errs, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}), s, who, data}, nil
}

// mostFound bounds how many submissions one command touches: more are rather a mistake than a person.
const mostFound = 1000

// submissions finds whom the flags mean.
func (k *keeping) submissions(ctx context.Context, hash func(purpose, value string) string) ([]string, error) {
	given := 0
	for _, v := range []string{k.find.submission, k.find.email, k.find.user, k.find.applicant} {
		if v != "" {
			given++
		}
	}
	if given != 1 {
		return nil, fault.New("person_unclear", "it is not clear who is meant", "give one of -submission, -email, -userid and -applicant", nil)
	}
	if k.find.submission != "" {
		return []string{k.find.submission}, nil
	}
	field, value := store.ByApplicant, k.find.applicant
	switch {
	case k.find.email != "":
		field, value = store.ByEmail, hash("email", strings.ToLower(strings.TrimSpace(k.find.email)))
	case k.find.user != "":
		field, value = store.ByUser, hash("user", k.find.user)
	}
	found, err := k.store.Read().FindBy(ctx, k.find.project, field, value, mostFound+1)
	if err != nil {
		return nil, fmt.Errorf("find the person: %w", err)
	}
	switch {
	case len(found) == 0:
		return nil, fault.New("person_unknown", "nobody is known under that", "it may be erased already; give the submission to see", nil)
	case len(found) > mostFound:
		return nil, fault.New("person_many", fmt.Sprintf("more than %d submissions are found under that", mostFound), "narrow it with -project, or give submissions", nil)
	}
	return found, nil
}

// eraseCommand erases a person's data, once it was looked at what would go.
func eraseCommand(ctx context.Context, p *program, args []string) error {
	var why, who *string
	var really, undecided *bool
	k, err := p.keeping(ctx, args, func(fs *flag.FlagSet) {
		why = fs.String("why", "", "reason: "+strings.Join(keep.Reasons(), ", "))
		who = fs.String("who", "command line", "who orders it, for the audit")
		really = fs.Bool("yes", false, "erase; without it, only what would go is listed")
		undecided = fs.Bool("undecided", false, "erase also what waits for a decision: it then gets none")
	})
	if err != nil {
		return err
	}
	defer k.store.Close()
	found, err := k.submissions(ctx, k.Hash)
	if err != nil {
		return err
	}
	var against []error
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "submission\tjourney\tdecision\tpictures\tface\trecords\ttexts\tinputs\treadable\tstate")
	for _, id := range found {
		plan, err := k.Plan(ctx, id, *undecided)
		if err != nil {
			return err
		}
		state := "to go"
		switch {
		case plan.Against != nil:
			state = fault.Code(plan.Against)
			against = append(against, plan.Against)
		case !plan.Readable:
			state = "erased"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%d\t%d\t%d\t%s\t%s\n", plan.Submission, plan.Journey, plan.Decision,
			plan.Pictures, yes(plan.Face), plan.Records, plan.Texts, plan.Inputs, yes(plan.Readable), state)
	}
	_ = table.Flush()
	if len(against) > 0 {
		return joined(against...) // all of a person or nothing: half is what nobody finds again
	}
	if !*really {
		_, _ = fmt.Fprintln(p.errs, "Nothing was erased. Decision, reason, codes and events stay; everything else goes with: -yes -why REASON")
		return nil
	}
	for _, id := range found {
		if err := k.Erase(ctx, keep.Order{Submission: id, Who: *who, Why: *why, Undecided: *undecided}); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(p.out, "erased\t%s\n", id)
	}
	_, _ = fmt.Fprintln(p.errs, "Backups are unreadable for it once the keys file is written anew: server backup keys -keys FILE, or the next server backup. Delete copies of older keys files.")
	return nil
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// holdAdd keeps submissions from being erased.
func holdAdd(ctx context.Context, p *program, args []string) error {
	var why, who *string
	k, err := p.keeping(ctx, args, func(fs *flag.FlagSet) {
		why = fs.String("why", "", "reference, such as a file number; no names")
		who = fs.String("who", "command line", "who orders it, for the audit")
	})
	if err != nil {
		return err
	}
	defer k.store.Close()
	found, err := k.submissions(ctx, k.Hash)
	if err != nil {
		return err
	}
	for _, id := range found {
		hold, err := k.Hold(ctx, id, *who, *why)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(p.out, "%s\t%s\n", hold, id)
	}
	return nil
}

// holdRemove ends holds.
func holdRemove(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("HOLD…")
	who := fs.String("who", "command line", "who orders it, for the audit")
	holds, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	if len(holds) == 0 {
		return fault.New("hold_unknown", "no hold is named", "server hold list", nil)
	}
	k, err := openKeeping(ctx, p, *data, *db, person{})
	if err != nil {
		return err
	}
	defer k.store.Close()
	for _, id := range holds {
		if err := k.Release(ctx, id, *who); err != nil {
			return err
		}
	}
	return nil
}

// holdList lists the holds.
func holdList(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	holds, err := s.Read().LegalHolds(ctx, mostFound)
	if err != nil {
		return fmt.Errorf("list holds: %w", err)
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "hold\tsubmission\tbegun\tby\tended\treference")
	for _, h := range holds {
		ended := "-"
		if !h.Ended.IsZero() {
			ended = h.Ended.Format(time.DateOnly) + " by " + h.EndedBy
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", h.ID, h.Submission, h.Begun.Format(time.DateOnly), h.Who, ended, h.Why)
	}
	return table.Flush()
}

// retentionPreview tells what the policies in force no longer keep.
func retentionPreview(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	k, err := openKeeping(ctx, p, *data, *db, person{})
	if err != nil {
		return err
	}
	defer k.store.Close()
	due, err := k.Preview(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "project\tkind\tkept for\tdue\tundecided or held")
	for _, d := range due {
		limit := "ever"
		if d.Limit > 0 {
			limit = d.Limit.String()
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\n", d.Project, d.Kind, limit, d.Due, d.Kept)
	}
	return table.Flush()
}
