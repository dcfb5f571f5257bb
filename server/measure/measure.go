// Package measure is what the centre's benchmarks share: how big a run is, and where its
// figures go. make bench-centre runs them one after the other into one file; command
// show prints it and draws it.
//
// What may live here: settings, percentiles, the goals. What may not: measuring itself,
// which stays beside what is measured.
package measure

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vestibule/models/evaluate/figures"
)

// What make bench-centre tells the benchmarks.
const (
	Submissions = "VESTIBULE_BENCH_N"      // stored, at the end
	People      = "VESTIBULE_BENCH_PEOPLE" // known when decisions are measured
	Faces       = "VESTIBULE_BENCH_FACES"  // searched among
	Rounds      = "VESTIBULE_BENCH_ROUNDS" // in which twenty kiosks bring one person
	Events      = "VESTIBULE_BENCH_EVENTS" // taken in
	Swaps       = "VESTIBULE_BENCH_SWAPS"  // of lists

	out       = "VESTIBULE_BENCH_OUT" // file of the figures
	databases = "VESTIBULE_BENCH_ON"  // the databases to measure on, by space; empty: both
)

// Count gives how much of something a run shall do.
func Count(tb testing.TB, name string, otherwise int) int {
	tb.Helper()
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		tb.Fatalf("%s: a whole number from 1", name)
	}
	return n
}

// The names of the two databases.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// At stands between a figure's name and the size that it was taken at, where it was taken at several.
const At = ".at."

// Databases names those to measure on.
func Databases() []string {
	if v := strings.Fields(os.Getenv(databases)); len(v) > 0 {
		return v
	}
	return []string{SQLite, Postgres}
}

// Note adds figures to the run's file, if it has one, and logs them.
func Note(tb testing.TB, set figures.Set) {
	tb.Helper()
	for name, f := range set {
		tb.Logf("%s: %.4g %s (n %d; %s)", name, f.Value, f.Unit, f.N, f.How)
	}
	if file := os.Getenv(out); file != "" {
		if err := figures.Merge(file, set); err != nil {
			tb.Fatal(err)
		}
	}
}

// Tail sums up many measurements; its value is their 99th percentile.
func Tail(values []float64, unit, how string) figures.Figure {
	f := figures.Spread(values, unit, how)
	if len(values) == 0 {
		return f
	}
	v := slices.Sorted(slices.Values(values))
	p99 := v[min(len(v)-1, len(v)*99/100)]
	f.P99, f.Value = &p99, p99
	return f
}

// Load says how busy the machine is: a figure of a shared one needs it.
func Load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "load unknown"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return "load " + one
}

// Progress tells whoever waits.
func Progress(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stderr, "bench-centre: "+format+"\n", args...)
}

// CPU is the processor time that this process has used, in all threads.
func CPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Millis is a duration in milliseconds.
func Millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// FolderSize is how many bytes the files of a folder occupy.
func FolderSize(dir string) (n int64) {
	_ = filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}
