package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"vestibule/journey"
	"vestibule/sync/wire"
)

// Erasure says that one kind of data of a submission was erased.
type Erasure struct {
	Submission string
	Kind       journey.DataKind
	Kiosk      string
	Project    string
	At         time.Time
	Who        string
	Why        string    // code
	Finished   time.Time // when its files were gone too; zero: they may be there
}

const erasureColumns = `submission, kind, kiosk, project, at, who, why, finished`

func scanErasure(rows *sql.Rows) (Erasure, error) {
	var e Erasure
	var at, finished int64
	err := rows.Scan(&e.Submission, &e.Kind, &e.Kiosk, &e.Project, &at, &e.Who, &e.Why, &finished)
	e.At, e.Finished = moment(at), moment(finished)
	return e, err
}

// Erasures tells what of a submission was erased.
func (r Reader) Erasures(ctx context.Context, submission string) ([]Erasure, error) {
	rows, err := r.rows(ctx, `SELECT `+erasureColumns+` FROM erased WHERE submission = $1 ORDER BY at, kind`, submission)
	return collect(rows, err, scanErasure)
}

// Erased reports whether a person's data were erased altogether.
func (r Reader) Erased(ctx context.Context, submission string) (bool, error) {
	var n int
	err := r.row(ctx, `SELECT COUNT(*) FROM erased WHERE submission = $1 AND kind = $2`, submission, string(journey.DataPersonal)).Scan(&n)
	return n > 0, err
}

// TakesNoMore reports whether what a kiosk still sends of a submission is to be thrown away.
func (r Reader) TakesNoMore(ctx context.Context, submission string) (bool, error) {
	var n int
	err := r.row(ctx, `SELECT COUNT(*) FROM erased WHERE submission = $1 AND kind = $2`, submission, string(journey.DataSealed)).Scan(&n)
	return n > 0, err
}

// UnfinishedErasures lists erasures whose files may still be there, oldest first.
func (r Reader) UnfinishedErasures(ctx context.Context, limit int) ([]Erasure, error) {
	rows, err := r.rows(ctx, `SELECT `+erasureColumns+` FROM erased WHERE finished = 0 ORDER BY at, submission, kind LIMIT $1`, limit)
	return collect(rows, err, scanErasure)
}

// AddErasure notes that a kind of data goes, in the transaction in which it does. It reports whether that was new.
func (t *Tx) AddErasure(ctx context.Context, e Erasure) (bool, error) {
	n, err := t.exec(ctx, `INSERT INTO erased (`+erasureColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT DO NOTHING`,
		e.Submission, string(e.Kind), e.Kiosk, e.Project, micros(e.At), e.Who, e.Why)
	if err != nil {
		return false, fmt.Errorf("note erasure: %w", err)
	}
	return n > 0, nil
}

// FinishErasure notes that the files are gone too.
func (t *Tx) FinishErasure(ctx context.Context, submission string, at time.Time) error {
	if _, err := t.exec(ctx, `UPDATE erased SET finished = $2 WHERE submission = $1 AND finished = 0`, submission, micros(at)); err != nil {
		return fmt.Errorf("finish erasure: %w", err)
	}
	return nil
}

// ErasedBlob is a sealed picture that was erased.
type ErasedBlob struct{ Blob, Submission, Kiosk string }

func scanErasedBlob(rows *sql.Rows) (b ErasedBlob, err error) {
	return b, rows.Scan(&b.Blob, &b.Submission, &b.Kiosk)
}

// EraseBlob takes a picture out of the tables: from now on it is thrown away when it comes. The file is the caller's.
func (t *Tx) EraseBlob(ctx context.Context, b ErasedBlob) error {
	if _, err := t.exec(ctx, `INSERT INTO erased_blob (blob, submission, kiosk) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, b.Blob, b.Submission, b.Kiosk); err != nil {
		return fmt.Errorf("erase picture: %w", err)
	}
	for _, query := range []string{`DELETE FROM blob WHERE id = $1`, `DELETE FROM person_key WHERE subject = 'blob:' || CAST($1 AS TEXT)`} {
		if _, err := t.exec(ctx, query, b.Blob); err != nil {
			return fmt.Errorf("erase picture: %w", err)
		}
	}
	return nil
}

// ErasedBlobs lists the erased pictures of a submission.
func (r Reader) ErasedBlobs(ctx context.Context, submission string) ([]ErasedBlob, error) {
	rows, err := r.rows(ctx, `SELECT blob, submission, kiosk FROM erased_blob WHERE submission = $1 ORDER BY blob`, submission)
	return collect(rows, err, scanErasedBlob)
}

// ErasedBlobsAfter lists all erased pictures, by name.
func (r Reader) ErasedBlobsAfter(ctx context.Context, blob string, limit int) ([]ErasedBlob, error) {
	rows, err := r.rows(ctx, `SELECT blob, submission, kiosk FROM erased_blob WHERE blob > $1 ORDER BY blob LIMIT $2`, blob, limit)
	return collect(rows, err, scanErasedBlob)
}

// BlobErased reports whether a picture was erased.
func (r Reader) BlobErased(ctx context.Context, blob string) (bool, error) {
	var n int
	err := r.row(ctx, `SELECT COUNT(*) FROM erased_blob WHERE blob = $1`, blob).Scan(&n)
	return n > 0, err
}

// Placed is a stored record with its place.
type Placed struct {
	Kiosk, Epoch string
	Received
}

// SubmissionRecords gives the records of the inbox that brought a submission, in their order.
func (r Reader) SubmissionRecords(ctx context.Context, submission string) ([]Placed, error) {
	rows, err := r.rows(ctx, `SELECT kiosk, epoch, `+inboxColumns+` FROM inbox WHERE record_id = $1 AND kind = 2 ORDER BY kiosk, epoch, seq`, submission)
	return collect(rows, err, func(rows *sql.Rows) (Placed, error) {
		var p Placed
		var err error
		p.Received, err = scanReceived(func(into ...any) error { return rows.Scan(append([]any{&p.Kiosk, &p.Epoch}, into...)...) })
		return p, err
	})
}

// Tombstone stands for a record whose body was erased.
type Tombstone struct {
	Kiosk, Epoch string
	Seq          uint64
	Submission   string
	Hash         []byte // SHA-256 of the body
	Before       []byte // the chain before the record
	After        []byte // and after it
	Mark         string // keyed hash
}

const tombstoneColumns = `kiosk, epoch, seq, submission, hash, before, after, mark`

func scanTombstone(scan func(...any) error) (Tombstone, error) {
	var t Tombstone
	var seq int64
	err := scan(&t.Kiosk, &t.Epoch, &seq, &t.Submission, &t.Hash, &t.Before, &t.After, &t.Mark)
	t.Seq = uint64(seq)
	return t, none(err)
}

// Tombstone finds what stands for an erased record.
func (r Reader) Tombstone(ctx context.Context, kiosk, epoch string, seq uint64) (Tombstone, error) {
	return scanTombstone(r.row(ctx, `SELECT `+tombstoneColumns+` FROM erased_record WHERE kiosk = $1 AND epoch = $2 AND seq = $3`, kiosk, epoch, int64(seq)).Scan)
}

// TombstonesOf gives what stands for the erased records of a submission.
func (r Reader) TombstonesOf(ctx context.Context, submission string) ([]Tombstone, error) {
	rows, err := r.rows(ctx, `SELECT `+tombstoneColumns+` FROM erased_record WHERE submission = $1 ORDER BY kiosk, epoch, seq`, submission)
	return collect(rows, err, func(rows *sql.Rows) (Tombstone, error) { return scanTombstone(rows.Scan) })
}

// EraseRecord empties a record's body, and puts the tombstone in its place.
func (t *Tx) EraseRecord(ctx context.Context, s Tombstone) error {
	if _, err := t.exec(ctx, `INSERT INTO erased_record (`+tombstoneColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		s.Kiosk, s.Epoch, int64(s.Seq), s.Submission, s.Hash, s.Before, s.After, s.Mark); err != nil {
		return fmt.Errorf("erase record: %w", err)
	}
	if _, err := t.exec(ctx, `UPDATE inbox SET body = $4 WHERE kiosk = $1 AND epoch = $2 AND seq = $3`, s.Kiosk, s.Epoch, int64(s.Seq), []byte{}); err != nil {
		return fmt.Errorf("erase record: %w", err)
	}
	return nil
}

// DropRecord takes a record out of the inbox as if it had not come: it is not applied, and its kiosk sends it again.
func (t *Tx) DropRecord(ctx context.Context, kiosk, epoch string, seq uint64) error {
	if _, err := t.exec(ctx, `DELETE FROM inbox WHERE kiosk = $1 AND epoch = $2 AND seq = $3`, kiosk, epoch, int64(seq)); err != nil {
		return fmt.Errorf("drop record: %w", err)
	}
	return nil
}

// ChainBefore gives the last chain value that is known before a record, and of which record it is; 0: of none, the chain's start.
func (r Reader) ChainBefore(ctx context.Context, kiosk, epoch string, seq uint64) (at uint64, head []byte, err error) {
	var n int64
	err = none(r.row(ctx, `SELECT seq, head FROM (SELECT seq, head FROM inbox WHERE kiosk = $1 AND epoch = $2 AND seq < $3 AND head IS NOT NULL
		UNION ALL SELECT seq, after FROM erased_record WHERE kiosk = $1 AND epoch = $2 AND seq < $3) known ORDER BY seq DESC LIMIT 1`,
		kiosk, epoch, int64(seq)).Scan(&n, &head))
	if errors.Is(err, ErrNotFound) {
		return 0, wire.ChainStart(kiosk, epoch), nil
	}
	return uint64(n), head, err
}

// EraseQuarantine empties what is in quarantine under a submission's id.
func (t *Tx) EraseQuarantine(ctx context.Context, submission string) error {
	if _, err := t.exec(ctx, `UPDATE quarantine SET body = $2 WHERE record_id = $1`, submission, []byte{}); err != nil {
		return fmt.Errorf("erase quarantine: %w", err)
	}
	return nil
}

// QuarantinedBodies gives what is in quarantine under a submission's id.
func (r Reader) QuarantinedBodies(ctx context.Context, submission string) ([]Quarantined, error) {
	rows, err := r.rows(ctx, `SELECT id, kiosk, body FROM quarantine WHERE record_id = $1 ORDER BY id`, submission)
	return collect(rows, err, func(rows *sql.Rows) (q Quarantined, err error) { return q, rows.Scan(&q.ID, &q.Kiosk, &q.Body) })
}

// EraseSealed empties a submission's sealed copy.
func (t *Tx) EraseSealed(ctx context.Context, submission string) error {
	if _, err := t.exec(ctx, `UPDATE submission SET sealed = $2 WHERE id = $1`, submission, []byte{}); err != nil {
		return fmt.Errorf("erase sealed data: %w", err)
	}
	return nil
}

// EraseFace takes a face out of the collection, and tells all copies of the centre.
func (t *Tx) EraseFace(ctx context.Context, submission string) error {
	n, err := t.exec(ctx, `DELETE FROM face WHERE submission = $1`, submission)
	if err != nil {
		return fmt.Errorf("erase face: %w", err)
	}
	if n == 0 {
		return nil // nor in anybody's memory for long: who is looked up is told of by a row
	}
	var seq int64
	if err := t.row(ctx, `UPDATE turn SET n = n + 1 WHERE name = 'face' RETURNING n`).Scan(&seq); err != nil {
		return fmt.Errorf("number an erased face: %w", err)
	}
	if _, err := t.exec(ctx, `INSERT INTO erased_face (seq, submission) VALUES ($1, $2)`, seq, submission); err != nil {
		return fmt.Errorf("erase face: %w", err)
	}
	return nil
}

// ErasedFace is a face that left the collection for good.
type ErasedFace struct {
	Seq        int64
	Submission string
}

// ErasedFacesAfter lists the faces that left after a number.
func (r Reader) ErasedFacesAfter(ctx context.Context, seq int64, limit int) ([]ErasedFace, error) {
	rows, err := r.rows(ctx, `SELECT seq, submission FROM erased_face WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
	return collect(rows, err, func(rows *sql.Rows) (f ErasedFace, err error) { return f, rows.Scan(&f.Seq, &f.Submission) })
}

// ErasePersonal takes everything readable of a person out of a submission's rows, and all that they are found by. Decision,
// reason and codes stay.
func (t *Tx) ErasePersonal(ctx context.Context, submission string) error {
	if _, err := t.exec(ctx, `UPDATE submission SET stand = $2, private = $3, comment = NULL, pii_version = '', pii_key = '', document_key = '',
		holder_key = '', name_key = '', birth_key = '', email_key = '', phone_key = '', user_key = '', document_rank = '' WHERE id = $1`,
		submission, string(StandErased), []byte{}); err != nil {
		return fmt.Errorf("erase personal data: %w", err)
	}
	if _, err := t.exec(ctx, `UPDATE screening SET result = $2 WHERE submission = $1`, submission, []byte{}); err != nil {
		return fmt.Errorf("erase screening: %w", err)
	}
	for _, query := range []string{
		`DELETE FROM decision_input WHERE decision IN (SELECT id FROM decision WHERE submission = $1)`,
		`UPDATE review_act SET private = NULL WHERE submission = $1`,
		`DELETE FROM list_cleared WHERE submission = $1`,
		`DELETE FROM list_hit WHERE submission = $1`, // whom somebody resembles says how they are called
		`DELETE FROM review WHERE submission = $1`,
		`DELETE FROM near_key WHERE submission = $1`,
		`DELETE FROM mail WHERE submission = $1`,
		`DELETE FROM job WHERE subject = $1`,
	} {
		if _, err := t.exec(ctx, query, submission); err != nil {
			return fmt.Errorf("erase personal data: %w", err)
		}
	}
	return t.withdrawAdvisory(ctx, submission)
}

// DecisionsOf gives a submission's decisions.
func (r Reader) DecisionsOf(ctx context.Context, submission string) ([]Decision, error) {
	rows, err := r.rows(ctx, `SELECT `+decisionColumns+` FROM decision WHERE submission = $1 ORDER BY at, id`, submission)
	return collect(rows, err, scanDecision)
}

// SetDecisionRecord replaces the record of a decision by one that says less.
func (t *Tx) SetDecisionRecord(ctx context.Context, id string, record []byte) error {
	if _, err := t.exec(ctx, `UPDATE decision SET record = $2 WHERE id = $1`, id, record); err != nil {
		return fmt.Errorf("shorten decision's record: %w", err)
	}
	return nil
}

// Scrub makes the database give up the room of what was erased, as far as it can.
func (s *Store) Scrub(ctx context.Context) error {
	if !s.pg {
		// Deleted cells are overwritten (secure_delete); what the journal still has of them goes here.
		return s.emptyJournal(ctx)
	}
	if _, err := s.write.ExecContext(ctx, `VACUUM submission, inbox, quarantine, decision, decision_input, face, screening, review_act, review, list_cleared, list_hit, near_key, mail, person_key, advisory_entry`); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	return nil
}

// Expired is a submission whose time is over for one kind of data.
type Expired struct {
	Submission string
	Since      time.Time
}

// Expired lists submissions of a project of which a kind of data is still here and has been since before a time, and that
// neither wait for a decision nor are held, by id after one.
func (r Reader) Expired(ctx context.Context, project string, kind journey.DataKind, before time.Time, after string, limit int) ([]Expired, error) {
	rows, err := r.rows(ctx, `SELECT id, since FROM (SELECT id, `+since+` AS since`+fromExpirable+`) old
		WHERE id > $3 AND since < $4 ORDER BY id LIMIT $5`, project, string(kind), after, micros(before), limit)
	return collect(rows, err, func(rows *sql.Rows) (e Expired, err error) {
		var us int64
		err = rows.Scan(&e.Submission, &us)
		e.Since = moment(us)
		return e, err
	})
}

// since is when the time of a submission begins to run: with its decision, else with its last receipt; and 30 days after that where
// the kiosk has not finished it, for it may be out of reach so long.
const since = `CASE WHEN decided > 0 THEN decided WHEN stand = 'open' THEN received + 2592000000000 ELSE received END`

const fromExpirable = ` FROM submission s WHERE project = $1 AND stand IN ('decided', 'closed', 'open') AND decision <> 'PENDING'
	AND NOT EXISTS (SELECT 1 FROM erased e WHERE e.submission = s.id AND e.kind = $2)
	AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.submission = s.id AND h.ended = 0)
	AND NOT EXISTS (SELECT 1 FROM review w WHERE w.submission = s.id AND w.state <> 'done')`

// CountExpired counts them: those to go, and those that would if they were neither undecided nor held.
func (r Reader) CountExpired(ctx context.Context, project string, kind journey.DataKind, before time.Time) (due, kept int, err error) {
	err = r.row(ctx, `SELECT COUNT(*)`+fromExpirable+` AND `+since+` < $3`, project, string(kind), micros(before)).Scan(&due)
	if err != nil {
		return 0, 0, err
	}
	var all int
	err = r.row(ctx, `SELECT COUNT(*) FROM submission s WHERE project = $1 AND stand <> 'erased'
		AND NOT EXISTS (SELECT 1 FROM erased e WHERE e.submission = s.id AND e.kind = $2)
		AND `+since+` < $3`, project, string(kind), micros(before)).Scan(&all)
	return due, all - due, err
}

// Projects lists the projects that have submissions.
func (r Reader) Projects(ctx context.Context) ([]string, error) {
	rows, err := r.rows(ctx, `SELECT DISTINCT project FROM submission ORDER BY project`)
	return collect(rows, err, func(rows *sql.Rows) (p string, err error) { return p, rows.Scan(&p) })
}

// FindBy lists the submissions, in whatever state, that have a value in a key column, of one project or all, oldest first.
func (r Reader) FindBy(ctx context.Context, project string, field Field, value string, limit int) ([]string, error) {
	switch {
	case value == "":
		return nil, nil
	case field != ByEmail && field != ByUser && field != ByApplicant:
		return nil, fmt.Errorf("no key column %q", field)
	}
	rows, err := r.rows(ctx, `SELECT id FROM submission WHERE `+string(field)+` = $1 AND ($2 = '' OR project = $2) ORDER BY created + 0, id LIMIT $3`, value, project, limit)
	return collect(rows, err, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) })
}

// Holding counts what the tables hold of a submission.
type Holding struct{ Faces, Records, Texts, Inputs int }

// Holding counts it.
func (r Reader) Holding(ctx context.Context, submission string) (h Holding, err error) {
	err = r.row(ctx, `SELECT (SELECT COUNT(*) FROM face WHERE submission = $1),
		(SELECT COUNT(*) FROM inbox WHERE record_id = $1 AND kind = 2 AND LENGTH(body) > 0) + (SELECT COUNT(*) FROM quarantine WHERE record_id = $1 AND LENGTH(body) > 0),
		(SELECT COUNT(*) FROM review_act WHERE submission = $1 AND private IS NOT NULL) + (SELECT COUNT(*) FROM list_cleared WHERE submission = $1),
		(SELECT COUNT(*) FROM decision_input WHERE decision IN (SELECT id FROM decision WHERE submission = $1))`, submission).
		Scan(&h.Faces, &h.Records, &h.Texts, &h.Inputs)
	return h, err
}

// DecisionInput gives what a decision rests on, encrypted.
func (r Reader) DecisionInput(ctx context.Context, decision string) (sealed []byte, err error) {
	err = none(r.row(ctx, `SELECT sealed FROM decision_input WHERE decision = $1`, decision).Scan(&sealed))
	return sealed, err
}

// FaceOf gives a submission's template.
func (r Reader) FaceOf(ctx context.Context, submission string) (Face, error) {
	f := Face{Submission: submission}
	err := none(r.row(ctx, `SELECT seq, applicant, project, model, template FROM face WHERE submission = $1`, submission).
		Scan(&f.Seq, &f.Applicant, &f.Project, &f.Model, &f.Template))
	return f, err
}

// ClearedOn gives the pairs that were cleared on a submission.
func (r Reader) ClearedOn(ctx context.Context, submission string) ([]Cleared, error) {
	rows, err := r.rows(ctx, `SELECT `+clearedColumns+` FROM list_cleared WHERE submission = $1 ORDER BY source, entity, hash`, submission)
	return collect(rows, err, scanCleared)
}

// HitsOn gives the hits of a submission, open and closed.
func (r Reader) HitsOn(ctx context.Context, submission string) ([]Hit, error) {
	rows, err := r.rows(ctx, `SELECT submission, source, entity, hash, snapshot, score, event, at FROM list_hit WHERE submission = $1 ORDER BY at, entity`, submission)
	return collect(rows, err, func(rows *sql.Rows) (Hit, error) {
		var h Hit
		var at int64
		err := rows.Scan(&h.Submission, &h.Source, &h.Entity, &h.Hash, &h.Snapshot, &h.Score, &h.Event, &at)
		h.At = moment(at)
		return h, err
	})
}

// emptyJournal writes SQLite's journal into its file and cuts it off. It waits a moment for readers and no longer: while it
// does, nobody writes.
func (s *Store) emptyJournal(ctx context.Context) (err error) {
	conn, err := s.read.Conn(ctx) // not the writers' one, which the others wait for
	if err != nil {
		return fmt.Errorf("empty the journal: %w", err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `PRAGMA busy_timeout = 200`); err != nil {
		return fmt.Errorf("empty the journal: %w", err)
	}
	defer func() {
		_, e := conn.ExecContext(context.WithoutCancel(ctx), `PRAGMA busy_timeout = 10000`)
		err = errors.Join(err, e)
	}()
	var busy, pages, done int
	if err := conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &done); err != nil {
		return fmt.Errorf("empty the journal: %w", err)
	}
	if busy != 0 {
		return errors.New("empty the journal: somebody reads from it")
	}
	return nil
}
