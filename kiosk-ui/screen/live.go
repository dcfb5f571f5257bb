package screen

import (
	"fmt"
	"math"
	"time"

	"fyne.io/fyne/v2"

	"vestibule/agent"
	"vestibule/kiosk-ui/theme"
	"vestibule/models"
)

// liven brings the moving parts of the present screen up to the state and the time.
func (u *UI) liven() {
	now := u.opts.Now()
	if l := u.live.clock; l != nil {
		l.Set(now.Format("15:04"))
	}
	if l := u.live.count; l != nil && u.look != nil {
		l.Set(u.counting(now))
	}
	if b := u.live.bar; b != nil {
		b.wander(now.Sub(u.started))
	}
	if c := u.live.hint; c != nil {
		u.liveHint(c, now)
	}
	if u.live.brackets != nil && u.live.camera != nil && u.setup == nil {
		u.liveOutline()
	}
	if u.live.oval != nil {
		u.liveFace()
	}
}

// counting is the sentence with the seconds that are left, without a deadline
// an empty one.
func (u *UI) counting(now time.Time) string {
	d := u.state.Deadline
	if d.IsZero() {
		return ""
	}
	left := max(0, int(math.Ceil(d.Sub(now).Seconds())))
	return u.t(u.live.counted, "s", fmt.Sprint(left))
}

func (u *UI) liveHint(c *hintCard, now time.Time) {
	s := u.state
	// A movement that is asked for is the one thing to say, unless nobody, or
	// more than one person, is there to do it.
	if s.Challenge != "" && s.Hint != models.HintNoFace && s.Hint != models.HintSeveralFaces {
		u.hint.reset()
		c.say(challengeIcon(s.Challenge), true, u.t("challenge."+string(s.Challenge)))
		return
	}
	if s.Step == agent.StepDocument && s.Progress >= 1 {
		c.say(theme.IconCheck, true, u.t("document.captured"))
		return
	}
	code, changed := u.hint.show(s.Hint, now)
	if changed {
		u.hintShown(code)
	}
	key := "hint." + string(code)
	if code == models.HintNone {
		key = "hint.good"
	}
	c.say(hintIcon(code), code == models.HintNone || code == models.HintHold, u.t(key))
}

func (u *UI) liveOutline() {
	c := u.live.camera
	if o := u.state.Outline; o != nil {
		var q [4]fyne.Position
		for i, p := range o {
			q[i] = c.Place(p.X, p.Y)
		}
		u.live.brackets.Put(q, u.opts.Calm)
		return
	}
	s := c.Size()
	// Where a document belongs: the shape of ISO/IEC 7810 ID-3, a passport's page.
	w := s.Width * .74
	h := w * 88 / 125
	if limit := s.Height * .62; h > limit {
		h = limit
		w = h * 125 / 88
	}
	x, y := (s.Width-w)/2, (s.Height-h)*.42
	u.live.brackets.Put([4]fyne.Position{
		fyne.NewPos(x, y), fyne.NewPos(x+w, y), fyne.NewPos(x+w, y+h), fyne.NewPos(x, y+h),
	}, u.opts.Calm)
}

func (u *UI) liveFace() {
	s := u.state
	pal := u.look.Palette
	colour := pal.Guide
	if s.Face == nil {
		colour = pal.Hint
		if pal.Strong {
			colour = pal.Ink
		}
	}
	u.live.oval.Progress(s.Progress, colour)
	for c, img := range u.live.moves {
		if on := c == s.Challenge; on != img.Visible() {
			if on {
				img.Show()
			} else {
				img.Hide()
			}
		}
	}
}
