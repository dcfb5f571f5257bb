package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"vestibule/journey"
	"vestibule/kiosk-ui/child"
)

// backlog is what was seen of a kiosk whose line was down for long.
type backlog struct {
	submissions           int
	bytes                 int64
	filled, drained       time.Duration
	before, waiting       int64 // memory of the kiosk, bytes: the most before anything waited, and while it grew
	draining, centre      int64 // the most while it went: of the kiosk, and of the centre
	centreBefore          int64
	events                int // made while pictures went
	median, late, slowest time.Duration
}

// wait makes a world, measures and prints, and removes what it made.
func wait(ctx context.Context, o options, n int) (err error) {
	for _, p := range []*string{&o.bin, &o.out} {
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	dir := filepath.Join(o.out, "waiting")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w := &world{options: o, dir: dir, seed: 1}
	b, err := w.wait(ctx, n)
	if err != nil {
		return err
	}
	const mb = 1 << 20
	fmt.Printf("%d submissions, %d MB, waited after %v\n", b.submissions, b.bytes/mb, b.filled.Round(time.Second))
	fmt.Printf("kiosk's memory: %d MB at first, at most %d MB while they waited, %d MB while they went\n", b.before/mb, b.waiting/mb, b.draining/mb)
	fmt.Printf("centre's memory: %d MB at first, at most %d MB\n", b.centreBefore/mb, b.centre/mb)
	fmt.Printf("they went in %v, %.1f MB/s; %d events made meanwhile were at the centre after %v (median), %v (95 %%), %v (slowest)\n",
		b.drained.Round(100*time.Millisecond), float64(b.bytes)/mb/b.drained.Seconds(), b.events,
		b.median.Round(time.Millisecond), b.late.Round(time.Millisecond), b.slowest.Round(time.Millisecond))
	return nil
}

// wait lets n visits end at a kiosk without a line, mends the line, lets visits go on until everything that waited has
// arrived, and compares both sides.
func (w *world) wait(ctx context.Context, n int) (b backlog, err error) {
	defer w.close()
	if err := w.open(ctx); err != nil {
		return b, err
	}
	k := w.kiosks[0]
	k.line.cut()
	pause(ctx, 2*time.Second)
	b.before, b.centreBefore = memory(k.process.PID()), memory(w.centre.server.PID())
	limit := time.Duration(n)*10*time.Second + time.Minute
	db, err := k.db()
	if err != nil {
		return b, err
	}
	defer db.Close()
	began := time.Now()
	err = child.WaitFor(ctx, limit, func() (bool, error) {
		b.waiting = max(b.waiting, memory(k.process.PID()))
		var err error
		b.submissions, err = count(ctx, db, `SELECT count(*) FROM submission`)
		return b.submissions >= n, err
	}, "not enough people came")
	if err != nil {
		return b, err
	}
	b.filled = time.Since(began)
	var pictures int
	var last int64
	if err := db.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(size), 0), coalesce(max(num), 0) FROM outbox_blob`).Scan(&pictures, &b.bytes, &last); err != nil {
		return b, err
	}
	if pictures < n {
		return b, fmt.Errorf("%d pictures wait, of %d submissions", pictures, n)
	}
	mended := time.Now()
	if err := k.line.heal(ctx); err != nil {
		return b, err
	}
	err = child.WaitFor(ctx, limit, func() (bool, error) {
		b.draining = max(b.draining, memory(k.process.PID()))
		b.centre = max(b.centre, memory(w.centre.server.PID()))
		left, err := count(ctx, db, `SELECT count(*) FROM outbox_blob WHERE num <= ?`, last)
		return left == 0, err
	}, "what waited did not go")
	if err != nil {
		return b, err
	}
	b.drained = time.Since(mended)
	until := time.Now()
	if err := w.heal(ctx); err != nil { // nobody new comes in
		return b, err
	}
	if _, err := w.drain(ctx); err != nil {
		return b, err
	}
	if err := w.latencies(ctx, &b, mended, until); err != nil {
		return b, err
	}
	k.process.Stop()
	w.centre.server.Stop()
	_, err = w.compare(ctx)
	return b, err
}

// latencies fills in how long events took from their end at the kiosk to their receipt at the centre; both clocks
// are this machine's.
func (w *world) latencies(ctx context.Context, b *backlog, from, until time.Time) error {
	db, err := w.centreDB()
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := list(ctx, db, `SELECT id, body FROM event WHERE origin <> ?`, journey.OriginServer)
	if err != nil {
		return err
	}
	var took []time.Duration
	for _, r := range rows {
		var e journey.Event
		if err := json.Unmarshal(r.body, &e); err != nil {
			return fmt.Errorf("read event: %w", err)
		}
		if e.Ended.After(from) && e.Ended.Before(until) && !e.Received.IsZero() {
			took = append(took, e.Received.Sub(e.Ended))
		}
	}
	if len(took) == 0 {
		return nil
	}
	slices.Sort(took)
	b.events, b.median, b.late, b.slowest = len(took), took[len(took)/2], took[len(took)*95/100], took[len(took)-1]
	return nil
}

// memory is what a process holds, in bytes; 0 when that cannot be told.
func memory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte("VmRSS:"))
	var kb int64
	if _, err := fmt.Sscan(string(rest), &kb); err != nil {
		return 0
	}
	return kb << 10
}
