package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"vestibule/journey"
)

// Row is one row on its way from one database to another.
type Row struct {
	Table   string
	Owner   string // the submission it belongs to; empty: to none
	Columns []string
	Values  []any // nil, int64, float64, string or []byte
}

// belongings says which columns hold something of a person, of which kind, and whose they are: a term over the table t.
type belongings struct {
	owner   string
	columns map[string]journey.DataKind
}

const personal = journey.DataPersonal

// Whatever a table comes to hold of a person belongs in here: a test holds every column of bytes against it.
func owned() map[string]belongings {
	return map[string]belongings{
		"submission": {`t.id`, map[string]journey.DataKind{
			"sealed": journey.DataSealed, "private": personal, "comment": personal, "pii_version": personal, "pii_key": personal,
			"document_key": personal, "holder_key": personal, "name_key": personal, "birth_key": personal, "email_key": personal,
			"phone_key": personal, "user_key": personal, "document_rank": personal,
		}},
		"inbox":          {`CASE WHEN t.kind = 2 THEN t.record_id ELSE '' END`, map[string]journey.DataKind{"body": journey.DataSealed}},
		"quarantine":     {`CASE WHEN t.kind = 2 THEN t.record_id ELSE '' END`, map[string]journey.DataKind{"body": journey.DataSealed}},
		"face":           {`t.submission`, map[string]journey.DataKind{"template": journey.DataFace}},
		"decision":       {`t.submission`, map[string]journey.DataKind{"record": personal}},
		"decision_input": {`COALESCE((SELECT d.submission FROM decision d WHERE d.id = t.decision), '')`, map[string]journey.DataKind{"sealed": personal}},
		"screening":      {`t.submission`, map[string]journey.DataKind{"result": personal}},
		"review":         {`t.submission`, map[string]journey.DataKind{"findings": personal}},
		"review_act":     {`t.submission`, map[string]journey.DataKind{"private": personal}},
		"list_cleared":   {`t.submission`, map[string]journey.DataKind{"person": personal, "entity": personal, "hash": personal, "why": personal}},
		"near_key":       {`t.submission`, map[string]journey.DataKind{"key": personal}},
		"mail":           {`t.submission`, map[string]journey.DataKind{"private": personal}},
		"list_hit":       {`t.submission`, map[string]journey.DataKind{"entity": personal, "hash": personal}},
	}
}

// Belongs tells which columns of a table hold something of a person, and of which kind.
func Belongs(table string) map[string]journey.DataKind { return owned()[table].columns }

// column is one of a table.
type column struct {
	name  string
	bytes bool
}

func (s *Store) tables(ctx context.Context, q queryer) ([]string, error) {
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`
	if s.pg {
		query = `SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name`
	}
	rows, err := q.QueryContext(ctx, query)
	all, err := collect(rows, err, func(rows *sql.Rows) (name string, err error) { return name, rows.Scan(&name) })
	return slices.DeleteFunc(all, func(name string) bool { return strings.HasPrefix(name, "goose_") }), err
}

func (s *Store) columns(ctx context.Context, q queryer, table string) ([]column, error) {
	query := `SELECT name, LOWER(type) FROM pragma_table_info(?1) ORDER BY cid`
	if s.pg {
		query = `SELECT CAST(column_name AS TEXT), CAST(data_type AS TEXT) FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`
	}
	rows, err := q.QueryContext(ctx, query, table)
	return collect(rows, err, func(rows *sql.Rows) (column, error) {
		var c column
		var kind string
		err := rows.Scan(&c.name, &kind)
		c.bytes = kind == "bytea"
		return c, err
	})
}

// Transfer fills another database with what is in this one at one moment, beside running readers and writers. What was in
// the other is gone, but for people's keys, which do not travel. change may alter a row, or leave it out by false. Both have the same tables, of either kind of database.
func (s *Store) Transfer(ctx context.Context, to *Store, change func(*Row) (bool, error)) error {
	var options *sql.TxOptions
	if s.pg {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	from, err := s.read.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	defer from.Rollback() //nolint:errcheck // nothing was written
	into, err := to.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin to write: %w", err)
	}
	defer into.Rollback() //nolint:errcheck // no effect after Commit
	names, err := s.tables(ctx, from)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	for _, name := range names {
		if name == "person_key" {
			continue // keys stay where they are: they travel in a file of their own
		}
		if strings.HasPrefix(name, "advisory_") {
			continue // roll-outs are made anew: a copy would know whoever is erased later
		}
		if err := s.transfer(ctx, from, to, into, name, change); err != nil {
			return fmt.Errorf("transfer %s: %w", name, err)
		}
	}
	if err := into.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (s *Store) transfer(ctx context.Context, from *sql.Tx, to *Store, into *sql.Tx, table string, change func(*Row) (bool, error)) error {
	columns, err := s.columns(ctx, from, table)
	if err != nil {
		return err
	}
	if _, err := into.ExecContext(ctx, `DELETE FROM `+table); err != nil {
		return err
	}
	names, places := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i], places[i] = c.name, fmt.Sprintf("$%d", i+1)
	}
	reader := Reader{pg: to.pg}
	insert, err := into.PrepareContext(ctx, reader.sql(`INSERT INTO `+table+` (`+strings.Join(names, ", ")+`) VALUES (`+strings.Join(places, ", ")+`)`))
	if err != nil {
		return err
	}
	defer insert.Close()
	owner := `''`
	if o, ok := owned()[table]; ok {
		owner = o.owner
	}
	rows, err := from.QueryContext(ctx, `SELECT t.`+strings.Join(names, ", t.")+`, `+owner+` FROM `+table+` t`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row := Row{Table: table, Columns: names, Values: make([]any, len(columns))}
		into := make([]any, len(columns)+1)
		for i := range row.Values {
			into[i] = &row.Values[i]
		}
		into[len(columns)] = &row.Owner
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, c := range columns {
			row.Values[i] = typed(row.Values[i], c.bytes)
		}
		keep, err := change(&row)
		if err != nil {
			return err
		}
		if !keep {
			continue
		}
		if _, err := insert.ExecContext(ctx, row.Values...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// typed gives a value the type of its column: SQLite keeps what it was given, whatever the column says.
func typed(v any, bytes bool) any {
	switch v := v.(type) {
	case string:
		if bytes {
			return []byte(v)
		}
	case []byte:
		if !bytes {
			return string(v)
		}
	}
	return v
}

// Empty reports whether nothing was ever taken in here.
func (s *Store) Empty(ctx context.Context) (bool, error) {
	var n int
	err := s.read.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM kiosk) + (SELECT COUNT(*) FROM submission) + (SELECT COUNT(*) FROM event) + (SELECT COUNT(*) FROM audit)`).Scan(&n)
	return n == 0, err
}
