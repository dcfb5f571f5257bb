// Command chaos proves on real processes that nothing is lost, nothing comes twice and nothing comes
// out of order: kiosk agents, broker and centre are killed, cut off, starved of disk, given wrong clocks and, with
// -power, robbed of everything that they have not synced, by a schedule drawn from a seed; then everything is healed, and both sides' databases are compared row by row.
//
// The agents are the product's, on a scripted camera and engine, so that a visit takes two seconds and no
// pixels; the broker, the centre, TLS and the databases are the product's own programs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	part()
	var o options
	flag.StringVar(&o.bin, "bin", "build/bin", "folder of the programs")
	flag.StringVar(&o.out, "out", "build/chaos", "folder for everything that is made")
	flag.StringVar(&o.broker, "broker", "embedded", "broker: "+brokers())
	flag.IntVar(&o.kiosks, "kiosks", 3, "kiosks")
	flag.BoolVar(&o.power, "power", false, "cut the power of kiosks and centre too: what they have not synced is lost (needs FUSE)")
	waiting := flag.Int("waiting", 0, "instead of schedules: let so many submissions wait at a kiosk without a line, then let them go, and measure")
	mb := flag.Int("mb", 5, "of each such submission")
	n := flag.Int("n", 20, "schedules")
	seed := flag.Uint64("seed", 1, "of the first schedule; the next ones follow")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *waiting > 0 {
		o.kiosks, o.picture = 1, *mb<<20
		if err := wait(ctx, o, *waiting); err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
			os.Exit(1)
		}
		return
	}
	if err := repeat(ctx, o, *n, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// part runs this program as one of the processes of a schedule, if it was started as one.
func part() {
	if len(os.Args) < 2 {
		return
	}
	switch os.Args[1] {
	case "kiosk":
		os.Exit(kioskMain(os.Args[2:]))
	case "disk":
		os.Exit(diskMain(os.Args[2:]))
	case "nats":
		os.Exit(natsMain(os.Args[2:]))
	}
}

// options are what all schedules share.
type options struct {
	bin, out, broker string
	kiosks           int
	power            bool                           // disks lose what was not synced, and their power is cut
	deaf             struct{ kiosk, centre string } // files on their disks whose syncs go unheard
	picture          int                            // bytes of a document's picture; 0: some hundred thousand
	patience         time.Duration                  // how long draining may take; 0: drainLimit
}

// repeat runs n schedules and says what they came to. A schedule that fails does not keep the others from
// being tried, and its folder stays.
func repeat(ctx context.Context, o options, n int, seed uint64) error {
	var err error
	for _, p := range []*string{&o.bin, &o.out} {
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	var all tally
	var drains []time.Duration
	var failed []uint64
	for s := seed; s < seed+uint64(n) && ctx.Err() == nil; s++ {
		dir := filepath.Join(o.out, fmt.Sprintf("%s-%d", o.broker, s))
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		w := &world{options: o, dir: dir, seed: s}
		got, err := w.schedule(ctx)
		all.add(got)
		if err != nil {
			failed = append(failed, s)
			fmt.Printf("seed %d: %v\n  %s\n  kept in %s\n", s, err, w.told(), dir)
			continue
		}
		drains = append(drains, got.drain)
		fmt.Printf("seed %d: ok, %d events, %d submissions, %d pictures, %d decisions, drained in %v; %s\n",
			s, got.events, got.submissions, got.pictures, got.decisions, got.drain.Round(10*time.Millisecond), w.told())
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	fmt.Printf("%s broker, %d schedules: %d events, %d submissions, %d pictures, %d decisions compared; drained in %v on average, %v at most\n",
		o.broker, n, all.events, all.submissions, all.pictures, all.decisions, mean(drains).Round(10*time.Millisecond), most(drains).Round(10*time.Millisecond))
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d schedules failed; seeds %v; again with: -n 1 -seed %d -broker %s%s", len(failed), n, failed, failed[0], o.broker, map[bool]string{true: " -power"}[o.power])
	}
	return ctx.Err()
}

func mean(all []time.Duration) (d time.Duration) {
	for _, one := range all {
		d += one / time.Duration(len(all))
	}
	return d
}

func most(all []time.Duration) (d time.Duration) {
	for _, one := range all {
		d = max(d, one)
	}
	return d
}
