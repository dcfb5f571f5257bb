// Package picture turns untrusted frames into pixels and pixels into pictures.
//
// What may live here: checking, decoding, converting, cropping, scaling and
// encoding. What may not: judging what is seen (quality, document, face).
//
// OpenCV ends the process on a misuse, so every function here checks what it
// hands over: nothing in this package panics or aborts on any input. Pixels are
// OpenCV matrices of 8-bit BGR unless said otherwise; whoever gets one closes it.
package picture

import (
	"errors"
	"fmt"
	"image"
	"math"
	"runtime"

	"gocv.io/x/gocv"

	"vestibule/models"
)

// MaxPixels bounds the area of a decoded picture: an A4 page at 600 dpi has 35 million.
const MaxPixels = 40_000_000

// Preview bounds.
const (
	PreviewWidth  = 640
	PreviewHeight = 480
)

// errf makes a models.ErrFrame with a reason.
func errf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", models.ErrFrame, fmt.Sprintf(format, args...))
}

// bounds checks the size of a picture.
func bounds(w, h int) error {
	if w < models.MinFrameSide || h < models.MinFrameSide || w > models.MaxFrameSide || h > models.MaxFrameSide {
		return errf("size %d × %d is outside %d..%d", w, h, models.MinFrameSide, models.MaxFrameSide)
	}
	if w*h > MaxPixels {
		return errf("size %d × %d is more than %d pixels", w, h, MaxPixels)
	}
	return nil
}

// Check looks at a frame without decoding it and returns its true size: for a
// JPEG its own header's, whatever the driver says. It fails with
// models.ErrFrame for everything Decode would refuse without decoding.
func Check(f models.Frame) (width, height int, err error) {
	width, height, _, err = check(f)
	return width, height, err
}

func check(f models.Frame) (width, height int, pix []byte, err error) {
	if len(f.Pix) == 0 || len(f.Pix) > models.MaxFrameBytes {
		return 0, 0, nil, errf("%d bytes, want 1..%d", len(f.Pix), models.MaxFrameBytes)
	}
	if f.Format == models.JPEG {
		h, err := parseJPEG(f.Pix)
		if err != nil {
			return 0, 0, nil, err
		}
		if err := bounds(h.width, h.height); err != nil {
			return 0, 0, nil, err
		}
		return h.width, h.height, f.Pix[:h.end], nil
	}
	if err := bounds(f.Width, f.Height); err != nil {
		return 0, 0, nil, err
	}
	size := 0
	switch f.Format {
	case models.YUYV:
		if f.Width%2 != 0 {
			return 0, 0, nil, errf("YUYV with an odd width of %d", f.Width)
		}
		size = f.Width * f.Height * 2
	case models.RGB:
		size = f.Width * f.Height * 3
	default:
		return 0, 0, nil, errf("format %.16q is not known", string(f.Format))
	}
	if len(f.Pix) != size {
		return 0, 0, nil, errf("%s of %d × %d has %d bytes, want %d", f.Format, f.Width, f.Height, len(f.Pix), size)
	}
	return f.Width, f.Height, f.Pix, nil
}

// Decode returns the frame's pixels as BGR. The caller closes the matrix.
// Every failure is a models.ErrFrame.
func Decode(f models.Frame) (gocv.Mat, error) {
	w, h, pix, err := check(f)
	if err != nil {
		return gocv.Mat{}, err
	}
	switch f.Format {
	case models.JPEG:
		m, err := gocv.IMDecode(pix, gocv.IMReadColor)
		if err != nil {
			return gocv.Mat{}, errf("decode JPEG: %v", err)
		}
		// EXIF may have turned it, never resized it.
		if m.Empty() || m.Type() != gocv.MatTypeCV8UC3 || m.Cols()*m.Rows() != w*h || m.Cols() != w && m.Cols() != h {
			m.Close()
			return gocv.Mat{}, errf("JPEG cannot be decoded")
		}
		return m, nil
	case models.YUYV:
		return convert(pix, w, h, gocv.MatTypeCV8UC2, gocv.ColorYUVToBGRYUY2)
	default:
		return convert(pix, w, h, gocv.MatTypeCV8UC3, gocv.ColorBGRToRGB)
	}
}

// convert copies raw bytes of the exact size through a colour conversion.
func convert(pix []byte, w, h int, mt gocv.MatType, code gocv.ColorConversionCode) (gocv.Mat, error) {
	src, err := gocv.NewMatFromBytes(h, w, mt, pix)
	if err != nil {
		return gocv.Mat{}, errf("wrap pixels: %v", err)
	}
	defer runtime.KeepAlive(pix)
	defer src.Close()
	dst := gocv.NewMat()
	gocv.CvtColor(src, &dst, code)
	if err := BGR(dst); err != nil {
		dst.Close()
		return gocv.Mat{}, err
	}
	return dst, nil
}

// BGR checks that m is a non-empty 8-bit BGR matrix within bounds. Call it
// before handing a matrix of unknown origin to OpenCV.
func BGR(m gocv.Mat) error { return is(m, gocv.MatTypeCV8UC3) }

// Grey checks that m is a non-empty 8-bit single-channel matrix within bounds.
func Grey(m gocv.Mat) error { return is(m, gocv.MatTypeCV8UC1) }

func is(m gocv.Mat, t gocv.MatType) error {
	if m.Ptr() == nil || m.Empty() {
		return errf("no pixels")
	}
	if m.Type() != t {
		return errf("pixel type %d, want %d", m.Type(), t)
	}
	if m.Cols() > models.MaxFrameSide || m.Rows() > models.MaxFrameSide || m.Cols()*m.Rows() > MaxPixels {
		return errf("size %d × %d is too large", m.Cols(), m.Rows())
	}
	return nil
}

// ToGrey returns the 8-bit luma of a BGR matrix.
func ToGrey(m gocv.Mat) (gocv.Mat, error) {
	if err := BGR(m); err != nil {
		return gocv.Mat{}, err
	}
	g := gocv.NewMat()
	gocv.CvtColor(m, &g, gocv.ColorBGRToGray)
	return g, nil
}

// Resize returns m (BGR or grey) with the given size. Shrinking averages
// areas, growing interpolates linearly.
func Resize(m gocv.Mat, width, height int) (gocv.Mat, error) {
	how := gocv.InterpolationLinear
	if m.Ptr() != nil && width < m.Cols() && height < m.Rows() {
		how = gocv.InterpolationArea
	}
	return ResizeBy(m, width, height, how)
}

// ResizeBy is Resize with a chosen interpolation. Networks that were trained
// with plain bilinear sampling want gocv.InterpolationLinear.
func ResizeBy(m gocv.Mat, width, height int, how gocv.InterpolationFlags) (gocv.Mat, error) {
	if BGR(m) != nil && Grey(m) != nil {
		return gocv.Mat{}, BGR(m)
	}
	if width < 1 || height < 1 || width > models.MaxFrameSide || height > models.MaxFrameSide || width*height > MaxPixels {
		return gocv.Mat{}, errf("size %d × %d is out of bounds", width, height)
	}
	out := gocv.NewMat()
	gocv.Resize(m, &out, image.Pt(width, height), 0, 0, how)
	return out, nil
}

// Within returns the largest size with the aspect of w × h that fits into
// maxW × maxH and does not grow.
func Within(w, h, maxW, maxH int) (int, int) {
	s := math.Min(1, math.Min(float64(maxW)/float64(w), float64(maxH)/float64(h)))
	return max(1, int(math.Round(float64(w)*s))), max(1, int(math.Round(float64(h)*s)))
}

// Crop copies the rectangle out of m (BGR or grey). What lies outside m is
// black, so the result always has the rectangle's size.
func Crop(m gocv.Mat, r image.Rectangle) (gocv.Mat, error) {
	if BGR(m) != nil && Grey(m) != nil {
		return gocv.Mat{}, BGR(m)
	}
	if r.Dx() < 1 || r.Dy() < 1 || r.Dx() > models.MaxFrameSide || r.Dy() > models.MaxFrameSide || r.Dx()*r.Dy() > MaxPixels {
		return gocv.Mat{}, errf("crop %v is out of bounds", r)
	}
	whole := image.Rect(0, 0, m.Cols(), m.Rows())
	in := r.Intersect(whole)
	if in == r {
		v := m.Region(r)
		defer v.Close()
		return v.Clone(), nil
	}
	out := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(0, 0, 0, 0), r.Dy(), r.Dx(), m.Type())
	if in.Empty() {
		return out, nil
	}
	src, dst := m.Region(in), out.Region(in.Sub(r.Min))
	defer src.Close()
	defer dst.Close()
	src.CopyTo(&dst)
	return out, nil
}

// Turn turns m clockwise by 0, 90, 180 or 270 degrees.
func Turn(m gocv.Mat, degrees int) (gocv.Mat, error) {
	if BGR(m) != nil && Grey(m) != nil {
		return gocv.Mat{}, BGR(m)
	}
	out := gocv.NewMat()
	switch degrees {
	case 0:
		m.CopyTo(&out)
	case 90:
		gocv.Rotate(m, &out, gocv.Rotate90Clockwise)
	case 180:
		gocv.Rotate(m, &out, gocv.Rotate180Clockwise)
	case 270:
		gocv.Rotate(m, &out, gocv.Rotate90CounterClockwise)
	default:
		out.Close()
		return gocv.Mat{}, errf("turn by %d degrees, want 0, 90, 180 or 270", degrees)
	}
	return out, nil
}

// EncodeJPEG returns m (BGR or grey) as JPEG of the given quality, 1..100.
func EncodeJPEG(m gocv.Mat, quality int) ([]byte, error) {
	if BGR(m) != nil && Grey(m) != nil {
		return nil, BGR(m)
	}
	b, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, m, []int{int(gocv.IMWriteJpegQuality), min(max(quality, 1), 100)})
	if err != nil {
		return nil, fmt.Errorf("encode JPEG: %w", err)
	}
	defer b.Close()
	return append([]byte(nil), b.GetBytes()...), nil
}

// Preview returns m as an NRGBA image no larger than PreviewWidth ×
// PreviewHeight, for the screen.
func Preview(m gocv.Mat) (*image.NRGBA, error) {
	if err := BGR(m); err != nil {
		return nil, err
	}
	w, h := Within(m.Cols(), m.Rows(), PreviewWidth, PreviewHeight)
	small, err := ResizeBy(m, w, h, gocv.InterpolationLinear)
	if err != nil {
		return nil, err
	}
	defer small.Close()
	rgba := gocv.NewMat()
	defer rgba.Close()
	gocv.CvtColor(small, &rgba, gocv.ColorBGRToRGBA)
	return &image.NRGBA{Pix: rgba.ToBytes(), Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}, nil
}

// PreviewOf decodes a frame for the screen, no larger than width × height. A JPEG
// is decoded at half, a quarter or an eighth of its size where that is still
// enough, which costs a fraction of the whole.
func PreviewOf(f models.Frame, width, height int) (*image.NRGBA, error) {
	w, h, pix, err := check(f)
	if err != nil {
		return nil, err
	}
	if width < 1 || height < 1 || width > PreviewWidth || height > PreviewHeight {
		return nil, fmt.Errorf("preview of %d × %d is out of bounds", width, height)
	}
	var m gocv.Mat
	if f.Format == models.JPEG {
		how := gocv.IMReadColor
		toW, _ := Within(w, h, width, height)
		switch {
		case w >= 8*toW:
			how = gocv.IMReadReducedColor8
		case w >= 4*toW:
			how = gocv.IMReadReducedColor4
		case w >= 2*toW:
			how = gocv.IMReadReducedColor2
		}
		if m, err = gocv.IMDecode(pix, how); err != nil {
			return nil, errf("decode JPEG: %v", err)
		}
	} else if m, err = Decode(f); err != nil {
		return nil, err
	}
	defer m.Close()
	if err := BGR(m); err != nil {
		return nil, err
	}
	w, h = Within(m.Cols(), m.Rows(), width, height)
	small, err := ResizeBy(m, w, h, gocv.InterpolationLinear)
	if err != nil {
		return nil, err
	}
	defer small.Close()
	rgba := gocv.NewMat()
	defer rgba.Close()
	gocv.CvtColor(small, &rgba, gocv.ColorBGRToRGBA)
	return &image.NRGBA{Pix: rgba.ToBytes(), Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}, nil
}

// Planes writes m (BGR or grey) as separate colour planes (NCHW without the N)
// of (value − mean[c]) × scale[c]. With rgb the planes of a BGR matrix come out
// in the order red, green, blue; mean and scale are in the order of the planes
// and hold one value for all or one per plane.
func Planes(m gocv.Mat, rgb bool, mean, scale []float32) ([]float32, error) {
	if BGR(m) != nil && Grey(m) != nil {
		return nil, BGR(m)
	}
	out := make([]float32, m.Rows()*m.Cols()*m.Channels())
	if err := PlanesInto(out, m, rgb, mean, scale); err != nil {
		return nil, err
	}
	return out, nil
}

// PlanesInto is Planes that writes to a slice of exactly the right length.
func PlanesInto(out []float32, m gocv.Mat, rgb bool, mean, scale []float32) error {
	if BGR(m) != nil && Grey(m) != nil {
		return BGR(m)
	}
	c := m.Channels()
	if len(mean) != 1 && len(mean) != c || len(scale) != 1 && len(scale) != c {
		return errors.New("planes: one mean and one scale, or one per channel")
	}
	var pix []byte
	if m.IsContinuous() {
		var err error
		if pix, err = m.DataPtrUint8(); err != nil {
			return errf("pixels: %v", err)
		}
	} else {
		pix = m.ToBytes()
	}
	area := m.Rows() * m.Cols()
	if len(pix) != area*c || len(out) != area*c {
		return errf("%d bytes of pixels for %d values, want %d", len(pix), len(out), area*c)
	}
	for p := range c {
		from := p
		if rgb && c == 3 {
			from = 2 - p
		}
		mu, s := mean[min(p, len(mean)-1)], scale[min(p, len(scale)-1)]
		var table [256]float32
		for v := range table {
			table[v] = (float32(v) - mu) * s
		}
		dst := out[p*area : (p+1)*area]
		for i, j := 0, from; i < area; i, j = i+1, j+c {
			dst[i] = table[pix[j]]
		}
	}
	return nil
}
