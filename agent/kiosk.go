package agent

import (
	"context"
	"errors"

	"vestibule/journey"
)

// ErrNotNow is returned by Do for a command that does not fit the current step.
var ErrNotNow = errors.New("not possible at this step")

// Kiosk is what a screen sees of an agent. *Agent implements it; screens are
// tested against a double of their own.
type Kiosk interface {
	// Do carries a command out. It returns once the visit has taken it, not when its work is done.
	Do(ctx context.Context, c Command) error
	// Watch delivers the current state at once and every later one; a slow
	// receiver misses states in between but never the latest. It ends with ctx.
	Watch(ctx context.Context) <-chan State
	// Preview delivers live pictures while a camera step runs, latest only. It ends with ctx.
	Preview(ctx context.Context) <-chan Picture
	// Observe records what the screen showed or did: an FE event of this session.
	Observe(ctx context.Context, name journey.EventName, path string, detail map[string]string) error
}
