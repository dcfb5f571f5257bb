package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What tells where a PostgreSQL with pgvector is: the URL of a database that may be
// written to, or the folder of the npm packages that `make vectors` installs.
const (
	vectorsURL = "VESTIBULE_VECTORS_URL"
	vectorsDir = "VESTIBULE_VECTORS"
)

// Vectors is a private PostgreSQL with the extension vector. Debian 12 has none, so it
// is PGlite: PostgreSQL and pgvector themselves, compiled for a virtual machine. Several
// connections share one session there, so statements are not prepared by name. The zero value starts with its first use.
type Vectors struct {
	once sync.Once
	err  error
	url  string
	cmd  *exec.Cmd
}

// URL gives the database's URL. Without one tests fail, they are never skipped.
func (v *Vectors) URL(t testing.TB) string {
	t.Helper()
	v.once.Do(func() { v.err = v.start() })
	if v.err != nil {
		t.Fatalf("PostgreSQL with pgvector: %v (run: make vectors)", v.err)
	}
	return v.url
}

// customEvent is what Debian 12's Node 18 lacks and the server uses.
const customEvent = `globalThis.CustomEvent ??= class CustomEvent extends Event {
  constructor(type, options = {}) { super(type, options); this.detail = options.detail ?? null }
}
`

func (v *Vectors) start() error {
	if v.url = os.Getenv(vectorsURL); v.url != "" {
		return nil
	}
	dir, err := packages()
	if err != nil {
		return err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := free.Addr().(*net.TCPAddr).Port
	_ = free.Close()
	shim, err := os.CreateTemp("", "vestibule-*.cjs")
	if err != nil {
		return err
	}
	defer os.Remove(shim.Name())
	if _, err := shim.WriteString(customEvent); err != nil {
		return err
	}
	if err := shim.Close(); err != nil {
		return err
	}
	v.cmd = exec.Command("node", "--require", shim.Name(), filepath.Join(dir, "node_modules", ".bin", "pglite-server"),
		"-p", strconv.Itoa(port), "-m", "20", "-e", "@electric-sql/pglite-pgvector:vector")
	v.cmd.Dir = dir
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := v.cmd.Start(); err != nil {
		return err
	}
	v.url = fmt.Sprintf("postgres://postgres:postgres@127.0.0.1:%d/postgres?sslmode=disable&default_query_exec_mode=exec", port)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		db, err := sql.Open("pgx", v.url)
		if err != nil {
			return err
		}
		err = db.PingContext(ctx)
		_ = db.Close()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			v.Stop()
			return fmt.Errorf("it does not answer: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// packages finds the folder: told, or build/vectors of this tree.
func packages() (string, error) {
	if dir := os.Getenv(vectorsDir); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			found := filepath.Join(dir, "build", "vectors")
			_, err := os.Stat(found)
			return found, err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod above this folder")
		}
		dir = filepath.Dir(dir)
	}
}

// Stop ends it.
func (v *Vectors) Stop() {
	if v.cmd == nil || v.cmd.Process == nil {
		return
	}
	_ = v.cmd.Process.Kill()
	_ = v.cmd.Wait()
	v.cmd = nil
}
