package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"vestibule/kiosk-ui/child"
)

// Brokers to choose from.
const (
	embedded  = "embedded"  // in the centre's own program
	mosquitto = "mosquitto" // Debian's, configured by `server broker mosquitto`
	natsd     = "nats"      // a NATS server, which speaks MQTT
)

func brokers() string { return embedded + ", " + mosquitto + ", " + natsd }

// pipe is a broker in a process of its own.
type pipe struct {
	addr, logs string
	argv       []string
	process    *child.Process
}

// openPipe makes a broker of that kind and starts it.
func (w *world) openPipe(ctx context.Context, addr string) (*pipe, error) {
	if w.broker != mosquitto && w.broker != natsd {
		return nil, fmt.Errorf("there is no broker %q; there are %s", w.broker, brokers())
	}
	dir := filepath.Join(w.dir, "broker")
	if _, err := w.tool(ctx, "", "server", "broker", "mosquitto", "--data", w.centre.data, "--out", dir, "--listen", addr); err != nil {
		return nil, err
	}
	p := &pipe{addr: addr, logs: w.centre.logs}
	if w.broker == natsd {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		p.argv = []string{self, "nats", "-dir", dir, "-listen", addr}
		return p, p.start(ctx)
	}
	conf := filepath.Join(dir, "mosquitto.conf")
	if os.Geteuid() == 0 { // it would become another user, who cannot read what is ours
		f, err := os.OpenFile(conf, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		if _, err := f.WriteString("user root\n"); err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	p.argv = []string{"mosquitto", "-c", conf}
	return p, p.start(ctx)
}

func (p *pipe) start(ctx context.Context) error {
	var err error
	if p.process, err = child.Start(p.logs, "broker", []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin"}, p.argv...); err != nil {
		return fmt.Errorf("%w (make chaos installs it)", err)
	}
	return p.process.Until(ctx, 10*time.Second, func() bool {
		c, err := net.DialTimeout("tcp", p.addr, time.Second)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}

// restart is a crash of the broker.
func (p *pipe) restart(ctx context.Context) error {
	p.process.Kill()
	return p.start(ctx)
}

func (p *pipe) kill() {
	if p != nil {
		p.process.Kill()
	}
}
