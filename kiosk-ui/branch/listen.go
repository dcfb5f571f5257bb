package branch

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"vestibule/sync/link"
	"vestibule/sync/wire"
)

// Listener keeps the book up to date from the branch's box.
type Listener struct {
	Transport link.Transport
	Client    string // the view's common name
	Branch    string
	Book      *Book
	Now       func() time.Time
	Log       *slog.Logger
}

// How long between tries to reach the box, how often the book is told that the view still runs, and how many messages may
// wait to be noted.
const (
	again   = 2 * time.Second
	alive   = 10 * time.Second
	pending = 2048
)

// Run listens until ctx ends, and gives its error. The box is tried again for as long as it takes; only a book that
// cannot be written ends it before.
func (l *Listener) Run(ctx context.Context) error {
	for {
		if err := l.session(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(again):
		}
	}
}

type message struct {
	link.Message
	at time.Time
}

// session listens over one connection. Its error is the book's.
func (l *Listener) session(ctx context.Context) error {
	in := make(chan message, pending)
	full := make(chan struct{}, 1)
	began := l.Now() // what the box has in store is told after this
	conn, err := l.Transport.Connect(ctx, link.Session{Client: l.Client, Filters: wire.ViewFilters(l.Branch), QoS: 1, Receive: func(m link.Message) {
		select {
		case in <- message{m, l.Now()}:
		default: // what is lost here is in store at the box: connect anew
			select {
			case full <- struct{}{}:
			default:
			}
		}
	}})
	if err != nil {
		if ctx.Err() == nil {
			l.Log.Warn("the branch's box is not reached", "err", err)
		}
		return l.note(ctx, false, "box_unreachable")
	}
	defer conn.Close()
	if err := l.Book.connected(ctx, true, "", began); err != nil {
		return fmt.Errorf("note in the branch's book: %w", err)
	}
	l.Log.Info("listening at the branch's box", "branch", l.Branch)
	tick := time.NewTicker(alive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return l.note(context.WithoutCancel(ctx), false, "view_stopped")
		case <-conn.Done():
			l.Log.Warn("the branch's box is lost", "err", conn.Err())
			return l.note(ctx, false, "box_lost")
		case <-full:
			return l.note(ctx, false, "view_overrun")
		case <-tick.C:
			if err := l.note(ctx, true, ""); err != nil {
				return err
			}
		case m := <-in:
			err := l.Book.take(ctx, m.Topic, m.Payload, m.Retain, m.at)
			m.Ack()
			if err != nil && ctx.Err() == nil {
				return fmt.Errorf("note in the branch's book: %w", err)
			}
		}
	}
}

func (l *Listener) note(ctx context.Context, up bool, code string) error {
	if err := l.Book.connected(ctx, up, code, l.Now()); err != nil && ctx.Err() == nil {
		return fmt.Errorf("note in the branch's book: %w", err)
	}
	return nil
}
