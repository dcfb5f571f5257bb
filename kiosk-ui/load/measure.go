package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"vestibule/models/evaluate/figures"
	"vestibule/sync/seal"
)

// sample is one second of the load.
type sample struct {
	at       float64 // s
	made     float64 // events/s
	answered float64 // events/s
	waiting  float64 // events
	rss      float64 // MB of the server
}

// histogram keeps how long events waited, in steps of 5 % from .1 ms to beyond ten minutes.
type histogram struct {
	mu    sync.Mutex
	count [400]int
	n     int
	most  time.Duration
}

func (h *histogram) add(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, step := 0, 100*time.Microsecond
	for i < len(h.count)-1 && d > step {
		step += step / 20
		i++
	}
	h.count[i]++
	h.n++
	h.most = max(h.most, d)
}

// quantile gives an upper bound of it, ms.
func (h *histogram) quantile(q float64) float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	step, sum := 100*time.Microsecond, 0
	for _, c := range h.count {
		if sum += c; float64(sum) >= q*float64(h.n) {
			break
		}
		step += step / 20
	}
	return float64(step.Microseconds()) / 1000
}

func (h *histogram) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count, h.n, h.most = [400]int{}, 0, 0
}

// rss is what a process has in memory, MB.
func rss(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

// cpu is how many seconds of processor time a process has had.
func cpu(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, ok := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100 // clock ticks, 100 a second on Linux
}

// measure connects everybody, lets them idle, loads the centre, and has it crash under them.
func (f *fleet) measure(ctx context.Context) (figures.Set, error) {
	set := figures.Set{}
	how := fmt.Sprintf("%d kiosks over mutual TLS in one client process, server with SQLite and embedded broker, one machine for both", len(f.kiosks))
	one := func(name string, value float64, unit, what string) {
		set[name] = figures.Figure{Value: value, Unit: unit, N: 1, How: what + "; " + how}
	}
	if err := f.startServer(ctx); err != nil {
		return nil, err
	}
	time.Sleep(2 * time.Second)
	bare := rss(f.server.PID())
	f.say("connecting; the server has %.0f MB", bare)
	if err := f.everybody(); err != nil {
		return nil, err
	}
	began := time.Now()
	f.connect(ctx)
	if err := f.allHeard(ctx); err != nil {
		return nil, err
	}
	took := time.Since(began)
	one("load.connect_s", took.Seconds(), "s", "all kiosks at once, until an event of each was acknowledged")
	f.say("all on line after %.1f s", took.Seconds())
	pause(ctx, f.idle)
	idle := rss(f.server.PID())
	one("load.idle_kiosk_kb", 1024*(idle-bare)/float64(len(f.kiosks)), "KB", "server's RSS before and after they connected, divided by them")

	f.say("loading with %.0f events/s for %v; the server has %.0f MB", f.rate, f.lasts, idle)
	f.waits.reset()
	spent := cpu(f.server.PID())
	from := f.answered.Load()
	load, stop := context.WithTimeout(ctx, f.lasts)
	defer stop()
	produced := make(chan error, 1)
	go func() { produced <- f.produce(load) }()
	f.watch(load)
	if err := <-produced; err != nil {
		return nil, err
	}
	carried := float64(f.answered.Load()-from) / f.lasts.Seconds()
	set["load.commit_ack_ms"] = figures.Figure{Value: f.waits.quantile(.5), Unit: "ms", N: f.waits.n, P50: new(f.waits.quantile(.5)), P95: new(f.waits.quantile(.95)), Max: new(float64(f.waits.most.Milliseconds())), How: "from an event's commit on the kiosk to the centre's acknowledgement; " + how}
	one("load.commit_ack_p99_ms", f.waits.quantile(.99), "ms", "the same, 99th percentile")
	one("load.events_per_s", carried, "1/s", fmt.Sprintf("acknowledged during %v at %.0f made a second", f.lasts, f.rate))
	one("load.server_cpu_share", (cpu(f.server.PID())-spent)/f.lasts.Seconds(), "cores", "server's processor time under that load")
	peak := 0.0
	for _, s := range f.samples {
		peak = max(peak, s.rss)
	}
	one("load.server_rss_mb", peak, "MB", "highest during the load")
	drain := time.Now()
	for f.answered.Load() < f.made.Load() && ctx.Err() == nil && time.Since(drain) < 3*time.Minute {
		pause(ctx, 100*time.Millisecond)
	}
	one("load.drain_s", time.Since(drain).Seconds(), "s", "until nothing waited after the load ended")
	if waiting := f.made.Load() - f.answered.Load(); waiting > 0 {
		return nil, fmt.Errorf("%d events were not acknowledged", waiting)
	}
	f.say("carried %.0f events/s, p99 %.0f ms; the centre crashes", carried, f.waits.quantile(.99))

	f.server.Kill()
	crashed := time.Now()
	if err := f.startServer(ctx); err != nil {
		return nil, err
	}
	again := time.Since(crashed)
	if err := f.everybody(); err != nil {
		return nil, err
	}
	if err := f.allHeard(ctx); err != nil {
		return nil, err
	}
	one("load.reconnect_s", time.Since(crashed).Seconds(), "s", fmt.Sprintf("from a kill of the server, started again at once (%.1f s), until an event of every kiosk was acknowledged", again.Seconds()))
	var err error
	set["seal.mb_per_s"], err = sealing()
	return set, err
}

// watch takes a sample a second.
func (f *fleet) watch(ctx context.Context) {
	began := time.Now()
	made, answered := f.made.Load(), f.answered.Load()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m, a := f.made.Load(), f.answered.Load()
		s := sample{at: time.Since(began).Seconds(), made: float64(m - made), answered: float64(a - answered), waiting: float64(m - a), rss: rss(f.server.PID())}
		f.samples = append(f.samples, s)
		made, answered = m, a
		if len(f.samples)%10 == 0 {
			f.say("%.0f made, %.0f acknowledged, %.0f wait, %.0f MB", s.made, s.answered, s.waiting, s.rss)
		}
	}
}

// sealing measures how fast one core seals pictures.
func sealing() (figures.Figure, error) {
	key, err := seal.GenerateKey()
	if err != nil {
		return figures.Figure{}, err
	}
	picture := make([]byte, 3<<20)
	n, began := 0, time.Now()
	for ; time.Since(began) < 2*time.Second; n++ {
		if _, err := seal.Seal(key.Public(), seal.InfoEvidence, "k|s|e", picture); err != nil {
			return figures.Figure{}, err
		}
	}
	return figures.Figure{Value: float64(n*len(picture)) / 1e6 / time.Since(began).Seconds(), Unit: "MB/s", N: n, How: "pictures of 3 MB, one after another"}, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
