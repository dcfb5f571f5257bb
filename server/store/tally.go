package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Tally counts how often the centre read a kiosk's evidence again, and came to something else.
type Tally struct {
	Kiosk       string
	Models      string // of the kiosk: name=version, one a line
	N, Differed int
}

const day = 24 * time.Hour

// TallyRecheck counts one more.
func (t *Tx) TallyRecheck(ctx context.Context, kiosk string, models map[string]string, differed bool, now time.Time) error {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(models)) {
		lines = append(lines, name+"="+models[name])
	}
	named := strings.Join(lines, "\n")
	digest := sha256.Sum256([]byte(named))
	one := 0
	if differed {
		one = 1
	}
	if _, err := t.exec(ctx, `INSERT INTO recheck_tally (kiosk, models, day, named, n, differed) VALUES ($1, $2, $3, $4, 1, $5)
		ON CONFLICT (kiosk, models, day) DO UPDATE SET n = recheck_tally.n + 1, differed = recheck_tally.differed + $5`,
		kiosk, hex.EncodeToString(digest[:16]), micros(now.UTC().Truncate(day)), named, one); err != nil {
		return fmt.Errorf("count a re-check: %w", err)
	}
	return nil
}

// Tallies sums up since a time, by kiosk and networks, those of at least n.
func (r Reader) Tallies(ctx context.Context, since time.Time, n int) ([]Tally, error) {
	rows, err := r.rows(ctx, `SELECT kiosk, named, SUM(n), SUM(differed) FROM recheck_tally WHERE day >= $1
		GROUP BY kiosk, named HAVING SUM(n) >= $2 ORDER BY kiosk, named`, micros(since), n)
	return collect(rows, err, scanTally)
}

// UntoldTallies is Tallies without those that somebody was told of since then.
func (r Reader) UntoldTallies(ctx context.Context, since time.Time, n int) ([]Tally, error) {
	rows, err := r.rows(ctx, `SELECT kiosk, named, SUM(n), SUM(differed) FROM recheck_tally WHERE day >= $1
		GROUP BY kiosk, named HAVING SUM(n) >= $2 AND MAX(alarmed) < $1 ORDER BY kiosk, named`, micros(since), n)
	return collect(rows, err, scanTally)
}

func scanTally(rows *sql.Rows) (Tally, error) {
	var t Tally
	err := rows.Scan(&t.Kiosk, &t.Models, &t.N, &t.Differed)
	return t, err
}

// ToldTallies gives, of the kiosks that somebody was told of since a time, what Tallies gives.
func (r Reader) ToldTallies(ctx context.Context, since time.Time) ([]Tally, error) {
	rows, err := r.rows(ctx, `SELECT kiosk, named, SUM(n), SUM(differed) FROM recheck_tally WHERE day >= $1
		GROUP BY kiosk, named HAVING MAX(alarmed) >= $1 ORDER BY kiosk, named`, micros(since))
	return collect(rows, err, scanTally)
}

// SetTallyTold notes that somebody was told. It reports false where another copy was first.
func (t *Tx) SetTallyTold(ctx context.Context, of Tally, since, now time.Time) (bool, error) {
	n, err := t.exec(ctx, `UPDATE recheck_tally SET alarmed = $4 WHERE kiosk = $1 AND named = $2 AND day >= $3
		AND NOT EXISTS (SELECT 1 FROM recheck_tally o WHERE o.kiosk = $1 AND o.named = $2 AND o.day >= $3 AND o.alarmed >= $3)`,
		of.Kiosk, of.Models, micros(since), micros(now))
	if err != nil {
		return false, fmt.Errorf("note an alarm: %w", err)
	}
	return n > 0, nil
}

// PruneTallies forgets what is older.
func (t *Tx) PruneTallies(ctx context.Context, before time.Time) error {
	if _, err := t.exec(ctx, `DELETE FROM recheck_tally WHERE day < $1`, micros(before)); err != nil {
		return fmt.Errorf("forget counts: %w", err)
	}
	return nil
}
