// Package tpm keeps a kiosk's key in its TPM 2.0: the key is made there and never leaves it in the clear. What lies on
// the disk is the key wrapped by the TPM's own storage key, which is worth nothing on any other machine.
//
// What may live here: making, loading and using one ECDSA P-256 key. What may not: certificates, and which kiosk keeps
// its key where (package identity).
package tpm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"sync"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxtpm"
	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"

	"vestibule/sync/fault"
)

// Device is where Linux offers the TPM with its resource manager, which lets several programs use it at once.
const Device = "/dev/tpmrm0"

// PEM is the type of a wrapped key's PEM block: the form that OpenSSL's TPM 2.0 providers read as well.
const PEM = "TSS2 PRIVATE KEY"

// wrapped is a key as it lies on the disk.
type wrapped struct {
	Type      asn1.ObjectIdentifier
	EmptyAuth bool `asn1:"explicit,optional,tag:0"`
	Parent    int64
	Public    []byte // TPM2B_PUBLIC
	Private   []byte // TPM2B_PRIVATE
}

// loadable is the object identifier of a key that its parent loads: TCG, 2.23.133.10.1.3.
func loadable() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 23, 133, 10, 1, 3} }

// maxWrapped bounds a wrapped key, bytes: one of P-256 has some 250.
const maxWrapped = 4 << 10

// Key signs with a key in the TPM. It is safe for several goroutines; the TPM does one thing after the other.
type Key struct {
	device  string
	public  *ecdsa.PublicKey
	pub     tpm2.TPM2BPublic
	private tpm2.TPM2BPrivate

	mu     sync.Mutex
	tpm    transport.TPMCloser // nil: has to be opened
	handle tpm2.NamedHandle
}

var _ crypto.Signer = (*Key)(nil)

// open connects to a device, or to the socket of an emulator.
func open(device string) (transport.TPMCloser, error) {
	info, err := os.Stat(device)
	if err == nil {
		var t transport.TPMCloser
		if info.Mode()&fs.ModeSocket != 0 {
			t, err = linuxudstpm.Open(device)
		} else {
			t, err = linuxtpm.Open(device)
		}
		if err == nil {
			return t, nil
		}
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fault.New("tpm_denied", "the TPM may not be used", "let this program's user use "+device+", on Debian by the group tss", err)
	}
	return nil, fault.New("tpm_missing", "there is no TPM at "+device, "switch it on in the machine's firmware; on another machine, enrol anew", err)
}

// tell turns the TPM's refusals into what people can do about them.
func tell(doing string, err error) error {
	var code tpm2.TPMRC
	switch {
	case errors.Is(err, tpm2.TPMRCLockout):
		return fault.New("tpm_locked", "the TPM is locked after wrong passwords", "wait until it opens by itself, or clear the lockout: tpm2_dictionarylockout --clear-lockout", err)
	case errors.Is(err, tpm2.TPMRCIntegrity):
		return fault.New("tpm_other", "this key belongs to another TPM", "bring it back to the machine it was made on, or enrol anew", err)
	case errors.Is(err, tpm2.TPMRCAuthFail), errors.Is(err, tpm2.TPMRCBadAuth):
		return fault.New("tpm_owned", "the TPM's owner has set a password", "clear the owner's password: tpm2_changeauth -c owner; or keep the key in a file", err)
	case errors.As(err, &code):
		return fault.New("tpm_failed", "the TPM could not "+doing, "look at the TPM: tpm2_selftest; tpm2_getcap properties-variable", err)
	}
	return fault.New("tpm_gone", "the TPM does not answer", "start the machine again; if it stays, look at its TPM", err)
}

// storage loads the TPM's storage key: it is derived from a seed in there, the same each time.
func storage(t transport.TPM) (*tpm2.CreatePrimaryResponse, error) {
	return tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(tpm2.ECCSRKTemplate)}.Execute(t)
}

// template is a signing key that only this TPM has. Wrong passwords for other keys do not lock it.
func template() tpm2.TPMTPublic {
	return tpm2.TPMTPublic{
		Type: tpm2.TPMAlgECC, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, NoDA: true, SignEncrypt: true},
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{
			Scheme:  tpm2.TPMTECCScheme{Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: tpm2.TPMAlgSHA256})},
			CurveID: tpm2.TPMECCNistP256,
		}),
	}
}

// Create makes a key in the TPM and gives it with what has to be kept of it.
func Create(device string) (*Key, []byte, error) {
	t, err := open(device)
	if err != nil {
		return nil, nil, err
	}
	defer t.Close()
	parent, err := storage(t)
	if err != nil {
		return nil, nil, tell("make its storage key", err)
	}
	defer flush(t, parent.ObjectHandle)
	made, err := tpm2.Create{ParentHandle: tpm2.NamedHandle{Handle: parent.ObjectHandle, Name: parent.Name}, InPublic: tpm2.New2B(template())}.Execute(t)
	if err != nil {
		return nil, nil, tell("make a key", err)
	}
	der, err := asn1.Marshal(wrapped{
		Type: loadable(), EmptyAuth: true, Parent: int64(tpm2.TPMRHOwner),
		Public: tpm2.Marshal(made.OutPublic), Private: tpm2.Marshal(made.OutPrivate),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("wrap key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: PEM, Bytes: der})
	k, err := Parse(device, text)
	return k, text, err
}

// Parse reads what Create gave. The TPM is asked nothing yet.
func Parse(device string, text []byte) (*Key, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != PEM || len(block.Bytes) > maxWrapped {
		return nil, errors.New("no wrapped key in the file")
	}
	var w wrapped
	if rest, err := asn1.Unmarshal(block.Bytes, &w); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("read wrapped key: %w", errors.Join(err, errors.New("not one whole key")))
	}
	if !w.Type.Equal(loadable()) || !w.EmptyAuth || w.Parent != int64(tpm2.TPMRHOwner) {
		return nil, errors.New("read wrapped key: of another kind")
	}
	pub, err := tpm2.Unmarshal[tpm2.TPM2BPublic](w.Public)
	if err != nil {
		return nil, fmt.Errorf("read wrapped key: %w", err)
	}
	private, err := tpm2.Unmarshal[tpm2.TPM2BPrivate](w.Private)
	if err != nil {
		return nil, fmt.Errorf("read wrapped key: %w", err)
	}
	k := &Key{device: device, pub: *pub, private: *private}
	k.public, err = publicOf(*pub)
	return k, err
}

func publicOf(b tpm2.TPM2BPublic) (*ecdsa.PublicKey, error) {
	p, err := b.Contents()
	if err != nil {
		return nil, fmt.Errorf("read wrapped key: %w", err)
	}
	other := errors.New("read wrapped key: not ECDSA P-256")
	if p.Type != tpm2.TPMAlgECC {
		return nil, other
	}
	parms, err := p.Parameters.ECCDetail()
	if err != nil || parms.CurveID != tpm2.TPMECCNistP256 {
		return nil, other
	}
	point, err := p.Unique.ECC()
	if err != nil || len(point.X.Buffer) > 32 || len(point.Y.Buffer) > 32 {
		return nil, other
	}
	raw := make([]byte, 65)
	raw[0] = 4 // SEC 1 section 2.3.3: not compressed
	copy(raw[33-len(point.X.Buffer):33], point.X.Buffer)
	copy(raw[65-len(point.Y.Buffer):], point.Y.Buffer)
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw)
}

// Public implements crypto.Signer.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Device is where its TPM is.
func (k *Key) Device() string { return k.device }

// Check tries whether the TPM is there and is the one that made the key. It leaves nothing loaded: without a resource
// manager, a TPM has three places for the keys of all programs.
func (k *Key) Check() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	loaded := k.tpm != nil
	err := k.load()
	if !loaded {
		k.drop()
	}
	return err
}

// Sign implements crypto.Signer for SHA-256 digests. The randomness is the TPM's own.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts.HashFunc() != crypto.SHA256 || len(digest) != crypto.SHA256.Size() {
		return nil, errors.New("sign in the TPM: not a SHA-256 digest")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for try := 0; ; try++ {
		if err := k.load(); err != nil {
			return nil, err
		}
		r, err := tpm2.Sign{
			KeyHandle: k.handle, Digest: tpm2.TPM2BDigest{Buffer: digest},
			InScheme:   tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUSigScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSchemeHash{HashAlg: tpm2.TPMAlgSHA256})},
			Validation: tpm2.TPMTTKHashCheck{Tag: tpm2.TPMSTHashCheck},
		}.Execute(k.tpm)
		if err == nil {
			s, err := r.Signature.Signature.ECDSA()
			if err != nil {
				return nil, fmt.Errorf("sign in the TPM: %w", err)
			}
			return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(s.SignatureR.Buffer), new(big.Int).SetBytes(s.SignatureS.Buffer)})
		}
		k.drop()
		if try > 0 { // the first time the TPM may only have forgotten the key: it was reset, or the machine slept
			return nil, tell("sign", err)
		}
	}
}

// Close lets the TPM forget the loaded key. A later use loads it again.
func (k *Key) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop()
	return nil
}

func (k *Key) load() error {
	if k.tpm != nil {
		return nil
	}
	t, err := open(k.device)
	if err != nil {
		return err
	}
	parent, err := storage(t)
	if err != nil {
		return errors.Join(tell("make its storage key", err), t.Close())
	}
	defer flush(t, parent.ObjectHandle)
	l, err := tpm2.Load{ParentHandle: tpm2.NamedHandle{Handle: parent.ObjectHandle, Name: parent.Name}, InPrivate: k.private, InPublic: k.pub}.Execute(t)
	if err != nil {
		return errors.Join(tell("load the key", err), t.Close())
	}
	k.tpm, k.handle = t, tpm2.NamedHandle{Handle: l.ObjectHandle, Name: l.Name}
	return nil
}

func (k *Key) drop() {
	if k.tpm != nil {
		flush(k.tpm, k.handle.Handle)
		_ = k.tpm.Close()
		k.tpm = nil
	}
}

// flush frees a place in the TPM, of which there are three. That it fails means that the place is free already.
func flush(t transport.TPM, h tpm2.TPMHandle) {
	_, _ = tpm2.FlushContext{FlushHandle: h}.Execute(t)
}
