package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is a child program whose output goes to a log file of its own.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error
}

// startProcess runs a program in a process group of its own, so that stopping it
// stops its workers too.
func startProcess(logDir, name string, env []string, argv ...string) (*process, error) {
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
	p := &process{name: name, cmd: cmd, log: logPath, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// stop asks the program to end, and kills its group after ten seconds.
func (p *process) stop() {
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

func (p *process) pid() int { return p.cmd.Process.Pid }

// until calls ready every 50 ms until it reports true, the program ends, or the limit passes.
func (p *process) until(ctx context.Context, limit time.Duration, ready func() bool) error {
	return waitFor(ctx, limit, func() (bool, error) {
		select {
		case <-p.done:
			return false, fmt.Errorf("%s ended: %v; its last words are in %s", p.name, p.err, p.log)
		default:
			return ready(), nil
		}
	}, "%s did not become ready; see %s", p.name, p.log)
}

// waitFor polls until cond holds. The message says what was waited for.
func waitFor(ctx context.Context, limit time.Duration, cond func() (bool, error), format string, args ...any) error {
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

// answers reports whether an HTTP address gives 200.
func answers(url string) bool {
	client := http.Client{Timeout: time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// freePort asks the kernel for a port nobody uses.
func freePort() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// display makes sure there is an X display: the caller's own, or an Xvfb of a
// kiosk's size. It returns the environment for the kiosk.
func display(ctx context.Context, logDir string) (*process, []string, error) {
	if os.Getenv("DISPLAY") != "" {
		return nil, nil, nil
	}
	for n := 90; n < 200; n++ {
		socket := fmt.Sprintf("/tmp/.X11-unix/X%d", n)
		if _, err := os.Stat(socket); err == nil {
			continue
		}
		if _, err := os.Stat(fmt.Sprintf("/tmp/.X%d-lock", n)); err == nil {
			continue
		}
		name := fmt.Sprintf(":%d", n)
		p, err := startProcess(logDir, "xvfb", nil, "Xvfb", name, "-screen", "0", "1080x1920x24", "-nolisten", "tcp")
		if err != nil {
			return nil, nil, fmt.Errorf("no display, and Xvfb cannot be started (make deps installs it): %w", err)
		}
		err = p.until(ctx, 10*time.Second, func() bool { _, err := os.Stat(socket); return err == nil })
		if err != nil {
			p.stop()
			continue // somebody else took the number
		}
		return p, []string{"DISPLAY=" + name, "LIBGL_ALWAYS_SOFTWARE=1"}, nil
	}
	return nil, nil, errors.New("no free X display number between :90 and :199")
}

// picture keeps what the virtual display shows. On a display of the user's own it
// takes none: other windows are nobody's business.
func (w *world) picture(ctx context.Context, name string) error {
	if w.screen == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "import", "-window", "root", filepath.Join(w.pictures, name+".png"))
	cmd.Env = append(os.Environ(), w.kioskEnv...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("take a picture of the screen: %w: %s", err, out)
	}
	return nil
}
