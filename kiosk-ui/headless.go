package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os/signal"
	"syscall"
	"time"

	"vestibule/agent"
	"vestibule/agent/visitor"
)

// line is what headless prints for one visit. It holds no personal data.
type line struct {
	Visit     int                `json:"visit"`
	Session   string             `json:"session,omitempty"`
	Reference string             `json:"reference,omitempty"`
	Outcome   string             `json:"outcome"` // received, approved, rejected, pending, exhausted, problem, stopped
	Problem   string             `json:"problem,omitempty"`
	Retakes   []string           `json:"retakes,omitempty"`
	Hints     []string           `json:"hints,omitempty"`
	Seconds   map[string]seconds `json:"seconds,omitempty"` // by step
	Total     seconds            `json:"total"`
	Events    int                `json:"observed"`
	Error     string             `json:"error,omitempty"`
}

// seconds is a time with milliseconds.
type seconds float64

// headless runs the same agent as run, visited by a script, and prints one JSON
// object a visit.
func headless(args []string, out, errs io.Writer) int {
	var (
		s        settings
		f        = flag.NewFlagSet("kiosk-ui headless", flag.ContinueOnError)
		visits   = f.Int("visits", 1, "how many visits, one after the other")
		language = f.String("language", "en", "language the visitor chooses")
		think    = f.Duration("think", 300*time.Millisecond, "pause before each touch")
		wait     = f.Duration("wait", 0, "how long the visitor waits at the result for the centre's decision")
		limit    = f.Duration("limit", 3*time.Minute, "longest time of one visit")
		hand     = f.Bool("by-hand", false, "the visitor uses the hand shutter once it is offered")
	)
	s.register(f)
	if code, stop := parse(f, args, errs); stop {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	k, err := s.start(ctx, s.logger(errs))
	if err != nil {
		return report(errs, err)
	}
	ran := make(chan error, 1)
	running, end := context.WithCancel(ctx)
	go func() { ran <- k.Run(running) }()
	code := exitDone
	print := json.NewEncoder(out)
	for i := range *visits {
		visit, cancel := context.WithTimeout(ctx, *limit)
		r, err := visitor.Visit(visit, k, visitor.Person{Language: *language, Think: *think, Wait: *wait, ByHand: *hand})
		cancel()
		l := lineOf(i+1, r, err)
		if e := print.Encode(l); e != nil {
			code = exitFailed
			break
		}
		if err != nil || l.Outcome == "problem" {
			code = exitFailed
		}
		if ctx.Err() != nil {
			break
		}
	}
	end()
	if err := <-ran; err != nil && !errors.Is(err, context.Canceled) {
		code = report(errs, err)
	}
	if err := k.close(); err != nil {
		code = report(errs, err)
	}
	return code
}

func lineOf(n int, r visitor.Report, err error) line {
	l := line{Visit: n, Session: r.Session, Outcome: "stopped", Events: r.Observed, Seconds: map[string]seconds{}}
	if !r.Started.IsZero() && r.Ended.After(r.Started) {
		l.Total = seconds(r.Ended.Sub(r.Started).Round(time.Millisecond).Seconds())
	}
	for _, s := range r.Steps {
		l.Seconds[string(s.Step)] += seconds(s.Took().Round(time.Millisecond).Seconds())
	}
	for _, k := range r.Retakes {
		l.Retakes = append(l.Retakes, k.String())
	}
	for _, h := range r.Hints {
		l.Hints = append(l.Hints, string(h))
	}
	if o := r.Outcome; o != nil {
		l.Reference, l.Outcome = o.Reference, outcomeWord(o)
	}
	if r.Problem != nil {
		l.Outcome, l.Problem = "problem", r.Problem.Code
	}
	if err != nil {
		l.Error = err.Error()
	}
	return l
}

func outcomeWord(o *agent.Outcome) string {
	switch {
	case o.Decided:
		switch o.Decision {
		case "APPROVED":
			return "approved"
		case "REJECTED":
			return "rejected"
		}
		return "pending"
	case o.Exhausted:
		return "exhausted"
	}
	return "received"
}
