package onnx_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models"
	"vestibule/models/manifest"
	"vestibule/models/onnx"
)

// marked are the networks that the manifest says OpenCV loads.
func marked(t testing.TB) []manifest.Asset {
	t.Helper()
	m, err := manifest.Load()
	require.NoError(t, err)
	var out []manifest.Asset
	for _, a := range m.Assets {
		if a.OpenCV {
			out = append(out, a)
		}
	}
	return out
}

// load opens a network of the manifest, in the engine that is asked for.
func load(t testing.TB, name string, o onnx.Options) (*onnx.Network, error) {
	t.Helper()
	m, err := manifest.Load()
	require.NoError(t, err)
	a, err := m.Find(name)
	require.NoError(t, err)
	var b []byte
	if a.Kind == manifest.Own {
		b, err = os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(a.File)))
	} else {
		b, err = m.Read(manifest.Dir(), name)
	}
	require.NoError(t, err)
	if o.Library == "" {
		o.Library, err = m.Path(manifest.Dir(), "onnxruntime")
		require.NoError(t, err)
	}
	o.OpenCV, o.SHA256 = a.OpenCV, a.SHA256
	return onnx.New(name, b, o)
}

// waves fills a network's inputs with something smooth; open dimensions are 1, but the
// last is the width.
func waves(n *onnx.Network, width int64) map[string]onnx.Tensor {
	in := map[string]onnx.Tensor{}
	for _, i := range n.Inputs() {
		shape, size := make([]int64, len(i.Shape)), int64(1)
		for k, d := range i.Shape {
			if shape[k] = d; d <= 0 {
				if shape[k] = 1; k == len(shape)-1 {
					shape[k] = width
				}
			}
			size *= shape[k]
		}
		data := make([]float32, size)
		for k := range data {
			data[k] = float32(math.Sin(float64(k)/13) * math.Cos(float64(k)/1009))
		}
		in[i.Name] = onnx.Tensor{Shape: shape, Data: data}
	}
	return in
}

func TestBothEnginesGiveTheSameForEveryNetworkThatOpenCVLoads(t *testing.T) {
	all := marked(t)
	require.Len(t, all, 7, "the six of faces and the line reader of the zone")
	for _, a := range all {
		t.Run(a.Name, func(t *testing.T) {
			var o onnx.Options
			if a.Name == "face-liveness" { // as the reader of faces opens it
				o.Taps = []onnx.Info{{Name: "581", Shape: []int64{1, 128}}}
			}
			one, err := load(t, a.Name, o)
			require.NoError(t, err)
			defer one.Close()
			o.Engine = manifest.OpenCV
			two, err := load(t, a.Name, o)
			require.NoError(t, err)
			defer two.Close()
			require.Equal(t, "onnxruntime", one.Engine())
			require.Equal(t, "opencv", two.Engine())
			require.Equal(t, one.Version(), two.Version(), "what it computes does not depend on who computes it")
			widths := []int64{0}
			if a.Kind == manifest.Own {
				widths = []int64{320, 64, 936, 320} // there and back again
			}
			for _, w := range widths {
				in := waves(one, w)
				want, err := one.Run(in)
				require.NoError(t, err)
				got, err := two.Run(in)
				require.NoError(t, err)
				require.Len(t, got, len(want))
				for name, y := range want {
					require.Equal(t, y.Shape, got[name].Shape, name)
					agree(t, y.Data, got[name].Data)
				}
			}
		})
	}
}

// agree compares to 1e-4 of the largest value, or of 1.
func agree(t testing.TB, want, got []float32) {
	t.Helper()
	require.Len(t, got, len(want))
	largest, off := 1.0, 0.0
	for i, w := range want {
		require.False(t, math.IsNaN(float64(got[i])))
		largest = max(largest, math.Abs(float64(w)))
		off = max(off, math.Abs(float64(w-got[i])))
	}
	require.LessOrEqual(t, off, 1e-4*largest)
}

func TestOpenCVWorksOnItsOwnMemoryToo(t *testing.T) {
	one, err := load(t, "face-detect", onnx.Options{})
	require.NoError(t, err)
	defer one.Close()
	two, err := load(t, "face-detect", onnx.Options{Engine: manifest.OpenCV})
	require.NoError(t, err)
	defer two.Close()
	x := waves(one, 0)[one.Inputs()[0].Name].Data
	var all [2][][]float32
	for i, n := range []*onnx.Network{one, two} {
		for range 2 {
			require.NoError(t, n.RunOn(func(in []float32) error {
				require.Equal(t, len(x), copy(in, x))
				return nil
			}, func(out [][]float32) error {
				all[i] = nil
				for _, o := range out {
					all[i] = append(all[i], append([]float32(nil), o...))
				}
				return nil
			}))
		}
	}
	require.Len(t, all[0], len(one.Outputs()))
	for k := range all[0] {
		agree(t, all[0][k], all[1][k])
	}
	require.NoError(t, two.Close())
	require.ErrorIs(t, two.RunOn(nil, nil), models.ErrModel)
}

func TestANetworkThatIsNotMarkedNeverReachesOpenCV(t *testing.T) {
	for _, name := range []string{"text-detect", "text-read", "face-age"} {
		_, err := load(t, name, onnx.Options{Engine: manifest.OpenCV})
		require.ErrorIs(t, err, models.ErrModel)
		require.ErrorContains(t, err, "not marked")
	}
	_, err := load(t, "face-eye", onnx.Options{Engine: "abacus"})
	require.ErrorIs(t, err, models.ErrModel)
}

func TestWhatOpenCVThrowsIsAnError(t *testing.T) {
	m, err := manifest.Load()
	require.NoError(t, err)
	// Wrongly marked: the attribute-less Clip of PP-OCRv4 makes OpenCV 4.6 throw.
	b, err := m.Read(manifest.Dir(), "text-detect")
	require.NoError(t, err)
	_, err = onnx.New("text-detect", b, onnx.Options{Engine: manifest.OpenCV, OpenCV: true})
	require.ErrorIs(t, err, models.ErrModel)
	require.ErrorContains(t, err, "OpenCV")
	lines, err := load(t, "mrz", onnx.Options{Engine: manifest.OpenCV})
	require.NoError(t, err)
	defer lines.Close()
	name := lines.Inputs()[0].Name
	_, err = lines.Run(map[string]onnx.Tensor{name: {Shape: []int64{1, 1, 32, 1}, Data: make([]float32, 32)}})
	require.ErrorContains(t, err, "OpenCV", "a line of one pixel")
	_, err = lines.Run(waves(lines, 128))
	require.NoError(t, err, "works afterwards")
}

const withoutORT = "VESTIBULE_TEST_WITHOUT_ORT"

// A process has one ONNX Runtime for ever, so a process without one is another process.
func TestWithoutONNXRuntimeAMarkedNetworkRunsInOpenCV(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.so")
	require.NoError(t, os.WriteFile(foreign, []byte("no library at all"), 0o600))
	for what, library := range map[string]string{"missing": filepath.Join(dir, "nowhere.so"), "foreign": foreign} {
		t.Run(what, func(t *testing.T) {
			self, err := os.Executable()
			require.NoError(t, err)
			cmd := exec.Command(self, "-test.run=^TestInAProcessWithoutONNXRuntime$")
			cmd.Env = append(os.Environ(), withoutORT+"="+library)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), "ran in opencv")
		})
	}
}

func TestInAProcessWithoutONNXRuntime(t *testing.T) {
	library := os.Getenv(withoutORT)
	if library == "" {
		return // only as the child of the test above, which insists on what is printed
	}
	n, err := load(t, "face-eye", onnx.Options{Library: library})
	require.NoError(t, err)
	defer n.Close()
	_, err = n.Run(waves(n, 0))
	require.NoError(t, err)
	fmt.Println("ran in", n.Engine())
	_, err = load(t, "text-detect", onnx.Options{Library: library})
	require.ErrorIs(t, err, models.ErrModel)
	altered := fmt.Errorf("%w: the library was altered", models.ErrModel)
	n, err = load(t, "face-eye", onnx.Options{Library: library, Without: altered})
	require.NoError(t, err)
	require.Equal(t, "opencv", n.Engine())
	require.NoError(t, n.Close())
	_, err = load(t, "text-detect", onnx.Options{Library: library, Without: altered})
	require.ErrorContains(t, err, "altered")
}

// Both engines side by side, one thread each (OPENCV_FOR_THREADS_NUM=1 for OpenCV, as the
// vision worker sets it).
func BenchmarkEngines(b *testing.B) {
	for _, a := range marked(b) {
		for _, e := range []manifest.Engine{manifest.ONNXRuntime, manifest.OpenCV} {
			b.Run(a.Name+"/"+string(e), func(b *testing.B) {
				n, err := load(b, a.Name, onnx.Options{Engine: e, KeepLayout: a.Name == "face-feature"})
				require.NoError(b, err)
				defer n.Close()
				in := waves(n, 704)
				b.ReportAllocs()
				for b.Loop() {
					_, err := n.Run(in)
					require.NoError(b, err)
				}
			})
		}
	}
}

func TestRunningAsAShapeGivesWhatRunDoes(t *testing.T) {
	for _, e := range []manifest.Engine{manifest.ONNXRuntime, manifest.OpenCV} {
		t.Run(string(e), func(t *testing.T) {
			n, err := load(t, "mrz", onnx.Options{Engine: e})
			require.NoError(t, err)
			defer n.Close()
			for _, width := range []int64{640, 96, 320} { // in the room of the first
				in := waves(n, width)
				x := in[n.Inputs()[0].Name]
				want, err := n.Run(in)
				require.NoError(t, err)
				require.NoError(t, n.RunAs(x.Shape, func(to []float32) error {
					require.Equal(t, len(x.Data), copy(to, x.Data))
					return nil
				}, func(out []onnx.Tensor) error {
					require.Equal(t, want[n.Outputs()[0].Name], out[0])
					return nil
				}))
			}
			for _, shape := range [][]int64{nil, {1, 1, 32}, {1, 1, 31, 64}, {1, 1, 32, 0}, {1, 1, 32, 1 << 40}} {
				require.ErrorContains(t, n.RunAs(shape, nil, nil), "shape")
			}
			require.ErrorIs(t, n.RunAs([]int64{1, 1, 32, 64}, func([]float32) error { return os.ErrInvalid }, nil), os.ErrInvalid)
			require.NoError(t, n.Close())
			require.ErrorIs(t, n.RunAs(nil, nil, nil), models.ErrModel)
		})
	}
}
