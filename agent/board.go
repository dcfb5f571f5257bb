package agent

import (
	"context"
	"sync"
)

// board holds the latest of something and shows it to any number of watchers. A
// slow watcher misses what came in between, never the latest.
type board[T any] struct {
	mu       sync.Mutex
	latest   T
	has      bool
	watchers map[chan T]struct{}
}

func newBoard[T any]() *board[T] { return &board[T]{watchers: map[chan T]struct{}{}} }

// put replaces the latest.
func (b *board[T]) put(v T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.latest, b.has = v, true
	for c := range b.watchers {
		show(c, v)
	}
}

// clear forgets the latest, and takes it back from watchers who have not looked yet.
func (b *board[T]) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	var zero T
	b.latest, b.has = zero, false
	for c := range b.watchers {
		select {
		case <-c:
		default:
		}
	}
}

// get gives the latest.
func (b *board[T]) get() T {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.latest
}

// watch gives a channel of room for one. It is closed when ctx ends.
func (b *board[T]) watch(ctx context.Context, current bool) <-chan T {
	c := make(chan T, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if ctx.Err() != nil {
		close(c)
		return c
	}
	b.watchers[c] = struct{}{}
	if current && b.has {
		c <- b.latest
	}
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, c)
		close(c)
	})
	return c
}

// show replaces what waits in c. The board's lock is held: nobody else sends.
func show[T any](c chan T, v T) {
	select {
	case <-c:
	default:
	}
	c <- v
}
