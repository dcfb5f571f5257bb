// Package document says where a document is in a picture, what kind it is and what
// its machine readable zone says.
//
// The way of a picture: text rows by the PP-OCRv4 detector → blocks that could be
// a zone → strips, framed generously → own line reader → constrained decoding as
// each layout → the same strips by a second, unrelated reader → parse.
//
// What may live here: pixels of documents. What may not: policy, repair of what was
// read, and faces beyond asking a FaceFinder where the portrait is.
package document

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"runtime"
	"time"

	"gocv.io/x/gocv"
	"golang.org/x/text/unicode/norm"

	"vestibule/models"
	"vestibule/models/manifest"
	"vestibule/models/onnx"
)

// ownNetwork is the line reader: 469,000 parameters, trained on drawn lines only;
// train/ holds generator, network and trainer.
//
//go:embed mrz.onnx
var ownNetwork []byte

// FaceFinder measures the largest face of a BGR picture; places in the answer are parts
// of that picture. A picture without a face is no error: Face.Found is false then.
type FaceFinder interface {
	FindFace(ctx context.Context, bgr gocv.Mat) (models.Face, error)
	// LocateFace only tells where FindFace would find it, at a fraction of the cost.
	LocateFace(ctx context.Context, bgr gocv.Mat) (models.Box, bool, error)
}

// Reader reads documents. Its methods may be called from several goroutines.
type Reader struct {
	finder    *onnx.Network // text rows
	lines     *onnx.Network // one line of the zone, own
	other     *onnx.Network // one line of the zone, second reader
	reader    *onnx.Network // one line of anything: the second reader with all its letters
	keys      []int         // class of the second reader, as cut down → class of ours
	letters   []string      // class of reader → what it stands for
	ideograph []bool        // class of reader → whether it is of no alphabet
	faces     FaceFinder
	versions  map[string]string
	now       func() time.Time
	glimpses  glimpses // memory of Glance
	lattices  lattices // memory of the zone's decoding
}

// Open loads the networks of a models directory, each verified against the manifest.
// faces may be nil: then no portrait is looked for.
func Open(dir string, faces FaceFinder) (_ *Reader, err error) {
	m, err := manifest.Load()
	if err != nil {
		return nil, err
	}
	library, without := m.Path(dir, "onnxruntime")
	r := &Reader{faces: faces, versions: map[string]string{}, now: time.Now}
	defer func() {
		if err != nil {
			_ = r.Close()
		}
	}()
	keys, err := m.Read(dir, "text-keys")
	if err != nil {
		return nil, err
	}
	columns, zoneKeys := zoneColumns(readKeys(keys))
	r.keys = zoneKeys
	two := min(2, runtime.NumCPU()) // on one core a second thread only takes turns with the first
	for _, n := range []struct {
		name    string
		to      **onnx.Network
		own     []byte
		columns []int // of the last layer that are kept; nil: all
		threads int
	}{
		{"text-detect", &r.finder, nil, nil, two},
		{"text-read", &r.other, nil, columns, two},
		{"text-read", &r.reader, nil, nil, 1}, // reads while the person does: the screen needs a core
		{"mrz", &r.lines, ownNetwork, nil, 1},
	} {
		asset, err := m.Find(n.name)
		if err != nil {
			return nil, err
		}
		b := n.own
		if b == nil {
			if b, err = m.Read(dir, n.name); err != nil {
				return nil, err
			}
		}
		sum := asset.SHA256
		if n.columns != nil {
			if b, err = onnx.Select(b, "linear_85.w_0", "linear_85.b_0", n.columns); err != nil {
				return nil, fmt.Errorf("%w: network %s: %w", models.ErrModel, n.name, err)
			}
			sum = "" // Read has verified the file
		}
		if *n.to, err = onnx.New(n.name, b, onnx.Options{
			Library: library, Without: without, Engine: asset.Engine, OpenCV: asset.OpenCV, SHA256: sum, Threads: n.threads,
		}); err != nil {
			return nil, err
		}
		r.versions[n.name] = asset.Version()
	}
	r.letters = readLetters(keys)
	for _, l := range r.letters {
		r.ideograph = append(r.ideograph, isIdeograph(l))
	}
	warm()
	return r, nil
}

// warm lets OpenCV build its colour tables (a fifth of a second) before the first live frame.
func warm() {
	m, lab := gocv.NewMatWithSize(32, 32, gocv.MatTypeCV8UC3), gocv.NewMat()
	defer m.Close()
	defer lab.Close()
	gocv.CvtColor(m, &lab, gocv.ColorBGRToLab)
}

// readKeys maps the second reader's classes: its blank is class 0, its characters
// follow line by line, a space is last.
func readKeys(b []byte) []int {
	out := []int{blank}
	for _, line := range bytes.Split(bytes.TrimRight(b, "\n"), []byte("\n")) {
		line = bytes.TrimRight(line, "\r")
		class := -1
		if len(line) == 1 {
			class = bytes.IndexByte([]byte(alphabet), upper(line[0]))
		}
		out = append(out, class)
	}
	return append(out, -1)
}

// zoneColumns gives the classes of the second reader that a zone can show, and what each is.
func zoneColumns(all []int) (columns, keys []int) {
	for c, k := range all {
		if k >= 0 {
			columns, keys = append(columns, c), append(keys, k)
		}
	}
	return columns, keys
}

// readLetters lists what the second reader's classes stand for, in the same order.
func readLetters(b []byte) []string {
	out := []string{""}
	for _, line := range bytes.Split(bytes.TrimRight(b, "\n"), []byte("\n")) {
		out = append(out, norm.NFKC.String(string(bytes.TrimRight(line, "\r"))))
	}
	return append(out, " ")
}

// Versions names the trained networks in use.
func (r *Reader) Versions() map[string]string {
	out := make(map[string]string, len(r.versions))
	for k, v := range r.versions {
		out[k] = v
	}
	return out
}

// Engines says what runs each network: manifest name → engine.
func (r *Reader) Engines() map[string]string {
	return map[string]string{"text-detect": r.finder.Engine(), "text-read": r.other.Engine(), "mrz": r.lines.Engine()}
}

// Close frees the networks.
func (r *Reader) Close() error {
	r.glimpses.close()
	var errs []error
	for _, n := range []*onnx.Network{r.finder, r.lines, r.other, r.reader} {
		if n != nil {
			errs = append(errs, n.Close())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close document reader: %w", err)
	}
	return nil
}

// upper folds the small letters that have the shape of their capitals; the second
// reader takes one for the other.
func upper(c byte) byte {
	switch c {
	case 'c', 'k', 'o', 'p', 's', 'u', 'v', 'w', 'x', 'z':
		return c - 'a' + 'A'
	}
	return c
}
