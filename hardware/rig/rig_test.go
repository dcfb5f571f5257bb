package rig

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/hardware/camera"
	"vestibule/hardware/camera/replay"
	"vestibule/hardware/clock"
)

// visage is a drawn picture with something like a face in it: no person's.
func visage() Portrait {
	m := image.NewRGBA(image.Rect(0, 0, 300, 360))
	for y := range 360 {
		for x := range 300 {
			c := color.RGBA{uint8(90 + x/4), uint8(110 + y/5), 150, 255}
			if math.Hypot(float64(x-150)/62, float64(y-170)/84) < 1 {
				c = color.RGBA{214, 176, 150, 255}
			}
			for _, e := range []int{124, 176} {
				if math.Hypot(float64(x-e)/12, float64(y-152)/6) < 1 {
					c = color.RGBA{40, 34, 32, 255}
				}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return Portrait{Image: m, Face: image.Rect(90, 105, 210, 250)}
}

func passport() Document {
	return Document{
		Size: TD3, State: "UTOPIA", StateCode: "UTO", Title: "PASSPORT", TypeCode: "P", Portrait: visage(),
		Surname: "ERIKSSON", GivenNames: "ANNA MARIA", Nationality: "UTOPIAN", BirthDate: "12 AUG 74", Sex: "F",
		BirthPlace: "ZENITH", Number: "L898902C3", IssueDate: "16 APR 07", ExpiryDate: "15 APR 12", Authority: "PASSPORT OFFICE",
		// The specimen of 9303-4, appendix B.
		MRZ:  []string{"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"},
		Seed: 5,
	}
}

func card() Document {
	d := passport()
	d.Size = TD1
	// The specimen of 9303-5, appendix B.
	d.MRZ = []string{"I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"}
	return d
}

func printer(tb testing.TB) *Printer {
	tb.Helper()
	p, err := NewPrinter("")
	require.NoError(tb, err)
	return p
}

func hash(pix ...[]byte) string {
	h := sha256.New()
	for _, p := range pix {
		h.Write(p)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

func hashFrame(m *image.YCbCr) string { return hash(m.Y, m.Cb, m.Cr) }

// inkRows returns the runs of rows with dark ink between two columns, in millimetres.
func inkRows(m *image.RGBA, scale float64, x0, x1, from float64) (runs [][2]float64) {
	dark := func(y int) bool {
		for x := int(x0 * scale); x < int(x1*scale); x++ {
			if p := m.RGBAAt(x, y); p.A == 255 && int(p.R)+int(p.G)+int(p.B) < 200 {
				return true
			}
		}
		return false
	}
	in := false
	for y := int(from * scale); y < m.Bounds().Dy(); y++ {
		d := dark(y)
		if d && !in {
			runs = append(runs, [2]float64{float64(y) / scale, 0})
		}
		if !d && in {
			runs[len(runs)-1][1] = float64(y) / scale
		}
		in = d
	}
	return runs
}

func TestPrintedPages(t *testing.T) {
	const scale = 10
	p := printer(t)
	front, err := p.Front(passport(), scale)
	require.NoError(t, err)
	back, err := p.Back(card(), scale)
	require.NoError(t, err)
	cardFront, err := p.Front(card(), scale)
	require.NoError(t, err)

	t.Run("pages have the nominal size of their document", func(t *testing.T) {
		require.Equal(t, image.Pt(1250, 880), front.Bounds().Size())
		require.Equal(t, image.Pt(856, 540), back.Bounds().Size())
		require.Equal(t, image.Pt(856, 540), cardFront.Bounds().Size())
	})
	t.Run("a passport's lines are centred where ICAO 9303-4 wants them", func(t *testing.T) {
		// Letters only: of the first line's "UTO" and the second's "898", columns 3 to 5.
		rows := inkRows(front, scale, 6+2.54*2, 6+2.54*5, 88-23.2+1)
		require.Len(t, rows, 2)
		for i, want := range []float64{88 - 23.2 + 7.25, 88 - 23.2 + 7.25 + 6.35} {
			require.InDelta(t, want, (rows[i][0]+rows[i][1])/2, .15)
			require.InDelta(t, 2.6, rows[i][1]-rows[i][0], .25, "OCR-B size 1")
		}
	})
	t.Run("a card's three lines lie within its zone", func(t *testing.T) {
		rows := inkRows(back, scale, 5, 5+2.54*3, 54-23.2+1)
		require.Len(t, rows, 3)
		require.InDelta(t, 54-11.6, (rows[1][0]+rows[1][1])/2, .2)
	})
	t.Run("characters stand 2.54 mm apart from 6 mm on", func(t *testing.T) {
		y0, y1 := int((88-23.2+7.25+6.35-1.2)*scale), int((88-23.2+7.25+6.35+1.2)*scale)
		first := -1
		var starts []float64
		in := false
		for x := int(4 * scale); x < 1250; x++ {
			dark := false
			for y := y0; y < y1; y++ {
				if c := front.RGBAAt(x, y); int(c.R)+int(c.G)+int(c.B) < 200 {
					dark = true
				}
			}
			if dark && !in {
				starts = append(starts, float64(x)/scale)
				if first < 0 {
					first = x
				}
			}
			in = dark
		}
		require.InDelta(t, 6, float64(first)/scale, 1, "9303-4: 6.0 ± 1.0 mm")
		require.Len(t, starts, 44, "every character stands alone")
		require.InDelta(t, 2.54*43, starts[43]-starts[0], .8)
	})
	t.Run("the corners are cut where the document is round", func(t *testing.T) {
		require.Zero(t, back.RGBAAt(0, 0).A)
		require.Zero(t, front.RGBAAt(0, 879).A)
		require.EqualValues(t, 255, front.RGBAAt(0, 0).A, "the spine's side is square")
	})
	t.Run("the same document prints the same pixels, another seed another ground", func(t *testing.T) {
		again, err := p.Front(passport(), scale)
		require.NoError(t, err)
		require.Equal(t, hash(front.Pix), hash(again.Pix))
		d := passport()
		d.Seed++
		other, err := p.Front(d, scale)
		require.NoError(t, err)
		require.NotEqual(t, hash(front.Pix), hash(other.Pix))
	})
	t.Run("a page without portrait and lines is printed, too", func(t *testing.T) {
		d := passport()
		d.Portrait, d.MRZ = Portrait{}, nil
		m, err := p.Front(d, 5)
		require.NoError(t, err)
		require.Empty(t, inkRows(m, 5, 4, 121, 88-23.2+1))
	})
}

func TestWhatCannotBePrinted(t *testing.T) {
	p := printer(t)
	for name, change := range map[string]func(*Document){
		"a size that nobody knows":         func(d *Document) { d.Size = "TD9" },
		"one line too few":                 func(d *Document) { d.MRZ = d.MRZ[:1] },
		"a line that is too short":         func(d *Document) { d.MRZ[1] = d.MRZ[1][1:] },
		"a character outside the alphabet": func(d *Document) { d.MRZ[0] = "p" + d.MRZ[0][1:] },
	} {
		t.Run(name, func(t *testing.T) {
			d := passport()
			change(&d)
			_, err := p.Front(d, 10)
			require.ErrorIs(t, err, ErrDocument)
		})
	}
	for _, scale := range []float64{0, 3, 49, math.NaN(), math.Inf(1)} {
		_, err := p.Front(passport(), scale)
		require.ErrorIs(t, err, ErrDocument)
	}
	_, err := p.Back(passport(), 10)
	require.ErrorIs(t, err, ErrDocument)
	_, err = NewPrinter(filepath.Join(t.TempDir(), "none.otf"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "fonts-ocr-b")
}

func small(seed uint64) Shot { return Shot{Width: 320, Height: 180, FPS: 15, Seed: seed} }

func page(tb testing.TB) *image.RGBA {
	tb.Helper()
	m, err := printer(tb).Front(passport(), 4)
	require.NoError(tb, err)
	return m
}

func meanLuma(m *image.YCbCr, r image.Rectangle) float64 {
	var sum, n float64
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			sum += float64(m.Y[m.YOffset(x, y)])
			n++
		}
	}
	return sum / n
}

// detail is the mean squared step between neighbours: what blur takes away.
func detail(m *image.YCbCr) float64 {
	var sum float64
	b := m.Bounds()
	for y := range b.Dy() {
		for x := 1; x < b.Dx(); x++ {
			d := float64(m.Y[m.YOffset(x, y)]) - float64(m.Y[m.YOffset(x-1, y)])
			sum += d * d
		}
	}
	return sum / float64(b.Dx()*b.Dy())
}

func TestDocumentFilm(t *testing.T) {
	pg := page(t)
	stage := func(t *testing.T, f DocumentFilm) *tray {
		r, err := f.stage()
		require.NoError(t, err)
		return r.(*tray)
	}
	s := stage(t, DocumentFilm{Shot: small(1), Page: pg, Size: TD3})
	first := func(after float64) int { return int((s.Late + after) * 15) }

	t.Run("it begins with an empty tray and ends with the document lying still", func(t *testing.T) {
		require.Less(t, meanLuma(s.frame(0), image.Rect(0, 0, 320, 180)), 60.0)
		require.Greater(t, meanLuma(s.frame(s.reel().n-1), image.Rect(100, 60, 220, 120)), 90.0)
		_, ok := s.corners(0)
		require.False(t, ok)
	})
	t.Run("in the tail the document moves less than half a pixel", func(t *testing.T) {
		n, tail := s.reel().n, s.reel().tail
		c0, ok := s.corners(tail)
		require.True(t, ok)
		for i := tail; i < n; i++ {
			c, _ := s.corners(i)
			for j := range c {
				require.InDelta(t, c0[j].X, c[j].X, .5)
				require.InDelta(t, c0[j].Y, c[j].Y, .5)
			}
		}
	})
	t.Run("it lies within the frame, away from the border, with four nearly right angles", func(t *testing.T) {
		for seed := range uint64(20) {
			s := stage(t, DocumentFilm{Shot: Shot{Width: 640, Height: 360, Seed: seed}, Page: pg, Size: TD3})
			c, _ := s.corners(s.reel().tail)
			for j := range c {
				require.Greater(t, c[j].X, .02*640)
				require.Less(t, c[j].X, .98*640)
				require.Greater(t, c[j].Y, .02*360)
				require.Less(t, c[j].Y, .98*360)
				a, b, d := c[(j+3)%4], c[j], c[(j+1)%4]
				angle := math.Atan2(a.Y-b.Y, a.X-b.X) - math.Atan2(d.Y-b.Y, d.X-b.X)
				require.InDelta(t, 90, math.Abs(math.Remainder(angle, 2*math.Pi))*180/math.Pi, 5)
			}
			require.Greater(t, (c[1].X-c[0].X)/125*2, 6.8, "px/mm at twice this size, 1280×720")
		}
	})
	t.Run("the focus is searched and found", func(t *testing.T) {
		found := detail(s.frame(first(still + .5)))
		require.Greater(t, found, 1.5*detail(s.frame(first(.8))))
		blurred := stage(t, DocumentFilm{Shot: small(1), Page: pg, Size: TD3, Blurred: true})
		require.Greater(t, found, 1.5*detail(blurred.frame(first(still+.5))), "unless it must not be")
	})
	t.Run("a reflection burns a part of the page out, then is gone", func(t *testing.T) {
		burnt := func(m *image.YCbCr) (n int) {
			for _, v := range m.Y {
				if v >= 250 {
					n++
				}
			}
			return n
		}
		require.Greater(t, burnt(s.frame(first((glareOn+glare)/2))), 500)
		require.Less(t, burnt(s.frame(first(still+.5))), 20)
	})
	t.Run("a frame depends on the seed and its number alone", func(t *testing.T) {
		again := stage(t, DocumentFilm{Shot: small(1), Page: pg, Size: TD3})
		other := stage(t, DocumentFilm{Shot: small(2), Page: pg, Size: TD3})
		for _, i := range []int{0, 12, 20, 40, 60} {
			require.Equal(t, hashFrame(s.frame(i)), hashFrame(again.frame(i)))
			require.NotEqual(t, hashFrame(s.frame(i)), hashFrame(other.frame(i)))
		}
		require.NotEqual(t, hashFrame(s.frame(60)), hashFrame(s.frame(61)), "noise is new in each frame")
	})
	t.Run("nothing on the tray and a covered lens are films too", func(t *testing.T) {
		nothing := stage(t, DocumentFilm{Shot: small(1), Size: TD3})
		require.Less(t, meanLuma(nothing.frame(20), image.Rect(0, 0, 320, 180)), 60.0)
		shot := small(1)
		shot.Black = true
		dark, err := (&DocumentFilm{Shot: shot, Page: pg, Size: TD3}).stage()
		require.NoError(t, err)
		require.Less(t, meanLuma(dark.frame(20), image.Rect(0, 0, 320, 180)), 8.0)
	})
}

func TestFaceFilm(t *testing.T) {
	stage := func(t *testing.T, f FaceFilm) renderer {
		r, err := f.stage()
		require.NoError(t, err)
		return r
	}
	s := stage(t, FaceFilm{Shot: small(1), People: []Portrait{visage()}})
	t.Run("it lasts ten seconds and loops as a whole", func(t *testing.T) {
		require.Equal(t, reel{n: 150, main: 150, cues: map[Movement][2]int{}}, s.reel())
	})
	t.Run("the face stands in the middle, as high as asked for", func(t *testing.T) {
		for _, h := range []float64{.3, .4, .45} {
			m := stage(t, FaceFilm{Shot: small(1), People: []Portrait{visage()}, FaceHeight: h}).frame(0)
			// The drawn face is 168 of the box's 145 pixels high; count skin down the middle column.
			var skin int
			for y := range 180 {
				if _, cb, cr := m.YCbCrAt(160, y).Y, m.YCbCrAt(160, y).Cb, m.YCbCrAt(160, y).Cr; cr > 138 && cb < 122 {
					skin++
				}
			}
			require.InDelta(t, h*180*168/145, skin, 8)
		}
	})
	t.Run("people sway, but little", func(t *testing.T) {
		b := s.(*booth)
		for i := range 150 {
			x := b.x.at(float64(i) / 15)
			require.LessOrEqual(t, math.Abs(x), 1.5)
		}
		require.NotEqual(t, b.x.at(0), b.x.at(2.5))
		require.InDelta(t, b.x.at(0), b.x.at(10), 1e-9, "and come back to where they began")
	})
	t.Run("a frame depends on the seed and its number alone", func(t *testing.T) {
		again := stage(t, FaceFilm{Shot: small(1), People: []Portrait{visage()}})
		other := stage(t, FaceFilm{Shot: small(2), People: []Portrait{visage()}})
		require.Equal(t, hashFrame(s.frame(33)), hashFrame(again.frame(33)))
		require.NotEqual(t, hashFrame(s.frame(33)), hashFrame(other.frame(33)))
	})
	t.Run("two people, a tilted head, an empty room and a blurred one can be filmed", func(t *testing.T) {
		tilted := visage()
		tilted.Turn = 30
		tilted.Others = []image.Rectangle{image.Rect(250, 100, 290, 160)}
		hashes := map[string]bool{hashFrame(s.frame(0)): true}
		for _, f := range []FaceFilm{
			{People: []Portrait{visage(), tilted}}, {People: []Portrait{tilted}}, {}, {People: []Portrait{visage()}, Blurred: true},
		} {
			f.Shot = small(1)
			hashes[hashFrame(stage(t, f).frame(0))] = true
		}
		require.Len(t, hashes, 5)
	})
}

// points are landmarks of visage.
func points() []Point {
	out := make([]Point, 68)
	for i := range 17 { // jaw
		a := math.Pi * float64(i) / 16
		out[i] = Point{150 - 62*math.Cos(a), 165 + 85*math.Sin(a)}
	}
	for i := range 10 {
		out[17+i] = Point{104 + 10.2*float64(i), 130}
	}
	for i := range 4 {
		out[27+i] = Point{150, 150 + 14*float64(i)}
	}
	for i := range 5 {
		out[31+i] = Point{138 + 6*float64(i), 200}
	}
	for e, x := range []float64{124, 176} {
		for i, d := range [][2]float64{{-12, 0}, {-5, -6}, {5, -6}, {12, 0}, {5, 6}, {-5, 6}} {
			out[36+6*e+i] = Point{x + d[0], 152 + d[1]}
		}
	}
	for i := range 20 {
		out[48+i] = Point{132 + 2*float64(i), 224}
	}
	return out
}

func TestMoving(t *testing.T) {
	actor := visage()
	actor.Points = points()
	at := func(m Movement) *image.YCbCr {
		f := FaceFilm{Shot: small(1), People: []Portrait{actor}, Seconds: 2}
		if m != "" {
			f.Acts = []Act{{Do: m, At: .5, For: 1}}
		}
		r, err := f.stage()
		require.NoError(t, err)
		return r.frame(15)
	}
	// eyes returns the centre of what is dark within the face, and how many pixels it has.
	eyes := func(m *image.YCbCr) (x, y, n float64) {
		for yy := 50; yy < 110; yy++ {
			for xx := 125; xx < 195; xx++ {
				if m.Y[m.YOffset(xx, yy)] < 80 {
					x, y, n = x+float64(xx), y+float64(yy), n+1
				}
			}
		}
		return x / n, y / n, n
	}
	x0, y0, n0 := eyes(at(""))
	t.Run("a turn to the person's right brings the face to the picture's left, and back", func(t *testing.T) {
		right, _, _ := eyes(at(TurnRight))
		left, _, _ := eyes(at(TurnLeft))
		require.Less(t, right, x0-2)
		require.Greater(t, left, x0+2)
	})
	t.Run("looking up lifts the eyes", func(t *testing.T) {
		_, y, _ := eyes(at(LookUp))
		require.Less(t, y, y0-1.5)
	})
	t.Run("a blink hides them", func(t *testing.T) {
		_, _, n := eyes(at(Blink))
		require.Less(t, n, .45*n0)
	})
	t.Run("the nose moves further than the eyes", func(t *testing.T) {
		r, err := (&FaceFilm{Shot: small(1), People: []Portrait{actor}, Cues: []Movement{TurnLeft}}).stage()
		require.NoError(t, err)
		h := r.(*booth).head
		p := pose{yaw: fullTurn}
		// Where the nose's tip and the eye's middle come to lie: search the places that show them.
		lands := func(x, y float64) float64 {
			best, where := math.Inf(1), 0.0
			for d := -40.0; d <= 40; d += .25 {
				if sx, _ := h.back(p, x+d, y); math.Abs(sx-x) < best {
					best, where = math.Abs(sx-x), d
				}
			}
			return where
		}
		mid := (h.eye[0].x0 + h.eye[1].x1) / 2
		require.Greater(t, lands(h.noseX, h.noseY)-lands(mid, h.eye[0].y0), .12*h.eyes, "a flat picture that is turned keeps its nose between the eyes")
	})
	t.Run("movements on cue lie behind the film, for the replay camera to play when asked", func(t *testing.T) {
		dir := t.TempDir()
		film, err := FilmFace(t.Context(), dir, FaceFilm{Shot: small(1), People: []Portrait{actor}, Seconds: 1, Cues: []Movement{Blink, TurnLeft, Blink}})
		require.NoError(t, err)
		require.Equal(t, Film{Frames: 15, Length: film.Length, Cues: []Movement{TurnLeft, Blink}}, film)
		b, err := os.ReadFile(filepath.Join(dir, replay.TimingFile))
		require.NoError(t, err)
		timing, err := replay.ParseTiming(b)
		require.NoError(t, err)
		require.Equal(t, 15, timing.Main)
		require.Equal(t, map[string][2]int{"blink": {15, 24}, "turn-left": {24, 48}}, timing.Cues)
	})
	for name, f := range map[string]FaceFilm{
		"a face without points cannot move":    {People: []Portrait{visage()}, Cues: []Movement{Blink}},
		"an unknown movement is refused":       {People: []Portrait{actor}, Cues: []Movement{"dance"}},
		"an act beyond the film is refused":    {People: []Portrait{actor}, Acts: []Act{{Blink, 9.9, 1}}},
		"nobody cannot move":                   {Cues: []Movement{Blink}},
		"points that make no face are refused": {People: []Portrait{{Image: actor.Image, Face: actor.Face, Points: make([]Point, 68)}}, Cues: []Movement{Blink}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.stage()
			require.ErrorIs(t, err, ErrFilm)
		})
	}
}

func TestWhatCannotBeFilmed(t *testing.T) {
	pg := page(t)
	for name, f := range map[string]DocumentFilm{
		"an odd size":          {Shot: Shot{Width: 321, Height: 180}, Page: pg, Size: TD3},
		"a size without bound": {Shot: Shot{Width: 1 << 20, Height: 180}, Page: pg, Size: TD3},
		"too many frames":      {Shot: Shot{FPS: 500}, Page: pg, Size: TD3},
		"a wrong quality":      {Shot: Shot{Quality: 101}, Page: pg, Size: TD3},
		"too full a frame":     {Page: pg, Size: TD3, Fill: 2},
		"a page of no size":    {Page: pg},
		"a page of no pixels":  {Page: image.NewRGBA(image.Rect(0, 0, 1, 1)), Size: TD3},
		"too far aside":        {Page: pg, Size: TD3, Tilt: 80},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := FilmDocument(t.Context(), t.TempDir(), f)
			require.ErrorIs(t, err, ErrFilm)
		})
	}
	faceless := visage()
	faceless.Face = image.Rect(0, 0, 4, 4)
	for name, f := range map[string]FaceFilm{
		"a crowd":                  {People: make([]Portrait, 4)},
		"a person without picture": {People: make([]Portrait, 1)},
		"a face of four pixels":    {People: []Portrait{faceless}},
		"an endless film":          {Seconds: 1e9},
		"too large a face":         {FaceHeight: 3},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := FilmFace(t.Context(), t.TempDir(), f)
			require.ErrorIs(t, err, ErrFilm)
		})
	}
	t.Run("a film whose context ends is given up with the cause", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("enough")
		cancel(cause)
		_, err := FilmFace(ctx, t.TempDir(), FaceFilm{Shot: small(1)})
		require.ErrorIs(t, err, cause)
	})
	t.Run("a folder that cannot be made is an error", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		_, err := FilmFace(t.Context(), filepath.Join(file, "x"), FaceFilm{Shot: small(1)})
		require.Error(t, err)
	})
}

func TestAFilmIsPlayedByTheReplayCamera(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "9999.jpg"), []byte("an older film"), 0o600))
	shot := small(4)
	shot.Format = camera.YUYV
	film, err := FilmDocument(t.Context(), dir, DocumentFilm{Shot: shot, Page: page(t), Size: TD3})
	require.NoError(t, err)
	require.Equal(t, 85, film.Frames)
	require.InDelta(t, 5.67, film.Length.Seconds(), .05)

	start := time.Unix(1_700_000_000, 0)
	s, err := replay.New(dir, replay.Options{Clock: clock.NewLeaping(start)}).Open(t.Context(), camera.Mode{})
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, camera.Mode{Width: 320, Height: 180, FPS: 15}, s.Mode())
	var f camera.Frame
	for range film.Frames + 1 {
		f, err = s.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, camera.YUYV, f.Format)
	}
	require.Equal(t, film.Length, f.At.Sub(start), "the tail begins again when the film is over")
}

func BenchmarkPrint(b *testing.B) {
	p := printer(b)
	for b.Loop() {
		_, err := p.Front(passport(), 12)
		require.NoError(b, err)
	}
}

func BenchmarkDocumentFrame(b *testing.B) {
	pg, err := printer(b).Front(passport(), 12)
	require.NoError(b, err)
	for _, size := range [][2]int{{1280, 720}, {1920, 1080}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			r, err := (&DocumentFilm{Shot: Shot{Width: size[0], Height: size[1]}, Page: pg, Size: TD3}).stage()
			require.NoError(b, err)
			n := r.reel().n
			for i := 0; b.Loop(); i++ {
				r.frame(i % n)
			}
		})
	}
}

func BenchmarkFaceFrame(b *testing.B) {
	r, err := (&FaceFilm{People: []Portrait{visage()}}).stage()
	require.NoError(b, err)
	n := r.reel().n
	for i := 0; b.Loop(); i++ {
		r.frame(i % n)
	}
}

func BenchmarkFilmDocument(b *testing.B) {
	pg, err := printer(b).Front(passport(), 12)
	require.NoError(b, err)
	dir := b.TempDir()
	for b.Loop() {
		_, err := FilmDocument(b.Context(), dir, DocumentFilm{Page: pg, Size: TD3})
		require.NoError(b, err)
	}
}
