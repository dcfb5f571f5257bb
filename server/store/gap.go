package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Gap is a place in a kiosk's stream where records are missing though later ones came.
type Gap struct {
	Kiosk, Epoch string
	From, To     uint64    // the missing ones
	Since        time.Time // when the first one after them came
}

// Gaps lists the gaps that have been open since a time, and that nobody was told of.
func (r Reader) Gaps(ctx context.Context, since time.Time, limit int) ([]Gap, error) {
	rows, err := r.rows(ctx, `SELECT s.kiosk, s.epoch, s.high, i.seq, i.received FROM stream s
		JOIN inbox i ON i.kiosk = s.kiosk AND i.epoch = s.epoch
			AND i.seq = (SELECT MIN(n.seq) FROM inbox n WHERE n.kiosk = s.kiosk AND n.epoch = s.epoch AND n.seq > s.high)
		WHERE s.refused = '' AND s.alarmed < s.high AND i.seq > s.high + 1 AND i.received < $1 ORDER BY i.received LIMIT $2`, micros(since), limit)
	return collect(rows, err, func(rows *sql.Rows) (Gap, error) {
		var g Gap
		var high, next, received int64
		err := rows.Scan(&g.Kiosk, &g.Epoch, &high, &next, &received)
		g.From, g.To, g.Since = uint64(high)+1, uint64(next)-1, moment(received)
		return g, err
	})
}

// SetAlarmed notes that a gap was told of. It reports false where another copy was first.
func (t *Tx) SetAlarmed(ctx context.Context, g Gap) (bool, error) {
	n, err := t.exec(ctx, `UPDATE stream SET alarmed = $3 WHERE kiosk = $1 AND epoch = $2 AND alarmed < $3`, g.Kiosk, g.Epoch, int64(g.From)-1)
	if err != nil {
		return false, fmt.Errorf("note a gap: %w", err)
	}
	return n > 0, nil
}
