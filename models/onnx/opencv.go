package onnx

// #cgo pkg-config: opencv4
// #cgo CXXFLAGS: -std=c++11
// #include <stdlib.h>
// #include "opencv.h"
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"vestibule/models/manifest"
)

// maxDims is the most dimensions of a tensor in OpenCV (CV_MAX_DIM).
const maxDims = 32

// cvNet is a network in OpenCV's dnn module.
type cvNet struct {
	net   *C.vp_net
	in    []cvInput
	out   []Info
	shape [][]int64   // of the outputs
	text  [512]C.char // what went wrong
}

type cvInput struct {
	shape []int64
	data  []float32
}

func openCV(network []byte, in, out []Info) (engine, error) {
	ins, free := names(in)
	defer free()
	outs, free := names(out)
	defer free()
	c := &cvNet{in: make([]cvInput, len(in)), out: out, shape: make([][]int64, len(out))}
	// MaxBytes keeps the length well inside an int.
	c.net = C.vp_net_open((*C.char)(unsafe.Pointer(&network[0])), C.int(len(network)), ins, C.int(len(in)), outs, C.int(len(out)), &c.text[0], C.int(len(c.text)))
	if c.net == nil {
		return nil, c.why()
	}
	return c, nil
}

// names gives the names as C strings.
func names(l []Info) (all **C.char, free func()) {
	all = (**C.char)(C.calloc(C.size_t(len(l)+1), C.size_t(unsafe.Sizeof(uintptr(0)))))
	each := unsafe.Slice(all, len(l))
	for i, n := range l {
		each[i] = C.CString(n.Name)
	}
	return all, func() {
		for _, s := range each {
			C.free(unsafe.Pointer(s))
		}
		C.free(unsafe.Pointer(all))
	}
}

func (c *cvNet) why() error {
	return fmt.Errorf("OpenCV: %s", strings.Join(strings.Fields(C.GoString(&c.text[0])), " "))
}

func (c *cvNet) name() manifest.Engine { return manifest.OpenCV }

func (c *cvNet) input(i int, shape []int64) ([]float32, error) {
	in := &c.in[i]
	if in.data != nil && slices.Equal(in.shape, shape) {
		return in.data, nil
	}
	dims, size := make([]C.int, 0, maxDims), 1
	for _, d := range shape {
		dims, size = append(dims, C.int(d)), size*int(d)
	}
	if len(dims) == 0 || len(dims) > maxDims {
		return nil, fmt.Errorf("%d dimensions", len(dims))
	}
	in.data = nil
	p := C.vp_net_input(c.net, C.int(i), &dims[0], C.int(len(dims)), &c.text[0], C.int(len(c.text)))
	if p == nil {
		return nil, c.why()
	}
	in.shape, in.data = slices.Clone(shape), unsafe.Slice((*float32)(p), size)
	return in.data, nil
}

func (c *cvNet) run() error {
	if C.vp_net_run(c.net, &c.text[0], C.int(len(c.text))) != 0 {
		return c.why()
	}
	return nil
}

func (c *cvNet) output(i int) ([]int64, []float32, error) {
	var dims [maxDims]C.int
	var n C.int
	p := C.vp_net_output(c.net, C.int(i), &dims[0], maxDims, &n)
	if p == nil {
		return nil, nil, errors.New("OpenCV: there is no such output")
	}
	shape, size := c.shape[i][:0], int64(1)
	for _, d := range dims[:n] {
		shape, size = append(shape, int64(d)), size*int64(d)
	}
	// OpenCV knows no tensor of fewer than two dimensions, so the network itself tells the
	// shape where that is fixed.
	if want, ok := whole(c.out[i].Shape); ok {
		if want != size {
			return nil, nil, fmt.Errorf("OpenCV gives the shape %v, want %v", shape, c.out[i].Shape)
		}
		shape = append(shape[:0], c.out[i].Shape...)
	}
	c.shape[i] = shape
	return shape, unsafe.Slice((*float32)(p), size), nil
}

func (c *cvNet) release() {}

func (c *cvNet) close() error {
	C.vp_net_close(c.net)
	c.net, c.in = nil, nil
	return nil
}
