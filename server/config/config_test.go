package config_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/server/config"
	"vestibule/sync/fault"
)

func flags() *flag.FlagSet {
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.String(config.FileFlag, "", "file of settings")
	fs.String("http", "127.0.0.1:8080", "address of API and console")
	fs.String("mqtt", "0.0.0.0:8883", "address of the broker")
	fs.String("db", "", "database")
	fs.String("webhook-allow", "", "ranges")
	fs.Bool("vision", true, "run the worker")
	fs.Bool("behind-proxy", false, "plain HTTP")
	return fs
}

func file(t *testing.T, mode os.FileMode, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "centre.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), mode))
	return path
}

func codes(err error) []string {
	var all []string
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		for _, e := range many.Unwrap() {
			all = append(all, fault.Code(e))
		}
	}
	return all
}

func TestTheCommandLineGoesOverTheEnvironmentAndThatOverTheFile(t *testing.T) {
	path := file(t, 0o644, "http: file:1\nmqtt: file:2\nvision: false\nwebhook-allow: [10.0.0.0/8, 192.168.0.0/16]\n")
	fs := flags()
	l, err := config.Load(fs, []string{"-http", "flag:1", "operand", "-config", path}, []string{
		"VESTIBULE_HTTP=env:1", "VESTIBULE_MQTT=env:2", "VESTIBULE_BEHIND_PROXY=true", "VESTIBULE_DB=", "HTTP=other", "VESTIBULE_API_KEY=x",
	})
	require.NoError(t, err)
	require.Equal(t, []string{"operand"}, l.Operands)
	for name, want := range map[string]string{
		"http": "flag:1", "mqtt": "env:2", "vision": "false", "behind-proxy": "true", "webhook-allow": "10.0.0.0/8,192.168.0.0/16", "db": "",
	} {
		require.Equal(t, want, fs.Lookup(name).Value.String(), name)
	}
	require.Equal(t, map[string]config.Source{
		"config": config.FromFlag, "http": config.FromFlag, "mqtt": config.FromEnvironment, "behind-proxy": config.FromEnvironment,
		"vision": config.FromFile, "webhook-allow": config.FromFile, "db": config.FromDefault,
	}, l.From)
}

func TestEverythingThatIsWrongIsToldAtOnce(t *testing.T) {
	path := file(t, 0o644, "htpp: a:1\nvision: perhaps\nmqtt: {a: b}\nconfig: x\ncolour: red\nmqtt: a:2\nhttp:\n")
	_, err := config.Load(flags(), []string{"-visoin=false", "-behind-proxy=maybe", "-config", path}, []string{
		"VESTIBULE_WEBHOOK_ALOW=10.0.0.0/8", "VESTIBULE_PICTURES=elsewhere",
	})
	require.Equal(t, []string{
		config.CodeFlag, config.CodeFlag, config.CodeEnvironment, config.CodeKey, config.CodeValue, config.CodeValue,
		config.CodeKey, config.CodeKey, config.CodeValue, config.CodeValue,
	}, codes(err), "%v", err)
	for _, words := range []string{
		"did you mean -vision?", "did you mean VESTIBULE_WEBHOOK_ALLOW?", "did you mean http?", "line 2: the value of vision",
		"line 3: mqtt has no value", `"colour" is no setting (server serve -help`, "mqtt stands there twice", "line 7: http has no value",
	} {
		require.ErrorContains(t, err, words)
	}
}

func TestAPasswordIsNeverShown(t *testing.T) {
	const secret = "s3cr3t"
	for name, text := range map[string]string{
		"in the URL":              "db: postgres://u:s3cr3t@h/d\n",
		"as a parameter":          "db: postgres://h/d?user=u&password=s3cr3t\n",
		"in a URL that is none":   "db: 'postgres://u:s3cr3t@h:port/d'\n",
		"in text that is no YAML": "db: [postgres://u:s3cr3t@h/d\n  x: s3cr3t\n",
		"under a wrong name":      "vision: postgres://u:s3cr3t@h/d\n",
	} {
		t.Run(name, func(t *testing.T) {
			fs := flags()
			path := file(t, 0o600, text)
			l, err := config.Load(fs, []string{"-config", path}, nil)
			if err != nil {
				require.NotContains(t, err.Error(), secret)
			}
			var out bytes.Buffer
			require.NoError(t, config.Show(&out, fs, l))
			require.NotContains(t, out.String(), secret)
		})
	}
	_, err := config.Load(flags(), []string{"-config", file(t, 0o644, "db: postgres://u:s3cr3t@h/d\n")}, nil)
	require.Equal(t, []string{config.CodeExposed}, codes(err))
	require.ErrorContains(t, err, "chmod 600")
	_, err = config.Load(flags(), []string{"-config", file(t, 0o600, "db: postgres://u:s3cr3t@h/d\n")}, nil)
	require.NoError(t, err)
	_, err = config.Load(flags(), []string{"-config", file(t, 0o644, "db: postgres://u@h/d\n")}, nil)
	require.NoError(t, err, "there is no password in it")
}

func TestAFileThatCannotBeUsedIsSaidToBeSo(t *testing.T) {
	for name, path := range map[string]string{
		"missing": filepath.Join(t.TempDir(), "none.yaml"), "a folder": t.TempDir(),
		"a list": file(t, 0o600, "- a\n- b\n"), "no YAML": file(t, 0o600, "http: [1\n"), "too large": file(t, 0o600, strings.Repeat("#\n", 64<<10)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(flags(), []string{"-config", path}, nil)
			require.Equal(t, []string{config.CodeFile}, codes(err), "%v", err)
		})
	}
	_, err := config.Load(flags(), []string{"-config", file(t, 0o600, "# nothing yet\n")}, nil)
	require.NoError(t, err)
}

func TestWhatIsShownCanBeUsedAsAFile(t *testing.T) {
	fs := flags()
	l, err := config.Load(fs, []string{"-http", "127.0.0.1:1 # not a comment", "-vision=false", "-db", "postgres://u@h/d"}, nil)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, config.Show(&out, fs, l))
	require.Contains(t, out.String(), "vision: false # flag\n")
	again := flags()
	_, err = config.Load(again, []string{"-config", file(t, 0o600, out.String())}, nil)
	require.NoError(t, err)
	for _, name := range []string{"http", "mqtt", "db", "vision", "behind-proxy", "webhook-allow"} {
		require.Equal(t, fs.Lookup(name).Value.String(), again.Lookup(name).Value.String(), name)
	}
}

func TestHelpIsGivenAndNothingElseDone(t *testing.T) {
	fs := flags()
	asked := false
	fs.Usage = func() { asked = true }
	_, err := config.Load(fs, []string{"-help", "-colour"}, nil)
	require.ErrorIs(t, err, flag.ErrHelp)
	require.True(t, asked)
}

func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"http: a:1\n", "vision: false", "a: &x [1]\nb: *x\n", "<<: {http: a}\n", "? [a]\n: b\n", "http: !!binary aGk=\n", "---\n---\n", "\x00", "http: |\n  a\n  b\n",
	} {
		f.Add(seed)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "f.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		fs := flags()
		l, _ := config.Load(fs, []string{"-config", path}, nil)
		require.NoError(t, config.Show(io.Discard, fs, l))
	})
}
