package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/eyes"
)

// How often things are measured.
const (
	glances   = 60
	readings  = 20
	idleTime  = 20 * time.Second
	benchRuns = 3 // visits
)

// measure takes the figures of speed and size on the running programs, prints
// them and adds them to the file.
func (w *world) measure(ctx context.Context, path string) error {
	set := figures.Set{}
	set["kiosk.start_to_attract"] = figures.Spread([]float64{w.kioskStart.Seconds()}, "s", "from the program's start until the attract screen is up and an agent stands behind it")
	w.say("watching the kiosk do nothing for %s", idleTime)
	if err := w.idle(ctx, set); err != nil {
		return err
	}
	if err := w.timeVisits(ctx, set); err != nil {
		return err
	}
	w.say("measuring the live picture")
	if err := w.shootBench(ctx); err != nil {
		return err
	}
	if err := w.timeEyes(ctx, set); err != nil {
		return err
	}
	if err := figures.Merge(path, set); err != nil {
		return err
	}
	return set.Table(os.Stdout)
}

// idle measures memory and processor time of the kiosk and its worker at the attract screen.
func (w *world) idle(ctx context.Context, set figures.Set) error {
	before, err := usage(w.kiosk.PID())
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(idleTime):
	}
	after, err := usage(w.kiosk.PID())
	if err != nil {
		return err
	}
	cpu := 100 * (after.cpu - before.cpu).Seconds() / idleTime.Seconds()
	set["kiosk.idle_cpu"] = figures.Figure{Value: cpu, Unit: "% of one core", N: 1, How: fmt.Sprintf("kiosk and worker over %s at the attract screen", idleTime)}
	after.memory(set, "idle", "at the attract screen")
	return nil
}

// timeVisits lets people through and reads the intervals from the centre's journal.
func (w *world) timeVisits(ctx context.Context, set figures.Set) error {
	var document, closer, selfie, frames, decided, whole []float64
	var last use
	run := visits()[:1]
	run = append(run, visits()[2], visits()[4])
	for _, v := range run[:benchRuns] {
		w.say("visit %s: %s", v.name, v.title)
		o := w.receive(ctx, v)
		if o.err != nil {
			return fmt.Errorf("visit %s: %w", v.name, o.err)
		}
		use, err := usage(w.kiosk.PID())
		if err != nil {
			return err
		}
		last = use
		decided = append(decided, o.decideIn.Seconds())
		var steps time.Duration
		for _, d := range o.steps {
			steps += d
		}
		whole = append(whole, steps.Seconds())
		document = append(document, intervals(o.journey.Journal, journey.EventMRZValidation, step1Checks())...)
		closer = append(closer, intervals(o.journey.Journal, journey.EventMRZValidation, []journey.EventName{journey.EventIDLivenessVerification})...)
		for _, series := range passive(o.journey.Journal) {
			selfie = append(selfie, float64(series.compared.Sub(series.taken).Microseconds())/1000)
			frames = append(frames, float64(series.taken.Sub(series.begun).Microseconds())/1000)
		}
	}
	if len(document) == 0 || len(selfie) == 0 {
		return errors.New("the journals hold no checks to measure")
	}
	set["document.verdict"] = figures.Spread(document, "ms", "from the capture to the last check before the data are shown to be confirmed, as the journal has it")
	set["document.genuine"] = figures.Spread(closer, "ms", "from the capture until it was measured whether this is the document itself, which goes on while the data are shown")
	set["selfie.series"] = figures.Spread(frames, "ms", "from the first to the last frame of the passive series, each measured as it comes")
	set["selfie_verdict_ms"] = figures.Spread(selfie, "ms", "from the last frame of the series to the face comparison, as the journal has it")
	set["decision.back"] = figures.Spread(decided, "s", "from the last submit until the kiosk shows the decision, online")
	set["visit.whole"] = figures.Spread(whole, "s", "from the first touch to the result, with a visitor who needs a second a screen")
	last.memory(set, "after_visits", fmt.Sprintf("after %d visits", len(decided)))
	set["worker_rss_mb"] = figures.Figure{Value: last.rss - last.first, Unit: "MB", N: last.processes - 1, How: fmt.Sprintf("resident memory of the vision worker after %d visits", len(decided))}
	return nil
}

// series is one passive liveness series: its frames are measured as they come.
type series struct{ begun, taken, compared time.Time }

func passive(events []journey.Event) []series {
	var out []series
	for _, e := range events {
		if e.Name != journey.EventLivenessVerification || e.Origin == journey.OriginServer {
			continue
		}
		for _, c := range events {
			if c.Name == journey.EventFaceCompare && c.Origin == e.Origin && c.Attempt == e.Attempt {
				out = append(out, series{e.Started, e.Ended, c.Ended})
			}
		}
	}
	return out
}

// step1Checks are those that follow at once. The recognition is judged again when the print was read, and whether
// it is the document itself when that was measured: both while the person looks at the data.
func step1Checks() []journey.EventName {
	return []journey.EventName{
		journey.EventMRZValidation, journey.EventExpiredIDCheck,
		journey.EventRecognitionScoreEvaluation, journey.EventBlacklistCountryEvaluation,
	}
}

// intervals gives milliseconds from the start of each first event until the last
// of the others of the same attempt ended.
func intervals(events []journey.Event, first journey.EventName, until []journey.EventName) []float64 {
	var out []float64
	for _, begin := range events {
		if begin.Name != first || begin.Origin == journey.OriginServer {
			continue
		}
		end := begin.Ended
		for _, e := range events {
			for _, name := range until {
				if e.Name == name && e.Origin == begin.Origin && e.Attempt == begin.Attempt && e.Ended.After(end) {
					end = e.Ended
				}
			}
		}
		out = append(out, float64(end.Sub(begin.Started).Microseconds())/1000)
	}
	return out
}

// timeEyes measures the engine alone, in this process: live frames, and documents as they lie
// still in the films of all visits.
func (w *world) timeEyes(ctx context.Context, set figures.Set) error {
	engine, err := eyes.Open(filepath.Dir(w.portraits))
	if err != nil {
		return err
	}
	defer engine.Close()
	if err := w.timeReadings(ctx, engine, set); err != nil {
		return err
	}
	return w.timeGlances(ctx, engine, set)
}

// timeReadings measures whole readings on all cores.
func (w *world) timeReadings(ctx context.Context, engine *eyes.Engine, set figures.Set) error {
	frames, err := filepath.Glob(filepath.Join(w.films, "*", "document", "*.jpg"))
	if err != nil {
		return err
	}
	last := map[string]string{} // the film ends with the document lying still
	for _, f := range frames {
		last[filepath.Dir(f)] = f
	}
	if len(last) == 0 {
		return errors.New("no films of documents")
	}
	films := slices.Sorted(maps.Values(last))
	var took []float64
	read := 0
	for i := range readings {
		pix, err := os.ReadFile(films[i%len(films)])
		if err != nil {
			return err
		}
		begun := time.Now()
		d, err := engine.ReadDocument(ctx, []models.Frame{{Format: models.JPEG, Pix: pix}})
		if err != nil {
			return err
		}
		took = append(took, float64(time.Since(begun).Microseconds())/1000)
		if d.MRZ != nil {
			read++
		}
	}
	set["document_read_ms"] = figures.Spread(took, "ms", fmt.Sprintf("a decoded frame of a document in, all findings out, in this process on %d cores; %d films, zone found in %d of %d", runtime.NumCPU(), len(films), read, readings))
	return nil
}

// timeGlances measures the analysis of live frames on one core.
func (w *world) timeGlances(ctx context.Context, engine *eyes.Engine, set figures.Set) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	v := visits()[0]
	var all, allocations []float64
	for _, m := range []struct {
		name, folder string
		aim          models.Aim
	}{
		{"frame_analysis_ms.face", filepath.Join(w.films, v.name, "face"), models.AimFace},
		{"frame_analysis_ms.document", filepath.Join(w.films, "bench", "document"), models.AimDocument},
	} {
		frames, err := filepath.Glob(filepath.Join(m.folder, "*.jpg"))
		if err != nil || len(frames) == 0 {
			return fmt.Errorf("no frames in %s", m.folder)
		}
		var took []float64
		for i := range glances {
			pix, err := os.ReadFile(frames[i*len(frames)/glances])
			if err != nil {
				return err
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			if _, err := engine.Glance(ctx, models.Frame{Format: models.JPEG, Pix: pix}, m.aim); err != nil {
				return err
			}
			took = append(took, float64(time.Since(begun).Microseconds())/1000)
			runtime.ReadMemStats(&after)
			allocations = append(allocations, float64(after.Mallocs-before.Mallocs))
		}
		set[m.name] = figures.Spread(took, "ms", "decoding and analysing one 1280×720 frame, in this process on one core")
		all = append(all, took...)
	}
	set["frame_analysis_ms"] = figures.Spread(all, "ms", "both kinds of live frame together")
	set["frame_allocs"] = figures.Spread(allocations, "count", "Go allocations for one live frame")
	return nil
}

// use is what a program and its children take.
type use struct {
	first     float64 // MB resident of the program itself
	rss, pss  float64 // MB resident of all; pss counts what they share once
	cpu       time.Duration
	processes int
}

func (u use) memory(set figures.Set, when, how string) {
	set["kiosk.rss_"+when] = figures.Figure{Value: u.first, Unit: "MB", N: 1, How: "resident memory of the kiosk program without its worker, " + how}
	set["kiosk.rss_with_worker_"+when] = figures.Figure{Value: u.rss, Unit: "MB", N: u.processes, How: "kiosk and worker added up, libraries they share counted twice, " + how}
	set["kiosk.pss_with_worker_"+when] = figures.Figure{Value: u.pss, Unit: "MB", N: u.processes, How: "kiosk and worker added up, what they share counted once, " + how}
}

// usage reads /proc for a process and its children.
func usage(pid int) (use, error) {
	u := use{}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		one := all[i]
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", one))
		if err != nil {
			return u, err
		}
		for _, file := range tasks {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // that thread has ended
			}
			for _, word := range strings.Fields(string(text)) {
				if child, err := strconv.Atoi(word); err == nil {
					all = append(all, child)
				}
			}
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", one))
		if err != nil {
			return u, fmt.Errorf("read what the kiosk uses: %w", err)
		}
		// Fields after the name in parentheses, from the third of proc(5): utime and stime are 14 and 15, rss is 24.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) < 22 {
			return u, errors.New("read what the kiosk uses: /proc has another shape")
		}
		var ticks, pages int
		for _, f := range []string{fields[11], fields[12]} {
			n, err := strconv.Atoi(f)
			if err != nil {
				return u, err
			}
			ticks += n
		}
		if pages, err = strconv.Atoi(fields[21]); err != nil {
			return u, err
		}
		u.cpu += time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100 on Linux
		rss := float64(pages*os.Getpagesize()) / (1 << 20)
		if i == 0 {
			u.first = rss
		}
		u.rss += rss
		kilobytes, err := proportional(one)
		if err != nil {
			return u, err
		}
		u.pss += float64(kilobytes) / 1024
		u.processes++
	}
	return u, nil
}

// proportional reads the proportional set size of a process, in kB.
func proportional(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, fmt.Errorf("read what the kiosk uses: %w", err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			return strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
		}
	}
	return 0, errors.New("read what the kiosk uses: smaps_rollup has no Pss")
}
