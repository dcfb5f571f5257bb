package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/centre"
	"vestibule/server/policy"
	"vestibule/server/rule"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// one gives the one operand of a command.
func (p *program) one(operands []string, what string) (string, error) {
	if len(operands) != 1 {
		_, _ = fmt.Fprintf(p.errs, "server %s: give one %s\n", p.name, what)
		return "", errUsage
	}
	return operands[0], nil
}

// readPolicy reads a policy file and refuses it with everything that is wrong with it.
func readPolicy(path string) (journey.Policy, error) {
	text, err := readBounded(path, policy.MaxFile)
	if err != nil {
		return journey.Policy{}, fault.New("policy_unreadable", "the policy file cannot be read", "check the path", err)
	}
	p, found := policy.Read(text)
	if len(found) == 0 {
		return p, nil
	}
	var all []error
	for _, one := range found {
		if one.Pointer == "" {
			all = append(all, fault.New("policy_malformed", one.Message, "", nil))
			continue
		}
		all = append(all, fault.New("policy_field", one.Error(), "", nil))
	}
	all = append(all, fault.New("policy_refused", fmt.Sprintf("%d things are wrong with the policy file", len(found)),
		"server policy schema tells what each field may be, server policy show prints a whole one, server policy fields what rules may ask of", nil))
	return p, errors.Join(all...)
}

func policyCheck(_ context.Context, p *program, args []string) error {
	fs, _, _ := p.flags("FILE")
	operands, err := p.parse(fs, args)
	if err != nil {
		return err
	}
	file, err := p.one(operands, "file")
	if err != nil {
		return err
	}
	got, err := readPolicy(file)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.out, "%s\t%s\tnothing is wrong\n", got.Project, got.Version)
	return nil
}

func policySchema(_ context.Context, p *program, args []string) error {
	fs, _, _ := p.flags("")
	if _, err := p.parse(fs, args); err != nil {
		return err
	}
	text, err := policy.Schema()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "%s\n", text)
	return err
}

func policyDiff(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("FILE")
	operands, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	file, err := p.one(operands, "file")
	if err != nil {
		return err
	}
	to, err := readPolicy(file)
	if err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	from, err := centre.Policy(ctx, s.Read(), to.Project)
	if err != nil {
		return err
	}
	for _, c := range policy.Diff(from, to) {
		_, _ = fmt.Fprintln(p.out, c)
	}
	return nil
}

func policyApply(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("FILE")
	var first stage
	fs.StringVar(&first.names, "kiosks", "", "roll it out to these kiosks first, apart by commas; the others, and what is in force, stay as they are")
	fs.Float64Var(&first.share, "share", 0, "roll it out to so many percent of the project's kiosks first, at least one")
	operands, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	file, err := p.one(operands, "file")
	if err != nil {
		return err
	}
	got, err := readPolicy(file)
	if err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	if first != (stage{}) {
		return p.stage(ctx, s, *data, got, first)
	}
	return p.force(ctx, s, *data, got, store.PolicyApplied)
}

// force puts a policy in force and queues it for its project's kiosks.
func (p *program) force(ctx context.Context, s *store.Store, data string, policy journey.Policy, what string) error {
	orders, err := loadOrders(data)
	if err != nil {
		return err
	}
	now := time.Now()
	err = s.Write(ctx, func(tx *store.Tx) error {
		e, err := tx.ForcePolicy(ctx, policy, store.PolicyEntry{What: what, Who: "command line", At: now})
		if err != nil {
			return fault.New("policy_version", "the policy cannot be put in force", "give the file a new version", err)
		}
		if err := tx.EndStage(ctx, policy.Project); err != nil {
			return err
		}
		kiosks, err := members(ctx, tx.Reader, policy.Project)
		if err != nil {
			return err
		}
		for _, k := range kiosks {
			if err := orders.push(ctx, tx, k, policy, e, now); err != nil {
				return err
			}
		}
		return tx.Audit(ctx, newID(), "command line", "policy "+what, policy.Project+" "+policy.Version, now)
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.out, "%s\t%s\n", policy.Project, policy.Version)
	return nil
}

func policyRollback(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("VERSION")
	project := fs.String("project", "default", "project")
	operands, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	version, err := p.one(operands, "version")
	if err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	got, err := s.Read().PolicyVersion(ctx, *project, version)
	if errors.Is(err, store.ErrNotFound) {
		return fault.New("policy_unknown", "this project never had a policy of this version", "server policy history lists all", nil)
	}
	if err != nil {
		return err
	}
	if found := policy.Problems(got); len(found) > 0 {
		return fault.New("policy_outdated", "this version is no longer a valid policy: "+found[0].Error(),
			"write it to a file with server policy show -version "+version+", mend it, give it a new version and apply it", nil)
	}
	return p.force(ctx, s, *data, got, store.PolicyRolledBack)
}

func policyHistory(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	project := fs.String("project", "default", "project")
	limit := fs.Int("n", 50, "how many, newest first")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	list, err := s.Read().PolicyLog(ctx, *project, max(1, *limit))
	if err != nil {
		return fmt.Errorf("read policy history: %w", err)
	}
	inForce, err := s.Read().PolicyInForce(ctx, *project)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read policy: %w", err)
	}
	staged, at, err := s.Read().Stage(ctx, *project)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read roll-out: %w", err)
	}
	for _, e := range list {
		state := ""
		switch {
		case e.Number == inForce.Number:
			state = "in force"
		case len(at) > 0 && e.Number == staged.Number:
			state = fmt.Sprintf("at %d kiosks", len(at))
		}
		_, _ = fmt.Fprintf(p.out, "%d\t%s\t%s\t%s\t%s\t%s\n", e.Number, e.Version, e.What, e.At.Local().Format(time.DateTime), e.Who, state)
	}
	return nil
}

func policyShow(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	project := fs.String("project", "default", "project")
	version := fs.String("version", "", "an earlier version; empty: the one in force")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	var got journey.Policy
	if *version == "" {
		got, err = centre.Policy(ctx, s.Read(), *project)
	} else if got, err = s.Read().PolicyVersion(ctx, *project, *version); errors.Is(err, store.ErrNotFound) {
		return fault.New("policy_unknown", "this project never had a policy of this version", "server policy history lists all", nil)
	}
	if err != nil {
		return err
	}
	text, err := policy.Write(got)
	if err != nil {
		return err
	}
	_, err = p.out.Write(text)
	return err
}

func policyFields(_ context.Context, p *program, args []string) error {
	fs, _, _ := p.flags("")
	if _, err := p.parse(fs, args); err != nil {
		return err
	}
	for _, f := range rule.Fields() {
		_, _ = fmt.Fprintf(p.out, "%-26s %-13s %s\n", f.Name, f.Type, f.Does)
	}
	return nil
}

// policyTest runs cases under a policy file and fails when one comes out otherwise.
func policyTest(ctx context.Context, p *program, args []string) error {
	fs, _, _ := p.flags("FILE CASES")
	operands, err := p.parse(fs, args)
	if err != nil {
		return err
	}
	if len(operands) != 2 {
		_, _ = fmt.Fprintln(p.errs, "server policy test: give a policy file and a file of cases")
		return errUsage
	}
	got, err := readPolicy(operands[0])
	if err != nil {
		return err
	}
	text, err := readBounded(operands[1], policy.MaxCases)
	if err != nil {
		return fault.New("cases_unreadable", "the file of cases cannot be read", "check the path", err)
	}
	cases, err := policy.Cases(text)
	if err != nil {
		return fault.New("cases_malformed", "the file of cases is not understood", "docs/policy.md shows one", err)
	}
	engine := rule.New()
	failed := 0
	for _, c := range cases {
		ran, err := policy.Try(ctx, engine, got, c)
		if err != nil {
			return err
		}
		if len(ran.Wrong) == 0 {
			_, _ = fmt.Fprintf(p.out, "ok\t%s\n", c.Name)
			continue
		}
		failed++
		_, _ = fmt.Fprintf(p.out, "FAIL\t%s\t%s\n", c.Name, strings.Join(ran.Wrong, "; "))
	}
	if failed > 0 {
		return fault.New("cases_failed", fmt.Sprintf("%d of %d cases come out otherwise", failed, len(cases)), "mend the policy, or the case", nil)
	}
	return nil
}
