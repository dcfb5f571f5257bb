package barcode

// #cgo pkg-config: zxing
// #cgo CXXFLAGS: -std=c++17
// #include "zxing.h"
import "C"

import (
	"errors"
	"unsafe"

	"gocv.io/x/gocv"
)

// maxData bounds what one symbol may say: 928 codewords (ISO/IEC 15438 section 5.2.4)
// hold 2710 digits at most.
const maxData = 4096

// binarizer is how the library makes pixels black and white.
type binarizer int

const (
	local  binarizer = C.VB_LOCAL  // against the neighbourhood
	global binarizer = C.VB_GLOBAL // one threshold for all, from the histogram
	fixed  binarizer = C.VB_FIXED  // 127
)

var errLibrary = errors.New("barcode library failed")

// decode reads the symbol in an upright grey picture; nil data means there is none. The
// corners are the symbol's own, in pixels of the picture.
func decode(grey gocv.Mat, b binarizer) (data []byte, corners [4]vec, err error) {
	if grey.Empty() || grey.Type() != gocv.MatTypeCV8UC1 || !grey.IsContinuous() {
		return nil, corners, errLibrary
	}
	pix, err := grey.DataPtrUint8()
	if err != nil || len(pix) < grey.Cols()*grey.Rows() {
		return nil, corners, errLibrary
	}
	out := make([]byte, maxData)
	var at [8]C.int
	n := C.vb_read((*C.uchar)(unsafe.Pointer(&pix[0])), C.int(grey.Cols()), C.int(grey.Rows()), C.int(b),
		(*C.uchar)(unsafe.Pointer(&out[0])), C.int(len(out)), &at[0])
	switch {
	case n == 0:
		return nil, corners, nil
	case n < 0:
		return nil, corners, errLibrary
	}
	for i := range corners {
		corners[i] = vec{float64(at[2*i]), float64(at[2*i+1])}
	}
	return out[:n], corners, nil
}
