package face

import (
	"math"
	"slices"
	"time"

	"vestibule/models"
)

// Move is what a person is asked to do. Left and right are the person's own: in
// an unmirrored camera picture a turn to the right moves the nose to image left.
type Move string

// The moves.
const (
	TurnLeft  Move = "turn-left"
	TurnRight Move = "turn-right"
	LookUp    Move = "look-up"
	Blink     Move = "blink"
)

// Moves lists all of them.
func Moves() []Move { return []Move{TurnLeft, TurnRight, LookUp, Blink} }

// Draw picks n different moves at random; intn returns a number in [0, n).
func Draw(n int, intn func(int) int) []Move {
	all := Moves()
	n = min(max(n, 0), len(all))
	for i := range n {
		j := i + intn(len(all)-i)
		all[i], all[j] = all[j], all[i]
	}
	return all[:n]
}

// What counts as a move, against the person's own frontal pose before it.
const (
	MoveTime   = 3 * time.Second // to do one move, from the moment it is asked
	ReadyTime  = 8 * time.Second // to look into the camera, before and between moves
	turnYaw    = 18              // degrees
	turnNose   = 0.25            // change of NoseOffset: a flat picture that is turned keeps its own
	upPitch    = 12              // degrees
	wrongYaw   = 25              // this much of another turn than the asked one fails
	wrongPitch = 25
	eyesShut   = 0.35
	eyesWide   = 0.6
	readyCount = 2 // frontal frames that make a baseline
)

// Phase is where a challenge stands.
type Phase string

// The phases.
const (
	PhaseReady  Phase = "look-ahead" // waiting for a frontal face, before the first move and after each
	PhaseMove   Phase = "move"       // waiting for Progress.Move
	PhaseDone   Phase = "done"
	PhaseFailed Phase = "failed"
)

// Why a challenge failed, besides the ways a Track breaks.
const (
	FailTime  Break = "time-out"
	FailWrong Break = "wrong-move" // another move than the asked one
)

// Progress is what a screen needs to know after each frame.
type Progress struct {
	Phase Phase
	Step  int  // moves done
	Of    int  // moves asked
	Move  Move // asked now; empty unless PhaseMove
	Left  time.Duration
	Why   Break // only when failed
}

// Step is one move as it happened.
type Step struct {
	Move  Move
	Asked time.Time
	Done  time.Time // zero: not done
}

// Challenge judges whether one live person did what was asked, in order, from
// measurements over time. It reads no clock. A recording that happens to
// show the moves fails on their order: another move than the asked one ends it.
type Challenge struct {
	steps  []Step
	track  Track
	phase  Phase
	at     int // the step that is asked or comes next
	since  time.Time
	why    Break
	base   models.Face // latest frontal face before the move
	count  int         // frontal frames in a row
	closed bool        // eyes were seen shut in this move
}

// NewChallenge asks for the moves, in this order.
func NewChallenge(moves []Move) *Challenge {
	c := &Challenge{phase: PhaseReady}
	for _, m := range moves {
		c.steps = append(c.steps, Step{Move: m})
	}
	if len(moves) == 0 {
		c.phase = PhaseDone
	}
	return c
}

// Add takes the next measurement. Times must not go backwards; a measurement
// that is older than the one before is ignored.
func (c *Challenge) Add(at time.Time, f models.Face) Progress {
	if c.phase == PhaseDone || c.phase == PhaseFailed {
		return c.progress(at)
	}
	if c.since.IsZero() {
		c.since = at
	}
	if at.Before(c.since) {
		return c.progress(c.since)
	}
	if b := c.track.Add(at, f); b != Unbroken {
		return c.fail(at, b)
	}
	limit := ReadyTime
	if c.phase == PhaseMove {
		limit = MoveTime
	}
	if at.Sub(c.since) > limit {
		return c.fail(at, FailTime)
	}
	if !f.Found || f.Faces != 1 {
		return c.progress(at)
	}
	switch c.phase {
	case PhaseReady:
		c.ready(at, f)
	case PhaseMove:
		c.move(at, f)
	}
	return c.progress(at)
}

// ready waits until the person looks into the camera and is still the same.
func (c *Challenge) ready(at time.Time, f models.Face) {
	if !Frontal(f) || c.track.unlike > 0 || f.Sharpness < MinSharpness {
		c.count = 0
		return
	}
	if c.count++; c.count < readyCount {
		return
	}
	c.count, c.base, c.closed = 0, f, false
	if c.at == len(c.steps) {
		c.phase = PhaseDone
		return
	}
	c.phase, c.since, c.steps[c.at].Asked = PhaseMove, at, at
}

// move waits for the asked move and fails on another.
func (c *Challenge) move(at time.Time, f models.Face) {
	yaw, pitch := f.Yaw-c.base.Yaw, f.Pitch-c.base.Pitch
	nose := NoseOffset(f) - NoseOffset(c.base)
	done, wrong := false, false
	switch c.steps[c.at].Move {
	case TurnRight:
		done = yaw > turnYaw && nose < -turnNose
		wrong = yaw < -wrongYaw || pitch > wrongPitch && yaw < turnYaw
	case TurnLeft:
		done = yaw < -turnYaw && nose > turnNose
		wrong = yaw > wrongYaw || pitch > wrongPitch && yaw > -turnYaw
	case LookUp:
		done = pitch > upPitch && math.Abs(yaw) < wrongYaw
		wrong = math.Abs(yaw) > wrongYaw || pitch < -wrongPitch
	case Blink:
		wrong = math.Abs(yaw) > wrongYaw || math.Abs(pitch) > wrongPitch
		switch {
		case f.EyesOpen < 0:
		case f.EyesOpen < eyesShut:
			c.closed = true
		case f.EyesOpen > eyesWide && c.closed:
			done = true
		}
	default:
		wrong = true
	}
	switch {
	case done:
		c.steps[c.at].Done = at
		c.at++
		// Back to the camera: only a face that is the same again credits the move.
		c.phase, c.since = PhaseReady, at
	case wrong:
		c.fail(at, FailWrong)
	}
}

func (c *Challenge) fail(at time.Time, why Break) Progress {
	c.phase, c.why = PhaseFailed, why
	return c.progress(at)
}

func (c *Challenge) progress(at time.Time) Progress {
	p := Progress{Phase: c.phase, Step: c.at, Of: len(c.steps), Why: c.why}
	switch c.phase {
	case PhaseReady:
		p.Left = max(0, ReadyTime-at.Sub(c.since))
	case PhaseMove:
		p.Move = c.steps[c.at].Move
		p.Left = max(0, MoveTime-at.Sub(c.since))
	}
	return p
}

// Steps tells what was asked and done, and when.
func (c *Challenge) Steps() []Step { return slices.Clone(c.steps) }

// Score is the active liveness, 0..100: 100 when all was done by the same
// person, else the part that was done of the lower half, so always below 50.
func (c *Challenge) Score() float64 {
	if c.phase == PhaseDone {
		return 100
	}
	if len(c.steps) == 0 {
		return 0
	}
	return 49 * float64(min(c.at, len(c.steps))) / float64(len(c.steps))
}
