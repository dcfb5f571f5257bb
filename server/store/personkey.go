package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"

	"vestibule/journey"
)

// PersonKey opens what backups hold of one person, of one kind of data.
type PersonKey struct {
	Subject string // submission; or BlobSubject of a picture that belongs to none
	Kind    journey.DataKind
	Secret  []byte
}

// BlobSubject names a picture that no submission names yet.
func BlobSubject(blob string) string { return "blob:" + blob }

// AddPersonKey keeps a key, unless there is one, or what it is for was erased.
func (t *Tx) AddPersonKey(ctx context.Context, k PersonKey) error {
	if _, err := t.exec(ctx, `INSERT INTO person_key (subject, kind, secret) SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT)
		WHERE NOT EXISTS (SELECT 1 FROM erased WHERE submission = $1 AND kind = $2)
		AND NOT EXISTS (SELECT 1 FROM erased_blob WHERE blob = substr($1, 6)) ON CONFLICT DO NOTHING`, k.Subject, string(k.Kind), hex.EncodeToString(k.Secret)); err != nil {
		return fmt.Errorf("keep a person's key: %w", err)
	}
	return nil
}

// DropPersonKey deletes a key: no backup of the person can be opened with what is here.
func (t *Tx) DropPersonKey(ctx context.Context, subject string, kind journey.DataKind) error {
	if _, err := t.exec(ctx, `DELETE FROM person_key WHERE subject = $1 AND kind = $2`, subject, string(kind)); err != nil {
		return fmt.Errorf("delete a person's key: %w", err)
	}
	return nil
}

// PersonKeys gives all keys, in the order of their subjects.
func (r Reader) PersonKeys(ctx context.Context, take func(PersonKey) error) error {
	rows, err := r.rows(ctx, `SELECT subject, kind, secret FROM person_key ORDER BY subject, kind`)
	if err != nil {
		return fmt.Errorf("read people's keys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var k PersonKey
		var secret string
		if err := rows.Scan(&k.Subject, &k.Kind, &secret); err != nil {
			return fmt.Errorf("read people's keys: %w", err)
		}
		if k.Secret, err = hex.DecodeString(secret); err != nil {
			return fmt.Errorf("read people's keys: %w", err)
		}
		if err := take(k); err != nil {
			return err
		}
	}
	return rows.Err()
}

// PersonKey finds a key. ErrNotFound: it was deleted, or none was made.
func (r Reader) PersonKey(ctx context.Context, subject string, kind journey.DataKind) ([]byte, error) {
	var secret string
	if err := none(r.row(ctx, `SELECT secret FROM person_key WHERE subject = $1 AND kind = $2`, subject, string(kind)).Scan(&secret)); err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(secret)
	if err != nil {
		return nil, fmt.Errorf("read a person's key: %w", err)
	}
	return key, nil
}

// Keyless lists submissions that have no key yet.
func (r Reader) Keyless(ctx context.Context, after string, limit int) ([]string, error) {
	rows, err := r.rows(ctx, `SELECT id FROM submission s WHERE id > $1 AND stand <> 'erased'
		AND NOT EXISTS (SELECT 1 FROM person_key p WHERE p.subject = s.id AND p.kind = 'personal') ORDER BY id LIMIT $2`, after, limit)
	return collect(rows, err, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) })
}

// OwnerOf tells which submission names a picture. ErrNotFound: none does.
func (r Reader) OwnerOf(ctx context.Context, blob string) (submission string, err error) {
	err = none(r.row(ctx, `SELECT submission FROM evidence WHERE blob = $1 ORDER BY submission LIMIT 1`, blob).Scan(&submission))
	return submission, err
}

// Ledger gives everything that was erased: those who restore an older state erase it again.
func (r Reader) Ledger(ctx context.Context, erasure func(Erasure) error, blob func(ErasedBlob) error, tombstone func(Tombstone) error) error {
	rows, err := r.rows(ctx, `SELECT `+erasureColumns+` FROM erased ORDER BY submission, kind`)
	if err := each(rows, err, scanErasure, erasure); err != nil {
		return fmt.Errorf("read erasures: %w", err)
	}
	rows, err = r.rows(ctx, `SELECT blob, submission, kiosk FROM erased_blob ORDER BY blob`)
	if err := each(rows, err, scanErasedBlob, blob); err != nil {
		return fmt.Errorf("read erased pictures: %w", err)
	}
	rows, err = r.rows(ctx, `SELECT `+tombstoneColumns+` FROM erased_record ORDER BY kiosk, epoch, seq`)
	if err := each(rows, err, func(rows *sql.Rows) (Tombstone, error) { return scanTombstone(rows.Scan) }, tombstone); err != nil {
		return fmt.Errorf("read erased records: %w", err)
	}
	return nil
}

func each[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error), take func(T) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return err
		}
		if err := take(one); err != nil {
			return err
		}
	}
	return rows.Err()
}
