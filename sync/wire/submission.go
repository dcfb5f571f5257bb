package wire

// SubmissionBody is the body of a KindSubmission record: what the centre must know
// before it opens the seal, and the sealed canonical CBOR of a journey.Submission.
type SubmissionBody struct {
	Submission string   `cbor:"1,keyasint"`
	Session    string   `cbor:"2,keyasint"`
	Revision   int      `cbor:"3,keyasint"`
	Sealed     []byte   `cbor:"4,keyasint"`
	Blobs      []string `cbor:"5,keyasint,omitempty"` // every picture of the manifest
}

// EncodeSubmission encodes and checks a submission's body.
func EncodeSubmission(s SubmissionBody) ([]byte, error) {
	return encode(s, MaxBody, checkSubmission(s))
}

// DecodeSubmission decodes and checks a submission's body.
func DecodeSubmission(b []byte) (SubmissionBody, error) { return decode(b, MaxBody, checkSubmission) }

func checkSubmission(s SubmissionBody) error {
	switch {
	case !word(s.Submission, MaxID):
		return field("submission")
	case !word(s.Session, MaxID):
		return field("session")
	case s.Revision < 1 || s.Revision > 1<<20:
		return field("revision")
	case len(s.Sealed) == 0:
		return field("sealed")
	case len(s.Blobs) > MaxRecords:
		return ErrTooLarge
	}
	for _, b := range s.Blobs {
		if !BlobID(b) {
			return field("blob")
		}
	}
	return nil
}
