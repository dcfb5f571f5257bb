// Package speech reads sentences of the screen out through espeak-ng, where it is
// installed. It is optional: without the program there is no voice and no button.
//
// What may live here: finding and running the speech program, bounded. What may
// not: what is said. Personal data is never handed to it.
package speech

import (
	"context"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Bounds of one sentence.
const (
	maxSentence = 1000
	maxTime     = 40 * time.Second
)

// Voice is an installed speech program.
type Voice struct {
	program string
	log     *slog.Logger

	mu   sync.Mutex
	stop context.CancelFunc
}

// Find looks for espeak-ng or espeak. Without one it returns nil and false.
func Find(log *slog.Logger) (*Voice, bool) {
	for _, name := range []string{"espeak-ng", "espeak"} {
		if path, err := exec.LookPath(name); err == nil {
			return &Voice{program: path, log: log}, true
		}
	}
	return nil, false
}

// Say begins to read a sentence and returns at once. The sentence before it ends.
// It goes in through standard input, so that it never stands in a process list.
func (v *Voice) Say(language, sentence string) {
	if len(sentence) > maxSentence {
		sentence = strings.ToValidUTF8(sentence[:maxSentence], "")
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxTime)
	v.mu.Lock()
	if v.stop != nil {
		v.stop()
	}
	v.stop = cancel
	v.mu.Unlock()
	go func() {
		defer cancel()
		cmd := exec.CommandContext(ctx, v.program, "-v", language, "-s", "150", "--stdin")
		cmd.Stdin = strings.NewReader(sentence)
		cmd.WaitDelay = time.Second
		if err := cmd.Run(); err != nil && ctx.Err() == nil {
			v.log.Warn("speech failed", "language", language, "error", err)
		}
	}()
}

// Hush ends what is being read.
func (v *Voice) Hush() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stop != nil {
		v.stop()
		v.stop = nil
	}
}
