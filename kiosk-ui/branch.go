package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"vestibule/agent"
	"vestibule/kiosk-ui/branch"
	"vestibule/sync/identity"
	"vestibule/sync/link"
)

// showBranch shows the people of a branch how its kiosks stand, with or without the line to the centre.
func showBranch(args []string, out, errs io.Writer) int {
	var (
		f        = flag.NewFlagSet("kiosk-ui branch", flag.ContinueOnError)
		data     = f.String("data", "", "`folder` in which it keeps what it saw (needed)")
		id       = f.String("identity", "", "`folder` of the viewer's certificate, from server broker bridge (needed but for -json)")
		box      = f.String("broker", "", "`host:port` of the branch's box (default: as the identity says)")
		address  = f.String("http", "127.0.0.1:8090", "`host:port` at which it shows its page, and /branch.json")
		everyone = f.Bool("everyone", false, "let -http be reached by other machines: whoever reaches it may look, there is no log-in")
		asJSON   = f.Bool("json", false, "print what the view that runs on -data has seen, and end")
	)
	if code, stop := parse(f, args, errs); stop {
		return code
	}
	if *data == "" || *id == "" && !*asJSON {
		_, _ = fmt.Fprintln(errs, "kiosk-ui branch: -data and -identity are needed")
		f.Usage()
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if *asJSON {
		return printBranch(ctx, *data, out, errs)
	}
	if host, _, err := net.SplitHostPort(*address); err != nil || !*everyone && !local(host) {
		return report(errs, &fault{&agent.Problem{
			Code: "branch_address", Message: "The page cannot be shown at " + *address + ".",
			Hint: "Give -http as 127.0.0.1:8090; for other machines add -everyone: there is no log-in.",
		}, exitUsage, err})
	}
	v, err := identity.LoadViewer(*id)
	if err != nil {
		return report(errs, asProblem(err))
	}
	if *box == "" {
		*box = v.Broker
	}
	book, err := branch.Open(ctx, *data, v.Branch, v.Kiosks, v.Kiosk)
	if err != nil {
		return report(errs, bookProblem(err))
	}
	defer book.Close()
	ln, err := net.Listen("tcp", *address)
	if err != nil {
		return report(errs, &fault{&agent.Problem{Code: "branch_address", Message: "The page cannot be shown at " + *address + ".", Hint: "Choose another port with -http."}, exitFailed, err})
	}
	log := slog.New(slog.NewTextHandler(errs, nil))
	web := &http.Server{
		Handler: branch.Page(book, time.Now, log), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(ln) }()
	log.Info("the branch is shown", "http", ln.Addr().String(), "box", *box)
	heard := make(chan error, 1)
	go func() {
		heard <- (&branch.Listener{
			Transport: &link.MQTT{Broker: *box, TLS: v.TLS(time.Now)}, Client: v.Name(), Branch: v.Branch, Book: book, Now: time.Now, Log: log,
		}).Run(ctx)
	}()
	select {
	case err = <-heard:
		_ = web.Close()
	case err = <-served:
		stop()
		<-heard
	}
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, http.ErrServerClosed) {
		return report(errs, bookProblem(err))
	}
	return exitDone
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func bookProblem(err error) error {
	return &fault{&agent.Problem{Code: "branch_book", Message: "What was seen of the branch cannot be kept or read.", Hint: "Check the folder of -data, its owner and the free space."}, exitStore, err}
}

func printBranch(ctx context.Context, data string, out, errs io.Writer) int {
	book, err := branch.Read(data)
	if err != nil {
		return report(errs, bookProblem(err))
	}
	defer book.Close()
	s, err := book.Snapshot(ctx, time.Now())
	if err == nil {
		print := json.NewEncoder(out)
		print.SetIndent("", "  ")
		err = print.Encode(s)
	}
	if err != nil {
		return report(errs, bookProblem(err))
	}
	return exitDone
}
