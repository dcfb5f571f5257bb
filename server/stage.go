package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// stage says to whom a policy is rolled out first.
type stage struct {
	names string
	share float64 // percent
}

// members names a project's kiosks that are not revoked.
func members(ctx context.Context, r store.Reader, project string) ([]string, error) {
	all, err := r.Kiosks(ctx)
	if err != nil {
		return nil, fmt.Errorf("read kiosks: %w", err)
	}
	var names []string
	for _, k := range all {
		if k.Project == project && k.Revoked.IsZero() {
			names = append(names, k.ID)
		}
	}
	return names, nil
}

// choose picks among a project's kiosks. Which ones a share takes follows from the version, so that it is not always
// the same who goes first.
func (s stage) choose(of []string, version string) ([]string, error) {
	if s.names != "" && s.share != 0 {
		return nil, fault.New("stage_unclear", "-kiosks and -share exclude each other", "give one of them", nil)
	}
	if s.names != "" {
		var chosen []string
		for name := range strings.SplitSeq(s.names, ",") {
			if name = strings.TrimSpace(name); !slices.Contains(of, name) {
				return nil, fault.New("kiosk_unknown", "the project has no kiosk "+name+" that is not revoked", "server kiosk list shows all", nil)
			}
			if !slices.Contains(chosen, name) {
				chosen = append(chosen, name)
			}
		}
		return chosen, nil
	}
	if !(s.share > 0 && s.share < 100) {
		return nil, fault.New("stage_unclear", "a share is more than 0 and less than 100 percent", "leave -share out for all kiosks", nil)
	}
	if len(of) == 0 {
		return nil, fault.New("stage_empty", "the project has no kiosk", "server kiosk add", nil)
	}
	place := func(kiosk string) string {
		sum := sha256.Sum256([]byte(version + "\x00" + kiosk))
		return string(sum[:])
	}
	sorted := slices.SortedFunc(slices.Values(of), func(a, b string) int { return cmp.Compare(place(a), place(b)) })
	return sorted[:max(1, int(math.Round(s.share/100*float64(len(of)))))], nil
}

// stage rolls a policy out to some kiosks. Their visits are decided by it, all others by the one in force.
func (p *program) stage(ctx context.Context, s *store.Store, data string, policy journey.Policy, first stage) error {
	orders, err := loadOrders(data)
	if err != nil {
		return err
	}
	now := time.Now()
	var chosen []string
	err = s.Write(ctx, func(tx *store.Tx) error {
		if open, _, err := tx.Stage(ctx, policy.Project); err == nil {
			return fault.New("policy_staged", "version "+open.Version+" is being rolled out already", "apply it for all, or server policy unstage", nil)
		} else if !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("read roll-out: %w", err)
		}
		all, err := members(ctx, tx.Reader, policy.Project)
		if err != nil {
			return err
		}
		if chosen, err = first.choose(all, policy.Version); err != nil {
			return err
		}
		e, err := tx.ForcePolicy(ctx, policy, store.PolicyEntry{What: store.PolicyStaged, Who: "command line", At: now})
		if err != nil {
			return fault.New("policy_version", "the policy cannot be rolled out", "give the file a new version", err)
		}
		if err := tx.StagePolicy(ctx, e, chosen); err != nil {
			return err
		}
		for _, k := range chosen {
			if err := orders.push(ctx, tx, k, policy, e, now); err != nil {
				return err
			}
		}
		return tx.Audit(ctx, newID(), "command line", "policy "+store.PolicyStaged, fmt.Sprintf("%s %s %d kiosks", policy.Project, policy.Version, len(chosen)), now)
	})
	if err != nil {
		return err
	}
	slices.Sort(chosen)
	_, _ = fmt.Fprintf(p.out, "%s\t%s\tat %s\n", policy.Project, policy.Version, strings.Join(chosen, ","))
	return nil
}

// policyUnstage ends a roll-out: its kiosks go back to what is in force.
func policyUnstage(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	project := fs.String("project", "default", "project")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	orders, err := loadOrders(*data)
	if err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	now := time.Now()
	return s.Write(ctx, func(tx *store.Tx) error {
		open, kiosks, err := tx.Stage(ctx, *project)
		if errors.Is(err, store.ErrNotFound) {
			return fault.New("policy_not_staged", "no policy is being rolled out", "server policy history shows what is in force", nil)
		}
		if err != nil {
			return fmt.Errorf("read roll-out: %w", err)
		}
		back, err := tx.Policy(ctx, *project)
		if errors.Is(err, store.ErrNotFound) {
			return fault.New("policy_first", "there is none in force to go back to", "apply one for all kiosks", nil)
		}
		if err != nil {
			return fmt.Errorf("read policy: %w", err)
		}
		e, err := tx.ForcePolicy(ctx, back, store.PolicyEntry{What: store.PolicyUnstaged, Who: "command line", At: now})
		if err != nil {
			return err
		}
		if err := tx.EndStage(ctx, *project); err != nil {
			return err
		}
		for _, k := range kiosks {
			if err := orders.push(ctx, tx, k, back, e, now); err != nil {
				return err
			}
		}
		return tx.Audit(ctx, newID(), "command line", "policy "+store.PolicyUnstaged, *project+" "+open.Version, now)
	})
}
