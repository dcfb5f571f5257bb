package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"os"

	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"vestibule/models"
)

// Codes of a FileError.
const (
	FileMissing     = "picture_missing"
	FileDenied      = "picture_denied"
	FileEmpty       = "picture_empty"
	FileHuge        = "picture_huge"        // more bytes or pixels than are taken
	FileTiny        = "picture_tiny"        // fewer pixels than are taken
	FileUnknown     = "picture_unknown"     // no picture, or of no known kind
	FileUnsupported = "picture_unsupported" // a known kind that is not read
	FileMoving      = "picture_moving"      // several pictures in one: animation or pages
	FileDamaged     = "picture_damaged"     // cut off, or contradicting itself
)

// FileError says why a file gives no frame: to a program by its Code, to a person by
// Message and Hint. It is a models.ErrFrame, and fs.ErrNotExist where there is no file.
// None of its texts holds the file's name.
type FileError struct {
	Code, Message, Hint string

	cause error
}

func (e *FileError) Error() string {
	if e.cause == nil {
		return e.Code + ": " + e.Message
	}
	return e.Code + ": " + e.Message + ": " + e.cause.Error()
}

// Unwrap gives models.ErrFrame and the cause.
func (e *FileError) Unwrap() []error { return []error{models.ErrFrame, e.cause} }

// Cause is the technical reason, nil where the code says everything.
func (e *FileError) Cause() error {
	if errors.Is(e.cause, fs.ErrNotExist) {
		return nil
	}
	return e.cause
}

func refuse(code string, cause error) error {
	e := &FileError{Code: code, cause: cause}
	switch code {
	case FileMissing:
		e.Message, e.Hint = "There is no such file.", "Check the name and the folder."
	case FileDenied:
		e.Message, e.Hint = "The file cannot be read.", "It must be a plain file that this user may read."
	case FileEmpty:
		e.Message, e.Hint = "The file is empty.", "Copy or take the picture again."
	case FileHuge:
		e.Message, e.Hint = "The picture is larger than what is read.", fmt.Sprintf("Save it smaller: at most %d MB, %d pixels a side, %d million pixels.", models.MaxFrameBytes>>20, models.MaxFrameSide, MaxPixels/1_000_000)
	case FileTiny:
		e.Message, e.Hint = "The picture is too small to show anything.", fmt.Sprintf("Use the original, not a thumbnail: at least %d pixels a side.", models.MinFrameSide)
	case FileUnknown:
		e.Message, e.Hint = "The file is not a picture.", "Give a JPEG, PNG, WebP, TIFF, BMP or GIF."
	case FileUnsupported:
		e.Message, e.Hint = "Pictures of this kind are not read.", "Save it as an ordinary JPEG or PNG."
	case FileMoving:
		e.Message, e.Hint = "The file holds more than one picture.", "Save the one frame or page that is meant as a JPEG or PNG."
	case FileDamaged:
		e.Message, e.Hint = "The picture is damaged or incomplete.", "Copy or take it again."
	}
	return e
}

// FromFile makes a frame of a picture file, as a camera or an upload would give it.
// See FromBytes; every failure is a FileError.
func FromFile(name string) (models.Frame, error) {
	// Stat first: opening a pipe or a device could wait for ever.
	s, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return models.Frame{}, refuse(FileMissing, fs.ErrNotExist)
	case err != nil || !s.Mode().IsRegular():
		return models.Frame{}, refuse(FileDenied, nil)
	case s.Size() > models.MaxFrameBytes:
		return models.Frame{}, refuse(FileHuge, fmt.Errorf("%d bytes", s.Size()))
	}
	f, err := os.Open(name)
	if err != nil {
		return models.Frame{}, refuse(FileDenied, nil)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, models.MaxFrameBytes+1))
	if err != nil {
		return models.Frame{}, refuse(FileDenied, nil)
	}
	return FromBytes(b)
}

// FromBytes makes a frame of an untrusted picture: JPEG, PNG, WebP, TIFF, BMP or GIF.
// An ordinary JPEG (8 bit, grey or colour) becomes a JPEG frame as it is: whoever
// decodes it turns it as its EXIF says. All else is decoded here, in Go, after its size
// is known from its header: 16 bit and palettes become 8-bit RGB, CMYK is converted
// without a colour profile, what is transparent lies on white paper, EXIF turns are
// applied, and a picture whose pixels do not fit into models.MaxFrameBytes is scaled
// down until they do. Animations and several pages are refused: nobody said which one
// is meant. Every failure is a FileError.
func FromBytes(b []byte) (models.Frame, error) {
	k, err := open(b)
	if err != nil {
		return models.Frame{}, err
	}
	if k.whole {
		return models.Frame{Format: models.JPEG, Width: k.width, Height: k.height, Pix: b}, nil
	}
	m, err := k.pixels(b)
	if err != nil {
		return models.Frame{}, err
	}
	r := m.Rect
	out := models.Frame{Format: models.RGB, Width: r.Dx(), Height: r.Dy(), Pix: make([]byte, 0, 3*r.Dx()*r.Dy())}
	for i := 0; i < len(m.Pix); i += 4 {
		out.Pix = append(out.Pix, m.Pix[i], m.Pix[i+1], m.Pix[i+2])
	}
	return out, nil
}

// Image decodes a frame in Go, upright as its EXIF says: for drawing on it outside the
// vision worker. A JPEG without Huffman tables, which only cameras send, is refused.
func Image(f models.Frame) (*image.RGBA, error) {
	switch f.Format {
	case models.JPEG:
		k, err := open(f.Pix)
		if err != nil {
			return nil, err
		}
		return k.pixels(f.Pix)
	case models.RGB:
		if _, _, err := Check(f); err != nil {
			return nil, err
		}
		m := image.NewRGBA(image.Rect(0, 0, f.Width, f.Height))
		for i, j := 0, 0; i < len(f.Pix); i, j = i+3, j+4 {
			m.Pix[j], m.Pix[j+1], m.Pix[j+2], m.Pix[j+3] = f.Pix[i], f.Pix[i+1], f.Pix[i+2], 255
		}
		return m, nil
	}
	return nil, errf("format %.16q is not drawn on", string(f.Format))
}

// kind is what a picture's header says.
type kind struct {
	width, height int // as stored, before any turn
	whole         bool
	turn          int // EXIF orientation, 1..8
	decode        func(io.Reader) (image.Image, error)
}

// open looks at the header of an untrusted picture and settles whether it may be decoded.
func open(b []byte) (kind, error) {
	k := kind{turn: 1}
	switch {
	case len(b) == 0:
		return k, refuse(FileEmpty, nil)
	case len(b) > models.MaxFrameBytes:
		return k, refuse(FileHuge, fmt.Errorf("more than %d bytes", models.MaxFrameBytes))
	}
	has := func(at int, magic string) bool {
		return len(b) >= at+len(magic) && string(b[at:at+len(magic)]) == magic
	}
	var config func(io.Reader) (image.Config, error)
	deep := 4 // bytes of a decoded pixel, at most
	switch {
	case has(0, "\xff\xd8"):
		return openJPEG(b)
	case has(0, "\x89PNG\r\n\x1a\n"):
		config, k.decode, deep = png.DecodeConfig, png.Decode, 8
		moving, exif := pngChunks(b)
		if moving {
			return k, refuse(FileMoving, nil)
		}
		k.turn = orientation(exif)
	case has(0, "GIF87a"), has(0, "GIF89a"):
		config, k.decode = gif.DecodeConfig, onlyFrame
	case has(0, "BM") && len(b) > 14 && le32(b[10:]) < uint32(len(b)):
		config, k.decode = bmp.DecodeConfig, bmp.Decode
	case has(0, "RIFF") && has(8, "WEBP"):
		config, k.decode = webp.DecodeConfig, webp.Decode
		moving, exif := webpChunks(b)
		if moving {
			return k, refuse(FileMoving, nil)
		}
		k.turn = orientation(exif)
	case has(0, "II*\x00"), has(0, "MM\x00*"):
		config, k.decode, deep = tiff.DecodeConfig, tiff.Decode, 8
		var pages int
		if k.turn, pages = tiffTags(b); pages > 1 {
			return k, refuse(FileMoving, nil)
		}
	case has(4, "ftyp"):
		return k, refuse(FileUnsupported, errors.New("HEIC, AVIF or video"))
	case has(0, "%PDF-"):
		return k, refuse(FileUnsupported, errors.New("PDF"))
	case has(0, "\x00\x00\x00\x0cjP  "), has(0, "\xff\x0a"):
		return k, refuse(FileUnsupported, errors.New("JPEG 2000 or JPEG XL"))
	default:
		return k, refuse(FileUnknown, nil)
	}
	c, err := config(bytes.NewReader(b))
	if err != nil {
		return k, undecodable(err)
	}
	k.width, k.height = c.Width, c.Height
	if c.ColorModel != color.RGBA64Model && c.ColorModel != color.NRGBA64Model && c.ColorModel != color.Gray16Model {
		deep = 4
	}
	if err := size(k.width, k.height, deep); err != nil {
		return k, err
	}
	return k, nil
}

// maxDecoded bounds the memory of decoded pixels: a 16-bit picture may be half as large.
const maxDecoded = 4 * MaxPixels

func size(w, h, deep int) error {
	switch {
	case w < models.MinFrameSide || h < models.MinFrameSide:
		return refuse(FileTiny, fmt.Errorf("%d × %d pixels", w, h))
	case w > models.MaxFrameSide || h > models.MaxFrameSide || w*h*deep > maxDecoded:
		return refuse(FileHuge, fmt.Errorf("%d × %d pixels", w, h))
	}
	return nil
}

func openJPEG(b []byte) (kind, error) {
	k := kind{turn: orientation(jpegEXIF(b)), decode: jpeg.Decode}
	c, err := jpeg.DecodeConfig(bytes.NewReader(b))
	if err == nil {
		if err := size(c.Width, c.Height, 4); err != nil {
			return k, err
		}
		if c.ColorModel == color.CMYKModel {
			k.width, k.height = c.Width, c.Height
			return k, nil
		}
	}
	h, bad := parseJPEG(b)
	switch {
	case errors.Is(bad, errCoding):
		return k, refuse(FileUnsupported, bad)
	case bad != nil:
		return k, refuse(FileDamaged, bad)
	}
	if err := size(h.width, h.height, 4); err != nil {
		return k, err
	}
	k.width, k.height, k.whole = h.width, h.height, true
	return k, nil
}

func undecodable(err error) error {
	var p png.UnsupportedError
	var t tiff.UnsupportedError
	var j jpeg.UnsupportedError
	if errors.As(err, &p) || errors.As(err, &t) || errors.As(err, &j) || errors.Is(err, bmp.ErrUnsupported) {
		return refuse(FileUnsupported, err)
	}
	return refuse(FileDamaged, err)
}

var errMoving = errors.New("more than one picture")

// onlyFrame decodes a GIF that holds one picture. The decoder for animations keeps every
// frame, so it is not asked: the first one is decoded, and what follows must be the end.
func onlyFrame(r io.Reader) (image.Image, error) {
	m, err := gif.Decode(r)
	if err != nil {
		return nil, err
	}
	// gif.Decode stops behind the first picture's data, since r reads bytes one by one.
	rest, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	for len(rest) > 0 {
		switch rest[0] {
		case 0x2C: // another image descriptor
			return nil, errMoving
		case 0x21: // an extension: skip its blocks
			i := 2
			for i < len(rest) && rest[i] != 0 {
				i += 1 + int(rest[i])
			}
			if i >= len(rest) {
				return m, nil
			}
			rest = rest[i+1:]
		default:
			return m, nil
		}
	}
	return m, nil
}

// pixels decodes the picture, turned upright and on white, no larger than a frame may be.
func (k kind) pixels(b []byte) (*image.RGBA, error) {
	m, err := k.decode(bytes.NewReader(b))
	if errors.Is(err, errMoving) {
		return nil, refuse(FileMoving, nil)
	}
	if err != nil {
		return nil, undecodable(err)
	}
	r := m.Bounds()
	if r.Dx() != k.width || r.Dy() != k.height {
		return nil, refuse(FileDamaged, errors.New("its pixels have another size than its header says"))
	}
	w, h := r.Dx(), r.Dy()
	for 3*w*h > models.MaxFrameBytes {
		w, h = w*15/16, h*15/16
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	if w == r.Dx() {
		draw.Draw(out, out.Rect, m, r.Min, draw.Over)
	} else {
		// By less than two each way, so four neighbours are enough; the exact scaler would
		// take half a gigabyte for its steps in between.
		draw.ApproxBiLinear.Scale(out, out.Rect, m, r, draw.Over, nil)
	}
	return upright(out, k.turn), nil
}

// upright undoes an EXIF orientation (TIFF 6.0 tag 274).
func upright(m *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	W, H := w, h
	if orientation >= 5 {
		W, H = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, W, H))
	for y := range H {
		for x := range W {
			sx, sy := x, y
			switch orientation {
			case 2:
				sx = w - 1 - x
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sy = h - 1 - y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, h-1-x
			case 7:
				sx, sy = w-1-y, h-1-x
			case 8:
				sx, sy = w-1-y, x
			}
			copy(out.Pix[4*(y*W+x):4*(y*W+x)+4], m.Pix[4*(sy*w+sx):4*(sy*w+sx)+4])
		}
	}
	return out
}

func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// orientation reads the turn out of EXIF data, 1 where there is none.
func orientation(exif []byte) int {
	turn, _ := tiffTags(exif)
	return turn
}

// tiffTags reads the orientation of the first directory of a TIFF structure, and how many
// pictures of full size it holds, of which it counts no more than two.
func tiffTags(b []byte) (turn, pages int) {
	turn = 1
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case len(b) < 8:
		return turn, 0
	case b[0] == 'M':
		order = binary.BigEndian
	}
	at := int64(order.Uint32(b[4:]))
	for dir := range 2 {
		if at < 8 || at+2 > int64(len(b)) {
			return turn, pages
		}
		n := int64(order.Uint16(b[at:]))
		if at+2+12*n > int64(len(b)) {
			return turn, pages
		}
		reduced := false
		for i := range n {
			e := b[at+2+12*i:]
			switch order.Uint16(e) {
			case 274:
				if v := int(order.Uint16(e[8:])); dir == 0 && v >= 1 && v <= 8 {
					turn = v
				}
			case 254: // NewSubfileType
				reduced = order.Uint32(e[8:])&1 != 0
			}
		}
		if !reduced {
			pages++
		}
		next := at + 2 + 12*n
		if next+4 > int64(len(b)) {
			return turn, pages
		}
		at = int64(order.Uint32(b[next:]))
	}
	return turn, pages
}

// jpegEXIF finds the EXIF data of a JPEG.
func jpegEXIF(b []byte) []byte {
	for i := 2; i+4 <= len(b) && b[i] == 0xFF && b[i+1] >= 0xC0 && b[i+1] != mSOS; {
		n := int(b[i+2])<<8 | int(b[i+3])
		if n < 2 || i+2+n > len(b) {
			return nil
		}
		if seg := b[i+4 : i+2+n]; b[i+1] == 0xE1 && bytes.HasPrefix(seg, []byte("Exif\x00\x00")) {
			return seg[6:]
		}
		i += 2 + n
	}
	return nil
}

// pngChunks says whether a PNG is an animation, and gives its EXIF data.
func pngChunks(b []byte) (moving bool, exif []byte) {
	for i := int64(8); i+12 <= int64(len(b)); {
		n := int64(binary.BigEndian.Uint32(b[i:]))
		if i+12+n > int64(len(b)) {
			return moving, exif
		}
		switch string(b[i+4 : i+8]) {
		case "acTL":
			moving = true
		case "eXIf":
			exif = b[i+8 : i+8+n]
		}
		i += 12 + n
	}
	return moving, exif
}

// webpChunks is pngChunks of a WebP.
func webpChunks(b []byte) (moving bool, exif []byte) {
	for i := int64(12); i+8 <= int64(len(b)); {
		n := int64(le32(b[i+4:]))
		if i+8+n > int64(len(b)) {
			return moving, exif
		}
		switch string(b[i : i+4]) {
		case "ANIM", "ANMF":
			moving = true
		case "EXIF":
			exif = bytes.TrimPrefix(b[i+8:i+8+n], []byte("Exif\x00\x00"))
		}
		i += 8 + n + n&1
	}
	return moving, exif
}
