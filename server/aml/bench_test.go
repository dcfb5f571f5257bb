package aml_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/models/evaluate/figures"
	"vestibule/server/aml"
	"vestibule/server/measure"
)

// BenchmarkSwap builds lists anew and puts them in force while others search, and counts the searches that failed or did
// not find whom every list has.
func BenchmarkSwap(b *testing.B) {
	swaps := measure.Count(b, measure.Swaps, 2000)
	load := measure.Load()
	var s aml.Screener
	first, err := aml.Build(ofac(b))
	require.NoError(b, err)
	s.Swap(first)
	var failed, asked atomic.Int64
	var took []float64
	for b.Loop() {
		stop := make(chan struct{})
		var searching sync.WaitGroup
		var mu sync.Mutex
		for range 8 {
			searching.Go(func() {
				var mine []float64
				for {
					select {
					case <-stop:
						mu.Lock()
						took = append(took, mine...)
						mu.Unlock()
						return
					default:
					}
					began := time.Now()
					r, err := s.Screen(aml.Query{Name: "Kasimir Vorenthal"})
					mine = append(mine, measure.Millis(time.Since(began)))
					asked.Add(1)
					if err != nil || len(r.Matches) == 0 || r.Matches[0].Entity != "9001" {
						failed.Add(1)
					}
				}
			})
		}
		for range swaps {
			fresh, err := aml.Build(ofac(b))
			require.NoError(b, err)
			s.Swap(fresh)
		}
		close(stop)
		searching.Wait()
	}
	b.ReportMetric(float64(failed.Load()), "failed")
	how := fmt.Sprintf("%d lists built and put in force while eight search; of the tests' small list; %s", swaps, load)
	measure.Note(b, figures.Set{
		"lists.swap.failed_queries": figures.Count(int(failed.Load()), int(asked.Load()), how),
		"lists.swap.query":          measure.Tail(took, "ms", "one search meanwhile; value is p99; "+how),
	})
}
