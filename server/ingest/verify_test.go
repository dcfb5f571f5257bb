package ingest_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/ingest"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
	"vestibule/sync/wire"
)

func TestAJourneyIsProvenFromTheRecordsAsTheyCame(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		c := newCentre(t, s)
		k := newKiosk(t, "k", "e1")
		for i := range 30 {
			k.event([]string{"s1", "s2"}[i%2], journey.EventIDRecognition)
		}
		c.accept(k.frame(1, 7))
		c.accept(k.frame(8, 30))
		p, err := ingest.Verify(t.Context(), s.Read(), nil, "s1")
		require.NoError(t, err)
		assert.Empty(t, p.Faults)
		assert.Equal(t, 15, p.Events)
		assert.Equal(t, []ingest.StreamProof{{Epoch: "e1", Records: 30, Heads: 2, Of: 15}}, p.Streams)
		_, err = ingest.Verify(t.Context(), s.Read(), nil, "nobody")
		assert.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestWhatIsChangedAtTheCentreLaterOnIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		says   string
	}{
		"a record's body":       {`UPDATE inbox SET body = x'a0' WHERE seq = 5`, "the chain does not hold at record 7"},
		"a record dropped":      {`DELETE FROM inbox WHERE seq = 5`, "records 5 to 5 are missing"},
		"the last one dropped":  {`DELETE FROM inbox WHERE seq = 30`, "records 30 to 30 are missing"},
		"a head":                {`UPDATE inbox SET head = zeroblob(32) WHERE seq = 7`, "the chain does not hold at record 7"},
		"the stream's head":     {`UPDATE stream SET head = zeroblob(32)`, "the chain ends otherwise"},
		"a head's signature":    {`UPDATE inbox SET head_sig = NULL WHERE seq = 7`, "record 7 is not signed"},
		"the last signed head":  {`UPDATE inbox SET head = NULL, head_sig = NULL WHERE seq = 30`, "records 8 to 30 are under no signature"},
		"an event's body":       {`UPDATE event SET body = replace(CAST(body AS TEXT), '"observed"', '"pass"') WHERE seq = 3`, "is not what record"},
		"an event dropped":      {`DELETE FROM event WHERE seq = 3`, "which the journey does not tell"},
		"an event slipped in":   {`INSERT INTO event SELECT 'forged', session, submission, kiosk, origin, 999, name, result, impact, started, received, replace(CAST(body AS TEXT), id, 'forged') FROM event WHERE seq = 3`, "event forged is in no record"},
		"two records exchanged": {`UPDATE inbox SET body = (SELECT body FROM inbox WHERE seq = 6), record_id = (SELECT record_id FROM inbox WHERE seq = 6) WHERE seq = 5`, "the chain does not hold"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.Chmod(dir, 0o700))
			s, err := store.Open(context.Background(), dir)
			require.NoError(t, err)
			defer s.Close()
			in := newCentre(t, s)
			k := newKiosk(t, "k", "e1")
			for range 30 {
				k.event("s1", journey.EventIDRecognition)
			}
			in.accept(k.frame(1, 7))
			in.accept(k.frame(8, 30))
			db, err := sql.Open("sqlite3", filepath.Join(dir, store.SQLiteFile))
			require.NoError(t, err)
			defer db.Close()
			done, err := db.Exec(c.change)
			require.NoError(t, err)
			n, err := done.RowsAffected()
			require.NoError(t, err)
			require.Positive(t, n)
			p, err := ingest.Verify(t.Context(), s.Read(), nil, "s1")
			require.NoError(t, err)
			require.NotEmpty(t, p.Faults)
			assert.Contains(t, strings.Join(p.Faults, "\n"), c.says)
		})
	}
}

func TestWhoeverComputesTheChainAnewCannotSignIt(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o700))
	s, err := store.Open(context.Background(), dir)
	require.NoError(t, err)
	defer s.Close()
	c := newCentre(t, s)
	k := newKiosk(t, "k", "e1")
	for range 10 {
		k.event("s1", journey.EventIDRecognition)
	}
	c.accept(k.all())
	forged := newKiosk(t, "k", "e1") // the same ids, another content, a chain that holds
	for i, r := range k.records {
		if i == 4 {
			r.Body = []byte{0xa0}
		}
		forged.add(r.Kind, r.ID, r.Body)
	}
	db, err := sql.Open("sqlite3", filepath.Join(dir, store.SQLiteFile))
	require.NoError(t, err)
	defer db.Close()
	for query, args := range map[string][]any{
		`UPDATE inbox SET body = x'a0' WHERE seq = 5`: nil,
		`UPDATE inbox SET head = ? WHERE seq = 10`:    {forged.heads[10]},
		`UPDATE stream SET head = ?`:                  {forged.heads[10]},
		`DELETE FROM event WHERE id = ?`:              {k.records[4].ID},
	} {
		_, err := db.Exec(query, args...)
		require.NoError(t, err)
	}
	p, err := ingest.Verify(t.Context(), s.Read(), nil, "s1")
	require.NoError(t, err)
	says := strings.Join(p.Faults, "\n")
	assert.Contains(t, says, "the chain at record 10 is not signed by the kiosk's key")
	assert.NotContains(t, says, "does not hold")
}

func TestAFrameWhoseChainIsNotSignedIsNotMerged(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		c := newCentre(t, s)
		for epoch, sig := range map[string]func(wire.Up) []byte{
			"none":          func(wire.Up) []byte { return nil },
			"anything":      func(wire.Up) []byte { return []byte("x") },
			"other kiosk's": func(up wire.Up) []byte { up.Kiosk = "other"; return kiosktest.Sign(up).HeadSig },
			"other epoch's": func(up wire.Up) []byte { up.Epoch = "e"; return kiosktest.Sign(up).HeadSig },
			"other head's":  func(up wire.Up) []byte { up.Head = make([]byte, wire.HashSize); return kiosktest.Sign(up).HeadSig },
		} {
			k := newKiosk(t, "k", epoch)
			k.event(epoch, journey.EventIDRecognition)
			up := k.all()
			up.HeadSig = sig(up)
			ack, err := c.Accept(t.Context(), up)
			require.NoError(t, err)
			assert.Equal(t, wire.RefusedChain, ack.Refused, epoch)
			assert.Zero(t, ack.High, epoch)
		}
	})
}

func TestAJourneyOverTwoEpochsIsProvenWhole(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		c := newCentre(t, s)
		for i, epoch := range []string{"e1", "e2"} { // the kiosk's database was made anew in between
			k := newKiosk(t, "k", epoch)
			k.events["s1"] = uint64(10 * i)
			for range 5 {
				k.event("s1", journey.EventIDRecognition)
			}
			k.add(wire.KindHealth, fmt.Sprint("health", i), []byte{0xa0})
			c.accept(k.all())
		}
		p, err := ingest.Verify(t.Context(), s.Read(), nil, "s1")
		require.NoError(t, err)
		assert.Empty(t, p.Faults)
		assert.Len(t, p.Streams, 2)
		assert.Equal(t, 10, p.Events)
	})
}
