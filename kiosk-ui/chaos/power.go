package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"vestibule/kiosk-ui/child"
	"vestibule/sync/powerloss"
)

// diskMain serves one disk that can lose its power, and is told over a socket when.
func diskMain(args []string) int {
	f := flag.NewFlagSet("chaos disk", flag.ContinueOnError)
	at := f.String("at", "", "folder at which it is mounted")
	socket := f.String("socket", "", "where it is told what to do")
	deaf := f.String("deaf", "", "files whose syncs it does not hear")
	if f.Parse(args) != nil {
		return 2
	}
	if err := serveDisk(*at, *socket, *deaf); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func serveDisk(at, socket, deaf string) error {
	m, err := powerloss.Open(at, powerloss.New(powerloss.Deaf(deaf)))
	if err != nil {
		return err
	}
	server := rpc.NewServer()
	if err := server.RegisterName("Disk", &switchboard{m}); err != nil {
		return err
	}
	ln, err := net.Listen("unix", socket)
	if err != nil {
		return errors.Join(err, m.Close())
	}
	go server.Accept(ln)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	<-stop
	return m.Close()
}

// switchboard is what a disk can be told.
type switchboard struct{ m *powerloss.Mount }

// Cut is how its power goes.
type Cut struct {
	Mercy powerloss.Mercy
	Seed  uint64
}

// Nothing is what there is to say besides.
type Nothing struct{}

// Freeze is the moment of the cut.
func (s *switchboard) Freeze(Nothing, *Nothing) error { s.m.Freeze(); return nil }

// Release lets the killed go.
func (s *switchboard) Release(Nothing, *Nothing) error { s.m.Release(); return nil }

// Cut takes away what was not synced.
func (s *switchboard) Cut(c Cut, _ *Nothing) error { return s.m.Cut(c.Mercy, c.Seed) }

// Settle syncs everything.
func (s *switchboard) Settle(Nothing, *Nothing) error { s.m.Disk.Settle(); return nil }

// supply is one machine's power and its disk, which is a process of its own: who waits for a disk must not be who
// serves it.
type supply struct {
	at      string
	process *child.Process
	line    *rpc.Client
}

// plug mounts a disk at a folder, which it makes.
func plug(ctx context.Context, logs, at, name, deaf string) (*supply, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(at, 0o700); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "chaos") // a socket's path has to be short
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "disk")
	s := &supply{at: at}
	if s.process, err = child.Start(logs, "disk-"+name, nil, self, "disk", "-at", at, "-socket", socket, "-deaf", deaf); err != nil {
		return nil, err
	}
	err = s.process.Until(ctx, 20*time.Second, func() bool {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			s.line = rpc.NewClient(conn)
		}
		return err == nil
	})
	if err != nil {
		s.unplug()
		return nil, fmt.Errorf("a disk that can lose its power: %w", err)
	}
	return s, nil
}

func (s *supply) tell(what string, how any) error {
	if err := s.line.Call("Disk."+what, how, &Nothing{}); err != nil {
		return fmt.Errorf("%s disk: %w", what, err)
	}
	return nil
}

func (s *supply) unplug() {
	if s == nil {
		return
	}
	s.process.Stop()
	if s.line != nil {
		_ = s.line.Close()
	}
	_ = syscall.Unmount(s.at, syscall.MNT_DETACH) // if it could not
}

// keep copies what is on a disk beside it: the disk ends with its process, and who looks for a fault wants to see it.
func (s *supply) keep() error {
	if s == nil {
		return nil
	}
	return os.CopyFS(s.at+".kept", os.DirFS(s.at))
}

// machine is whatever loses its power as a whole.
type machine interface {
	power() *supply
	processes() []*child.Process
	start(context.Context) error
}

func (k *station) power() *supply              { return k.supply }
func (k *station) processes() []*child.Process { return []*child.Process{k.process} }
func (c *centre) power() *supply               { return c.supply }
func (c *centre) processes() []*child.Process  { return []*child.Process{c.server} }

func (w *world) everybody() []machine {
	all := []machine{w.centre}
	for _, k := range w.kiosks {
		all = append(all, k)
	}
	return all
}

// cutPower stops the disks in one moment, kills whoever works on them, and takes away what was not synced.
func cutPower(mercy powerloss.Mercy, seed uint64, who ...machine) error {
	for _, m := range who {
		if err := m.power().tell("Freeze", Nothing{}); err != nil {
			return err
		}
	}
	for _, m := range who {
		for _, p := range m.processes() {
			p.Strike() // before the disk lets go of it: it must not see a disk fail
		}
	}
	for _, m := range who {
		if err := m.power().tell("Release", Nothing{}); err != nil {
			return err
		}
		for _, p := range m.processes() {
			p.Kill()
		}
		if err := m.power().tell("Cut", Cut{mercy, seed}); err != nil {
			return err
		}
	}
	return nil
}

// settle syncs every disk.
func (w *world) settle() error {
	for _, m := range w.everybody() {
		if err := m.power().tell("Settle", Nothing{}); err != nil {
			return err
		}
	}
	return nil
}
