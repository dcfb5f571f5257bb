package specimen

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"gocv.io/x/gocv"
	"golang.org/x/image/draw"

	"vestibule/models"
	"vestibule/models/picture"
)

// Background is what a document lies on.
type Background string

// The backgrounds.
const (
	Tray    Background = "tray" // matt and dark
	Desk    Background = "desk" // light, hardly another colour than paper
	Wood    Background = "wood"
	Clutter Background = "clutter" // other papers, pens, cables, lines
)

// Backgrounds lists them.
func Backgrounds() []Background { return []Background{Tray, Desk, Wood, Clutter} }

// Scene says how a sheet is filmed.
type Scene struct {
	Width, Height int // of the frame, pixels
	PxMM          float64
	Background    Background
	Turn          float64 // degrees, clockwise in the picture
	Tilt          float64 // degrees out of the plane, about an axis that lies TiltAxis degrees from the sheet's width
	TiltAxis      float64
	Perspective   float64 // how much smaller the far end of the longer side is than the near one at a tilt of 30°, 0..0.15
	Move          [2]float64
	Blur          float64 // pixels, sigma
	Noise         float64 // grey levels, sigma
	Light         float64 // share by which one end of the frame is darker than the other
	Shadow        float64 // how dark the sheet's own shadow is, 0..1
	JPEG          int     // quality; 0: not encoded
	Seed          uint64
}

// Still is a sheet flat in the middle of a frame on a dark tray, hardly disturbed.
func Still(width, height int, pxmm float64) Scene {
	return Scene{Width: width, Height: height, PxMM: pxmm, Background: Tray, Blur: .7, Noise: 3, Seed: 1}
}

// Random is a scene of a camera with frames of width × height pixels, the whole sheet in it: any
// turn, tilts up to 30°, perspective up to 15 %, a little out of focus, noisy, unevenly lit, JPEG.
func Random(s Sheet, b Background, width, height int, dice *rand.Rand) Scene {
	sc := Scene{
		Width: width, Height: height, Background: b,
		Turn: 360 * dice.Float64(), Tilt: 30 * dice.Float64(), TiltAxis: 360 * dice.Float64(), Perspective: .15 * dice.Float64(),
		Blur: .4 + .8*dice.Float64(), Noise: 1 + 4*dice.Float64(), Light: .35 * dice.Float64(), Shadow: .3 * math.Max(0, 1.5*dice.Float64()-.5),
		JPEG: 75 + dice.IntN(21), Seed: dice.Uint64(),
	}
	if s.Width == 0 {
		return sc
	}
	// As large as fits, or up to a third smaller, but no nearer than a lens of that kind goes.
	sc.PxMM = 1
	lo, hi := span(corners(s, sc))
	fit := math.Min(float64(sc.Width)/(hi[0]-lo[0]), float64(sc.Height)/(hi[1]-lo[1])) * .94
	sc.PxMM = math.Min(14, fit*(.67+.33*dice.Float64()))
	roomX, roomY := float64(sc.Width)-(hi[0]-lo[0])*sc.PxMM, float64(sc.Height)-(hi[1]-lo[1])*sc.PxMM
	// The middle of the shape's bounds comes to stand within the room that is left.
	mid := [2]float64{(lo[0]+hi[0])/2 - float64(sc.Width)/2, (lo[1]+hi[1])/2 - float64(sc.Height)/2}
	sc.Move = [2]float64{(dice.Float64()-.5)*.8*roomX - mid[0]*sc.PxMM, (dice.Float64()-.5)*.8*roomY - mid[1]*sc.PxMM}
	return sc
}

func span(q [4][2]float64) (lo, hi [2]float64) {
	lo, hi = q[0], q[0]
	for _, c := range q {
		for i := range 2 {
			lo[i], hi[i] = math.Min(lo[i], c[i]), math.Max(hi[i], c[i])
		}
	}
	return lo, hi
}

// corners projects the sheet's corners, top left first and clockwise as it reads: a pinhole
// looks straight down at the middle of the frame.
func corners(s Sheet, sc Scene) [4][2]float64 {
	half := math.Max(s.Width, s.Height) / 2
	// From the ratio of the scales at both ends of the longer side, (D − a)/(D + a) at 30°.
	dist := math.Inf(1)
	if sc.Perspective > 0 {
		dist = half * .5 * (2 - sc.Perspective) / sc.Perspective
	}
	rad := math.Pi / 180
	sinA, cosA := math.Sincos(sc.TiltAxis * rad)
	sinT, cosT := math.Sincos(sc.Tilt * rad)
	sinR, cosR := math.Sincos(sc.Turn * rad)
	var out [4][2]float64
	for i, c := range [4][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
		x, y := c[0]*s.Width/2, c[1]*s.Height/2
		u, v := x*cosA+y*sinA, -x*sinA+y*cosA // along and across the axis
		v, z := v*cosT, v*sinT
		k := 1.0
		if !math.IsInf(dist, 1) {
			k = dist / (dist + z)
		}
		x, y = (u*cosA-v*sinA)*k, (u*sinA+v*cosA)*k
		out[i] = [2]float64{
			float64(sc.Width)/2 + sc.Move[0] + (x*cosR-y*sinR)*sc.PxMM,
			float64(sc.Height)/2 + sc.Move[1] + (x*sinR+y*cosR)*sc.PxMM,
		}
	}
	return out
}

// Picture is a filmed sheet with the truth about it.
type Picture struct {
	Sheet   Sheet
	Scene   Scene
	BGR     gocv.Mat    // closed by whoever got it
	Corners models.Quad // of the sheet, as it reads; zero when there is none in it
}

// Frame is the picture as a camera gives it.
func (p Picture) Frame() (models.Frame, error) {
	b, err := picture.EncodeJPEG(p.BGR, max(p.Scene.JPEG, 90))
	return models.Frame{Format: models.JPEG, Width: p.BGR.Cols(), Height: p.BGR.Rows(), Pix: b}, err
}

// Film prints a sheet and films it. The sheets that fill the picture (Face needs a Portrait) have
// no size and no corners.
func (p *Printer) Film(s Sheet, sc Scene) (_ Picture, err error) {
	if sc.Width < models.MinFrameSide || sc.Height < models.MinFrameSide || sc.Width > mostSide || sc.Height > mostSide {
		return Picture{}, fmt.Errorf("film a specimen: a frame of %d × %d pixels", sc.Width, sc.Height)
	}
	dice := rand.New(rand.NewPCG(sc.Seed, 2))
	out := Picture{Sheet: s, Scene: sc}
	var ground *image.RGBA
	switch Form(s.Thing) {
	case Face:
		if s.Portrait == nil {
			return out, errors.New("film a specimen: a face alone needs a picture of one")
		}
		ground = image.NewRGBA(image.Rect(0, 0, sc.Width, sc.Height))
		draw.Draw(ground, ground.Rect, image.NewUniform(color.RGBA{120, 128, 135, 255}), image.Point{}, draw.Src)
		b := s.Portrait.Bounds()
		h := sc.Height
		w := h * b.Dx() / b.Dy()
		draw.BiLinear.Scale(ground, image.Rect((sc.Width-w)/2, 0, (sc.Width+w)/2, h), s.Portrait, b, draw.Src, nil)
	case Landscape:
		ground = landscape(sc, dice)
	default:
		if ground, err = p.ground(sc, dice); err != nil {
			return out, err
		}
	}
	m, err := toBGR(ground)
	if err != nil {
		return out, err
	}
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	if s.Width > 0 {
		q := corners(s, sc)
		for i, c := range q {
			out.Corners[i] = models.Point{X: c[0] / float64(sc.Width), Y: c[1] / float64(sc.Height)}
		}
		if err = p.lay(&m, s, sc, q); err != nil {
			return out, err
		}
	}
	if sc.Blur > 0 {
		gocv.GaussianBlur(m, &m, image.Pt(0, 0), sc.Blur, sc.Blur, gocv.BorderReplicate)
	}
	if err = expose(&m, sc, dice); err != nil {
		return out, err
	}
	if sc.JPEG > 0 {
		b, err2 := picture.EncodeJPEG(m, sc.JPEG)
		if err = err2; err != nil {
			return out, err
		}
		again, err2 := gocv.IMDecode(b, gocv.IMReadColor)
		if err = err2; err != nil {
			return out, fmt.Errorf("film a specimen: %w", err)
		}
		m.Close()
		m = again
	}
	out.BGR = m
	return out, nil
}

func toBGR(img *image.RGBA) (gocv.Mat, error) {
	m, err := gocv.ImageToMatRGB(img)
	if err != nil {
		return m, fmt.Errorf("film a specimen: %w", err)
	}
	return m, nil
}

// lay puts the printed sheet over the ground: its shadow, then itself.
func (p *Printer) lay(m *gocv.Mat, s Sheet, sc Scene, q [4][2]float64) error {
	// Printed half as fine again as it is seen, and not more: a camera has no filter either.
	k := math.Min(1.5*sc.PxMM, float64(mostSide)/math.Max(s.Width, s.Height))
	img, err := p.Render(s, k)
	if err != nil {
		return err
	}
	flat, err := toBGR(img)
	if err != nil {
		return err
	}
	defer flat.Close()
	w, h := float32(flat.Cols()), float32(flat.Rows())
	src := gocv.NewPoint2fVectorFromPoints([]gocv.Point2f{{X: 0, Y: 0}, {X: w, Y: 0}, {X: w, Y: h}, {X: 0, Y: h}})
	defer src.Close()
	to := make([]gocv.Point2f, 4)
	for i, c := range q {
		to[i] = gocv.Point2f{X: float32(c[0]), Y: float32(c[1])}
	}
	dst := gocv.NewPoint2fVectorFromPoints(to)
	defer dst.Close()
	t := gocv.GetPerspectiveTransform2f(src, dst)
	defer t.Close()
	shape := rounded(flat.Cols(), flat.Rows(), s.Corner*k)
	defer shape.Close()
	seen, mask := gocv.NewMat(), gocv.NewMat()
	defer seen.Close()
	defer mask.Close()
	size := image.Pt(sc.Width, sc.Height)
	gocv.WarpPerspectiveWithParams(flat, &seen, t, size, gocv.InterpolationLinear, gocv.BorderReplicate, color.RGBA{})
	gocv.WarpPerspectiveWithParams(shape, &mask, t, size, gocv.InterpolationLinear, gocv.BorderConstant, color.RGBA{})
	soft := gocv.NewMat()
	defer soft.Close()
	if sc.Shadow > 0 {
		gocv.GaussianBlur(mask, &soft, image.Pt(0, 0), 1.1*sc.PxMM, 0, gocv.BorderDefault)
	}
	out, over, alpha := m.ToBytes(), seen.ToBytes(), mask.ToBytes()
	var shade []byte
	if sc.Shadow > 0 {
		shade = soft.ToBytes()
	}
	move := int(.8 * sc.PxMM)
	for y := range sc.Height {
		for x := range sc.Width {
			i := y*sc.Width + x
			a := float64(alpha[i]) / 255
			dark := 1.0
			if a < 1 && shade != nil && x >= move && y >= move {
				dark = 1 - sc.Shadow*float64(shade[i-move*sc.Width-move])/255
			}
			if a == 0 && dark == 1 {
				continue
			}
			for c := range 3 {
				out[3*i+c] = uint8(float64(out[3*i+c])*dark*(1-a) + float64(over[3*i+c])*a)
			}
		}
	}
	n, err := gocv.NewMatFromBytes(sc.Height, sc.Width, gocv.MatTypeCV8UC3, out)
	if err != nil {
		return fmt.Errorf("film a specimen: %w", err)
	}
	m.Close()
	*m = n.Clone()
	return n.Close()
}

// rounded is the mask of a sheet with round corners.
func rounded(w, h int, r float64) gocv.Mat {
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(0, 0, 0, 0), h, w, gocv.MatTypeCV8UC1)
	white := color.RGBA{255, 255, 255, 0}
	k := int(r)
	gocv.Rectangle(&m, image.Rect(k, 0, w-1-k, h-1), white, -1)
	gocv.Rectangle(&m, image.Rect(0, k, w-1, h-1-k), white, -1)
	for _, c := range []image.Point{{k, k}, {w - 1 - k, k}, {k, h - 1 - k}, {w - 1 - k, h - 1 - k}} {
		gocv.Circle(&m, c, k, white, -1)
	}
	return m
}

// expose lights the frame unevenly and adds the sensor's noise.
func expose(m *gocv.Mat, sc Scene, dice *rand.Rand) error {
	pix := m.ToBytes()
	angle := 2 * math.Pi * dice.Float64()
	sin, cos := math.Sincos(angle)
	// Normal deviates are dear; a table of them read from a random place per row is as good here.
	noise := make([]float64, 1<<16)
	for i := range noise {
		noise[i] = sc.Noise * dice.NormFloat64()
	}
	w, h := float64(sc.Width), float64(sc.Height)
	for y := range sc.Height {
		at := dice.IntN(len(noise))
		row := pix[3*y*sc.Width : 3*(y+1)*sc.Width]
		for x := range sc.Width {
			light := 1 - sc.Light*(.5+.5*((float64(x)/w*2-1)*cos+(float64(y)/h*2-1)*sin)/math.Sqrt2)
			for c := range 3 {
				row[3*x+c] = clamp(float64(row[3*x+c])*light + noise[(at+3*x+c)&(1<<16-1)])
			}
		}
	}
	n, err := gocv.NewMatFromBytes(sc.Height, sc.Width, gocv.MatTypeCV8UC3, pix)
	if err != nil {
		return fmt.Errorf("film a specimen: %w", err)
	}
	m.Close()
	*m = n.Clone()
	return n.Close()
}

func clamp(v float64) uint8 { return uint8(math.Max(0, math.Min(255, v+.5))) }
