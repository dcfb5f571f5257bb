package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Feed is how fetching a list from its address went last.
type Feed struct {
	Source     string
	Tried      time.Time // when a fetch began
	Done       time.Time // when one succeeded
	Snapshot   string    // what that gave
	Validators []byte    // JSON
	Problem    string    // code of the failure since; empty: none
}

const feedColumns = `source, tried, done, snapshot, validators, problem`

func scanFeed(scan func(...any) error) (Feed, error) {
	var f Feed
	var tried, done int64
	err := scan(&f.Source, &tried, &done, &f.Snapshot, &f.Validators, &f.Problem)
	f.Tried, f.Done = moment(tried), moment(done)
	return f, none(err)
}

// Feed finds one.
func (r Reader) Feed(ctx context.Context, source string) (Feed, error) {
	return scanFeed(r.row(ctx, `SELECT `+feedColumns+` FROM list_feed WHERE source = $1`, source).Scan)
}

// Feeds lists all.
func (r Reader) Feeds(ctx context.Context) ([]Feed, error) {
	rows, err := r.rows(ctx, `SELECT `+feedColumns+` FROM list_feed ORDER BY source`)
	return collect(rows, err, func(rows *sql.Rows) (Feed, error) { return scanFeed(rows.Scan) })
}

// ClaimFeed takes the turn to fetch a source's list, unless somebody began since before.
// Of several copies of the centre one gets it.
func (t *Tx) ClaimFeed(ctx context.Context, source string, before, now time.Time) (bool, error) {
	n, err := t.exec(ctx, `INSERT INTO list_feed (source, tried, validators) VALUES ($1, $2, $3)
		ON CONFLICT (source) DO UPDATE SET tried = excluded.tried WHERE list_feed.tried <= $4`, source, micros(now), []byte("{}"), micros(before))
	if err != nil {
		return false, fmt.Errorf("claim feed: %w", err)
	}
	return n == 1, nil
}

// SaveFeed writes how a fetch ended.
func (t *Tx) SaveFeed(ctx context.Context, f Feed) error {
	if _, err := t.exec(ctx, `UPDATE list_feed SET done = $2, snapshot = $3, validators = $4, problem = $5 WHERE source = $1`,
		f.Source, micros(f.Done), f.Snapshot, f.Validators, f.Problem); err != nil {
		return fmt.Errorf("save feed: %w", err)
	}
	return nil
}
