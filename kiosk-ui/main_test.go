package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/sync/identity"
	"vestibule/sync/seal"
)

func TestCommandsSayWhatIsWrongAndWhatToDo(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "policy.json")
	require.NoError(t, os.WriteFile(bad, []byte(`{"minAgee": 18}`), 0o600))
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"no command":               {nil, exitUsage, []string{"usage:"}},
		"an unknown command":       {[]string{"dance"}, exitUsage, []string{`unknown command "dance"`, "usage:"}},
		"help":                     {[]string{"help"}, exitDone, []string{"usage:", "exit codes"}},
		"version":                  {[]string{"version"}, exitDone, []string{"kiosk-ui", "go1."}},
		"flags of a command":       {[]string{"headless", "-help"}, exitDone, []string{"-camera-document"}},
		"an unknown flag":          {[]string{"run", "--dance"}, exitUsage, []string{"dance"}},
		"an argument too many":     {[]string{"headless", "x"}, exitUsage, []string{`unexpected argument "x"`}},
		"a window that is none":    {[]string{"run", "--window", "big"}, exitUsage, []string{"write WxH"}},
		"a window and full screen": {[]string{"run", "--window", "800x600", "--fullscreen"}, exitUsage, []string{"exclude each other"}},
		"no data folder":           {[]string{"headless"}, exitUsage, []string{"data_missing", "hint: Give one with --data"}},
		"no bundle":                {[]string{"headless", "--data", dir}, exitConfig, []string{"bundle_missing", "hint: Enrol"}},
		"a bundle that is none":    {[]string{"headless", "--data", dir, "--bundle", dir}, exitConfig, []string{"bundle_missing", "cause:"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			assert.Equal(t, c.code, command(c.args, &out, &errs))
			for _, s := range c.says {
				assert.Contains(t, out.String()+errs.String(), s)
			}
		})
	}
}

// enrol makes a bundle as the centre would.
func enrol(t *testing.T) string {
	t.Helper()
	now := time.Now()
	ca, err := identity.NewCA("Test", now)
	require.NoError(t, err)
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "bundle")
	_, err = identity.WriteBundle(dir, ca, identity.KioskInfo{Name: "k1", SiteCountry: "UTO", Project: "default", Broker: "127.0.0.1:1"}, key.Public(), now)
	require.NoError(t, err)
	return dir
}

// networks is where make models puts the trained networks.
func networks(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("VESTIBULE_MODELS"); dir != "" {
		return dir
	}
	dir, err := filepath.Abs(filepath.Join("..", "models", "cache"))
	require.NoError(t, err)
	return dir
}

// One visit of the script through the real agent, store and vision worker, with
// no camera connected: it must end in a clear problem and leave one JSON line.
func TestHeadlessTellsTheOutcomeOfAVisitAsOneLineOfJSON(t *testing.T) {
	var out, errs bytes.Buffer
	code := command([]string{
		"headless", "--data", filepath.Join(t.TempDir(), "kiosk"), "--bundle", enrol(t), "--offline", "--models", networks(t), "--think", "1ms", "--limit", "1m",
	}, &out, &errs)
	require.Equal(t, exitFailed, code, errs.String())
	var l line
	require.NoError(t, json.Unmarshal(out.Bytes(), &l), out.String())
	assert.Equal(t, "problem", l.Outcome)
	assert.Equal(t, agent.ProblemCameraMissing, l.Problem)
	assert.NotEmpty(t, l.Session)
	assert.Contains(t, l.Seconds, "consent")
}

func TestMissingNetworksAndADamagedStoreAreNamedAtStart(t *testing.T) {
	var out, errs bytes.Buffer
	code := command([]string{"headless", "--data", t.TempDir(), "--bundle", enrol(t), "--offline", "--models", t.TempDir()}, &out, &errs)
	assert.Equal(t, exitVision, code)
	assert.Contains(t, errs.String(), agent.ProblemModelMissing)
	assert.Contains(t, errs.String(), "make models")

	data := t.TempDir()
	first := command([]string{"headless", "--data", data, "--bundle", enrol(t), "--offline", "--models", networks(t), "--visits", "0"}, &out, &errs)
	require.Equal(t, exitDone, first, errs.String())
	files, err := filepath.Glob(filepath.Join(data, "*.db"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		require.NoError(t, os.WriteFile(f, bytes.Repeat([]byte("not a database "), 1000), 0o600))
		for _, more := range []string{"-wal", "-shm"} {
			_ = os.Remove(f + more)
		}
	}
	errs.Reset()
	code = command([]string{"headless", "--data", data, "--bundle", enrol(t), "--offline", "--models", networks(t)}, &out, &errs)
	assert.Equal(t, exitStore, code, errs.String())
	assert.Contains(t, errs.String(), agent.ProblemStoreCorrupt)
}

func TestWithoutADisplayTheKioskSaysSo(t *testing.T) {
	for name, display := range map[string]string{"unset": "", "nobody there": ":4711", "nonsense": "screen"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DISPLAY", display)
			var out, errs bytes.Buffer
			assert.Equal(t, exitDisplay, command([]string{"run", "--data", t.TempDir()}, &out, &errs))
			assert.Contains(t, errs.String(), "display_missing")
			assert.Contains(t, errs.String(), "hint:")
		})
	}
}

func TestAPolicyFileNamesOnlyWhatDiffers(t *testing.T) {
	write := func(s string) string {
		p := filepath.Join(t.TempDir(), "p.json")
		require.NoError(t, os.WriteFile(p, []byte(s), 0o600))
		return p
	}
	p, err := readPolicy(write(`{"version":"7","minAge":18}`))
	require.NoError(t, err)
	assert.Equal(t, 18, p.MinAge)
	assert.InDelta(t, 85, p.MinSimilarity, 0, "the rest is the default")
	for name, s := range map[string]string{
		"a misspelt field": `{"minAgee":18}`, "no JSON": `hello`, "no attempts": `{"maxAttempts":0}`, "no version": `{"version":""}`,
	} {
		_, err := readPolicy(write(s))
		var f *fault
		require.ErrorAs(t, err, &f, name)
		assert.Equal(t, "policy_invalid", f.Code, name)
		assert.Equal(t, exitConfig, f.code, name)
	}
}

func TestAProblemOfTheAgentKeepsItsCodeAndGetsItsExitCode(t *testing.T) {
	for code, want := range map[string]int{
		agent.ProblemStoreCorrupt: exitStore, agent.ProblemStoreInUse: exitStore,
		agent.ProblemModelMissing: exitVision, agent.ProblemCameraMissing: exitFailed,
	} {
		var errs bytes.Buffer
		got := report(&errs, errors.Join(errors.New("x"), &agent.Problem{Code: code, Message: "m.", Hint: "h."}))
		assert.Equal(t, want, got, code)
		assert.Contains(t, errs.String(), code+": m.")
	}
	var errs bytes.Buffer
	assert.Equal(t, exitFailed, report(&errs, errors.New("the roof is on fire")))
	assert.Contains(t, errs.String(), "roof")
	assert.Equal(t, 3, strings.Count(errs.String(), "\n"))
}

func TestWindowSizesAreBounded(t *testing.T) {
	s, err := size("1080x1920")
	require.NoError(t, err)
	assert.Equal(t, float32(1920), s.Height)
	for _, bad := range []string{"", "1080", "1x1", "99999x99999", "-5x600", "axb"} {
		_, err := size(bad)
		assert.Error(t, err, bad)
	}
}
