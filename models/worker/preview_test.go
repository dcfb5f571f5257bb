package worker

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/models"
)

// film gives a camera's frame: shades and noise, as JPEG.
func film(tb testing.TB, w, h int) models.Frame {
	tb.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			n := uint8((x*7919 ^ y*104729) % 13)
			img.SetRGBA(x, y, color.RGBA{uint8(x*200/w) + n, uint8(y*200/h) + n, 128, 255})
		}
	}
	var b bytes.Buffer
	require.NoError(tb, jpeg.Encode(&b, img, &jpeg.Options{Quality: 85}))
	return models.Frame{Format: models.JPEG, Pix: b.Bytes()}
}

func TestALivePictureComesFromTheChild(t *testing.T) {
	c, err := start(t, "good", nil)
	require.NoError(t, err)
	for _, size := range []image.Point{{1920, 1080}, {1280, 720}, {640, 480}, {320, 200}} {
		img, err := c.Preview(t.Context(), film(t, size.X, size.Y), 640, 480)
		require.NoError(t, err)
		require.NotNil(t, img)
		want := image.Pt(640, 360)
		if size.X <= 640 {
			want = size
		}
		assert.Equal(t, want, img.Rect.Size())
		got := img.NRGBAAt(want.X/2, want.Y/2)
		assert.InDelta(t, 106, got.R, 12)
		assert.InDelta(t, 128, got.B, 12)
		assert.EqualValues(t, 255, got.A)
	}
	_, err = c.Preview(t.Context(), models.Frame{Format: models.JPEG, Pix: []byte("no picture")}, 640, 480)
	require.ErrorIs(t, err, models.ErrFrame)
}

func TestNoLivePictureStandsInTheWayOfAReading(t *testing.T) {
	c, err := start(t, "good", nil)
	require.NoError(t, err)
	f := film(t, 320, 200)
	c.readings.Add(1) // as while a document is read
	img, err := c.Preview(t.Context(), f, 640, 480)
	require.NoError(t, err)
	assert.Nil(t, img)
	c.readings.Add(-1)
	img, err = c.Preview(t.Context(), f, 640, 480)
	require.NoError(t, err)
	assert.NotNil(t, img)
	_, err = c.ReadDocument(t.Context(), []models.Frame{f})
	require.NoError(t, err)
	assert.Zero(t, c.readings.Load(), "the way is free again")
}

func TestALivePictureDoesNotWaitForADeadChild(t *testing.T) {
	c, err := start(t, "good", nil)
	require.NoError(t, err)
	f := film(t, 320, 200)
	require.NoError(t, syscall.Kill(c.State().PID, syscall.SIGKILL))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for { // until the death is noticed, or the child is back: either way nothing hangs
		img, err := c.Preview(ctx, f, 640, 480)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		if err == nil && img != nil && c.State().Restarts > 0 {
			return
		}
		if err != nil {
			require.ErrorIs(t, err, models.ErrWorker)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func BenchmarkPreview(b *testing.B) {
	for _, size := range []image.Point{{1280, 720}, {1920, 1080}} {
		b.Run(fmt.Sprintf("%dp", size.Y), func(b *testing.B) {
			self := b.TempDir()
			c, err := Start(b.Context(), Config{Command: childCommand(b), ModelsDir: self})
			require.NoError(b, err)
			defer c.Close()
			f := film(b, size.X, size.Y)
			for b.Loop() {
				img, err := c.Preview(b.Context(), f, 640, 480)
				if err != nil || img == nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func childCommand(tb testing.TB) []string {
	tb.Helper()
	self, err := os.Executable()
	require.NoError(tb, err)
	return []string{self, childArg, "good"}
}
