package barcode_test

import (
	"context"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/barcode"
	"vestibule/models/barcode/cardback"
)

var ctx = context.Background()

// says is as much as a licence's barcode says, with the control characters such data has.
const says = "@\n\x1e\rANSI 636000100002DL00410278ZV03190008DLDAQT64235789\nDCSSPECIMEN\nDDEN\nDACALEX\nDDFN\n" +
	"DADJORDAN\nDDGN\nDCAD\nDCBK\nDCDPH\nDBD06062019\nDBB06061986\nDBA12102027\nDBC1\nDAU068 in\nDAYBRO\n" +
	"DAG2300 WEST BROAD STREET\nDAIRICHMOND\nDAJVA\nDAK232690000  \nDCF2424244747474786102204\nDCGUSA\nDCK123456789\nDDAF\rZVZVA01\r"

func frame(tb testing.TB, c cardback.Card) (gocv.Mat, models.Quad) {
	tb.Helper()
	if c.Module == 0 {
		c.Module = 3
	}
	if c.Width == 0 {
		c.Width, c.Height = 1280, 960
	}
	c.Level = 5
	m, at, err := c.Draw(rand.New(rand.NewPCG(1, 2)))
	require.NoError(tb, err)
	tb.Cleanup(func() { m.Close() })
	return m, at
}

func flat(c float64) gocv.Mat {
	return gocv.NewMatWithSizeFromScalar(gocv.NewScalar(c, c, c, 0), 720, 1280, gocv.MatTypeCV8UC3)
}

func TestASymbolIsReadAndItsPlaceIsTold(t *testing.T) {
	for name, c := range map[string]cardback.Card{
		"upright":                         {},
		"turned a little":                 {Turn: 7},
		"turned far to the left":          {Turn: -20},
		"half way between two sides":      {Turn: 45, Width: 1300, Height: 1300},
		"on its side":                     {Turn: 90, Width: 1300, Height: 1300},
		"upside down":                     {Turn: 180},
		"on its other side":               {Turn: 270, Width: 1300, Height: 1300},
		"blurred and noisy":               {Turn: 11, Blur: 1.4, Noise: 5},
		"seen from below":                 {Turn: -4, Lean: .08, Blur: .6, Noise: 3},
		"close, in a frame of 12 million": {Turn: 15, Module: 9, Width: 4000, Height: 3000, Blur: 2, Noise: 3},
		"far, in a frame of 12 million":   {Turn: 15, Module: 3.5, Width: 4000, Height: 3000, Blur: .7, Noise: 3},
		"as small as can be":              {Turn: 3, Module: 2.2, Width: 960, Height: 720, Blur: .4, Noise: 2},
	} {
		t.Run(name, func(t *testing.T) {
			c.Data = says
			m, at := frame(t, c)
			b, err := barcode.Read(ctx, []gocv.Mat{m})
			require.NoError(t, err)
			require.True(t, b.Found)
			require.Equal(t, says, string(b.Data))
			w, h := float64(m.Cols()), float64(m.Rows())
			long := math.Hypot((at[1].X-at[0].X)*w, (at[1].Y-at[0].Y)*h)
			for i := range at {
				require.Less(t, math.Hypot((at[i].X-b.At[i].X)*w, (at[i].Y-b.At[i].Y)*h), .1*long, "corner %d", i)
			}
		})
	}
}

func TestTheFirstFrameThatShowsASymbolIsNamed(t *testing.T) {
	with, _ := frame(t, cardback.Card{Data: says})
	without := flat(90)
	defer without.Close()
	b, err := barcode.Read(ctx, []gocv.Mat{without, with, with})
	require.NoError(t, err)
	require.True(t, b.Found)
	require.Equal(t, 1, b.Frame)
}

func TestPicturesWithoutASymbol(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 4))
	for name, draw := range map[string]func(*gocv.Mat){
		"an empty table": func(*gocv.Mat) {},
		"noise": func(m *gocv.Mat) {
			pix, err := m.DataPtrUint8()
			require.NoError(t, err)
			for i := range pix {
				pix[i] = uint8(dice.IntN(256))
			}
		},
		"stripes": func(m *gocv.Mat) {
			for x := 100; x < 1100; x += 7 {
				gocv.Rectangle(m, image.Rect(x, 200, x+3, 500), color.RGBA{}, -1)
			}
		},
		"bars at random": func(m *gocv.Mat) {
			for y := 200; y < 500; y += 9 {
				for x := 100; x < 1100; x += 3 + 3*dice.IntN(3) {
					gocv.Rectangle(m, image.Rect(x, y, x+3, y+9), color.RGBA{}, -1)
				}
			}
		},
		"lines of print": func(m *gocv.Mat) {
			for y := 60; y < 700; y += 40 {
				gocv.PutText(m, "THE LAST LINE OF THIS PAGE IS LIKE THE FIRST", image.Pt(40, y), gocv.FontHersheySimplex, 1.1, color.RGBA{}, 2)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := flat(200)
			defer m.Close()
			draw(&m)
			b, err := barcode.Read(ctx, []gocv.Mat{m})
			require.NoError(t, err)
			require.Zero(t, b)
		})
	}
	t.Run("a card with a bar code of another kind", func(t *testing.T) {
		m, _ := frame(t, cardback.Card{Turn: 5})
		b, err := barcode.Read(ctx, []gocv.Mat{m})
		require.NoError(t, err)
		require.Zero(t, b)
	})
	t.Run("a symbol of which half is covered", func(t *testing.T) {
		m, at := frame(t, cardback.Card{Data: says})
		gocv.Rectangle(&m, image.Rect(int(at[0].X*1280)+250, 0, 1280, 960), color.RGBA{255, 255, 255, 0}, -1)
		b, err := barcode.Read(ctx, []gocv.Mat{m})
		require.NoError(t, err)
		require.Zero(t, b)
	})
	t.Run("no picture at all", func(t *testing.T) {
		b, err := barcode.Read(ctx, nil)
		require.NoError(t, err)
		require.Zero(t, b)
	})
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	empty, grey := gocv.NewMat(), gocv.NewMatWithSize(100, 100, gocv.MatTypeCV8UC1)
	tiny, deep := gocv.NewMatWithSize(8, 8, gocv.MatTypeCV8UC3), gocv.NewMatWithSize(100, 100, gocv.MatTypeCV32FC3)
	long := gocv.NewMatWithSize(32, models.MaxFrameSide+1, gocv.MatTypeCV8UC3)
	good := flat(100)
	defer func() {
		for _, m := range []gocv.Mat{empty, grey, tiny, deep, long, good} {
			m.Close()
		}
	}()
	for name, m := range map[string]gocv.Mat{"nothing": {}, "empty": empty, "grey": grey, "tiny": tiny, "deep": deep, "long": long} {
		t.Run(name, func(t *testing.T) {
			_, err := barcode.Read(ctx, []gocv.Mat{good, m})
			require.ErrorIs(t, err, models.ErrFrame)
		})
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	m, _ := frame(t, cardback.Card{Data: says})
	over, cancel := context.WithCancel(ctx)
	cancel()
	_, err := barcode.Read(over, []gocv.Mat{m})
	require.ErrorIs(t, err, context.Canceled)
}

// FuzzRead makes pictures of bars from bytes: what comes out does not matter, that it comes does.
func FuzzRead(f *testing.F) {
	f.Add([]byte{8, 1, 1, 1, 1, 1, 1, 3, 2, 4, 1, 2, 7, 1, 1, 3, 1, 1, 1, 2, 1}, uint8(9), uint8(3))
	f.Add([]byte{0}, uint8(1), uint8(1))
	f.Add([]byte{255, 255, 0, 1}, uint8(200), uint8(40))
	f.Fuzz(func(t *testing.T, runs []byte, height, module uint8) {
		if len(runs) == 0 || len(runs) > 4096 {
			return
		}
		m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(230, 230, 230, 0), 300, 400, gocv.MatTypeCV8UC3)
		defer m.Close()
		pix, err := m.DataPtrUint8()
		require.NoError(t, err)
		i, left, dark := 0, int(runs[0]), true
		for y := range 300 {
			for x := range 400 {
				if left <= 0 {
					i, dark = (i+1)%len(runs), !dark
					left = int(runs[i])%16*(int(module)%8+1) + 1
				}
				left--
				from := y
				if h := int(height)%64 + 1; y%h != 0 {
					from = y - y%h // a row of bars goes on downwards
					copy(pix[(y*400+x)*3:(y*400+x)*3+3], pix[(from*400+x)*3:])
					continue
				}
				if dark {
					copy(pix[(y*400+x)*3:], []byte{20, 20, 20})
				}
			}
		}
		_, err = barcode.Read(ctx, []gocv.Mat{m})
		require.NoError(t, err)
	})
}

func BenchmarkRead(b *testing.B) {
	m, _ := frame(b, cardback.Card{Data: says, Turn: 12, Blur: 1, Noise: 4, Width: 1280, Height: 900})
	for b.Loop() {
		r, err := barcode.Read(ctx, []gocv.Mat{m})
		require.NoError(b, err)
		require.True(b, r.Found)
	}
}

func BenchmarkReadNothing(b *testing.B) {
	m, _ := frame(b, cardback.Card{Turn: 12, Blur: 1, Noise: 4, Width: 1280, Height: 720})
	for b.Loop() {
		r, err := barcode.Read(ctx, []gocv.Mat{m})
		require.NoError(b, err)
		require.False(b, r.Found)
	}
}
