package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// SealOrder is a seal key that kiosks were told to use.
type SealOrder struct {
	Number int64
	Key    string // its id, hex
	Public []byte // as a bundle's file holds it
	At     time.Time
}

// LatestSealOrder gives the one in force, or ErrNotFound when there never was any.
func (r Reader) LatestSealOrder(ctx context.Context) (SealOrder, error) {
	var o SealOrder
	var public string
	var at int64
	err := none(r.row(ctx, `SELECT number, key_id, public, at FROM seal_order ORDER BY number DESC LIMIT 1`).Scan(&o.Number, &o.Key, &public, &at))
	if err != nil {
		return o, fmt.Errorf("read seal order: %w", err)
	}
	o.Public, o.At = []byte(public), moment(at)
	return o, nil
}

// AddSealOrder stores an order and numbers it: above all earlier ones, and not below the present second, so
// that a centre which was restored from an old backup goes on above what kiosks know.
func (t *Tx) AddSealOrder(ctx context.Context, o SealOrder) (SealOrder, error) {
	err := t.row(ctx, `INSERT INTO seal_order (number, key_id, public, at)
		SELECT CASE WHEN COALESCE(MAX(number), 0) + 1 > $1 THEN COALESCE(MAX(number), 0) + 1 ELSE $1 END, $2, $3, $4 FROM seal_order RETURNING number`,
		o.At.Unix(), o.Key, string(o.Public), micros(o.At)).Scan(&o.Number)
	if err != nil {
		return o, fmt.Errorf("store seal order: %w", err)
	}
	return o, nil
}

// KioskSeal is which seal key a kiosk says it uses.
type KioskSeal struct {
	Kiosk   string
	Key     string // id, hex; empty: it never said
	Number  int64  // of the order
	At      time.Time
	Problem string // code: it refused an order since
}

// UsesSeal notes which seal key a kiosk says it uses from now on.
func (t *Tx) UsesSeal(ctx context.Context, k KioskSeal) error {
	_, err := t.exec(ctx, `INSERT INTO kiosk_seal (kiosk, key_id, number, at, problem) VALUES ($1, $2, $3, $4, '')
		ON CONFLICT (kiosk) DO UPDATE SET key_id = excluded.key_id, number = excluded.number, at = excluded.at, problem = ''`,
		k.Kiosk, k.Key, k.Number, micros(k.At))
	if err != nil {
		return fmt.Errorf("note a kiosk's seal key: %w", err)
	}
	return nil
}

// RefusesSeal notes that a kiosk refused a seal key. The one that it uses stays.
func (t *Tx) RefusesSeal(ctx context.Context, k KioskSeal) error {
	_, err := t.exec(ctx, `INSERT INTO kiosk_seal (kiosk, key_id, number, at, problem) VALUES ($1, '', 0, $2, $3)
		ON CONFLICT (kiosk) DO UPDATE SET at = excluded.at, problem = excluded.problem`, k.Kiosk, micros(k.At), k.Problem)
	if err != nil {
		return fmt.Errorf("note a kiosk's seal key: %w", err)
	}
	return nil
}

// KioskSeals gives what every kiosk said of its seal key, by kiosk.
func (r Reader) KioskSeals(ctx context.Context) (map[string]KioskSeal, error) {
	rows, err := r.rows(ctx, `SELECT kiosk, key_id, number, at, problem FROM kiosk_seal`)
	list, err := collect(rows, err, func(rows *sql.Rows) (KioskSeal, error) {
		var k KioskSeal
		var at int64
		err := rows.Scan(&k.Kiosk, &k.Key, &k.Number, &at, &k.Problem)
		k.At = moment(at)
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("read kiosks' seal keys: %w", err)
	}
	out := map[string]KioskSeal{}
	for _, k := range list {
		out[k.Kiosk] = k
	}
	return out, nil
}
