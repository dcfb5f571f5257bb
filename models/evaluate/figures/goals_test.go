package figures

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAGoalIsMetOnItsOwnSide(t *testing.T) {
	least, most := Goal{"x", .9, false}, Goal{"x", .1, true}
	require.True(t, least.Met(Share(9, 10, "")))
	require.False(t, least.Met(Share(8, 10, "")))
	require.True(t, most.Met(Share(1, 10, "")))
	require.False(t, most.Met(Share(2, 10, "")))
	require.False(t, most.Met(Share(0, 0, "")), "nothing was measured")
}

func TestEveryGoalHasANameOfItsOwnAndCanBeReached(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range Goals() {
		require.False(t, seen[g.Name], g.Name)
		seen[g.Name] = true
		require.True(t, g.Value >= 0 && g.Value <= 1, g.Name)
	}
}

func TestFiguresAreReadBackAsTheyWereWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.json")
	set := Set{"a": Spread([]float64{1, 2}, "ms", "how"), "b": Count(1, 2, "")}
	require.NoError(t, Merge(file, set))
	got, err := Read(file)
	require.NoError(t, err)
	require.Equal(t, set, got)
	require.NoError(t, os.WriteFile(file, []byte("{"), 0o600))
	_, err = Read(file)
	require.Error(t, err)
	_, err = Read(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
