package screen

import (
	"image"
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"vestibule/journey"
	"vestibule/kiosk-ui/theme"
	"vestibule/kiosk-ui/touch"
	"vestibule/models"
)

// hintCard is the one hint on the picture: an icon and a sentence.
type hintCard struct {
	box   *fyne.Container
	back  *canvas.Rectangle
	disc  *canvas.Circle
	icon  *canvas.Image
	words *touch.Label
	pal   theme.Palette
}

func (u *UI) hintCard(show *pen) {
	pal := u.look.Palette
	x, w, h := show.u(edgeX), show.w-2*show.u(edgeX), show.u(128)
	y := show.h - h - show.u(44)
	if u.frame.wide {
		x, w, y = show.u(36), show.w-2*show.u(36), show.h-h-show.u(32)
	}
	p := newPen(u.look, area{x, y, round(w), round(h)})
	c := &hintCard{box: p.box, pal: pal}
	c.back = canvas.NewRectangle(theme.Alpha(pal.Hint, 246))
	c.back.CornerRadius = p.u(28)
	if pal.Strong {
		c.back.FillColor = pal.Hint
		c.back.StrokeColor, c.back.StrokeWidth = pal.HintInk, p.u(3)
	}
	p.rect(0, 0, p.w, p.h, c.back)
	side := p.u(76)
	c.disc = canvas.NewCircle(pal.AmberSoft)
	c.disc.Resize(fyne.NewSize(side, side))
	p.place(c.disc, p.u(32), (p.h-side)/2)
	c.icon = p.icon(theme.IconSun, pal.Amber, 2.2, p.u(32)+side*.2, (p.h-side)/2+side*.2, side*.6)
	c.words = p.text("", touch.Style{Size: 42, Floor: 30, Bold: true, Color: pal.HintInk, Middle: true, Leading: 1.15, Lines: 2},
		p.u(32+28)+side, 0, p.w-p.u(32+28+28)-side, p.h)
	show.box.Objects = append(show.box.Objects, p.box)
	u.live.hint = c
	c.box.Hide()
}

func (c *hintCard) say(icon theme.Icon, good bool, words string) {
	ground, ink := c.pal.AmberSoft, c.pal.Amber
	if good {
		ground, ink = c.pal.BrandSoft, c.pal.Brand
	}
	c.disc.FillColor = ground
	c.disc.Refresh()
	c.icon.Resource = icon.SVG(ink, 2.2, c.icon.Size().Width)
	c.icon.Refresh()
	c.words.Set(words)
	c.box.Show()
}

// hintIcon gives each hint its sign: colour is never the only one.
func hintIcon(h models.HintCode) theme.Icon {
	switch h {
	case models.HintNone:
		return theme.IconCheck
	case models.HintDark:
		return theme.IconMoon
	case models.HintBright, models.HintGlare:
		return theme.IconSun
	case models.HintNoDocument, models.HintCopy:
		return theme.IconCard
	case models.HintNoMRZ:
		return theme.IconLines
	case models.HintTooFar, models.HintFaceSmall, models.HintFacePixels, models.HintEyesClose:
		return theme.IconCloser
	case models.HintTooClose, models.HintFaceCropped:
		return theme.IconFurther
	case models.HintCutOff, models.HintFinger:
		return theme.IconCorners
	case models.HintAngle, models.HintTilt, models.HintFaceTurned:
		return theme.IconTurn
	case models.HintBlur:
		return theme.IconFocus
	case models.HintHold:
		return theme.IconHold
	case models.HintNoFace, models.HintFaceCovered:
		return theme.IconPerson
	case models.HintSeveralFaces:
		return theme.IconPeople
	case models.HintFaceBorder:
		return theme.IconCentre
	case models.HintEyesClosed:
		return theme.IconEye
	}
	return theme.IconHelp
}

func challengeIcon(c journey.Challenge) theme.Icon {
	switch c {
	case journey.TurnLeft:
		return theme.IconLeft
	case journey.TurnRight:
		return theme.IconRight
	case journey.LookUp:
		return theme.IconUp
	}
	return theme.IconEyeClosed
}

// movingBar shows that something goes on.
type movingBar struct {
	x, y, w, h float32
	fill       *canvas.Rectangle
	rtl, calm  bool
}

func newMovingBar(p *pen, x, y, w, h float32) *movingBar {
	pal := p.look.Palette
	track := canvas.NewRectangle(pal.Line)
	if pal.Strong {
		track.FillColor, track.StrokeColor, track.StrokeWidth = pal.Card, pal.Line, p.u(2)
	}
	track.CornerRadius = h / 2
	p.rect(x, y, w, h, track)
	m := &movingBar{x: x, y: y, w: w, h: h, rtl: p.look.RTL(), calm: p.look.Calm}
	if m.rtl {
		m.x = p.w - x - w
	}
	m.fill = canvas.NewRectangle(pal.Brand)
	m.fill.CornerRadius = h / 2
	p.box.Objects = append(p.box.Objects, m.fill)
	m.wander(0)
	return m
}

// wander moves the piece to and fro; it stands still where motion is unwanted.
// Readings take a second or two and nobody knows how far one is: a bar that
// claims to know would be made up.
func (m *movingBar) wander(since time.Duration) {
	from := float32(.325)
	if !m.calm {
		const round = 3 * time.Second
		at := float32(since%round) / float32(round)
		at = 1 - abs(2*at-1)
		from = at * at * (3 - 2*at) * .65
	}
	to := from + .35
	if m.rtl {
		from, to = 1-to, 1-from
	}
	m.fill.Move(fyne.NewPos(m.x+from*m.w, m.y))
	m.fill.Resize(fyne.NewSize(max(m.h, (to-from)*m.w), m.h))
}

func abs(v float32) float32 {
	if v < 0 {
		return -v
	}
	return v
}

// qrImage is a QR code with whole pixels a module.
type qrImage struct{ *image.Gray }

func newQRImage(bits [][]bool, side int) *qrImage {
	n := len(bits)
	if n == 0 {
		return nil
	}
	scale := max(1, side/n)
	img := image.NewGray(image.Rect(0, 0, n*scale, n*scale))
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			v := uint8(255)
			if bits[y/scale][x/scale] {
				v = 0
			}
			img.SetGray(x, y, color.Gray{Y: v})
		}
	}
	return &qrImage{img}
}
