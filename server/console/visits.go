package console

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"vestibule/server/review/desk"
	"vestibule/server/store"
)

// Visits keeps open log-ins where every copy of the centre finds them. *store.Store has it.
type Visits interface {
	AddVisit(ctx context.Context, id, who string, until, now time.Time) error
	Visit(ctx context.Context, id string) (who string, until time.Time, err error) // store.ErrNotFound: none
	EndVisit(ctx context.Context, id string) error
	Grant(ctx context.Context, visit, subject, why string, until time.Time) error
	Granted(ctx context.Context, visit, subject string) (why string, until time.Time, err error) // store.ErrNotFound: it may not
}

// visits are the open log-ins, by the random value of their cookie, of which only a hash is kept.
type visits struct {
	clock func() time.Time
	kept  Visits
}

func hashed(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// open lets somebody in, and gives the value of their cookie.
func (v visits) open(ctx context.Context, who Visitor) (string, error) {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails, by its documentation
	id := hex.EncodeToString(raw[:])
	text, err := json.Marshal(who)
	if err != nil {
		return "", fmt.Errorf("keep log-in: %w", err)
	}
	now := v.clock()
	return id, v.kept.AddVisit(ctx, hashed(id), string(text), now.Add(visitLasts), now)
}

// find gives who has logged in under a cookie's value.
func (v visits) find(ctx context.Context, id string) (who Visitor, in bool, err error) {
	text, until, err := v.kept.Visit(ctx, hashed(id))
	if errors.Is(err, store.ErrNotFound) || err == nil && !v.clock().Before(until) {
		return who, false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &who)
	}
	if err != nil {
		return Visitor{}, false, fmt.Errorf("find log-in: %w", err)
	}
	return who, true, nil
}

func (v visits) close(ctx context.Context, id string) error { return v.kept.EndVisit(ctx, hashed(id)) }

// reveal notes in a visit what it may see for a while, and why.
func (v visits) reveal(ctx context.Context, id, submission string, why desk.Reason, what []string) error {
	until := v.clock().Add(revealLasts)
	for _, w := range slices.Compact(slices.Sorted(slices.Values(what))) {
		if err := v.kept.Grant(ctx, hashed(id), submission+"|"+w, string(why), until); err != nil {
			return err
		}
	}
	return nil
}

// revealed tells why a visit sees something, if it does.
func (v visits) revealed(ctx context.Context, id, submission, what string) (desk.Reason, bool, error) {
	why, until, err := v.kept.Granted(ctx, hashed(id), submission+"|"+what)
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	return desk.Reason(why), err == nil && v.clock().Before(until), err
}
