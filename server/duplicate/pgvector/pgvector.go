// Package pgvector keeps the index of faces in a PostgreSQL with the extension vector,
// for collections that are too large for every copy of the centre to hold in memory.
//
// What may live here: its table, and its statements. What may not: who is in the
// collection (the centre's own database says, encrypted) and what a hit means.
//
// The search is exact: every template of the project and model is compared, by the
// database, and the best are scored again here, so that the answer is the one that the
// index in memory gives. Templates lie open in this table, for the database has to
// calculate with them: whoever can read it can recognise faces. They can stand in a
// database of their own, and lose nothing with it: the centre fills it again.
package pgvector

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	"vestibule/server/duplicate"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// CodeUnusable is the fault of a database that cannot be used.
const CodeUnusable = "faces_unusable"

// margin is how far the database's sum of 512 products of float32 may be from ours.
const margin = 1e-4

// spare is how many more than asked for are scored again: two that are nearly alike may
// change places.
const spare = 10

// turn is the lock under which copies that start together make the table one after the other.
const turn = 0x76657374_66616365

// schema makes the table. A template of 512 values would go into a side table, where a
// scan is three times as slow: PLAIN keeps it in the row.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS face_vector (
		submission TEXT PRIMARY KEY,
		seq        BIGINT NOT NULL,
		applicant  TEXT NOT NULL,
		project    TEXT NOT NULL,
		model      TEXT NOT NULL,
		template   vector(` + strconv.Itoa(duplicate.Dimensions) + `) NOT NULL
	)`,
	`ALTER TABLE face_vector ALTER COLUMN template SET STORAGE PLAIN`,
	`CREATE INDEX IF NOT EXISTS face_vector_seq ON face_vector (seq)`,
	`CREATE INDEX IF NOT EXISTS face_vector_model ON face_vector (project, model)`,
}

// Index is an index of faces in a database. It is safe for concurrent use, also by
// several copies of the centre.
type Index struct{ db *sql.DB }

// Open connects, and makes extension and table where they are missing. Errors are faults.
func Open(ctx context.Context, url string) (*Index, error) {
	x, err := connect(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := x.prepare(ctx); err != nil {
		_ = x.Close()
		return nil, err
	}
	return x, nil
}

// Inspect looks whether Open would succeed, changes nothing, and counts the faces.
func Inspect(ctx context.Context, url string) (int, error) {
	x, err := connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer x.Close()
	var has, made bool
	if err := x.db.QueryRowContext(ctx, `SELECT (SELECT count(*) > 0 FROM pg_available_extensions WHERE name = 'vector'), to_regclass('face_vector') IS NOT NULL`).Scan(&has, &made); err != nil {
		return 0, fault.New(CodeUnusable, "the database for faces does not answer", "check the database", err)
	}
	switch {
	case !has:
		return 0, missing(nil)
	case !made:
		return 0, nil
	}
	n, err := x.Len(ctx)
	if err != nil {
		return 0, fault.New(CodeUnusable, "the table of faces cannot be read", "see that the database's user may read it", err)
	}
	return n, nil
}

func missing(err error) error {
	return fault.New(CodeUnusable, "the database for faces has no extension vector",
		"install pgvector (https://github.com/pgvector/pgvector) and run CREATE EXTENSION vector in that database as a superuser", err)
}

func connect(ctx context.Context, url string) (*Index, error) {
	if !store.IsPostgres(url) {
		return nil, fault.New(CodeUnusable, "faces can be searched by pgvector in a PostgreSQL only", "use -faces memory, or give -db or -faces-db a URL that begins with postgres://", nil)
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, fault.New(CodeUnusable, "the URL of the database for faces cannot be read", "write postgres://USER:PASSWORD@HOST/NAME", nil) // the error would repeat it
	}
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, fault.New(CodeUnusable, "the database for faces does not answer", "check that PostgreSQL runs, and the URL's host, user and password", err)
	}
	return &Index{db}, nil
}

func (x *Index) prepare(ctx context.Context) error {
	var there bool
	if err := x.db.QueryRowContext(ctx, `SELECT count(*) > 0 FROM pg_extension WHERE extname = 'vector'`).Scan(&there); err != nil {
		return fault.New(CodeUnusable, "the database for faces does not answer", "check the database", err)
	}
	if !there {
		if _, err := x.db.ExecContext(ctx, `CREATE EXTENSION IF NOT EXISTS vector`); err != nil {
			return missing(err)
		}
	}
	tx, err := x.db.BeginTx(ctx, nil)
	if err == nil {
		defer func() { _ = tx.Rollback() }()
		_, err = tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(turn))
		for _, statement := range schema {
			if err == nil {
				_, err = tx.ExecContext(ctx, statement)
			}
		}
		err = errors.Join(err, commit(tx, err))
	}
	if err != nil {
		return fault.New(CodeUnusable, "the table of faces cannot be made", "see that the database's user may create tables", err)
	}
	return nil
}

func commit(tx *sql.Tx, failed error) error {
	if failed != nil {
		return nil
	}
	return tx.Commit()
}

// Close ends all connections.
func (x *Index) Close() error { return x.db.Close() }

// Put takes templates in, all or none. A later one of the same submission replaces the earlier.
func (x *Index) Put(ctx context.Context, all ...duplicate.Template) error {
	for _, t := range all {
		if err := duplicate.CheckVector(t.Vector); err != nil {
			return fmt.Errorf("index the face of %s: %w", t.Submission, err)
		}
	}
	tx, err := x.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("index faces: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, t := range all {
		if _, err := tx.ExecContext(ctx, `INSERT INTO face_vector (submission, seq, applicant, project, model, template) VALUES ($1, $2, $3, $4, $5, $6::text::vector)
			ON CONFLICT (submission) DO UPDATE SET seq = excluded.seq, applicant = excluded.applicant, project = excluded.project, model = excluded.model,
				template = excluded.template WHERE face_vector.seq <= excluded.seq`,
			t.Submission, t.Seq, t.Applicant, t.Project, t.Model, literal(t.Vector)); err != nil {
			return fmt.Errorf("index the face of %s: %w", t.Submission, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("index faces: %w", err)
	}
	return nil
}

// Keep takes out what lies between two numbers (from is excluded) and is not of these
// submissions. It tells how many.
func (x *Index) Keep(ctx context.Context, from, to int64, submissions []string) (int, error) {
	if submissions == nil {
		submissions = []string{}
	}
	done, err := x.db.ExecContext(ctx, `DELETE FROM face_vector WHERE seq > $1 AND seq <= $2 AND NOT (submission = ANY($3))`, from, to, submissions)
	if err != nil {
		return 0, fmt.Errorf("take faces out: %w", err)
	}
	n, err := done.RowsAffected()
	return int(n), err
}

// Take takes the faces of submissions out, where they are in.
func (x *Index) Take(ctx context.Context, submissions ...string) error {
	if len(submissions) == 0 {
		return nil
	}
	if _, err := x.db.ExecContext(ctx, `DELETE FROM face_vector WHERE submission = ANY($1)`, submissions); err != nil {
		return fmt.Errorf("take faces out: %w", err)
	}
	return nil
}

// Search finds the most similar faces, best first, and as of which number at least.
func (x *Index) Search(ctx context.Context, q duplicate.Query) (hits []duplicate.Hit, asOf int64, err error) {
	if err := duplicate.CheckVector(q.Vector); err != nil {
		return nil, 0, err
	}
	if asOf, err = x.AsOf(ctx); err != nil { // before: what comes in meanwhile may be found, and need not
		return nil, 0, err
	}
	most := int64(math.MaxInt32)
	if q.K > 0 {
		most = int64(q.K) + spare
	}
	// <#> is the negative inner product: of templates, which have length 1, the cosine's.
	rows, err := x.db.QueryContext(ctx, `SELECT submission, applicant, vector_send(template) FROM face_vector
		WHERE project = $1 AND model = $2 AND template <#> $3::text::vector <= $4
		ORDER BY template <#> $3::text::vector LIMIT $5`, q.Project, q.Model, literal(q.Vector), margin-q.MinScore, most)
	if err != nil {
		return nil, 0, fmt.Errorf("search faces: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var h duplicate.Hit
		var raw []byte
		if err := rows.Scan(&h.Submission, &h.Applicant, &raw); err != nil {
			return nil, 0, fmt.Errorf("search faces: %w", err)
		}
		vector, err := received(raw)
		if err != nil {
			return nil, 0, err
		}
		if h.Score, err = duplicate.Cosine(q.Vector, vector); err != nil {
			return nil, 0, err
		}
		if h.Score >= q.MinScore {
			hits = append(hits, h)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("search faces: %w", err)
	}
	return q.Best(hits), asOf, nil
}

// AsOf gives the number of the latest template.
func (x *Index) AsOf(ctx context.Context) (n int64, err error) {
	if err = x.db.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM face_vector`).Scan(&n); err != nil {
		return 0, fmt.Errorf("look how far the index of faces is: %w", err)
	}
	return n, nil
}

// Len counts the templates.
func (x *Index) Len(ctx context.Context) (n int, err error) {
	if err = x.db.QueryRowContext(ctx, `SELECT count(*) FROM face_vector`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count faces: %w", err)
	}
	return n, nil
}

// literal writes a template as pgvector reads it; the shortest digits that give the
// same float32 back.
func literal(v []float32) string {
	out := make([]byte, 0, 14*len(v))
	out = append(out, '[')
	for i, f := range v {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendFloat(out, float64(f), 'g', -1, 32)
	}
	return string(append(out, ']'))
}

// received reads pgvector's binary form: the number of values and a reserved one, two
// bytes each, then the values; all big-endian.
func received(raw []byte) ([]float32, error) {
	if len(raw) != 4+4*duplicate.Dimensions || int(binary.BigEndian.Uint16(raw)) != duplicate.Dimensions {
		return nil, fmt.Errorf("a template in the index of faces has %d bytes", len(raw))
	}
	v := make([]float32, duplicate.Dimensions)
	for i := range v {
		v[i] = math.Float32frombits(binary.BigEndian.Uint32(raw[4+4*i:]))
	}
	return v, nil
}
