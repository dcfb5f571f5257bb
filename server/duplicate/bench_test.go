package duplicate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"vestibule/models/evaluate/figures"
	"vestibule/server/measure"
)

// BenchmarkSearch is one query among n templates of random people, and the same scan without the processor's help. Its
// figures count processor time, which a busy machine does not change much.
func BenchmarkSearch(b *testing.B) {
	most := measure.Count(b, measure.Faces, 100_000)
	x := NewFaceIndex()
	random := rand.New(rand.NewPCG(1, 4))
	few := make([][]float32, 1000)
	for i := range few {
		few[i] = unit(random)
	}
	query := unit(random)
	stored := 0
	for _, n := range []int{100_000, 1_000_000} {
		if n > most {
			continue
		}
		for ; stored < n; stored++ {
			if err := x.Put(context.Background(), Template{Submission: fmt.Sprint(stored), Project: "p", Model: "m", Vector: few[stored%len(few)]}); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprintf("%dk", n/1000), func(b *testing.B) {
			var wall, cpu []float64
			load := measure.Load()
			for b.Loop() {
				used, began := measure.CPU(), time.Now()
				if _, _, err := x.Search(context.Background(), Query{Project: "p", Model: "m", Vector: query, MinScore: .38, K: 50}); err != nil {
					b.Fatal(err)
				}
				wall, cpu = append(wall, measure.Millis(time.Since(began))), append(cpu, measure.Millis(measure.CPU()-used))
			}
			how := fmt.Sprintf("one query among %d templates of %d numbers, exact, in memory; value is the median; %s", n, Dimensions, load)
			measure.Note(b, figures.Set{
				fmt.Sprintf("faces.search_cpu.%d", n):  figures.Spread(cpu, "ms", "processor time; "+how),
				fmt.Sprintf("faces.search_wall.%d", n): figures.Spread(wall, "ms", how),
			})
		})
		b.Run(fmt.Sprintf("%dk/in-Go", n/1000), func(b *testing.B) {
			look := newLook(query)
			for b.Loop() {
				for _, block := range x.shelf[shelfKey{"p", "m"}].blocks {
					dotsInGo(&look.coarse, block.coarse[:], look.dots[:])
				}
			}
		})
	}
}
