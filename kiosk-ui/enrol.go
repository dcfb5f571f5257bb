package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"vestibule/agent"
	wrong "vestibule/sync/fault"
	"vestibule/sync/identity"
	"vestibule/sync/identity/tpm"
)

// enrolKiosk gives this kiosk its identity: it makes a key, and has the centre that made the token certify it.
func enrolKiosk(args []string, in io.Reader, out, errs io.Writer) int {
	var (
		f      = flag.NewFlagSet("kiosk-ui enrol", flag.ContinueOnError)
		bundle = f.String("bundle", "", "`folder` for the kiosk's enrolment (needed)")
		centre = f.String("centre", "", "`host:port` at which the centre takes enrolments (needed)")
		typed  = f.String("token", "", "the token; left out, it is asked for, so that it stands in no list of processes")
		at     keyFlags
	)
	at.register(f)
	if code, stop := parse(f, args, errs); stop {
		return code
	}
	keys, err := at.keys()
	if err != nil {
		return report(errs, asProblem(err))
	}
	if *bundle == "" || *centre == "" {
		_, _ = fmt.Fprintln(errs, "kiosk-ui enrol: -bundle and -centre are needed")
		f.Usage()
		return exitUsage
	}
	if *typed == "" {
		_, _ = fmt.Fprint(errs, "Token: ")
		line, err := bufio.NewReader(io.LimitReader(in, 1000)).ReadString('\n')
		if err != nil && line == "" {
			_, _ = fmt.Fprintln(errs, "\nkiosk-ui enrol: no token was given")
			return exitUsage
		}
		*typed = line
	}
	token, err := identity.ParseToken(*typed)
	if err != nil {
		return report(errs, asProblem(err))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	b, err := identity.Enrol(ctx, *bundle, *centre, token, keys, time.Now)
	if err != nil {
		return report(errs, asProblem(err))
	}
	end, _ := b.Expires(time.Now())
	_, _ = fmt.Fprintf(out, "%s\t%s\t%s\n", b.Name, b.Project, end.UTC().Format(time.DateOnly))
	_, _ = fmt.Fprintf(errs, "This kiosk is %s. Start it with: kiosk-ui run -bundle %s -data DIR\n", b.Name, *bundle)
	return exitDone
}

// keyFlags say where a new kiosk's key is made.
type keyFlags struct{ place, device string }

func (k *keyFlags) register(f *flag.FlagSet) {
	f.StringVar(&k.place, "key", string(identity.PlaceAuto), "where a new kiosk's key is made: tpm, file, or auto: the TPM where one works, else a file")
	f.StringVar(&k.device, "tpm", tpm.Device, "`device` of the TPM 2.0 that makes the key")
}

func (k *keyFlags) keys() (identity.Keys, error) {
	place, err := identity.ParsePlace(k.place)
	return identity.Keys{Place: place, Device: k.device}, err
}

// asProblem shows an error of package identity as the kiosk's own are shown.
func asProblem(err error) error {
	var f *wrong.Fault
	if !errors.As(err, &f) {
		return &fault{&agent.Problem{Code: "enrolment_failed", Message: "This kiosk could not enrol.", Hint: "See the cause; nothing is lost, and the token stays good for this kiosk."}, exitFailed, err}
	}
	return &fault{&agent.Problem{Code: f.Code, Message: f.Message, Hint: f.Hint}, exitConfig, f.Err}
}
