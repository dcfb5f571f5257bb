package worker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fxamacker/cbor/v2"

	"vestibule/models"
)

// Bounds of a message. A request holds at most maxFrames frames.
const (
	maxFrames   = 8
	maxRequest  = 80 << 20
	maxPixels   = 72 << 20 // bytes of all frames of a request together
	maxResponse = 48 << 20
	maxText     = 2000 // bytes of an error text
)

type op uint8

const (
	opHello op = iota + 1 // first message of the child: it is ready, or cannot be
	opGlance
	opDocument
	opFace
	opVersions
	opPreview
	opExamine
	opQR
)

func (o op) String() string {
	switch o {
	case opHello:
		return "start"
	case opGlance:
		return "glance"
	case opDocument:
		return "read document"
	case opFace:
		return "read face"
	case opVersions:
		return "versions"
	case opPreview:
		return "preview"
	case opExamine:
		return "examine document"
	case opQR:
		return "read code"
	}
	return fmt.Sprintf("op %d", uint8(o))
}

type request struct {
	ID     uint64         `cbor:"1,keyasint"`
	Op     op             `cbor:"2,keyasint"`
	Aim    models.Aim     `cbor:"3,keyasint,omitempty"`
	Frames []models.Frame `cbor:"4,keyasint,omitempty"`
	Limit  time.Duration  `cbor:"5,keyasint,omitempty"` // after which the child should give up by itself
	Width  int            `cbor:"6,keyasint,omitempty"` // preview: at most
	Height int            `cbor:"7,keyasint,omitempty"`
	Looks  models.Looks   `cbor:"8,keyasint,omitempty"` // examine: at what
}

// failure says which of the models errors a response stands for.
type failure uint8

const (
	failNone failure = iota
	failOther
	failFrame
	failModel
	failTime
)

type response struct {
	ID       uint64            `cbor:"1,keyasint"`
	Fail     failure           `cbor:"2,keyasint,omitempty"`
	Text     string            `cbor:"3,keyasint,omitempty"`
	Glance   *models.Glance    `cbor:"4,keyasint,omitempty"`
	Document *models.Document  `cbor:"5,keyasint,omitempty"`
	Face     *models.Face      `cbor:"6,keyasint,omitempty"`
	Versions map[string]string `cbor:"7,keyasint,omitempty"`
	Cage     []string          `cbor:"8,keyasint,omitempty"` // hello: what holds the child
	Live     *livePicture      `cbor:"9,keyasint,omitempty"`

	Examination *models.Examination `cbor:"10,keyasint,omitempty"`
	QR          []byte              `cbor:"11,keyasint,omitempty"`
}

// livePicture is a preview: four bytes a pixel (red, green, blue, opaque), rows without gaps.
type livePicture struct {
	Width  int    `cbor:"1,keyasint"`
	Height int    `cbor:"2,keyasint"`
	Pix    []byte `cbor:"3,keyasint"`
}

// codec is the CBOR of both sides. Times keep their nanoseconds.
type codec struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

func newCodec() (codec, error) {
	enc, err := cbor.EncOptions{Time: cbor.TimeRFC3339NanoUTC}.EncMode()
	if err != nil {
		return codec{}, err
	}
	dec, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:  16,
		MaxArrayElements: 4096,
		MaxMapPairs:      256,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsAllowed,
	}.DecMode()
	return codec{enc, dec}, err
}

// message makes one message: four bytes of length, then CBOR.
func (c codec) message(v any, limit int) ([]byte, error) {
	w := bytes.NewBuffer(make([]byte, 4, 1024))
	if err := c.enc.NewEncoder(w).Encode(v); err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	b := w.Bytes()
	if len(b)-4 > limit {
		return nil, fmt.Errorf("message of %d bytes is larger than %d", len(b)-4, limit)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b, nil
}

// write sends one message.
func (c codec) write(w io.Writer, v any, limit int) error {
	b, err := c.message(v, limit)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

var errMessage = errors.New("message cannot be read")

// read takes one message; more than limit bytes are refused before they are read.
func (c codec) read(r io.Reader, v any, limit int) error {
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(n[:])
	if size == 0 || int64(size) > int64(limit) {
		return fmt.Errorf("%w: %d bytes, want 1..%d", errMessage, size, limit)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return err
	}
	if err := c.dec.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", errMessage, err)
	}
	return nil
}

// failed puts an error on the wire. What is wrong with a frame or a network is said however late it was found; only
// what says neither, and came too late, is a matter of time.
func (r *response) failed(err error, timedOut bool) {
	switch {
	case err == nil:
		return
	case errors.Is(err, models.ErrFrame):
		r.Fail = failFrame
	case errors.Is(err, models.ErrModel):
		r.Fail = failModel
	case timedOut:
		r.Fail = failTime
	default:
		r.Fail = failOther
	}
	if r.Text = err.Error(); len(r.Text) > maxText {
		r.Text = r.Text[:maxText]
	}
}

// remoteError is an error of the child, with the meaning it had there.
type remoteError struct {
	text string
	is   error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.is }

func (r *response) err() error {
	switch r.Fail {
	case failNone:
		return nil
	case failFrame:
		return &remoteError{r.Text, models.ErrFrame}
	case failModel:
		return &remoteError{r.Text, models.ErrModel}
	case failTime:
		return &remoteError{r.Text, models.ErrWorker}
	}
	return &remoteError{r.Text, nil}
}
