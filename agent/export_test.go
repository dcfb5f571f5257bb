package agent

import (
	"context"
	"runtime"
	"testing"

	"vestibule/journey"
	"vestibule/models"
)

// The doubles, for tests that live outside the package because they use visitors.
var (
	SoundJournal = soundJournal
	Names        = names
	Count        = count
	Written      = written
	Bubble       = bubble
	Find         = find
	GoodDocument = goodDocument
	CardFront    = cardFront
	CardBack     = cardBack
	GoodFace     = goodFace
	Today        = today
	Queue        = queue
)

// Bench is bench.
type Bench struct{ *bench }

// NewBench makes a bench.
func NewBench(t *testing.T, change ...func(*Config)) Bench { return Bench{newBench(t, change...)} }

func (b Bench) Start() *Agent { return b.start() }

// Halt ends the kiosk like a power cut.
func (b Bench) Halt() { b.halt(errAbandoned) }

// Stop ends the kiosk in good order.
func (b Bench) Stop() { b.halt(nil) }

func (b Bench) Dir() string { return b.dir }

// At puts the kiosk's files somewhere else.
func (b Bench) At(dir string) { b.dir, b.cfg.Dir = dir, dir }

func (b Bench) To(s Step) State                              { return b.to(s) }
func (b Bench) UntilStep(s Step) State                       { return b.untilStep(s) }
func (b Bench) Until(what string, ok func(State) bool) State { return b.until(what, ok) }
func (b Bench) Engine() *scriptedEngine                      { return b.engine }
func (b Bench) Config() *Config                              { return &b.cfg }
func (b Bench) Journal() []journey.Event                     { return b.journal() }

// Reads says what the engine reads.
func (b Bench) Reads(f func(n int) (models.Document, error)) { b.engine.OnDocument = f }

func (b Bench) Settle() { b.settle() }

// Stored is told of every commit; end() ends the owner's goroutine on the spot, as
// a power cut would.
func (b Bench) Stored(f func(end func())) {
	if b.stored = nil; f != nil {
		b.stored = func() { f(runtime.Goexit) }
	}
}

func (b Bench) Do(ctx context.Context, c Command) error { return b.a.Do(ctx, c) }

func (b Bench) JournalOf(session string) []journey.Event { return b.journalOf(session) }
