// Package calibration keeps what a kiosk's camera was calibrated to: one file in the
// kiosk's folder, signed with the kiosk's own key.
//
// The file decides how strict the liveness check is, so it counts only when this kiosk
// made it: a file of another kiosk, or one that was edited, is refused and said so. It
// holds weights and rates, no picture and nothing of a person.
//
// What may live here: the file. What may not: fitting (models/face/calibrate), cameras.
package calibration

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"vestibule/models/face"
	"vestibule/models/face/calibrate"
	"vestibule/sync/durable"
)

// File is the name in the kiosk's folder.
const File = "liveness-calibration.json"

// maxFile bounds it: 4,096 weights are some 90 kB.
const maxFile = 1 << 20

// Errors of Load besides those of the file system. Test with errors.Is.
var (
	ErrForeign = errors.New("made by another kiosk")
	ErrEdited  = errors.New("altered after it was signed")
	ErrFormat  = errors.New("not a calibration")
)

// Calibration is a head, where it belongs, and what it was worth when it was made.
type Calibration struct {
	Kiosk  string    `json:"kiosk"`
	Camera string    `json:"camera"` // as it names itself
	Made   time.Time `json:"made"`
	Head   face.Head `json:"head"`

	Live   int   `json:"live"` // clips
	Attack int   `json:"attack"`
	Before Rates `json:"before"`
	After  Rates `json:"after"` // cross-validated by clip
}

// Rates are shares of clips, 0..1.
type Rates struct {
	EER   float64 `json:"eer"`
	APCER float64 `json:"apcer"` // at the contract's 50
	BPCER float64 `json:"bpcer"`
	AUC   float64 `json:"auc"`
}

// Of makes a calibration of a fit.
func Of(r calibrate.Result, kiosk, camera string, made time.Time) Calibration {
	rates := func(c calibrate.ROC) Rates { return Rates{c.EER, c.At.APCER, c.At.BPCER, c.AUC} }
	return Calibration{
		Kiosk: kiosk, Camera: camera, Made: made.UTC().Truncate(time.Second), Head: r.Head,
		Live: r.Live, Attack: r.Attack, Before: rates(r.Before), After: rates(r.After),
	}
}

// Detail is what an event tells of it.
func (c Calibration) Detail() map[string]string {
	rate := func(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) }
	return map[string]string{
		"made": c.Made.Format(time.RFC3339), "model": c.Head.Model,
		"live": strconv.Itoa(c.Live), "attack": strconv.Itoa(c.Attack),
		"eerBefore": rate(c.Before.EER), "eerAfter": rate(c.After.EER),
		"apcerBefore": rate(c.Before.APCER), "apcerAfter": rate(c.After.APCER),
		"bpcerBefore": rate(c.Before.BPCER), "bpcerAfter": rate(c.After.BPCER),
	}
}

func (c Calibration) check() error {
	if c.Kiosk == "" || c.Made.IsZero() || c.Live < calibrate.MinClips || c.Attack < calibrate.MinClips {
		return fmt.Errorf("%w: kiosk, date or clips are missing", ErrFormat)
	}
	for _, r := range []Rates{c.Before, c.After} {
		for _, v := range []float64{r.EER, r.APCER, r.BPCER, r.AUC} {
			if math.IsNaN(v) || v < 0 || v > 1+1e-9 {
				return fmt.Errorf("%w: a rate is not in 0..1", ErrFormat)
			}
		}
	}
	if err := c.Head.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return nil
}

// signed is the file.
type signed struct {
	Calibration []byte `json:"calibration"` // JSON, exactly as it was signed
	Key         string `json:"key"`         // SHA-256 of the public key, hex
	Signature   []byte `json:"signature"`   // ECDSA, ASN.1
}

// purpose keeps a signature of this kiosk on anything else from counting here.
const purpose = "vestibule liveness calibration 1\n"

func digest(b []byte) []byte {
	sum := sha256.Sum256(append([]byte(purpose), b...))
	return sum[:]
}

func fingerprint(key *ecdsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}

// Save signs a calibration and puts it into the kiosk's folder, in the place of an
// older one. random is crypto/rand.Reader, or nil for a signer that brings its own.
func Save(dir string, c Calibration, signer crypto.Signer, random io.Reader) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("save calibration: %w", err)
	}
	key, ok := signer.Public().(*ecdsa.PublicKey)
	if !ok {
		return errors.New("save calibration: the kiosk's key is of a kind that is not known")
	}
	var s signed
	var err error
	if s.Key, err = fingerprint(key); err != nil {
		return fmt.Errorf("save calibration: %w", err)
	}
	if s.Calibration, err = json.Marshal(c); err != nil {
		return fmt.Errorf("save calibration: %w", err)
	}
	if s.Signature, err = signer.Sign(random, digest(s.Calibration), crypto.SHA256); err != nil {
		return fmt.Errorf("save calibration: sign: %w", err)
	}
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("save calibration: %w", err)
	}
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save calibration: %w", err)
	}
	// Written beside and moved: a power cut leaves the old one or the new one.
	f, err := os.CreateTemp(dir, File+".*")
	if err != nil {
		return fmt.Errorf("save calibration: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, File))
	}
	if err != nil {
		return fmt.Errorf("save calibration: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// Load reads the calibration of this kiosk. There being none is fs.ErrNotExist.
func Load(dir, kiosk string, key *ecdsa.PublicKey) (*Calibration, error) {
	f, err := os.Open(filepath.Join(dir, File))
	if err != nil {
		return nil, fmt.Errorf("load calibration: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("load calibration: %w", err)
	}
	c, err := open(b, kiosk, key)
	if err != nil {
		return nil, fmt.Errorf("load calibration: %w", err)
	}
	return c, nil
}

// open reads a file's bytes. Nothing of the calibration is looked at before its signature.
func open(b []byte, kiosk string, key *ecdsa.PublicKey) (*Calibration, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrFormat, maxFile)
	}
	var s signed
	if err := strict(b, &s); err != nil {
		return nil, err
	}
	own, err := fingerprint(key)
	if err != nil {
		return nil, err
	}
	if s.Key != own {
		return nil, ErrForeign
	}
	if !ecdsa.VerifyASN1(key, digest(s.Calibration), s.Signature) {
		return nil, ErrEdited
	}
	c := &Calibration{}
	if err := strict(s.Calibration, c); err != nil {
		return nil, err
	}
	if c.Kiosk != kiosk {
		return nil, ErrForeign
	}
	return c, c.check()
}

func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: there is more behind its end", ErrFormat)
	}
	return nil
}
