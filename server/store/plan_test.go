package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAListIsReadFromTheIndexThatIsMadeForIt asks SQLite, which has no statistics of the
// rows, how it would go about it. A scan, or a list that is sorted first, would be felt
// with the first hundred thousand submissions.
func TestAListIsReadFromTheIndexThatIsMadeForIt(t *testing.T) {
	ctx := context.Background()
	s, err := Open(ctx, t.TempDir())
	require.NoError(t, err)
	defer s.Close()
	plan := func(query string, args ...any) string {
		rows, err := s.Read().rows(ctx, "EXPLAIN QUERY PLAN "+query, args...)
		require.NoError(t, err)
		defer rows.Close()
		var lines []string
		for rows.Next() {
			var id, parent, unused int
			var line string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &line))
			lines = append(lines, line)
		}
		require.NoError(t, rows.Err())
		return strings.Join(lines, "; ")
	}
	at := time.UnixMicro(1_770_000_000_000_000)
	page := func(f SubmissionFilter) SubmissionFilter {
		f.Limit, f.BeforeID, f.Before = 50, "id", at
		return f
	}
	dates := func(f SubmissionFilter) SubmissionFilter {
		f.From, f.To = at, at.Add(time.Hour)
		return f
	}
	for index, filters := range map[string][]SubmissionFilter{
		"submission_created":         {{}, {From: at, To: at.Add(time.Hour)}},
		"submission_project_created": {{Project: "p"}},
		"submission_email_created":   {{EmailKey: "e"}, {Project: "p", EmailKey: "e"}},
		"submission_user_created":    {{UserKey: "u"}, {Project: "p", UserKey: "u"}},
	} {
		for _, f := range filters {
			for _, f := range []SubmissionFilter{f, page(f), dates(f), page(dates(f))} {
				query, args := f.statement()
				got := plan(query, args...)
				require.Regexp(t, `USING INDEX `+index+`\b`, got, "%+v", f)
				require.NotContains(t, got, "TEMP B-TREE", "%+v", f)
			}
		}
	}
	for field, index := range map[Field]string{
		ByPII: "submission_pii", ByDocument: "submission_document", ByHolder: "submission_holder", ByPhone: "submission_phone",
	} {
		require.Regexp(t, `USING INDEX `+index+`\b`, plan(sameStatement(submissionColumns, field), "p", "v", "x", "decided"), field)
	}
	for field, ways := range map[Field][]string{
		ByEmail: {"submission_email", "submission_email_created"}, ByUser: {"submission_user", "submission_user_created"}, ByApplicant: {"submission_project_applicant"},
	} {
		got := plan(sameStatement(submissionColumns, field), "p", "v", "x", "decided")
		found := false
		for _, index := range ways {
			found = found || strings.Contains(got, "USING INDEX "+index+" ")
		}
		require.True(t, found, "%s: %s", field, got)
	}
	for index, f := range map[string]AuditFilter{
		"audit_n": {Before: 100, What: "review", Target: "s"}, "audit_who": {Who: "anna", Before: 100},
	} {
		query, args := f.statement()
		got := plan(query, args...)
		require.Regexp(t, `USING INDEX `+index+`\b`, got, "%+v", f)
		require.NotContains(t, got, "TEMP B-TREE", "%+v", f)
	}
	for query, args := range map[string][]any{chainStatement: {1, "id", 10, 10}, oldStatement: {1, "id"}} {
		got := plan(query, args...)
		require.Regexp(t, `USING INDEX audit_(n|at)\b`, got)
		require.NotContains(t, got, "USE TEMP B-TREE FOR ORDER BY", query)
	}
	near := plan(nearStatement, "p", "s", "decided", 50)
	require.Regexp(t, `SEARCH submission USING INDEX \S+ \(id=\?\)`, near)
	require.NotRegexp(t, `SCAN (m|o|near_key)\b`, near)
	for n := range 100 {
		values := make([]string, n+1)
		places, args := in(4, values)
		got := plan(samePIIStatement(places), append([]any{"p", "decided", 501}, args...)...)
		require.Regexp(t, `SEARCH submission USING INDEX submission_pii \(project=\? AND pii_key=\?\)`, got, "%d values", n+1)
		places, args = in(1, values)
		require.Regexp(t, `SEARCH decision USING INDEX decision_session \(session=\?\)`, plan(lastStatement(places), args...), "%d values", n+1)
	}
	require.Regexp(t, `USING INDEX decision_session\b`, plan(`SELECT `+decisionColumns+` FROM decision WHERE session = $1 ORDER BY at, id`, "s"))
}
