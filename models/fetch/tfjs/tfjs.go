// Package tfjs turns a TensorFlow.js graph model into an ONNX network.
//
// What may live here: reading model.json and its weights, and writing the same
// arithmetic as ONNX (onnx/onnx.proto, operator set 13), for the operators that
// the manifest's networks use. What may not: downloading, running, cgo.
//
// The same input gives the same bytes for ever, so that the manifest can pin what
// comes out. Everything read is untrusted: sizes are bounded before anything is
// allocated, and what is not understood is refused, never guessed.
package tfjs

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a model. They are far above what a network for a kiosk needs.
const (
	MaxGraph   = 4 << 20  // bytes of model.json
	MaxWeights = 64 << 20 // bytes of weights
	maxNodes   = 4096
	maxSide    = 1 << 16
	maxValues  = 32 << 20 // of one tensor
	maxWritten = 128 << 20
)

// Convert reads a graph (model.json) and its weight files, one after the other, and
// returns an ONNX network with the named outputs alone: what only other outputs need
// is left out. Pictures go in as 1 × channels × height × width (TensorFlow's own order
// is channels last); names of inputs and outputs stay as they are.
func Convert(graph, weights []byte, outputs ...string) ([]byte, error) {
	if len(graph) > MaxGraph || len(weights) > MaxWeights {
		return nil, fmt.Errorf("read graph model: %d and %d bytes are more than the %d and %d allowed", len(graph), len(weights), MaxGraph, MaxWeights)
	}
	if len(outputs) == 0 {
		return nil, errors.New("convert graph model: no output is named")
	}
	c, err := read(graph, weights)
	if err != nil {
		return nil, fmt.Errorf("read graph model: %w", err)
	}
	for i, name := range outputs {
		if slices.Contains(outputs[:i], name) {
			return nil, fmt.Errorf("convert graph model: output %q is named twice", name)
		}
		t, err := c.need(name, 0)
		if err != nil {
			return nil, fmt.Errorf("convert graph model: %w", err)
		}
		if t.constant != nil || len(t.shape) != 2 {
			return nil, fmt.Errorf("convert graph model: output %q is not a row of values", name)
		}
		c.outputs.message(12, valueInfo(name, t.shape))
	}
	return c.model(), nil
}

// The parts of model.json that are read.
type file struct {
	Format   string `json:"format"`
	Topology struct {
		Nodes []node `json:"node"`
	} `json:"modelTopology"`
	Weights []struct {
		Entries []struct {
			Name         string `json:"name"`
			Shape        []int  `json:"shape"`
			Type         string `json:"dtype"`
			Quantization *struct {
				Type string `json:"dtype"`
			} `json:"quantization"`
		} `json:"weights"`
	} `json:"weightsManifest"`
}

type node struct {
	Name   string               `json:"name"`
	Op     string               `json:"op"`
	Inputs []string             `json:"input"`
	Attr   map[string]attribute `json:"attr"`
}

type attribute struct {
	Text  string `json:"s"` // base64
	Bool  bool   `json:"b"`
	Shape struct {
		Dim []struct {
			Size number `json:"size"`
		} `json:"dim"`
	} `json:"shape"`
	List struct {
		Text []string `json:"s"`
		Int  []number `json:"i"`
	} `json:"list"`
}

// number is an integer, which protocol buffers' JSON writes as a string.
type number int

func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.Atoi(strings.Trim(string(b), `"`))
	*n = number(v)
	return err
}

// tensor is a value of the graph: where it is in ONNX, and its shape there. Shapes of
// four are pictures, channels first; TensorFlow has them last.
type tensor struct {
	name     string
	shape    []int
	constant []float32 // in TensorFlow's order and shape
	whole    bool      // constant holds whole numbers (axes)
}

type converter struct {
	nodes  map[string]node
	consts map[string]tensor
	done   map[string]tensor
	busy   map[string]bool

	body, weights, inputs, outputs message // parts of the GraphProto
	written                        map[string]bool
	full                           bool
}

func read(graph, weights []byte) (*converter, error) {
	var f file
	if err := json.Unmarshal(graph, &f); err != nil {
		return nil, err
	}
	if f.Format != "graph-model" {
		return nil, fmt.Errorf("format %.32q is not graph-model", f.Format)
	}
	if n := len(f.Topology.Nodes); n == 0 || n > maxNodes {
		return nil, fmt.Errorf("%d nodes, want 1..%d", n, maxNodes)
	}
	c := &converter{nodes: map[string]node{}, consts: map[string]tensor{}, done: map[string]tensor{}, busy: map[string]bool{}, written: map[string]bool{}}
	for _, n := range f.Topology.Nodes {
		if _, twice := c.nodes[n.Name]; twice || n.Name == "" {
			return nil, fmt.Errorf("node %.64q is there twice or has no name", n.Name)
		}
		c.nodes[n.Name] = n
	}
	for _, g := range f.Weights {
		for _, w := range g.Entries {
			size, err := volume(w.Shape)
			if err != nil || len(w.Shape) > 4 {
				return nil, fmt.Errorf("weight %.64q has shape %v", w.Name, w.Shape)
			}
			if _, twice := c.consts[w.Name]; twice {
				return nil, fmt.Errorf("weight %.64q is there twice", w.Name)
			}
			kind := w.Type
			if w.Quantization != nil {
				if w.Type != "float32" || w.Quantization.Type != "float16" {
					return nil, fmt.Errorf("weight %.64q is %.16q packed as %.16q, which is not understood", w.Name, w.Type, w.Quantization.Type)
				}
				kind = "float16"
			}
			t := tensor{name: w.Name, shape: w.Shape}
			if t.constant, weights, err = take(kind, size, weights); err != nil {
				return nil, fmt.Errorf("weight %.64q: %w", w.Name, err)
			}
			t.whole = kind == "int32"
			c.consts[w.Name] = t
		}
	}
	if len(weights) != 0 {
		return nil, fmt.Errorf("%d bytes of weights belong to nothing", len(weights))
	}
	return c, nil
}

// take reads size little-endian values from the front of b.
func take(kind string, size int, b []byte) ([]float32, []byte, error) {
	width := 4
	switch kind {
	case "float16":
		width = 2
	case "float32", "int32":
	default:
		return nil, nil, fmt.Errorf("type %.16q is not understood", kind)
	}
	if len(b) < size*width {
		return nil, nil, fmt.Errorf("wants %d bytes, %d are left", size*width, len(b))
	}
	v := make([]float32, size)
	for i := range v {
		switch kind {
		case "float16":
			v[i] = half(binary.LittleEndian.Uint16(b[2*i:]))
		case "int32":
			v[i] = float32(int32(binary.LittleEndian.Uint32(b[4*i:])))
		default:
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		if x := float64(v[i]); math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, nil, errors.New("holds what is not a number")
		}
	}
	return v, b[size*width:], nil
}

// half widens an IEEE 754 binary16 value.
func half(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exp {
	case 0:
		v := float32(frac) * (1.0 / (1 << 24))
		if sign != 0 {
			v = -v
		}
		return v
	case 31:
		return math.Float32frombits(sign | 255<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// volume is how many values a shape holds.
func volume(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 1 || d > maxSide {
			return 0, fmt.Errorf("shape %v is out of bounds", shape)
		}
		if n *= d; n > maxValues {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
	}
	return n, nil
}

// need converts a node and what it needs before it. Depth is bounded by maxNodes, and a
// node that needs itself is refused.
func (c *converter) need(name string, depth int) (tensor, error) {
	name = strings.TrimSuffix(name, ":0")
	if t, ok := c.done[name]; ok {
		return t, nil
	}
	n, ok := c.nodes[name]
	if !ok {
		return tensor{}, fmt.Errorf("node %.64q is missing", name)
	}
	if c.busy[name] || depth > maxNodes {
		return tensor{}, fmt.Errorf("node %.64q needs itself", name)
	}
	c.busy[name] = true
	in := make([]tensor, len(n.Inputs))
	for i, from := range n.Inputs {
		t, err := c.need(from, depth+1)
		if err != nil {
			return tensor{}, err
		}
		in[i] = t
	}
	t, err := c.emit(n, in)
	if err != nil {
		return tensor{}, fmt.Errorf("node %.64q (%.32s): %w", n.Name, n.Op, err)
	}
	if _, err := volume(t.shape); err != nil {
		return tensor{}, fmt.Errorf("node %.64q (%.32s): %w", n.Name, n.Op, err)
	}
	if c.full { // many nodes may share one large filter
		return tensor{}, fmt.Errorf("more than the %d bytes allowed would be written", maxWritten)
	}
	c.done[name] = t
	return t, nil
}

// emit writes one node as ONNX.
func (c *converter) emit(n node, in []tensor) (tensor, error) {
	inputs := map[string][2]int{ // operator → least and most inputs
		"Placeholder": {0, 0}, "Const": {0, 0}, "Relu": {1, 1}, "Sigmoid": {1, 1}, "Softmax": {1, 1},
		"Conv2D": {2, 2}, "DepthwiseConv2dNative": {2, 2}, "Mean": {2, 2}, "_FusedMatMul": {2, 3},
		"Add": {2, 2}, "AddV2": {2, 2}, "Mul": {2, 2}, "Minimum": {2, 2}, "Maximum": {2, 2},
	}
	want, ok := inputs[n.Op]
	switch {
	case !ok:
		return tensor{}, errors.New("this operator is not understood")
	case len(in) < want[0] || len(in) > want[1]:
		return tensor{}, fmt.Errorf("has %d inputs", len(in))
	case len(in) > 0 && in[0].constant != nil:
		return tensor{}, errors.New("its first input is a constant")
	}
	switch n.Op {
	case "Const":
		t, ok := c.consts[n.Name]
		if !ok {
			return tensor{}, errors.New("has no weight")
		}
		return t, nil
	case "Placeholder":
		var shape []int
		for _, d := range n.Attr["shape"].Shape.Dim {
			shape = append(shape, int(d.Size))
		}
		if len(shape) != 4 {
			return tensor{}, errors.New("is not a picture")
		}
		t := tensor{name: n.Name, shape: []int{1, shape[3], shape[1], shape[2]}}
		if _, err := volume(t.shape); err != nil {
			return tensor{}, err
		}
		c.inputs.message(11, valueInfo(t.name, t.shape))
		return t, nil
	case "Conv2D", "DepthwiseConv2dNative":
		return c.convolution(n, in[0], in[1])
	case "_FusedMatMul":
		return c.product(n, in)
	case "Mean":
		return c.mean(n, in[0], in[1])
	case "Add", "AddV2", "Mul", "Minimum", "Maximum":
		return c.perChannel(n, in[0], in[1])
	case "Softmax":
		return c.write(n.Name, "Softmax", in[0].shape, []string{in[0].name}, whole("axis", -1)), checkRank(in[0], 2)
	}
	return c.write(n.Name, n.Op, in[0].shape, []string{in[0].name}), nil // Relu, Sigmoid
}

func checkRank(t tensor, rank int) error {
	if len(t.shape) != rank {
		return fmt.Errorf("input has shape %v", t.shape)
	}
	return nil
}

// convolution: TensorFlow's filters are height × width × in × out (depthwise: × in × times).
func (c *converter) convolution(n node, x, w tensor) (tensor, error) {
	if len(x.shape) != 4 || len(w.shape) != 4 || w.constant == nil {
		return tensor{}, fmt.Errorf("shapes %v and %v", x.shape, w.shape)
	}
	layout, pad := n.Attr["data_format"].text(), n.Attr["padding"].text()
	stride, dilation := n.Attr["strides"].List.Int, n.Attr["dilations"].List.Int
	if layout != "NHWC" || len(stride) != 4 || stride[1] != stride[2] || stride[1] < 1 || stride[1] > 8 ||
		len(dilation) != 0 && !slices.Equal(dilation, []number{1, 1, 1, 1}) {
		return tensor{}, errors.New("its layout, strides or dilations are not understood")
	}
	h, wd, in, out, groups := w.shape[0], w.shape[1], w.shape[2], w.shape[3], 1
	deep := n.Op == "DepthwiseConv2dNative"
	if in != x.shape[1] {
		return tensor{}, fmt.Errorf("%d channels meet a filter for %d", x.shape[1], in)
	}
	shape := []int{out, in, h, wd}
	if deep {
		groups = in
		shape = []int{in * out, 1, h, wd}
	}
	v := make([]float32, len(w.constant))
	for y := range h {
		for z := range wd {
			for i := range in {
				for o := range out {
					to := ((o*in+i)*h+y)*wd + z
					if deep {
						to = ((i*out+o)*h+y)*wd + z
					}
					v[to] = w.constant[((y*wd+z)*in+i)*out+o]
				}
			}
		}
	}
	s := int(stride[1])
	size := func(side, filter int) int { return (side-filter)/s + 1 }
	how := "VALID"
	if pad == "SAME" {
		how = "SAME_UPPER" // the odd row or column is added below and on the right, as TensorFlow does
		size = func(side, _ int) int { return (side + s - 1) / s }
	} else if pad != "VALID" || h > x.shape[2] || wd > x.shape[3] {
		return tensor{}, fmt.Errorf("padding %.16q is not understood or the filter is larger than the picture", pad)
	}
	filter := c.weight(n.Name+"/filter", shape, v)
	return c.write(n.Name, "Conv", []int{1, shape[0], size(x.shape[2], h), size(x.shape[3], wd)}, []string{x.name, filter},
		text("auto_pad", how), wholes("kernel_shape", h, wd), wholes("strides", s, s), whole("group", groups)), nil
}

// product is a matrix product with what TensorFlow fused into it.
func (c *converter) product(n node, in []tensor) (tensor, error) {
	x, w := in[0], in[1]
	if len(x.shape) != 2 || len(w.shape) != 2 || w.constant == nil || x.shape[1] != w.shape[0] ||
		n.Attr["transpose_a"].Bool || n.Attr["transpose_b"].Bool {
		return tensor{}, fmt.Errorf("shapes %v and %v, or a transposed one", x.shape, w.shape)
	}
	args := []string{x.name, c.weight(w.name, w.shape, w.constant)}
	relu := false
	for i, s := range n.Attr["fused_ops"].List.Text {
		switch op := (attribute{Text: s}).text(); {
		case op == "BiasAdd" && i == 0 && len(in) == 3 && in[2].constant != nil && slices.Equal(in[2].shape, w.shape[1:]):
			args = append(args, c.weight(in[2].name, in[2].shape, in[2].constant))
		case op == "Relu" && !relu:
			relu = true
		default:
			return tensor{}, fmt.Errorf("fused %.16q is not understood", op)
		}
	}
	if len(args) != len(in) {
		return tensor{}, errors.New("an input is not used")
	}
	shape := []int{x.shape[0], w.shape[1]}
	if !relu {
		return c.write(n.Name, "Gemm", shape, args), nil
	}
	t := c.write(n.Name+"/product", "Gemm", shape, args)
	return c.write(n.Name, "Relu", shape, []string{t.name}), nil
}

// mean is over the picture's height and width.
func (c *converter) mean(n node, x, axes tensor) (tensor, error) {
	if len(x.shape) != 4 || !axes.whole || !slices.Equal(axes.constant, []float32{1, 2}) || n.Attr["keep_dims"].Bool {
		return tensor{}, errors.New("only the mean over height and width is understood")
	}
	return c.write(n.Name, "ReduceMean", x.shape[:2], []string{x.name}, wholes("axes", 2, 3), whole("keepdims", 0)), nil
}

// perChannel is arithmetic with one constant for all or one per channel.
func (c *converter) perChannel(n node, x, w tensor) (tensor, error) {
	channels := x.shape[len(x.shape)-1]
	if len(x.shape) == 4 {
		channels = x.shape[1]
	}
	switch {
	case w.constant == nil || w.whole:
		return tensor{}, errors.New("its second input is not a constant")
	case len(w.shape) == 0:
	case len(w.shape) == 1 && w.shape[0] == channels && n.Op != "Minimum" && n.Op != "Maximum":
	default:
		return tensor{}, fmt.Errorf("shapes %v and %v", x.shape, w.shape)
	}
	name, shape := w.name, w.shape
	if len(shape) == 1 && len(x.shape) == 4 {
		name, shape = name+"/channels", []int{channels, 1, 1}
	}
	name = c.weight(name, shape, w.constant)
	switch n.Op {
	case "Minimum": // Clip and not Min, because runtimes fuse it into the convolution before
		return c.write(n.Name, "Clip", x.shape, []string{x.name, "", name}), nil
	case "Maximum":
		return c.write(n.Name, "Clip", x.shape, []string{x.name, name}), nil
	case "Mul":
		return c.write(n.Name, "Mul", x.shape, []string{x.name, name}), nil
	}
	return c.write(n.Name, "Add", x.shape, []string{x.name, name}), nil
}

func (a attribute) text() string {
	b, err := base64.StdEncoding.DecodeString(a.Text)
	if err != nil {
		return ""
	}
	return string(b)
}
