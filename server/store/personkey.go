package store

import (
	"context"
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
