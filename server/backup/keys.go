package backup

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"vestibule/journey"
)

// KeysVersion of the format of keys files.
const KeysVersion = 1

// maxLine bounds a line of a keys file, in bytes.
const maxLine = 16 << 10

// ErrKeys is returned for a file that is no keys file, or not whole, or altered.
var ErrKeys = errors.New("the file is no keys file of a centre, or not whole")

// KeysHead begins a keys file.
type KeysHead struct {
	Version int       `json:"version"`
	Centre  string    `json:"centre"` // whose it is: keyed hash, the same for ever
	Release string    `json:"release"`
	Made    time.Time `json:"made"`
}

// KeysLine is one line after it: exactly one of them is set.
type KeysLine struct {
	Key    *Key    `json:"key,omitempty"`
	Erased *Erased `json:"erased,omitempty"`
	Blob   *Blob   `json:"blob,omitempty"`
	Record *Record `json:"record,omitempty"`
	End    *End    `json:"end,omitempty"`
}

// Key opens what backups hold of one person, of one kind.
type Key struct {
	Subject string           `json:"subject"`
	Kind    journey.DataKind `json:"kind"`
	Secret  []byte           `json:"secret"`
}

// Erased is one kind of data of a submission that must never come back.
type Erased struct {
	Submission string           `json:"submission"`
	Kind       journey.DataKind `json:"kind"`
	Kiosk      string           `json:"kiosk"`
	Project    string           `json:"project"`
	At         time.Time        `json:"at"`
	Who        string           `json:"who"`
	Why        string           `json:"why"`
}

// Blob is a picture that must never come back.
type Blob struct {
	Blob       string `json:"blob"`
	Submission string `json:"submission"`
	Kiosk      string `json:"kiosk"`
}

// Record stands for an erased record of a kiosk.
type Record struct {
	Kiosk      string `json:"kiosk"`
	Epoch      string `json:"epoch"`
	Seq        uint64 `json:"seq"`
	Submission string `json:"submission"`
	Hash       []byte `json:"hash"`
	Before     []byte `json:"before"`
	After      []byte `json:"after"`
	Mark       string `json:"mark"`
}

// End is the last line: a file without one is half written.
type End struct {
	Lines  int    `json:"lines"`
	SHA256 string `json:"sha256"` // of everything before it, hex
}

// KeysWriter writes a keys file.
type KeysWriter struct {
	w     *bufio.Writer
	sum   hash.Hash
	lines int
}

// NewKeysWriter begins one.
func NewKeysWriter(w io.Writer, h KeysHead) (*KeysWriter, error) {
	k := &KeysWriter{w: bufio.NewWriter(w), sum: sha256.New()}
	h.Version = KeysVersion
	return k, k.line(h)
}

func (k *KeysWriter) line(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	if len(b) >= maxLine {
		return errors.New("write keys: a line is too long")
	}
	b = append(b, '\n')
	k.sum.Write(b)
	if _, err := k.w.Write(b); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return nil
}

// Add writes one line.
func (k *KeysWriter) Add(l KeysLine) error {
	k.lines++
	return k.line(l)
}

// Close ends the file; the writer below stays open.
func (k *KeysWriter) Close() error {
	if err := k.line(KeysLine{End: &End{Lines: k.lines, SHA256: hex.EncodeToString(k.sum.Sum(nil))}}); err != nil {
		return err
	}
	return k.w.Flush()
}

// ReadKeys reads a keys file to its end. What take was given counts only when no error comes. A nil take only checks.
func ReadKeys(r io.Reader, take func(KeysLine) error) (KeysHead, error) {
	var head KeysHead
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 4<<10), maxLine)
	sum := sha256.New()
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &head) != nil || head.Version < 1 {
		return head, ErrKeys
	}
	if head.Version > KeysVersion {
		return head, ErrVersion
	}
	sum.Write(append(lines.Bytes(), '\n'))
	for n := 0; lines.Scan(); n++ {
		var l KeysLine
		if json.Unmarshal(lines.Bytes(), &l) != nil || !l.proper() {
			return head, ErrKeys
		}
		if l.End != nil {
			if l.End.Lines != n || l.End.SHA256 != hex.EncodeToString(sum.Sum(nil)) || lines.Scan() {
				return head, ErrKeys
			}
			return head, nil
		}
		sum.Write(append(lines.Bytes(), '\n'))
		if take == nil {
			continue
		}
		if err := take(l); err != nil {
			return head, err
		}
	}
	return head, ErrKeys
}

// proper reports whether exactly one thing is in a line.
func (l KeysLine) proper() bool {
	n := 0
	for _, set := range []bool{l.Key != nil, l.Erased != nil, l.Blob != nil, l.Record != nil, l.End != nil} {
		if set {
			n++
		}
	}
	return n == 1 && (l.Key == nil || len(l.Key.Secret) == 32)
}
