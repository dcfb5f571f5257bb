package tfjs_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models/fetch/tfjs"
	"vestibule/models/manifest"
	"vestibule/models/onnx"
)

// The small network of these tests: 6 × 7 pixels of 3 colours, every operator once.
const high, wide, colours = 6, 7, 3

// graph builds a model.json and its weights.
type graph struct {
	nodes   []map[string]any
	entries []map[string]any
	weights []byte
	values  map[string][]float64
}

// number is the i-th of a row of values that look random and fit binary16 exactly.
func number(i int) float64 { return float64((i*37+11)%64-32) / 64 }

func (g *graph) constant(name string, shape ...int) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	v := make([]float64, n)
	for i := range v {
		v[i] = number(len(g.weights) + i)
	}
	g.exactly(name, v, shape...)
}

func (g *graph) exactly(name string, v []float64, shape ...int) {
	for _, x := range v { // binary16 by hand: all values are multiples of 1/64 below 8
		h := uint16(0)
		if x != 0 {
			frac, exp := math.Frexp(math.Abs(x))
			h = uint16(exp+14)<<10 | uint16((frac*2-1)*1024)
		}
		if x < 0 {
			h |= 1 << 15
		}
		g.weights = binary.LittleEndian.AppendUint16(g.weights, h)
	}
	if shape == nil {
		shape = []int{}
	}
	g.values[name] = v
	g.entries = append(g.entries, map[string]any{"name": name, "shape": shape, "dtype": "float32", "quantization": map[string]any{"dtype": "float16"}})
	g.nodes = append(g.nodes, map[string]any{"name": name, "op": "Const"})
}

func (g *graph) node(op, name string, attr map[string]any, in ...string) {
	g.nodes = append(g.nodes, map[string]any{"name": name, "op": op, "input": in, "attr": attr})
}

func text(s string) map[string]any {
	return map[string]any{"s": base64.StdEncoding.EncodeToString([]byte(s))}
}

func steps(stride string) map[string]any {
	return map[string]any{
		"data_format": text("NHWC"), "padding": text("SAME"),
		"strides":   map[string]any{"list": map[string]any{"i": []string{"1", stride, stride, "1"}}},
		"dilations": map[string]any{"list": map[string]any{"i": []string{"1", "1", "1", "1"}}},
	}
}

func small() *graph {
	g := &graph{values: map[string][]float64{}}
	dims := []map[string]any{{"size": "-1"}, {"size": fmt.Sprint(high)}, {"size": fmt.Sprint(wide)}, {"size": fmt.Sprint(colours)}}
	g.node("Placeholder", "in", map[string]any{"shape": map[string]any{"shape": map[string]any{"dim": dims}}})
	g.constant("w1", 3, 3, colours, 4)
	g.constant("b1", 4)
	g.exactly("six", []float64{6})
	g.exactly("zero", []float64{0})
	g.node("Conv2D", "conv", steps("2"), "in", "w1")
	g.node("Add", "add", nil, "conv", "b1")
	g.node("Relu", "relu", nil, "add:0")
	g.node("Minimum", "min", nil, "relu", "six")
	g.node("Maximum", "max", nil, "min", "zero")
	g.constant("w2", 3, 3, 4, 2)
	g.constant("m2", 8)
	g.node("DepthwiseConv2dNative", "deep", steps("1"), "max", "w2")
	g.node("Mul", "mul", nil, "deep", "m2")
	g.nodes = append(g.nodes, map[string]any{"name": "axes", "op": "Const"})
	g.entries = append(g.entries, map[string]any{"name": "axes", "shape": []int{2}, "dtype": "int32"})
	g.weights = append(g.weights, 1, 0, 0, 0, 2, 0, 0, 0)
	g.node("Mean", "mean", map[string]any{"keep_dims": map[string]any{"b": false}}, "mul", "axes")
	g.constant("w3", 8, 5)
	g.constant("b3", 5)
	fused := map[string]any{"list": map[string]any{"s": []string{text("BiasAdd")["s"].(string), text("Relu")["s"].(string)}}}
	g.node("_FusedMatMul", "full", map[string]any{"fused_ops": fused}, "mean", "w3", "b3")
	g.node("Softmax", "soft", nil, "full")
	g.node("Sigmoid", "other", nil, "full")
	return g
}

func (g *graph) json(t testing.TB) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"format":          "graph-model",
		"modelTopology":   map[string]any{"node": g.nodes},
		"weightsManifest": []any{map[string]any{"weights": g.entries}},
	})
	require.NoError(t, err)
	return b
}

// reference computes the same by TensorFlow's definitions, channels last.
func (g *graph) reference(in []float64) []float64 {
	conv := func(x []float64, h, w, c int, f []float64, n, s int, deep bool) ([]float64, int, int) {
		oh, ow := (h+s-1)/s, (w+s-1)/s
		top, left := max((oh-1)*s+3-h, 0)/2, max((ow-1)*s+3-w, 0)/2
		outs := n
		if deep {
			outs = c * n
		}
		out := make([]float64, oh*ow*outs)
		for y := range oh {
			for z := range ow {
				for k := range 9 {
					iy, iz := y*s+k/3-top, z*s+k%3-left
					if iy < 0 || iz < 0 || iy >= h || iz >= w {
						continue
					}
					for i := range c {
						for o := range n {
							to := o
							if deep {
								to = i*n + o
							}
							out[(y*ow+z)*outs+to] += x[(iy*w+iz)*c+i] * f[(k*c+i)*n+o]
						}
					}
				}
			}
		}
		return out, oh, ow
	}
	x, h, w := conv(in, high, wide, colours, g.values["w1"], 4, 2, false)
	for i := range x {
		x[i] = min(6, max(0, x[i]+g.values["b1"][i%4]))
	}
	x, h, w = conv(x, h, w, 4, g.values["w2"], 2, 1, true)
	mean := make([]float64, 8)
	for i := range x {
		mean[i%8] += x[i] * g.values["m2"][i%8] / float64(h*w)
	}
	out := make([]float64, 5)
	sum := 0.0
	for o := range out {
		v := g.values["b3"][o]
		for i, m := range mean {
			v += m * g.values["w3"][i*5+o]
		}
		out[o] = math.Exp(max(0, v))
		sum += out[o]
	}
	for o := range out {
		out[o] /= sum
	}
	return out
}

func TestTheConvertedNetworkComputesWhatTheGraphSays(t *testing.T) {
	g := small()
	b, err := tfjs.Convert(g.json(t), g.weights, "soft")
	require.NoError(t, err)
	m, err := manifest.Load()
	require.NoError(t, err)
	lib, err := m.Path(manifest.Dir(), "onnxruntime")
	require.NoError(t, err)
	n, err := onnx.New("small", b, onnx.Options{Library: lib})
	require.NoError(t, err)
	defer n.Close()
	require.Equal(t, []onnx.Info{{Name: "in", Shape: []int64{1, colours, high, wide}}}, n.Inputs())
	require.Equal(t, []onnx.Info{{Name: "soft", Shape: []int64{1, 5}}}, n.Outputs(), "what only other outputs need is left out")

	last := make([]float64, high*wide*colours) // channels last
	first := make([]float32, len(last))        // channels first
	for i := range last {
		last[i] = 8 * number(5*i)
		first[i%colours*high*wide+i/colours] = float32(last[i])
	}
	out, err := n.Run(map[string]onnx.Tensor{"in": {Shape: []int64{1, colours, high, wide}, Data: first}})
	require.NoError(t, err)
	want := g.reference(last)
	require.Greater(t, want[0]/want[2]+want[2]/want[0], 2.001, "the reference tells classes apart")
	for i, v := range out["soft"].Data {
		require.InDelta(t, want[i], v, 1e-5, "class %d", i)
	}
}

func TestConvertingTwiceGivesTheSameBytes(t *testing.T) {
	g := small()
	a, err := tfjs.Convert(g.json(t), g.weights, "soft")
	require.NoError(t, err)
	for range 5 {
		b, err := tfjs.Convert(g.json(t), g.weights, "soft")
		require.NoError(t, err)
		require.Equal(t, a, b)
	}
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	find := func(g *graph, name string) map[string]any {
		for _, n := range g.nodes {
			if n["name"] == name {
				return n
			}
		}
		return nil
	}
	attr := func(node, name string, v any) func(*graph) {
		return func(g *graph) {
			a := maps.Clone(find(g, node)["attr"].(map[string]any))
			a[name] = v
			find(g, node)["attr"] = a
		}
	}
	for what, c := range map[string]struct {
		do  func(*graph)
		say string
	}{
		"an unknown operator":               {func(g *graph) { find(g, "relu")["op"] = "Elu" }, "not understood"},
		"a missing node":                    {func(g *graph) { find(g, "relu")["input"] = []string{"nobody"} }, "is missing"},
		"a circle":                          {func(g *graph) { find(g, "relu")["input"] = []string{"max"} }, "needs itself"},
		"too few inputs":                    {func(g *graph) { find(g, "add")["input"] = []string{"conv"} }, "has 1 inputs"},
		"a bias that does not fit":          {func(g *graph) { find(g, "add")["input"] = []string{"conv", "m2"} }, "shapes"},
		"a filter for other channels":       {func(g *graph) { find(g, "conv")["input"] = []string{"in", "w2"} }, "3 channels meet a filter for 4"},
		"channels first":                    {attr("conv", "data_format", text("NCHW")), "layout"},
		"unknown padding":                   {attr("conv", "padding", text("EXPLICIT")), "padding"},
		"no stride":                         {attr("conv", "strides", map[string]any{}), "strides"},
		"dilation":                          {attr("conv", "dilations", map[string]any{"list": map[string]any{"i": []string{"1", "2", "2", "1"}}}), "dilations"},
		"a transposed product":              {attr("full", "transpose_b", map[string]any{"b": true}), "transposed"},
		"a fused unknown":                   {attr("full", "fused_ops", map[string]any{"list": map[string]any{"s": []string{text("Elu")["s"].(string)}}}), "fused"},
		"a mean that keeps its shape":       {attr("mean", "keep_dims", map[string]any{"b": true}), "mean"},
		"weights that end too soon":         {func(g *graph) { g.weights = g.weights[:len(g.weights)-1] }, "wants"},
		"weights too many":                  {func(g *graph) { g.weights = append(g.weights, 0) }, "belong to nothing"},
		"a weight that is no number":        {func(g *graph) { g.weights[0], g.weights[1] = 0, 0x7C }, "not a number"},
		"an absurd shape":                   {func(g *graph) { g.entries[0]["shape"] = []int{1 << 15, 1 << 15, 4} }, "shape"},
		"a shape without size":              {func(g *graph) { g.entries[0]["shape"] = []int{0} }, "shape"},
		"another packing":                   {func(g *graph) { g.entries[0]["quantization"] = map[string]any{"dtype": "uint8"} }, "packed"},
		"a node twice":                      {func(g *graph) { g.nodes = append(g.nodes, g.nodes[1]) }, "twice"},
		"a weight twice":                    {func(g *graph) { g.entries[1]["name"] = "w1" }, "twice"},
		"an input without a size":           {attr("in", "shape", map[string]any{}), "not a picture"},
		"an output that is still a picture": {func(g *graph) { find(g, "soft")["op"], find(g, "soft")["input"] = "Relu", []string{"mul"} }, "not a row"},
	} {
		t.Run(what, func(t *testing.T) {
			g := small()
			c.do(g)
			_, err := tfjs.Convert(g.json(t), g.weights, "soft")
			require.ErrorContains(t, err, c.say)
		})
	}
	g := small()
	_, err := tfjs.Convert(g.json(t), g.weights)
	require.Error(t, err, "no output is named")
	_, err = tfjs.Convert(g.json(t), g.weights, "soft", "soft")
	require.ErrorContains(t, err, "twice")
	_, err = tfjs.Convert(g.json(t), make([]byte, tfjs.MaxWeights+1), "soft")
	require.ErrorContains(t, err, "more than")
	_, err = tfjs.Convert([]byte(`{"format":"layers-model"}`), nil, "soft")
	require.ErrorContains(t, err, "layers-model")
}

func FuzzNoGraphOrWeightsCrashTheConverter(f *testing.F) {
	g := small()
	f.Add(g.json(f), g.weights)
	f.Add([]byte(`{"format":"graph-model","modelTopology":{"node":[{"name":"soft","op":"Const"}]}}`), []byte{})
	f.Add([]byte(`{"format":"graph-model","modelTopology":{"node":[{"name":"soft","op":"Softmax","input":["p"]},{"name":"p","op":"Placeholder","attr":{"shape":{"shape":{"dim":[{"size":"1"},{"size":-9},{"size":"70000"},{"size":1}]}}}}]}}`), []byte{1})
	f.Fuzz(func(_ *testing.T, graph, weights []byte) {
		_, _ = tfjs.Convert(graph, weights, "soft")
	})
}
