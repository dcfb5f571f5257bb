package onnx_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models/manifest"
	"vestibule/models/onnx"
)

const readerWeights, readerBias = "linear_85.w_0", "linear_85.b_0"

func readerNetwork(t testing.TB) (network []byte, library string) {
	t.Helper()
	m, err := manifest.Load()
	require.NoError(t, err)
	library, err = m.Path(manifest.Dir(), "onnxruntime")
	require.NoError(t, err)
	network, err = m.Read(manifest.Dir(), "text-read")
	require.NoError(t, err)
	return network, library
}

func TestSelectedColumnsAnswerAsTheWholeNetworkDoesAmongThem(t *testing.T) {
	network, library := readerNetwork(t)
	columns := []int{0, 7, 4000, 33}
	some, err := onnx.Select(network, readerWeights, readerBias, columns)
	require.NoError(t, err)
	require.Less(t, len(some), len(network)-3_000_000)
	run := func(b []byte) onnx.Tensor {
		n, err := onnx.New("reader", b, onnx.Options{Library: library})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, n.Close()) })
		data := make([]float32, 3*48*96)
		for i := range data {
			data[i] = float32(math.Sin(float64(i) / 17))
		}
		out, err := n.Run(map[string]onnx.Tensor{n.Inputs()[0].Name: {Shape: []int64{1, 3, 48, 96}, Data: data}})
		require.NoError(t, err)
		return out[n.Outputs()[0].Name]
	}
	whole, part := run(network), run(some)
	frames, classes := int(whole.Shape[1]), int(whole.Shape[2])
	require.Equal(t, []int64{1, int64(frames), int64(len(columns))}, part.Shape)
	for f := range frames {
		sum := float32(0)
		for _, c := range columns {
			sum += whole.Data[f*classes+c]
		}
		for i, c := range columns {
			require.InDelta(t, whole.Data[f*classes+c]/sum, part.Data[f*len(columns)+i], 1e-4)
		}
	}
}

func TestSelectRefusesWhatItCannotSelect(t *testing.T) {
	network, _ := readerNetwork(t)
	for name, c := range map[string]struct {
		network       []byte
		weights, bias string
		columns       []int
	}{
		"no column":              {network, readerWeights, readerBias, nil},
		"a column too far":       {network, readerWeights, readerBias, []int{6625}},
		"a negative column":      {network, readerWeights, readerBias, []int{-1}},
		"constants not there":    {network, "nobody", readerBias, []int{0}},
		"a network cut in half":  {network[:len(network)/2], readerWeights, readerBias, []int{0}},
		"bytes that are no ONNX": {[]byte("picture"), readerWeights, readerBias, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := onnx.Select(c.network, c.weights, c.bias, c.columns)
			require.Error(t, err)
		})
	}
}

func FuzzNoBytesCrashSelect(f *testing.F) {
	// A graph with one node whose output "w" is a tensor of floats, [1, 2].
	f.Add([]byte{0x3a, 0x1a, 0x0a, 0x18, 0x12, 0x01, 'w', 0x2a, 0x13, 0x2a, 0x11, 0x08, 1, 0x08, 2, 0x10, 1, 0x4a, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = onnx.Select(b, "w", "w", []int{1, 0})
	})
}
