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
	"maps"
	"sync"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/document"
	"vestibule/models/face/reader"
	"vestibule/models/manifest"
	"vestibule/models/picture"
)

// MaxFrames bounds the frames of one document reading.
const MaxFrames = 8

// Engine sees in this process. An OpenCV exception ends it, so programs that
// must go on use worker.Client.
type Engine struct {
	faces     *reader.Reader
	documents *document.Reader
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

// Glance looks at one live frame.
func (e *Engine) Glance(ctx context.Context, f models.Frame, aim models.Aim) (models.Glance, error) {
	m, err := decode(ctx, f)
	if err != nil {
		return models.Glance{}, err
	}
	defer m.Close()
	switch aim {
	case models.AimFace:
		return e.faces.Glance(m)
	case models.AimDocument:
		return e.documents.Glance(ctx, m)
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

// ReadDocument reads one side of a document from up to MaxFrames frames. A
// frame that cannot be decoded is left out; only when none can is it an error.
func (e *Engine) ReadDocument(ctx context.Context, frames []models.Frame) (models.Document, error) {
	if len(frames) == 0 || len(frames) > MaxFrames {
		return models.Document{}, fmt.Errorf("%w: %d frames, want 1..%d", models.ErrFrame, len(frames), MaxFrames)
	}
	var ms []gocv.Mat
	defer func() {
		for _, m := range ms {
			m.Close()
		}
	}()
	var at []int // position of each decoded frame among the given ones
	var bad error
	for i, f := range frames {
		m, err := decode(ctx, f)
		if err != nil {
			if ctx.Err() != nil {
				return models.Document{}, err
			}
			bad = errors.Join(bad, fmt.Errorf("frame %d: %w", i, err))
			continue
		}
		ms, at = append(ms, m), append(at, i)
	}
	if len(ms) == 0 {
		return models.Document{}, bad
	}
	d, err := e.documents.Read(ctx, ms)
	if err == nil && d.Best >= 0 && d.Best < len(at) {
		d.Best = at[d.Best]
	}
	return d, err
}

// Versions names the networks in use.
func (e *Engine) Versions(context.Context) (map[string]string, error) {
	v := e.faces.Versions()
	maps.Copy(v, e.documents.Versions())
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
