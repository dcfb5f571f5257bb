package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"vestibule/models/fetch/tfjs"
	"vestibule/models/manifest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fetch": main})
}

// entry is one member of a fake package.
type entry struct {
	name, body string
	kind       byte
}

func tarball(t testing.TB, es ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range es {
		h := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.body)), Typeflag: tar.TypeReg}
		if e.kind != 0 {
			h.Typeflag, h.Linkname, h.Size, e.body = e.kind, "/etc/passwd", 0, ""
		}
		require.NoError(t, w.WriteHeader(h))
		_, err := w.Write([]byte(e.body))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	return b.Bytes()
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

const (
	netBody = "these are the weights of a very small network"
	picBody = "and this is a picture"
)

func good(t testing.TB) []byte {
	return tarball(t, entry{name: "package/README.md", body: "hello"}, entry{name: "package/net.onnx", body: netBody}, entry{name: "package/pic.jpg", body: picBody})
}

// list is a manifest of two files of one package.
func list(t testing.TB, pkg []byte) []byte {
	t.Helper()
	asset := func(name string, g manifest.Group, file, path, body string) manifest.Asset {
		return manifest.Asset{
			Name: name, Kind: manifest.Network, Group: g, File: file, Package: "tiny@1.0.0",
			Tarball: "tiny/-/tiny-1.0.0.tgz", TarballSHA256: sum(pkg), Path: path, SHA256: sum([]byte(body)),
			Bytes: int64(len(body)), Licence: "MIT", Origin: "a test", Purpose: "a test",
		}
	}
	b, err := json.Marshal(manifest.Manifest{Version: 1, Registry: "http://127.0.0.1:1", Assets: []manifest.Asset{
		asset("net", manifest.Models, "net.onnx", "package/net.onnx", netBody),
		asset("pic", manifest.Demo, "portraits/pic.jpg", "package/pic.jpg", picBody),
	}})
	require.NoError(t, err)
	return b
}

// A graph model of one operator and its weights, two whole numbers.
const (
	graphBody = `{"format":"graph-model","modelTopology":{"node":[
{"name":"in","op":"Placeholder","attr":{"shape":{"shape":{"dim":[{"size":"1"},{"size":"4"},{"size":"4"},{"size":"3"}]}}}},
{"name":"axes","op":"Const"},{"name":"mean","op":"Mean","input":["in","axes"]}]},
"weightsManifest":[{"weights":[{"name":"axes","shape":[2],"dtype":"int32"}]}]}`
	weightBody = "\x01\x00\x00\x00\x02\x00\x00\x00"
)

func unmade(t testing.TB) []byte {
	return tarball(t, entry{name: "package/weights.bin", body: weightBody}, entry{name: "package/model.json", body: graphBody})
}

// making is a manifest of one file that is made of two.
func making(t testing.TB, pkg []byte, change func(*manifest.Asset)) []byte {
	t.Helper()
	b, err := tfjs.Convert([]byte(graphBody), []byte(weightBody), "mean")
	require.NoError(t, err)
	source := func(path, body string) manifest.Source {
		return manifest.Source{Path: path, SHA256: sum([]byte(body)), Bytes: int64(len(body))}
	}
	a := manifest.Asset{
		Name: "net", Kind: manifest.Network, Group: manifest.Extra, File: "made.onnx", Package: "tiny@1.0.0",
		Tarball: "tiny/-/tiny-1.0.0.tgz", TarballSHA256: sum(pkg), SHA256: sum(b), Bytes: int64(len(b)),
		Made: &manifest.Made{By: manifest.ByTFJS, Outputs: []string{"mean"}, From: []manifest.Source{
			source("package/model.json", graphBody), source("package/weights.bin", weightBody),
		}},
		Licence: "MIT", Origin: "a test", Purpose: "a test",
	}
	if change != nil {
		change(&a)
	}
	out, err := json.Marshal(manifest.Manifest{Version: 1, Registry: "http://127.0.0.1:1", Assets: []manifest.Asset{a}})
	require.NoError(t, err)
	return out
}

// TestScripts runs the command as a user does, against a registry that serves
// one good package and four bad ones.
func TestScripts(t *testing.T) {
	pkg := good(t)
	evil := tarball(t, entry{name: "../../outside", body: "x"}, entry{name: "package/net.onnx", body: netBody}, entry{name: "package/pic.jpg", body: picBody})
	link := tarball(t, entry{name: "package/net.onnx", kind: tar.TypeSymlink})
	other := tarball(t, entry{name: "package/net.onnx", body: strings.ToUpper(netBody)}, entry{name: "package/pic.jpg", body: picBody})
	serve := func(b []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b) }
	}
	mux := http.NewServeMux()
	const p = "/tiny/-/tiny-1.0.0.tgz"
	mux.Handle("/good"+p, serve(pkg))
	mux.Handle("/swapped"+p, serve(other)) // another package under the same version
	mux.Handle("/evil"+p, serve(evil))
	mux.Handle("/link"+p, serve(link))
	raw := unmade(t)
	mux.Handle("/unmade"+p, serve(raw))
	mux.Handle("/cut"+p, serve(pkg[:len(pkg)/2]))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close) // the scripts run in parallel, after this function has returned

	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("REGISTRY", srv.URL)
			e.Setenv("HOME", e.WorkDir)
			for name, b := range map[string][]byte{
				"good.json": list(t, pkg),
				"evil.json": list(t, evil),
				"link.json": list(t, link),
				"cut.json":  list(t, pkg[:len(pkg)/2]),
				// The package is as pinned, but a file in it is not.
				"mixed.json": list(t, other),
				"made.json":  making(t, raw, nil),
				// Another converter than the manifest was written for.
				"remade.json": making(t, raw, func(a *manifest.Asset) { a.SHA256 = sum(nil) }),
				// Other weights than the manifest was written for.
				"reweighted.json": making(t, raw, func(a *manifest.Asset) { a.Made.From[1].SHA256 = sum(nil) }),
				"outless.json":    making(t, raw, func(a *manifest.Asset) { a.Made.Outputs[0] = "nobody" }),
			} {
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), b, 0o600); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

func env(t *testing.T, registry string, out *bytes.Buffer, slept *[]time.Duration) environment {
	t.Helper()
	return environment{
		stdout: out, stderr: out, home: t.TempDir(),
		getenv: func(k string) string {
			if k == "npm_config_registry" {
				return registry
			}
			return ""
		},
		sleep: func(ctx context.Context, d time.Duration) error {
			*slept = append(*slept, d)
			return ctx.Err()
		},
	}
}

func fetchInto(t *testing.T, h http.Handler) (dir, said string, slept []time.Duration, err error) {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	dir = t.TempDir()
	file := filepath.Join(t.TempDir(), "manifest.json")
	require.NoError(t, os.WriteFile(file, list(t, good(t)), 0o600))
	var out bytes.Buffer
	err = run(context.Background(), []string{"-dir", dir, "-manifest", file}, env(t, srv.URL, &out, &slept))
	return dir, out.String(), slept, err
}

func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		require.NoError(t, err)
		require.False(t, !d.IsDir(), "left behind: %s", p)
		return nil
	}))
}

func TestAnInterruptedDownloadIsTriedAgainWithBackOff(t *testing.T) {
	pkg := good(t)
	var n atomic.Int32
	dir, said, slept, err := fetchInto(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch n.Add(1) {
		case 1: // the line breaks in the middle
			w.Header().Set("Content-Length", fmt.Sprint(len(pkg)))
			_, _ = w.Write(pkg[:len(pkg)/2])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case 2:
			http.Error(w, "overloaded", http.StatusServiceUnavailable)
		default:
			_, _ = w.Write(pkg)
		}
	}))
	require.NoError(t, err, said)
	require.Equal(t, []time.Duration{time.Second, 2 * time.Second}, slept)
	b, err := os.ReadFile(filepath.Join(dir, "net.onnx"))
	require.NoError(t, err)
	require.Equal(t, netBody, string(b))
}

func TestARegistryThatNeverWorksIsGivenUpWithAHint(t *testing.T) {
	dir, _, slept, err := fetchInto(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no", http.StatusBadGateway)
	}))
	require.ErrorContains(t, err, "gave up after 4 attempts")
	require.ErrorContains(t, err, "npm_config_registry")
	require.Len(t, slept, 3)
	nothingLeft(t, dir)
}

func TestAPackageThatDoesNotExistIsNotAskedForTwice(t *testing.T) {
	var n atomic.Int32
	_, _, slept, err := fetchInto(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		http.NotFound(w, r)
	}))
	require.ErrorIs(t, err, errFinal)
	require.EqualValues(t, 1, n.Load())
	require.Empty(t, slept)
}

func TestAPackageThatIsTooLargeIsRefusedByItsHeader(t *testing.T) {
	dir, _, _, err := fetchInto(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(int64(maxTarball)+1))
		w.WriteHeader(http.StatusOK)
	}))
	require.ErrorIs(t, err, errFinal)
	require.ErrorContains(t, err, "more than")
	nothingLeft(t, dir)
}

func TestStoppingLeavesNothingHalfDone(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(good(t)[:20])
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	}))
	defer srv.Close()
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "manifest.json")
	require.NoError(t, os.WriteFile(file, list(t, good(t)), 0o600))
	var out bytes.Buffer
	var slept []time.Duration
	err := run(ctx, []string{"-dir", dir, "-manifest", file}, env(t, srv.URL, &out, &slept))
	require.True(t, errors.Is(err, context.Canceled), err)
	nothingLeft(t, dir)
}

func TestTheRegistryIsTheOneNpmWouldUse(t *testing.T) {
	home := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(home, ".npmrc"), []byte("# mine\n@scope:registry=https://scoped.example\nregistry = \"https://mirror.example/npm/\"\n"), 0o600))
	vars := map[string]string{}
	e := environment{home: home, getenv: func(k string) string { return vars[k] }}
	require.Equal(t, "https://mirror.example/npm", registry("https://registry.npmjs.org", e))
	vars["npm_config_registry"] = "http://localhost:4873/"
	require.Equal(t, "http://localhost:4873", registry("https://registry.npmjs.org", e))
	vars["npm_config_registry"], e.home = "", t.TempDir()
	require.Equal(t, "https://registry.npmjs.org", registry("https://registry.npmjs.org/", e))
}

func FuzzUnpackNeverLeavesTheDirectory(f *testing.F) {
	f.Add(good(f))
	f.Add(tarball(f, entry{name: "../x", body: "y"}))
	f.Add(unmade(f))
	m, err := manifest.Parse(list(f, good(f)))
	require.NoError(f, err)
	made, err := manifest.Parse(making(f, unmade(f), nil))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, b []byte) {
		root := t.TempDir()
		dir := filepath.Join(root, "models")
		require.NoError(t, os.Mkdir(dir, 0o700))
		x := &fetcher{dir: dir, say: &progress{w: &bytes.Buffer{}}}
		_ = x.unpack(context.Background(), bytes.NewReader(b), m.Assets)
		_ = x.unpack(context.Background(), bytes.NewReader(b), made.Assets)
		es, err := os.ReadDir(root)
		require.NoError(t, err)
		require.Len(t, es, 1)
	})
}
