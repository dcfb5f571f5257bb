package stage_test

import (
	"bytes"
	"image"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models/genuine/stage"
)

func TestTheSameSeedFilmsTheSamePixelsAndAnotherDoesNot(t *testing.T) {
	doc := stage.Drawn(400, 280, 1)
	defer doc.Close()
	for name, film := range map[string]func(seed uint64) (gocv.Mat, error){
		"genuine": func(seed uint64) (gocv.Mat, error) {
			return stage.Genuine(doc, stage.Shot{Width: 320, Height: 240, Seed: seed})
		},
		"screen": func(seed uint64) (gocv.Mat, error) {
			return stage.Screen(doc, stage.Shot{Width: 320, Height: 240, Seed: seed}, stage.Display{Around: true})
		},
		"print": func(seed uint64) (gocv.Mat, error) {
			return stage.Print(doc, stage.Shot{Width: 320, Height: 240, Seed: seed}, stage.Press{})
		},
		"replaced": func(seed uint64) (gocv.Mat, error) {
			return stage.Replaced(doc, seed, stage.Portrait{At: image.Rect(20, 40, 100, 150), Photo: doc})
		},
	} {
		var seen [3][]byte
		for i, seed := range []uint64{1, 1, 2} {
			m, err := film(seed)
			require.NoError(t, err, name)
			seen[i] = m.ToBytes()
			m.Close()
		}
		require.True(t, bytes.Equal(seen[0], seen[1]), name)
		require.False(t, bytes.Equal(seen[0], seen[2]), name)
	}
}

func TestWhatCannotBeFilmedIsAnError(t *testing.T) {
	doc := stage.Drawn(400, 280, 1)
	defer doc.Close()
	small := stage.Drawn(20, 20, 1)
	defer small.Close()
	_, err := stage.Genuine(small, stage.Shot{})
	require.Error(t, err)
	_, err = stage.Genuine(gocv.Mat{}, stage.Shot{})
	require.Error(t, err)
	_, err = stage.Screen(doc, stage.Shot{Width: 20, Height: 20}, stage.Display{})
	require.Error(t, err)
	_, err = stage.Replaced(doc, 1, stage.Portrait{At: image.Rect(0, 0, 50, 50)})
	require.Error(t, err)
}
