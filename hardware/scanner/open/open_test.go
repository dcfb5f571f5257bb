package open_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/hardware/scanner"
	"vestibule/hardware/scanner/open"
)

func TestScanner(t *testing.T) {
	t.Run("none has no scanner", func(t *testing.T) {
		s, err := open.Scanner("none", nil)
		require.NoError(t, err)
		_, err = s.Scan(t.Context(), scanner.Visible, 300)
		require.ErrorIs(t, err, scanner.ErrMissing)
		require.ErrorIs(t, s.Wait(t.Context()), scanner.ErrMissing)
	})
	t.Run("a folder is replayed", func(t *testing.T) {
		s, err := open.Scanner("replay:"+t.TempDir(), nil)
		require.NoError(t, err)
		_, err = s.Scan(t.Context(), scanner.Visible, 300)
		require.ErrorIs(t, err, scanner.ErrNoPage)
	})
	t.Run("anything else is refused with what may be written", func(t *testing.T) {
		for _, spec := range []string{"replay:", "sane:test", "none:"} {
			_, err := open.Scanner(spec, nil)
			require.ErrorIs(t, err, open.ErrSpec, spec)
		}
	})
}
