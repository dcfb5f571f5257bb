package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSinceIsADayAMomentOrHowLongAgo(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                     {},
		"all":                  {},
		"2026-11-01":           time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		"2026-11-01T08:00:00Z": time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC),
		"30d":                  time.Date(2026, 10, 26, 12, 0, 0, 0, time.UTC),
		"12h":                  time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC),
	} {
		got, err := parseSince(text, now)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"yesterday", "-3d", "-1h", "d", "99999999d", "2026-13-01"} {
		_, err := parseSince(text, now)
		require.Error(t, err, text)
	}
}

func TestProgressIsToldOnceASecondAndNotBefore(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, "replayed", 100)
	began := p.told
	for i := range 100 {
		p.step(began.Add(time.Duration(i) * 30 * time.Millisecond))
	}
	require.Equal(t, "replayed 35 of 100\nreplayed 69 of 100\n", out.String())
}
