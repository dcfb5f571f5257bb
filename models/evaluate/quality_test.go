package main

import (
	"context"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
)

// blind is an Engine that only glances, and sees nothing.
type blind struct{ models.Engine }

func (blind) Glance(context.Context, models.Frame, models.Aim) (models.Glance, error) {
	return models.Glance{Hint: models.HintNoDocument}, nil
}

func TestTheAreaUnderTheCurve(t *testing.T) {
	assert.Equal(t, 1.0, auc([]float64{3, 4}, []float64{1, 2}))
	assert.Equal(t, 0.0, auc([]float64{1, 2}, []float64{3, 4}))
	assert.Equal(t, .5, auc([]float64{5, 5}, []float64{5}))
	assert.Equal(t, .75, auc([]float64{2, 4}, []float64{1, 3}))
	assert.Zero(t, auc(nil, []float64{1}), "nothing measured proves nothing")
}

func TestTheSameSeedSpoilsAPictureInTheSameWay(t *testing.T) {
	var got [2][]byte
	for i := range got {
		d := newDistorter(7)
		clean := d.page()
		copied := d.copied(clean)
		shone := shine(copied, d.spots(copied, kinds()[3]))
		laid, corners := d.laid(shone, color.RGBA{R: 40, G: 40, B: 40})
		held := d.finger(laid, corners, skins()[0], 90, 60)
		moved := d.motion(held, 9)
		got[i] = moved.ToBytes()
		assert.NotEqual(t, clean.ToBytes(), copied.ToBytes())
		assert.NotEqual(t, copied.ToBytes(), shone.ToBytes())
		assert.NotEqual(t, laid.ToBytes(), held.ToBytes())
		assert.NotEqual(t, held.ToBytes(), got[i])
		for _, m := range []gocv.Mat{clean, copied, shone, laid, held, moved} {
			m.Close()
		}
	}
	assert.Equal(t, got[0], got[1])
}

func TestPicturesQualityIsMeasuredOnWhatIsThere(t *testing.T) {
	data := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(data, "documents"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(data, "documents", "manifest.json"), []byte(`[{"file": "a.png"}]`), 0o600))
	m := newDistorter(1).page()
	defer m.Close()
	require.True(t, gocv.IMWrite(filepath.Join(data, "documents", "a.png"), m))
	set, err := pictureQuality(context.Background(), blind{}, data, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, 1, set["quality.blur_auc.gauss25"].N)
	assert.Equal(t, 1.0, set["quality.blur_auc.gauss25"].Value)
	assert.Zero(t, set["quality.copy_auc"].N, "a page without colour is no example of one")
	assert.Equal(t, 0.0, set["quality.finger_live"].Value)
	assert.Equal(t, 8, set["quality.glance_ms"].N)

	require.NoError(t, os.Remove(filepath.Join(data, "documents", "a.png")))
	_, err = pictureQuality(context.Background(), blind{}, data, io.Discard)
	require.ErrorContains(t, err, "a.png")
	_, err = pictureQuality(context.Background(), blind{}, t.TempDir(), io.Discard)
	require.ErrorIs(t, err, os.ErrNotExist)
}
