package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"
)

// TestACentreWithHeldSubmissionsIsBroughtUpToReviews begins with the tables as they were
// before people could decide, fills them, and goes up, down and up again.
func TestACentreWithHeldSubmissionsIsBroughtUpToReviews(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) (goose.Dialect, *sql.DB){
		"on SQLite": func(t *testing.T) (goose.Dialect, *sql.DB) {
			db, err := sql.Open("sqlite3", "file:"+filepath.Join(t.TempDir(), "centre.db"))
			require.NoError(t, err)
			return goose.DialectSQLite3, db
		},
		"on PostgreSQL": func(t *testing.T) (goose.Dialect, *sql.DB) {
			url := cluster.Database(t) // its tables are new: ours go into a place of their own
			admin, err := sql.Open("pgx", url)
			require.NoError(t, err)
			defer admin.Close()
			_, err = admin.Exec(`CREATE SCHEMA old`)
			require.NoError(t, err)
			db, err := sql.Open("pgx", url+"&search_path=old")
			require.NoError(t, err)
			return goose.DialectPostgres, db
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			dialect, db := open(t)
			defer db.Close()
			provider, err := goose.NewProvider(dialect, db, os.DirFS("migrations"))
			require.NoError(t, err)
			const before, reviews = 50, 70
			_, err = provider.UpTo(ctx, before)
			require.NoError(t, err)
			exec := func(statement string) {
				_, err := db.Exec(statement)
				require.NoError(t, err)
			}
			submission := func(id, decision, stand string) {
				exec(`INSERT INTO submission (id, session, kiosk, project, revision, state, stand, created, updated, received, sealed, private, decision, reason, pending)
					VALUES ('` + id + `', 's', 'k', 'p', 3, 'step2', '` + stand + `', 1, 1, 1, 'x', 'x', '` + decision + `', 'CUSTOM_POLICY', 1000)`)
			}
			submission("held", "PENDING", "decided")
			submission("approved", "APPROVED", "decided")
			submission("again", "PENDING", "queued")
			exec(`INSERT INTO decision (id, session, submission, revision, applicant, decision, reason, policy, digest, lists, record, at)
				VALUES ('d', 's', 'held', 3, '', 'PENDING', '', '', '', '', '{}', 1000)`)
			exec(`INSERT INTO face (seq, submission, applicant, project, model, template, created) VALUES (41, 'approved', 'a', 'p', 'm', 'x', 1)`)
			for range 2 {
				_, err = provider.UpTo(ctx, reviews)
				require.NoError(t, err)
				var id, state string
				var revision, opened, due, n int64
				require.NoError(t, db.QueryRow(`SELECT submission, state, revision, opened, due FROM review`).Scan(&id, &state, &revision, &opened, &due))
				require.Equal(t, []any{"held", "waiting", int64(3), int64(1000), int64(1000 + 86_400_000_000)}, []any{id, state, revision, opened, due})
				require.NoError(t, db.QueryRow(`SELECT n FROM turn WHERE name = 'face'`).Scan(&n))
				require.Equal(t, int64(41), n)
				exec(`INSERT INTO decision (id, session, submission, revision, round, applicant, decision, reason, policy, digest, lists, record, at)
					VALUES ('d2', 's', 'held', 3, 1, '', 'APPROVED', '', '', '', '', '{}', 2000)`)
				_, err = provider.DownTo(ctx, before)
				require.NoError(t, err)
				require.NoError(t, db.QueryRow(`SELECT COUNT(*) FROM decision`).Scan(&n))
				require.Equal(t, int64(1), n)
			}
		})
	}
}
