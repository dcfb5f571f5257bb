package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"vestibule/journey"
	"vestibule/server/centre"
	"vestibule/server/rollout"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// advisoryShow lists the roll-outs by which kiosks note likely duplicates.
func advisoryShow(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	issues, err := s.Read().AdvisoryIssues(ctx, "")
	if err != nil {
		return err
	}
	for n, i := range issues {
		people, err := s.Read().AdvisoryPeople(ctx, i.Project)
		if err != nil {
			return err
		}
		due, err := s.Read().AdvisoryWaiting(ctx, i)
		if err != nil {
			return err
		}
		state := "in force"
		switch {
		case i.Whole.IsZero():
			state = "being filled"
		case n > 0 && issues[n-1].Project == i.Project && !issues[n-1].Whole.IsZero():
			state = "replaced"
		}
		_, _ = fmt.Fprintf(p.out, "%s\tsalt of %s\t%s\t%d people, %d to be added\t%d bits, chance hits 1 in %d\n",
			i.Project, i.Made.Format(time.DateOnly), state, people, due, i.Bits, (uint64(1)<<i.Bits)/uint64(max(people, 1)))
	}
	return nil
}

// advisoryRenew gives a project's roll-out a new salt.
func advisoryRenew(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	project := fs.String("project", "default", "project whose roll-out is made anew")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	projects, err := s.Read().KioskProjects(ctx)
	if err != nil {
		return err
	}
	policy, err := centre.Policy(ctx, s.Read(), *project)
	switch {
	case err != nil:
		return err
	case !slices.Contains(projects, *project):
		return fault.New("project_unknown", "no kiosk is enrolled for project "+*project, "server kiosk list shows the projects", nil)
	case policy.Duplicates.Local == journey.LocalOff:
		return fault.New("advisory_off", "the policy of project "+*project+" wants nothing rolled out", "set duplicates.local to note first", nil)
	}
	now := time.Now()
	if err := rollout.Renew(ctx, s, rand.Reader, *project, now); err != nil {
		return err
	}
	if err := s.Write(ctx, func(tx *store.Tx) error { return tx.Audit(ctx, newID(), commandLine, p.name, *project, now) }); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.out, "%s\ta running centre fills the new roll-out, and kiosks get it once it is whole\n", *project)
	return nil
}
