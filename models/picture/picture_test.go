package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
)

// scene is a picture with a different colour in every corner.
func scene(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, color.RGBA{R: uint8(255 * x / w), G: uint8(255 * y / h), B: 80, A: 255})
		}
	}
	return m
}

func jpegOf(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, scene(w, h), &jpeg.Options{Quality: 90}))
	return b.Bytes()
}

// withoutTables drops the Huffman tables, as USB cameras do (AVI1 motion JPEG).
func withoutTables(t testing.TB, b []byte) []byte {
	t.Helper()
	out := append([]byte(nil), b[:2]...)
	for i := 2; i < len(b); {
		n := 2 + int(b[i+2])<<8 + int(b[i+3])
		if b[i+1] == mSOS {
			return append(out, b[i:]...)
		}
		if b[i+1] != mDHT {
			out = append(out, b[i:i+n]...)
		}
		i += n
	}
	t.Fatal("no scan found")
	return nil
}

func raw(w, h, channels int) []byte {
	s := scene(w, h)
	var out []byte
	for i := 0; i < len(s.Pix); i += 4 {
		out = append(out, s.Pix[i:i+channels]...)
	}
	return out
}

func pixel(m gocv.Mat, x, y int) (b, g, r int) {
	v := m.GetVecbAt(y, x)
	return int(v[0]), int(v[1]), int(v[2])
}

func TestEveryFormatDecodesToTheSamePicture(t *testing.T) {
	yuyv := make([]byte, 0, 96*64*2)
	s := scene(96, 64)
	for y := range 64 {
		for x := 0; x < 96; x += 2 {
			y0, cb, cr := color.RGBToYCbCr(s.RGBAAt(x, y).R, s.RGBAAt(x, y).G, 80)
			y1, _, _ := color.RGBToYCbCr(s.RGBAAt(x+1, y).R, s.RGBAAt(x+1, y).G, 80)
			// V4L2 cameras use the studio range.
			studio := func(v uint8) byte { return byte(16 + int(v)*219/255) }
			chroma := func(v uint8) byte { return byte(128 + (int(v)-128)*224/255) }
			yuyv = append(yuyv, studio(y0), chroma(cb), studio(y1), chroma(cr))
		}
	}
	for name, f := range map[string]models.Frame{
		"a JPEG":                        {Format: models.JPEG, Pix: jpegOf(t, 96, 64)},
		"a JPEG with a lying driver":    {Format: models.JPEG, Width: 4000, Height: 3000, Pix: jpegOf(t, 96, 64)},
		"a JPEG without Huffman tables": {Format: models.JPEG, Pix: withoutTables(t, jpegOf(t, 96, 64))},
		"a JPEG padded by the camera":   {Format: models.JPEG, Pix: append(jpegOf(t, 96, 64), make([]byte, 500)...)},
		"raw RGB":                       {Format: models.RGB, Width: 96, Height: 64, Pix: raw(96, 64, 3)},
		"packed YUYV":                   {Format: models.YUYV, Width: 96, Height: 64, Pix: yuyv},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Decode(f)
			require.NoError(t, err)
			defer m.Close()
			require.NoError(t, BGR(m))
			require.Equal(t, [2]int{96, 64}, [2]int{m.Cols(), m.Rows()})
			for _, at := range []image.Point{{4, 4}, {90, 4}, {4, 60}, {90, 60}} {
				b, g, r := pixel(m, at.X, at.Y)
				require.InDelta(t, 255*at.X/96, r, 14, "red at %v", at)
				require.InDelta(t, 255*at.Y/64, g, 14, "green at %v", at)
				require.InDelta(t, 80, b, 14, "blue at %v", at)
			}
		})
	}
}

func TestAFrameThatCannotBeReadIsRefusedWithErrFrame(t *testing.T) {
	good := jpegOf(t, 96, 64)
	bomb := bytes.Clone(good)
	sof := bytes.Index(bomb, []byte{0xFF, mSOF0})
	huge := bytes.Clone(good)
	copy(huge[sof+5:], []byte{0xFF, 0xFF, 0xFF, 0xFF})
	copy(bomb[sof+5:], []byte{0x1F, 0x00, 0x1F, 0x00}) // 7936 × 7936 from a few hundred bytes
	for name, f := range map[string]models.Frame{
		"nothing":                        {Format: models.JPEG},
		"half a JPEG":                    {Format: models.JPEG, Pix: good[:len(good)/2]},
		"a JPEG without its last byte":   {Format: models.JPEG, Pix: good[:len(good)-1]},
		"only a header":                  {Format: models.JPEG, Pix: []byte{0xFF, 0xD8, 0xFF, 0xD9}},
		"text":                           {Format: models.JPEG, Pix: []byte("hello, this is no picture at all")},
		"a JPEG header beyond the sides": {Format: models.JPEG, Pix: huge},
		"a JPEG header beyond the area":  {Format: models.JPEG, Pix: bomb},
		"a JPEG that is too small":       {Format: models.JPEG, Pix: jpegOf(t, 16, 16)},
		"too many bytes":                 {Format: models.JPEG, Pix: make([]byte, models.MaxFrameBytes+1)},
		"RGB with a byte missing":        {Format: models.RGB, Width: 96, Height: 64, Pix: raw(96, 64, 3)[1:]},
		"RGB of negative size":           {Format: models.RGB, Width: -96, Height: -64, Pix: raw(96, 64, 3)},
		"RGB whose size overflows":       {Format: models.RGB, Width: 1 << 62, Height: 4, Pix: raw(96, 64, 3)},
		"YUYV of odd width":              {Format: models.YUYV, Width: 65, Height: 64, Pix: make([]byte, 65*64*2)},
		"an unknown format":              {Format: "h264", Width: 96, Height: 64, Pix: raw(96, 64, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(f)
			require.ErrorIs(t, err, models.ErrFrame)
			_, _, err = Check(f)
			require.ErrorIs(t, err, models.ErrFrame)
		})
	}
}

func TestCroppingBeyondTheEdgeFillsWithBlack(t *testing.T) {
	m, err := Decode(models.Frame{Format: models.RGB, Width: 96, Height: 64, Pix: raw(96, 64, 3)})
	require.NoError(t, err)
	defer m.Close()
	for _, c := range []struct {
		r     image.Rectangle
		black bool // at the crop's first pixel
	}{
		{image.Rect(10, 10, 40, 40), false},
		{image.Rect(-10, -10, 20, 20), true},
		{image.Rect(200, 200, 220, 220), true},
		{image.Rect(-50, -50, 300, 300), true},
	} {
		out, err := Crop(m, c.r)
		require.NoError(t, err)
		require.Equal(t, c.r.Size(), image.Pt(out.Cols(), out.Rows()))
		b, g, r := pixel(out, 0, 0)
		require.Equal(t, c.black, b+g+r == 0, "%v", c.r)
		require.NoError(t, out.Close())
	}
	for _, r := range []image.Rectangle{{}, image.Rect(0, 0, 0, 10), image.Rect(0, 0, 9000, 9000)} {
		_, err := Crop(m, r)
		require.ErrorIs(t, err, models.ErrFrame)
	}
}

func TestNothingIsDoneToAMatrixThatIsEmptyOrOfAnotherType(t *testing.T) {
	float := gocv.NewMatWithSize(64, 64, gocv.MatTypeCV32F)
	empty := gocv.NewMat()
	defer float.Close()
	defer empty.Close()
	for name, m := range map[string]gocv.Mat{"no matrix": {}, "an empty one": empty, "floats": float} {
		t.Run(name, func(t *testing.T) {
			_, err := Resize(m, 10, 10)
			require.ErrorIs(t, err, models.ErrFrame)
			_, err = Crop(m, image.Rect(0, 0, 5, 5))
			require.ErrorIs(t, err, models.ErrFrame)
			_, err = Turn(m, 90)
			require.ErrorIs(t, err, models.ErrFrame)
			_, err = ToGrey(m)
			require.ErrorIs(t, err, models.ErrFrame)
			_, err = EncodeJPEG(m, 90)
			require.ErrorIs(t, err, models.ErrFrame)
			_, err = Preview(m)
			require.ErrorIs(t, err, models.ErrFrame)
			_, err = Planes(m, false, []float32{0}, []float32{1})
			require.ErrorIs(t, err, models.ErrFrame)
		})
	}
}

func TestThePreviewFitsTheScreenAndKeepsItsShape(t *testing.T) {
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{1280, 720, 640, 360}, {600, 1200, 240, 480}, {320, 240, 320, 240}, {8000, 40, 640, 3},
	} {
		m, err := Decode(models.Frame{Format: models.RGB, Width: c.w, Height: c.h, Pix: make([]byte, c.w*c.h*3)})
		require.NoError(t, err)
		p, err := Preview(m)
		require.NoError(t, err)
		require.Equal(t, image.Rect(0, 0, c.wantW, c.wantH), p.Rect)
		require.Len(t, p.Pix, 4*c.wantW*c.wantH)
		require.NoError(t, m.Close())
	}
}

func TestPlanesSeparateTheColours(t *testing.T) {
	m, err := Decode(models.Frame{Format: models.RGB, Width: 32, Height: 32, Pix: bytes.Repeat([]byte{10, 20, 30}, 32*32)})
	require.NoError(t, err)
	defer m.Close()
	bgr, err := Planes(m, false, []float32{10}, []float32{0.5})
	require.NoError(t, err)
	require.Equal(t, []float32{10, 5, 0}, []float32{bgr[0], bgr[1024], bgr[2048]})
	rgb, err := Planes(m, true, []float32{10, 20, 30}, []float32{1, 1, 1})
	require.NoError(t, err)
	require.Equal(t, []float32{0, 0, 0}, []float32{rgb[0], rgb[1024], rgb[2048]})
	_, err = Planes(m, false, []float32{1, 2}, []float32{1})
	require.Error(t, err)
}

func TestAnEncodedPictureDecodesAgain(t *testing.T) {
	m, err := Decode(models.Frame{Format: models.JPEG, Pix: jpegOf(t, 96, 64)})
	require.NoError(t, err)
	defer m.Close()
	turned, err := Turn(m, 90)
	require.NoError(t, err)
	defer turned.Close()
	b, err := EncodeJPEG(turned, 95)
	require.NoError(t, err)
	w, h, err := Check(models.Frame{Format: models.JPEG, Pix: b})
	require.NoError(t, err)
	require.Equal(t, [2]int{64, 96}, [2]int{w, h})
}

func FuzzDecodeNeverCrashesAndNeverExceedsItsBounds(f *testing.F) {
	good := jpegOf(f, 96, 64)
	f.Add(good, uint8(0), 96, 64)
	f.Add(withoutTables(f, good), uint8(0), 96, 64)
	f.Add(good[:len(good)/2], uint8(0), 0, 0)
	f.Add(make([]byte, 64*64*2), uint8(1), 64, 64)
	f.Add(make([]byte, 64*64*3), uint8(2), 64, 64)
	var live Buffer
	f.Cleanup(live.Close)
	f.Fuzz(func(t *testing.T, pix []byte, format uint8, w, h int) {
		fr := models.Frame{Format: []models.Format{models.JPEG, models.YUYV, models.RGB, "x"}[format%4], Width: w, Height: h, Pix: pix}
		if cw, ch, err := Check(fr); err == nil && cw*ch > 4<<20 {
			return // allowed, but too slow to decode by the thousand
		}
		small, _, _, liveErr := live.DecodeLive(fr, 64)
		m, err := Decode(fr)
		if err != nil {
			require.ErrorIs(t, err, models.ErrFrame)
			require.ErrorIs(t, liveErr, models.ErrFrame)
			return
		}
		require.NoError(t, liveErr)
		require.NoError(t, BGR(small))
		defer m.Close()
		require.NoError(t, BGR(m))
		_, err = Preview(m)
		require.NoError(t, err)
	})
}
