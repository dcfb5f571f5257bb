package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"vestibule/journey"
	"vestibule/kiosk-ui/child"
	"vestibule/sync/identity"
	"vestibule/sync/link"
	"vestibule/sync/wire"
)

// fleet is a centre and many kiosks.
type fleet struct {
	options
	data, base, mqtt string
	argv             []string
	server           *child.Process
	kiosks           []*kiosk
	began            time.Time
	end              context.CancelFunc
	running          sync.WaitGroup
	made, answered   atomic.Int64
	waits            histogram
	samples          []sample
}

// kiosk is one link with its queue, and the visit that its events tell of.
type kiosk struct {
	name    string
	queue   *queue
	up      *link.Uplink
	session string
	seq     uint64
}

func (f *fleet) say(format string, args ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(f.began).Seconds(), fmt.Sprintf(format, args...))
}

// tool runs the server's program to its end.
func (f *fleet) tool(ctx context.Context, args ...string) error {
	_, err := child.Run(ctx, "", filepath.Join(f.bin, "server"), args...)
	return err
}

// open makes the centre and enrols the kiosks.
func (f *fleet) open(ctx context.Context) error {
	f.began = time.Now()
	if err := os.RemoveAll(f.out); err != nil {
		return err
	}
	f.data = filepath.Join(f.out, "centre")
	if err := os.MkdirAll(filepath.Join(f.out, "logs"), 0o700); err != nil {
		return err
	}
	if err := f.tool(ctx, "init", "--data", f.data); err != nil {
		return err
	}
	ports, err := child.FreePorts(2)
	if err != nil {
		return err
	}
	http := ports[0]
	f.mqtt = ports[1]
	f.base = "http://" + http
	f.argv = []string{filepath.Join(f.bin, "server"), "serve", "--data", f.data, "--http", http, "--mqtt", f.mqtt, "--vision=false"}
	f.say("enrolling %d kiosks", f.options.kiosks)
	return f.enrol(ctx)
}

// enrol makes the kiosks' bundles, four at a time.
func (f *fleet) enrol(ctx context.Context) error {
	f.kiosks = make([]*kiosk, f.options.kiosks)
	var next, done atomic.Int64
	var working sync.WaitGroup
	failed := make(chan error, 4)
	for range 4 {
		working.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(f.kiosks) || ctx.Err() != nil {
					return
				}
				k, err := f.one(ctx, fmt.Sprintf("load-%05d", i))
				if err != nil {
					failed <- err
					return
				}
				f.kiosks[i] = k
				if n := done.Add(1); n%500 == 0 {
					f.say("%d of %d enrolled", n, len(f.kiosks))
				}
			}
		})
	}
	working.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return ctx.Err()
	}
}

func (f *fleet) one(ctx context.Context, name string) (*kiosk, error) {
	dir := filepath.Join(f.out, "bundles", name)
	if err := f.tool(ctx, "kiosk", "add", "--data", f.data, "--name", name, "--country", "UTO", "--broker", f.mqtt, "--out", dir); err != nil {
		return nil, err
	}
	b, err := identity.LoadBundle(dir)
	if err != nil {
		return nil, err
	}
	k := &kiosk{name: name}
	k.queue = newQueue(name, func(d time.Duration) {
		f.answered.Add(1)
		f.waits.add(d)
	})
	k.up, err = link.NewUplink(&link.MQTT{Broker: b.Broker, TLS: b.TLS(time.Now)}, k.queue, link.UplinkConfig{
		Kiosk: name, Signer: b.Signer(), Centre: b.CentreKey, Release: "load",
		Apply: func(context.Context, *sql.Tx, wire.Record) error { return nil },
	})
	return k, err
}

func (f *fleet) startServer(ctx context.Context) error {
	var err error
	if f.server, err = child.Start(filepath.Join(f.out, "logs"), "server", nil, f.argv...); err != nil {
		return err
	}
	return f.server.Until(ctx, time.Minute, func() bool { return child.Answers(f.base + "/healthz") })
}

// connect starts every kiosk's link.
func (f *fleet) connect(ctx context.Context) {
	ctx, f.end = context.WithCancel(ctx)
	for _, k := range f.kiosks {
		f.running.Go(func() { _ = k.up.Run(ctx) })
	}
}

// allHeard waits until every event that was made is acknowledged.
func (f *fleet) allHeard(ctx context.Context) error {
	return child.WaitFor(ctx, 3*time.Minute, func() (bool, error) { return f.answered.Load() == f.made.Load(), nil },
		"%d events of %d kiosks were acknowledged", f.answered.Load(), len(f.kiosks))
}

// names are the events of an ordinary visit, as a kiosk tells them.
var names = []journey.EventName{
	journey.EventSessionCreated, journey.EventStepView, journey.EventCameraRequested, journey.EventIDRecognition, journey.EventMRZValidation,
	journey.EventBarcodeValidation, journey.EventStep1Result, journey.EventStepView, journey.EventSubmitStep2, journey.EventFaceCompare,
	journey.EventGetLivenessResult, journey.EventStep2Result, journey.EventTipDialogShown, journey.EventStepView, journey.EventFinalPageView,
}

// perVisit is how many events a visit has; the contract's journeys on our kiosks have 90 to 120.
const perVisit = 90

// event makes a kiosk's next one.
func (k *kiosk) event(now time.Time) (journey.Event, error) {
	if k.seq%perVisit == 0 {
		k.session, k.seq = uuid.Must(uuid.NewV7()).String(), 0
	}
	name := names[int(k.seq)%len(names)]
	k.seq++
	entry, known := journey.Lookup(name)
	if !known {
		return journey.Event{}, errors.New("no such event: " + string(name))
	}
	e := journey.Event{
		ID: uuid.Must(uuid.NewV7()).String(), Session: k.session, Kiosk: k.name, Seq: k.seq, Name: name, Source: entry.Source, Origin: journey.OriginAgent,
		Result: journey.Observed, Impact: journey.ImpactNone, Started: now, Ended: now, Clock: journey.ClockTrusted, Policy: "1",
		Path: "/step1", Detail: map[string]string{"language": "en", "role": "document", "attempt": "1"},
	}
	if entry.Source == journey.FE {
		e.Origin = journey.OriginKioskUI
	}
	return e, e.Validate()
}

// produce makes events at the rate until ctx ends: people are at some kiosks and not at others, so each time a
// kiosk is drawn it tells a handful.
func (f *fleet) produce(ctx context.Context) error {
	rng := rand.New(rand.NewPCG(1, 2))
	const handful = 5
	began := time.Now()
	for n := 0.0; ctx.Err() == nil; {
		due := time.Since(began).Seconds() * f.rate
		for ; n < due; n += handful {
			if err := f.tell(f.kiosks[rng.IntN(len(f.kiosks))], handful); err != nil {
				return err
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}

// everybody has every kiosk tell one event.
func (f *fleet) everybody() error {
	for _, k := range f.kiosks {
		if err := f.tell(k, 1); err != nil {
			return err
		}
	}
	return nil
}

// tell has a kiosk make n events at once.
func (f *fleet) tell(k *kiosk, n int) error {
	now := time.Now()
	for range n {
		e, err := k.event(now)
		if err != nil {
			return err
		}
		body, err := wire.Marshal(e)
		if err != nil {
			return err
		}
		if err := k.queue.add(e.ID, body, now); err != nil {
			return err
		}
	}
	f.made.Add(int64(n))
	k.up.Kick()
	return nil
}

func (f *fleet) close() {
	if f.end != nil {
		f.end()
	}
	f.running.Wait()
	f.server.Kill()
}
