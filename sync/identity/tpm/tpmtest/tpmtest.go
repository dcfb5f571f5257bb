// Package tpmtest starts TPMs for tests: swtpm, an emulator of a whole TPM 2.0.
//
// What may live here: starting and ending it. What may not: anything a program uses.
package tpmtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"
	"github.com/stretchr/testify/require"
)

// TPM is one emulated TPM. What it holds lasts over Stop and Start, as in a machine that is switched off.
type TPM struct {
	Device string // where it answers
	dir    string
	cmd    *exec.Cmd
}

// New starts a TPM that nobody has used before.
func New(tb testing.TB) *TPM {
	tb.Helper()
	dir, err := os.MkdirTemp("", "tpm") // the names of sockets are short
	require.NoError(tb, err)
	t := &TPM{Device: filepath.Join(dir, "tpm.sock"), dir: dir}
	tb.Cleanup(func() {
		t.Stop(tb)
		_ = os.RemoveAll(dir)
	})
	t.Start(tb)
	return t
}

// Start switches it on.
func (t *TPM) Start(tb testing.TB) {
	tb.Helper()
	path, err := exec.LookPath("swtpm")
	require.NoError(tb, err, "swtpm is missing; install what tests need with: make deps")
	t.cmd = exec.Command(path, "socket", "--tpm2", "--tpmstate", "dir="+t.dir, "--server", "type=unixio,path="+t.Device, "--flags", "not-need-init,startup-clear")
	require.NoError(tb, t.cmd.Start())
	require.Eventually(tb, func() bool { return t.answers() }, 20*time.Second, 20*time.Millisecond, "swtpm does not answer")
}

func (t *TPM) answers() bool {
	d, err := linuxudstpm.Open(t.Device)
	if err != nil {
		return false
	}
	defer d.Close()
	_, err = tpm2.GetRandom{BytesRequested: 8}.Execute(d)
	return err == nil
}

// Stop switches it off.
func (t *TPM) Stop(tb testing.TB) {
	tb.Helper()
	if t.cmd == nil {
		return
	}
	_ = t.cmd.Process.Kill()
	_ = t.cmd.Wait()
	t.cmd = nil
	_ = os.Remove(t.Device)
}
