package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"vestibule/agent"
	"vestibule/agent/store"
)

// waitingLine is one thing that waits, as -json prints it. It holds no personal data.
type waitingLine struct {
	What  string    `json:"what"` // event, submission, health, picture
	ID    string    `json:"id"`
	Bytes int64     `json:"bytes"`
	Since time.Time `json:"since,omitzero"`
	Age   seconds   `json:"age"`
	Why   agent.Why `json:"why"`
	How   string    `json:"how,omitempty"`
}

// backlogLine is the whole, as -json prints it first.
type backlogLine struct {
	Kiosk       string      `json:"kiosk"`
	Submissions int         `json:"submissions"`
	Records     int         `json:"records"`
	Pictures    int         `json:"pictures"`
	Bytes       int64       `json:"bytes"`
	Oldest      time.Time   `json:"oldest,omitzero"`
	Age         seconds     `json:"age"`
	Line        agent.Line  `json:"line"`
	Exported    string      `json:"exported,omitempty"` // the last courier file
	Limits      []limitLine `json:"limits"`
	Warnings    []string    `json:"warnings"` // of limits that are used to 80 % or more
}

type limitLine struct {
	Name  string  `json:"name"`
	Used  float64 `json:"used"`
	Of    float64 `json:"of"`
	Unit  string  `json:"unit"`
	Level string  `json:"level"` // ok, warning, reached
}

// errEnough ends a list.
var errEnough = errors.New("enough")

// showOutbox tells what waits for the centre, how long, and why.
func showOutbox(args []string, out, errs io.Writer) int {
	var (
		f    = flag.NewFlagSet("kiosk-ui outbox", flag.ContinueOnError)
		data = f.String("data", "", "`folder` of the kiosk's database (needed)")
		all  = f.Bool("all", false, "list everything that waits (default: the oldest 20 records and 20 pictures)")
		asJS = f.Bool("json", false, "one JSON object for the whole, then one for each thing that waits")
	)
	if code, stop := parse(f, args, errs); stop {
		return code
	}
	if *data == "" {
		_, _ = fmt.Fprintln(errs, "kiosk-ui outbox: -data is needed")
		f.Usage()
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	b, err := agent.OpenBacklog(ctx, *data, agent.Limits{}, store.Options{}, time.Now())
	if err != nil {
		return report(errs, err)
	}
	defer b.Close()
	whole := wholeOf(b)
	print := json.NewEncoder(out)
	show := func(w agent.Waiting) error {
		_, err := fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", w.What, w.ID, sizeWord(w.Size), ageWord(w.Age, w.Since), whyWord(w))
		return err
	}
	most := 20
	if *asJS {
		err = print.Encode(whole)
		show = func(w agent.Waiting) error {
			return print.Encode(waitingLine{w.What, w.ID, w.Size, w.Since, seconds(w.Age.Seconds()), w.Why, w.How})
		}
	} else {
		err = whole.print(out)
	}
	if *all || *asJS {
		most = 0
	}
	for _, each := range []func(context.Context, func(agent.Waiting) error) error{b.EachRecord, b.EachPicture} {
		n := 0
		if err == nil {
			err = each(ctx, func(w agent.Waiting) error {
				if n++; most > 0 && n > most {
					return errEnough
				}
				return show(w)
			})
		}
		if errors.Is(err, errEnough) {
			_, err = fmt.Fprintln(out, "…\tmore with -all")
		}
	}
	if err != nil {
		return report(errs, err)
	}
	return exitDone
}

func wholeOf(b *agent.Backlog) backlogLine {
	w := backlogLine{
		Kiosk: b.Kiosk, Submissions: b.Stats.Submissions, Records: b.Stats.Records, Pictures: b.Stats.Blobs, Bytes: b.Stats.Bytes + b.Stats.BlobBytes,
		Oldest: b.Oldest, Age: seconds(b.Age.Seconds()), Line: b.Line, Exported: b.Export.File, Warnings: []string{},
	}
	for _, l := range b.Limits {
		one := limitLine{Name: l.Name, Used: l.Used, Of: l.Of, Unit: "bytes", Level: [...]string{"ok", "warning", "reached"}[l.Level]}
		if l.Name == "age" {
			one.Unit = "seconds"
		}
		w.Limits = append(w.Limits, one)
		if l.Level > 0 {
			w.Warnings = append(w.Warnings, fmt.Sprintf("%s: %.0f %% of the limit", l.Name, 100*l.Share()))
		}
	}
	return w
}

// print writes the whole for people.
func (w backlogLine) print(out io.Writer) error {
	var err error
	line := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(out, format+"\n", args...)
		}
	}
	if w.Records == 0 && w.Pictures == 0 {
		line("waiting\tnothing: the centre has everything")
	} else {
		line("waiting\t%d records (%d of submissions) and %d pictures, %s, the oldest record for %s",
			w.Records, w.Submissions, w.Pictures, sizeWord(w.Bytes), ageWord(time.Duration(float64(w.Age)*float64(time.Second)), w.Oldest))
	}
	switch l := w.Line; {
	case l.At.IsZero():
		line("line\tnothing is known yet")
	case l.Refused != "":
		line("line\tthe centre refuses this kiosk's records (%s), as of %s", l.Refused, l.At.Format(time.RFC3339))
	case l.Online && l.Code == "":
		line("line\tworks, as of %s", l.At.Format(time.RFC3339))
	default:
		line("line\t%s, as of %s", l.Code, l.At.Format(time.RFC3339))
	}
	if w.Exported != "" {
		line("courier\tlast exported %s", w.Exported)
	}
	for _, l := range w.Limits {
		used, of := sizeWord(int64(l.Used)), sizeWord(int64(l.Of))
		if l.Unit == "seconds" {
			used, of = daysWord(l.Used), daysWord(l.Of)
		}
		mark := ""
		switch l.Level {
		case "warning":
			mark = "\tWARNING: 80 % is passed; bring the records to the centre by line or courier"
		case "reached":
			mark = "\tLIMIT: bring the records to the centre by line or courier now; nothing is dropped"
		}
		line("limit\t%s %s of %s (%.0f %%)%s", l.Name, used, of, 100*l.Used/l.Of, mark)
	}
	return err
}

func whyWord(w agent.Waiting) string {
	switch w.Why {
	case agent.Refused:
		return "refused by the centre: " + w.How
	case agent.Unacknowledged:
		if w.How == "line" {
			return "sent, waiting for the acknowledgement"
		}
		return "carried away in " + w.How + ", waiting for the acknowledgement"
	}
	if w.How == "" {
		return "never sent"
	}
	return "never sent: " + w.How
}

func sizeWord(n int64) string {
	switch {
	case n < 1e3:
		return fmt.Sprintf("%d B", n)
	case n < 1e6:
		return fmt.Sprintf("%.1f KB", float64(n)/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

func ageWord(d time.Duration, since time.Time) string {
	if since.IsZero() {
		return "unknown"
	}
	if d < 48*time.Hour {
		return d.Truncate(time.Second).String()
	}
	return daysWord(d.Seconds())
}

func daysWord(seconds float64) string { return fmt.Sprintf("%.1f days", seconds/86400) }
