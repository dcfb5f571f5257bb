package keep

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"vestibule/journey"
	"vestibule/server/store"
	"vestibule/sync/wire"
)

// Layout of what a person's key locks: version, nonce, ciphertext with tag.
const (
	lockVersion = 1
	secretSize  = 32 // AES-256
	nonceSize   = 12
	lockedText  = "locked:" // leads locked text, which is base64
)

// errLocked is returned for what does not open: it was altered, or another key locked it.
var errLocked = errors.New("locked data do not open with the person's key")

func lockCipher(secret []byte) (cipher.AEAD, error) {
	if len(secret) != secretSize {
		return nil, fmt.Errorf("a person's key has %d bytes, not %d", len(secret), secretSize)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("prepare a person's key: %w", err)
	}
	return cipher.NewGCM(block)
}

func lock(secret, plain []byte, place string) ([]byte, error) {
	aead, err := lockCipher(secret)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 1+nonceSize, 1+nonceSize+len(plain)+aead.Overhead())
	out[0] = lockVersion
	if _, err := rand.Read(out[1:]); err != nil {
		return nil, fmt.Errorf("draw nonce: %w", err)
	}
	return aead.Seal(out, out[1:], plain, []byte(place)), nil
}

func unlock(secret, locked []byte, place string) ([]byte, error) {
	aead, err := lockCipher(secret)
	if err != nil {
		return nil, err
	}
	if len(locked) < 1+nonceSize+aead.Overhead() || locked[0] != lockVersion {
		return nil, errLocked
	}
	plain, err := aead.Open(nil, locked[1:1+nonceSize], locked[1+nonceSize:], []byte(place))
	if err != nil {
		return nil, errLocked
	}
	return plain, nil
}

// Locks lock and unlock what backups hold of people. They are for one goroutine.
type Locks struct {
	keeper *Keeper
	known  map[[2]string][]byte
	// Lost counts what could not be unlocked because its key is gone.
	Lost int
}

// mostKnown bounds how many keys are remembered: the records of one person lie together.
const mostKnown = 10_000

// Locks begins to lock, and gives everybody a key who has none: a few thousand at a time, so that nobody waits for it.
func (k *Keeper) Locks(ctx context.Context) (*Locks, error) {
	after := ""
	for {
		list, err := k.c.Store.Read().Keyless(ctx, after, 500)
		if err != nil {
			return nil, fmt.Errorf("find who has no key: %w", err)
		}
		if len(list) == 0 {
			return &Locks{keeper: k, known: map[[2]string][]byte{}}, nil
		}
		if err := k.c.Store.Write(ctx, func(tx *store.Tx) error {
			for _, id := range list {
				for _, kind := range journey.DataKinds() {
					if err := addKey(ctx, tx, id, kind); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			return nil, err
		}
		after = list[len(list)-1]
	}
}

func addKey(ctx context.Context, tx *store.Tx, subject string, kind journey.DataKind) error {
	secret := make([]byte, secretSize)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("draw a key: %w", err)
	}
	return tx.AddPersonKey(ctx, store.PersonKey{Subject: subject, Kind: kind, Secret: secret})
}

// find gives a key that there is.
func (l *Locks) find(ctx context.Context, subject string, kind journey.DataKind) ([]byte, error) {
	at := [2]string{subject, string(kind)}
	if secret, ok := l.known[at]; ok {
		return secret, nil
	}
	secret, err := l.keeper.c.Store.Read().PersonKey(ctx, subject, kind)
	if err != nil {
		return nil, err
	}
	if len(l.known) >= mostKnown {
		clear(l.known)
	}
	l.known[at] = secret
	return secret, nil
}

// make gives a key, a new one to whoever has none. Who was erased meanwhile gets one that nobody keeps.
func (l *Locks) make(ctx context.Context, subject string, kind journey.DataKind) ([]byte, error) {
	secret, err := l.find(ctx, subject, kind)
	if !errors.Is(err, store.ErrNotFound) {
		return secret, err
	}
	if err := l.keeper.c.Store.Write(ctx, func(tx *store.Tx) error { return addKey(ctx, tx, subject, kind) }); err != nil {
		return nil, err
	}
	secret, err = l.find(ctx, subject, kind)
	if !errors.Is(err, store.ErrNotFound) {
		return secret, err
	}
	secret = make([]byte, secretSize)
	_, err = rand.Read(secret)
	return secret, err
}

// Lock locks what a row holds of a person.
func (l *Locks) Lock(ctx context.Context, row *store.Row) (bool, error) {
	return true, l.each(row, func(kind journey.DataKind, place string, plain []byte) ([]byte, error) {
		secret, err := l.make(ctx, row.Owner, kind)
		if err != nil {
			return nil, err
		}
		return lock(secret, plain, place)
	}, false)
}

// Unlock opens what Lock locked. What has no key any more is empty afterwards; a row that would be found by it is left out.
func (l *Locks) Unlock(ctx context.Context, row *store.Row) (bool, error) {
	lost := false
	err := l.each(row, func(kind journey.DataKind, place string, locked []byte) ([]byte, error) {
		secret, err := l.find(ctx, row.Owner, kind)
		if errors.Is(err, store.ErrNotFound) {
			lost = true
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return unlock(secret, locked, place)
	}, true)
	if lost {
		l.Lost++
	}
	return !lost || row.Table != "list_cleared" && row.Table != "list_hit" && row.Table != "face" && row.Table != "decision_input" && row.Table != "review", err
}

// each changes every value of a person in a row.
func (l *Locks) each(row *store.Row, change func(kind journey.DataKind, place string, b []byte) ([]byte, error), open bool) error {
	if row.Owner == "" {
		return nil
	}
	belongs := store.Belongs(row.Table)
	for i, name := range row.Columns {
		kind, ok := belongs[name]
		if !ok {
			continue
		}
		place := strings.Join([]string{row.Table, name, row.Owner}, "|")
		switch v := row.Values[i].(type) {
		case []byte:
			if len(v) == 0 {
				continue
			}
			out, err := change(kind, place, v)
			if err != nil {
				return fmt.Errorf("%s.%s: %w", row.Table, name, err)
			}
			if out == nil {
				out = []byte{}
			}
			row.Values[i] = out
		case string:
			if v == "" {
				continue
			}
			text, err := eachText(v, open, func(b []byte) ([]byte, error) { return change(kind, place, b) })
			if err != nil {
				return fmt.Errorf("%s.%s: %w", row.Table, name, err)
			}
			row.Values[i] = text
		}
	}
	return nil
}

func eachText(v string, open bool, change func([]byte) ([]byte, error)) (string, error) {
	if !open {
		locked, err := change([]byte(v))
		return lockedText + base64.StdEncoding.EncodeToString(locked), err
	}
	text, ok := strings.CutPrefix(v, lockedText)
	b, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil {
		return "", errLocked
	}
	plain, err := change(b)
	return string(plain), err
}

// pictureHead leads a locked picture: then the length of its subject's name, the name, and what is locked.
const pictureHead = "VLP1"

// LockPicture locks a sealed picture.
func (l *Locks) LockPicture(ctx context.Context, blob string, sealed []byte) ([]byte, error) {
	subject, err := l.keeper.c.Store.Read().OwnerOf(ctx, blob)
	if errors.Is(err, store.ErrNotFound) {
		subject, err = store.BlobSubject(blob), nil
	}
	if err != nil {
		return nil, fmt.Errorf("find whose a picture is: %w", err)
	}
	if len(subject) > 255 {
		return nil, errors.New("the name of a submission is too long")
	}
	secret, err := l.make(ctx, subject, journey.DataPictures)
	if err != nil {
		return nil, err
	}
	locked, err := lock(secret, sealed, "picture|"+blob)
	if err != nil {
		return nil, err
	}
	return append(append(append([]byte(pictureHead), byte(len(subject))), subject...), locked...), nil
}

// UnlockPicture opens what LockPicture locked; nil: its key is gone.
func (l *Locks) UnlockPicture(ctx context.Context, blob string, locked []byte) ([]byte, error) {
	head := len(pictureHead)
	if !wire.BlobID(blob) || len(locked) < head+1 || string(locked[:head]) != pictureHead {
		return nil, errLocked
	}
	n := int(locked[head])
	if len(locked) < head+1+n {
		return nil, errLocked
	}
	secret, err := l.find(ctx, string(locked[head+1:head+1+n]), journey.DataPictures)
	if errors.Is(err, store.ErrNotFound) {
		l.Lost++
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return unlock(secret, locked[head+1+n:], "picture|"+blob)
}
