// Package child runs the programs of a demonstration or a fault schedule as child processes.
//
// What may live here: starting, waiting, stopping and killing. What may not: what the programs are.
package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a child program whose output goes to a log file of its own.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error
}

// Start runs a program in a process group of its own, so that stopping it
// stops its workers too.
func Start(logDir, name string, env []string, argv ...string) (*Process, error) {
	logPath := filepath.Join(logDir, name+".log")
	out, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Process{name: name, cmd: cmd, log: logPath, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// runLimit bounds a program that is run to its end.
const runLimit = time.Minute

// Run runs a program to its end; in is what is typed. It gives what the program printed, and with an error what it complained of.
func Run(ctx context.Context, in, path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(path), strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// Stop asks the program to end, and kills its group after ten seconds.
func (p *Process) Stop() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// Kill ends the program and its workers at once, as a power cut would; nothing of theirs runs any more
// when it returns.
func (p *Process) Kill() {
	if p == nil {
		return
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// Strike is Kill without waiting: for a program that cannot end before something else has happened.
func (p *Process) Strike() {
	if p != nil {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// Ended tells whether the program has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// lastLine gives the end of a log, for an error: the log itself may be gone when it is read.
func lastLine(path string) string {
	const most = 64 << 10
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if end, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, end-most), io.SeekStart)
	}
	b, _ := io.ReadAll(io.LimitReader(f, most))
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}

// PID is the program's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Until calls ready every 50 ms until it reports true, the program ends, or the limit passes.
func (p *Process) Until(ctx context.Context, limit time.Duration, ready func() bool) error {
	return WaitFor(ctx, limit, func() (bool, error) {
		select {
		case <-p.done:
			return false, fmt.Errorf("%s ended: %v; its last words, in %s: %s", p.name, p.err, p.log, lastLine(p.log))
		default:
			return ready(), nil
		}
	}, "%s did not become ready; see %s", p.name, p.log)
}

// WaitFor polls until cond holds. The message says what was waited for.
func WaitFor(ctx context.Context, limit time.Duration, cond func() (bool, error), format string, args ...any) error {
	deadline := time.Now().Add(limit)
	for {
		ok, err := cond()
		if err != nil {
			return err
		}
		if ok {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s: %s", limit, fmt.Sprintf(format, args...))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Answers reports whether an HTTP address gives 200.
func Answers(url string) bool {
	client := http.Client{Timeout: time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Ports are sought below those that connections go out from (Linux: 32768 on): one of these might take a port
// before its program listens, or while it is started anew.
const (
	firstPort = 10000
	manyPorts = 22000
)

// FreePorts finds n addresses whose ports nobody uses.
func FreePorts(n int) ([]string, error) {
	var found []string
	for range 1000 {
		if len(found) == n {
			return found, nil
		}
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(manyPorts))))
		if err != nil {
			continue // taken
		}
		defer ln.Close() // when all are found: none is found twice
		found = append(found, ln.Addr().String())
	}
	return nil, errors.New("no port is free")
}
