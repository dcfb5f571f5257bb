package store_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/kiosktest"
	"vestibule/server/store"
)

func TestEveryColumnOfBytesBelongsToAPersonOrIsKnownNotTo(t *testing.T) {
	// Each with why it says nothing of a person.
	free := map[string]string{
		"command.body": "verdicts and orders: ids and codes", "delivery.body": "made without personal data", "erased_record.after": "chain value",
		"erased_record.before": "chain value", "erased_record.hash": "of sealed bytes", "event.body": "events hold no personal data",
		"inbox.head": "chain value", "inbox.head_sig": "signature", "kiosk.public_key": "a kiosk's", "list_entity.body": "of a public list",
		"list_feed.validators": "of an address", "list_snapshot.meta": "of a list", "policy.body": "rules", "stream.head": "chain value",
		"webhook.previous": "a secret of ours", "webhook.secret": "a secret of ours", "review.corrected": "names of fields", "review.votes": "without their texts",
		"audit.hash": "chain value", "audit_head.hash": "chain value", "session.fold": "what events come to, which hold no personal data",
	}
	dir := t.TempDir()
	s, err := store.Open(t.Context(), dir)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, store.SQLiteFile))
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.Query(`SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND LOWER(c.type) = 'bytea'`)
	require.NoError(t, err)
	defer rows.Close()
	n := 0
	for rows.Next() {
		var table, column string
		require.NoError(t, rows.Scan(&table, &column))
		_, personal := store.Belongs(table)[column]
		_, known := free[table+"."+column]
		require.True(t, personal != known, "%s.%s: say in owned whose it is, or here why it is nobody's", table, column)
		n++
	}
	require.NoError(t, rows.Err())
	require.Greater(t, n, 20)
}

func TestADatabaseMovesFromEitherKindToTheOther(t *testing.T) {
	ctx := context.Background()
	for name, dsn := range map[string][2]string{
		"from SQLite to PostgreSQL": {t.TempDir(), cluster.Database(t)},
		"from PostgreSQL to SQLite": {cluster.Database(t), t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			from, err := store.Open(ctx, dsn[0])
			require.NoError(t, err)
			defer from.Close()
			to, err := store.Open(ctx, dsn[1])
			require.NoError(t, err)
			defer to.Close()
			empty, err := from.Empty(ctx)
			require.NoError(t, err)
			require.True(t, empty)
			kiosktest.Enrol(t, from, "k")
			require.NoError(t, from.Write(ctx, func(tx *store.Tx) error {
				if err := tx.SaveSubmission(ctx, store.Submission{ID: "s", Session: "v", Kiosk: "k", Project: "p", Revision: 1, Received: time.Unix(5, 0), Sealed: []byte{0, 1, 255}, Private: []byte("x")}); err != nil {
					return err
				}
				if err := tx.AddPersonKey(ctx, store.PersonKey{Subject: "s", Kind: "face", Secret: make([]byte, 32)}); err != nil {
					return err
				}
				_, err := tx.AddHit(ctx, store.Hit{Submission: "s", Source: "un", Entity: "e", Score: 87.25})
				return err
			}))
			seen := 0
			require.NoError(t, from.Transfer(ctx, to, func(r *store.Row) (bool, error) {
				if r.Table == "submission" {
					require.Equal(t, "s", r.Owner)
					seen++
				}
				return true, nil
			}))
			require.Equal(t, 1, seen)
			want, err := from.Read().Submission(ctx, "s")
			require.NoError(t, err)
			got, err := to.Read().Submission(ctx, "s")
			require.NoError(t, err)
			require.Equal(t, want, got)
			hits, err := to.Read().OpenHits(ctx, 10)
			require.NoError(t, err)
			require.InDelta(t, 87.25, hits[0].Score, 0)
			kiosk, err := to.Read().Kiosk(ctx, "k")
			require.NoError(t, err)
			require.Equal(t, kiosktest.PublicKey(), kiosk.PublicKey)
			_, err = to.Read().PersonKey(ctx, "s", "face")
			require.ErrorIs(t, err, store.ErrNotFound, "keys do not travel")
			empty, err = to.Empty(ctx)
			require.NoError(t, err)
			require.False(t, empty)
			require.NoError(t, to.Write(ctx, func(tx *store.Tx) error { return tx.Turn(ctx, store.DeciderTurn) }), "turns came along")
		})
	}
}
