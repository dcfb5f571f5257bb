package camera

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxSide bounds the width and height of a frame that a driver passes on.
const MaxSide = 8192

// ErrNotJPEG says that a frame is no whole JPEG picture.
var ErrNotJPEG = errors.New("not a whole JPEG picture")

// JPEG is what the markers of a JPEG picture say, without decoding it.
type JPEG struct {
	Width, Height int
	Length        int // bytes up to and including the end marker; what follows is padding
}

// The markers of ITU-T T.81, table B.1, that are looked at.
const (
	markSOI = 0xD8
	markEOI = 0xD9
	markSOS = 0xDA
	markTEM = 0x01
)

// ScanJPEG walks the markers of b. It wants a start marker, a frame header with
// a size between 1 and MaxSide, a scan, and an end marker behind the scan: a
// decoder fills a picture that was cut off with grey, silently, so completeness
// is checked here. Motion JPEG without Huffman tables passes.
func ScanJPEG(b []byte) (JPEG, error) {
	if len(b) < 4 || b[0] != 0xFF || b[1] != markSOI {
		return JPEG{}, fmt.Errorf("%w: no start marker", ErrNotJPEG)
	}
	var j JPEG
	for at := 2; ; {
		for at < len(b) && b[at] == 0xFF && at+1 < len(b) && b[at+1] == 0xFF {
			at++ // fill bytes
		}
		if at+4 > len(b) || b[at] != 0xFF {
			return JPEG{}, fmt.Errorf("%w: markers end early", ErrNotJPEG)
		}
		mark := b[at+1]
		if mark == markTEM || (mark >= 0xD0 && mark <= 0xD7) {
			at += 2
			continue
		}
		if mark == markEOI || mark == markSOI || mark == 0 {
			return JPEG{}, fmt.Errorf("%w: marker %#x before any scan", ErrNotJPEG, mark)
		}
		size := int(binary.BigEndian.Uint16(b[at+2:]))
		if size < 2 || at+2+size > len(b) {
			return JPEG{}, fmt.Errorf("%w: a segment runs past the end", ErrNotJPEG)
		}
		body := b[at+4 : at+2+size]
		if isFrameHeader(mark) {
			if len(body) < 6 {
				return JPEG{}, fmt.Errorf("%w: frame header too short", ErrNotJPEG)
			}
			j.Height = int(binary.BigEndian.Uint16(body[1:]))
			j.Width = int(binary.BigEndian.Uint16(body[3:]))
			if j.Width < 1 || j.Height < 1 || j.Width > MaxSide || j.Height > MaxSide {
				return JPEG{}, fmt.Errorf("%w: size %d×%d", ErrNotJPEG, j.Width, j.Height)
			}
		}
		at += 2 + size
		if mark != markSOS {
			continue
		}
		if j.Width == 0 {
			return JPEG{}, fmt.Errorf("%w: scan before the frame header", ErrNotJPEG)
		}
		end := bytes.LastIndex(b[at:], []byte{0xFF, markEOI})
		if end < 0 {
			return JPEG{}, fmt.Errorf("%w: no end marker", ErrNotJPEG)
		}
		j.Length = at + end + 2
		return j, nil
	}
}

// isFrameHeader tells the SOF markers from DHT, JPG and DAC, which lie among them.
func isFrameHeader(m byte) bool {
	return m >= 0xC0 && m <= 0xCF && m != 0xC4 && m != 0xC8 && m != 0xCC
}
