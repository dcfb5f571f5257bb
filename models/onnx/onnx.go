// Package onnx runs trained networks behind one small interface: named float
// tensors in, named float tensors out, one thread.
//
// What may live here: the engines that run networks, and their memory. What may not:
// pixels, and what a network's numbers mean.
//
// There are two engines. ONNX Runtime runs every network. OpenCV's dnn module runs those
// that the manifest says it loads, agrees to 1e-4 on them, is several times slower, and is
// there when ONNX Runtime is not.
//
// ONNX Runtime has exactly one environment per process, bound to one shared
// library. It is opened by the first Open or New and stays open until the
// process ends; that is the only state this package shares.
package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"vestibule/models"
	"vestibule/models/manifest"
)

// LibraryFile is the name of ONNX Runtime's shared library in a models directory.
const LibraryFile = "libonnxruntime.so.1"

// MaxBytes bounds a network file.
const MaxBytes = 128 << 20

// MaxElements bounds one tensor: 64 Mi values are 256 MB.
const MaxElements = 64 << 20

// Tensor is a dense array of floats in row-major order.
type Tensor struct {
	Shape []int64
	Data  []float32
}

// Options say how a network is opened. The zero value opens it with all
// outputs, the library that lies beside it, and without checking its hash.
type Options struct {
	Library string   // path of ONNX Runtime; default LibraryFile in the network's directory
	Without error    // why ONNX Runtime must not be loaded: missing or altered; told when it is needed
	SHA256  string   // hex; when set, a network with another hash is refused
	Outputs []string // which outputs to compute; default all
	// Taps are tensors inside the network that are to be outputs too, each with its
	// whole shape. They need not be named in Outputs.
	Taps []Info
	// Engine runs it; default ONNX Runtime, or OpenCV where that cannot be loaded and OpenCV
	// is set. OpenCV says that OpenCV's dnn module is known to load this network; others are
	// never given to it.
	Engine manifest.Engine
	OpenCV bool
	// KeepLayout leaves out the optimisation that blocks channels for wide
	// vector units. It makes most networks two to three times faster, and those
	// with many small depthwise layers three times slower: measure.
	KeepLayout bool
	// Threads work on one Run; default 1. More shorten the wait, never the work, and
	// rest between runs instead of spinning. OpenCV takes as many as its process gives it.
	Threads int
}

// Info describes one input or output. A dimension of -1 may have any size.
type Info struct {
	Name  string
	Shape []int64
}

// Network is one loaded network. Its methods may be called from several
// goroutines; runs of one Network happen one after the other.
type Network struct {
	name    string
	version string
	in, out []Info
	by      manifest.Engine

	mu    sync.Mutex
	net   engine      // nil when closed
	read  [][]float32 // of RunOn: what the outputs hold
	shown []Tensor    // of RunAs: the same
}

// Open loads the network in a file. Every failure is a models.ErrModel.
func Open(path string, o Options) (*Network, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: open network: %w; run: go run ./models/fetch", models.ErrModel, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%w: read network %s: %w", models.ErrModel, path, err)
	}
	if o.Library == "" {
		o.Library = filepath.Join(filepath.Dir(path), LibraryFile)
	}
	return New(path, b, o)
}

// New loads a network from memory; name is only used in errors.
func New(name string, network []byte, o Options) (_ *Network, err error) {
	if len(network) == 0 || len(network) > MaxBytes {
		return nil, fmt.Errorf("%w: network %s has %d bytes, want 1..%d", models.ErrModel, name, len(network), MaxBytes)
	}
	sum := sha256.Sum256(network)
	hash := hex.EncodeToString(sum[:])
	if o.SHA256 != "" && o.SHA256 != hash {
		return nil, fmt.Errorf("%w: network %s: expected sha256 %s, found %s", models.ErrModel, name, o.SHA256, hash)
	}
	fail := func(doing string, err error) (*Network, error) {
		return nil, fmt.Errorf("%w: network %s: %s: %w", models.ErrModel, name, doing, err)
	}
	ins, outs, err := describe(network)
	if err != nil {
		return fail("read its inputs and outputs", err)
	}
	n := &Network{name: name, version: hash[:12], in: ins}
	var outNames []string
	for _, i := range outs {
		if o.Outputs == nil || slices.Contains(o.Outputs, i.Name) {
			n.out = append(n.out, i)
			outNames = append(outNames, i.Name)
		}
	}
	for _, t := range o.Taps {
		if slices.Contains(outNames, t.Name) {
			return fail("tap it", fmt.Errorf("%q is an output already", t.Name))
		}
		n.out = append(n.out, t)
		outNames = append(outNames, t.Name)
	}
	if len(n.in) == 0 || len(n.out) == 0 || o.Outputs != nil && len(n.out) != len(o.Outputs)+len(o.Taps) {
		return fail("read its outputs", fmt.Errorf("want outputs %v", o.Outputs))
	}

	if network, err = tapped(network, o.Taps); err != nil {
		return fail("tap it", err)
	}
	by, err := choose(o)
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	if by == manifest.OpenCV {
		n.net, err = openCV(network, n.in, n.out)
	} else {
		n.net, err = openORT(network, n.in, n.out, o)
	}
	if err != nil {
		return fail("load", err)
	}
	n.by, n.read, n.shown = n.net.name(), make([][]float32, len(n.out)), make([]Tensor, len(n.out))
	return n, nil
}

// choose settles which engine runs a network. OpenCV never even sees one that it is not
// known to load.
func choose(o Options) (manifest.Engine, error) {
	switch o.Engine {
	case manifest.OpenCV:
		if !o.OpenCV {
			return "", fmt.Errorf("%w: it is not marked as one that OpenCV loads", models.ErrModel)
		}
		return manifest.OpenCV, nil
	case "", manifest.ONNXRuntime:
	default:
		return "", fmt.Errorf("%w: engine %.16q is not known", models.ErrModel, string(o.Engine))
	}
	err := o.Without
	if err == nil && o.Library == "" {
		err = fmt.Errorf("%w: no ONNX Runtime library named", models.ErrModel)
	}
	if err == nil {
		err = use(o.Library)
	}
	switch {
	case err == nil:
		return manifest.ONNXRuntime, nil
	case o.OpenCV:
		return manifest.OpenCV, nil
	}
	return "", err
}

// Inputs describes what Run wants.
func (n *Network) Inputs() []Info { return slices.Clone(n.in) }

// Outputs describes what Run returns.
func (n *Network) Outputs() []Info { return slices.Clone(n.out) }

// Version is the first 12 hex digits of the network's SHA-256.
func (n *Network) Version() string { return n.version }

// Engine names what runs it: the one asked for, or OpenCV where there is no ONNX Runtime.
func (n *Network) Engine() string { return string(n.by) }

// Run computes the outputs. The data of the inputs is copied; the outputs
// belong to the caller. An input that does not fit the network is an error,
// never a crash.
func (n *Network) Run(inputs map[string]Tensor) (map[string]Tensor, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.net == nil {
		return nil, fmt.Errorf("%w: network %s is closed", models.ErrModel, n.name)
	}
	if len(inputs) != len(n.in) {
		return nil, fmt.Errorf("network %s: got %d inputs, want %d", n.name, len(inputs), len(n.in))
	}
	for i, info := range n.in {
		t, ok := inputs[info.Name]
		if !ok {
			return nil, fmt.Errorf("network %s: input %q is missing", n.name, info.Name)
		}
		if err := fits(info, t); err != nil {
			return nil, fmt.Errorf("network %s: %w", n.name, err)
		}
		to, err := n.net.input(i, t.Shape)
		if err != nil {
			return nil, fmt.Errorf("network %s: input %q: %w", n.name, info.Name, err)
		}
		copy(to, t.Data)
	}
	defer n.net.release()
	if err := n.net.run(); err != nil {
		return nil, fmt.Errorf("network %s: run: %w", n.name, err)
	}
	out := make(map[string]Tensor, len(n.out))
	for i, info := range n.out {
		shape, data, err := n.net.output(i)
		if err != nil {
			return nil, fmt.Errorf("network %s: output %q: %w", n.name, info.Name, err)
		}
		out[info.Name] = Tensor{Shape: slices.Clone(shape), Data: slices.Clone(data)}
	}
	return out, nil
}

// RunOn is Run without copies, for a network of one input whose shapes are all fixed:
// fill writes the whole input, use reads the outputs, in the order of Outputs. Both work on
// the network's own memory, one call at a time, and must not keep it. The input's
// old values are still there when fill begins.
func (n *Network) RunOn(fill func(in []float32) error, use func(out [][]float32) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.net == nil {
		return fmt.Errorf("%w: network %s is closed", models.ErrModel, n.name)
	}
	if len(n.in) != 1 || open(n.in) || open(n.out) {
		return fmt.Errorf("network %s: it has %d inputs or open shapes; use Run", n.name, len(n.in))
	}
	in, err := n.net.input(0, n.in[0].Shape)
	if err != nil {
		return fmt.Errorf("network %s: input %q: %w", n.name, n.in[0].Name, err)
	}
	if err := fill(in); err != nil {
		return fmt.Errorf("network %s: fill its input: %w", n.name, err)
	}
	if err := n.net.run(); err != nil {
		return fmt.Errorf("network %s: run: %w", n.name, err)
	}
	for i, info := range n.out {
		if _, n.read[i], err = n.net.output(i); err != nil {
			return fmt.Errorf("network %s: output %q: %w", n.name, info.Name, err)
		}
	}
	return use(n.read)
}

// RunAs is RunOn for a network of open shapes: the input takes the given shape, and use is
// told the outputs' own.
func (n *Network) RunAs(shape []int64, fill func(in []float32) error, use func(out []Tensor) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.net == nil {
		return fmt.Errorf("%w: network %s is closed", models.ErrModel, n.name)
	}
	if len(n.in) != 1 {
		return fmt.Errorf("network %s: it has %d inputs; use Run", n.name, len(n.in))
	}
	if _, err := holds(n.in[0], shape); err != nil {
		return fmt.Errorf("network %s: %w", n.name, err)
	}
	in, err := n.net.input(0, shape)
	if err != nil {
		return fmt.Errorf("network %s: input %q: %w", n.name, n.in[0].Name, err)
	}
	if err := fill(in); err != nil {
		return fmt.Errorf("network %s: fill its input: %w", n.name, err)
	}
	defer n.net.release()
	if err := n.net.run(); err != nil {
		return fmt.Errorf("network %s: run: %w", n.name, err)
	}
	for i, info := range n.out {
		if n.shown[i].Shape, n.shown[i].Data, err = n.net.output(i); err != nil {
			return fmt.Errorf("network %s: output %q: %w", n.name, info.Name, err)
		}
	}
	return use(n.shown)
}

func fits(info Info, t Tensor) error {
	size, err := holds(info, t.Shape)
	if err == nil && size != int64(len(t.Data)) {
		err = fmt.Errorf("input %q has %d values for shape %v", info.Name, len(t.Data), t.Shape)
	}
	return err
}

// holds gives the number of values of a shape that an input may have.
func holds(info Info, shape []int64) (int64, error) {
	if len(shape) == 0 || len(info.Shape) != 0 && len(shape) != len(info.Shape) {
		return 0, fmt.Errorf("input %q has shape %v, want %v", info.Name, shape, info.Shape)
	}
	size := int64(1)
	for i, d := range shape {
		if d <= 0 || d > MaxElements || len(info.Shape) != 0 && info.Shape[i] > 0 && d != info.Shape[i] {
			return 0, fmt.Errorf("input %q has shape %v, want %v", info.Name, shape, info.Shape)
		}
		if size *= d; size > MaxElements {
			return 0, fmt.Errorf("input %q has shape %v: too large", info.Name, shape)
		}
	}
	return size, nil
}

// Close frees the network. It may be called twice.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.net == nil {
		return nil
	}
	err := n.net.close()
	n.net, n.read, n.shown = nil, nil, nil
	return err
}
