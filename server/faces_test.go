package main

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// TestTheCentreSearchesFacesInADatabase runs a whole centre whose collection is searched
// by a real pgvector, and then one more on the same databases.
func TestTheCentreSearchesFacesInADatabase(t *testing.T) {
	ctx := context.Background()
	set := func(s *settings) { s.faces, s.facesDB = facesVectors, vectors.URL(t) }
	c := startCentre(t, cluster.Database(t), io.Discard, set)
	k := c.kiosk("hall-1")
	anna := kiosktest.Anna("hall-1", "s-anna", time.Now())
	anna.Face = &journey.FaceTemplate{Model: "m", Vector: unit(1)}
	k.visit("s-anna", anna)
	require.Equal(t, journey.Approved, k.verdict("s-anna").Decision)

	jane := func(session string) journey.Submission {
		s := kiosktest.Anna("hall-1", session, time.Now())
		s.Document.Number, s.Document.Person.FamilyName, s.Document.Person.GivenNames, s.Document.Person.Birth = "X1234567", "SMITH", "JANE", "1990-01-01"
		s.Face = anna.Face
		return s
	}
	k.visit("s-jane", jane("s-jane"))
	v := k.verdict("s-jane")
	require.Equal(t, journey.Rejected, v.Decision)
	require.Equal(t, journey.ReasonSelfieDuplicate, v.Reason)
	n, err := c.centre.Faces(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)

	_, found := diagnose(t, exitDone, "-data", c.data, "-db", c.url, "-faces", "pgvector", "-faces-db", vectors.URL(t), "-vision=false", "-mqtt", "127.0.0.1:0", "-http", "127.0.0.1:0")
	require.NotContains(t, found, "faces faces_unusable")
	_, found = diagnose(t, exitFailed, "-data", c.data, "-db", c.url, "-faces", "pgvector", "-vision=false", "-mqtt", "127.0.0.1:0", "-http", "127.0.0.1:0")
	require.Equal(t, critical, found["faces faces_unusable"], "Debian's PostgreSQL has no such extension")

	// Taken back: the face is gone from the open table, too.
	require.NoError(t, c.store.Write(ctx, func(tx *store.Tx) error { return tx.Unapprove(ctx, anna.ID) }))
	require.NoError(t, c.centre.TidyFaces(ctx))
	n, err = c.centre.Faces(ctx)
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestWhereFacesAreSearchedMustFitTogether(t *testing.T) {
	for name, c := range map[string]struct {
		s    settings
		code string
	}{
		"memory":                            {settings{faces: "memory"}, ""},
		"pgvector on the centre's database": {settings{faces: "pgvector", db: "postgres://h/d"}, ""},
		"pgvector beside SQLite":            {settings{faces: "pgvector", facesDB: "postgres://h/d"}, ""},
		"pgvector on SQLite":                {settings{faces: "pgvector"}, "faces_unusable"},
		"something else":                    {settings{faces: "redis"}, "faces_unknown"},
		"a database that nobody would use":  {settings{faces: "memory", facesDB: "postgres://h/d"}, "faces_unused"},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.code, fault.Code(c.s.checkFaces())) })
	}
	_, err := settings{faces: facesVectors, db: "postgres://127.0.0.1:1/d"}.openFaces(context.Background())
	require.Equal(t, "faces_unusable", fault.Code(err))
}
