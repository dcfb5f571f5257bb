package face

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/models"
)

// actor plays a person in front of a challenge, ten frames a second.
type actor struct {
	c    *Challenge
	at   time.Time
	f    models.Face
	last Progress
}

func play(moves ...Move) *actor {
	return &actor{c: NewChallenge(moves), at: time.Unix(1_800_000_000, 0), f: portrait()}
}

// show gives n frames of the face as it is now.
func (a *actor) show(n int) *actor {
	for range n {
		a.last = a.c.Add(a.at, a.f)
		a.at = a.at.Add(100 * time.Millisecond)
	}
	return a
}

func (a *actor) ahead() *actor {
	pose(&a.f, 0, 0)
	a.f.EyesOpen = 0.98
	return a.show(3)
}

func (a *actor) turn(yaw, pitch float64) *actor {
	pose(&a.f, yaw, pitch)
	a.f.EyesOpen = -1
	return a.show(2)
}

func (a *actor) blink() *actor {
	a.f.EyesOpen = 0.05
	a.show(1)
	a.f.EyesOpen = 0.97
	return a.show(1)
}

func (a *actor) do(m Move) *actor {
	switch m {
	case TurnRight:
		return a.turn(32, 0)
	case TurnLeft:
		return a.turn(-32, 0)
	case LookUp:
		return a.turn(0, 18)
	}
	return a.blink()
}

func TestAPersonWhoDoesWhatIsAskedPasses(t *testing.T) {
	for _, first := range Moves() {
		for _, second := range Moves() {
			if first == second {
				continue
			}
			t.Run(string(first)+" then "+string(second), func(t *testing.T) {
				a := play(first, second).ahead()
				require.Equal(t, Progress{Phase: PhaseMove, Of: 2, Move: first, Left: MoveTime - 100*time.Millisecond}, a.last)
				a.do(first).ahead()
				require.Equal(t, second, a.last.Move)
				a.do(second)
				require.Equal(t, PhaseReady, a.last.Phase, "a move counts only when the person is back")
				require.Less(t, a.c.Score(), 50.0)
				a.ahead()
				require.Equal(t, PhaseDone, a.last.Phase)
				require.Equal(t, 100.0, a.c.Score())
				for _, s := range a.c.Steps() {
					require.True(t, s.Done.After(s.Asked))
				}
			})
		}
	}
}

func TestAChallengeFailsForWhoDoesNotDoWhatIsAsked(t *testing.T) {
	for _, c := range []struct {
		what string
		play func() *actor
		want Break
	}{
		{"does nothing", func() *actor { return play(TurnLeft).ahead().show(40) }, FailTime},
		{"never looks into the camera", func() *actor { return play(TurnLeft).turn(40, 0).show(100) }, FailTime},
		{"turns the other way", func() *actor { return play(TurnLeft).ahead().do(TurnRight) }, FailWrong},
		{"looks up instead of turning", func() *actor { return play(TurnLeft).ahead().turn(0, 30) }, FailWrong},
		{"turns instead of looking up", func() *actor { return play(LookUp).ahead().do(TurnRight) }, FailWrong},
		{"turns instead of blinking", func() *actor { return play(Blink).ahead().do(TurnRight) }, FailWrong},
		{"closes the eyes and keeps them closed", func() *actor {
			a := play(Blink).ahead()
			a.f.EyesOpen = 0.05
			return a.show(40)
		}, FailTime},
		{"tilts a photo: the angle changes, the nose does not move", func() *actor {
			a := play(TurnRight).ahead()
			a.f.Yaw = 32
			return a.show(40)
		}, FailTime},
		{"leaves", func() *actor {
			a := play(TurnLeft).ahead()
			a.f.Found = false
			return a.show(15)
		}, BreakLost},
		{"is joined by another", func() *actor {
			a := play(TurnLeft).ahead()
			a.f.Faces = 2
			return a.show(15)
		}, BreakSeveral},
		{"is swapped for another at another place", func() *actor {
			a := play(TurnLeft).ahead()
			a.f.Box.X1, a.f.Box.X2 = 0.1, 0.3
			return a.show(1)
		}, BreakJumped},
		{"is swapped for another during the turn", func() *actor {
			a := play(TurnLeft).ahead().do(TurnLeft)
			a.f.Template = unit(7)
			return a.ahead()
		}, BreakStranger},
	} {
		t.Run(c.what, func(t *testing.T) {
			a := c.play()
			require.Equal(t, PhaseFailed, a.last.Phase)
			require.Equal(t, c.want, a.last.Why)
			require.Less(t, a.c.Score(), 50.0)
			// Nothing mends it.
			pose(&a.f, 0, 0)
			a.f.Found, a.f.Faces = true, 1
			a.ahead().do(a.c.Steps()[0].Move).ahead()
			require.Equal(t, PhaseFailed, a.last.Phase)
		})
	}
}

func TestABlurredOrHiddenMomentIsForgiven(t *testing.T) {
	a := play(TurnRight).ahead()
	a.f.Found = false
	a.show(5)
	a.f.Found = true
	a.f.Sharpness = 2
	a.f.Template = unit(9) // what a blurred frame gives
	a.show(3)
	a.f.Sharpness, a.f.Template = 200, unit(0)
	a.do(TurnRight).ahead()
	require.Equal(t, PhaseDone, a.last.Phase)
}

func TestAMeasurementFromThePastChangesNothing(t *testing.T) {
	a := play(TurnRight).ahead()
	old := a.f
	pose(&old, 32, 0)
	p := a.c.Add(a.at.Add(-time.Minute), old)
	require.Equal(t, PhaseMove, p.Phase)
	require.Equal(t, 0, p.Step)
}

func TestDrawnMovesAreDifferentAndComeUpEquallyOften(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[[2]Move]int{}
	for range 12_000 {
		m := Draw(2, r.IntN)
		require.Len(t, m, 2)
		require.NotEqual(t, m[0], m[1])
		seen[[2]Move{m[0], m[1]}]++
	}
	require.Len(t, seen, 12)
	for pair, n := range seen {
		require.InDelta(t, 1000, n, 150, "%v", pair)
	}
	require.Len(t, Draw(9, r.IntN), len(Moves()))
	require.Empty(t, Draw(-1, r.IntN))
	require.Equal(t, PhaseDone, NewChallenge(nil).Add(time.Unix(0, 0), models.Face{}).Phase)
}

func TestWhateverIsMeasuredAChallengeEndsAndStaysEnded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		moves := rapid.Permutation(Moves()).Draw(t, "moves")[:2]
		c := NewChallenge(moves)
		at := time.Unix(0, 0)
		var end Phase
		for range 200 {
			f := portrait()
			pose(&f, rapid.Float64Range(-60, 60).Draw(t, "yaw"), rapid.Float64Range(-40, 40).Draw(t, "pitch"))
			f.Found, f.Faces = rapid.Bool().Draw(t, "found"), rapid.IntRange(0, 2).Draw(t, "faces")
			f.EyesOpen = rapid.Float64Range(-1, 1).Draw(t, "open")
			p := c.Add(at, f)
			at = at.Add(200 * time.Millisecond)
			if end != "" {
				require.Equal(t, end, p.Phase)
			}
			if p.Phase == PhaseDone || p.Phase == PhaseFailed {
				end = p.Phase
			}
			require.Equal(t, p.Phase == PhaseDone, c.Score() >= 50)
		}
		require.True(t, slices.Contains([]Phase{PhaseDone, PhaseFailed}, end))
	})
}
