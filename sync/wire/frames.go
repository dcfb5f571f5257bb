package wire

import "time"

// EncodeUp encodes a frame that is signed already, or meant for a test.
func EncodeUp(u Up) ([]byte, error) { return encode(u, MaxFrame, checkUp(u)) }

// DecodeUp decodes and checks an Up frame. It does not verify the signature: see VerifyUp.
func DecodeUp(b []byte) (Up, error) { return decode(b, MaxFrame, checkUp) }

// EncodeAck encodes an Ack frame.
func EncodeAck(a Ack) ([]byte, error) { return encode(a, MaxFrame, checkAck(a)) }

// DecodeAck decodes and checks an Ack frame.
func DecodeAck(b []byte) (Ack, error) { return decode(b, MaxFrame, checkAck) }

// EncodeChunk encodes a Chunk frame.
func EncodeChunk(c Chunk) ([]byte, error) { return encode(c, MaxChunk, checkChunk(c)) }

// DecodeChunk decodes and checks a Chunk frame.
func DecodeChunk(b []byte) (Chunk, error) { return decode(b, MaxChunk, checkChunk) }

// EncodeDown encodes a Down frame.
func EncodeDown(d Down) ([]byte, error) { return encode(d, MaxFrame, checkDown(d)) }

// DecodeDown decodes and checks a Down frame.
func DecodeDown(b []byte) (Down, error) { return decode(b, MaxFrame, checkDown) }

// EncodeState encodes a State frame.
func EncodeState(s State) ([]byte, error) { return encode(s, MaxState, checkState(s)) }

// DecodeState decodes and checks a State frame.
func DecodeState(b []byte) (State, error) { return decode(b, MaxState, checkState) }

// Bounds of the small parts of frames, in bytes unless said otherwise.
const (
	MaxRefused    = 64
	MaxID         = 64
	MaxEpoch      = 64
	MaxState      = 4 << 10 // of an encoded State
	MaxBlobAcks   = 256     // in one Ack
	MaxConditions = 24      // in one State
)

// Codes of Ack.Refused.
const (
	RefusedMalformed = "malformed" // a frame under this kiosk's topic did not decode
	RefusedSignature = "signature" // a frame's signature does not fit the enrolled key
	RefusedUnknown   = "unknown"   // the kiosk is not enrolled, or no longer
	RefusedChain     = "chain"     // the hash chain does not continue what the centre holds: restored backup or clone
)

// RecordSize is an upper bound of what a record takes in a frame.
func RecordSize(r Record) int { return len(r.Body) + len(r.ID) + 32 }

func encode[T any](v T, limit int, invalid error) ([]byte, error) {
	if invalid != nil {
		return nil, invalid
	}
	b, err := modes.enc.Marshal(v)
	if err != nil {
		return nil, malformed("encode", err)
	}
	if len(b) > limit {
		return nil, ErrTooLarge
	}
	return b, nil
}

func decode[T any](b []byte, limit int, check func(T) error) (T, error) {
	var v, none T
	if len(b) > limit {
		return none, ErrTooLarge
	}
	if err := modes.frame.Unmarshal(b, &v); err != nil {
		return none, malformed("decode", err)
	}
	if err := check(v); err != nil {
		return none, err
	}
	return v, nil
}

func checkUp(u Up) error {
	if err := checkVersion(u.Version); err != nil {
		return err
	}
	if CheckName(u.Kiosk) != nil {
		return field("kiosk")
	}
	if !word(u.Epoch, MaxEpoch) {
		return field("epoch")
	}
	if len(u.Head) != HashSize {
		return field("head")
	}
	if len(u.Sig) > maxSig || len(u.HeadSig) > maxSig {
		return field("signature")
	}
	if u.Session != "" && !word(u.Session, MaxID) {
		return field("session")
	}
	if err := checkTime(u.Sent); err != nil {
		return err
	}
	if err := checkAsk(u.Ask); err != nil {
		return err
	}
	return checkRecords(u.Records)
}

func checkRecords(records []Record) error {
	if len(records) > MaxRecords {
		return ErrTooLarge
	}
	for i, r := range records {
		switch {
		case len(r.Body) > MaxBody:
			return ErrTooLarge
		case r.Kind == 0:
			return field("kind")
		case !word(r.ID, MaxID):
			return field("id")
		case r.Seq == 0, r.Seq > maxSeq:
			return field("seq")
		case i > 0 && r.Seq != records[i-1].Seq+1:
			return field("seq")
		}
	}
	return nil
}

// maxSeq keeps every sequence number inside SQL's signed 64 bits.
const maxSeq = 1<<63 - 1

func checkAck(a Ack) error {
	if err := checkVersion(a.Version); err != nil {
		return err
	}
	if a.Epoch != "" && !word(a.Epoch, MaxEpoch) {
		return field("epoch")
	}
	if a.High > maxSeq || a.Cursor > maxSeq {
		return field("seq")
	}
	if len(a.Head) != 0 && len(a.Head) != HashSize {
		return field("head")
	}
	if a.Refused != "" && !word(a.Refused, MaxRefused) {
		return field("refused")
	}
	if len(a.Blobs) > MaxBlobAcks {
		return ErrTooLarge
	}
	for _, b := range a.Blobs {
		if !BlobID(b.Blob) || b.Have < 0 || b.Have > MaxBlob {
			return field("blob")
		}
	}
	if err := checkProof(a.Proof); err != nil {
		return err
	}
	return checkTime(a.Time)
}

func checkChunk(c Chunk) error {
	if err := checkVersion(c.Version); err != nil {
		return err
	}
	if CheckName(c.Kiosk) != nil {
		return field("kiosk")
	}
	switch {
	case !BlobID(c.Blob):
		return field("blob")
	case c.Size < 1 || c.Size > MaxBlob:
		return field("size")
	case len(c.Data) == 0 || len(c.Data) > ChunkSize:
		return field("data")
	case c.Offset < 0 || c.Offset > c.Size-int64(len(c.Data)):
		return field("offset")
	}
	return nil
}

func checkDown(d Down) error {
	if err := checkVersion(d.Version); err != nil {
		return err
	}
	if CheckName(d.Kiosk) != nil {
		return field("kiosk")
	}
	if err := checkProof(d.Proof); err != nil {
		return err
	}
	return checkRecords(d.Commands)
}

func checkState(s State) error {
	if err := checkVersion(s.Version); err != nil {
		return err
	}
	if CheckName(s.Kiosk) != nil {
		return field("kiosk")
	}
	if !word(s.Session, MaxID) {
		return field("session")
	}
	if s.Release != "" && !word(s.Release, MaxID) {
		return field("release")
	}
	if len(s.Conditions) > MaxConditions {
		return ErrTooLarge
	}
	for _, c := range s.Conditions {
		if !word(c.Code, MaxID) || c.Detail != "" && !word(c.Detail, MaxID) || c.Severity < 1 || c.Severity > 3 {
			return field("condition")
		}
		if err := checkTime(c.Since); err != nil {
			return err
		}
	}
	return checkTime(s.At)
}

// checkVersion lets the present version pass. Frames of later versions are refused
// and not guessed at: a reader of version 2 will know version 1, never the reverse.
func checkVersion(v uint8) error {
	if v != Version {
		return ErrVersion
	}
	return nil
}

// checkTime keeps years inside what text, SQL and JSON can write. The zero time is allowed.
func checkTime(t time.Time) error {
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return field("time")
	}
	return nil
}

// word tells whether s is 1 to limit printable ASCII characters without space.
func word(s string, limit int) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// BlobID tells whether s names a blob: a SHA-256 in lower-case hex.
func BlobID(s string) bool {
	if len(s) != 2*HashSize {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
