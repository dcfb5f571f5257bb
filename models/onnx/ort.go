package onnx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"vestibule/models"
	"vestibule/models/manifest"
)

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

// ortNet is a network in ONNX Runtime.
type ortNet struct {
	session *ort.DynamicAdvancedSession
	fixed   bool // all shapes are: the tensors are never replaced
	out     []Info
	inputs  []*ort.Tensor[float32] // reused as long as the shapes stay
	room    [][]float32            // memory of the inputs, as large as the largest was
	outputs []*ort.Tensor[float32] // reused when fixed, else of the last run
	values  []ort.Value            // the inputs, then the outputs
}

// openORT loads a network; in and out are what it computes of what.
func openORT(network []byte, in, out []Info, o Options) (_ engine, err error) {
	so, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
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
	n := &ortNet{
		fixed: !open(in) && !open(out), out: out,
		inputs: make([]*ort.Tensor[float32], len(in)), room: make([][]float32, len(in)), outputs: make([]*ort.Tensor[float32], len(out)),
		values: make([]ort.Value, len(in)+len(out)),
	}
	if !n.fixed {
		err = errors.Join(err, so.SetCpuMemArena(false), so.SetMemPattern(false))
	}
	if o.Threads > 1 {
		err = errors.Join(err, so.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"))
	}
	if err != nil {
		return nil, err
	}
	named := func(l []Info) (names []string) {
		for _, i := range l {
			names = append(names, i.Name)
		}
		return names
	}
	n.session, err = ort.NewDynamicAdvancedSessionWithONNXData(network, named(in), named(out), so)
	if err != nil {
		return nil, err
	}
	return n, nil
}

func (n *ortNet) name() manifest.Engine { return manifest.ONNXRuntime }

func (n *ortNet) input(i int, shape []int64) ([]float32, error) {
	if old := n.inputs[i]; old != nil {
		if slices.Equal(old.GetShape(), shape) {
			return old.GetData(), nil
		}
		_ = old.Destroy()
		n.inputs[i], n.values[i] = nil, nil
	}
	size := ort.NewShape(shape...).FlattenedSize()
	if int64(len(n.room[i])) < size {
		n.room[i] = make([]float32, size)
	}
	t, err := ort.NewTensor(ort.NewShape(shape...), n.room[i][:size])
	if err != nil {
		return nil, err
	}
	n.inputs[i], n.values[i] = t, t
	return t.GetData(), nil
}

func (n *ortNet) run() error {
	results := n.values[len(n.inputs):]
	if n.fixed {
		for i, info := range n.out {
			if n.outputs[i] == nil {
				t, err := ort.NewEmptyTensor[float32](ort.NewShape(info.Shape...))
				if err != nil {
					return fmt.Errorf("output %q: %w", info.Name, err)
				}
				n.outputs[i], results[i] = t, t
			}
		}
	} // else ONNX Runtime allocates what the shapes turn out to need
	if err := n.session.Run(n.values[:len(n.inputs)], results); err != nil {
		return err
	}
	for i, r := range results {
		t, ok := r.(*ort.Tensor[float32])
		if !ok {
			return fmt.Errorf("output %q is not a float tensor", n.out[i].Name)
		}
		n.outputs[i] = t
	}
	return nil
}

func (n *ortNet) output(i int) ([]int64, []float32, error) {
	t := n.outputs[i]
	if t == nil {
		return nil, nil, errors.New("not computed")
	}
	return t.GetShape(), t.GetData(), nil
}

func (n *ortNet) release() {
	if n.fixed {
		return
	}
	results := n.values[len(n.inputs):]
	for i, r := range results {
		if r != nil {
			_ = r.Destroy()
		}
		n.outputs[i], results[i] = nil, nil
	}
}

func (n *ortNet) close() error {
	err := n.session.Destroy()
	for i, v := range n.values {
		if v != nil {
			err = errors.Join(err, v.Destroy())
			n.values[i] = nil
		}
	}
	return err
}
