package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/kiosk-ui/child"
)

// TestWhoIsApprovedIsKnownAtEveryKioskAndForgottenWhenErased runs the whole way with the real programs: people come at two kiosks, the
// centre decides, and both kiosks' roll-outs hold what the centre's holds, through each broker; an erasure and a new salt reach them, too.
func TestWhoIsApprovedIsKnownAtEveryKioskAndForgottenWhenErased(t *testing.T) {
	bin := programs(t)
	for _, broker := range []string{embedded, mosquitto} {
		t.Run(broker, func(t *testing.T) {
			t.Parallel() // it mostly waits for heartbeats
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
			defer cancel()
			w := &world{options: options{bin: bin, broker: broker, kiosks: 2}, dir: filepath.Join(t.TempDir(), "world"), seed: 1}
			defer w.close()
			require.NoError(t, w.open(ctx))
			decided := func() int {
				db, err := w.centreDB()
				require.NoError(t, err)
				defer db.Close()
				n, err := count(ctx, db, `SELECT COUNT(*) FROM submission WHERE stand = 'decided' AND decision IN ('APPROVED', 'PENDING')`)
				require.NoError(t, err)
				return n
			}
			require.NoError(t, child.WaitFor(ctx, 3*time.Minute, func() (bool, error) { return decided() >= 4, nil }, "nobody is approved"))
			for _, k := range w.kiosks {
				require.NoError(t, k.steer(holdFile, "yes"))
			}
			_, err := w.drain(ctx)
			require.NoError(t, err)
			n := decided()
			w.rolledOut(ctx, t, n)

			db, err := w.centreDB()
			require.NoError(t, err)
			var id string
			require.NoError(t, db.QueryRowContext(ctx, `SELECT submission FROM advisory_entry ORDER BY number LIMIT 1`).Scan(&id))
			require.NoError(t, db.Close())
			_, err = w.tool(ctx, "", "server", "erase", "--data", w.centre.data, "--submission", id, "--why", "person-asked", "--yes")
			require.NoError(t, err)
			w.rolledOut(ctx, t, n-1)

			before := w.issue(ctx, t)
			out, err := w.tool(ctx, "", "server", "advisory", "renew", "--data", w.centre.data)
			require.NoError(t, err)
			require.Contains(t, out, "default")
			require.NoError(t, child.WaitFor(ctx, time.Minute, func() (bool, error) { return w.issue(ctx, t) != before, nil }, "the salt did not change"))
			w.rolledOut(ctx, t, n-1)
			out, err = w.tool(ctx, "", "server", "advisory", "show", "--data", w.centre.data)
			require.NoError(t, err)
			require.Contains(t, out, "in force")
		})
	}
}

// issue is the newest roll-out that is in force at the centre; empty while there is none.
func (w *world) issue(ctx context.Context, t *testing.T) (id string) {
	t.Helper()
	db, err := w.centreDB()
	require.NoError(t, err)
	defer db.Close()
	err = db.QueryRowContext(ctx, `SELECT id FROM advisory_issue WHERE whole > 0 ORDER BY number DESC LIMIT 1`).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		require.NoError(t, err)
	}
	return id
}

// rolledOut waits until both kiosks hold the roll-out in force, of n people, hash by hash.
func (w *world) rolledOut(ctx context.Context, t *testing.T, n int) {
	t.Helper()
	const of = `SELECT CAST(e.number AS TEXT), CAST(e.document || ' ' || e.person AS BLOB) FROM advisory_entry e JOIN advisory_issue i ON `
	require.NoError(t, child.WaitFor(ctx, 2*time.Minute, func() (bool, error) {
		issue := w.issue(ctx, t)
		if issue == "" {
			return false, nil
		}
		c, err := w.centreDB()
		if err != nil {
			return false, err
		}
		defer c.Close()
		want, err := list(ctx, c, of+`i.id = e.issue WHERE i.id = ?1 ORDER BY e.number`, issue)
		if err != nil || len(want) != n {
			return false, err
		}
		for _, k := range w.kiosks {
			db, err := k.db()
			if err != nil {
				return false, err
			}
			defer db.Close()
			got, err := list(ctx, db, of+`i.slot = e.slot WHERE i.live = 1 AND i.issue = ?1 ORDER BY e.number`, issue)
			if err != nil {
				return false, err
			}
			if same("entry", want, got, func(a, b []byte) bool { return string(a) == string(b) }) != nil {
				return false, nil
			}
		}
		return true, nil
	}, "a kiosk does not hold what the centre does"))
}
