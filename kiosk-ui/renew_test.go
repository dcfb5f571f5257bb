package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/sync/identity"
)

func TestARenewalThatFailsIsRememberedUntilOneSucceeds(t *testing.T) {
	dir := enrol(t) // of a centre that takes no renewals
	b, err := identity.LoadBundle(dir)
	require.NoError(t, err)
	k := &keeper{bundle: b, dir: dir, log: slog.New(slog.DiscardHandler)}
	later := func(days int) func() time.Time { return func() time.Time { return time.Now().AddDate(0, 0, days) } }

	assert.Equal(t, renewEvery, k.look(t.Context(), later(50)), "not due")
	_, failed := k.state()
	assert.Empty(t, failed)
	assert.Equal(t, renewAgain, k.look(t.Context(), later(61)))
	spent, failed := k.state()
	assert.Equal(t, "renewal_nowhere", failed)
	assert.Less(t, spent, .01)

	b.Enrol = "127.0.0.1:1"
	assert.Equal(t, renewAgain, k.look(t.Context(), later(61)))
	_, failed = k.state()
	assert.Equal(t, "enrolment_unreachable", failed)
	assert.InDelta(t, .8, b.Spent(later(72)()), .001)
}
