package evaluate

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models"
)

// oracle reads a face's measurements off the colour of the picture's first pixel:
// red picks the template, green is the liveness, blue 0 means no face.
type oracle struct{ models.Engine }

func (oracle) ReadFace(_ context.Context, f models.Frame) (models.Face, error) {
	r, g, b := f.Pix[0], f.Pix[1], f.Pix[2]
	t := make([]float32, 8)
	t[r%8] = 1
	t[7] += float32(r/8) / 40
	return models.Face{Found: b > 0, Template: t, Live: float64(g) / 255}, nil
}

func folder(t *testing.T, lines string, pics map[string]color.RGBA) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "faces", "p"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "faces", "manifest.csv"), []byte("file,kind,identity,label,note,more\n"+lines), 0o600))
	for name, c := range pics {
		m := image.NewRGBA(image.Rect(0, 0, 40, 40))
		for i := range 1600 {
			m.SetRGBA(i%40, i/40, c)
		}
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, m))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "faces", "p", name), b.Bytes(), 0o600))
	}
	return dir
}

func TestErrorsAreCountedAsTheLabelsSay(t *testing.T) {
	dir := folder(t, `p/a1.png,identity,a,live_photo,x,
p/a2.png,identity,a,live_photo,x,
p/a3.png,identity,a,live_photo,x,
p/b1.png,identity,b,live_photo,x,
p/c1.png,identity,c,live_photo,x,
p/s1.png,pad,,spoof,Held print,
p/s2.png,pad,,spoof,Held print,
p/s3.png,pad,,spoof,screen,
p/l1.png,pad,,live,selfie,
p/q.png,quality,,blur,,
`, map[string]color.RGBA{
		"a1.png": {R: 0, B: 9, A: 255}, "a2.png": {R: 0, B: 9, A: 255}, "a3.png": {R: 3, B: 9, A: 255},
		"b1.png": {R: 1, B: 9, A: 255}, "c1.png": {R: 2, B: 0, A: 255},
		"s1.png": {G: 10, B: 9, A: 255}, "s2.png": {G: 200, B: 9, A: 255}, "s3.png": {G: 10, B: 9, A: 255}, "l1.png": {G: 40, B: 9, A: 255},
	})
	var log bytes.Buffer
	got, err := Faces(context.Background(), oracle{}, dir, &log)
	require.NoError(t, err)
	require.Equal(t, 9, got["face.detect_rate"].N)
	require.InDelta(t, 8.0/9, got["face.detect_rate"].Value, 1e-9)
	require.InDelta(t, 2.0/3, got["face.fnmr_at_cos38"].Value, 1e-9, "a3 looks like nobody")
	require.Equal(t, 3, got["face.fnmr_at_cos38"].N)
	require.Zero(t, got["face.fmr_at_cos38"].Value)
	require.InDelta(t, 1.0/3, got["pad.apcer_at_50"].Value, 1e-9)
	require.InDelta(t, 1.0/2, got["pad.apcer_at_50.held_print"].Value, 1e-9)
	require.Zero(t, got["pad.apcer_at_50.screen"].Value)
	require.Equal(t, 1.0, got["pad.bpcer_at_50"].Value)
	require.Contains(t, log.String(), "c1.png: no face")
}

func TestTheThresholdLetsNoMoreThanItsShareThrough(t *testing.T) {
	var v []float64
	for i := range 2000 {
		v = append(v, float64(i)/2000)
	}
	at := Threshold(v, 1e-3)
	require.Equal(t, 2, len(v)-below(v, at))
	require.Equal(t, 0, len(v)-below(v, Threshold(v, 0)))
	require.Equal(t, len(v), len(v)-below(v, Threshold(v, 1)))
}

func TestAFolderThatIsMissingOrWrongIsSaidToBeSo(t *testing.T) {
	_, err := Faces(context.Background(), oracle{}, t.TempDir(), &bytes.Buffer{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	dir := folder(t, "p/gone.png,identity,a,x,x,\n", nil)
	_, err = Faces(context.Background(), oracle{}, dir, &bytes.Buffer{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "faces", "manifest.csv"), []byte("a,b\n1,2\n"), 0o600))
	_, err = Faces(context.Background(), oracle{}, dir, &bytes.Buffer{})
	require.ErrorContains(t, err, `column "file" is missing`)
}
