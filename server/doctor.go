package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"vestibule/sync/fault"
)

// grade says how bad a finding is.
type grade string

// The grades.
const (
	fine     grade = "ok"
	skipped  grade = "skipped"  // not looked at, the message says why
	notice   grade = "notice"   // nothing to do yet
	warning  grade = "warning"  // somebody should look within days
	critical grade = "critical" // the centre does not start, or does not do what it promises
)

func (g grade) rank() int {
	for i, one := range []grade{fine, skipped, notice, warning, critical} {
		if g == one {
			return i
		}
	}
	return 0
}

// finding is what one look at the centre found.
type finding struct {
	Subject string `json:"subject"`
	Grade   grade  `json:"grade"`
	Code    string `json:"code,omitempty"` // where something is wrong
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// diagnosis is all of them.
type diagnosis struct {
	At       time.Time `json:"at"`
	Release  string    `json:"release"`
	Worst    grade     `json:"worst"`
	Findings []finding `json:"findings"`
}

func (d *diagnosis) add(f finding) {
	d.Findings = append(d.Findings, f)
	if f.Grade.rank() > d.Worst.rank() && f.Grade != skipped {
		d.Worst = f.Grade
	}
}

// ok says that something is as it should be.
func (d *diagnosis) ok(subject, format string, args ...any) {
	d.add(finding{Subject: subject, Grade: fine, Message: fmt.Sprintf(format, args...)})
}

// skip says that something was not looked at.
func (d *diagnosis) skip(subject, why string) {
	d.add(finding{Subject: subject, Grade: skipped, Message: why})
}

// wrong says what is wrong, in an error's own words where it has some.
func (d *diagnosis) wrong(subject string, g grade, err error) {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			d.wrong(subject, g, one)
		}
		return
	}
	var f *fault.Fault
	if !errors.As(err, &f) {
		f = fault.New("unexpected", err.Error(), "see the message", nil)
	}
	message := f.Message
	if f.Err != nil {
		message += ": " + f.Err.Error()
	}
	d.add(finding{Subject: subject, Grade: g, Code: f.Code, Message: message, Hint: f.Hint})
}

// text prints the findings for people, what to do below each.
func (d *diagnosis) text(w io.Writer) {
	for _, f := range d.Findings {
		message := strings.Join(strings.Fields(f.Message), " ")
		if f.Code != "" {
			message = f.Code + ": " + message
		}
		_, _ = fmt.Fprintf(w, "%-8s  %-12s  %s\n", f.Grade, f.Subject, message)
		if f.Hint != "" {
			_, _ = fmt.Fprintf(w, "%-8s  %-12s  → %s\n", "", "", f.Hint)
		}
	}
}

// errCritical ends the command with the code of failure; everything is said already.
var errCritical = errors.New("something is critical")

// doctorCommand looks at everything that keeps a centre from working. It reads only.
func doctorCommand(ctx context.Context, p *program, args []string) error {
	fs, s := p.settings("")
	asJSON := fs.Bool("json", false, "print the findings for machines")
	thorough := fs.Bool("thorough", false, "check all of an SQLite database, indices included: several times as long")
	loaded, err := p.configure(fs, s, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case len(loaded.Operands) > 0:
		_, _ = fmt.Fprintln(p.errs, "server doctor: takes flags only")
		return errUsage
	case s.data == "":
		return p.wrongUse(err)
	}
	if use := p.wrongUse(err); errors.Is(use, errUsage) {
		return use
	}
	d := &diagnosis{At: time.Now().UTC(), Release: release(), Worst: fine}
	if err != nil {
		d.wrong("settings", critical, err)
	} else {
		d.ok("settings", "they hold")
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	e := &examination{settings: *s, diagnosis: d, thorough: *thorough, now: time.Now, worker: []string{self, "worker"}}
	e.run(ctx)
	if *asJSON {
		enc := json.NewEncoder(p.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(d); err != nil {
			return fmt.Errorf("print findings: %w", err)
		}
	} else {
		d.text(p.out)
	}
	if d.Worst == critical {
		return errCritical
	}
	return nil
}
