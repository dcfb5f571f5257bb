package qr_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	qrcode "github.com/skip2/go-qrcode"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/picture"
	"vestibule/models/qr"
)

// said is as long as an invitation to a kiosk usually is.
const said = "VESTIBULE:1:0123456789ABCDEFGHJKMNPQRSTVWXYZ00:CENTRE.EXAMPLE.ORG:8443"

// view is a code as a camera of 1280 × 720 sees it.
type view struct {
	side  float64 // of the code with its quiet zone, pixels
	turn  float64 // degrees
	lean  float64 // its upper side is shorter by this part
	blur  int     // pixels
	noise float64 // standard deviation, of 255
	dark  bool    // shown on a screen in the dark: white on black
}

func (v view) film(tb testing.TB, text string, seed uint64) gocv.Mat {
	tb.Helper()
	code, err := qrcode.New(text, qrcode.Medium)
	require.NoError(tb, err)
	bits := code.Bitmap()
	n := len(bits)
	flat := gocv.NewMatWithSize(n, n, gocv.MatTypeCV8UC3)
	defer flat.Close()
	for y := range n {
		for x := range n {
			c := uint8(235)
			if bits[y][x] != v.dark {
				c = 30
			}
			for k := range 3 {
				flat.SetUCharAt(y, 3*x+k, c)
			}
		}
	}
	big := gocv.NewMat()
	defer big.Close()
	gocv.Resize(flat, &big, image.Pt(n*12, n*12), 0, 0, gocv.InterpolationNearestNeighbor)
	from, to := corners(float32(n*12), 0), corners(float32(v.side), float32(v.lean*v.side/2))
	for i := range to {
		to[i].X, to[i].Y = to[i].X+float32(640-v.side/2), to[i].Y+float32(360-v.side/2)
	}
	a, b := gocv.NewPoint2fVectorFromPoints(from), gocv.NewPoint2fVectorFromPoints(to)
	defer a.Close()
	defer b.Close()
	h := gocv.GetPerspectiveTransform2f(a, b)
	defer h.Close()
	seen := gocv.NewMat()
	defer seen.Close()
	gocv.WarpPerspectiveWithParams(big, &seen, h, image.Pt(1280, 720), gocv.InterpolationArea, gocv.BorderConstant, color.RGBA{120, 130, 125, 0})
	m := gocv.GetRotationMatrix2D(image.Pt(640, 360), v.turn, 1)
	defer m.Close()
	out := gocv.NewMat()
	gocv.WarpAffineWithParams(seen, &out, m, image.Pt(1280, 720), gocv.InterpolationLinear, gocv.BorderConstant, color.RGBA{120, 130, 125, 0})
	if v.blur > 0 {
		gocv.GaussianBlur(out, &out, image.Pt(2*v.blur+1, 2*v.blur+1), 0, 0, gocv.BorderReplicate)
	}
	pix, err := out.DataPtrUint8()
	require.NoError(tb, err)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range pix {
		pix[i] = uint8(max(0, min(255, float64(pix[i])+v.noise*r.NormFloat64())))
	}
	return out
}

func corners(side, in float32) []gocv.Point2f {
	return []gocv.Point2f{{X: in, Y: 0}, {X: side - in, Y: 0}, {X: side, Y: side}, {X: 0, Y: side}}
}

func TestACodeIsReadAsACameraSeesIt(t *testing.T) {
	for name, v := range map[string]view{
		"straight before it":       {side: 400},
		"small":                    {side: 150},
		"near":                     {side: 700},
		"turned a little":          {side: 400, turn: 17},
		"turned on its side":       {side: 400, turn: 90},
		"upside down":              {side: 400, turn: 180},
		"at an angle":              {side: 420, lean: .25, turn: -8},
		"a little out of focus":    {side: 400, blur: 3},
		"with a cheap sensor":      {side: 400, noise: 20, turn: 5},
		"all of that at once":      {side: 380, noise: 12, turn: 12, lean: .15, blur: 2},
		"shown on a telephone":     {side: 220, turn: -30, noise: 6},
		"white on black, at night": {side: 400, dark: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := v.film(t, said, 7)
			defer m.Close()
			got, err := qr.Read(t.Context(), m)
			require.NoError(t, err)
			assert.Equal(t, said, string(got))
		})
	}
}

func TestWhereNoCodeIsNothingIsRead(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for i := range 20 {
		m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(128, 128, 128, 0), 720, 1280, gocv.MatTypeCV8UC3)
		for range i * 40 {
			x, y := r.IntN(1200), r.IntN(680)
			gocv.Rectangle(&m, image.Rect(x, y, x+8+r.IntN(40), y+8+r.IntN(40)), color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 0}, -1)
		}
		got, err := qr.Read(t.Context(), m)
		require.NoError(t, err)
		assert.Empty(t, got, "picture %d", i)
		m.Close()
	}
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	empty := gocv.NewMat()
	defer empty.Close()
	grey := gocv.NewMatWithSize(20, 20, gocv.MatTypeCV8UC1)
	defer grey.Close()
	for _, m := range []gocv.Mat{empty, grey} {
		_, err := qr.Read(t.Context(), m)
		assert.ErrorIs(t, err, models.ErrFrame)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	m := view{side: 400}.film(t, said, 1)
	defer m.Close()
	_, err := qr.Read(ended, m)
	assert.ErrorIs(t, err, context.Canceled)
}

// Pictures come from a camera that anybody may hold anything before.
func FuzzRead(f *testing.F) {
	for _, v := range []view{{side: 200}, {side: 90, blur: 2}, {side: 300, turn: 45, noise: 30}} {
		m := v.film(f, said, 5)
		b, err := picture.EncodeJPEG(m, 60)
		m.Close()
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte{0xFF, 0xD8})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := picture.Decode(models.Frame{Format: models.JPEG, Pix: b})
		if err != nil {
			return
		}
		defer m.Close()
		got, err := qr.Read(t.Context(), m)
		if err != nil || len(got) > qr.MaxData {
			t.Fatal(err, len(got))
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for _, text := range []string{said, ""} {
		b.Run(fmt.Sprintf("bytes=%d", len(text)), func(b *testing.B) {
			m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(128, 128, 128, 0), 720, 1280, gocv.MatTypeCV8UC3)
			if text != "" {
				m.Close()
				m = view{side: 380, noise: 12, turn: 12, lean: .15, blur: 2}.film(b, text, 7)
			}
			defer m.Close()
			for b.Loop() {
				got, err := qr.Read(b.Context(), m)
				if err != nil || !bytes.Equal(got, []byte(text)) {
					b.Fatal(err, string(got))
				}
			}
		})
	}
}
