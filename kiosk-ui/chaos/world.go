package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"vestibule/kiosk-ui/child"
)

// world is a centre, a broker and some kiosks, as processes.
type world struct {
	options
	dir    string
	seed   uint64
	steps  []string // what happened, for whoever reads a failure
	centre *centre
	kiosks []*station
}

func (w *world) told() string { return strings.Join(w.steps, ", ") }

// centre is the server's process, and the broker's where that is another one.
type centre struct {
	data, logs string
	argv       []string
	base       string
	server     *child.Process
	broker     *pipe   // nil: embedded in the server
	supply     *supply // nil: its disk is the machine's own
}

// station is a kiosk's process and its line.
type station struct {
	name, dir, data, bundle, logs string
	argv                          []string
	process                       *child.Process
	line                          *line
	disk                          *disk   // nil: it lies on the machine's own
	supply                        *supply // nil: its power cannot be cut
}

// open makes and starts everything.
func (w *world) open(ctx context.Context) error {
	logs := filepath.Join(w.dir, "logs")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return err
	}
	c := &centre{data: filepath.Join(w.dir, "centre"), logs: logs}
	w.centre = c
	if w.power {
		var err error
		if c.supply, err = plug(ctx, logs, c.data, "centre", w.deaf.centre); err != nil {
			return err
		}
		c.data = filepath.Join(c.data, "data")
	}
	if _, err := w.tool(ctx, "", "server", "init", "--data", c.data); err != nil {
		return err
	}
	policy, err := json.Marshal(chaosPolicy())
	if err != nil {
		return err
	}
	file := filepath.Join(w.dir, "policy.json")
	if err := os.WriteFile(file, policy, 0o600); err != nil {
		return err
	}
	if _, err := w.tool(ctx, "", "server", "policy", "apply", "--data", c.data, file); err != nil {
		return err
	}
	ports, err := child.FreePorts(3)
	if err != nil {
		return err
	}
	mqtt, http, enrol := ports[0], ports[1], ports[2]
	c.base = "http://" + http
	c.argv = []string{filepath.Join(w.bin, "server"), "serve", "--data", c.data, "--http", http, "--enrol", enrol, "--vision=false"}
	if w.broker == embedded {
		c.argv = append(c.argv, "--mqtt", mqtt)
	} else {
		if c.broker, err = w.openPipe(ctx, mqtt); err != nil {
			return err
		}
		c.argv = append(c.argv, "--broker", mqtt)
	}
	if err := c.start(ctx); err != nil {
		return err
	}
	for i := range w.options.kiosks {
		k, err := w.enrol(ctx, fmt.Sprintf("k%d", i+1), mqtt, enrol)
		if err != nil {
			return err
		}
		if err := k.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// enrol makes a kiosk: a token, a certificate, a line, and where it may be mounted a small disk.
func (w *world) enrol(ctx context.Context, name, mqtt, enrol string) (*station, error) {
	dir := filepath.Join(w.dir, name)
	k := &station{name: name, dir: dir, data: filepath.Join(dir, "data"), bundle: filepath.Join(dir, "bundle"), logs: filepath.Join(w.dir, "logs")}
	w.kiosks = append(w.kiosks, k)
	var err error
	if k.line, err = openLine(name, mqtt); err != nil {
		return nil, err
	}
	if w.power {
		at := filepath.Join(dir, "disk")
		if k.supply, err = plug(ctx, k.logs, at, name, w.deaf.kiosk); err != nil {
			return nil, err
		}
		k.disk, k.data, k.bundle = &disk{at}, filepath.Join(at, "data"), filepath.Join(at, "bundle")
	} else {
		if err := os.MkdirAll(k.data, 0o700); err != nil {
			return nil, err
		}
		if w.picture == 0 { // many large ones need a large disk
			if k.disk, err = mount(k.data); err != nil {
				return nil, err
			}
		}
	}
	token, err := w.tool(ctx, "", "server", "kiosk", "add", "--data", w.centre.data, "--name", name, "--country", "UTO", "--broker", k.line.addr())
	if err != nil {
		return nil, err
	}
	if _, err := w.tool(ctx, token, "kiosk-ui", "enrol", "-bundle", k.bundle, "-centre", enrol); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	k.argv = []string{self, "kiosk", "-dir", dir, "-data", k.data, "-bundle", k.bundle, "-picture", fmt.Sprint(w.picture)}
	return k, nil
}

// tool runs one of our programs to its end; in is what is typed.
func (w *world) tool(ctx context.Context, in, name string, args ...string) (string, error) {
	return child.Run(ctx, in, filepath.Join(w.bin, name), args...)
}

func (c *centre) start(ctx context.Context) error {
	var err error
	if c.server, err = child.Start(c.logs, "server", nil, c.argv...); err != nil {
		return err
	}
	return c.server.Until(ctx, 30*time.Second, func() bool { return child.Answers(c.base + "/healthz") })
}

func (k *station) start(context.Context) error {
	var err error
	k.process, err = child.Start(k.logs, k.name, nil, k.argv...)
	return err
}

// steer writes one of a kiosk's files, or removes it.
func (k *station) steer(file, text string) error {
	path := filepath.Join(k.dir, file)
	if text == "" {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// kill ends kiosks, centre and broker.
func (w *world) kill() {
	for _, k := range w.kiosks {
		k.process.Kill()
	}
	if w.centre != nil {
		w.centre.server.Kill()
		w.centre.broker.kill()
	}
}

// close ends what still runs.
func (w *world) close() {
	w.kill()
	for _, k := range w.kiosks {
		if k.line != nil {
			k.line.close()
		}
		if k.supply == nil {
			k.disk.unmount()
		}
		k.supply.unplug()
	}
	if w.centre != nil {
		w.centre.supply.unplug()
	}
}

// disk is a small file system that a kiosk's database lies on, so that it can be filled without harm to others.
type disk struct{ at string }

// diskSize is large enough for what a schedule makes.
const diskSize = "size=96m"

// mount makes one. Only root may; for others the database lies where it is, and the schedule leaves a full disk out.
func mount(at string) (*disk, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	if err := syscall.Mount("tmpfs", at, "tmpfs", 0, diskSize+",mode=0700"); err != nil {
		if err == syscall.EPERM { // root of a container without the right to
			return nil, nil
		}
		return nil, fmt.Errorf("mount a small disk: %w", err)
	}
	return &disk{at}, nil
}

func (d *disk) unmount() {
	if d != nil {
		_ = syscall.Unmount(d.at, syscall.MNT_DETACH) // what stays mounted goes with the machine
	}
}

// ballast is the file that fills a disk.
func (d *disk) ballast() string { return filepath.Join(d.at, "ballast") }

// fill leaves no room on it.
func (d *disk) fill() error {
	f, err := os.Create(d.ballast())
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for {
		if _, err := f.Write(block); err != nil {
			return nil
		}
	}
}

// drop makes room again.
func (d *disk) drop() error {
	if err := os.Remove(d.ballast()); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
