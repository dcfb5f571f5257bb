package figures_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models/evaluate/figures"
)

func TestMerge(t *testing.T) {
	t.Run("a second command adds to what the first one wrote and replaces its own", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "build", "evaluate.json")
		require.NoError(t, figures.Merge(file, figures.Set{"a": figures.Share(1, 4, "x"), "b": figures.Count(3, 9, "y")}))
		require.NoError(t, figures.Merge(file, figures.Set{"b": figures.Count(5, 9, "y")}))
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		var got map[string]map[string]any
		require.NoError(t, json.Unmarshal(b, &got))
		require.Equal(t, .25, got["a"]["value"])
		require.Equal(t, 5.0, got["b"]["value"])
		require.Len(t, got, 2)
	})
	t.Run("a damaged file is refused by name and left alone", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "evaluate.json")
		require.NoError(t, os.WriteFile(file, []byte("{"), 0o600))
		require.ErrorContains(t, figures.Merge(file, figures.Set{}), file)
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, "{", string(b))
	})
}

func TestSpreadGivesMedianTailAndMaximum(t *testing.T) {
	var v []float64
	for i := range 100 {
		v = append(v, float64(100-i))
	}
	f := figures.Spread(v, "ms", "counted")
	require.Equal(t, 51.0, f.Value)
	require.Equal(t, 96.0, *f.P95)
	require.Equal(t, 100.0, *f.Max)
	require.Equal(t, 100, f.N)
	require.Zero(t, figures.Spread(nil, "ms", "").N)
}

func TestTableHasOneLineAFigure(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, figures.Set{"z": figures.Count(1, 2, ""), "a": figures.Share(0, 0, "")}.Table(&b))
	require.Regexp(t, `(?s)FIGURE.*\na .*\nz .*1 .*count.*2`, b.String())
}
