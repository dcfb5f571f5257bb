package onnx_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models"
	"vestibule/models/manifest"
	"vestibule/models/onnx"
)

func open(t testing.TB, name string, o onnx.Options) *onnx.Network {
	t.Helper()
	m, err := manifest.Load()
	require.NoError(t, err)
	path, err := m.Path(manifest.Dir(), name)
	require.NoError(t, err)
	n, err := onnx.Open(path, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	return n
}

func TestANetworkOfFixedShapeRunsAgainAndAgainFromManyGoroutines(t *testing.T) {
	n := open(t, "face-eye", onnx.Options{})
	in := n.Inputs()
	require.Len(t, in, 1)
	size := int64(1)
	shape := make([]int64, len(in[0].Shape))
	for i, d := range in[0].Shape {
		shape[i] = max(d, 1)
		size *= shape[i]
	}
	run := func(v float32) []float32 {
		data := make([]float32, size)
		for i := range data {
			data[i] = v * float32(i%24) / 24
		}
		out, err := n.Run(map[string]onnx.Tensor{in[0].Name: {Shape: shape, Data: data}})
		require.NoError(t, err)
		return out[n.Outputs()[0].Name].Data
	}
	dark, bright := run(0), run(1)
	require.NotEqual(t, dark, bright)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			require.Equal(t, dark, run(0))
			require.Equal(t, bright, run(1))
		})
	}
	wg.Wait()
}

func TestRunningOnTheNetworksOwnTensorsGivesTheSame(t *testing.T) {
	n := open(t, "face-eye", onnx.Options{})
	in := n.Inputs()[0]
	data := make([]float32, 24*24)
	for i := range data {
		data[i] = float32(i%24) / 24
	}
	out, err := n.Run(map[string]onnx.Tensor{in.Name: {Shape: in.Shape, Data: data}})
	require.NoError(t, err)
	want := out[n.Outputs()[0].Name].Data
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			require.NoError(t, n.RunOn(func(x []float32) error {
				require.Equal(t, len(data), copy(x, data))
				return nil
			}, func(out [][]float32) error {
				require.Equal(t, [][]float32{want}, out)
				return nil
			}))
		})
	}
	wg.Wait()
	require.ErrorIs(t, n.RunOn(func([]float32) error { return os.ErrInvalid }, nil), os.ErrInvalid)
	open := open(t, "text-detect", onnx.Options{})
	require.ErrorContains(t, open.RunOn(nil, nil), "open shapes")
	require.NoError(t, n.Close())
	require.ErrorIs(t, n.RunOn(nil, nil), models.ErrModel)
}

func TestANetworkOfOpenShapeTakesEverySize(t *testing.T) {
	n := open(t, "text-detect", onnx.Options{})
	name := n.Inputs()[0].Name
	for _, side := range []int64{64, 96, 64} {
		out, err := n.Run(map[string]onnx.Tensor{name: {Shape: []int64{1, 3, side, side}, Data: make([]float32, 3*side*side)}})
		require.NoError(t, err)
		require.Equal(t, []int64{1, 1, side, side}, out[n.Outputs()[0].Name].Shape)
	}
}

func TestAnInputThatDoesNotFitIsAnErrorNotACrash(t *testing.T) {
	n := open(t, "text-detect", onnx.Options{})
	name := n.Inputs()[0].Name
	for what, in := range map[string]map[string]onnx.Tensor{
		"no input":          {},
		"another name":      {"nobody": {Shape: []int64{1, 3, 64, 64}, Data: make([]float32, 3*64*64)}},
		"too few values":    {name: {Shape: []int64{1, 3, 64, 64}, Data: make([]float32, 5)}},
		"another rank":      {name: {Shape: []int64{3, 64, 64}, Data: make([]float32, 3*64*64)}},
		"a wrong fixed dim": {name: {Shape: []int64{1, 4, 64, 64}, Data: make([]float32, 4*64*64)}},
		"a negative dim":    {name: {Shape: []int64{-1, 3, 64, 64}, Data: make([]float32, 3*64*64)}},
		"an absurd size":    {name: {Shape: []int64{1, 3, 1 << 40, 1 << 40}, Data: make([]float32, 5)}},
		"a size that fits on paper and not in the graph": {name: {Shape: []int64{1, 3, 33, 47}, Data: make([]float32, 3*33*47)}},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := n.Run(in)
			require.Error(t, err)
		})
	}
}

func TestANetworkThatIsMissingOrAlteredIsRefusedWithErrModel(t *testing.T) {
	m, err := manifest.Load()
	require.NoError(t, err)
	lib, err := m.Path(manifest.Dir(), "onnxruntime")
	require.NoError(t, err)
	good, err := m.Read(manifest.Dir(), "face-eye")
	require.NoError(t, err)
	dir := t.TempDir()
	cut := filepath.Join(dir, "cut.onnx")
	require.NoError(t, os.WriteFile(cut, good[:len(good)/2], 0o600))

	_, err = onnx.Open(filepath.Join(dir, "nobody.onnx"), onnx.Options{Library: lib})
	require.ErrorIs(t, err, models.ErrModel)
	require.ErrorContains(t, err, "go run ./models/fetch")
	_, err = onnx.Open(cut, onnx.Options{Library: lib})
	require.ErrorIs(t, err, models.ErrModel)
	_, err = onnx.New("empty", nil, onnx.Options{Library: lib})
	require.ErrorIs(t, err, models.ErrModel)
	_, err = onnx.New("altered", good[1:], onnx.Options{Library: lib, SHA256: "00"})
	require.ErrorIs(t, err, models.ErrModel)
	require.ErrorContains(t, err, "expected sha256 00, found")
	_, err = onnx.New("outputs", good, onnx.Options{Library: lib, Outputs: []string{"nobody"}})
	require.ErrorIs(t, err, models.ErrModel)
}

func TestAClosedNetworkSaysSo(t *testing.T) {
	n := open(t, "face-eye", onnx.Options{})
	require.NoError(t, n.Close())
	_, err := n.Run(nil)
	require.ErrorIs(t, err, models.ErrModel)
}

func FuzzNoBytesCrashTheGraphReader(f *testing.F) {
	m, err := manifest.Load()
	require.NoError(f, err)
	good, err := m.Read(manifest.Dir(), "face-eye")
	require.NoError(f, err)
	f.Add(good[:4096])
	f.Add([]byte{0x3a, 0x05, 0x5a, 0x03, 0x0a, 0x01, 'x'})
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _, _ = onnx.Describe(b)
	})
}

func TestATensorInsideANetworkCanBeTapped(t *testing.T) {
	plain := open(t, "face-liveness", onnx.Options{})
	tapped := open(t, "face-liveness", onnx.Options{Taps: []onnx.Info{{Name: "581", Shape: []int64{1, 128}}}})
	require.Equal(t, plain.Version(), tapped.Version(), "it is still the same network")
	data := make([]float32, 3*128*128)
	for i := range data {
		data[i] = float32(i*7%256) / 2
	}
	in := map[string]onnx.Tensor{"input": {Shape: []int64{1, 3, 128, 128}, Data: data}}
	a, err := plain.Run(in)
	require.NoError(t, err)
	b, err := tapped.Run(in)
	require.NoError(t, err)
	require.InDeltaSlice(t, a["output"].Data, b["output"].Data, 1e-4)
	require.Len(t, b["581"].Data, 128)
	require.NotContains(t, a, "581")
	require.NotZero(t, b["581"].Data[0])
}

func TestATapThatIsNotInTheNetworkIsRefused(t *testing.T) {
	m, err := manifest.Load()
	require.NoError(t, err)
	path, err := m.Path(manifest.Dir(), "face-eye")
	require.NoError(t, err)
	for what, tap := range map[string]onnx.Info{
		"no such tensor":    {Name: "nowhere", Shape: []int64{1}},
		"an open shape":     {Name: "output", Shape: []int64{-1}},
		"an output already": {Name: "output", Shape: []int64{1, 2}},
	} {
		_, err := onnx.Open(path, onnx.Options{Taps: []onnx.Info{tap}})
		require.ErrorIs(t, err, models.ErrModel, what)
	}
}
