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
		p, err := ingest.Verify(t.Context(), s.Read(), "s1")
		require.NoError(t, err)
		assert.Empty(t, p.Faults)
		assert.Equal(t, 15, p.Events)
		assert.Equal(t, []ingest.StreamProof{{Epoch: "e1", Records: 30, Heads: 2, Of: 15}}, p.Streams)
		_, err = ingest.Verify(t.Context(), s.Read(), "nobody")
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
			p, err := ingest.Verify(t.Context(), s.Read(), "s1")
			require.NoError(t, err)
			require.NotEmpty(t, p.Faults)
			assert.Contains(t, strings.Join(p.Faults, "\n"), c.says)
		})
	}
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
		p, err := ingest.Verify(t.Context(), s.Read(), "s1")
		require.NoError(t, err)
		assert.Empty(t, p.Faults)
		assert.Len(t, p.Streams, 2)
		assert.Equal(t, 10, p.Events)
	})
}
