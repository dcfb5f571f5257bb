// Command load measures how much one centre carries: thousands of kiosks over mutual TLS, all in this one
// process, each with the product's own link and a queue in memory, against the real server program with its embedded
// broker and database. Client and server share the machine, so the figures are a lower bound.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"vestibule/models/evaluate/figures"
)

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "build/bin", "folder of the programs")
	flag.StringVar(&o.out, "out", "build/load", "folder for everything that is made; figures and the plot lie beside it")
	flag.IntVar(&o.kiosks, "kiosks", 2000, "kiosks")
	flag.Float64Var(&o.rate, "rate", 5000, "events a second, of all kiosks together")
	flag.DurationVar(&o.lasts, "for", time.Minute, "how long the load lasts")
	flag.DurationVar(&o.idle, "idle", 130*time.Second, "how long they only stay connected before memory is looked at: Go gives back what it does not need after two minutes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

type options struct {
	bin, out string
	kiosks   int
	rate     float64
	lasts    time.Duration
	idle     time.Duration
}

func run(ctx context.Context, o options) error {
	if o.kiosks < 1 || o.rate <= 0 || o.lasts < time.Second {
		return errors.New("give at least one kiosk, a rate and a second")
	}
	var err error
	for _, p := range []*string{&o.bin, &o.out} {
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	if err := moreFiles(); err != nil {
		return err
	}
	f := &fleet{options: o}
	defer f.close()
	if err := f.open(ctx); err != nil {
		return err
	}
	set, err := f.measure(ctx)
	if err != nil {
		return err
	}
	if err := figures.Merge(o.out+".json", set); err != nil {
		return err
	}
	if err := plot(o.out+".svg", f.samples); err != nil {
		return err
	}
	if err := set.Table(os.Stdout); err != nil {
		return err
	}
	fmt.Printf("\nfigures: %s.json  plot: %s.svg\n", o.out, o.out)
	return nil
}

// moreFiles lets this process have as many open files as the system allows: one connection a kiosk.
func moreFiles() error {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return err
	}
	r.Cur = r.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &r)
}
