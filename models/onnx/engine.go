package onnx

import (
	"slices"

	"vestibule/models/manifest"
)

// engine runs one network. Its methods are called by one goroutine at a time.
type engine interface {
	name() manifest.Engine
	// input gives the memory of the i-th input, which stays as long as its shape does.
	input(i int, shape []int64) ([]float32, error)
	// run computes all outputs of what the inputs hold.
	run() error
	// output gives shape and values of the i-th output, good until the next run or release.
	output(i int) ([]int64, []float32, error)
	// release gives back the memory of outputs that are made anew for each run.
	release()
	close() error
}

// whole gives the number of values of a shape without open dimensions.
func whole(shape []int64) (int64, bool) {
	size := int64(1)
	for _, d := range shape {
		if d <= 0 || d > MaxElements || size*d > MaxElements {
			return 0, false
		}
		size *= d
	}
	return size, len(shape) > 0
}

// open reports whether any dimension is open.
func open(all []Info) bool {
	return slices.ContainsFunc(all, func(i Info) bool {
		_, ok := whole(i.Shape)
		return !ok
	})
}
