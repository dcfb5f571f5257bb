package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	_ "github.com/mattn/go-sqlite3" // both sides' databases

	"vestibule/journey"
	"vestibule/sync/wire"
)

// tally is how much was compared.
type tally struct {
	events, submissions, pictures, decisions int
	drain                                    time.Duration
}

func (t *tally) add(o tally) {
	t.events += o.events
	t.submissions += o.submissions
	t.pictures += o.pictures
	t.decisions += o.decisions
}

// reader opens a database that somebody else writes.
func reader(path string) (*sql.DB, error) {
	return sql.Open("sqlite3", "file:"+path+"?mode=ro&_busy_timeout=5000")
}

func (w *world) centreDB() (*sql.DB, error) { return reader(filepath.Join(w.centre.data, "centre.db")) }
func (k *station) db() (*sql.DB, error)     { return reader(filepath.Join(k.data, "kiosk.db")) }

// waiting says what is still under way; empty: nothing.
func (w *world) waiting(ctx context.Context) (string, error) {
	c, err := w.centreDB()
	if err != nil {
		return "", err
	}
	defer c.Close()
	for _, k := range w.kiosks {
		db, err := k.db()
		if err != nil {
			return "", err
		}
		n, err := count(ctx, db, `SELECT (SELECT count(*) FROM outbox_record) + (SELECT count(*) FROM outbox_blob)`)
		if err == nil && n == 0 {
			var cursor, commands int
			cursor, err = count(ctx, db, `SELECT cursor FROM outbox_state`)
			if err == nil {
				commands, err = count(ctx, c, `SELECT command_seq FROM kiosk WHERE id = ?`, k.name)
			}
			n = commands - cursor
		}
		if err == nil && n == 0 {
			n, err = count(ctx, db, `SELECT count(*) FROM evidence WHERE sealed IS NULL AND delivered = 0`)
		}
		db.Close()
		if err != nil {
			return "", fmt.Errorf("look at %s: %w", k.name, err)
		}
		if n != 0 {
			return fmt.Sprintf("%d at %s", n, k.name), nil
		}
	}
	for what, query := range map[string]string{
		"jobs":        `SELECT count(*) FROM job WHERE state IN ('queued', 'running')`,
		"submissions": `SELECT count(*) FROM submission WHERE stand NOT IN ('decided', 'closed', 'open')`,
		"commands":    `SELECT count(*) FROM command WHERE applied = 0`,
	} {
		n, err := count(ctx, c, query)
		if err != nil {
			return "", fmt.Errorf("look at the centre: %w", err)
		}
		if n > 0 {
			return fmt.Sprintf("%d %s at the centre", n, what), nil
		}
	}
	return "", nil
}

func count(ctx context.Context, db *sql.DB, query string, args ...any) (n int, err error) {
	err = db.QueryRowContext(ctx, query, args...).Scan(&n)
	return n, err
}

// compare holds both sides against each other. Every process has ended.
func (w *world) compare(ctx context.Context) (all tally, err error) {
	c, err := w.centreDB()
	if err != nil {
		return all, err
	}
	defer c.Close()
	for _, must := range []struct{ none, query string }{
		{"streams refused", `SELECT count(*) FROM stream WHERE refused <> ''`},
		{"records in quarantine", `SELECT count(*) FROM quarantine`},
		{"dead jobs", `SELECT count(*) FROM job WHERE state NOT IN ('done')`},
		{"second decisions on a submission", `SELECT count(*) FROM (SELECT submission FROM decision WHERE submission <> '' GROUP BY submission, revision HAVING count(*) > 1)`},
		{"complete submissions without a decision", `SELECT count(*) FROM submission s WHERE s.state IN ('complete', 'exhausted') AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.submission = s.id)`},
		{"gaps in a stream", `SELECT count(*) FROM stream s WHERE s.high <> (SELECT count(*) FROM inbox i WHERE i.kiosk = s.kiosk AND i.epoch = s.epoch)`},
	} {
		n, err := count(ctx, c, must.query)
		if err != nil {
			return all, fmt.Errorf("%s: %w", must.none, err)
		}
		if n > 0 {
			return all, fmt.Errorf("%d %s", n, must.none)
		}
	}
	for _, k := range w.kiosks {
		got, err := w.compareKiosk(ctx, c, k)
		all.add(got)
		if err != nil {
			return all, fmt.Errorf("%s: %w", k.name, err)
		}
	}
	return all, nil
}

func (w *world) compareKiosk(ctx context.Context, c *sql.DB, k *station) (t tally, err error) {
	db, err := k.db()
	if err != nil {
		return t, err
	}
	defer db.Close()
	if n, err := count(ctx, c, `SELECT count(*) FROM stream WHERE kiosk = ?`, k.name); err != nil {
		return t, err
	} else if n != 1 {
		return t, fmt.Errorf("%d epochs, though nothing was restored or lost", n)
	}
	if n, err := count(ctx, db, `SELECT count(*) FROM outbox_quarantine`); err != nil || n != 0 {
		return t, fmt.Errorf("%d commands set aside (%w)", n, err)
	}
	// Events: the same ones, in the order in which they were made, and equal but for the time of receipt.
	made, err := list(ctx, db, `SELECT id, body FROM event ORDER BY rowid`)
	if err != nil {
		return t, err
	}
	came, err := list(ctx, c, `SELECT record_id, body FROM inbox WHERE kiosk = ? AND kind = ? ORDER BY seq`, k.name, wire.KindEvent)
	if err != nil {
		return t, err
	}
	if err := same("event", made, came, bytes.Equal); err != nil {
		return t, err
	}
	told, err := list(ctx, c, `SELECT id, body FROM event WHERE kiosk = ? AND origin <> ? ORDER BY id`, k.name, journey.OriginServer)
	if err != nil {
		return t, err
	}
	slices.SortFunc(made, func(a, b row) int { return bytes.Compare([]byte(a.id), []byte(b.id)) })
	if err := same("journey's event", made, told, sameEvent); err != nil {
		return t, err
	}
	t.events = len(made)
	// Submissions: the newest revision of each, as it was sealed.
	const submissions = `SELECT id || ' revision ' || revision, sealed FROM submission`
	made, err = list(ctx, db, submissions+` ORDER BY id`)
	if err != nil {
		return t, err
	}
	if came, err = list(ctx, c, submissions+` WHERE kiosk = ? ORDER BY id`, k.name); err != nil {
		return t, err
	}
	if err := same("submission", made, came, bytes.Equal); err != nil {
		return t, err
	}
	t.submissions = len(made)
	if t.pictures, err = w.comparePictures(ctx, db, c); err != nil {
		return t, err
	}
	// Decisions: what the centre made is what the kiosk heard, each once.
	if came, err = list(ctx, c, `SELECT d.id, '' FROM decision d JOIN session s ON s.id = d.session WHERE s.kiosk = ? AND d.submission <> '' ORDER BY d.id`, k.name); err != nil {
		return t, err
	}
	heard, err := list(ctx, db, `SELECT event, '' FROM verdict WHERE submission <> '' ORDER BY event`)
	if err != nil {
		return t, err
	}
	if err := same("decision", came, heard, bytes.Equal); err != nil {
		return t, err
	}
	t.decisions = len(heard)
	// One journey is proven from the stored bytes: chain, signatures, events.
	var session string
	if err := db.QueryRowContext(ctx, `SELECT session FROM event WHERE session <> '' ORDER BY rowid DESC LIMIT 1`).Scan(&session); err != nil {
		return t, err
	}
	_, err = w.tool(ctx, "", "server", "verify", "--data", w.centre.data, "--journey", session)
	return t, err
}

// comparePictures holds every sealed picture that the kiosk knows against the centre's file: its name is the
// hash of its bytes.
func (w *world) comparePictures(ctx context.Context, kiosk, c *sql.DB) (int, error) {
	made, err := list(ctx, kiosk, `SELECT blob, delivered FROM evidence WHERE sealed IS NULL ORDER BY blob`)
	if err != nil {
		return 0, err
	}
	for _, m := range made {
		if string(m.body) != "1" {
			return 0, fmt.Errorf("picture %s: the kiosk does not know that it has arrived", m.id)
		}
		if n, err := count(ctx, c, `SELECT count(*) FROM blob WHERE id = ?`, m.id); err != nil || n != 1 {
			return 0, fmt.Errorf("picture %s is not in the centre's table (%w)", m.id, err)
		}
		var at string
		_ = filepath.WalkDir(filepath.Join(w.centre.data, "blobs"), func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && d.Name() == m.id {
				at = path
			}
			return nil
		})
		f, err := os.Open(at)
		if err != nil {
			return 0, fmt.Errorf("picture %s is not at the centre: %w", m.id, err)
		}
		h := sha256.New()
		_, err = io.Copy(h, f)
		f.Close()
		if sum := hex.EncodeToString(h.Sum(nil)); err != nil || sum != m.id {
			return 0, fmt.Errorf("picture %s has other bytes at the centre (%w)", m.id, err)
		}
	}
	return len(made), nil
}

type row struct {
	id   string
	body []byte
}

func list(ctx context.Context, db *sql.DB, query string, args ...any) ([]row, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.body); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// same compares two lists in their order, and says what is lost, phantom, out of order or altered.
func same(what string, made, came []row, equal func(a, b []byte) bool) error {
	has := func(all []row) map[string]int {
		m := map[string]int{}
		for _, r := range all {
			m[r.id]++
		}
		return m
	}
	here, there := has(made), has(came)
	var lost, phantom, twice int
	for id := range here {
		if there[id] == 0 {
			lost++
		}
	}
	for id, n := range there {
		if here[id] == 0 {
			phantom++
		}
		if n > 1 {
			twice++
		}
	}
	if lost+phantom+twice > 0 {
		return fmt.Errorf("%ss: %d lost, %d phantom, %d twice, of %d", what, lost, phantom, twice, len(made))
	}
	for i := range made {
		if made[i].id != came[i].id {
			return fmt.Errorf("%s %s came out of order", what, came[i].id)
		}
		if !equal(made[i].body, came[i].body) {
			return fmt.Errorf("%s %s was altered", what, made[i].id)
		}
	}
	return nil
}

// sameEvent compares the kiosk's encoding of an event with the centre's, but for what the centre adds.
func sameEvent(made, told []byte) bool {
	var a, b journey.Event
	if wire.Unmarshal(made, &a) != nil || json.Unmarshal(told, &b) != nil {
		return false
	}
	a.Received, b.Received = time.Time{}, time.Time{}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
