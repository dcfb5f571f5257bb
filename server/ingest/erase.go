package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/wire"
)

// Entomb erases the body of a record and leaves what is needed to go on proving the chain: its hash, and the chain
// before and after it. A record that is not applied yet has no proven place in a chain: it is dropped as if it had not
// come, and its kiosk sends it again.
func Entomb(ctx context.Context, tx *store.Tx, v *vault.Vault, p store.Placed, submission string) error {
	s, err := tx.Stream(ctx, p.Kiosk, p.Epoch)
	if err != nil {
		return fmt.Errorf("find stream: %w", err)
	}
	if p.Seq > s.High {
		return tx.DropRecord(ctx, p.Kiosk, p.Epoch, p.Seq)
	}
	if len(p.Body) == 0 {
		return nil // done before
	}
	return entomb(ctx, tx, v, p, submission)
}

func entomb(ctx context.Context, tx *store.Tx, v *vault.Vault, p store.Placed, submission string) error {
	at, head, err := tx.ChainBefore(ctx, p.Kiosk, p.Epoch, p.Seq)
	if err != nil {
		return fmt.Errorf("find the chain before a record: %w", err)
	}
	for at+1 < p.Seq {
		records, err := tx.InboxAfter(ctx, p.Kiosk, p.Epoch, at, verifyBatch)
		if err != nil {
			return fmt.Errorf("read records: %w", err)
		}
		if len(records) == 0 || records[0].Seq != at+1 {
			return fmt.Errorf("chain before record %d: record %d is missing", p.Seq, at+1)
		}
		for _, r := range records {
			if r.Seq == p.Seq || r.Seq != at+1 {
				break
			}
			if head, err = wire.Chain(head, r.Record); err != nil {
				return fmt.Errorf("continue chain: %w", err)
			}
			at = r.Seq
		}
	}
	sum := sha256.Sum256(p.Body)
	t := store.Tombstone{Kiosk: p.Kiosk, Epoch: p.Epoch, Seq: p.Seq, Submission: submission, Hash: sum[:], Before: head}
	if t.After, err = wire.Chain(head, p.Record); err != nil {
		return fmt.Errorf("continue chain: %w", err)
	}
	t.Mark = mark(v, t)
	return tx.EraseRecord(ctx, t)
}

// mark is what only the centre can make: whoever empties a record behind its back has none.
func mark(v *vault.Vault, t store.Tombstone) string {
	return v.Hash("erased record", strings.Join([]string{
		t.Kiosk, t.Epoch, strconv.FormatUint(t.Seq, 10), t.Submission,
		hex.EncodeToString(t.Hash), hex.EncodeToString(t.Before), hex.EncodeToString(t.After),
	}, "|"))
}

// buried reports whether a record is of somebody who was erased.
func (f *frame) buried(ctx context.Context, r wire.Record) (string, bool, error) {
	if r.Kind != wire.KindSubmission {
		return "", false, nil
	}
	ids := []string{r.ID}
	if body, err := wire.DecodeSubmission(r.Body); err == nil && body.Submission != r.ID {
		ids = append(ids, body.Submission)
	}
	for _, id := range ids {
		gone, err := f.tx.TakesNoMore(ctx, id)
		if err != nil || gone {
			return id, gone, err
		}
	}
	return "", false, nil
}

// bury takes a record of an erased submission in without keeping anything of it, nor of the pictures that it names.
func (f *frame) bury(ctx context.Context, r wire.Record, body wire.SubmissionBody) error {
	for _, blob := range body.Blobs {
		b := store.ErasedBlob{Blob: blob, Submission: body.Submission, Kiosk: f.up.Kiosk}
		if err := f.tx.EraseBlob(ctx, b); err != nil {
			return err
		}
		f.gone = append(f.gone, b)
	}
	return entomb(ctx, f.tx, f.in.c.Vault, store.Placed{Kiosk: f.up.Kiosk, Epoch: f.up.Epoch, Received: store.Received{Record: r}}, body.Submission)
}

// sweep drops the records of erased submissions that came with this frame and could not be applied.
func (f *frame) sweep(ctx context.Context) error {
	for _, seq := range f.dead {
		if seq <= f.stream.High {
			continue
		}
		if err := f.tx.DropRecord(ctx, f.up.Kiosk, f.up.Epoch, seq); err != nil {
			return err
		}
	}
	return nil
}
