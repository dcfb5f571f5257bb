package replay_test

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/hardware/clock"
	"vestibule/hardware/scanner"
	"vestibule/hardware/scanner/replay"
)

func page(t *testing.T, w int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, 10)), nil))
	return b.Bytes()
}

func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for n, b := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, n), b, 0o600))
	}
	return dir
}

func TestScan(t *testing.T) {
	t.Run("pages come by name, the last again and again, each light by itself", func(t *testing.T) {
		dir := folder(t, map[string][]byte{"2.jpg": page(t, 20), "1.jpg": page(t, 10), "1.ir.jpg": page(t, 30), "notes.txt": nil})
		s := replay.New(dir, nil)
		require.Equal(t, []scanner.Light{scanner.Visible, scanner.Infrared}, s.Caps().Lights)
		require.NoError(t, s.Wait(t.Context()))
		for i, w := range []int{10, 20, 20} {
			p, err := s.Scan(t.Context(), scanner.Visible, 600)
			require.NoError(t, err)
			require.Equal(t, page(t, w), p.JPEG, i)
			require.Equal(t, 300, p.DPI)
		}
		p, err := s.Scan(t.Context(), scanner.Infrared, 300)
		require.NoError(t, err)
		require.Equal(t, page(t, 30), p.JPEG)
		_, err = s.Scan(t.Context(), scanner.Ultraviolet, 300)
		require.ErrorIs(t, err, scanner.ErrNoPage)
	})
	t.Run("the recipe's errors come in turn, without using up a page", func(t *testing.T) {
		dir := folder(t, map[string][]byte{
			"1.jpg": page(t, 10), "2.jpg": page(t, 20),
			"recipe.json": []byte(`{"errors":["cover_open","jammed","","no_page","busy","io"],"dpi":400,"delay_ms":250}`),
		})
		clk := clock.NewLeaping(time.Unix(0, 0))
		s := replay.New(dir, clk)
		for _, want := range []error{scanner.ErrCoverOpen, scanner.ErrJammed, nil, scanner.ErrNoPage, scanner.ErrBusy, scanner.ErrIO} {
			p, err := s.Scan(t.Context(), scanner.Visible, 300)
			if want != nil {
				require.ErrorIs(t, err, want)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, page(t, 10), p.JPEG)
			require.Equal(t, 400, p.DPI)
		}
		p, err := s.Scan(t.Context(), scanner.Visible, 300)
		require.NoError(t, err)
		require.Equal(t, page(t, 20), p.JPEG)
		require.Equal(t, 7*250*time.Millisecond, clk.Now().Sub(time.Unix(0, 0)))
	})
	for name, tt := range map[string]struct {
		files map[string][]byte
		want  error
	}{
		"an empty folder has no page":               {nil, scanner.ErrNoPage},
		"a page that was cut off is not read":       {map[string][]byte{"1.jpg": page(t, 10)[:200]}, scanner.ErrIO},
		"a recipe with a misspelt wish is an error": {map[string][]byte{"1.jpg": page(t, 10), "recipe.json": []byte(`{"errors":["jam"]}`)}, scanner.ErrIO},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := replay.New(folder(t, tt.files), nil).Scan(t.Context(), scanner.Visible, 300)
			require.ErrorIs(t, err, tt.want)
		})
	}
	t.Run("a folder that is not there is a missing scanner", func(t *testing.T) {
		_, err := replay.New(filepath.Join(t.TempDir(), "x"), nil).Scan(t.Context(), scanner.Visible, 300)
		require.ErrorIs(t, err, scanner.ErrMissing)
	})
	t.Run("a cancelled scan and a closed scanner give nothing", func(t *testing.T) {
		s := replay.New(folder(t, map[string][]byte{"1.jpg": page(t, 10)}), nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, s.Wait(ctx), context.Canceled)
		_, err := s.Scan(ctx, scanner.Visible, 300)
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, s.Close())
		_, err = s.Scan(t.Context(), scanner.Visible, 300)
		require.ErrorIs(t, err, fs.ErrClosed)
	})
}

func FuzzRecipe(f *testing.F) {
	f.Add([]byte(`{"errors":["jammed",""],"delay_ms":3}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := replay.ParseRecipe(b); err == nil && (r.DelayMS < 0 || r.DelayMS > 60_000) {
			t.Fatal("an endless scan")
		}
	})
}
