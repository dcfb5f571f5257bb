package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vestibule/server/broker"
	"vestibule/server/store"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
)

// brokerMosquitto writes what a Mosquitto needs to stand in for the embedded broker.
func brokerMosquitto(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	out := fs.String("out", "", "folder to write to")
	listen := fs.String("listen", "0.0.0.0:8883", "address at which the broker listens")
	hosts := fs.String("hosts", "", "names and addresses under which it is reached, separated by commas")
	if _, err := p.parse(fs, args, "data", "out"); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	branches, err := trusted(ctx, s)
	if err != nil {
		return err
	}
	ca, err := identity.LoadCA(filepath.Join(*data, folderIdentity))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o700); err != nil {
		return fault.New("out_unusable", "the folder cannot be made", "check the path and its owner", err)
	}
	// A broker that is set up already keeps its certificate: only its rights are written anew.
	have, err := identity.LoadCentre(*out)
	if err != nil || have.Cert.CheckSignatureFrom(ca.Cert) != nil || *hosts != "" {
		cert, err := ca.IssueCentre(strings.Split(*hosts, ","), time.Now())
		if err != nil {
			return err
		}
		if err := identity.SaveCentre(*out, ca, cert); err != nil {
			return err
		}
	}
	if err := broker.WriteMosquitto(*out, *listen, branches); err != nil {
		return fault.New("out_unusable", "the configuration cannot be written", "give --listen as host:port; check owner and free space", err)
	}
	_, _ = fmt.Fprintf(p.errs, "Start it with: mosquitto -c %s\nand the centre with: server serve --broker HOST:PORT\n", filepath.Join(*out, "mosquitto.conf"))
	return nil
}

// trusted lists the branches that are not revoked, each with those of its kiosks that are not.
func trusted(ctx context.Context, s *store.Store) ([]broker.Branch, error) {
	branches, err := s.Read().Branches(ctx)
	if err != nil {
		return nil, err
	}
	kiosks, err := s.Read().Kiosks(ctx)
	if err != nil {
		return nil, err
	}
	revoked := map[string]bool{}
	for _, k := range kiosks {
		revoked[k.ID] = !k.Revoked.IsZero()
	}
	var out []broker.Branch
	for _, b := range branches {
		if b.Revoked.IsZero() {
			out = append(out, broker.Branch{Name: b.Name, Kiosks: slices.DeleteFunc(b.Kiosks, func(k string) bool { return revoked[k] })})
		}
	}
	return out, nil
}

// Bounds of what may wait at a branch's box for the line, bytes. A kiosk keeps what the centre has not
// acknowledged, so a large queue carries little more than copies; it has to hold what is under way.
const (
	queueLeast   = 1 << 20
	queueDefault = 16 << 20
	queueMost    = 1 << 30
)

// brokerBridge writes what the box of a branch needs, and notes which kiosks it may speak for.
func brokerBridge(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	out := fs.String("out", "", "folder to write to; one that is there is brought up to date, its keys stay")
	branch := fs.String("branch", "", "the branch's name: letters, digits, - and _")
	kiosks := fs.String("kiosks", "", "kiosks to put into the branch, separated by commas; those that are in it stay")
	centre := fs.String("centre", "", "host:port of the centre's broker; its certificate must hold the host (server init --hosts)")
	listen := fs.String("listen", "0.0.0.0:8883", "address at which the box listens for its kiosks")
	hosts := fs.String("hosts", "", "names and addresses under which the box is reached, separated by commas")
	view := fs.String("view", "", "host:port at which the branch's view reaches the box; empty: the port of --listen on this host")
	queue := fs.Int64("queue", queueDefault, "bytes that may wait at the box for the line")
	if _, err := p.parse(fs, args, "data", "out", "branch", "centre"); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(*listen)
	if err != nil {
		return fault.New("branch_listen", "the box's address is not host:port", "give --listen as 0.0.0.0:8883", err)
	}
	if _, _, err := net.SplitHostPort(*centre); err != nil {
		return fault.New("branch_centre", "the centre's address is not host:port", "give --centre as centre.example.org:8883", err)
	}
	if *queue < queueLeast || *queue > queueMost {
		return fault.New("branch_queue", fmt.Sprintf("%d bytes cannot be the queue's bound", *queue), fmt.Sprintf("give %d to %d", queueLeast, queueMost), nil)
	}
	if *view == "" {
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		*view = net.JoinHostPort(host, port)
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	ca, err := identity.LoadCA(filepath.Join(*data, folderIdentity))
	if err != nil {
		return err
	}
	if err := join(ctx, s, *branch, splitWords(*kiosks)); err != nil {
		return err
	}
	box, err := boxOf(ctx, s, *branch)
	if err != nil {
		return err
	}
	now := time.Now()
	if err := identity.WriteBranch(*out, ca, *branch, splitWords(*hosts), now); err != nil {
		return err
	}
	info := identity.ViewerInfo{Branch: *branch, Broker: *view, Kiosks: box.Kiosks}
	if err := identity.WriteViewer(filepath.Join(*out, "viewer"), ca, info, now); err != nil {
		return err
	}
	if err := broker.WriteBox(*out, broker.Box{Branch: box, Listen: *listen, Centre: *centre, Queue: *queue}); err != nil {
		return fault.New("out_unusable", "the configuration cannot be written", "check owner and free space", err)
	}
	_, _ = fmt.Fprintf(p.errs, `Carry %[1]s to the branch's box; it holds keys. There: mosquitto -c %[2]s
The view of the branch, there or on another machine with %[3]s: kiosk-ui branch -identity %[3]s -data DIR
A centre with a Mosquitto of its own has to be told: server broker mosquitto, then kill -HUP
`, *out, filepath.Join(*out, "mosquitto.conf"), filepath.Join(*out, "viewer"))
	for _, k := range box.Kiosks {
		_, _ = fmt.Fprintf(p.out, "%s\t%s\n", *branch, k)
	}
	return nil
}

// boxOf finds a branch that is not revoked.
func boxOf(ctx context.Context, s *store.Store, name string) (broker.Branch, error) {
	all, err := trusted(ctx, s)
	if err != nil {
		return broker.Branch{}, err
	}
	i := slices.IndexFunc(all, func(b broker.Branch) bool { return b.Name == name })
	if i < 0 {
		return broker.Branch{}, fault.New("branch_revoked", "this branch was revoked", "make one under another name", nil)
	}
	return all[i], nil
}

// splitWords reads a list separated by commas.
func splitWords(list string) (out []string) {
	for w := range strings.SplitSeq(list, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// join puts kiosks into a branch, which is made if there is none of this name.
func join(ctx context.Context, s *store.Store, branch string, kiosks []string) error {
	if err := identity.CheckBranch(branch); err != nil {
		return err
	}
	for _, k := range kiosks {
		if err := identity.CheckKioskName(k); err != nil {
			return err
		}
	}
	now := time.Now()
	return s.Write(ctx, func(tx *store.Tx) error {
		if err := tx.AddBranch(ctx, branch, now); err != nil {
			return err
		}
		for _, k := range kiosks {
			if err := tx.JoinBranch(ctx, branch, k); err != nil {
				return err
			}
			if err := tx.Audit(ctx, newID(), "command line", "branch join "+branch, k, now); err != nil {
				return err
			}
		}
		return nil
	})
}

func branchList(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	all, err := s.Read().Branches(ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		state := "in force"
		if !b.Revoked.IsZero() {
			state = "revoked"
		}
		_, _ = fmt.Fprintf(p.out, "%s\t%s\t%s\n", b.Name, state, strings.Join(b.Kiosks, " "))
	}
	return nil
}

// branchOperand runs a command on the one name that it is given.
func branchOperand(ctx context.Context, p *program, args []string, operand, done string, change func(tx *store.Tx, name string, at time.Time) error) error {
	fs, data, db := p.flags(operand)
	operands, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	if len(operands) != 1 {
		_, _ = fmt.Fprintf(p.errs, "server %s: give one %s\n", p.name, operand)
		return errUsage
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	now := time.Now()
	err = s.Write(ctx, func(tx *store.Tx) error {
		if err := change(tx, operands[0], now); err != nil {
			return err
		}
		return tx.Audit(ctx, newID(), "command line", p.name, operands[0], now)
	})
	if errors.Is(err, store.ErrNotFound) {
		return fault.New("branch_unknown", "there is none of this name, or it is done already", "server branch list shows all", nil)
	}
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.out, "%s\t%s\n", operands[0], done)
	return nil
}

func branchRevoke(ctx context.Context, p *program, args []string) error {
	return branchOperand(ctx, p, args, "BRANCH", "revoked", func(tx *store.Tx, name string, at time.Time) error {
		return tx.RevokeBranch(ctx, name, at)
	})
}

func branchLeave(ctx context.Context, p *program, args []string) error {
	return branchOperand(ctx, p, args, "KIOSK", "left its branch", func(tx *store.Tx, name string, _ time.Time) error {
		return tx.LeaveBranch(ctx, name)
	})
}
