package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	stddraw "image/draw"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"

	"vestibule/agent/calibration"
	"vestibule/sync/identity"
)

// clip paints a take: a face before a wall, a few frames with their own noise. An attack
// is the same picture from a screen that is too blue.
func clip(t *testing.T, dir string, from image.Image, box image.Rectangle, attack bool, rnd *rand.Rand) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o700))
	const w, h = 640, 480
	k := (.46 + .04*rnd.Float64()) * h / float64(box.Dy())
	x, y := float64(box.Min.X+box.Max.X)/2, float64(box.Min.Y+box.Max.Y)/2
	cut := image.Rect(int(x-1.1*float64(box.Dy())), int(y-1.0*float64(box.Dy())), int(x+1.1*float64(box.Dy())), int(y+1.1*float64(box.Dy()))).Intersect(from.Bounds())
	still := image.NewRGBA(image.Rect(0, 0, w, h))
	stddraw.Draw(still, still.Rect, image.NewUniform(color.RGBA{178, 174, 170, 255}), image.Point{}, stddraw.Src)
	ox, oy := w/2+20*(rnd.Float64()-.5)-(x-float64(cut.Min.X))*k, h*.47-(y-float64(cut.Min.Y))*k
	to := image.Rect(int(ox), int(oy), int(ox+float64(cut.Dx())*k), int(oy+float64(cut.Dy())*k))
	draw.ApproxBiLinear.Scale(still, to, from, cut, draw.Src, nil)
	var noise [8191]float64 // drawing it anew for every pixel takes seconds
	for i := range noise {
		noise[i] = 2 * rnd.NormFloat64()
	}
	for i := range 2 {
		at := rnd.IntN(len(noise))
		m := image.NewRGBA(still.Rect)
		for p := 0; p < len(m.Pix); p += 4 {
			n := noise[(at+p/4)%len(noise)]
			gain := [3]float64{1, 1, 1}
			if attack {
				gain = [3]float64{.8, 1.05, 1.4}
			}
			for c := range 3 {
				m.Pix[p+c] = uint8(min(255, max(0, gain[c]*float64(still.Pix[p+c])+n)))
			}
			m.Pix[p+3] = 255
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.jpg", i)))
		require.NoError(t, err)
		require.NoError(t, jpeg.Encode(f, m, &jpeg.Options{Quality: 92}))
		require.NoError(t, f.Close())
	}
}

// takes films n live takes and n attacks, one after the other, as an operator shows them.
func takes(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	rnd := rand.New(rand.NewPCG(7, 7))
	b, err := os.ReadFile(filepath.Join(networks(t), "portraits", "sample3.jpg"))
	require.NoError(t, err)
	from, err := jpeg.Decode(bytes.NewReader(b))
	require.NoError(t, err)
	sitter := image.Rect(1076, 192, 1295, 506) // of the demonstration's pictures, one that looks straight
	for i := range 2 * n {
		clip(t, filepath.Join(dir, fmt.Sprintf("take-%d", i+1)), from, sitter, i >= n, rnd)
	}
	return dir
}

// A whole session: the real camera driver for recordings, the real worker and networks,
// the operator's Enter for each clip; then the kiosk that uses it, and one that must not.
func TestAnOperatorCalibratesTheLivenessCheckAndTheKioskUsesIt(t *testing.T) {
	film, data, bundle := takes(t, 20), filepath.Join(t.TempDir(), "kiosk"), enrol(t)
	plot := filepath.Join(t.TempDir(), "roc.svg")
	var out, errs bytes.Buffer
	code := calibrateCamera([]string{
		"--data", data, "--bundle", bundle, "--models", networks(t), "--camera-face", "replay:" + film, "--plot", plot,
	}, strings.NewReader(strings.Repeat("\n", 40)), &out, &errs)
	require.Equal(t, exitDone, code, out.String()+errs.String())
	t.Log(out.String())
	assert.Contains(t, out.String(), "clip 20 of 20: an attack")
	assert.Contains(t, out.String(), "20 live clips, 20 attacks")
	svg, err := os.ReadFile(plot)
	require.NoError(t, err)
	assert.Contains(t, string(svg), "</svg>")

	b, err := identity.LoadBundle(bundle)
	require.NoError(t, err)
	c, err := loadCalibration(data, b)
	require.NoError(t, err)
	assert.Equal(t, "k1", c.Kiosk)
	assert.Len(t, c.Head.Weights, 256)
	assert.Less(t, c.After.EER, c.Before.EER)

	start := []string{"headless", "--data", data, "--offline", "--models", networks(t), "--visits", "0"}
	errs.Reset()
	require.Equal(t, exitDone, command(append(start, "--bundle", bundle), &out, &errs), errs.String())
	errs.Reset()
	require.Equal(t, exitConfig, command(append(start, "--bundle", enrol(t)), &out, &errs))
	assert.Contains(t, errs.String(), "calibration_invalid")
	assert.Contains(t, errs.String(), calibration.ErrForeign.Error())
	path := filepath.Join(data, calibration.File)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	text[len(text)/3] ^= 1
	require.NoError(t, os.WriteFile(path, text, 0o600))
	errs.Reset()
	require.Equal(t, exitConfig, command(append(start, "--bundle", bundle), &out, &errs))
	assert.Contains(t, errs.String(), "calibration_invalid")
}

func TestACalibrationThatCannotSucceedSaysWhy(t *testing.T) {
	base := []string{"--data", t.TempDir(), "--bundle", enrol(t), "--models", networks(t)}
	for name, c := range map[string]struct {
		args []string
		in   string
		code int
		says string
	}{
		"too few clips":         {[]string{"--live", "19"}, "", exitUsage, "calibration_too_few"},
		"too few attacks":       {[]string{"--attack", "0"}, "", exitUsage, "At least 20 clips"},
		"too many":              {[]string{"--live", "501"}, "", exitUsage, "at most 500"},
		"no camera":             {nil, "\n", exitFailed, "camera_missing"},
		"a camera that is none": {[]string{"--camera-face", "x"}, "", exitUsage, "camera_missing"},
		"no operator":           {nil, "", exitFailed, "calibration_stopped"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			assert.Equal(t, c.code, calibrateCamera(append(append([]string{}, base...), c.args...), strings.NewReader(c.in), &out, &errs))
			assert.Contains(t, errs.String(), c.says)
		})
	}
	var out, errs bytes.Buffer
	assert.Equal(t, exitUsage, calibrateCamera(nil, strings.NewReader(""), &out, &errs))
	assert.Contains(t, errs.String(), "data_missing")
}
