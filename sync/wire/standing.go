package wire

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"
)

// Bounds of a Standing.
const (
	MaxStanding = 32 << 10 // bytes of an encoded one
	MaxVisits   = 64       // in one
	maxCert     = 4 << 10  // bytes of a certificate in one
)

// Standing is how a kiosk stands, for the people of its branch: what waits for the centre and its newest journeys,
// each time the whole of it. It is told beside the records, which stop going out when nobody acknowledges them.
// It holds what events hold, and no personal data.
type Standing struct {
	Version uint8     `cbor:"1,keyasint"`
	Kiosk   string    `cbor:"2,keyasint"`
	At      time.Time `cbor:"3,keyasint"` // kiosk's clock
	Waiting Waiting   `cbor:"4,keyasint"`
	Visits  []Visit   `cbor:"5,keyasint,omitempty"` // newest first
}

// Waiting is what a kiosk has that the centre has not acknowledged.
type Waiting struct {
	Records     int       `cbor:"1,keyasint"`
	Submissions int       `cbor:"2,keyasint"` // snapshots of submissions among the records
	Pictures    int       `cbor:"3,keyasint"`
	Bytes       int64     `cbor:"4,keyasint"`           // of records and pictures
	Oldest      time.Time `cbor:"5,keyasint,omitempty"` // when the oldest record was made; zero: none waits
}

// Visit is one journey in short. The words are journey's.
type Visit struct {
	Session    string    `cbor:"1,keyasint"`
	Submission string    `cbor:"2,keyasint,omitempty"`
	Status     string    `cbor:"3,keyasint"`
	Segment    string    `cbor:"4,keyasint"`           // the furthest one reached
	Path       string    `cbor:"5,keyasint,omitempty"` // the last screen
	Started    time.Time `cbor:"6,keyasint"`
	Ended      time.Time `cbor:"7,keyasint"`
	Events     int       `cbor:"8,keyasint"`
	Decision   string    `cbor:"9,keyasint,omitempty"` // the centre's, as it came down
	Reason     string    `cbor:"10,keyasint,omitempty"`
}

// signedStanding is what travels. Standing are the very bytes that were signed.
type signedStanding struct {
	Standing    []byte `cbor:"1,keyasint"`
	Sig         []byte `cbor:"2,keyasint"` // ECDSA P-256
	Certificate []byte `cbor:"3,keyasint"` // of the kiosk, DER: whoever looks needs nothing but the authority
}

// standingContext leads what is signed: a signature on anything else is none on a standing.
const standingContext = "vestibule standing v1\x00"

// SignStanding encodes a standing with its signature and the certificate (DER) that it is to be proved by.
// random is crypto/rand.Reader, or nil for a signer that brings its own.
func SignStanding(s Standing, signer crypto.Signer, certificate []byte, random io.Reader) ([]byte, error) {
	s.Version = Version
	plain, err := encode(s, MaxStanding, checkStanding(s))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(standingContext), plain...))
	sig, err := signer.Sign(random, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign standing: %w", err)
	}
	return encode(signedStanding{plain, sig, certificate}, MaxStanding+maxCert, nil)
}

// VerifyStanding decodes what a kiosk shows of itself. trust says whether a certificate is of the operator's
// authority, and a kiosk's; its common name has to be the kiosk's. It wraps ErrMalformed when there is no standing, and
// ErrSignature when it is not proved to be this kiosk's.
func VerifyStanding(b []byte, kiosk string, trust func(*x509.Certificate) error) (Standing, error) {
	w, err := decode(b, MaxStanding+maxCert, func(signedStanding) error { return nil })
	if err != nil {
		return Standing{}, err
	}
	s, err := decode(w.Standing, MaxStanding, checkStanding)
	if err != nil {
		return Standing{}, err
	}
	cert, err := x509.ParseCertificate(w.Certificate)
	if err != nil {
		return Standing{}, fmt.Errorf("%w: certificate of a standing cannot be read", ErrSignature)
	}
	if trust == nil {
		return Standing{}, errors.New("verify standing: nobody is trusted")
	}
	if err := trust(cert); err != nil {
		return Standing{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	sum := sha256.Sum256(append([]byte(standingContext), w.Standing...))
	if !ok || cert.Subject.CommonName != kiosk || s.Kiosk != kiosk || !ecdsa.VerifyASN1(key, sum[:], w.Sig) {
		return Standing{}, fmt.Errorf("%w: of a standing", ErrSignature)
	}
	return s, nil
}

func checkStanding(s Standing) error {
	if err := checkVersion(s.Version); err != nil {
		return err
	}
	if CheckName(s.Kiosk) != nil {
		return field("kiosk")
	}
	if len(s.Visits) > MaxVisits {
		return ErrTooLarge
	}
	w := s.Waiting
	if w.Records < 0 || w.Submissions < 0 || w.Pictures < 0 || w.Bytes < 0 {
		return field("waiting")
	}
	for _, t := range []time.Time{s.At, w.Oldest} {
		if err := checkTime(t); err != nil {
			return err
		}
	}
	for _, v := range s.Visits {
		if err := checkVisit(v); err != nil {
			return err
		}
	}
	return nil
}

func checkVisit(v Visit) error {
	if !word(v.Session, MaxID) || !word(v.Status, MaxID) || !word(v.Segment, MaxID) || v.Events < 0 {
		return field("visit")
	}
	for _, s := range []string{v.Submission, v.Path, v.Decision, v.Reason} {
		if s != "" && !word(s, MaxID) {
			return field("visit")
		}
	}
	for _, t := range []time.Time{v.Started, v.Ended} {
		if err := checkTime(t); err != nil {
			return err
		}
	}
	return nil
}
