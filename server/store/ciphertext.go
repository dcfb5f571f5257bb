package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Ciphertext is a column that holds what package vault encrypted. All names are parts
// of statements: they come from the program and from nowhere else.
type Ciphertext struct {
	Table string
	Name  string
	Row   []string // text columns that tell its rows apart, first of all the primary key
}

// Encrypted is one value of such a column.
type Encrypted struct {
	Row   []string // values of the Row columns
	Value []byte
}

// Stale gives values that do not begin with lead, in the order of their rows, after a
// row (nil: from the start).
func (r Reader) Stale(ctx context.Context, c Ciphertext, lead []byte, after []string, limit int) ([]Encrypted, error) {
	columns := strings.Join(c.Row, ", ")
	args := []any{lead, limit}
	where := fmt.Sprintf(`%[1]s IS NOT NULL AND LENGTH(%[1]s) > 0 AND SUBSTR(%[1]s, 1, %[2]d) <> $1`, c.Name, len(lead))
	if after != nil {
		var places []string
		for _, value := range after {
			args = append(args, value)
			places = append(places, "$"+strconv.Itoa(len(args)))
		}
		where += ` AND (` + columns + `) > (` + strings.Join(places, ", ") + `)`
	}
	rows, err := r.rows(ctx, `SELECT `+columns+`, `+c.Name+` FROM `+c.Table+` WHERE `+where+` ORDER BY `+columns+` LIMIT $2`, args...)
	if err != nil {
		return nil, fmt.Errorf("look for old ciphertexts in %s: %w", c.Table, err)
	}
	defer rows.Close()
	var all []Encrypted
	for rows.Next() {
		e := Encrypted{Row: make([]string, len(c.Row))}
		into := make([]any, 0, len(c.Row)+1)
		for i := range e.Row {
			into = append(into, &e.Row[i])
		}
		if err := rows.Scan(append(into, &e.Value)...); err != nil {
			return nil, fmt.Errorf("look for old ciphertexts in %s: %w", c.Table, err)
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

// ReplaceCiphertext puts a value in the place of one that was read, if that is still
// there; it tells whether it was.
func (t *Tx) ReplaceCiphertext(ctx context.Context, c Ciphertext, old Encrypted, value []byte) (bool, error) {
	args := []any{value, old.Value}
	where := c.Name + ` = $2`
	for i, column := range c.Row {
		args = append(args, old.Row[i])
		where += ` AND ` + column + ` = $` + strconv.Itoa(len(args))
	}
	n, err := t.exec(ctx, `UPDATE `+c.Table+` SET `+c.Name+` = $1 WHERE `+where, args...)
	if err != nil {
		return false, fmt.Errorf("replace a ciphertext in %s: %w", c.Table, err)
	}
	return n > 0, nil
}

// Leads counts the values of a column by their first n bytes. It reads the whole column.
func (r Reader) Leads(ctx context.Context, c Ciphertext, n int) (map[string]int, error) {
	rows, err := r.rows(ctx, fmt.Sprintf(`SELECT SUBSTR(%[1]s, 1, %[2]d), COUNT(*) FROM %[3]s WHERE %[1]s IS NOT NULL AND LENGTH(%[1]s) > 0 GROUP BY 1`, c.Name, n, c.Table))
	if err != nil {
		return nil, fmt.Errorf("count ciphertexts in %s: %w", c.Table, err)
	}
	defer rows.Close()
	all := map[string]int{}
	for rows.Next() {
		var lead []byte
		var count int
		if err := rows.Scan(&lead, &count); err != nil {
			return nil, fmt.Errorf("count ciphertexts in %s: %w", c.Table, err)
		}
		all[string(lead)] += count
	}
	return all, rows.Err()
}

// SealUse is how much was sealed to one of the centre's keys.
type SealUse struct {
	Key   []byte // seal.KeyID
	Count int
	Last  time.Time // when the last submission came that was
}

// SealUses counts submissions by the key that the kiosk sealed them to.
func (r Reader) SealUses(ctx context.Context) ([]SealUse, error) {
	rows, err := r.rows(ctx, `SELECT SUBSTR(sealed, 2, 8), COUNT(*), MAX(received) FROM submission WHERE LENGTH(sealed) > 9 GROUP BY 1 ORDER BY 3 DESC`)
	if err != nil {
		return nil, fmt.Errorf("count sealed submissions: %w", err)
	}
	defer rows.Close()
	var all []SealUse
	for rows.Next() {
		var u SealUse
		var last int64
		if err := rows.Scan(&u.Key, &u.Count, &last); err != nil {
			return nil, fmt.Errorf("count sealed submissions: %w", err)
		}
		u.Key, u.Last = bytes.Clone(u.Key), moment(last)
		all = append(all, u)
	}
	return all, rows.Err()
}

// ByteColumns names all columns that hold bytes, as table.column.
func (r Reader) ByteColumns(ctx context.Context) ([]string, error) {
	query := `SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.type IN ('BYTEA', 'BLOB') ORDER BY 1`
	if r.pg {
		query = `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema() AND data_type = 'bytea' ORDER BY 1`
	}
	rows, err := r.rows(ctx, query)
	return collect(rows, err, func(rows *sql.Rows) (string, error) {
		var name string
		return name, rows.Scan(&name)
	})
}
