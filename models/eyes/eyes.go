// Package eyes is the Engine of one process: faces, documents and quality together.
//
// What may live here: opening the networks, decoding a frame once and handing
// its pixels to whoever measures. What may not: measuring itself, processes
// (package worker), policy.
package eyes

import (
	"context"
	"errors"
	"fmt"
	"image"
	"maps"
	"sync"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/barcode"
	"vestibule/models/document"
	"vestibule/models/face/reader"
	"vestibule/models/genuine"
	"vestibule/models/manifest"
	"vestibule/models/picture"
	"vestibule/models/qr"
)

// MaxFrames bounds the frames of one document reading.
const MaxFrames = 8

// MaxPixels bounds the pixels of all frames of one document reading, which are held at the
// same time, three bytes each: two of the largest frames, or eight from a 4K camera.
const MaxPixels = 2 * picture.MaxPixels

// fitting are the first of the frames that have no more than MaxPixels together. One
// that cannot be read counts as none.
func fitting(frames []models.Frame) []models.Frame {
	sum := 0
	for i, f := range frames {
		if w, h, err := picture.Check(f); err == nil {
			sum += w * h
		}
		if sum > MaxPixels {
			return frames[:i]
		}
	}
	return frames
}

// Engine sees in this process. An OpenCV exception ends it, so programs that
// must go on use worker.Client.
type Engine struct {
	faces     *reader.Reader
	documents *document.Reader
	examiner  *genuine.Examiner
}

var _ models.Engine = (*Engine)(nil)

// Open loads all networks of a models directory (manifest.Dir when empty),
// each only if it is exactly what this build's manifest names.
func Open(dir string) (*Engine, error) {
	if dir == "" {
		dir = manifest.Dir()
	}
	// Both halves at the same time: a worker that restarts is waited for.
	e := &Engine{}
	var wg sync.WaitGroup
	var noFaces, noDocuments error
	wg.Go(func() {
		var err error
		if e.faces, err = reader.Open(dir); err != nil {
			noFaces = fmt.Errorf("open face networks: %w", err)
		}
	})
	wg.Go(func() {
		var err error
		if e.documents, err = document.Open(dir, portraits{e}); err != nil {
			noDocuments = fmt.Errorf("open document networks: %w", err)
		}
	})
	wg.Wait()
	if err := errors.Join(noFaces, noDocuments); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	e.examiner = genuine.New(e.documents, portraits{e})
	return e, nil
}

// portraits lets the document reader look for a face without knowing how that is done.
type portraits struct{ e *Engine }

// FindFace measures the largest face of a picture of a document or a cut-out portrait.
func (p portraits) FindFace(ctx context.Context, bgr gocv.Mat) (models.Face, error) {
	if err := ctx.Err(); err != nil {
		return models.Face{}, err
	}
	return p.e.faces.Portrait(bgr)
}

// LocateFace says where FindFace would find it.
func (p portraits) LocateFace(ctx context.Context, bgr gocv.Mat) (models.Box, bool, error) {
	if err := ctx.Err(); err != nil {
		return models.Box{}, false, err
	}
	found, err := p.e.faces.Find(bgr)
	if err != nil || len(found) == 0 {
		return models.Box{}, false, err
	}
	return found[0].Box, true, nil
}

// Glance looks at one live frame.
func (e *Engine) Glance(ctx context.Context, f models.Frame, aim models.Aim) (models.Glance, error) {
	if err := ctx.Err(); err != nil {
		return models.Glance{}, err
	}
	switch aim {
	case models.AimFace:
		m, err := picture.Decode(f)
		if err != nil {
			return models.Glance{}, err
		}
		defer m.Close()
		return e.faces.Glance(m)
	case models.AimDocument:
		return e.documents.GlanceFrame(ctx, f)
	}
	return models.Glance{}, fmt.Errorf("glance: aim %.16q is not known", string(aim))
}

// ReadFace measures the largest face of a frame.
func (e *Engine) ReadFace(ctx context.Context, f models.Frame) (models.Face, error) {
	m, err := decode(ctx, f)
	if err != nil {
		return models.Face{}, err
	}
	defer m.Close()
	return e.faces.Read(m)
}

// ReadDocument reads one side of a document from up to MaxFrames frames. A frame that
// cannot be decoded is left out, and so are those beyond MaxPixels; only when none is
// left is it an error.
func (e *Engine) ReadDocument(ctx context.Context, frames []models.Frame) (models.Document, error) {
	if len(frames) == 0 || len(frames) > MaxFrames {
		return models.Document{}, fmt.Errorf("%w: %d frames, want 1..%d", models.ErrFrame, len(frames), MaxFrames)
	}
	frames = fitting(frames)
	return e.documents.ReadEach(ctx, len(frames), func(i int) (gocv.Mat, error) { return decode(ctx, frames[i]) })
}

// Examine looks closer at one side of a document. Frames are left out as ReadDocument does.
func (e *Engine) Examine(ctx context.Context, frames []models.Frame, looks models.Looks) (x models.Examination, err error) {
	if len(frames) == 0 || len(frames) > MaxFrames {
		return x, fmt.Errorf("%w: %d frames, want 1..%d", models.ErrFrame, len(frames), MaxFrames)
	}
	var ms []gocv.Mat
	defer func() {
		for _, m := range ms {
			m.Close()
		}
	}()
	var bad error
	for _, f := range fitting(frames) {
		m, err := decode(ctx, f)
		if errors.Is(err, models.ErrFrame) {
			bad = errors.Join(bad, err)
			continue
		}
		if err != nil {
			return x, err
		}
		ms = append(ms, m)
	}
	if len(ms) == 0 {
		return x, bad
	}
	if looks.Barcode {
		b, err := barcode.Read(ctx, ms)
		if err != nil {
			return x, err
		}
		x.Barcode = &b
	}
	if looks.Text {
		t, err := e.documents.ReadText(ctx, ms)
		if err != nil {
			return x, err
		}
		x.Text = &t
	}
	if looks.Genuineness {
		g, err := e.examiner.Examine(ctx, ms)
		if err != nil {
			return x, err
		}
		x.Genuineness = &g
	}
	if looks.Age {
		if x.Age, err = e.faces.Age(ms[0]); err != nil {
			return x, err
		}
	}
	return x, nil
}

// ReadQR reads the QR code in a frame; nil without one.
func (e *Engine) ReadQR(ctx context.Context, f models.Frame) ([]byte, error) {
	m, err := decode(ctx, f)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return qr.Read(ctx, m)
}

// Preview makes a live picture of a frame, no larger than width × height.
func (e *Engine) Preview(ctx context.Context, f models.Frame, width, height int) (*image.NRGBA, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return picture.PreviewOf(f, width, height)
}

// Engines says what runs each network: manifest name → engine.
func (e *Engine) Engines() map[string]string {
	v := e.faces.Engines()
	maps.Copy(v, e.documents.Engines())
	return v
}

// Versions names the networks in use. One that ONNX Runtime does not run has a second
// entry, its name and ".engine", that says what does; its version stays the same, since
// the engines agree.
func (e *Engine) Versions(context.Context) (map[string]string, error) {
	v := e.faces.Versions()
	maps.Copy(v, e.documents.Versions())
	for name, by := range e.Engines() {
		if by != string(manifest.ONNXRuntime) {
			v[name+".engine"] = by
		}
	}
	return v, nil
}

// Close frees the networks.
func (e *Engine) Close() error {
	var err error
	if e.documents != nil {
		err = e.documents.Close()
	}
	if e.faces != nil {
		err = errors.Join(err, e.faces.Close())
	}
	return err
}

func decode(ctx context.Context, f models.Frame) (gocv.Mat, error) {
	if err := ctx.Err(); err != nil {
		return gocv.Mat{}, err
	}
	return picture.Decode(f)
}
