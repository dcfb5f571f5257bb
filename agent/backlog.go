package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"vestibule/agent/store"
	"vestibule/sync/courier"
	"vestibule/sync/link"
	"vestibule/sync/outbox"
)

// settingLine is where the last that was known of the line lies.
const settingLine = "line"

// Line is what the kiosk knew of its line to the centre.
type Line struct {
	Online  bool      `json:"online"`
	Code    string    `json:"code,omitempty"`    // link.Code…: why not, or what is wrong; LineNone
	Refused string    `json:"refused,omitempty"` // wire.Refused…: the centre takes nothing from this kiosk
	Epoch   string    `json:"epoch"`
	Sent    uint64    `json:"sent"` // highest record of the epoch that was sent
	At      time.Time `json:"at"`   // zero: nothing is known
}

// LineNone is the code of a kiosk that was started without a line.
const LineNone = "link_none"

// loadLine takes up what was known when the agent last ran.
func (o *owner) loadLine() {
	if b, err := o.store.Get(o.disk, settingLine); err == nil && b != nil {
		_ = json.Unmarshal(b, &o.line) // what cannot be read is noted anew
	}
	if o.link == nil {
		o.noteLine(link.Status{Code: LineNone})
	}
}

// noteLine keeps what is known of the line for whoever looks at the queue from
// outside: when it changes, and every housekeeping while something sent is not
// acknowledged. Not at every frame: each note costs the disk a sync.
func (o *owner) noteLine(s link.Status) {
	l := Line{Online: s.Online, Code: s.Code, Refused: s.Refused, Sent: o.line.Sent, At: o.now()}
	if s.Sent > s.Acked {
		l.Sent = s.Sent
	}
	p, err := o.store.Outbox().Position(o.disk)
	if err != nil {
		return
	}
	if l.Epoch = p.Epoch; l.Epoch != o.line.Epoch && s.Sent <= s.Acked {
		l.Sent = 0 // numbers of another epoch
	}
	was := o.line
	if was.At = l.At; was == l {
		return
	}
	value, err := json.Marshal(l)
	if err == nil {
		err = o.store.Write(o.disk, func(tx *store.Tx) error { return tx.Put(settingLine, value, l.At) })
	}
	if err != nil {
		o.cfg.Log.Debug("agent: the line's state was not noted", "error", err)
		return
	}
	o.line = l
}

// ProblemStoreMissing is the code of a folder without a kiosk's database. Commands
// meet it, no screen does.
const ProblemStoreMissing = "store_missing"

// Why something waits.
type Why string

// The reasons.
const (
	NeverSent      Why = "never_sent"
	Refused        Why = "refused"        // the centre takes nothing from this kiosk
	Unacknowledged Why = "unacknowledged" // sent, or carried away, and not answered yet
)

// Waiting is one thing that waits, with its reason.
type Waiting struct {
	store.Item
	Age time.Duration // 0 where Since is not known
	Why Why
	How string // never sent: the line's code, empty while it works; refused: the centre's code; unacknowledged: "line", or the courier file's name
}

// Limit is one of the kiosk's limits. At 80 % it is warned of, past it a storage limit
// closes the kiosk to new visits; nothing is ever dropped for one.
type Limit struct {
	Name  string  // storage: bytes; age: seconds since the oldest record was made
	Used  float64 // in that unit
	Of    float64
	Level int // 0 well, 1 from 80 %, 2 at the limit
}

// Share is how much of a limit is used, 1 being all.
func (l Limit) Share() float64 { return l.Used / l.Of }

// Backlog is what a kiosk has still to bring to the centre, read beside whoever owns it.
type Backlog struct {
	outbox.Stats
	Kiosk  string
	Age    time.Duration // of the oldest record
	Line   Line
	Export courier.Mark // the last export; the zero Mark when there was none
	Limits []Limit

	st  *store.Store
	now time.Time
}

// OpenBacklog looks at the queue of the kiosk in a folder. It reads only, beside an
// agent that runs or without one.
func OpenBacklog(ctx context.Context, dir string, limits Limits, opt store.Options, now time.Time) (*Backlog, error) {
	st, err := store.View(ctx, dir, opt)
	if err != nil {
		return nil, viewProblem(err)
	}
	b := &Backlog{st: st, now: now, Kiosk: st.Outbox().Kiosk()}
	if err := b.read(ctx, dir, limits.withDefaults()); err != nil {
		return nil, errors.Join(viewProblem(err), st.Close())
	}
	return b, nil
}

func (b *Backlog) read(ctx context.Context, dir string, limits Limits) (err error) {
	if b.Stats, err = b.st.Outbox().Stats(ctx); err != nil {
		return err
	}
	value, err := b.st.Get(ctx, settingLine)
	if err != nil {
		return err
	}
	if value != nil {
		if err := json.Unmarshal(value, &b.Line); err != nil {
			return fmt.Errorf("read the line's state: %w", err)
		}
	}
	if b.Export, err = courier.LoadMark(dir); err != nil {
		return err
	}
	if !b.Oldest.IsZero() {
		b.Age = max(b.now.Sub(b.Oldest), 0)
	}
	used, limit, err := b.st.Space(ctx)
	if err != nil {
		return err
	}
	b.Limits = []Limit{
		limitOf("storage", float64(used), float64(limit), fullAt),
		limitOf("age", b.Age.Seconds(), limits.QueueAge.Seconds(), 1),
	}
	return nil
}

func limitOf(name string, used, of, end float64) Limit {
	l := Limit{Name: name, Used: used, Of: of}
	switch share := l.Share(); {
	case share > end:
		l.Level = 2
	case share > warnAt:
		l.Level = 1
	}
	return l
}

// Queue is the queue itself, for an export.
func (b *Backlog) Queue() *outbox.Outbox { return b.st.Outbox() }

// Close ends the look.
func (b *Backlog) Close() error { return b.st.Close() }

// EachRecord goes through the records that wait, oldest first; fn must not use the Backlog.
func (b *Backlog) EachRecord(ctx context.Context, fn func(Waiting) error) error {
	return b.st.EachRecord(ctx, func(x store.Item) error {
		return fn(b.why(x, b.Line.Epoch == b.Epoch && x.Seq <= b.Line.Sent, b.Export.Epoch == b.Epoch && x.Seq <= b.Export.Last))
	})
}

// EachPicture goes through the pictures that wait, likewise.
func (b *Backlog) EachPicture(ctx context.Context, fn func(Waiting) error) error {
	return b.st.EachPicture(ctx, func(x store.Item) error {
		// A number may be given again: a picture taken after the export is not in it.
		return fn(b.why(x, x.Have > 0, x.Num <= b.Export.Picture && !x.Since.After(b.Export.At)))
	})
}

func (b *Backlog) why(x store.Item, sent, carried bool) Waiting {
	w := Waiting{Item: x}
	if !x.Since.IsZero() {
		w.Age = max(b.now.Sub(x.Since), 0)
	}
	switch {
	case b.Line.Refused != "" && b.Line.Epoch == b.Epoch:
		w.Why, w.How = Refused, b.Line.Refused
	case carried:
		w.Why, w.How = Unacknowledged, b.Export.File
	case sent:
		w.Why, w.How = Unacknowledged, "line"
	default:
		w.Why, w.How = NeverSent, b.Line.Code
	}
	return w
}

// viewProblem names what is wrong with looking at a kiosk's database.
func viewProblem(err error) error {
	if errors.Is(err, store.ErrMissing) {
		return &Problem{Code: ProblemStoreMissing, Message: "There is no kiosk's database in this folder.", Hint: "Give the folder that the kiosk is started with, as --data."}
	}
	return fmt.Errorf("%w: %w", problemOf(err), err)
}
