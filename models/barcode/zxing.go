package barcode

// #cgo pkg-config: zxing
// #cgo CXXFLAGS: -std=c++17
// #include "zxing.h"
import "C"

import (
	"unsafe"

	"gocv.io/x/gocv"
)

// maxData bounds what one symbol may say: 928 codewords (ISO/IEC 15438)
// hold 2710 digits at most.
const maxData = 4096

// binarizer is how the library makes pixels black and white.
type binarizer int

const (
	local  binarizer = C.VB_LOCAL  // against the neighbourhood
	global binarizer = C.VB_GLOBAL // one threshold for all, from the histogram
)

// decode reads the symbol in an upright grey picture; nil data means there is none that
// can be read. The corners are the symbol's own, in pixels of the picture. That the library
// threw, or that a symbol says more than one can, is no more than a try that failed.
func decode(grey gocv.Mat, b binarizer) (data []byte, corners [4]vec) {
	if grey.Empty() || grey.Type() != gocv.MatTypeCV8UC1 || !grey.IsContinuous() {
		return nil, corners
	}
	pix, err := grey.DataPtrUint8()
	if err != nil || len(pix) < grey.Cols()*grey.Rows() {
		return nil, corners
	}
	out := make([]byte, maxData)
	var at [8]C.int
	n := C.vb_read((*C.uchar)(unsafe.Pointer(&pix[0])), C.int(grey.Cols()), C.int(grey.Rows()), C.int(b),
		(*C.uchar)(unsafe.Pointer(&out[0])), C.int(len(out)), &at[0])
	if n <= 0 {
		return nil, corners
	}
	for i := range corners {
		corners[i] = vec{float64(at[2*i]), float64(at[2*i+1])}
	}
	return out[:n], corners
}
