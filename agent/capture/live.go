package capture

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"vestibule/hardware/camera"
	"vestibule/models"
)

// blackLuma is the mean below which a picture shows nothing at all: a closed
// shutter, not a dark room.
const blackLuma = 8

// live runs a camera with its preview while body looks at frames. body's context
// ends when the camera is lost for good; the camera's failure then goes first.
func live(ctx context.Context, r Rig, body func(context.Context, *eye) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := newFeed(r.Camera, r.Options, r.Tell, r.Role == camera.RoleFace)
	defer f.forget()
	var wg sync.WaitGroup
	wg.Add(2)
	go func() {
		defer wg.Done()
		if err := f.run(ctx); ctx.Err() == nil {
			cancel(err)
		}
	}()
	go func() {
		defer wg.Done()
		f.show(ctx, r)
	}()
	e := &eye{Rig: r, feed: f, began: r.Options.Now(), hint: hinter{hold: r.Options.HintHold}}
	err := body(ctx, e)
	cause := context.Cause(ctx)
	cancel(nil)
	wg.Wait()
	var lost *Failure
	if errors.As(cause, &lost) {
		return lost
	}
	return err
}

// show feeds the preview until ctx ends.
func (f *feed) show(ctx context.Context, r Rig) {
	if r.Show == nil {
		return
	}
	tick := time.NewTicker(time.Second / time.Duration(r.Options.PreviewFPS))
	defer tick.Stop()
	var seq uint64
	for {
		m, err := f.after(ctx, seq)
		if err != nil {
			return
		}
		seq = m.Seq
		p, err := preview(ctx, r.Engine, m, r.Options.Preview)
		if err == nil && p != nil && ctx.Err() == nil {
			r.Show(p, m.Seq, m.At)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// eye looks at the newest frames through the engine and forgives what heals.
type eye struct {
	Rig
	feed  *feed
	seq   uint64
	began time.Time
	hint  hinter

	lostAt  time.Time // engine does not answer since; zero: it does
	badAt   time.Time // no frame could be read since
	blackAt time.Time // nothing was to be seen since
}

// byHand says whether the hand shutter is offered by now.
func (e *eye) byHand() bool {
	return e.Options.Now().Sub(e.began) >= e.Options.HandAfter
}

// glance looks at the next frame. false: nothing was found out about this one.
func (e *eye) glance(ctx context.Context, aim models.Aim) (look, bool, error) {
	m, err := e.feed.after(ctx, e.seq)
	if err != nil {
		return look{}, false, err
	}
	e.seq = m.Seq
	call, cancel := context.WithTimeout(ctx, e.Options.CallLimit)
	defer cancel()
	g, err := e.Engine.Glance(call, m, aim)
	if ok, err := e.healed(ctx, err); !ok {
		return look{}, false, err
	}
	now := e.Options.Now()
	if g.Quality.Luma >= blackLuma || g.Faces > 0 || g.Outline != nil {
		e.blackAt = time.Time{}
	} else if e.blackAt.IsZero() {
		e.blackAt = now
	} else if now.Sub(e.blackAt) >= e.Options.BlackLimit {
		return look{}, false, &Failure{Code: "camera_black", Err: fmt.Errorf("mean brightness below %d of 255", blackLuma)}
	}
	return look{frame: m, glance: g}, true, nil
}

// face measures the face of the next frame.
func (e *eye) face(ctx context.Context) (models.Frame, models.Face, bool, error) {
	m, err := e.feed.after(ctx, e.seq)
	if err != nil {
		return models.Frame{}, models.Face{}, false, err
	}
	e.seq = m.Seq
	call, cancel := context.WithTimeout(ctx, e.Options.CallLimit)
	defer cancel()
	f, err := e.Engine.ReadFace(call, m)
	if ok, err := e.healed(ctx, err); !ok {
		return models.Frame{}, models.Face{}, false, err
	}
	e.feed.measured(m.Seq, f.Sensor)
	return m, f, true, nil
}

// healed judges an engine's answer. A bad frame costs one frame, a dead worker a
// moment; either for longer than allowed ends the capture.
func (e *eye) healed(ctx context.Context, err error) (bool, error) {
	now := e.Options.Now()
	switch {
	case err == nil:
		if !e.lostAt.IsZero() {
			e.Tell(EngineBack{Since: e.lostAt, At: now})
		}
		e.lostAt, e.badAt = time.Time{}, time.Time{}
		return true, nil
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case errors.Is(err, models.ErrModel):
		return false, &Failure{Code: "model_missing", Err: err}
	case errors.Is(err, models.ErrFrame):
		if e.badAt.IsZero() {
			e.badAt = now
		} else if now.Sub(e.badAt) >= e.Options.HealLimit {
			return false, &Failure{Code: "camera_failed", Err: err}
		}
		return false, nil
	}
	if e.lostAt.IsZero() {
		e.lostAt = now
		e.Tell(EngineLost{At: now})
	} else if now.Sub(e.lostAt) >= e.Options.HealLimit {
		return false, &Failure{Code: "worker_lost", Err: err}
	}
	return false, sleep(ctx, 200*time.Millisecond)
}

// pace waits until the next look is due, or the shutter fires.
func (e *eye) pace(ctx context.Context, tick <-chan time.Time) (shutter bool, err error) {
	select {
	case <-e.Shutter:
		return true, nil
	default:
	}
	select {
	case <-tick:
		return false, nil
	case <-e.Shutter:
		return true, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}
