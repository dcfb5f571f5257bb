package code_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	qrcode "github.com/skip2/go-qrcode"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/server/enrol/code"
)

const text = "VESTIBULE:1:0123456789ABCDEFGHJKMNPQRSTVWXYZ00:CENTRE.EXAMPLE.ORG:8443"

func modules(t *testing.T) [][]bool {
	t.Helper()
	c, err := qrcode.New(text, qrcode.Medium)
	require.NoError(t, err)
	return c.Bitmap()
}

func TestATerminalShowsEveryModuleAndFitsEightyColumns(t *testing.T) {
	drawn, err := code.Terminal(text)
	require.NoError(t, err)
	want := modules(t)
	plain := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(drawn, "")
	lines := strings.Split(strings.TrimSuffix(plain, "\n"), "\n")
	require.Len(t, lines, (len(want)+1)/2)
	for y, row := range want {
		line := []rune(lines[y/2])
		require.Len(t, line, len(row))
		assert.LessOrEqual(t, len(line), 80)
		for x, dark := range row {
			halves := map[rune][2]bool{' ': {}, '▀': {true, false}, '▄': {false, true}, '█': {true, true}}[line[x]]
			require.Equal(t, dark, halves[y%2], "%d %d", x, y)
		}
	}
}

func TestAPathCoversTheDarkModulesAndNoOther(t *testing.T) {
	path, size, err := code.Path(text)
	require.NoError(t, err)
	want := modules(t)
	require.Equal(t, len(want), size)
	got := make([][]bool, size)
	for i := range got {
		got[i] = make([]bool, size)
	}
	for _, piece := range strings.SplitAfter(path, "z") {
		if piece == "" {
			continue
		}
		var x, y, w, back int
		_, err := fmt.Sscanf(piece, "M%d %dh%dv1h-%dz", &x, &y, &w, &back)
		require.NoError(t, err, piece)
		require.Equal(t, w, back)
		for i := range w {
			got[y][x+i] = true
		}
	}
	assert.Equal(t, want, got)
}

func TestWhatNoCodeHoldsIsRefused(t *testing.T) {
	_, err := code.Terminal(strings.Repeat("x", 4000))
	assert.Error(t, err)
	_, _, err = code.Path(strings.Repeat("x", 4000))
	assert.Error(t, err)
}
