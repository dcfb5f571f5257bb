package picture

// #cgo pkg-config: opencv4
// #cgo CXXFLAGS: -std=c++11
// #include "buffer.h"
import "C"

import (
	"image"
	"unsafe"

	"gocv.io/x/gocv"

	"vestibule/models"
)

// Buffer decodes frame after frame of a camera into the same memory. The zero value is ready; one
// goroutine at a time. Whoever has one closes it.
type Buffer struct {
	full, less gocv.Mat
	open       bool
}

// Close frees the memory. The Buffer may be used again after it.
func (b *Buffer) Close() {
	if b.open {
		b.full.Close()
		b.less.Close()
	}
	*b = Buffer{}
}

// Pixels is how many pixels the buffer keeps memory for.
func (b *Buffer) Pixels() int {
	if !b.open {
		return 0
	}
	return b.full.Cols()*b.full.Rows() + b.less.Cols()*b.less.Rows()
}

// DecodeLive is Decode for a live look: a frame of which half or a quarter of the size still has
// a longer side of least pixels is given at that size, which for a JPEG costs a fraction of
// the decoding. width and height are the frame's own. The matrix belongs to the buffer and
// is good until the next call.
func (b *Buffer) DecodeLive(f models.Frame, least int) (m gocv.Mat, width, height int, err error) {
	w, h, pix, err := check(f)
	if err != nil {
		return gocv.Mat{}, 0, 0, err
	}
	if !b.open {
		b.full, b.less, b.open = gocv.NewMat(), gocv.NewMat(), true
	}
	by := 1
	switch longer := max(w, h); {
	case least < 1:
	case longer >= 4*least && min(w, h) >= 4*models.MinFrameSide:
		by = 4
	case longer >= 2*least && min(w, h) >= 2*models.MinFrameSide:
		by = 2
	}
	if f.Format != models.JPEG {
		channels, code := 3, gocv.ColorBGRToRGB
		if f.Format == models.YUYV {
			channels, code = 2, gocv.ColorYUVToBGRYUY2
		}
		if C.vp_convert((*C.uchar)(unsafe.Pointer(&pix[0])), C.int(w), C.int(h), C.int(channels), C.int(code), unsafe.Pointer(b.full.Ptr())) != 0 {
			return gocv.Mat{}, 0, 0, errf("pixels cannot be converted")
		}
		if err := BGR(b.full); err != nil || by == 1 {
			return b.full, w, h, err
		}
		gocv.Resize(b.full, &b.less, image.Pt(w/by, h/by), 0, 0, gocv.InterpolationArea)
		return b.less, w, h, nil
	}
	how := gocv.IMReadColor
	switch by {
	case 2:
		how = gocv.IMReadReducedColor2
	case 4:
		how = gocv.IMReadReducedColor4
	}
	failed := C.vp_decode((*C.uchar)(unsafe.Pointer(&pix[0])), C.int(len(pix)), C.int(how), unsafe.Pointer(b.full.Ptr())) != 0
	wide, high := (w+by-1)/by, (h+by-1)/by
	m = b.full
	// EXIF may have turned it, never resized it.
	if failed || m.Empty() || m.Type() != gocv.MatTypeCV8UC3 || m.Cols()*m.Rows() != wide*high || m.Cols() != wide && m.Cols() != high {
		return gocv.Mat{}, 0, 0, errf("JPEG cannot be decoded")
	}
	if m.Cols() != wide {
		w, h = h, w
	}
	return m, w, h, nil
}
