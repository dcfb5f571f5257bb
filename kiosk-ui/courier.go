package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vestibule/agent"
	"vestibule/agent/store"
	"vestibule/sync/courier"
	wrong "vestibule/sync/fault"
	"vestibule/sync/identity"
)

const courierUsage = `usage: kiosk-ui courier export [flags] FOLDER
       kiosk-ui courier import [flags] FILE…

export writes what waits for the centre into a new file in FOLDER, on a medium that
is carried there; "server courier import" takes it in and writes an acknowledgement
beside it. import takes that acknowledgement back; only then does the kiosk delete
what the centre has. Both work while the kiosk runs and while it does not. Run them as
the user that the kiosk runs as, and start no kiosk while import works.

flags:
`

// carry is the courier command.
func carry(args []string, out, errs io.Writer) int {
	if len(args) == 0 {
		_, _ = fmt.Fprint(errs, courierUsage)
		return exitUsage
	}
	switch args[0] {
	case "export":
		return carryAway(args[1:], out, errs)
	case "import":
		return bringBack(args[1:], out, errs)
	case "help", "-h", "-help", "--help":
		_, _ = fmt.Fprint(out, courierUsage)
		return exitDone
	}
	_, _ = fmt.Fprintf(errs, "kiosk-ui courier: unknown command %q\n%s", args[0], courierUsage)
	return exitUsage
}

// errand is what both ways need.
type errand struct {
	data, bundle string
	operands     []string
	kiosk        *identity.Bundle
}

// parse reads the flags, which may stand before and after the operands, and the
// kiosk's enrolment.
func (e *errand) parse(f *flag.FlagSet, args []string, errs io.Writer) (code int, stop bool) {
	f.StringVar(&e.data, "data", "", "`folder` of the kiosk's database (needed)")
	f.StringVar(&e.bundle, "bundle", "", "`folder` of the kiosk's enrolment (needed)")
	f.SetOutput(errs)
	f.Usage = func() {
		_, _ = fmt.Fprint(errs, courierUsage)
		f.PrintDefaults()
	}
	for {
		switch err := f.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			return exitDone, true
		case err != nil:
			return exitUsage, true
		}
		if f.NArg() == 0 {
			break
		}
		e.operands, args = append(e.operands, f.Arg(0)), f.Args()[1:]
	}
	if e.data == "" || e.bundle == "" || len(e.operands) == 0 {
		_, _ = fmt.Fprintf(errs, "%s: -data, -bundle and something to work on are needed\n", f.Name())
		f.Usage()
		return exitUsage, true
	}
	var err error
	if e.kiosk, err = identity.LoadBundle(e.bundle); err != nil {
		return report(errs, noBundle(err)), true
	}
	return exitDone, false
}

// backlog looks at the queue, which must be that of the kiosk whose enrolment was given.
func (e *errand) backlog(ctx context.Context) (*agent.Backlog, error) {
	b, err := agent.OpenBacklog(ctx, e.data, agent.Limits{}, store.Options{}, time.Now())
	if err != nil {
		return nil, err
	}
	if b.Kiosk == e.kiosk.Name {
		return b, nil
	}
	return nil, &fault{&agent.Problem{
		Code: "courier_mixed_up", Message: "The database is that of " + b.Kiosk + ", the enrolment that of " + e.kiosk.Name + ".",
		Hint: "Give the two folders of one kiosk.",
	}, exitConfig, b.Close()}
}

// carryAway writes what waits onto a medium.
func carryAway(args []string, out, errs io.Writer) int {
	var e errand
	f := flag.NewFlagSet("kiosk-ui courier export", flag.ContinueOnError)
	most := f.String("limit", "", "largest `size` of the file, such as 500MB or 1.5GB; what comes first goes first (default: none)")
	if code, stop := e.parse(f, args, errs); stop {
		return code
	}
	limit, err := sizeOf(*most)
	if err != nil || len(e.operands) != 1 {
		_, _ = fmt.Fprintln(errs, "kiosk-ui courier export: give one folder, and a limit as 500MB or 1.5GB")
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	b, err := e.backlog(ctx)
	if err != nil {
		return report(errs, err)
	}
	defer b.Close()
	done, err := courier.Export{
		Kiosk: e.kiosk.Name, Signer: e.kiosk.Signer(), Queue: b.Queue(), Disk: courier.System{}, Now: time.Now, Random: rand.Reader, Limit: limit,
	}.To(ctx, e.operands[0])
	if err != nil {
		return report(errs, courierProblem(err))
	}
	if done.Path == "" {
		_, _ = fmt.Fprintln(errs, "Nothing waits for the centre; no file was written.")
		return exitDone
	}
	_, _ = fmt.Fprintf(out, "%s\t%d records\t%d pictures\t%d bytes\n", done.Path, done.Records, done.Pictures, done.Bytes)
	if done.RecordsLeft > 0 || done.PicturesLeft > 0 {
		_, _ = fmt.Fprintf(errs, "%d records and %d pictures stay behind: take the acknowledgement back, then export again.\n", done.RecordsLeft, done.PicturesLeft)
	}
	// The file is whole and stays; without the mark only "kiosk-ui outbox" knows less.
	if err := done.Mark.Save(courier.System{}, e.data); err != nil {
		_, _ = fmt.Fprintf(errs, "kiosk-ui: the export was not noted: %v\n", err)
	}
	return exitDone
}

// bringBack settles what the centre answered.
func bringBack(args []string, out, errs io.Writer) int {
	var e errand
	f := flag.NewFlagSet("kiosk-ui courier import", flag.ContinueOnError)
	wait := f.Duration("wait", 2*time.Minute, "how long a running kiosk may take to settle it")
	if code, stop := e.parse(f, args, errs); stop {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	b, err := e.backlog(ctx)
	if err != nil {
		return report(errs, err)
	}
	if err := b.Close(); err != nil { // the settling may take the database for itself
		return report(errs, courierProblem(err))
	}
	tray := courier.Tray{Data: e.data, Kiosk: e.kiosk.Name, Centre: e.kiosk.CentreKey}
	var laid []string
	code := exitDone
	for _, file := range e.operands {
		p, err := lay(tray, file)
		if err != nil {
			_, _ = fmt.Fprintf(errs, "kiosk-ui: %s is not taken:\n", filepath.Base(file))
			code = report(errs, courierProblem(err))
			continue
		}
		laid = append(laid, p)
	}
	if len(laid) == 0 {
		return code
	}
	done, err := agent.Settle(ctx, agent.Errand{Dir: e.data, Kiosk: e.kiosk.Name, Centre: e.kiosk.CentreKey})
	var p *agent.Problem
	switch {
	case errors.As(err, &p) && p.Code == agent.ProblemStoreInUse:
		// The kiosk runs and is the only one who writes: it takes what lies in the tray.
		if err := gone(ctx, laid, *wait); err != nil {
			return report(errs, err)
		}
		_, _ = fmt.Fprintln(out, "settled by the running kiosk")
	case err != nil:
		return report(errs, courierProblem(err))
	default:
		_, _ = fmt.Fprintf(out, "settled\t%d records\t%d pictures\n", done.Records, done.Pictures)
	}
	if done.Renewed {
		_, _ = fmt.Fprintln(errs, "Kiosk and centre differ about what was sent: what waits was numbered anew. Export again.")
	}
	if b, err = e.backlog(ctx); err != nil {
		return report(errs, err)
	}
	defer b.Close()
	_, _ = fmt.Fprintf(out, "waiting\t%d records\t%d pictures\n", b.Stats.Records, b.Stats.Blobs)
	return code
}

// lay proves an acknowledgement and lays it into the tray.
func lay(tray courier.Tray, file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", wrong.New(courier.CodeUnreadable, "the acknowledgement cannot be opened", "check the path, and that the medium is mounted", err)
	}
	defer f.Close()
	a, err := courier.ReadAnswer(f, tray.Kiosk, tray.Centre)
	if err != nil {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", wrong.New(courier.CodeUnreadable, "the medium cannot be read", "try again, or copy the file to this machine first", err)
	}
	return tray.Lay(courier.System{}, a, f)
}

// gone waits until files have been taken.
func gone(ctx context.Context, files []string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		left := 0
		for _, f := range files {
			if _, err := os.Stat(f); err == nil {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return &fault{&agent.Problem{
				Code: "courier_not_settled", Message: "The running kiosk has not settled the acknowledgement yet.",
				Hint: "Nothing is lost: it lies in the kiosk's folder and is settled as soon as the kiosk can, or at its next start. See its log.",
			}, exitFailed, nil}
		}
	}
}

// courierProblem shows an error of package courier as the kiosk's own are shown.
func courierProblem(err error) error {
	var p *agent.Problem
	var f *wrong.Fault
	switch {
	case errors.As(err, &p):
		return err
	case errors.As(err, &f):
		return &fault{&agent.Problem{Code: f.Code, Message: f.Message, Hint: f.Hint}, exitFailed, f.Err}
	}
	return &fault{&agent.Problem{
		Code: "courier_failed", Message: "The courier's work was not finished.", Hint: "Read the cause, then do it again: nothing is lost or done twice.",
	}, exitFailed, err}
}

// sizeOf reads a size: a number with or without KB, MB or GB, which are powers of
// ten as media are sold. Empty is 0.
func sizeOf(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	number, unit := strings.ToUpper(s), 1.0
	for _, u := range []struct {
		name string
		of   float64
	}{{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}} {
		if n, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = n, u.of
			break
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(n) || n*unit < 1 || n*unit > 1<<50 {
		return 0, fmt.Errorf("not a size: %q", s)
	}
	return int64(n * unit), nil
}
