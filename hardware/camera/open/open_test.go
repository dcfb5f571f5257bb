package open_test

import (
	"image"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/hardware/camera"
	"vestibule/hardware/camera/open"
	"vestibule/hardware/clock"
)

func TestCamera(t *testing.T) {
	t.Run("none has no camera", func(t *testing.T) {
		for _, spec := range []string{"", "none"} {
			c, err := open.Camera(spec, nil)
			require.NoError(t, err)
			_, err = c.Open(t.Context(), camera.Mode{})
			require.ErrorIs(t, err, camera.ErrMissing)
		}
	})
	t.Run("a device file that is not there is a missing camera", func(t *testing.T) {
		c, err := open.Camera("/dev/video-none", nil)
		require.NoError(t, err)
		_, err = c.Open(t.Context(), camera.Mode{})
		require.ErrorIs(t, err, camera.ErrMissing)
	})
	t.Run("anything else is refused with what may be written", func(t *testing.T) {
		for _, spec := range []string{"replay:", "video0", "rtsp://host/x", "none:"} {
			_, err := open.Camera(spec, nil)
			require.ErrorIs(t, err, open.ErrSpec, spec)
		}
	})
	t.Run("a video file plays through OpenCV, with its own rate and from the beginning again", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "film.avi")
		w, err := gocv.VideoWriterFile(path, "MJPG", 20, 64, 48, true)
		require.NoError(t, err)
		for i := range 4 {
			m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(float64(40*i), 90, 200, 0), 48, 64, gocv.MatTypeCV8UC3)
			require.NoError(t, w.Write(m))
			require.NoError(t, m.Close())
		}
		require.NoError(t, w.Close())
		clk := clock.NewLeaping(clock.System{}.Now())
		c, err := open.Camera("replay:"+path, clk)
		require.NoError(t, err)
		s, err := c.Open(t.Context(), camera.Mode{})
		require.NoError(t, err)
		defer s.Close()
		require.Equal(t, camera.Mode{Width: 64, Height: 48, FPS: 20}, s.Mode())
		var blue []int
		for range 6 {
			f, err := s.Next(t.Context())
			require.NoError(t, err)
			m, err := gocv.IMDecode(f.Pix, gocv.IMReadColor)
			require.NoError(t, err)
			require.Equal(t, image.Pt(64, 48), image.Pt(m.Cols(), m.Rows()))
			blue = append(blue, (int(m.GetUCharAt(24, 32*3))+20)/40)
			require.NoError(t, m.Close())
		}
		require.Equal(t, []int{0, 1, 2, 3, 0, 1}, blue)
	})
}
