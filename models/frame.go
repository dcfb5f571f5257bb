package models

import "time"

// Format is how the bytes of a Frame are to be read.
type Format string

// The formats an Engine takes. Anything else is refused with ErrFrame.
const (
	JPEG Format = "jpeg" // one whole JPEG picture, with or without Huffman tables (MJPEG)
	YUYV Format = "yuyv" // packed 4:2:2, Width*Height*2 bytes
	RGB  Format = "rgb"  // packed 8-bit, Width*Height*3 bytes
)

// Bounds of a frame. Larger ones are refused before a byte is decoded.
const (
	MaxFrameBytes = 32 << 20
	MaxFrameSide  = 8192
	MinFrameSide  = 32
)

// Frame is one untrusted picture from a camera, a scanner or a file.
// Width and Height are what the driver says; a JPEG's own header wins.
type Frame struct {
	Format Format
	Width  int
	Height int
	Pix    []byte
	At     time.Time
	Seq    uint64
}

// Point is a place in a picture, in parts of its width and height (0..1).
type Point struct{ X, Y float64 }

// Quad is a four-cornered outline: top left, top right, bottom right, bottom
// left of the thing itself, however it is turned in the picture.
type Quad [4]Point

// Box is an upright rectangle in parts of the picture's width and height.
type Box struct{ X1, Y1, X2, Y2 float64 }
