package wire

import (
	"crypto"
	"io"
	"time"
)

// SealOrder is the body of a KindSeal record: the key of the centre that a kiosk seals evidence to from its next
// visit on. It is signed for this kiosk alone, as a policy is.
type SealOrder struct {
	Version uint8     `cbor:"1,keyasint"` // 1
	Kiosk   string    `cbor:"2,keyasint"`
	Number  uint64    `cbor:"3,keyasint"` // grows from order to order; an earlier one never comes back
	Signed  time.Time `cbor:"4,keyasint"` // centre's clock
	Key     []byte    `cbor:"5,keyasint"` // as the file of a bundle holds it: it names its suite
}

const (
	contextSeal = "vestibule seal order v1\x00"
	maxSealKey  = 4 << 10 // bytes of SealOrder.Key
)

// SignSeal encodes an order with its signature and the certificate (DER) that it is to be proved by.
func SignSeal(o SealOrder, signer crypto.Signer, certificate []byte, random io.Reader) ([]byte, error) {
	o.Version = 1
	plain, err := encode(o, MaxBody, checkSeal(o))
	if err != nil {
		return nil, err
	}
	return signOrder(contextSeal, plain, signer, certificate, random)
}

// VerifySeal does for a seal order what VerifyPolicy does for a policy.
func VerifySeal(b []byte, kiosk string, key CentreKey) (SealOrder, error) {
	return verifyOrder(b, kiosk, key, contextSeal, checkSeal, func(o SealOrder) (string, time.Time) { return o.Kiosk, o.Signed })
}

func checkSeal(o SealOrder) error {
	if err := checkVersion(o.Version); err != nil {
		return err
	}
	switch {
	case !word(o.Kiosk, MaxID):
		return field("kiosk")
	case o.Number < 1 || o.Number > 1<<53:
		return field("number")
	case o.Signed.IsZero():
		return field("signed")
	case len(o.Key) == 0 || len(o.Key) > maxSealKey:
		return field("key")
	}
	return checkTime(o.Signed)
}
