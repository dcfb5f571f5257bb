package keep_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"database/sql"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/backup"
	"vestibule/server/blobs"
	"vestibule/server/ingest"
	"vestibule/server/keep"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
	"vestibule/sync/wire"
)

// backedUp is what a backup holds, as files.
type backedUp struct{ database, pictures string }

// backUp writes the locked copies of database and pictures.
func (w *world) backUp() backedUp {
	w.t.Helper()
	b := backedUp{w.t.TempDir(), w.t.TempDir()}
	locks, err := w.keeper.Locks(w.t.Context())
	require.NoError(w.t, err)
	to, err := store.Open(w.t.Context(), b.database)
	require.NoError(w.t, err)
	require.NoError(w.t, w.store.Transfer(w.t.Context(), to, func(row *store.Row) (bool, error) { return locks.Lock(w.t.Context(), row) }))
	require.NoError(w.t, to.Close())
	files, err := filepath.Glob(filepath.Join(w.dir, "whole", "*", "*"))
	require.NoError(w.t, err)
	require.NotEmpty(w.t, files)
	for _, path := range files {
		plain, err := os.ReadFile(path)
		require.NoError(w.t, err)
		locked, err := locks.LockPicture(w.t.Context(), filepath.Base(path), plain)
		require.NoError(w.t, err)
		require.NoError(w.t, os.WriteFile(filepath.Join(b.pictures, filepath.Base(path)), locked, 0o600))
	}
	return b
}

func (w *world) keys() []byte {
	w.t.Helper()
	var b bytes.Buffer
	require.NoError(w.t, w.keeper.WriteKeys(w.t.Context(), &b, "test"))
	return b.Bytes()
}

// restore brings a backup back into another database of the same kind.
func (w *world) restore(b backedUp, keys []byte) *world {
	w.t.Helper()
	ctx := w.t.Context()
	r := &world{t: w.t, dir: w.t.TempDir(), vault: w.vault, ring: w.ring, key: w.key, erased: map[journey.DataKind]int{}}
	if r.dsn = w.t.TempDir(); w.store.Postgres() {
		r.dsn = cluster.Database(w.t)
	}
	var err error
	r.store, err = store.Open(ctx, r.dsn)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = r.store.Close() })
	r.shelf, err = blobs.Open(r.dir)
	require.NoError(w.t, err)
	r.keeper = r.newKeeper()
	r.ingest = ingest.New(ingest.Config{Store: r.store, Blobs: r.shelf, Keys: r.ring, Vault: r.vault, Now: r.now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler)})
	r.centre = r.another()
	require.NoError(w.t, r.keeper.LoadKeys(ctx, bytes.NewReader(keys)))
	locks, err := r.keeper.Locks(ctx)
	require.NoError(w.t, err)
	from, err := store.Open(ctx, b.database)
	require.NoError(w.t, err)
	require.NoError(w.t, from.Transfer(ctx, r.store, func(row *store.Row) (bool, error) { return locks.Unlock(ctx, row) }))
	require.NoError(w.t, from.Close())
	files, err := os.ReadDir(b.pictures)
	require.NoError(w.t, err)
	for _, f := range files {
		locked, err := os.ReadFile(filepath.Join(b.pictures, f.Name()))
		require.NoError(w.t, err)
		plain, err := locks.UnlockPicture(ctx, f.Name(), locked)
		require.NoError(w.t, err)
		if plain != nil {
			require.NoError(w.t, os.MkdirAll(filepath.Join(r.dir, "whole", f.Name()[:2]), 0o700))
			require.NoError(w.t, os.WriteFile(filepath.Join(r.dir, "whole", f.Name()[:2], f.Name()), plain, 0o600))
		}
	}
	require.NoError(w.t, r.keeper.Reapply(ctx, bytes.NewReader(keys)))
	return r
}

// broken tries every key of a keys file on everything that a backup holds of one person, and gives what opens.
func (w *world) broken(b backedUp, keys []byte, submission string) map[string]int {
	w.t.Helper()
	var secrets [][]byte
	_, err := backup.ReadKeys(bytes.NewReader(keys), func(l backup.KeysLine) error {
		if l.Key != nil {
			secrets = append(secrets, l.Key.Secret)
		}
		return nil
	})
	require.NoError(w.t, err)
	require.NotEmpty(w.t, secrets)
	found := map[string]int{}
	try := func(name string, value []byte, place string) {
		for _, secret := range secrets {
			block, err := aes.NewCipher(secret)
			require.NoError(w.t, err)
			aead, err := cipher.NewGCM(block)
			require.NoError(w.t, err)
			if len(value) < 29 {
				continue
			}
			if _, err := aead.Open(nil, value[1:13], value[13:], []byte(place)); err == nil {
				found[name]++
			}
		}
	}
	db, err := sql.Open("sqlite3", source(b.database))
	require.NoError(w.t, err)
	defer db.Close()
	for _, table := range tables(w.t, db, false) {
		for column := range store.Belongs(table) {
			rows, err := db.Query(`SELECT ` + column + ` FROM ` + table)
			require.NoError(w.t, err)
			for rows.Next() {
				var value []byte
				require.NoError(w.t, rows.Scan(&value))
				if text, ok := bytes.CutPrefix(value, []byte("locked:")); ok {
					value, err = base64.StdEncoding.DecodeString(string(text))
					require.NoError(w.t, err)
				}
				try(table+"."+column, value, strings.Join([]string{table, column, submission}, "|"))
			}
			require.NoError(w.t, rows.Close())
		}
	}
	files, err := os.ReadDir(b.pictures)
	require.NoError(w.t, err)
	for _, f := range files {
		locked, err := os.ReadFile(filepath.Join(b.pictures, f.Name()))
		require.NoError(w.t, err)
		if head := append([]byte("VLP1"), byte(len(submission))); bytes.HasPrefix(locked, append(head, submission...)) {
			try("picture", locked[len(head)+len(submission):], "picture|"+f.Name())
		}
	}
	return found
}

func TestABackupOfAnErasedPersonOpensWithNoKeyThatIsLeft(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		k := w.kiosk()
		record := &tape{Ingest: w.ingest}
		k.Inbox = record
		gone, stays := w.visit(k, 1), w.visit(k, 2)
		w.written(gone, 1)
		w.written(stays, 2)
		needles, others := w.needles(gone, 1), w.needles(stays, 2)
		old, oldKeys := w.backUp(), w.keys()

		// The backup alone: database and pictures, with the centre's own keys, which are in it too.
		require.Empty(t, w.look(old.database, old.pictures).where(needles), "nothing of people is readable without the keys file")
		require.Empty(t, w.look(old.database, old.pictures).where(others))
		// With the keys of then everything is there; and all of it is looked at.
		whole := w.broken(old, oldKeys, gone.ID)
		for _, place := range []string{
			"submission.private", "submission.sealed", "submission.document_key", "submission.comment", "inbox.body", "face.template", "decision.record",
			"decision_input.sealed", "screening.result", "review_act.private", "list_cleared.why", "list_cleared.person", "list_hit.entity",
		} {
			require.Positive(t, whole[place], place)
		}
		require.Equal(t, 3, whole["picture"])
		first := w.restore(old, oldKeys)
		for _, place := range []string{"submission.private opened: family name", "inbox.body opened: family name", "face.template opened: template", "submission.document_key: key of document"} {
			require.Contains(t, first.look(first.dsn, first.dir).where(needles), place)
		}
		p, err := ingest.Verify(ctx, first.store.Read(), first.vault, gone.Session)
		require.NoError(t, err)
		require.Empty(t, p.Faults)

		require.NoError(t, w.keeper.Erase(ctx, asked(gone.ID)))
		late := w.visit(k, 3) // came after the backup, and went
		require.NoError(t, w.keeper.Erase(ctx, asked(late.ID)))
		newKeys := w.keys()
		require.Empty(t, w.broken(old, newKeys, gone.ID), "not one value opens with any key that is left")
		require.NotEmpty(t, w.broken(old, newKeys, stays.ID))

		back := w.restore(old, newKeys)
		seen := back.look(back.dsn, back.dir)
		require.Empty(t, seen.where(needles))
		for _, place := range []string{"submission.private opened: family name", "inbox.body opened: family name", "face.template opened: template", "list_cleared.why opened: family name"} {
			require.Contains(t, seen.where(others), place)
		}
		row := back.row(gone.ID)
		require.Equal(t, store.StandErased, row.Stand)
		require.Equal(t, journey.Approved, row.Decision)
		open, err := back.store.Read().UnfinishedErasures(ctx, 10)
		require.NoError(t, err)
		require.Empty(t, open)
		for _, session := range []string{gone.Session, stays.Session} {
			p, err := ingest.Verify(ctx, back.store.Read(), back.vault, session)
			require.NoError(t, err)
			require.Empty(t, p.Faults, session)
		}
		// What the kiosk sends again, of whom the restored state does not even know, is thrown away.
		for _, c := range record.chunks {
			_, err := back.ingest.AcceptChunk(ctx, c)
			require.NoError(t, err)
		}
		var ack wire.Ack
		for _, f := range record.frames {
			ack, err = back.ingest.Accept(ctx, f)
			require.NoError(t, err)
			require.Empty(t, ack.Refused)
		}
		seen = back.look(back.dsn, back.dir)
		require.Empty(t, seen.where(needles))
		require.Empty(t, seen.where(w.needles(late, 3)))
		p, err = ingest.Verify(ctx, back.store.Read(), back.vault, late.Session)
		require.NoError(t, err)
		require.Empty(t, p.Faults)
	})
}

func TestWhoIsErasedWhileABackupIsWrittenIsNotInItsKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.kiosk()
		gone := w.visit(k, 1)
		w.visit(k, 2)
		locks, err := w.keeper.Locks(t.Context())
		require.NoError(t, err)
		b := backedUp{t.TempDir(), t.TempDir()}
		to, err := store.Open(t.Context(), b.database)
		require.NoError(t, err)
		erased := false
		require.NoError(t, w.store.Transfer(t.Context(), to, func(row *store.Row) (bool, error) {
			if !erased { // the snapshot is taken: the person is in it
				erased = true
				require.NoError(t, w.keeper.Erase(t.Context(), asked(gone.ID)))
			}
			return locks.Lock(t.Context(), row)
		}))
		require.NoError(t, to.Close())
		require.Empty(t, w.broken(b, w.keys(), gone.ID))
		require.Empty(t, w.look(b.database).where(w.needles(gone, 1)))
	})
}

func TestAPersonThatCameWhileABackupWasWrittenIsInItsKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.kiosk()
		w.visit(k, 1)
		locks, err := w.keeper.Locks(t.Context())
		require.NoError(t, err)
		s := w.visit(k, 2) // after everybody got a key, and before the snapshot
		b := backedUp{t.TempDir(), t.TempDir()}
		to, err := store.Open(t.Context(), b.database)
		require.NoError(t, err)
		require.NoError(t, w.store.Transfer(t.Context(), to, func(row *store.Row) (bool, error) { return locks.Lock(t.Context(), row) }))
		require.NoError(t, to.Close())
		require.NotEmpty(t, w.broken(b, w.keys(), s.ID))
		back := w.restore(b, w.keys())
		require.Equal(t, w.row(s.ID).Private, back.row(s.ID).Private)
		require.Equal(t, w.row(s.ID).Keys, back.row(s.ID).Keys)
	})
}

// FuzzUnlock gives altered pictures and rows to whoever restores: they are refused, whatever they are.
func FuzzUnlock(f *testing.F) {
	s, err := store.Open(f.Context(), f.TempDir())
	require.NoError(f, err)
	f.Cleanup(func() { _ = s.Close() })
	keeper := keep.New(keep.Config{Store: s})
	f.Add([]byte("VLP1\x01s"), "locked:AAAA")
	f.Add([]byte("VLP1\xff"), "locked:")
	f.Add([]byte{}, "plain")
	blob := strings.Repeat("ab", 32)
	f.Fuzz(func(t *testing.T, b []byte, text string) {
		locks, err := keeper.Locks(t.Context())
		require.NoError(t, err)
		plain, _ := locks.UnlockPicture(t.Context(), blob, b)
		require.Nil(t, plain)
		row := store.Row{Table: "submission", Owner: "s", Columns: []string{"email_key", "private"}, Values: []any{text, b}}
		if _, err := locks.Unlock(t.Context(), &row); err == nil {
			require.Empty(t, row.Values[0])
			require.Empty(t, row.Values[1])
		}
	})
}
