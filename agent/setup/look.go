package setup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vestibule/agent"
	"vestibule/agent/capture"
	"vestibule/models"
	"vestibule/sync/identity"
)

// Bounds of looking for a code.
const (
	lookEvery = 200 * time.Millisecond // a code is held for longer, and the processor has other things to do
	callLimit = 5 * time.Second
	reopen    = 3 * time.Second // after a camera failed
	otherFor  = 4 * time.Second // how long it is said that a code is none of ours
)

// look reads codes before the camera until ctx ends. Whatever goes wrong with it can be typed round.
func (s *Setup) look(ctx context.Context) {
	eyes, err := s.cfg.Eyes(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.cfg.Log.Warn("codes cannot be read by the camera", "error", err)
			code := agent.ProblemWorkerLost
			if errors.Is(err, models.ErrModel) {
				code = agent.ProblemModelMissing
			}
			s.blind(code)
		}
		return
	}
	for ctx.Err() == nil {
		err := s.watch(ctx, eyes)
		if ctx.Err() != nil {
			return
		}
		s.cfg.Log.Warn("the camera does not look for codes", "error", err)
		s.blind(capture.Fail(err).Code)
		select {
		case <-time.After(reopen):
		case <-ctx.Done():
		}
	}
}

func (s *Setup) blind(code string) {
	s.change(func(st *State) { st.Scanning, st.Blind = false, code })
}

// watch reads one run of the camera.
func (s *Setup) watch(ctx context.Context, eyes Eyes) error {
	stream, err := s.cfg.Camera.Open(ctx, capture.Options{}.WithDefaults().Mode)
	if err != nil {
		return fmt.Errorf("open camera: %w", err)
	}
	defer stream.Close()
	var looked, said time.Time
	seq := uint64(0)
	for {
		f, err := stream.Next(ctx)
		if err != nil {
			return fmt.Errorf("next frame: %w", err)
		}
		m, err := capture.FrameOf(f)
		if err != nil {
			continue
		}
		if seq++; seq == 1 {
			s.change(func(st *State) { st.Scanning, st.Blind = true, "" })
		}
		s.show(ctx, eyes, m, seq)
		now := s.cfg.Now()
		if !said.IsZero() && now.Sub(said) > otherFor {
			said = time.Time{}
			s.change(func(st *State) {
				if st.Problem != nil && strange(st.Problem.Code) {
					st.Problem = nil
				}
			})
		}
		if now.Sub(looked) < lookEvery && !looked.After(now) {
			continue
		}
		if step := s.State().Step; step == Enrolling || step == Done {
			continue
		}
		looked = now
		call, cancel := context.WithTimeout(ctx, callLimit)
		text, err := eyes.ReadQR(call, m)
		cancel()
		if err != nil || text == nil { // a bad frame, or a worker that is back within a second
			continue
		}
		if s.read(string(text)) {
			said = now
		}
	}
}

func strange(code string) bool { return code == "invitation_malformed" || code == "invitation_version" }

// read takes a code's text; it reports whether the code was none of ours.
func (s *Setup) read(text string) bool {
	i, err := identity.ParseInvitation(text)
	if err != nil {
		s.change(func(st *State) {
			if st.Step == Asking {
				st.Problem = problemOf(err)
			}
		})
		return true
	}
	s.mu.Lock()
	known := s.refused == i.String() || s.state.Step == Waiting && s.invited != nil && *s.invited == i
	s.mu.Unlock()
	if !known {
		s.take(i)
	}
	return false
}

// show draws a live picture, if somebody looks and the last one was taken.
func (s *Setup) show(ctx context.Context, eyes Eyes, m models.Frame, seq uint64) {
	if len(s.pictures) > 0 {
		return
	}
	size := preview()
	p, ok := eyes.(capture.Previewer)
	if !ok {
		return
	}
	call, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	img, err := p.Preview(call, m, size.X, size.Y)
	if err != nil || img == nil {
		return
	}
	select {
	case s.pictures <- agent.Picture{Image: img, Seq: seq, At: m.At}:
	default:
	}
}
