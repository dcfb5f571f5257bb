package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// centreForTests is a centre that runs, without vision.
type centreForTests struct {
	*running
	t         *testing.T
	data, url string
	base      string
	key       string // of its administrator
	stop      func() // and wait
}

// startCentre makes a centre and runs it; change may be nil.
func startCentre(t *testing.T, url string, log io.Writer, change func(*settings)) *centreForTests {
	t.Helper()
	dir := t.TempDir()
	c := &centreForTests{t: t, data: filepath.Join(dir, "centre"), url: url}
	c.key = run(t, "init", "-data", c.data, "-db", url)
	policy := filepath.Join(dir, "policy.json")
	require.NoError(t, os.WriteFile(policy, []byte(`{"version":"t1","recheck":false,"aml":{"screen":false}}`), 0o600))
	run(t, "policy", "apply", "-data", c.data, "-db", url, policy)
	s := settings{data: c.data, db: url, mqtt: "127.0.0.1:0", http: "127.0.0.1:0"}
	if change != nil {
		change(&s)
	}
	var err error
	c.running, err = prepare(context.Background(), s, slog.New(slog.NewJSONHandler(log, nil)))
	require.NoError(t, err)
	c.base = "http://" + c.listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- c.run(ctx) }()
	ended := false
	c.stop = func() {
		cancel()
		if !ended {
			ended = true
			require.NoError(t, <-stopped)
		}
	}
	t.Cleanup(c.stop)
	require.Eventually(t, func() bool { return status(c.base+"/readyz") == http.StatusOK }, time.Minute, 20*time.Millisecond)
	return c
}

// kiosk enrols one and puts it on line.
func (c *centreForTests) kiosk(name string) *kiosk {
	bundle := filepath.Join(c.t.TempDir(), "bundle")
	run(c.t, "kiosk", "add", "-data", c.data, "-db", c.url, "-name", name, "-country", "UTO", "-broker", dialable(c.broker.Addr()), "-out", bundle)
	return newKiosk(c.t, bundle)
}

// lockedBuffer is a log that a running centre writes and a test reads.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
