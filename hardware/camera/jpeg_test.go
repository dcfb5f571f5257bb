package camera_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/hardware/camera"
)

func picture(tb testing.TB, w, h int) []byte {
	tb.Helper()
	var b bytes.Buffer
	require.NoError(tb, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil))
	return b.Bytes()
}

func TestScanJPEG(t *testing.T) {
	whole := picture(t, 40, 24)
	sos := bytes.Index(whole, []byte{0xFF, 0xDA})
	thumbnail := append([]byte{0xFF, 0xD8, 0xFF, 0xE1, byte((len(whole) + 2) >> 8), byte(len(whole) + 2)}, whole...)
	thumbnail = append(thumbnail, picture(t, 80, 60)[2:]...)

	t.Run("a whole picture tells its size and length", func(t *testing.T) {
		j, err := camera.ScanJPEG(whole)
		require.NoError(t, err)
		require.Equal(t, camera.JPEG{Width: 40, Height: 24, Length: len(whole)}, j)
	})
	t.Run("padding behind the end marker is not part of it", func(t *testing.T) {
		j, err := camera.ScanJPEG(append(bytes.Clone(whole), make([]byte, 99)...))
		require.NoError(t, err)
		require.Equal(t, len(whole), j.Length)
	})
	t.Run("a thumbnail in the header does not lend its size", func(t *testing.T) {
		j, err := camera.ScanJPEG(thumbnail)
		require.NoError(t, err)
		require.Equal(t, 80, j.Width)
	})

	tooBig := bytes.Clone(whole)
	sof := bytes.Index(tooBig, []byte{0xFF, 0xC0})
	tooBig[sof+7], tooBig[sof+8] = 0xFF, 0xFF
	for name, bad := range map[string][]byte{
		"nothing is no picture":                  nil,
		"other bytes are no picture":             []byte("GIF89a and more"),
		"a picture cut in its scan is refused":   whole[:sos+14],
		"a picture cut in its header is refused": whole[:sos-3],
		"an end marker alone is no picture":      {0xFF, 0xD8, 0xFF, 0xD9},
		"a size beyond the bounds is refused":    tooBig,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := camera.ScanJPEG(bad)
			require.ErrorIs(t, err, camera.ErrNotJPEG)
		})
	}
}

func FuzzScanJPEG(f *testing.F) {
	f.Add(picture(f, 16, 16))
	f.Add([]byte{0xFF, 0xD8, 0xFF, 0xFF, 0xFF, 0xDA, 0, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		j, err := camera.ScanJPEG(b)
		if err != nil {
			return
		}
		if j.Length > len(b) || j.Width < 1 || j.Height < 1 || j.Width > camera.MaxSide || j.Height > camera.MaxSide {
			t.Fatalf("out of bounds: %+v of %d bytes", j, len(b))
		}
		if b[j.Length-2] != 0xFF || b[j.Length-1] != 0xD9 {
			t.Fatal("does not end at an end marker")
		}
	})
}
