package main

import (
	"context"
	"time"

	"vestibule/server/centre"
	"vestibule/server/duplicate/pgvector"
	"vestibule/sync/fault"
)

// Where the collection of faces can be searched.
const (
	facesMemory  = "memory"
	facesVectors = "pgvector"
)

// facesWithin is how long the database for faces may take to answer at the start.
const facesWithin = 15 * time.Second

// openFaces opens the index that the settings ask for; nil is the one in memory.
func (s settings) openFaces(ctx context.Context) (centre.Faces, error) {
	if s.faces != facesVectors {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, facesWithin)
	defer cancel()
	x, err := pgvector.Open(ctx, s.facesURL())
	if err != nil {
		return nil, err // and no index that is not nil
	}
	return x, nil
}

func (s settings) facesURL() string {
	if s.facesDB != "" {
		return s.facesDB
	}
	return s.db
}

// checkFaces refuses what -faces cannot mean.
func (s settings) checkFaces() error {
	switch {
	case s.faces != facesMemory && s.faces != facesVectors && s.faces != "":
		return fault.New("faces_unknown", "there is no such place to search faces in", "use -faces memory or -faces pgvector", nil)
	case s.faces != facesVectors && s.facesDB != "":
		return fault.New("faces_unused", "-faces-db names a database, and -faces does not use one", "add -faces pgvector, or leave -faces-db out", nil)
	case s.faces == facesVectors && s.facesURL() == "":
		return fault.New(pgvector.CodeUnusable, "faces can be searched by pgvector in a PostgreSQL only", "use -faces memory, or give -db or -faces-db a URL that begins with postgres://", nil)
	}
	return nil
}
