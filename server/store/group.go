package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// group commits what several writers want at the same time together: on SQLite a commit waits for the disk, and
// one wait serves all of them. Each runs after the other behind a savepoint, so what fails takes nothing else with it.
type group struct {
	db *sql.DB

	mu      sync.Mutex
	waiting []*wish
	leading bool
}

// groupMost is how many are committed together: beyond, the first would wait for the last.
const groupMost = 64

// wish is what one writer wants.
type wish struct {
	ctx  context.Context
	do   func(*Tx) error
	turn atomic.Int32 // of whoever comes first: the leader, who runs it, or its writer, who gives up
	done chan struct{}
	err  error
	fell any // what do panicked with
}

// errGroup is returned to writers whose work was undone because another one's broke the transaction. Nothing of it was kept.
var errGroup = errors.New("undone with another writer's: try again")

// write runs do within a transaction that others may share, and returns once it is committed.
func (g *group) write(ctx context.Context, do func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	w := &wish{ctx: ctx, do: do, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
	lead := !g.leading
	g.leading = true
	g.mu.Unlock()
	if lead {
		g.lead(w)
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		if w.turn.CompareAndSwap(0, 1) {
			return fmt.Errorf("begin: %w", ctx.Err()) // it had not begun, and never will
		}
		<-w.done
	}
	if w.fell != nil {
		panic(w.fell)
	}
	return w.err
}

// lead commits groups until own has been among them; another writer leads on then.
func (g *group) lead(own *wish) {
	for {
		g.mu.Lock()
		n := min(len(g.waiting), groupMost)
		now := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		g.mu.Unlock()
		if n > 0 {
			g.commit(now)
		}
		g.mu.Lock()
		if len(g.waiting) == 0 {
			g.waiting, g.leading = nil, false
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		select {
		case <-own.done:
			go g.lead(&wish{done: make(chan struct{})}) // nobody's: it leads to the end
			return
		default:
		}
	}
}

// commit runs a group in one transaction and answers each.
func (g *group) commit(all []*wish) {
	defer func() {
		for _, w := range all {
			close(w.done)
		}
	}()
	// Nobody's context ends it: it is everybody's.
	tx, err := g.db.BeginTx(context.Background(), nil)
	if err != nil {
		for _, w := range all {
			w.err = fmt.Errorf("begin: %w", err)
		}
		return
	}
	var kept []*wish
	broken := false
	for _, w := range all {
		if !w.turn.CompareAndSwap(0, 1) {
			continue // its writer gave up
		}
		switch {
		case broken:
			w.err = errGroup
			continue
		case w.ctx.Err() != nil:
			w.err = fmt.Errorf("begin: %w", w.ctx.Err())
			continue
		}
		if broken = !g.run(tx, w); w.err == nil && w.fell == nil {
			kept = append(kept, w)
		}
	}
	if broken {
		err = errors.Join(errGroup, tx.Rollback())
	} else {
		err = tx.Commit()
	}
	if err != nil {
		for _, w := range kept {
			w.err = fmt.Errorf("commit: %w", err)
		}
	}
}

// run does what one writer wants, and undoes it if that fails. false: the whole transaction is gone.
func (g *group) run(tx *sql.Tx, w *wish) (sound bool) {
	ctx := context.Background()
	if _, err := tx.ExecContext(ctx, `SAVEPOINT one`); err != nil {
		w.err = fmt.Errorf("begin: %w", err)
		return false
	}
	func() {
		defer func() { w.fell = recover() }()
		t := &Tx{Reader: Reader{q: tx}}
		if w.err = w.do(t); w.err == nil {
			w.err = t.chain(ctx)
		}
	}()
	undo := `RELEASE one`
	if w.err != nil || w.fell != nil {
		undo = `ROLLBACK TO one; RELEASE one`
	}
	// A statement that was interrupted takes SQLite's whole transaction with it; then there is no savepoint any more.
	if _, err := tx.ExecContext(ctx, undo); err != nil {
		if w.err == nil {
			w.err = fmt.Errorf("end: %w", err)
		}
		return false
	}
	return true
}
