package speech

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// program puts a script in the place of the speech program.
func program(t *testing.T, script string) (*Voice, string) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "espeak-ng"), []byte("#!/bin/sh\n"+script), 0o700))
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	v, ok := Find(slog.New(slog.DiscardHandler))
	require.True(t, ok)
	return v, dir
}

func TestASentenceIsReadFromStandardInputInItsLanguage(t *testing.T) {
	v, dir := program(t, `echo "$@" > "$(dirname "$0")/args"; cat > "$(dirname "$0")/said.part"; mv "$(dirname "$0")/said.part" "$(dirname "$0")/said"`)
	v.Say("ja", "こんにちは "+strings.Repeat("x", 5000))
	require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(dir, "said")); return err == nil }, 10*time.Second, 10*time.Millisecond)
	said, _ := os.ReadFile(filepath.Join(dir, "said"))
	args, _ := os.ReadFile(filepath.Join(dir, "args"))
	assert.True(t, strings.HasPrefix(string(said), "こんにちは"))
	assert.LessOrEqual(t, len(said), maxSentence)
	assert.Contains(t, string(args), "-v ja")
	assert.NotContains(t, string(args), "こんにちは", "process lists are for everybody")
}

func TestANewSentenceEndsTheOneBefore(t *testing.T) {
	v, dir := program(t, `read x; echo $$ > "$(dirname "$0")/pid-$x"; exec sleep 60`)
	v.Say("en", "one\n")
	read := func(name string) string {
		var b []byte
		require.Eventually(t, func() bool {
			b, _ = os.ReadFile(filepath.Join(dir, name))
			return len(b) > 1
		}, 10*time.Second, 10*time.Millisecond)
		return strings.TrimSpace(string(b))
	}
	first := read("pid-one")
	v.Say("en", "two\n")
	second := read("pid-two")
	gone := func(pid string) func() bool {
		return func() bool { _, err := os.Stat("/proc/" + pid); return os.IsNotExist(err) }
	}
	assert.Eventually(t, gone(first), 10*time.Second, 10*time.Millisecond)
	v.Hush()
	assert.Eventually(t, gone(second), 10*time.Second, 10*time.Millisecond)
}

func TestWithoutAProgramThereIsNoVoice(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, ok := Find(slog.New(slog.DiscardHandler))
	assert.False(t, ok)
}
