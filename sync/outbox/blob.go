package outbox

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"vestibule/sync/wire"
)

// AppendBlob keeps sealed bytes in the caller's transaction until the centre has
// them whole, and returns their name: the SHA-256 in hex. The same bytes twice are one blob.
func (o *Outbox) AppendBlob(ctx context.Context, tx *sql.Tx, sealed []byte) (string, error) {
	if len(sealed) == 0 || len(sealed) > wire.MaxBlob {
		return "", ErrTooLarge
	}
	sum := sha256.Sum256(sealed)
	id := hex.EncodeToString(sum[:])
	res, err := tx.ExecContext(ctx, `INSERT INTO outbox_blob (blob, size) VALUES (?, ?) ON CONFLICT (blob) DO NOTHING`, id, len(sealed))
	if err != nil {
		return "", fail("append blob", err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return "", fail("append blob", err)
	} else if n == 0 {
		return id, nil
	}
	num, err := res.LastInsertId()
	if err != nil {
		return "", fail("append blob", err)
	}
	for part, rest := 0, sealed; len(rest) > 0; part++ {
		n := min(len(rest), wire.ChunkSize)
		if _, err := tx.ExecContext(ctx, `INSERT INTO outbox_chunk (blob, part, data) VALUES (?, ?, ?)`, num, part, rest[:n]); err != nil {
			return "", fail("append blob", err)
		}
		rest = rest[n:]
	}
	return id, nil
}

// Blobs lists what waits, oldest first.
func (o *Outbox) Blobs(ctx context.Context, limit int) ([]Blob, error) {
	return o.BlobsAfter(ctx, 0, limit)
}

// BlobsAfter lists what waits after a Blob.Num, oldest first.
func (o *Outbox) BlobsAfter(ctx context.Context, num int64, limit int) ([]Blob, error) {
	rows, err := o.db.QueryContext(ctx, `SELECT num, blob, size, have FROM outbox_blob WHERE num > ? ORDER BY num LIMIT ?`, num, limit)
	if err != nil {
		return nil, fail("list blobs", err)
	}
	defer rows.Close()
	var out []Blob
	for rows.Next() {
		var b Blob
		if err := rows.Scan(&b.Num, &b.ID, &b.Size, &b.Have); err != nil {
			return nil, fail("list blobs", err)
		}
		out = append(out, b)
	}
	return out, fail("list blobs", rows.Err())
}

// Chunk reads the bytes of a blob from an offset to the end of the stored part it
// lies in: at most wire.ChunkSize. At the end of the blob it gives none.
func (o *Outbox) Chunk(ctx context.Context, blob string, offset int64) ([]byte, error) {
	if offset < 0 {
		return nil, fmt.Errorf("read blob: offset %d", offset)
	}
	var size int64
	var data []byte
	err := o.db.QueryRowContext(ctx, `SELECT b.size, c.data FROM outbox_blob b LEFT JOIN outbox_chunk c ON c.blob = b.num AND c.part = ?
		WHERE b.blob = ?`, offset/wire.ChunkSize, blob).Scan(&size, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoBlob
	}
	if err != nil {
		return nil, fail("read blob", err)
	}
	if offset >= size {
		return nil, nil
	}
	within := int(offset % wire.ChunkSize)
	if within >= len(data) {
		return nil, ErrDamaged
	}
	return data[within:], nil
}
