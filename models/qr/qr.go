// Package qr reads QR codes (ISO/IEC 18004) in a camera's pictures: the one that an operator shows to a kiosk that is
// being set up.
//
// What may live here: pixels in, bytes of one code out, through the library (zxing-cpp) and the one C++ file. What may
// not: what the bytes say, other symbologies (package barcode has the ones on documents), drawing codes.
package qr

// #cgo pkg-config: zxing
// #cgo CXXFLAGS: -std=c++17
// #include "zxing.h"
import "C"

import (
	"context"
	"fmt"
	"unsafe"

	"gocv.io/x/gocv"

	"vestibule/models"
)

// MaxData bounds what one code may say, bytes: version 40 holds 2953 (ISO/IEC 18004, table 7).
const MaxData = 2953

// Read looks for a code in a picture (8-bit BGR). None is no error: data is nil then. A matrix that is no picture is
// models.ErrFrame. The code's own error correction is all that tells a right reading from a wrong one, so what it says
// has to bear a check of its own.
func Read(ctx context.Context, bgr gocv.Mat) (data []byte, err error) {
	switch {
	case bgr.Ptr() == nil || bgr.Empty():
		return nil, fmt.Errorf("read code: %w: empty", models.ErrFrame)
	case bgr.Type() != gocv.MatTypeCV8UC3:
		return nil, fmt.Errorf("read code: %w: not 8-bit BGR", models.ErrFrame)
	case bgr.Cols() > models.MaxFrameSide || bgr.Rows() > models.MaxFrameSide:
		return nil, fmt.Errorf("read code: %w: size %d × %d is above %d", models.ErrFrame, bgr.Cols(), bgr.Rows(), models.MaxFrameSide)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	grey := gocv.NewMat()
	defer grey.Close()
	gocv.CvtColor(bgr, &grey, gocv.ColorBGRToGray)
	if data, err = read(grey); err != nil || data != nil {
		return data, err
	}
	// The library takes dark modules on light ground only; a dark screen may show the code the other way round.
	gocv.BitwiseNot(grey, &grey)
	return read(grey)
}

func read(grey gocv.Mat) ([]byte, error) {
	pix, err := grey.DataPtrUint8()
	if err != nil || !grey.IsContinuous() || len(pix) < grey.Cols()*grey.Rows() {
		return nil, fmt.Errorf("read code: %w: no plain pixels", models.ErrFrame)
	}
	out := make([]byte, MaxData)
	n := C.vq_read((*C.uchar)(unsafe.Pointer(&pix[0])), C.int(grey.Cols()), C.int(grey.Rows()), (*C.uchar)(unsafe.Pointer(&out[0])), C.int(len(out)))
	if n <= 0 { // that the library threw is no more than a picture without a code
		return nil, nil
	}
	return out[:n], nil
}
