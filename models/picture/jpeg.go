package picture

import (
	"bytes"
	"errors"
	"fmt"
)

// A JPEG's markers, ITU-T T.81 table B.1.
const (
	mSOF0 = 0xC0
	mSOF1 = 0xC1
	mSOF2 = 0xC2
	mDHT  = 0xC4
	mJPG  = 0xC8
	mDAC  = 0xCC
	mRST0 = 0xD0
	mRST7 = 0xD7
	mSOI  = 0xD8
	mEOI  = 0xD9
	mSOS  = 0xDA
	mDNL  = 0xDC
	mTEM  = 0x01
)

// maxScans bounds a progressive picture: each scan is a pass over all pixels,
// and real encoders use about ten.
const maxScans = 32

// errCoding marks a JPEG that is whole, but coded in a way that is not read.
var errCoding = errors.New("not supported")

func coding(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errf(format, args...), errCoding)
}

type jpegHeader struct {
	width, height int
	end           int // bytes up to and including EOI
}

// parseJPEG walks a whole JPEG from SOI to EOI without decoding a pixel. OpenCV
// takes a half picture silently and believes any header, so both are settled here.
func parseJPEG(b []byte) (jpegHeader, error) {
	var h jpegHeader
	if len(b) < 4 || b[0] != 0xFF || b[1] != mSOI {
		return h, errf("not a JPEG: no start marker")
	}
	scans := 0
	for i := 2; ; {
		// A marker may be preceded by any number of fill bytes.
		if i >= len(b) {
			return h, errf("JPEG is cut off: no end marker")
		}
		if b[i] != 0xFF {
			return h, errf("JPEG is damaged: no marker where one belongs")
		}
		for i < len(b) && b[i] == 0xFF {
			i++
		}
		if i >= len(b) {
			return h, errf("JPEG is cut off: no end marker")
		}
		m := b[i]
		i++
		switch {
		case m == mEOI:
			if scans == 0 {
				return h, errf("JPEG holds no picture")
			}
			h.end = i
			return h, nil
		case m == mSOI || m == 0x00:
			return h, errf("JPEG is damaged: unexpected marker")
		case m == mTEM || m >= mRST0 && m <= mRST7:
			continue // no length
		}
		if i+2 > len(b) {
			return h, errf("JPEG is cut off: no end marker")
		}
		n := int(b[i])<<8 | int(b[i+1])
		if n < 2 || i+n > len(b) {
			return h, errf("JPEG is cut off: a segment leaves the data")
		}
		seg := b[i+2 : i+n]
		i += n
		switch {
		case m >= mSOF0 && m <= 0xCF && m != mDHT && m != mJPG && m != mDAC:
			if m > mSOF2 {
				return h, coding("JPEG coding %#x", m)
			}
			if h.width != 0 {
				return h, errf("JPEG has two frame headers")
			}
			if len(seg) < 6 {
				return h, errf("JPEG has a frame header of %d bytes", len(seg))
			}
			if seg[0] != 8 {
				return h, coding("JPEG is not 8-bit")
			}
			c := int(seg[5])
			if c != 1 && c != 3 {
				return h, coding("JPEG has %d colour components, want 1 or 3", c)
			}
			if len(seg) != 6+3*c {
				return h, errf("JPEG has a frame header of %d bytes", len(seg))
			}
			for k := range c {
				if s := seg[6+3*k+1]; s>>4 < 1 || s>>4 > 4 || s&15 < 1 || s&15 > 4 {
					return h, errf("JPEG has a wrong sampling factor")
				}
			}
			h.height, h.width = int(seg[1])<<8|int(seg[2]), int(seg[3])<<8|int(seg[4])
			if err := bounds(h.width, h.height); err != nil {
				return h, err
			}
		case m == mDNL:
			return h, coding("JPEG changes its height on the way")
		case m == mSOS:
			if h.width == 0 {
				return h, errf("JPEG has data before its header")
			}
			if scans++; scans > maxScans {
				return h, coding("JPEG has more than %d scans", maxScans)
			}
			// Entropy-coded data: up to the next marker that is not a restart.
			for {
				k := bytes.IndexByte(b[i:], 0xFF)
				if i += k; k < 0 || i+1 >= len(b) {
					return h, errf("JPEG is cut off: no end marker")
				}
				if next := b[i+1]; next != 0x00 && next != 0xFF && (next < mRST0 || next > mRST7) {
					break
				} else if next == 0xFF {
					i++ // fill byte
				} else {
					i += 2
				}
			}
		}
	}
}
