package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
)

func visuals(ctx context.Context, e models.Engine, data string, log io.Writer) (figures.Set, error) {
	var list []specimen
	if err := load(filepath.Join(data, "documents", "manifest.json"), &list); err != nil {
		return nil, err
	}
	var ms, cpu []float64
	for _, s := range list {
		f, err := frame(filepath.Join(data, "documents", s.File))
		if err != nil {
			return nil, err
		}
		start, used := time.Now(), processCPU()
		x, err := e.Examine(ctx, []models.Frame{f}, models.Looks{Text: true})
		if err != nil {
			return nil, err
		}
		ms, cpu = append(ms, float64(time.Since(start).Milliseconds())), append(cpu, processCPU()-used)
		fmt.Fprintf(log, "== %s %dx%d %d lines %.0f ms %v\n", s.File, x.Text.Width, x.Text.Height, len(x.Text.Lines), ms[len(ms)-1], s.Lines)
		for _, l := range x.Text.Lines {
			fmt.Fprintf(log, "   %3.0f  x %.2f-%.2f y %.2f h %.3f  %s\n", l.Score, l.At[0].X, l.At[1].X, (l.At[0].Y+l.At[3].Y)/2, l.At[3].Y-l.At[0].Y, l.Text)
		}
	}
	return figures.Set{"viz.read_ms": figures.Spread(ms, "ms", ""), "viz.read_cpu_ms": figures.Spread(cpu, "ms", "")}, nil
}
