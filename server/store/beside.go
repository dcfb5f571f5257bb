package store

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
)

// in writes the places of a list of values from $first on, and gives the values: padded with the last one to one of few
// lengths, so that few different texts stay prepared. There is at least one value.
func in(first int, values []string) (places string, args []any) {
	var b strings.Builder
	n := 1
	for n < len(values) {
		n *= 4
	}
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(first + i))
		args = append(args, values[min(i, len(values)-1)])
	}
	b.WriteByte(')')
	return b.String(), args
}

// Screenings finds the screenings of submissions, those that there are, by submission.
func (r Reader) Screenings(ctx context.Context, submissions []string) (map[string]Screening, error) {
	found := map[string]Screening{}
	if len(submissions) == 0 {
		return found, nil
	}
	places, args := in(1, submissions)
	rows, err := r.rows(ctx, `SELECT submission, status, risk, result, at FROM screening WHERE submission IN `+places, args...)
	all, err := collect(rows, err, func(rows *sql.Rows) (Screening, error) {
		var s Screening
		var at int64
		err := rows.Scan(&s.Submission, &s.Status, &s.Risk, &s.Result, &at)
		s.At = moment(at)
		return s, err
	})
	for _, s := range all {
		found[s.Submission] = s
	}
	return found, err
}

// LastDecisions finds the last decision of each session that has any, by session.
func (r Reader) LastDecisions(ctx context.Context, sessions []string) (map[string]Decision, error) {
	found := map[string]Decision{}
	if len(sessions) == 0 {
		return found, nil
	}
	places, args := in(1, sessions)
	rows, err := r.rows(ctx, lastStatement(places), args...)
	all, err := collect(rows, err, scanDecision)
	for _, d := range all {
		found[d.Session] = d
	}
	return found, err
}

func lastStatement(places string) string {
	return `SELECT ` + decisionColumns + ` FROM decision WHERE session IN ` + places + ` ORDER BY at, id`
}

// mostSame bounds how many submissions with one person's data are told.
const mostSame = 500

// SamePII gives, by submission, the ids of the other decided submissions of its project that have the same personal data,
// oldest first, 500 at most.
func (r Reader) SamePII(ctx context.Context, submissions []Submission) (map[string][]string, error) {
	values := map[string][]string{} // by project
	for _, s := range submissions {
		if s.Keys.PII != "" && !slices.Contains(values[s.Project], s.Keys.PII) {
			values[s.Project] = append(values[s.Project], s.Keys.PII)
		}
	}
	type owner struct{ project, value string }
	owned := map[owner][]string{}
	for project, list := range values {
		places, args := in(4, list)
		rows, err := r.rows(ctx, samePIIStatement(places), append([]any{project, string(StandDecided), mostSame + 1}, args...)...)
		_, err = collect(rows, err, func(rows *sql.Rows) (struct{}, error) {
			o := owner{project: project}
			var id string
			err := rows.Scan(&id, &o.value)
			owned[o] = append(owned[o], id)
			return struct{}{}, err
		})
		if err != nil {
			return nil, err
		}
	}
	found := map[string][]string{}
	for _, s := range submissions {
		var others []string
		for _, id := range owned[owner{s.Project, s.Keys.PII}] {
			if id != s.ID && len(others) < mostSame {
				others = append(others, id)
			}
		}
		if len(others) > 0 {
			found[s.ID] = others
		}
	}
	return found, nil
}

// samePIIStatement looks several values up. The order is by a term and not by the column, as in sameStatement.
func samePIIStatement(places string) string {
	return `SELECT id, pii_key FROM (SELECT id, pii_key, created, ROW_NUMBER() OVER (PARTITION BY pii_key ORDER BY created + 0, id) AS place
		FROM submission WHERE project = $1 AND stand = $2 AND pii_key IN ` + places + `) AS found WHERE place <= $3 ORDER BY created + 0, id`
}
