// Package automation is a door for demos and tests: a Unix socket over which a
// program on the same machine asks what the screen shows and touches it. It is
// off unless the operator names a path.
//
// One client at a time sends one JSON object a line and gets one back:
//
//	{"do":"state"}                     what is shown now
//	{"do":"widgets"}                   what can be touched, with pixel rectangles
//	{"do":"tap","id":"start"}          touch it
//	{"do":"type","text":"10.0.0.7:8443"}  type into the field that is being edited
//
// An answer has "ok", and "error" when it is false. Lines, time and clients are
// bounded. Whoever may open the socket may end a visit and take a picture of its
// screen, so the socket has mode 0600.
//
// What may live here: the socket and its messages. What may not: the screen.
package automation

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

// Screen is what the door opens on. Its methods are called from the door's
// goroutine; they go to the screen's own.
type Screen interface {
	State() (any, error)
	Widgets() (any, error)
	Tap(id string) error
	Type(text string) error
}

// Bounds of the door.
const (
	maxLine  = 4 << 10
	maxIdle  = 15 * time.Minute
	maxWrite = 5 * time.Second
)

// request is one line of a client.
type request struct {
	Do string `json:"do"`
	ID string `json:"id,omitempty"`
	// Text may be a secret: it is in no answer and no error.
	Text string `json:"text,omitempty"`
}

// answer is one line back.
type answer struct {
	OK      bool   `json:"ok"`
	Error   string `json:"error,omitempty"`
	State   any    `json:"state,omitempty"`
	Widgets any    `json:"widgets,omitempty"`
}

// Door is an open door.
type Door struct {
	listener *net.UnixListener
	screen   Screen
}

// Open makes the socket. A socket that nobody answers on, left by a crash, is
// replaced; any other file is not.
func Open(path string, s Screen) (*Door, error) {
	if info, err := os.Lstat(path); err == nil {
		if info.Mode()&fs.ModeSocket == 0 {
			return nil, fmt.Errorf("automation: %s exists and is no socket", path)
		}
		if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
			_ = c.Close()
			return nil, fmt.Errorf("automation: %s is in use", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("automation: remove old socket: %w", err)
		}
	}
	// The mask makes the socket private from its first moment. Nothing else
	// creates files while the program starts.
	old := syscall.Umask(0o177)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	syscall.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("automation: %w", err)
	}
	return &Door{listener: l, screen: s}, nil
}

// Serve answers until ctx ends, one client after the other.
func (d *Door) Serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = d.listener.Close() })
	defer stop()
	for {
		c, err := d.listener.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return ctx.Err()
			}
			return fmt.Errorf("automation: %w", err)
		}
		end := context.AfterFunc(ctx, func() { _ = c.Close() })
		d.client(c)
		end()
		_ = c.Close()
	}
}

func (d *Door) client(c net.Conn) {
	lines := bufio.NewScanner(c)
	lines.Buffer(make([]byte, 0, 512), maxLine)
	for {
		if err := c.SetReadDeadline(time.Now().Add(maxIdle)); err != nil || !lines.Scan() {
			return
		}
		out, err := json.Marshal(d.answer(lines.Bytes()))
		if err != nil {
			return
		}
		if err := c.SetWriteDeadline(time.Now().Add(maxWrite)); err != nil {
			return
		}
		if _, err := c.Write(append(out, '\n')); err != nil {
			return
		}
	}
}

func (d *Door) answer(line []byte) answer {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return answer{Error: "not a request: one JSON object a line"}
	}
	var a answer
	var err error
	switch r.Do {
	case "state":
		a.State, err = d.screen.State()
	case "widgets":
		a.Widgets, err = d.screen.Widgets()
	case "tap":
		err = d.screen.Tap(r.ID)
	case "type":
		err = d.screen.Type(r.Text)
	default:
		err = errors.New("unknown request: state, widgets, tap or type")
	}
	if err != nil {
		return answer{Error: err.Error()}
	}
	a.OK = true
	return a
}
