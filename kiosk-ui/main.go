// Command kiosk-ui is the kiosk: the screen, the agent behind it, and the vision
// worker it starts as its child.
//
//	kiosk-ui run       the kiosk with its screen
//	kiosk-ui headless  the same agent without a screen, visited by a script
//	kiosk-ui inspect   what the kiosk sees in a picture file
//	kiosk-ui calibrate fits the liveness check to this kiosk's camera, from clips an operator records
//	kiosk-ui enrol     gives this kiosk its identity, with a token of the centre
//	kiosk-ui outbox    what waits for the centre, how long and why
//	kiosk-ui courier   carries it on removable media: export, and import of the answer
//	kiosk-ui branch    all kiosks of a branch, without the line to the centre
//	kiosk-ui worker    the vision worker; the others start it
//	kiosk-ui version   what this program is
//
// Exit codes: 0 done, 1 failed, 2 wrong use, 3 no display, 4 enrolment or policy
// not usable, 5 vision not usable, 6 store not usable.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"vestibule/agent"
	"vestibule/models/worker"
	"vestibule/sync/wire"
)

// Exit codes.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitDisplay = 3
	exitConfig  = 4
	exitVision  = 5
	exitStore   = 6
)

func main() { os.Exit(command(os.Args[1:], os.Stdout, os.Stderr)) }

// command runs one subcommand and gives its exit code.
func command(args []string, out, errs io.Writer) int {
	if len(args) == 0 {
		usage(errs)
		return exitUsage
	}
	switch args[0] {
	case "run":
		return run(args[1:], errs)
	case "headless":
		return headless(args[1:], out, errs)
	case "inspect":
		return inspectFiles(args[1:], out, errs)
	case "calibrate":
		return calibrateCamera(args[1:], os.Stdin, out, errs)
	case "enrol":
		return enrolKiosk(args[1:], os.Stdin, out, errs)
	case "outbox":
		return showOutbox(args[1:], out, errs)
	case "courier":
		return carry(args[1:], out, errs)
	case "branch":
		return showBranch(args[1:], out, errs)
	case "worker":
		return worker.Main(args[1:])
	case "version":
		_, _ = fmt.Fprintln(out, "kiosk-ui", release())
		return exitDone
	case "help", "-h", "-help", "--help":
		usage(out)
		return exitDone
	}
	_, _ = fmt.Fprintf(errs, "kiosk-ui: unknown command %q\n", args[0])
	usage(errs)
	return exitUsage
}

func usage(w io.Writer) {
	_, _ = fmt.Fprint(w, `usage: kiosk-ui COMMAND [flags]

  run       the kiosk with its screen
  headless  the same agent without a screen, visited by a script
  inspect   what the kiosk sees in a picture: kiosk-ui inspect passport.jpg
  calibrate fits the liveness check to this kiosk's face camera
  enrol     gives this kiosk its identity, with a token that the centre made
  outbox    what waits for the centre, how long and why
  courier   carries it on removable media: export, and import of the answer
  branch    all kiosks of a branch, without the line to the centre
  version   what this program is
  help      this text

"kiosk-ui run -help" lists the flags of a command.
exit codes: 0 done, 1 failed, 2 wrong use, 3 no display,
            4 enrolment or policy, 5 vision, 6 store
`)
}

// release names this build.
func release() string { return wire.Release(debug.ReadBuildInfo()) }

// fault is a Problem that ends the program, with its exit code.
type fault struct {
	*agent.Problem
	code  int
	cause error
}

func (f *fault) Error() string {
	if f.cause == nil {
		return f.Problem.Error()
	}
	return f.Problem.Error() + ": " + f.cause.Error()
}

func (f *fault) Unwrap() []error { return []error{f.Problem, f.cause} }

// report writes code, message, hint and cause, and gives the exit code.
func report(w io.Writer, err error) int {
	f := faultOf(err)
	_, _ = fmt.Fprintf(w, "kiosk-ui: %s: %s\n  hint: %s\n", f.Code, f.Message, f.Hint)
	if f.cause != nil {
		_, _ = fmt.Fprintf(w, "  cause: %v\n", f.cause)
	}
	return f.code
}

func faultOf(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	var p *agent.Problem
	if errors.As(err, &p) {
		f = &fault{Problem: p, code: exitFailed}
		switch p.Code {
		case agent.ProblemStoreCorrupt, agent.ProblemStoreFailed, agent.ProblemStoreFull, agent.ProblemStoreInUse, agent.ProblemStoreMissing:
			f.code = exitStore
		case agent.ProblemModelMissing, agent.ProblemWorkerLost:
			f.code = exitVision
		}
		return f
	}
	return &fault{
		Problem: &agent.Problem{Code: "agent_failed", Message: "The kiosk could not be started.", Hint: "Read the cause; the flags are listed by: kiosk-ui run -help"},
		code:    exitFailed, cause: err,
	}
}
