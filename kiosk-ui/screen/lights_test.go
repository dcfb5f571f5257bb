package screen

import (
	"image/color"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/models/face/flash"
)

// lamp shows the colour challenge with a short dwell. do runs what comes back, one at a time.
func lamp(t *testing.T) (u *UI, d *double, do func()) {
	u, d, _ = stand(t, 1080, 1920, "en")
	changes := make(chan func(), 64)
	u.opts.Do = func(f func()) { changes <- f }
	serve(t, u, d)
	return u, d, func() {
		select {
		case f := <-changes:
			f()
		case <-time.After(5 * time.Second):
			require.FailNow(t, "nothing came back")
		}
	}
}

func lightsOn() agent.State {
	s := scenes(time.Now())["lights-on"]
	s.Lights = &agent.Lights{Colours: []flash.Colour{{R: 255, G: 150, B: 130}, {R: 120, G: 235, B: 150}, {R: 130, G: 175, B: 255}}, Dwell: 30 * time.Millisecond}
	return s
}

func TestThePersonSaysWhetherTheScreenMayFlash(t *testing.T) {
	for button, yes := range map[string]bool{"lights-start": true, "lights-skip": false} {
		u, d, do := lamp(t)
		show(u, scenes(time.Now())["lights-asked"], "en")
		require.NoError(t, u.Tap(button))
		do()
		assert.Equal(t, []agent.Command{agent.AnswerLights{Yes: yes}}, d.asked())
	}
}

func TestTheScreenShowsEveryColourAndSaysWhenTheFirstStoodThere(t *testing.T) {
	u, d, do := lamp(t)
	before := time.Now()
	s := lightsOn()
	show(u, s, "en")
	require.NotNil(t, u.live.field)
	seen := []color.Color{u.live.field.rect.FillColor}
	for len(seen) < len(s.Lights.Colours) {
		do()
		if c := u.live.field.rect.FillColor; c != seen[len(seen)-1] {
			seen = append(seen, c)
		}
	}
	for i, c := range s.Lights.Colours {
		assert.Equal(t, color.NRGBA{R: c.R, G: c.G, B: c.B, A: 255}, seen[i])
	}
	require.Eventually(t, func() bool { return len(d.asked()) > 0 }, 5*time.Second, time.Millisecond)
	first, ok := d.asked()[0].(agent.LightsShown)
	require.True(t, ok)
	assert.False(t, first.At.Before(before))
	assert.False(t, first.At.After(time.Now()))
	assert.Len(t, d.asked(), 1, "it is said once")
	assert.Equal(t, u.size, u.live.field.Size(), "the whole screen is the lamp")

	s.Lights = nil
	show(u, s, "en")
	assert.True(t, u.lit.IsZero())
}

func TestATouchEndsTheColours(t *testing.T) {
	u, d, do := lamp(t)
	s := lightsOn()
	s.Lights.Colours = s.Lights.Colours[:1]
	show(u, s, "en")
	u.live.field.Tapped(&fyne.PointEvent{})
	do()
	assert.Contains(t, d.asked(), agent.AnswerLights{Yes: false})
}
