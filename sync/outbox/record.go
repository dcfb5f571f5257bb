package outbox

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"vestibule/sync/wire"
)

// Append adds a record in the caller's transaction and returns its number. It is
// there when, and only when, the transaction commits. Begin the transaction for
// writing (BEGIN IMMEDIATE), so that two of them queue instead of failing.
func (o *Outbox) Append(ctx context.Context, tx *sql.Tx, kind wire.Kind, id string, body []byte) (uint64, error) {
	if len(body) > wire.MaxBody || len(id) > wire.MaxID {
		return 0, ErrTooLarge
	}
	if body == nil {
		body = []byte{}
	}
	p, err := position(ctx, tx)
	if err != nil {
		return 0, err
	}
	r := wire.Record{Seq: p.Last + 1, Kind: kind, ID: id, Body: body}
	head, err := wire.Chain(p.Head, r)
	if err != nil {
		return 0, fmt.Errorf("append record: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO outbox_record (seq, kind, id, body, head, made) VALUES (?, ?, ?, ?, ?, ?)`,
		r.Seq, kind, id, body, head, o.now().UnixMilli()); err != nil {
		return 0, fail("append record", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE outbox_state SET last = ?, head = ?`, r.Seq, head); err != nil {
		return 0, fail("append record", err)
	}
	return r.Seq, nil
}

// Batch reads the records after a number, in order, as many as fit into maxBytes
// and one frame; at least one, if there is one. It changes nothing: reading again
// from an earlier number is how a sender goes back.
//
// It is one statement, hence one snapshot, and needs no lock that a writer holds.
func (o *Outbox) Batch(ctx context.Context, after uint64, maxBytes int) (Batch, error) {
	rows, err := o.db.QueryContext(ctx, `
		WITH s AS (SELECT *, min(max(?, acked), last) AS after FROM outbox_state)
		SELECT s.epoch, s.cursor, s.last, s.after,
			CASE WHEN s.after = s.last THEN s.head WHEN s.after = s.acked THEN s.base
			ELSE (SELECT p.head FROM outbox_record p WHERE p.seq = s.after) END,
			r.seq, r.kind, r.id, r.body, r.head
		FROM s LEFT JOIN outbox_record r ON r.seq > s.after
		ORDER BY r.seq LIMIT ?`, after, wire.MaxRecords)
	if err != nil {
		return Batch{}, fail("read records", err)
	}
	defer rows.Close()
	var b Batch
	var last, from uint64
	for rows.Next() {
		var seq sql.Null[uint64]
		var kind sql.Null[wire.Kind]
		var id sql.NullString
		var body, head, before []byte
		if err := rows.Scan(&b.Epoch, &b.Cursor, &last, &from, &before, &seq, &kind, &id, &body, &head); err != nil {
			return Batch{}, fail("read records", err)
		}
		if len(b.Records) == 0 {
			b.Head = before
		}
		if !seq.Valid {
			break
		}
		if seq.V != from+uint64(len(b.Records))+1 {
			return Batch{}, ErrDamaged
		}
		r := wire.Record{Seq: seq.V, Kind: kind.V, ID: id.String, Body: body}
		size := wire.RecordSize(r)
		if len(b.Records) > 0 && b.Bytes+size > maxBytes {
			break
		}
		b.Records, b.Head, b.Bytes = append(b.Records, r), head, b.Bytes+size
	}
	if err := rows.Err(); err != nil {
		return Batch{}, fail("read records", err)
	}
	switch {
	case b.Epoch == "":
		return Batch{}, ErrNoEpoch
	case len(b.Records) == 0 && from < last, len(b.Head) != wire.HashSize:
		return Batch{}, ErrDamaged
	}
	return b, nil
}

// Acknowledge deletes what the centre's database has: records up to ack.High if
// the epoch is ours, and blobs that are done. It never goes back, and works when
// the file is at its limit. An acknowledgement of another epoch is ignored; one of
// records that were never made is ErrAhead, one whose chain value is not ours is
// ErrForked, and both delete nothing: the file is older than what the centre
// remembers of it, or was copied, see Renew.
func (o *Outbox) Acknowledge(ctx context.Context, ack wire.Ack) (Acked, error) {
	var done Acked
	err := o.within(ctx, "acknowledge", func(tx *sql.Tx) error {
		p, err := position(ctx, tx)
		if err != nil {
			return err
		}
		done.High = p.Acked
		if ack.Epoch == p.Epoch {
			if ack.High > p.Last {
				return ErrAhead
			}
			if err := sameChain(ctx, tx, ack, p); err != nil {
				return err
			}
			if ack.High > p.Acked {
				if err := acknowledge(ctx, tx, ack.High, &done); err != nil {
					return err
				}
			}
		}
		for _, b := range ack.Blobs {
			if err := acknowledgeBlob(ctx, tx, b, &done); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Acked{}, err
	}
	return done, nil
}

// sameChain compares the chain value that came with an acknowledgement with ours.
func sameChain(ctx context.Context, tx *sql.Tx, ack wire.Ack, p Position) error {
	if len(ack.Head) == 0 || ack.High < p.Acked {
		return nil
	}
	var own []byte
	query, args := `SELECT base FROM outbox_state`, []any(nil)
	if ack.High > p.Acked {
		query, args = `SELECT head FROM outbox_record WHERE seq = ?`, []any{ack.High}
	}
	if err := tx.QueryRowContext(ctx, query, args...).Scan(&own); err != nil {
		return fail("compare chain", err)
	}
	if !bytes.Equal(own, ack.Head) {
		return ErrForked
	}
	return nil
}

func acknowledge(ctx context.Context, tx *sql.Tx, high uint64, done *Acked) error {
	if _, err := tx.ExecContext(ctx, `UPDATE outbox_state SET acked = ?,
		base = (SELECT head FROM outbox_record WHERE seq = ?)`, high, high); err != nil {
		return fail("acknowledge", err)
	}
	res, err := tx.ExecContext(ctx, `DELETE FROM outbox_record WHERE seq <= ?`, high)
	if err != nil {
		return fail("acknowledge", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fail("acknowledge", err)
	}
	done.Records, done.High = int(n), high
	return nil
}

func acknowledgeBlob(ctx context.Context, tx *sql.Tx, b wire.BlobAck, done *Acked) error {
	if !b.Done {
		_, err := tx.ExecContext(ctx, `UPDATE outbox_blob SET have = min(?, size) WHERE blob = ?`, b.Have, b.Blob)
		return fail("acknowledge blob", err)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM outbox_chunk WHERE blob = (SELECT num FROM outbox_blob WHERE blob = ?)`, b.Blob); err != nil {
		return fail("acknowledge blob", err)
	}
	res, err := tx.ExecContext(ctx, `DELETE FROM outbox_blob WHERE blob = ?`, b.Blob)
	if err != nil {
		return fail("acknowledge blob", err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return fail("acknowledge blob", err)
	} else if n > 0 {
		done.Blobs = append(done.Blobs, b.Blob)
	}
	return nil
}

// Renew begins a new epoch: whatever waits is numbered and chained again from 1.
// It is the way out when this file was restored from a copy and the centre holds
// later records of the old epoch: their numbers must not be used a second time.
// The centre tells records apart by their ids, so none is counted twice.
func (o *Outbox) Renew(ctx context.Context) error {
	return o.within(ctx, "begin an epoch", func(tx *sql.Tx) error {
		epoch := newEpoch()
		head := wire.ChainStart(o.kiosk, epoch)
		base := head
		var waiting []uint64
		rows, err := tx.QueryContext(ctx, `SELECT seq FROM outbox_record ORDER BY seq`)
		if err != nil {
			return fail("begin an epoch", err)
		}
		defer rows.Close()
		for rows.Next() {
			var seq uint64
			if err := rows.Scan(&seq); err != nil {
				return fail("begin an epoch", err)
			}
			waiting = append(waiting, seq)
		}
		if err := rows.Err(); err != nil {
			return fail("begin an epoch", err)
		}
		for i, old := range waiting {
			r := wire.Record{Seq: uint64(i) + 1}
			if err := tx.QueryRowContext(ctx, `SELECT kind, id, body FROM outbox_record WHERE seq = ?`, old).
				Scan(&r.Kind, &r.ID, &r.Body); err != nil {
				return fail("begin an epoch", err)
			}
			if head, err = wire.Chain(head, r); err != nil {
				return fmt.Errorf("begin an epoch: %w", err)
			}
			// New numbers are never higher than the old ones and go up, so none is taken yet.
			if _, err := tx.ExecContext(ctx, `UPDATE outbox_record SET seq = ?, head = ? WHERE seq = ?`, r.Seq, head, old); err != nil {
				return fail("begin an epoch", err)
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE outbox_state SET epoch = ?, last = ?, acked = 0, head = ?, base = ?`,
			epoch, len(waiting), head, base)
		return fail("begin an epoch", err)
	})
}
