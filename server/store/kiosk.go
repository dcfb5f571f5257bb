package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"vestibule/sync/wire"
)

// Kiosk is an enrolled kiosk.
type Kiosk struct {
	ID          string
	Country     string
	Project     string
	PublicKey   []byte // PKIX
	Certificate string // SHA-256, hex
	Enrolled    time.Time
	Revoked     time.Time
	Seen        time.Time
	Online      bool
	Birth       string
	Release     string
	ClockOffset time.Duration
	CommandSeq  uint64
	Cursor      uint64
	Conditions  []wire.Condition // what is wrong with it, as it said last
	Adrift      bool             // this database was restored, and the kiosk has not told since which commands it has applied
}

const kioskColumns = `id, country, project, public_key, certificate, enrolled, revoked, seen, online, birth, release, clock_offset, command_seq, cursor_seq, conditions, adrift`

func scanKiosk(scan func(...any) error) (Kiosk, error) {
	var k Kiosk
	var enrolled, revoked, seen, online, offset, command, cursor int64
	var conditions string
	var adrift int64
	err := scan(&k.ID, &k.Country, &k.Project, &k.PublicKey, &k.Certificate, &enrolled, &revoked, &seen,
		&online, &k.Birth, &k.Release, &offset, &command, &cursor, &conditions, &adrift)
	k.Enrolled, k.Revoked, k.Seen = moment(enrolled), moment(revoked), moment(seen)
	k.Online, k.ClockOffset = online != 0, time.Duration(offset)*time.Microsecond
	k.CommandSeq, k.Cursor, k.Adrift = uint64(command), uint64(cursor), adrift != 0
	if err == nil && conditions != "" {
		if err := json.Unmarshal([]byte(conditions), &k.Conditions); err != nil {
			return k, fmt.Errorf("read conditions: %w", err)
		}
	}
	return k, none(err)
}

// Kiosk finds a kiosk, revoked ones included.
func (r Reader) Kiosk(ctx context.Context, id string) (Kiosk, error) {
	return scanKiosk(r.row(ctx, `SELECT `+kioskColumns+` FROM kiosk WHERE id = $1`, id).Scan)
}

// Kiosks lists all kiosks by name.
func (r Reader) Kiosks(ctx context.Context) ([]Kiosk, error) {
	rows, err := r.rows(ctx, `SELECT `+kioskColumns+` FROM kiosk ORDER BY id`)
	return collect(rows, err, func(rows *sql.Rows) (Kiosk, error) { return scanKiosk(rows.Scan) })
}

// AddKiosk enrols a kiosk. A name that is taken is refused.
func (t *Tx) AddKiosk(ctx context.Context, k Kiosk) error {
	n, err := t.exec(ctx, `INSERT INTO kiosk (id, country, project, public_key, certificate, enrolled)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING`,
		k.ID, k.Country, k.Project, k.PublicKey, k.Certificate, micros(k.Enrolled))
	if err != nil {
		return fmt.Errorf("enrol kiosk: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("kiosk %s exists already", k.ID)
	}
	return nil
}

// Recertify notes a kiosk's newest certificate.
func (t *Tx) Recertify(ctx context.Context, id, certificate string) error {
	if _, err := t.exec(ctx, `UPDATE kiosk SET certificate = $2 WHERE id = $1`, id, certificate); err != nil {
		return fmt.Errorf("note certificate: %w", err)
	}
	return nil
}

// RevokeKiosk takes a kiosk's right to speak away.
func (t *Tx) RevokeKiosk(ctx context.Context, id string, at time.Time) error {
	n, err := t.exec(ctx, `UPDATE kiosk SET revoked = $2 WHERE id = $1 AND revoked = 0`, id, micros(at))
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("revoke kiosk: %w", err)
	}
	return nil
}

// HoldKiosk reads a kiosk and keeps its row until the transaction ends: what
// arrives from one kiosk is applied one thing after the other. It notes how far the kiosk's clock, which said sent, is
// from the centre's; a zero sent says nothing.
func (t *Tx) HoldKiosk(ctx context.Context, id string, seen, sent time.Time) (Kiosk, error) {
	set, args := `seen = $2`, []any{id, micros(seen)}
	if !sent.IsZero() {
		set, args = set+`, clock_offset = $3`, append(args, sent.Sub(seen).Microseconds())
	}
	k, err := scanKiosk(t.row(ctx, `UPDATE kiosk SET `+set+` WHERE id = $1 RETURNING `+kioskColumns, args...).Scan)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return k, fmt.Errorf("hold kiosk: %w", err)
	}
	return k, err
}

// LockKiosk keeps a kiosk's row, and with it all of its sessions, until the
// transaction ends. Whoever also needs the decider's turn takes that first.
func (t *Tx) LockKiosk(ctx context.Context, id string) (Kiosk, error) {
	n, err := t.exec(ctx, `UPDATE kiosk SET seen = seen WHERE id = $1`, id)
	if err != nil {
		return Kiosk{}, fmt.Errorf("hold kiosk: %w", err)
	}
	if n == 0 {
		return Kiosk{}, ErrNotFound
	}
	return t.Kiosk(ctx, id)
}

// SetPresence records a birth, with what is wrong with the kiosk, or a death. A death of another session than the
// last birth's is ignored; it reports whether anything changed.
func (t *Tx) SetPresence(ctx context.Context, id string, s wire.State) (bool, error) {
	conditions := ""
	if len(s.Conditions) > 0 {
		b, err := json.Marshal(s.Conditions)
		if err != nil {
			return false, fmt.Errorf("record presence: %w", err)
		}
		conditions = string(b)
	}
	query := `UPDATE kiosk SET online = 1, birth = $2, release = $3, conditions = $4 WHERE id = $1`
	args := []any{id, s.Session, s.Release, conditions}
	if !s.Online {
		query = `UPDATE kiosk SET online = 0 WHERE id = $1 AND birth = $2 AND online = 1`
		args = args[:2]
	}
	n, err := t.exec(ctx, query, args...)
	if err != nil {
		return false, fmt.Errorf("record presence: %w", err)
	}
	return n > 0, nil
}

// SetCursor records how far a kiosk has applied commands. It gives the commands that this made known as applied.
func (t *Tx) SetCursor(ctx context.Context, k Kiosk, cursor uint64, at time.Time) ([]wire.Record, error) {
	if k.Adrift || cursor > k.CommandSeq && cursor-k.CommandSeq < mostLost {
		// The kiosk has applied commands that this database does not know.
		if err := t.renumber(ctx, k.ID, cursor); err != nil {
			return nil, err
		}
		var err error
		if k, err = t.Kiosk(ctx, k.ID); err != nil {
			return nil, fmt.Errorf("number commands anew: %w", err)
		}
	}
	if cursor > k.CommandSeq || cursor < k.Cursor {
		cursor = k.Cursor // a number that was never given out, or an old frame
	}
	if cursor == k.Cursor {
		return nil, nil
	}
	if _, err := t.exec(ctx, `UPDATE kiosk SET cursor_seq = $2 WHERE id = $1`, k.ID, int64(cursor)); err != nil {
		return nil, fmt.Errorf("record delivery: %w", err)
	}
	applied, err := t.Commands(ctx, k.ID, k.Cursor, int(cursor-k.Cursor))
	if err != nil {
		return nil, fmt.Errorf("record delivery: %w", err)
	}
	if _, err := t.exec(ctx, `UPDATE command SET applied = $3 WHERE kiosk = $1 AND seq <= $2 AND applied = 0`, k.ID, int64(cursor), micros(at)); err != nil {
		return nil, fmt.Errorf("record delivery: %w", err)
	}
	return applied, nil
}

// mostLost bounds how far a kiosk may be ahead of a database that was restored: beyond, what it says is nonsense.
const mostLost = 1 << 20

// renumber gives the commands that a kiosk has not applied, as far as is known here, numbers after those that it has. It
// may have applied some of them before the database was restored: each kind of command is harmless the second time.
func (t *Tx) renumber(ctx context.Context, kiosk string, cursor uint64) error {
	var applied int64
	if err := t.row(ctx, `SELECT COALESCE(MAX(seq), 0) FROM command WHERE kiosk = $1 AND applied > 0`, kiosk).Scan(&applied); err != nil {
		return fmt.Errorf("number commands anew: %w", err)
	}
	rows, err := t.rows(ctx, `SELECT seq FROM command WHERE kiosk = $1 AND applied = 0 ORDER BY seq`, kiosk)
	waiting, err := collect(rows, err, func(rows *sql.Rows) (seq int64, err error) { return seq, rows.Scan(&seq) })
	if err != nil {
		return fmt.Errorf("number commands anew: %w", err)
	}
	last := max(int64(cursor), applied)
	if n := len(waiting); n > 0 {
		// Out of the way first: the new numbers may be those of others that wait.
		aside := max(last, waiting[n-1]) + int64(n)
		if _, err := t.exec(ctx, `UPDATE command SET seq = seq + $2 WHERE kiosk = $1 AND applied = 0`, kiosk, aside); err != nil {
			return fmt.Errorf("number commands anew: %w", err)
		}
		for _, seq := range waiting {
			last++
			if _, err := t.exec(ctx, `UPDATE command SET seq = $3 WHERE kiosk = $1 AND seq = $2`, kiosk, seq+aside, last); err != nil {
				return fmt.Errorf("number commands anew: %w", err)
			}
		}
	}
	if _, err := t.exec(ctx, `UPDATE kiosk SET command_seq = $2, cursor_seq = $3, adrift = 0 WHERE id = $1`, kiosk, last, int64(cursor)); err != nil {
		return fmt.Errorf("number commands anew: %w", err)
	}
	return nil
}

// SetAdrift notes that this database was restored: every kiosk says first which commands it has applied.
func (t *Tx) SetAdrift(ctx context.Context) error {
	if _, err := t.exec(ctx, `UPDATE kiosk SET adrift = 1`); err != nil {
		return fmt.Errorf("note that the database was restored: %w", err)
	}
	return nil
}

// PushCommand queues a command for a kiosk under the next number without a gap.
func (t *Tx) PushCommand(ctx context.Context, kiosk string, kind wire.Kind, id string, body []byte, at time.Time) (uint64, error) {
	var seq int64
	err := t.row(ctx, `UPDATE kiosk SET command_seq = command_seq + 1 WHERE id = $1 RETURNING command_seq`, kiosk).Scan(&seq)
	if err != nil {
		return 0, fmt.Errorf("number a command: %w", none(err))
	}
	if _, err := t.exec(ctx, `INSERT INTO command (kiosk, seq, kind, record_id, body, created) VALUES ($1, $2, $3, $4, $5, $6)`,
		kiosk, seq, int64(kind), id, body, micros(at)); err != nil {
		return 0, fmt.Errorf("queue a command: %w", err)
	}
	return uint64(seq), nil
}

// Commands gives a kiosk's commands after a number, in order.
func (r Reader) Commands(ctx context.Context, kiosk string, after uint64, limit int) ([]wire.Record, error) {
	rows, err := r.rows(ctx, `SELECT seq, kind, record_id, body FROM command WHERE kiosk = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
		kiosk, int64(after), limit)
	return collect(rows, err, func(rows *sql.Rows) (wire.Record, error) {
		var rec wire.Record
		var seq, kind int64
		err := rows.Scan(&seq, &kind, &rec.ID, &rec.Body)
		rec.Seq, rec.Kind = uint64(seq), wire.Kind(kind)
		return rec, err
	})
}

// Delivery tells when the command with this record id was made and applied at the kiosk.
func (r Reader) Delivery(ctx context.Context, kiosk, id string) (made, applied time.Time, err error) {
	var c, a int64
	err = r.row(ctx, `SELECT created, applied FROM command WHERE kiosk = $1 AND record_id = $2`, kiosk, id).Scan(&c, &a)
	return moment(c), moment(a), none(err)
}

// Stream is how far a kiosk's records of one epoch are applied.
type Stream struct {
	Kiosk   string
	Epoch   string
	High    uint64
	Head    []byte
	Refused string
}

// Stream finds a stream.
func (r Reader) Stream(ctx context.Context, kiosk, epoch string) (Stream, error) {
	s := Stream{Kiosk: kiosk, Epoch: epoch}
	var high int64
	err := r.row(ctx, `SELECT high, head, refused FROM stream WHERE kiosk = $1 AND epoch = $2`, kiosk, epoch).
		Scan(&high, &s.Head, &s.Refused)
	s.High = uint64(high)
	return s, none(err)
}

// Streams lists a kiosk's streams, oldest first.
func (r Reader) Streams(ctx context.Context, kiosk string) ([]Stream, error) {
	rows, err := r.rows(ctx, `SELECT epoch, high, head, refused FROM stream WHERE kiosk = $1 ORDER BY created, epoch`, kiosk)
	return collect(rows, err, func(rows *sql.Rows) (Stream, error) {
		s := Stream{Kiosk: kiosk}
		var high int64
		err := rows.Scan(&s.Epoch, &high, &s.Head, &s.Refused)
		s.High = uint64(high)
		return s, err
	})
}

// Epochs counts a kiosk's streams.
func (r Reader) Epochs(ctx context.Context, kiosk string) (n int, err error) {
	err = r.row(ctx, `SELECT COUNT(*) FROM stream WHERE kiosk = $1`, kiosk).Scan(&n)
	return n, err
}

// RefusedStreams counts the streams of a kiosk that are no longer merged.
func (r Reader) RefusedStreams(ctx context.Context, kiosk string) (n int, err error) {
	err = r.row(ctx, `SELECT COUNT(*) FROM stream WHERE kiosk = $1 AND refused <> ''`, kiosk).Scan(&n)
	return n, err
}

// SaveStream writes a stream's state.
func (t *Tx) SaveStream(ctx context.Context, s Stream, at time.Time) error {
	_, err := t.exec(ctx, `INSERT INTO stream (kiosk, epoch, high, head, refused, created, updated) VALUES ($1, $2, $3, $4, $5, $6, $6)
		ON CONFLICT (kiosk, epoch) DO UPDATE SET high = excluded.high, head = excluded.head, refused = excluded.refused, updated = excluded.updated`,
		s.Kiosk, s.Epoch, int64(s.High), s.Head, s.Refused, micros(at))
	if err != nil {
		return fmt.Errorf("save stream: %w", err)
	}
	return nil
}

// Received is a record of the inbox with what the kiosk claims the chain is there.
type Received struct {
	wire.Record
	Head []byte // nil when the record was not the last of its frame
	Sig  []byte // the kiosk's, of Head: wire.HeadDigest
}

const inboxColumns = `seq, kind, record_id, body, head, head_sig`

func scanReceived(scan func(...any) error) (Received, error) {
	var r Received
	var seq, kind int64
	err := scan(&seq, &kind, &r.ID, &r.Body, &r.Head, &r.Sig)
	r.Seq, r.Kind = uint64(seq), wire.Kind(kind)
	return r, none(err)
}

// Inbox finds a stored record.
func (r Reader) Inbox(ctx context.Context, kiosk, epoch string, seq uint64) (Received, error) {
	return scanReceived(r.row(ctx, `SELECT `+inboxColumns+` FROM inbox WHERE kiosk = $1 AND epoch = $2 AND seq = $3`,
		kiosk, epoch, int64(seq)).Scan)
}

// InboxAfter gives stored records after a number, in order. The caller stops at the first gap.
func (r Reader) InboxAfter(ctx context.Context, kiosk, epoch string, after uint64, limit int) ([]Received, error) {
	rows, err := r.rows(ctx, `SELECT `+inboxColumns+` FROM inbox WHERE kiosk = $1 AND epoch = $2 AND seq > $3 ORDER BY seq LIMIT $4`,
		kiosk, epoch, int64(after), limit)
	return collect(rows, err, func(rows *sql.Rows) (Received, error) { return scanReceived(rows.Scan) })
}

// PutInbox stores records as they came. The caller holds the kiosk's row and has found that none of them is here.
func (t *Tx) PutInbox(ctx context.Context, kiosk, epoch string, records []Received, at time.Time) error {
	const width = 9
	err := inserted(len(records), width, `INSERT INTO inbox (kiosk, epoch, seq, kind, record_id, body, head, head_sig, received) VALUES `, ``,
		func(statement string, from, to int) error {
			args := make([]any, 0, (to-from)*width)
			for _, r := range records[from:to] {
				args = append(args, kiosk, epoch, int64(r.Seq), int64(r.Kind), r.ID, r.Body, r.Head, r.Sig, micros(at))
			}
			_, err := t.exec(ctx, statement, args...)
			return err
		})
	if err != nil {
		return fmt.Errorf("store records: %w", err)
	}
	return nil
}

// ClaimHead notes what a kiosk says the chain is after a record, and its signature of that, if nothing was noted yet.
func (t *Tx) ClaimHead(ctx context.Context, kiosk, epoch string, seq uint64, head, sig []byte) error {
	_, err := t.exec(ctx, `UPDATE inbox SET head = $4, head_sig = $5 WHERE kiosk = $1 AND epoch = $2 AND seq = $3 AND head IS NULL`,
		kiosk, epoch, int64(seq), head, sig)
	if err != nil {
		return fmt.Errorf("note chain head: %w", err)
	}
	return nil
}

// Quarantined is something a kiosk sent that was not merged.
type Quarantined struct {
	ID       string
	Kiosk    string
	Epoch    string
	Seq      uint64
	Kind     wire.Kind
	RecordID string
	Why      string
	Body     []byte
	Received time.Time
}

// Quarantine keeps what cannot be merged, as it came.
func (t *Tx) Quarantine(ctx context.Context, q Quarantined) error {
	_, err := t.exec(ctx, `INSERT INTO quarantine (id, kiosk, epoch, seq, kind, record_id, why, body, received) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		q.ID, q.Kiosk, q.Epoch, int64(q.Seq), int64(q.Kind), q.RecordID, q.Why, q.Body, micros(q.Received))
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	return nil
}

// QuarantineSize counts what a kiosk has in quarantine.
func (r Reader) QuarantineSize(ctx context.Context, kiosk string) (n int, err error) {
	err = r.row(ctx, `SELECT COUNT(*) FROM quarantine WHERE kiosk = $1`, kiosk).Scan(&n)
	return n, err
}

// Quarantined lists what a kiosk has in quarantine, oldest first.
func (r Reader) Quarantined(ctx context.Context, kiosk string, limit int) ([]Quarantined, error) {
	rows, err := r.rows(ctx, `SELECT id, kiosk, epoch, seq, kind, record_id, why, body, received FROM quarantine WHERE kiosk = $1 ORDER BY id LIMIT $2`, kiosk, limit)
	return collect(rows, err, func(rows *sql.Rows) (Quarantined, error) {
		var q Quarantined
		var seq, kind, received int64
		err := rows.Scan(&q.ID, &q.Kiosk, &q.Epoch, &seq, &kind, &q.RecordID, &q.Why, &q.Body, &received)
		q.Seq, q.Kind, q.Received = uint64(seq), wire.Kind(kind), moment(received)
		return q, err
	})
}

// QuarantinedAs finds the oldest thing in quarantine for one cause under a record's id.
func (r Reader) QuarantinedAs(ctx context.Context, recordID, why string) (id string, err error) {
	err = none(r.row(ctx, `SELECT id FROM quarantine WHERE record_id = $1 AND why = $2 ORDER BY id LIMIT 1`, recordID, why).Scan(&id))
	return id, err
}
