package wire

import (
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// Errors of this package. They wrap nothing of the frame's content.
var (
	ErrTooLarge  = errors.New("frame larger than its bound")
	ErrMalformed = errors.New("frame is not well-formed")
	ErrVersion   = errors.New("frame of a version not known here")
	ErrSignature = errors.New("signature does not fit the frame")
)

// codec holds the three CBOR modes. Building them cannot fail for constant options;
// a value per call would cost more than the coding itself, so they are made once
// and never changed.
type codec struct {
	enc   cbor.EncMode
	frame cbor.DecMode // tight limits: every frame is flat
	body  cbor.DecMode // wider ones: a submission holds lists and a face template
}

var modes = newCodec()

func newCodec() codec {
	eo := cbor.CoreDetEncOptions() // RFC 8949 section 4.2.1
	eo.Time = cbor.TimeRFC3339NanoUTC
	eo.TagsMd = cbor.TagsForbidden
	eo.NaNConvert = cbor.NaNConvertReject
	eo.InfConvert = cbor.InfConvertReject
	do := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		UTF8:             cbor.UTF8RejectInvalid,
		NaN:              cbor.NaNDecodeForbidden,
		Inf:              cbor.InfDecodeForbidden,
		MaxNestedLevels:  6,
		MaxArrayElements: MaxRecords,
		MaxMapPairs:      32,
	}
	bo := do
	bo.MaxNestedLevels, bo.MaxArrayElements, bo.MaxMapPairs = 16, 16<<10, 1024
	return codec{enc: must(eo.EncMode()), frame: must(do.DecMode()), body: must(bo.DecMode())}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic("wire: CBOR options: " + err.Error()) // a programmer's error, seen by every test
	}
	return v
}

// Marshal encodes the body of a record (journey.Event, journey.Submission, …) in
// the canonical form that all bodies have. NaN and infinities are refused.
func Marshal(v any) ([]byte, error) {
	b, err := modes.enc.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	return b, nil
}

// Unmarshal decodes the body of a record. Unknown keys are ignored; duplicate keys,
// tags, indefinite lengths, NaN, infinities and deep nesting are refused.
func Unmarshal(b []byte, v any) error {
	if len(b) > MaxBlob {
		return ErrTooLarge
	}
	if err := modes.body.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}
