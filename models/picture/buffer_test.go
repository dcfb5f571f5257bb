package picture

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
)

func TestABufferDecodesWhatDecodeDoesNoMatterWhatItHeldBefore(t *testing.T) {
	yuyv := make([]byte, 96*64*2)
	for i := range yuyv {
		yuyv[i] = byte(i)
	}
	frames := []models.Frame{
		{Format: models.JPEG, Pix: jpegOf(t, 96, 64)},
		{Format: models.RGB, Width: 40, Height: 200, Pix: raw(40, 200, 3)},
		{Format: models.YUYV, Width: 96, Height: 64, Pix: yuyv},
		{Format: models.JPEG, Pix: withoutTables(t, jpegOf(t, 64, 96))},
	}
	var b Buffer
	defer b.Close()
	for range 2 {
		for _, f := range frames {
			want, err := Decode(f)
			require.NoError(t, err)
			got, w, h, err := b.DecodeLive(f, 0)
			require.NoError(t, err)
			require.Equal(t, [2]int{want.Cols(), want.Rows()}, [2]int{w, h})
			require.Equal(t, [2]int{w, h}, [2]int{got.Cols(), got.Rows()})
			require.Equal(t, want.ToBytes(), got.ToBytes())
			want.Close()
			_, _, _, err = b.DecodeLive(models.Frame{Format: models.JPEG, Pix: []byte("no picture")}, 0)
			require.ErrorIs(t, err, models.ErrFrame)
		}
		require.Positive(t, b.Pixels())
		b.Close() // and it may be used again
		require.Zero(t, b.Pixels())
	}
}

func TestALiveFrameIsDecodedNoLargerThanNeeded(t *testing.T) {
	yuyv := make([]byte, 512*256*2)
	for name, c := range map[string]struct {
		f     models.Frame
		least int
		want  [2]int
	}{
		"a JPEG at half":         {models.Frame{Format: models.JPEG, Pix: jpegOf(t, 513, 255)}, 200, [2]int{257, 128}},
		"a JPEG at a quarter":    {models.Frame{Format: models.JPEG, Pix: jpegOf(t, 512, 256)}, 100, [2]int{128, 64}},
		"a JPEG as it is":        {models.Frame{Format: models.JPEG, Pix: jpegOf(t, 512, 256)}, 300, [2]int{512, 256}},
		"a flat JPEG as it is":   {models.Frame{Format: models.JPEG, Pix: jpegOf(t, 512, 40)}, 100, [2]int{512, 40}},
		"RGB at half":            {models.Frame{Format: models.RGB, Width: 512, Height: 256, Pix: raw(512, 256, 3)}, 200, [2]int{256, 128}},
		"YUYV at a quarter":      {models.Frame{Format: models.YUYV, Width: 512, Height: 256, Pix: yuyv}, 100, [2]int{128, 64}},
		"whole where none wants": {models.Frame{Format: models.RGB, Width: 512, Height: 256, Pix: raw(512, 256, 3)}, 0, [2]int{512, 256}},
	} {
		t.Run(name, func(t *testing.T) {
			var b Buffer
			defer b.Close()
			w, h, err := Check(c.f)
			require.NoError(t, err)
			m, gotW, gotH, err := b.DecodeLive(c.f, c.least)
			require.NoError(t, err)
			require.Equal(t, [2]int{w, h}, [2]int{gotW, gotH}, "the frame's own size")
			require.Equal(t, c.want, [2]int{m.Cols(), m.Rows()})
			require.Equal(t, gocv.MatTypeCV8UC3, m.Type())
			if c.f.Format != models.YUYV {
				_, g, r := pixel(m, m.Cols()-1, 0)
				require.InDelta(t, 250, r, 14, "the colours are where they were")
				require.InDelta(t, 4, g, 14)
			}
		})
	}
}
