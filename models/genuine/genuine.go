// Package genuine tells a document from a picture of one: shown on a screen, printed on
// paper, or with another portrait in it.
//
// It measures cues. Each is a plain quantity with a unit (see the Cue constants), put on 0..100 by a
// curve; a pipeline's score is the soft minimum of its cues, made so that one weak cue never
// takes it under 50: a strong one does, or several that agree. What a picture is too coarse to show
// is said (CueResolution) and is no fault.
//
// All of it is experimental: curves and weights were set on simulated attacks. What it cannot see:
// a display finer than the camera resolves (from about two of its pixels in one of the
// camera's) whose bezel is out of the picture, print without a screen and without a margin, a
// portrait put in without an edge. Not looked for, because one picture of an unknown document does
// not tell it from defocus or design: lost fine lines, and a background that stops at the portrait;
// nor the shadow of a document's edge, which a black tray swallows.
//
// What may live here: looking at pixels for signs of an attack. What may not: policy, and
// drawing attacks (package stage).
package genuine

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/document"
	"vestibule/models/picture"
)

// Examiner looks for signs of a presentation attack on a document. Its methods may be
// called from several goroutines.
type Examiner struct {
	documents outliner
	faces     document.FaceFinder
}

// outliner tells where the document is.
type outliner interface {
	Glance(ctx context.Context, bgr gocv.Mat) (models.Glance, error)
}

// New makes an examiner that finds documents and portraits with the given readers. Without
// a reader of documents the document is taken to fill the picture, without one of faces the portrait is
// not looked at.
func New(documents *document.Reader, faces document.FaceFinder) *Examiner {
	e := &Examiner{faces: faces}
	if documents != nil {
		e.documents = documents
	}
	return e
}

// looked is how many frames are measured one by one; of more, these many are taken evenly.
const looked = 3

// MaxFrames bounds what one Examine looks at; later frames are left out.
const MaxFrames = document.MaxFrames

// look is one frame and where the document is in it.
type look struct {
	m        gocv.Mat
	q        quad
	outlined bool
}

// Examine looks at one or more pictures (BGR) of the same side of a document, with what
// surrounds it. A picture that cannot be used is left out; when none can, the error
// is models.ErrFrame.
func (e *Examiner) Examine(ctx context.Context, bgr []gocv.Mat) (models.Genuineness, error) {
	if len(bgr) == 0 {
		return models.Genuineness{}, fmt.Errorf("%w: no frame", models.ErrFrame)
	}
	var looks []look
	var bad error
	for i, m := range bgr[:min(len(bgr), MaxFrames)] {
		if err := ctx.Err(); err != nil {
			return models.Genuineness{}, err
		}
		if err := usable(m); err != nil {
			bad = errors.Join(bad, fmt.Errorf("frame %d: %w", i, err))
			continue
		}
		l, err := e.find(ctx, m)
		if err != nil {
			return models.Genuineness{}, fmt.Errorf("find the document in frame %d: %w", i, err)
		}
		looks = append(looks, l)
	}
	if len(looks) == 0 {
		return models.Genuineness{}, bad
	}
	var f findings
	n := min(looked, len(looks))
	for i := range n {
		l := looks[i*len(looks)/n]
		if err := e.measure(ctx, l, &f); err != nil {
			return models.Genuineness{}, err
		}
	}
	if err := compare(ctx, looks, &f); err != nil {
		return models.Genuineness{}, err
	}
	return f.judge(), nil
}

// usable guards OpenCV against what would end the process.
func usable(m gocv.Mat) error {
	if err := picture.BGR(m); err != nil {
		return err
	}
	if m.Cols() < models.MinFrameSide || m.Rows() < models.MinFrameSide {
		return fmt.Errorf("%w: %d × %d is smaller than %d", models.ErrFrame, m.Cols(), m.Rows(), models.MinFrameSide)
	}
	return nil
}

// find looks for the document's outline in a picture that is small enough for it.
func (e *Examiner) find(ctx context.Context, m gocv.Mat) (look, error) {
	l := look{m: m, q: whole(m.Cols(), m.Rows()).shrunk(.04)}
	if e.documents == nil {
		return l, nil
	}
	w, h := picture.Within(m.Cols(), m.Rows(), document.GlanceSide, document.GlanceSide)
	if w < models.MinFrameSide || h < models.MinFrameSide {
		return l, nil // a strip
	}
	small, err := picture.Resize(m, w, h)
	if err != nil {
		return l, err
	}
	defer small.Close()
	g, err := e.documents.Glance(ctx, small)
	if err != nil || g.Outline == nil {
		return l, err
	}
	if q := quadOf(*g.Outline, m.Cols(), m.Rows()); q.sound() {
		l.q, l.outlined = q, true
	}
	return l, nil
}

// longestMM is the longest document there may be, a passport's page: the resolution is
// at least the outline's longer side over it.
const longestMM = 125

func (l look) pixelsPerMM() float64 {
	across, down := l.q.sides()
	return math.Max(across, down) / longestMM
}

// measure adds what one frame shows.
func (e *Examiner) measure(ctx context.Context, l look, f *findings) error {
	f.resolution = append(f.resolution, l.pixelsPerMM())
	if err := l.patterns(ctx, f); err != nil {
		return fmt.Errorf("look for patterns: %w", err)
	}
	t, err := tonesOf(l.m, l.q)
	if err != nil {
		return fmt.Errorf("measure light: %w", err)
	}
	f.add(CueGrey, t.chroma)
	f.add(CueDull, t.contrast)
	if l.outlined {
		b, seen, err := bands(l.m, l.q)
		if err != nil {
			return fmt.Errorf("look around the document: %w", err)
		}
		if seen {
			f.add(CueBezel, float64(sidesWith(b, bezel)))
			f.add(CueMargin, float64(sidesWith(b, margin)))
		} else {
			f.missed(models.PipelineScreen, models.PipelinePaper)
		}
	}
	p, err := e.portraitOf(ctx, l.m, l.q)
	if err != nil {
		return fmt.Errorf("look at the portrait: %w", err)
	}
	if !p.found {
		return nil
	}
	if !p.measured {
		f.missed(models.PipelinePortrait)
		return nil
	}
	measures := map[string]float64{CueSeam: p.seam, CueBlocks: p.blocks}
	if p.hasNoise {
		measures[CueNoise] = math.Abs(p.noise)
	}
	if p.hasSharp {
		measures[CueSharp] = p.sharp
	}
	if p.ghost {
		measures[CueGhost] = p.alike
	}
	for name, v := range measures {
		f.add(name, v)
		f.locate(name, p.place)
	}
	return nil
}

// The rows of a display stand along the document it shows, the screens of a press mostly across it. Between
// these angles, in degrees, a pattern may be either and speaks against both.
const (
	surelyAlong  = 8
	surelyAcross = 12
)

// patterns looks for what repeats all over the document, in the picture as it is and at a third of its size.
func (l look) patterns(ctx context.Context, f *findings) error {
	inner := l.q.shrunk(.03)
	fine, err := repeats(ctx, l.m, inner, gridTile*3/4)
	if err != nil {
		return err
	}
	var coarse repeating
	if w, h := l.m.Cols()/3, l.m.Rows()/3; w >= 2*gridTile && h >= 2*gridTile {
		small, err := picture.Resize(l.m, w, h)
		if err != nil {
			return err
		}
		defer small.Close()
		if coarse, err = repeats(ctx, small, inner.scaled(float64(w)/float64(l.m.Cols()), float64(h)/float64(l.m.Rows())), gridTile/4); err != nil {
			return err
		}
	}
	if coarse.tiles > 0 {
		f.add(CueMoire, coarse.fringe)
	} else {
		f.missed(models.PipelineScreen)
	}
	if fine.tiles == 0 {
		f.missed(models.PipelineScreen, models.PipelinePaper)
		return nil
	}
	f.add(CueFringe, fine.fringe)
	// Not so in the smaller picture: there the waves of a guilloche, millimetres long, are regular enough.
	grid, rosette := fine.second, fine.second
	switch lean := l.q.lean(fine.at); {
	case lean > surelyAcross:
		grid = 0
	case lean < surelyAlong:
		rosette = 0
	}
	f.add(CueGrid, grid)
	f.add(CueRosette, rosette)
	return nil
}

// compare adds what only several frames show.
func compare(ctx context.Context, looks []look, f *findings) error {
	for i := 1; i < len(looks); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		a, b := looks[i-1], looks[i]
		if !a.outlined || !b.outlined {
			continue
		}
		v, still, err := flicker(a.m, b.m, a.q, b.q)
		if err != nil {
			return fmt.Errorf("compare frames: %w", err)
		}
		if still {
			f.add(CueBands, v)
			continue
		}
		if tilted(a.q, b.q) {
			if v, err = shimmer(a.m, b.m, a.q, b.q); err != nil {
				return fmt.Errorf("compare frames: %w", err)
			}
			f.add(CueTilt, v)
		}
	}
	return nil
}
