// Command demo shows the whole of Vestibule on one machine: it prints specimen
// documents, films them and a face, starts a centre and a kiosk whose cameras
// play the films, touches the kiosk's screen as a visitor would, and reports how
// five visits ended.
//
// Nothing on the way knows that it is a demo: programs, networks, thresholds and
// checks are the ones of a real kiosk. What the films are, and what a filmed
// photograph can and cannot prove, stands in the README.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"vestibule/kiosk-ui/child"
)

func main() {
	bin := flag.String("bin", "build/bin", "folder of the programs")
	out := flag.String("out", "build/demo", "folder for everything the demo makes")
	models := flag.String("models", os.Getenv("VESTIBULE_MODELS"), "folder of the trained networks")
	keep := flag.Bool("keep", false, "leave centre and kiosk running until Ctrl-C")
	figures := flag.String("bench", "", "measure instead, and write the figures to this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *bin, *out, *models, *figures, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// errVisits says that a visit did not end as it should; the table says which.
var errVisits = errors.New("not every visit ended as it should")

func run(ctx context.Context, bin, out, models, figures string, keep bool) error {
	w, err := newWorld(bin, out, models)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.build(ctx, visits()); err != nil {
		return err
	}
	if figures != "" {
		return w.measure(ctx, figures)
	}
	all := w.perform(ctx, visits())
	fmt.Println()
	table(os.Stdout, all)
	failed := false
	for _, o := range all {
		failed = failed || o.err != nil
	}
	fmt.Printf("\nscreens of the kiosk: %s\nlogs:                 %s\n", w.pictures, filepath.Join(w.dir, "logs"))
	if failed {
		return errVisits
	}
	if keep {
		fmt.Printf("console:              %s/console/   key: %s\n", w.centre.base, w.adminKey)
		fmt.Println("still running: Ctrl-C ends the kiosk, the line and the centre")
		<-ctx.Done()
	} else {
		fmt.Println("console:              `make demo KEEP=1` leaves it running and prints its address and key")
	}
	return nil
}

// perform receives the visitors one after the other. A visit that failed does not
// keep the others from being tried.
func (w *world) perform(ctx context.Context, all []visit) []outcome {
	var out []outcome
	for _, v := range all {
		if ctx.Err() != nil {
			break
		}
		w.say("visit %s: %s", v.name, v.title)
		o := w.receive(ctx, v)
		if o.err != nil {
			w.say("visit %s failed: %v", v.name, o.err)
			w.line.setCut(false)
			_ = w.door.tap("stop") // where the screen has that button; the next visit starts from attract
			_ = child.WaitFor(ctx, 30*time.Second, func() (bool, error) {
				s, err := w.door.state()
				if s.Step == "result" || s.Step == "error" {
					_ = w.door.tap("finish")
				}
				return s.Step == "attract", err
			}, "the kiosk did not come back")
		}
		out = append(out, o)
	}
	return out
}

// newWorld clears what an earlier run left, except the films, which are the same each time.
func newWorld(bin, out, models string) (*world, error) {
	dir, err := filepath.Abs(out)
	if err != nil {
		return nil, err
	}
	if models == "" {
		models = "models/cache"
	}
	if models, err = filepath.Abs(models); err != nil {
		return nil, err
	}
	for _, old := range []string{"centre", "kiosk", "bundle", "stage", "logs", "pictures", "list"} {
		if err := os.RemoveAll(filepath.Join(dir, old)); err != nil {
			return nil, err
		}
	}
	if bin, err = filepath.Abs(bin); err != nil {
		return nil, err
	}
	return &world{bin: bin, dir: dir, portraits: filepath.Join(models, "portraits"), started: time.Now()}, nil
}
