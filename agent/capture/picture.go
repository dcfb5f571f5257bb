package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"time"

	"vestibule/hardware/camera"
	"vestibule/models"
)

// maxPreviewPixels bounds what is decoded for a live picture.
const maxPreviewPixels = 3840 * 2160

// previewLimit is how long an engine may take over a live picture before it is
// made here: the picture must not freeze because a worker does.
const previewLimit = 500 * time.Millisecond

// preview makes a live picture of a frame, no larger than size. Pixels come from
// outside: what Go decodes cannot harm its memory.
func preview(ctx context.Context, e models.Engine, f models.Frame, size image.Point) (*image.NRGBA, error) {
	if p, ok := e.(Previewer); ok {
		call, cancel := context.WithTimeout(ctx, previewLimit)
		img, err := p.Preview(call, f, size.X, size.Y)
		cancel()
		if err == nil || errors.Is(err, models.ErrFrame) || ctx.Err() != nil {
			return img, err
		}
	}
	return Picture(f, size)
}

// Picture decodes a frame in Go, no larger than size.
func Picture(f models.Frame, size image.Point) (*image.NRGBA, error) {
	switch f.Format {
	case models.JPEG:
		return previewJPEG(f.Pix, size)
	case models.YUYV:
		return previewYUYV(f, size)
	}
	return nil, errFormat
}

func previewJPEG(b []byte, size image.Point) (*image.NRGBA, error) {
	head, err := camera.ScanJPEG(b)
	if err != nil {
		return nil, err
	}
	if head.Width*head.Height > maxPreviewPixels {
		return nil, fmt.Errorf("live picture: %d×%d is too large", head.Width, head.Height)
	}
	img, err := jpeg.Decode(bytes.NewReader(WithTables(b[:head.Length])))
	if err != nil {
		return nil, fmt.Errorf("live picture: %w", err)
	}
	return shrink(img, size), nil
}

// fit gives the size of a picture of w×h inside limit, and never enlarges.
func fit(w, h int, limit image.Point) (int, int) {
	if w <= limit.X && h <= limit.Y {
		return w, h
	}
	if w*limit.Y > h*limit.X {
		return limit.X, max(1, h*limit.X/w)
	}
	return max(1, w*limit.Y/h), limit.Y
}

// shrink samples a picture down. Nearest neighbour is enough to aim by, and costs
// a tenth of an average.
func shrink(img image.Image, limit image.Point) *image.NRGBA {
	b := img.Bounds()
	w, h := fit(b.Dx(), b.Dy(), limit)
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	ycc, isYCC := img.(*image.YCbCr)
	for y := range h {
		sy := b.Min.Y + y*b.Dy()/h
		row := out.Pix[y*out.Stride : y*out.Stride+4*w]
		for x := range w {
			sx := b.Min.X + x*b.Dx()/w
			var r, g, bl uint8
			if isYCC {
				yi, ci := ycc.YOffset(sx, sy), ycc.COffset(sx, sy)
				r, g, bl = color.YCbCrToRGB(ycc.Y[yi], ycc.Cb[ci], ycc.Cr[ci])
			} else {
				r16, g16, b16, _ := img.At(sx, sy).RGBA()
				r, g, bl = uint8(r16>>8), uint8(g16>>8), uint8(b16>>8)
			}
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = r, g, bl, 255
		}
	}
	return out
}

var errShort = errors.New("frame is shorter than its size says")

func previewYUYV(f models.Frame, limit image.Point) (*image.NRGBA, error) {
	if f.Width < 2 || f.Height < 1 || f.Width > models.MaxFrameSide || f.Height > models.MaxFrameSide ||
		len(f.Pix) < f.Width*f.Height*2 {
		return nil, errShort
	}
	w, h := fit(f.Width, f.Height, limit)
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		line := f.Pix[(y*f.Height/h)*f.Width*2:]
		row := out.Pix[y*out.Stride : y*out.Stride+4*w]
		for x := range w {
			sx := x * f.Width / w
			pair := min(sx/2*4, (f.Width*2-4)/4*4)
			r, g, b := color.YCbCrToRGB(line[min(sx*2, f.Width*2-2)], line[pair+1], line[pair+3])
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = r, g, b, 255
		}
	}
	return out, nil
}

// WithTables gives a JPEG picture with Huffman tables: motion JPEG may leave the
// usual ones out (ITU-T T.81 Annex K.3), which Go's decoder does not know.
func WithTables(b []byte) []byte {
	if len(b) < 4 || hasTables(b) {
		return b
	}
	tables := usualTables()
	out := make([]byte, 0, len(b)+len(tables))
	out = append(out, b[:2]...)
	out = append(out, tables...)
	return append(out, b[2:]...)
}

// hasTables looks for a DHT marker before the first scan.
func hasTables(b []byte) bool {
	for at := 2; at+4 <= len(b) && b[at] == 0xFF; {
		switch mark := b[at+1]; {
		case mark == 0xC4:
			return true
		case mark == 0xDA:
			return false
		case mark == 0xFF:
			at++
			continue
		case mark == 0x01 || mark >= 0xD0 && mark <= 0xD9:
			at += 2
			continue
		}
		at += 2 + int(b[at+2])<<8 + int(b[at+3])
	}
	return false
}

// usualTables writes one DHT segment with the four tables of T.81 Annex K.3.
func usualTables() []byte {
	dcValues := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	tables := []struct {
		class  byte
		counts [16]byte
		values []byte
	}{
		{0x00, [16]byte{0, 1, 5, 1, 1, 1, 1, 1, 1}, dcValues},
		{0x10, [16]byte{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d}, acLuminance()},
		{0x01, [16]byte{0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}, dcValues},
		{0x11, [16]byte{0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77}, acChrominance()},
	}
	var body []byte
	for _, t := range tables {
		body = append(body, t.class)
		body = append(body, t.counts[:]...)
		body = append(body, t.values...)
	}
	size := len(body) + 2
	return append([]byte{0xFF, 0xC4, byte(size >> 8), byte(size)}, body...)
}

// Tables K.5 and K.6: after the irregular beginning every run of zeros continues
// with the remaining sizes in order.
func acLuminance() []byte {
	return []byte{
		0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
		0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0,
		0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
		0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
		0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
		0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
		0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
		0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5,
		0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
		0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
		0xf9, 0xfa,
	}
}

func acChrominance() []byte {
	return []byte{
		0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
		0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0,
		0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
		0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
		0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
		0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
		0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
		0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
		0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
		0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
		0xf9, 0xfa,
	}
}
