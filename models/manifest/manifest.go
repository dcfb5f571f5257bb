// Package manifest knows which trained networks this build trusts, and reads
// them from a directory only when they are exactly those.
//
// What may live here: the list (models/manifest.json, compiled into the
// binary), its rules, and reading with verification. What may not: downloading
// (models/fetch), running a network (models/onnx), cgo.
package manifest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"vestibule/models"
)

// DirEnv names the environment variable that moves the models directory.
const DirEnv = "VESTIBULE_MODELS"

// MaxBytes bounds one asset; larger ones are refused before they are read.
const MaxBytes = 128 << 20

// Hint is what to do about a missing or altered asset.
const Hint = "run: go run ./models/fetch"

// Kind says what an asset is.
type Kind string

// The kinds of assets.
const (
	Network Kind = "network" // a trained network from a package registry
	Library Kind = "library" // native code that runs networks
	Table   Kind = "table"   // data that belongs to a network
	Picture Kind = "picture" // pictures for demonstrations and tests
	Own     Kind = "own"     // trained here, kept in the source tree, compiled in
)

// Group says who needs an asset.
type Group string

// The groups of assets.
const (
	Models Group = "models" // needed to see at all
	Demo   Group = "demo"   // needed by the demonstration and by tests of faces only
	Extra  Group = "extra"  // sees more; without it that finding is left out
)

// Engine says what runs a network (models/onnx).
type Engine string

// The engines.
const (
	ONNXRuntime Engine = "onnxruntime" // runs every network; the default
	OpenCV      Engine = "opencv"      // runs those that are marked as loadable
)

// Asset is one file and where it comes from. File is relative to the models
// directory with forward slashes; for an Own asset, to the source tree.
type Asset struct {
	Name          string `json:"name"`
	Kind          Kind   `json:"kind"`
	Group         Group  `json:"group"`
	File          string `json:"file"`
	Package       string `json:"package,omitempty"`        // npm name@version
	Tarball       string `json:"tarball,omitempty"`        // path below the registry
	TarballSHA256 string `json:"tarball_sha256,omitempty"` // hex
	Path          string `json:"path,omitempty"`           // inside the tarball
	Made          *Made  `json:"made,omitempty"`           // instead of Path: made at set-up of files in the tarball
	Engine        Engine `json:"engine,omitempty"`         // what runs the network; default ONNXRuntime
	OpenCV        bool   `json:"opencv,omitempty"`         // a test of models/onnx has seen OpenCV load it and agree
	SHA256        string `json:"sha256"`                   // of the file, hex
	Bytes         int64  `json:"bytes"`
	Licence       string `json:"licence"`
	Origin        string `json:"origin"`
	Purpose       string `json:"purpose"`
}

// ByTFJS makes an ONNX network of a TensorFlow.js graph model: of model.json, then its
// weights. Package models/fetch/tfjs does it.
const ByTFJS = "tfjs"

// Made says how an asset is made. The result is always the same bytes, which the
// asset's own hash pins.
type Made struct {
	By      string   `json:"by"`
	Outputs []string `json:"outputs"` // of the network that are kept
	From    []Source `json:"from"`
}

// Source is a file in a tarball that an asset is made of.
type Source struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

func (m Made) check() error {
	if m.By != ByTFJS {
		return fmt.Errorf("made by %q is not known", m.By)
	}
	if len(m.Outputs) == 0 || len(m.From) != 2 {
		return fmt.Errorf("made by %s needs outputs and two files, a graph and its weights", m.By)
	}
	for _, f := range m.From {
		if !local(f.Path) || !isSum(f.SHA256) || f.Bytes <= 0 || f.Bytes > MaxBytes {
			return fmt.Errorf("made of %q: its path, sha256 or size is not plain", f.Path)
		}
	}
	return nil
}

// Version is the short name of exactly this file: the first 12 hex digits of its SHA-256.
func (a Asset) Version() string { return a.SHA256[:12] }

// Manifest is the list of assets.
type Manifest struct {
	Version  int     `json:"version"`
	Registry string  `json:"registry"`
	Assets   []Asset `json:"assets"`
}

// Load returns the manifest that was compiled into this binary.
func Load() (*Manifest, error) {
	m, err := Parse([]byte(models.ManifestJSON()))
	if err != nil {
		return nil, fmt.Errorf("read the built-in manifest: %w", err)
	}
	return m, nil
}

// Parse reads and checks a manifest: every asset is complete, names and files
// are unique, and no file leaves the models directory.
func Parse(b []byte) (*Manifest, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var m Manifest
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("parse manifest: %w", err)
	}
	if m.Version != 1 {
		return nil, fmt.Errorf("manifest version %d is not supported, want 1", m.Version)
	}
	if len(m.Assets) == 0 {
		return nil, errors.New("manifest lists no assets")
	}
	names, files, tarballs := map[string]bool{}, map[string]bool{}, map[string]string{}
	for i, a := range m.Assets {
		if err := a.check(); err != nil {
			return nil, fmt.Errorf("manifest asset %d (%q): %w", i, a.Name, err)
		}
		if names[a.Name] || files[a.File] {
			return nil, fmt.Errorf("manifest asset %d (%q): name or file is listed twice", i, a.Name)
		}
		names[a.Name], files[a.File] = true, true
		if a.Kind == Own {
			continue
		}
		if sum, ok := tarballs[a.Tarball]; ok && sum != a.TarballSHA256 {
			return nil, fmt.Errorf("manifest asset %d (%q): tarball %s is listed with two hashes", i, a.Name, a.Tarball)
		}
		tarballs[a.Tarball] = a.TarballSHA256
	}
	return &m, nil
}

func (a Asset) check() error {
	switch {
	case a.Name == "" || a.Licence == "" || a.Origin == "" || a.Purpose == "":
		return errors.New("name, licence, origin and purpose are required")
	case a.Group != Models && a.Group != Demo && a.Group != Extra:
		return fmt.Errorf("group %q is not known", a.Group)
	case !local(a.File):
		return fmt.Errorf("file %q leaves the directory", a.File)
	case !isSum(a.SHA256):
		return fmt.Errorf("sha256 %q is not 64 lower-case hex digits", a.SHA256)
	case a.Bytes <= 0 || a.Bytes > MaxBytes:
		return fmt.Errorf("size %d is outside 1..%d", a.Bytes, MaxBytes)
	}
	switch {
	case a.Engine != "" && a.Engine != ONNXRuntime && a.Engine != OpenCV:
		return fmt.Errorf("engine %q is not known", a.Engine)
	case a.Engine == OpenCV && !a.OpenCV:
		return errors.New("is to run in OpenCV without being marked as one that it loads")
	case (a.Engine != "" || a.OpenCV) && a.Kind != Network && a.Kind != Own:
		return fmt.Errorf("a %s has no engine", a.Kind)
	}
	switch a.Kind {
	case Own:
		if a.Package != "" || a.Tarball != "" || a.Path != "" || a.TarballSHA256 != "" || a.Made != nil {
			return errors.New("an own asset has no package")
		}
		return nil
	case Network, Library, Table, Picture:
	default:
		return fmt.Errorf("kind %q is not known", a.Kind)
	}
	switch {
	case strings.LastIndexByte(a.Package, '@') <= 0:
		return fmt.Errorf("package %q is not name@version", a.Package)
	case !local(a.Tarball):
		return fmt.Errorf("tarball %q is not a plain path below the registry", a.Tarball)
	case (a.Path != "") == (a.Made != nil):
		return errors.New("needs a path or how it is made")
	case a.Made == nil && !local(a.Path):
		return fmt.Errorf("path %q is not a plain path", a.Path)
	case !isSum(a.TarballSHA256):
		return fmt.Errorf("tarball_sha256 %q is not 64 lower-case hex digits", a.TarballSHA256)
	}
	if a.Made != nil {
		return a.Made.check()
	}
	return nil
}

// local reports whether p is a clean, relative, forward-slash path that stays where it starts.
func local(p string) bool {
	return p != "" && p != "." && filepath.IsLocal(p) && path.Clean(p) == p && !strings.ContainsAny(p, "\\\x00:?#%")
}

func isSum(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size && strings.ToLower(s) == s
}

// Find returns the asset of that name.
func (m *Manifest) Find(name string) (Asset, error) {
	for _, a := range m.Assets {
		if a.Name == name {
			return a, nil
		}
	}
	return Asset{}, fmt.Errorf("%w: %q is not in the manifest", models.ErrModel, name)
}

// In returns the assets of the groups (all without any), without own ones,
// which never need fetching.
func (m *Manifest) In(groups ...Group) []Asset {
	var out []Asset
	for _, a := range m.Assets {
		if a.Kind == Own {
			continue
		}
		ok := len(groups) == 0
		for _, g := range groups {
			ok = ok || a.Group == g
		}
		if ok {
			out = append(out, a)
		}
	}
	return out
}

// Read returns the verified bytes of an asset in dir. They are hashed as they
// are read, so what is returned is what was checked.
func (m *Manifest) Read(dir, name string) ([]byte, error) {
	a, err := m.Find(name)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, filepath.FromSlash(a.File))
	f, err := os.Open(file)
	if err != nil {
		return nil, missing(file, err)
	}
	defer f.Close()
	b := make([]byte, 0, a.Bytes+1+bytes.MinRead) // else the buffer doubles just to see the end
	w := bytes.NewBuffer(b)
	if _, err := io.Copy(w, io.LimitReader(f, a.Bytes+1)); err != nil {
		return nil, fmt.Errorf("%w: read %s: %w", models.ErrModel, file, err)
	}
	if err := a.Check(file, w.Bytes()); err != nil {
		return nil, err
	}
	return w.Bytes(), nil
}

// Path returns where an asset lies in dir, after verifying it there. It is for
// what must be opened by name, such as a shared library.
func (m *Manifest) Path(dir, name string) (string, error) {
	a, err := m.Find(name)
	if err != nil {
		return "", err
	}
	file, err := filepath.Abs(filepath.Join(dir, filepath.FromSlash(a.File)))
	if err != nil {
		return "", fmt.Errorf("%w: %w", models.ErrModel, err)
	}
	return file, a.CheckFile(file)
}

// Verify checks all assets of the groups in dir and names every one that is
// missing or altered.
func (m *Manifest) Verify(dir string, groups ...Group) error {
	var all []error
	for _, a := range m.In(groups...) {
		if err := a.CheckFile(filepath.Join(dir, filepath.FromSlash(a.File))); err != nil {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// Check tells whether b is exactly this asset; file is only named in the error.
func (a Asset) Check(file string, b []byte) error {
	sum := sha256.Sum256(b)
	return a.compare(file, hex.EncodeToString(sum[:]))
}

// CheckFile tells whether the file is exactly this asset.
func (a Asset) CheckFile(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return missing(file, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, a.Bytes+1)); err != nil {
		return fmt.Errorf("%w: read %s: %w", models.ErrModel, file, err)
	}
	return a.compare(file, hex.EncodeToString(h.Sum(nil)))
}

// AlteredError says that a file is not what the manifest pins.
type AlteredError struct{ File, Want, Got string }

func (e *AlteredError) Error() string {
	return fmt.Sprintf("%s has been altered or is damaged: expected sha256 %s, found %s; delete it and %s", e.File, e.Want, e.Got, Hint)
}

// Unwrap makes an AlteredError a models.ErrModel.
func (e *AlteredError) Unwrap() error { return models.ErrModel }

func (a Asset) compare(file, got string) error {
	if got != a.SHA256 {
		return &AlteredError{File: file, Want: a.SHA256, Got: got}
	}
	return nil
}

func missing(file string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is missing; %s: %w", models.ErrModel, file, Hint, fs.ErrNotExist)
	}
	return fmt.Errorf("%w: %w", models.ErrModel, err)
}

// Dir is the models directory to use when none was given: $VESTIBULE_MODELS,
// else models/cache of the source tree the process was started in, else
// models/cache of the working directory.
func Dir() string {
	if d := os.Getenv(DirEnv); d != "" {
		return d
	}
	rest := filepath.Join("models", "cache")
	wd, err := os.Getwd()
	if err != nil {
		return rest
	}
	for d := wd; ; d = filepath.Dir(d) {
		if s, err := os.Stat(filepath.Join(d, rest)); err == nil && s.IsDir() {
			return filepath.Join(d, rest)
		}
		if d == filepath.Dir(d) {
			return rest
		}
	}
}
