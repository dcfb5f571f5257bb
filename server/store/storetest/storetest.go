// Package storetest lends tests a database of each kind: SQLite in a temporary
// folder, and a PostgreSQL that it starts for the test binary and stops again.
//
// What may live here: starting and stopping. What may not: expectations. Without
// PostgreSQL on the machine tests fail, they are never skipped: the centre
// promises both.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"vestibule/server/store"
)

// Cluster is a private PostgreSQL. The zero value starts with its first use.
type Cluster struct {
	// Durable waits for the disk at every commit, as PostgreSQL does by itself, and has memory to work with: for
	// benchmarks.
	Durable bool

	once   sync.Once
	err    error
	dir    string
	bin    string
	as     *syscall.Credential
	number atomic.Int64
}

// Main runs a test binary's tests with a cluster and stops it at the end. It
// returns the code to exit with.
func Main(m *testing.M, c *Cluster) int {
	defer c.Stop()
	return m.Run()
}

// Each runs a test once on every kind of database, each time on an empty one.
func (c *Cluster) Each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("on SQLite", func(t *testing.T) { test(t, c.open(t, t.TempDir())) })
	t.Run("on PostgreSQL", func(t *testing.T) { test(t, c.open(t, c.Database(t))) })
}

func (c *Cluster) open(t *testing.T, dsn string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), dsn)
	if err != nil {
		t.Fatalf("open %s: %v", dsn, err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Database makes an empty database with the tables in it and gives its URL.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	c.once.Do(func() { c.err = c.start() })
	if c.err != nil {
		t.Fatalf("PostgreSQL: %v (install Debian's postgresql: make deps)", c.err)
	}
	name := "t" + strconv.FormatInt(c.number.Add(1), 10)
	if err := c.admin("CREATE DATABASE " + name + " TEMPLATE ready"); err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	return c.url(name)
}

// Size is how many bytes the files of a database occupy, indexes included.
func (c *Cluster) Size(t testing.TB, dsn string) (n int64) {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`SELECT pg_database_size(current_database())`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (c *Cluster) url(database string) string {
	return "postgres://postgres@/" + database + "?host=" + url.QueryEscape(c.dir) + "&sslmode=disable"
}

func (c *Cluster) admin(statement string) error {
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(statement)
	return err
}

// start makes a cluster that listens on a socket in its own folder only.
func (c *Cluster) start() error {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		path, lookErr := exec.LookPath("initdb")
		if lookErr != nil {
			return fmt.Errorf("initdb is not installed")
		}
		found = []string{path}
	}
	c.bin = filepath.Dir(found[len(found)-1])
	// Not t.TempDir: its path may be too long for a socket, and other users cannot enter it.
	if c.dir, err = os.MkdirTemp("/tmp", "vestibule-pg-"); err != nil {
		return err
	}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		owner, err := user.Lookup("postgres")
		if err != nil {
			return err
		}
		uid, _ := strconv.Atoi(owner.Uid)
		gid, _ := strconv.Atoi(owner.Gid)
		if err := os.Chown(c.dir, uid, gid); err != nil {
			return err
		}
		c.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	data := filepath.Join(c.dir, "data")
	if err := c.run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"); err != nil {
		return err
	}
	// What is tested is what statements do, not what a power cut does: no fsync.
	settings := []string{"-c fsync=off", "-c synchronous_commit=off", "-c shared_buffers=32MB"}
	if c.Durable {
		settings = []string{"-c shared_buffers=512MB", "-c max_wal_size=2GB"}
	}
	options := strings.Join(append(settings, "-k", c.dir, "-c listen_addresses=''", "-c max_connections=200"), " ")
	if err := c.run("pg_ctl", "-D", data, "-l", filepath.Join(c.dir, "log"), "-o", options, "-w", "-t", "60", "start"); err != nil {
		return err
	}
	if err := c.admin("CREATE DATABASE ready"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := store.Open(ctx, c.url("ready"))
	if err != nil {
		return err
	}
	return s.Close()
}

func (c *Cluster) run(program string, args ...string) error {
	cmd := exec.Command(filepath.Join(c.bin, program), args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	out, err := os.CreateTemp(c.dir, "out") // a pipe would stay open in the server that pg_ctl leaves behind
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w: %s", program, err, text)
	}
	return nil
}

// Stop ends the cluster and removes its folder.
func (c *Cluster) Stop() {
	if c.dir == "" {
		return
	}
	_ = c.run("pg_ctl", "-D", filepath.Join(c.dir, "data"), "-m", "immediate", "-w", "stop")
	_ = os.RemoveAll(c.dir)
}
