package store

import (
	"context"
	"strconv"
	"strings"
)

// mostRows bounds how many rows one statement inserts.
const mostRows = 64

// inserted runs an insertion of n rows in as few statements as there are powers of two in n: so few different texts
// stay prepared. Each row's arguments are width; the statement is the text before VALUES and the one behind.
func inserted(n, width int, before, behind string, run func(statement string, from, to int) error) error {
	for from := 0; from < n; {
		rows := mostRows
		for rows > n-from {
			rows /= 2
		}
		if err := run(before+places(rows, width)+behind, from, from+rows); err != nil {
			return err
		}
		from += rows
	}
	return nil
}

// places writes the places of many rows' arguments: ($1, $2), ($3, $4).
func places(rows, width int) string {
	var b strings.Builder
	b.Grow(rows * width * 6)
	for i := range rows * width {
		switch {
		case i == 0:
			b.WriteString("($")
		case i%width == 0:
			b.WriteString("), ($")
		default:
			b.WriteString(", $")
		}
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteByte(')')
	return b.String()
}

// returned collects the texts that a statement returns.
func (t *Tx) returned(ctx context.Context, statement string, args []any, into map[string]bool) error {
	rows, err := t.rows(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		into[text] = true
	}
	return rows.Err()
}
