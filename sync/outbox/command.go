package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"vestibule/sync/wire"
)

// poison marks a command that no later try will apply.
type poison struct{ err error }

func (p poison) Error() string { return p.err.Error() }
func (p poison) Unwrap() error { return p.err }

// Poison marks err as final: the command that caused it is set aside, raw, and the
// stream goes on. Its text is kept with the command, so it must not hold personal data.
func Poison(err error) error { return poison{err} }

// Apply carries out the next command of the centre: fn and the move of the cursor
// are one transaction. It returns false for a command that was applied before,
// ErrGap for one that comes too early. When fn fails nothing has happened and the
// same command may come again; when fn's error is made by Poison the command is
// quarantined, the cursor moves, and Apply returns that error with true.
func (o *Outbox) Apply(ctx context.Context, cmd wire.Record, fn func(*sql.Tx) error) (bool, error) {
	applied := false
	err := o.within(ctx, "apply command", func(tx *sql.Tx) error {
		due, err := o.due(ctx, tx, cmd.Seq)
		if err != nil || !due {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		applied = true
		return moveCursor(ctx, tx, cmd.Seq)
	})
	if err == nil {
		return applied, nil
	}
	var bad poison
	if !errors.As(err, &bad) {
		return false, err
	}
	return o.quarantine(ctx, cmd, bad)
}

func (o *Outbox) quarantine(ctx context.Context, cmd wire.Record, bad poison) (bool, error) {
	applied := false
	err := o.within(ctx, "quarantine command", func(tx *sql.Tx) error {
		due, err := o.due(ctx, tx, cmd.Seq)
		if err != nil || !due {
			return err
		}
		body := cmd.Body
		if body == nil {
			body = []byte{}
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO outbox_quarantine (seq, kind, id, body, reason, made) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (seq) DO NOTHING`, cmd.Seq, cmd.Kind, cmd.ID, body, bad.Error(), o.now().UnixMilli()); err != nil {
			return fail("quarantine command", err)
		}
		applied = true
		return moveCursor(ctx, tx, cmd.Seq)
	})
	if err != nil {
		return false, err
	}
	return applied, bad
}

func (o *Outbox) due(ctx context.Context, tx *sql.Tx, seq uint64) (bool, error) {
	var cursor uint64
	if err := tx.QueryRowContext(ctx, `SELECT cursor FROM outbox_state`).Scan(&cursor); err != nil {
		return false, fail("read cursor", err)
	}
	switch {
	case seq <= cursor:
		return false, nil
	case seq > cursor+1:
		return false, fmt.Errorf("%w: have %d, got %d", ErrGap, cursor, seq)
	}
	return true, nil
}

func moveCursor(ctx context.Context, tx *sql.Tx, seq uint64) error {
	_, err := tx.ExecContext(ctx, `UPDATE outbox_state SET cursor = ?`, seq)
	return fail("move cursor", err)
}
