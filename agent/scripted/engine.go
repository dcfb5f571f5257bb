package scripted

import (
	"context"
	"sync"
	"time"

	"vestibule/models"
)

// Engine sees what a script says. Every field may be replaced.
type Engine struct {
	Mu         sync.Mutex // for whoever changes a field while the agent runs
	Reads      int        // of documents, so far
	OnGlance   func(n int, aim models.Aim) (models.Glance, error)
	OnDocument func(n int) (models.Document, error)
	OnFace     func(n int, at time.Time) (models.Face, error)
	OnExamine  func(looks models.Looks) (models.Examination, error)
	Stuck      bool                  // reading print never ends by itself
	Left       func(context.Context) // is told of every reading of print
	NoVersions error
	Haste      int // by how much faster than a real one; 0: not at all

	faces, glances int
}

// NewEngine gives an engine that sees a document and a person with whom nothing is wrong.
func NewEngine() *Engine {
	return &Engine{
		OnGlance: func(_ int, aim models.Aim) (models.Glance, error) {
			g := models.Glance{Width: 64, Height: 48, Quality: models.Quality{Sharpness: 80, Glare: 100, Exposure: 90, Colour: 80, Luma: 120}}
			if aim == models.AimDocument {
				g.Outline = &models.Quad{{X: .1, Y: .1}, {X: .9, Y: .1}, {X: .9, Y: .9}, {X: .1, Y: .9}}
			} else {
				g.Face, g.Faces = &models.Box{X1: .3, Y1: .2, X2: .7, Y2: .8}, 1
			}
			return g, nil
		},
		OnDocument: func(int) (models.Document, error) { return DocumentOf(Specimen(), Today), nil },
		OnFace:     func(int, time.Time) (models.Face, error) { return GoodFace(), nil },
		OnExamine:  func(models.Looks) (models.Examination, error) { return models.Examination{}, nil },
	}
}

// Glance implements models.Engine.
func (e *Engine) Glance(_ context.Context, _ models.Frame, aim models.Aim) (models.Glance, error) {
	e.Mu.Lock()
	defer e.Mu.Unlock()
	e.glances++
	return e.OnGlance(e.glances, aim)
}

// ReadDocument implements models.Engine.
func (e *Engine) ReadDocument(ctx context.Context, frames []models.Frame) (models.Document, error) {
	if err := e.pause(ctx, 300*time.Millisecond); err != nil {
		return models.Document{}, err
	}
	e.Mu.Lock()
	defer e.Mu.Unlock()
	if len(frames) == 0 {
		return models.Document{}, models.ErrFrame
	}
	e.Reads++
	return e.OnDocument(e.Reads)
}

// ReadFace implements models.Engine.
func (e *Engine) ReadFace(ctx context.Context, _ models.Frame) (models.Face, error) {
	if err := e.pause(ctx, 15*time.Millisecond); err != nil {
		return models.Face{}, err
	}
	e.Mu.Lock()
	defer e.Mu.Unlock()
	e.faces++
	return e.OnFace(e.faces, time.Now())
}

// Examine implements models.Engine.
func (e *Engine) Examine(ctx context.Context, _ []models.Frame, looks models.Looks) (models.Examination, error) {
	d := 100 * time.Millisecond
	if looks.Text {
		d = time.Second
		if e.Left != nil {
			go e.Left(ctx)
		}
		if e.Stuck {
			d = time.Hour
		}
	}
	if err := e.pause(ctx, d); err != nil {
		return models.Examination{}, err
	}
	e.Mu.Lock()
	defer e.Mu.Unlock()
	return e.OnExamine(looks)
}

// Versions implements models.Engine.
func (e *Engine) Versions(context.Context) (map[string]string, error) {
	e.Mu.Lock()
	defer e.Mu.Unlock()
	if e.NoVersions != nil {
		return nil, e.NoVersions
	}
	return map[string]string{"scripted": "000000000001"}, nil
}

// Close implements models.Engine.
func (e *Engine) Close() error { return nil }

func (e *Engine) pause(ctx context.Context, d time.Duration) error {
	return pause(ctx, d/time.Duration(max(1, e.Haste)))
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
