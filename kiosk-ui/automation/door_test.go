package automation

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type fake struct {
	mu    sync.Mutex
	taps  []string
	typed string
}

func (f *fake) State() (any, error)   { return map[string]string{"step": "attract"}, nil }
func (f *fake) Widgets() (any, error) { return []string{"start"}, nil }
func (f *fake) Tap(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id != "start" {
		return errors.New("no such control")
	}
	f.taps = append(f.taps, id)
	return nil
}

func (f *fake) Type(text string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if text == "" {
		return errors.New("no field takes what is typed")
	}
	f.typed += text
	return nil
}

func open(t *testing.T) (string, *fake) {
	path := filepath.Join(t.TempDir(), "door")
	f := &fake{}
	d, err := Open(path, f)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.ErrorIs(t, <-done, context.Canceled)
	})
	return path, f
}

func ask(t *testing.T, c net.Conn, lines string) []string {
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	_, err := c.Write([]byte(lines))
	require.NoError(t, err)
	s := bufio.NewScanner(c)
	var out []string
	for range strings.Count(lines, "\n") {
		if !s.Scan() {
			break
		}
		out = append(out, s.Text())
	}
	return out
}

func TestTheDoorAnswersOneLineForOneLine(t *testing.T) {
	path, f := open(t)
	c, err := net.Dial("unix", path)
	require.NoError(t, err)
	defer c.Close()
	got := ask(t, c, `{"do":"state"}
{"do":"widgets"}
{"do":"tap","id":"start"}
{"do":"tap","id":"other"}
{"do":"type","text":"10.0.0.7:8443"}
{"do":"type"}
{"do":"dance"}
not json
`)
	require.Len(t, got, 8)
	assert.JSONEq(t, `{"ok":true,"state":{"step":"attract"}}`, got[0])
	assert.JSONEq(t, `{"ok":true,"widgets":["start"]}`, got[1])
	assert.JSONEq(t, `{"ok":true}`, got[2])
	assert.JSONEq(t, `{"ok":false,"error":"no such control"}`, got[3])
	assert.JSONEq(t, `{"ok":true}`, got[4])
	for _, l := range got[5:] {
		assert.Contains(t, l, `"ok":false`)
	}
	assert.Equal(t, "10.0.0.7:8443", f.typed)
	assert.Equal(t, []string{"start"}, f.taps)
}

func TestTheSocketIsPrivate(t *testing.T) {
	path, _ := open(t)
	info, err := os.Lstat(path)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
}

func TestALineThatIsTooLongEndsTheClientAndNotTheDoor(t *testing.T) {
	path, _ := open(t)
	c, err := net.Dial("unix", path)
	require.NoError(t, err)
	defer c.Close()
	assert.Empty(t, ask(t, c, strings.Repeat("x", 2*maxLine)+"\n"))
	d, err := net.Dial("unix", path)
	require.NoError(t, err)
	defer d.Close()
	assert.Len(t, ask(t, d, "{\"do\":\"state\"}\n"), 1)
}

func TestASecondClientWaitsForTheFirst(t *testing.T) {
	path, _ := open(t)
	first, err := net.Dial("unix", path)
	require.NoError(t, err)
	require.Len(t, ask(t, first, "{\"do\":\"state\"}\n"), 1)
	second, err := net.Dial("unix", path)
	require.NoError(t, err)
	defer second.Close()
	_, err = second.Write([]byte("{\"do\":\"state\"}\n"))
	require.NoError(t, err)
	require.NoError(t, second.SetReadDeadline(time.Now().Add(150*time.Millisecond)))
	_, err = second.Read(make([]byte, 1))
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, first.Close())
	require.NoError(t, second.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err = second.Read(make([]byte, 1))
	assert.NoError(t, err)
}

func TestOnlyADeadSocketIsReplaced(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(file, &fake{})
	assert.ErrorContains(t, err, "is no socket")

	path, _ := open(t)
	_, err = Open(path, &fake{})
	assert.ErrorContains(t, err, "in use")

	dead := filepath.Join(dir, "dead")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	require.NoError(t, err)
	l.SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
	d, err := Open(dead, &fake{})
	require.NoError(t, err)
	require.NoError(t, d.listener.Close())
}

func FuzzRequestsNeverBreakTheDoor(f *testing.F) {
	f.Add([]byte(`{"do":"tap","id":"start"}`))
	f.Add([]byte(`{"do":`))
	d := &Door{screen: &fake{}}
	f.Fuzz(func(t *testing.T, line []byte) {
		if a := d.answer(line); a.OK == (a.Error != "") {
			t.Fatalf("%+v", a)
		}
	})
}
