package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"vestibule/journey"
)

// Stand is how far the centre is with a submission.
type Stand string

// The stands of a submission.
const (
	StandOpen    Stand = "open"    // the kiosk has not finished it
	StandWaiting Stand = "waiting" // finished; pictures of its manifest are still to come
	StandQueued  Stand = "queued"  // everything is here: to be decided
	StandDecided Stand = "decided" //
	StandClosed  Stand = "closed"  // abandoned by the person: nothing to decide
	StandErased  Stand = "erased"  // what it was of a person is gone; what happened stays
)

// Keys are the keyed hashes under which a submission is found again. Empty ones
// are unknown, and match nothing.
type Keys struct {
	PIIVersion string
	PII        string // name, date of birth, gender and nationality: the contract's duplicated_information
	Document   string // issuing state and document number
	Holder     string // issuing state, document type, name and date of birth
	Name       string
	Birth      string
	Email      string
	Phone      string
	User       string
	Near       []string // people whose data agree only nearly share one; written only
}

// Submission is a row of the submission table. Sealed and Private are ciphertext.
type Submission struct {
	ID           string
	Session      string
	Kiosk        string
	Project      string
	Revision     int
	State        journey.SubmissionState
	Stand        Stand
	Created      time.Time
	Updated      time.Time
	Received     time.Time
	Sealed       []byte
	Private      []byte
	Keys         Keys
	DocumentType journey.DocumentType
	DocumentRank string // YYYY-MM-DD: issue date, else expiry
	Applicant    string
	Decision     journey.Decision
	Reason       journey.Reason
	CommentCode  string
	DecidedRev   int
	Decided      time.Time
	PendingSince time.Time
	Reviewer     string // who decided; empty: the rules
	Comment      []byte // of the reviewer for the person, encrypted; nil: none
}

const (
	submissionColumns = headColumns + `sealed` + tailColumns
	listColumns       = headColumns + `NULL` + tailColumns
	headColumns       = `id, session, kiosk, project, revision, state, stand, created, updated, received, `
	tailColumns       = `, private,
	pii_version, pii_key, document_key, holder_key, name_key, birth_key, email_key, phone_key, user_key,
	document_type, document_rank, applicant, decision, reason, comment_code, decided_rev, decided, pending, reviewer, comment`
)

func scanSubmission(scan func(...any) error) (Submission, error) {
	var s Submission
	var created, updated, received, decided, pending int64
	k := &s.Keys
	err := scan(&s.ID, &s.Session, &s.Kiosk, &s.Project, &s.Revision, &s.State, &s.Stand, &created, &updated, &received, &s.Sealed, &s.Private,
		&k.PIIVersion, &k.PII, &k.Document, &k.Holder, &k.Name, &k.Birth, &k.Email, &k.Phone, &k.User,
		&s.DocumentType, &s.DocumentRank, &s.Applicant, &s.Decision, &s.Reason, &s.CommentCode, &s.DecidedRev, &decided, &pending,
		&s.Reviewer, &s.Comment)
	s.Created, s.Updated, s.Received = moment(created), moment(updated), moment(received)
	s.Decided, s.PendingSince = moment(decided), moment(pending)
	return s, none(err)
}

func scanSubmissionRow(rows *sql.Rows) (Submission, error) { return scanSubmission(rows.Scan) }

// Submission finds a submission.
func (r Reader) Submission(ctx context.Context, id string) (Submission, error) {
	return scanSubmission(r.row(ctx, `SELECT `+submissionColumns+` FROM submission WHERE id = $1`, id).Scan)
}

// SaveSubmission writes a revision as it came, with its keys. Applicant and
// decision columns are left alone.
func (t *Tx) SaveSubmission(ctx context.Context, s Submission) error {
	k := s.Keys
	_, err := t.exec(ctx, `INSERT INTO submission (id, session, kiosk, project, revision, state, stand, created, updated, received, sealed, private,
		pii_version, pii_key, document_key, holder_key, name_key, birth_key, email_key, phone_key, user_key, document_type, document_rank)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
		ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, state = excluded.state, stand = excluded.stand,
		updated = excluded.updated, received = excluded.received, sealed = excluded.sealed, private = excluded.private,
		pii_version = excluded.pii_version, pii_key = excluded.pii_key, document_key = excluded.document_key,
		holder_key = excluded.holder_key, name_key = excluded.name_key, birth_key = excluded.birth_key,
		email_key = excluded.email_key, phone_key = excluded.phone_key, user_key = excluded.user_key,
		document_type = excluded.document_type, document_rank = excluded.document_rank`,
		s.ID, s.Session, s.Kiosk, s.Project, s.Revision, string(s.State), string(s.Stand), micros(s.Created), micros(s.Updated), micros(s.Received),
		s.Sealed, s.Private, k.PIIVersion, k.PII, k.Document, k.Holder, k.Name, k.Birth, k.Email, k.Phone, k.User,
		string(s.DocumentType), s.DocumentRank)
	if err != nil {
		return fmt.Errorf("save submission: %w", err)
	}
	return t.SaveNear(ctx, s.ID, k.Near)
}

// SetStand moves a submission on.
func (t *Tx) SetStand(ctx context.Context, id string, stand Stand) error {
	if _, err := t.exec(ctx, `UPDATE submission SET stand = $2 WHERE id = $1`, id, string(stand)); err != nil {
		return fmt.Errorf("move submission on: %w", err)
	}
	return nil
}

// SetDecision writes the outcome of a submission's revision, as one of the rules: see SetReviewer.
func (t *Tx) SetDecision(ctx context.Context, id string, v journey.Verdict, revision int, applicant string) error {
	var pending int64
	if v.Decision == journey.Pending {
		pending = micros(v.At)
	}
	_, err := t.exec(ctx, `UPDATE submission SET decision = $2, reason = $3, comment_code = $4, decided_rev = $5, decided = $6,
		pending = CASE WHEN CAST($7 AS BIGINT) <> 0 THEN CAST($7 AS BIGINT) ELSE pending END, applicant = $8, stand = $9,
		reviewer = '', comment = NULL WHERE id = $1`,
		id, string(v.Decision), string(v.Reason), v.CommentCode, revision, micros(v.At), pending, applicant, string(StandDecided))
	if err != nil {
		return fmt.Errorf("write decision: %w", err)
	}
	if v.Decision == journey.Rejected {
		return t.withdrawAdvisory(ctx, id)
	}
	return nil
}

// Evidence is one picture of a submission's manifest.
type Evidence struct {
	Submission string
	ID         string
	Kind       journey.EvidenceKind
	Attempt    int
	Blob       string
	Size       int64
}

// SaveEvidence replaces a submission's manifest.
func (t *Tx) SaveEvidence(ctx context.Context, submission string, manifest []Evidence) error {
	if _, err := t.exec(ctx, `DELETE FROM evidence WHERE submission = $1`, submission); err != nil {
		return fmt.Errorf("replace manifest: %w", err)
	}
	for _, e := range manifest {
		if _, err := t.exec(ctx, `INSERT INTO evidence (submission, id, kind, attempt, blob, size) VALUES ($1, $2, $3, $4, $5, $6)`,
			submission, e.ID, string(e.Kind), e.Attempt, e.Blob, e.Size); err != nil {
			return fmt.Errorf("replace manifest: %w", err)
		}
	}
	return nil
}

// MissingBlobs counts the pictures of a submission's manifest that are not here yet.
func (r Reader) MissingBlobs(ctx context.Context, submission string) (n int, err error) {
	err = r.row(ctx, `SELECT COUNT(*) FROM evidence e WHERE e.submission = $1
		AND NOT EXISTS (SELECT 1 FROM blob b WHERE b.id = e.blob)`, submission).Scan(&n)
	return n, err
}

// AddBlob records that a sealed picture is here, whole and verified.
func (t *Tx) AddBlob(ctx context.Context, id, kiosk string, size int64, at time.Time) error {
	if _, err := t.exec(ctx, `INSERT INTO blob (id, kiosk, size, received) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING`,
		id, kiosk, size, micros(at)); err != nil {
		return fmt.Errorf("record blob: %w", err)
	}
	return nil
}

// HasBlob reports whether a sealed picture is here.
func (r Reader) HasBlob(ctx context.Context, id string) (bool, error) {
	var n int
	err := r.row(ctx, `SELECT COUNT(*) FROM blob WHERE id = $1`, id).Scan(&n)
	return n > 0, err
}

// WaitingFor lists the submissions that wait for a picture.
func (r Reader) WaitingFor(ctx context.Context, blob string) ([]Submission, error) {
	rows, err := r.rows(ctx, `SELECT `+submissionColumns+` FROM submission WHERE stand = $1
		AND id IN (SELECT submission FROM evidence WHERE blob = $2) ORDER BY id`, string(StandWaiting), blob)
	return collect(rows, err, scanSubmissionRow)
}

// SubmissionFilter narrows a list of submissions. Zero fields do not narrow.
type SubmissionFilter struct {
	Project  string
	UserKey  string
	EmailKey string
	From, To time.Time // of the creation; To is excluded
	Before   time.Time
	BeforeID string
	Limit    int
}

// Submissions lists submissions that are finished at the kiosk or open, the newest
// first. What came sealed is left out: a list has no use for it, and it is half of a row.
func (r Reader) Submissions(ctx context.Context, f SubmissionFilter) ([]Submission, error) {
	query, args := f.statement()
	rows, err := r.rows(ctx, query, args...)
	return collect(rows, err, scanSubmissionRow)
}

// statement makes the list's statement. A test holds which index it is read from.
func (f SubmissionFilter) statement() (string, []any) {
	where := []string{"1 = 1"}
	var args []any
	add := func(clause string, v any) {
		args = append(args, v)
		where = append(where, fmt.Sprintf(clause, len(args)))
	}
	if f.UserKey != "" {
		add(`user_key = $%d`, f.UserKey)
	}
	if f.EmailKey != "" {
		add(`email_key = $%d`, f.EmailKey)
	}
	switch {
	case f.Project == "":
	case f.UserKey != "" || f.EmailKey != "":
		// A person has few rows and a project very many: SQLite, which cannot know, must
		// not walk through the project for them. Made to a term, the column has no index.
		add(`project || '' = $%d`, f.Project)
	default:
		add(`project = $%d`, f.Project)
	}
	if !f.From.IsZero() {
		add(`created >= $%d`, micros(f.From))
	}
	if !f.To.IsZero() {
		add(`created < $%d`, micros(f.To))
	}
	if f.BeforeID != "" {
		args = append(args, micros(f.Before), f.BeforeID)
		// Compared as a pair: both databases then start reading the index right there.
		where = append(where, fmt.Sprintf(`(created, id) < ($%d, $%d)`, len(args)-1, len(args)))
	}
	args = append(args, f.Limit)
	return `SELECT ` + listColumns + ` FROM submission WHERE ` + strings.Join(where, ` AND `) +
		fmt.Sprintf(` ORDER BY created DESC, id DESC LIMIT $%d`, len(args)), args
}

// EvidenceOf finds one picture of a submission's manifest.
func (r Reader) EvidenceOf(ctx context.Context, submission, id string) (Evidence, error) {
	e := Evidence{Submission: submission, ID: id}
	err := none(r.row(ctx, `SELECT kind, attempt, blob, size FROM evidence WHERE submission = $1 AND id = $2`, submission, id).
		Scan(&e.Kind, &e.Attempt, &e.Blob, &e.Size))
	return e, err
}

// EvidenceFor lists a submission's pictures, by kind and attempt.
func (r Reader) EvidenceFor(ctx context.Context, submission string) ([]Evidence, error) {
	rows, err := r.rows(ctx, `SELECT id, kind, attempt, blob, size FROM evidence WHERE submission = $1 ORDER BY kind, attempt, id`, submission)
	return collect(rows, err, func(rows *sql.Rows) (Evidence, error) {
		e := Evidence{Submission: submission}
		err := rows.Scan(&e.ID, &e.Kind, &e.Attempt, &e.Blob, &e.Size)
		return e, err
	})
}

// Field names a key column that submissions can be looked up by.
type Field string

// The key columns.
const (
	ByPII       Field = "pii_key"
	ByDocument  Field = "document_key"
	ByHolder    Field = "holder_key"
	ByEmail     Field = "email_key"
	ByPhone     Field = "phone_key"
	ByUser      Field = "user_key"
	ByApplicant Field = "applicant"
)

// Same finds the decided submissions of a project, besides one, that have the
// same value in a key column, oldest first. The empty value finds nothing.
func (r Reader) Same(ctx context.Context, project string, field Field, value, besides string) ([]Submission, error) {
	if value == "" {
		return nil, nil
	}
	switch field {
	case ByPII, ByDocument, ByHolder, ByEmail, ByPhone, ByUser, ByApplicant:
	default:
		return nil, fmt.Errorf("no key column %q", field)
	}
	rows, err := r.rows(ctx, sameStatement(submissionColumns, field), project, value, besides, string(StandDecided))
	return collect(rows, err, scanSubmissionRow)
}

// sameStatement looks a value up by its key column. The order is by a term and not by
// the column: SQLite would else rather walk through the whole project in that order.
func sameStatement(columns string, field Field) string {
	return `SELECT ` + columns + ` FROM submission WHERE project = $1 AND ` + string(field) + ` = $2
		AND id <> $3 AND stand = $4 ORDER BY created + 0, id LIMIT 500`
}
