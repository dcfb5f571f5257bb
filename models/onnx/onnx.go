// Package onnx runs trained networks behind one small interface: named float
// tensors in, named float tensors out, one thread.
//
// What may live here: ONNX Runtime and its memory. What may not: pixels, and
// what a network's numbers mean.
//
// ONNX Runtime has exactly one environment per process, bound to one shared
// library. It is opened by the first Open or New and stays open until the
// process ends; that is the only state this package shares.
package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"vestibule/models"
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
	SHA256  string   // hex; when set, a network with another hash is refused
	Outputs []string // which outputs to compute; default all
	// Taps are tensors inside the network that are to be outputs too, each with its
	// whole shape. They need not be named in Outputs.
	Taps []Info
	// KeepLayout leaves out the optimisation that blocks channels for wide
	// vector units. It makes most networks two to three times faster, and those
	// with many small depthwise layers three times slower: measure.
	KeepLayout bool
	// Threads work on one Run; default 1. More shorten the wait, never the work, and
	// rest between runs instead of spinning.
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

	mu      sync.Mutex
	session *ort.DynamicAdvancedSession
	inputs  []*ort.Tensor[float32] // reused as long as the shapes stay
	outputs []*ort.Tensor[float32] // reused when all shapes are fixed; else nil
	values  []ort.Value            // of RunOn: the input, then the outputs
	read    [][]float32            // of RunOn: what the outputs hold
}

// environment is the process's ONNX Runtime.
var environment struct {
	sync.Mutex
	library string
	err     error
}

// use makes the process's environment from the library; a second library is refused.
func use(library string) error {
	library, err := filepath.Abs(library)
	if err != nil {
		return fmt.Errorf("%w: %w", models.ErrModel, err)
	}
	environment.Lock()
	defer environment.Unlock()
	if environment.library == library {
		return environment.err
	}
	if environment.library != "" && environment.err == nil {
		// The same build in another directory serves as well; a process cannot load two.
		return nil
	}
	if s, err := os.Stat(library); err != nil || !s.Mode().IsRegular() {
		return fmt.Errorf("%w: ONNX Runtime is missing at %s; run: go run ./models/fetch", models.ErrModel, library)
	}
	keepMemory()
	ort.SetSharedLibraryPath(library)
	environment.library = library
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		environment.err = fmt.Errorf("%w: load ONNX Runtime from %s: %w", models.ErrModel, library, err)
		return environment.err
	}
	environment.err = nil
	return nil
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
	if o.Library == "" {
		return nil, fmt.Errorf("%w: network %s: no ONNX Runtime library named", models.ErrModel, name)
	}
	if err := use(o.Library); err != nil {
		return nil, err
	}
	fail := func(doing string, err error) (*Network, error) {
		return nil, fmt.Errorf("%w: network %s: %s: %w", models.ErrModel, name, doing, err)
	}
	ins, outs, err := describe(network)
	if err != nil {
		return fail("read its inputs and outputs", err)
	}
	n := &Network{name: name, version: hash[:12], in: ins}
	var inNames, outNames []string
	for _, i := range ins {
		inNames = append(inNames, i.Name)
	}
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

	so, err := ort.NewSessionOptions()
	if err != nil {
		return fail("prepare", err)
	}
	defer so.Destroy()
	level := ort.GraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll)
	if o.KeepLayout {
		level = ort.GraphOptimizationLevelEnableExtended
	}
	// One thread unless asked: a kiosk has few cores and the screen needs one. No arena: a
	// big frame must not keep its peak memory for ever.
	err = errors.Join(so.SetIntraOpNumThreads(max(1, o.Threads)), so.SetInterOpNumThreads(1),
		so.SetExecutionMode(ort.ExecutionModeSequential),
		so.SetGraphOptimizationLevel(level))
	if n.dynamic() {
		err = errors.Join(err, so.SetCpuMemArena(false), so.SetMemPattern(false))
	}
	if o.Threads > 1 {
		err = errors.Join(err, so.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"))
	}
	if err != nil {
		return fail("prepare", err)
	}
	if network, err = tapped(network, o.Taps); err != nil {
		return fail("tap it", err)
	}
	n.session, err = ort.NewDynamicAdvancedSessionWithONNXData(network, inNames, outNames, so)
	if err != nil {
		return fail("load", err)
	}
	n.inputs = make([]*ort.Tensor[float32], len(n.in))
	n.outputs = make([]*ort.Tensor[float32], len(n.out))
	return n, nil
}

// dynamic reports whether any dimension is open.
func (n *Network) dynamic() bool {
	for _, l := range [][]Info{n.in, n.out} {
		for _, i := range l {
			if len(i.Shape) == 0 || slices.ContainsFunc(i.Shape, func(d int64) bool { return d <= 0 }) {
				return true
			}
		}
	}
	return false
}

// Inputs describes what Run wants.
func (n *Network) Inputs() []Info { return slices.Clone(n.in) }

// Outputs describes what Run returns.
func (n *Network) Outputs() []Info { return slices.Clone(n.out) }

// Version is the first 12 hex digits of the network's SHA-256.
func (n *Network) Version() string { return n.version }

// Run computes the outputs. The data of the inputs is copied; the outputs
// belong to the caller. An input that does not fit the network is an error,
// never a crash.
func (n *Network) Run(inputs map[string]Tensor) (map[string]Tensor, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.session == nil {
		return nil, fmt.Errorf("%w: network %s is closed", models.ErrModel, n.name)
	}
	if len(inputs) != len(n.in) {
		return nil, fmt.Errorf("network %s: got %d inputs, want %d", n.name, len(inputs), len(n.in))
	}
	values := make([]ort.Value, len(n.in))
	for i, info := range n.in {
		t, ok := inputs[info.Name]
		if !ok {
			return nil, fmt.Errorf("network %s: input %q is missing", n.name, info.Name)
		}
		if err := fits(info, t); err != nil {
			return nil, fmt.Errorf("network %s: %w", n.name, err)
		}
		if err := n.fill(i, t); err != nil {
			return nil, fmt.Errorf("network %s: input %q: %w", n.name, info.Name, err)
		}
		values[i] = n.inputs[i]
	}
	results := make([]ort.Value, len(n.out))
	reuse := !n.dynamic()
	for i, info := range n.out {
		if !reuse {
			continue // ONNX Runtime allocates what the shapes turn out to need
		}
		if n.outputs[i] == nil {
			t, err := ort.NewEmptyTensor[float32](ort.NewShape(info.Shape...))
			if err != nil {
				return nil, fmt.Errorf("network %s: output %q: %w", n.name, info.Name, err)
			}
			n.outputs[i] = t
		}
		results[i] = n.outputs[i]
	}
	err := n.session.Run(values, results)
	if !reuse {
		defer func() {
			for _, r := range results {
				if r != nil {
					_ = r.Destroy()
				}
			}
		}()
	}
	if err != nil {
		return nil, fmt.Errorf("network %s: run: %w", n.name, err)
	}
	out := make(map[string]Tensor, len(n.out))
	for i, info := range n.out {
		t, ok := results[i].(*ort.Tensor[float32])
		if !ok {
			return nil, fmt.Errorf("network %s: output %q is not a float tensor", n.name, info.Name)
		}
		out[info.Name] = Tensor{Shape: slices.Clone(t.GetShape()), Data: slices.Clone(t.GetData())}
	}
	return out, nil
}

// RunOn is Run without copies, for a network of one input whose shapes are all fixed:
// fill writes the whole input, use reads the outputs, in the order of Outputs. Both work on
// the network's own tensors, one call at a time, and must not keep them. The input's
// old values are still there when fill begins.
func (n *Network) RunOn(fill func(in []float32) error, use func(out [][]float32) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.session == nil {
		return fmt.Errorf("%w: network %s is closed", models.ErrModel, n.name)
	}
	if err := n.prepare(); err != nil {
		return fmt.Errorf("network %s: %w", n.name, err)
	}
	if err := fill(n.inputs[0].GetData()); err != nil {
		return fmt.Errorf("network %s: fill its input: %w", n.name, err)
	}
	if err := n.session.Run(n.values[:1], n.values[1:]); err != nil {
		return fmt.Errorf("network %s: run: %w", n.name, err)
	}
	return use(n.read)
}

// prepare makes the tensors of RunOn.
func (n *Network) prepare() error {
	if len(n.in) != 1 || n.dynamic() {
		return fmt.Errorf("it has %d inputs or open shapes; use Run", len(n.in))
	}
	if n.inputs[0] == nil {
		t, err := ort.NewEmptyTensor[float32](ort.NewShape(n.in[0].Shape...))
		if err != nil {
			return err
		}
		n.inputs[0] = t
	}
	for i, info := range n.out {
		if n.outputs[i] == nil {
			t, err := ort.NewEmptyTensor[float32](ort.NewShape(info.Shape...))
			if err != nil {
				return fmt.Errorf("output %q: %w", info.Name, err)
			}
			n.outputs[i] = t
		}
	}
	if n.values == nil { // the tensors of a fixed shape are never replaced
		n.values = []ort.Value{n.inputs[0]}
		for _, t := range n.outputs {
			n.values, n.read = append(n.values, t), append(n.read, t.GetData())
		}
	}
	return nil
}

// fill copies t into the i-th input tensor, which is made anew when the shape changes.
func (n *Network) fill(i int, t Tensor) error {
	if old := n.inputs[i]; old != nil && slices.Equal(old.GetShape(), t.Shape) {
		copy(old.GetData(), t.Data)
		return nil
	}
	fresh, err := ort.NewTensor(ort.NewShape(t.Shape...), slices.Clone(t.Data))
	if err != nil {
		return err
	}
	if n.inputs[i] != nil {
		_ = n.inputs[i].Destroy()
	}
	n.inputs[i] = fresh
	return nil
}

func fits(info Info, t Tensor) error {
	if len(t.Shape) == 0 || len(info.Shape) != 0 && len(t.Shape) != len(info.Shape) {
		return fmt.Errorf("input %q has shape %v, want %v", info.Name, t.Shape, info.Shape)
	}
	size := int64(1)
	for i, d := range t.Shape {
		if d <= 0 || d > MaxElements || len(info.Shape) != 0 && info.Shape[i] > 0 && d != info.Shape[i] {
			return fmt.Errorf("input %q has shape %v, want %v", info.Name, t.Shape, info.Shape)
		}
		if size *= d; size > MaxElements {
			return fmt.Errorf("input %q has shape %v: too large", info.Name, t.Shape)
		}
	}
	if size != int64(len(t.Data)) {
		return fmt.Errorf("input %q has %d values for shape %v", info.Name, len(t.Data), t.Shape)
	}
	return nil
}

// Close frees the network. It may be called twice.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.session == nil {
		return nil
	}
	err := n.session.Destroy()
	for _, l := range [][]*ort.Tensor[float32]{n.inputs, n.outputs} {
		for i, t := range l {
			if t != nil {
				err = errors.Join(err, t.Destroy())
				l[i] = nil
			}
		}
	}
	n.session, n.values, n.read = nil, nil, nil
	return err
}
