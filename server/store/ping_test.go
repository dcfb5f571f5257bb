package store_test

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/store"
)

func TestADatabaseThatCannotBeWrittenIsNotReady(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) { require.NoError(t, s.Ping(t.Context())) })

	t.Run("SQLite, while another program holds it", func(t *testing.T) {
		dir := t.TempDir()
		s, err := store.Open(t.Context(), dir)
		require.NoError(t, err)
		defer s.Close()
		other, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: filepath.Join(dir, store.SQLiteFile)}).EscapedPath()+"?_txlock=immediate")
		require.NoError(t, err)
		defer other.Close()
		tx, err := other.Begin()
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, s.Ping(ctx), context.DeadlineExceeded)
		require.NoError(t, tx.Rollback())
		require.NoError(t, s.Ping(t.Context()), "and it comes back")
	})

	t.Run("PostgreSQL, when it only reads", func(t *testing.T) {
		dsn := cluster.Database(t)
		s, err := store.Open(t.Context(), dsn+"&default_transaction_read_only=on")
		if err == nil {
			defer s.Close()
			err = s.Ping(t.Context())
		}
		require.ErrorContains(t, err, "read-only")
	})
}
