package eyes_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models"
	"vestibule/models/eyes"
	"vestibule/models/manifest"
)

var shared = sync.OnceValues(func() (*eyes.Engine, error) { return eyes.Open("") })

func engine(t testing.TB) *eyes.Engine {
	t.Helper()
	e, err := shared()
	require.NoError(t, err)
	return e
}

func people(t testing.TB) models.Frame {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(manifest.Dir(), "portraits", "sample5.jpg"))
	require.NoError(t, err, "%s", manifest.Hint)
	return models.Frame{Format: models.JPEG, Pix: b}
}

func plain(luma byte) models.Frame {
	return models.Frame{Format: models.RGB, Width: 320, Height: 240, Pix: bytes.Repeat([]byte{luma}, 320*240*3)}
}

var (
	ctx  = context.Background()
	half = models.Frame{Format: models.JPEG, Pix: []byte{0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2}}
)

func TestAFaceIsReadFromAFrameAsItComesFromACamera(t *testing.T) {
	f, err := engine(t).ReadFace(ctx, people(t))
	require.NoError(t, err)
	require.True(t, f.Found)
	require.Equal(t, models.HintSeveralFaces, f.Hint)
	require.Len(t, f.Template, 512)
	g, err := engine(t).Glance(ctx, people(t), models.AimFace)
	require.NoError(t, err)
	require.Equal(t, models.HintSeveralFaces, g.Hint)
	require.NotNil(t, g.Face)
	require.Equal(t, f.Faces, g.Faces)
}

func TestAnEmptyTableIsNoDocument(t *testing.T) {
	g, err := engine(t).Glance(ctx, plain(90), models.AimDocument)
	require.NoError(t, err)
	require.NotEqual(t, models.HintNone, g.Hint)
	d, err := engine(t).ReadDocument(ctx, []models.Frame{plain(90)})
	require.NoError(t, err)
	require.Nil(t, d.MRZ)
	require.NotEqual(t, models.HintNone, d.Hint)
}

func TestAFrameThatCannotBeDecodedIsLeftOutOfADocumentReading(t *testing.T) {
	d, err := engine(t).ReadDocument(ctx, []models.Frame{half, plain(90)})
	require.NoError(t, err)
	require.Equal(t, 1, d.Best, "counted among the frames that were given")
	_, err = engine(t).ReadDocument(ctx, []models.Frame{half, half})
	require.ErrorIs(t, err, models.ErrFrame)
}

func TestEveryCallRefusesWhatItCannotRead(t *testing.T) {
	e := engine(t)
	_, err := e.ReadFace(ctx, half)
	require.ErrorIs(t, err, models.ErrFrame)
	_, err = e.Glance(ctx, half, models.AimFace)
	require.ErrorIs(t, err, models.ErrFrame)
	_, err = e.Glance(ctx, plain(9), "sky")
	require.ErrorContains(t, err, "sky")
	_, err = e.ReadDocument(ctx, nil)
	require.ErrorIs(t, err, models.ErrFrame)
	_, err = e.ReadDocument(ctx, make([]models.Frame, eyes.MaxFrames+1))
	require.ErrorIs(t, err, models.ErrFrame)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = e.ReadFace(ended, people(t))
	require.ErrorIs(t, err, context.Canceled)
	_, err = e.ReadDocument(ended, []models.Frame{plain(9)})
	require.ErrorIs(t, err, context.Canceled)
}

func TestTheVersionsNameEveryNetworkOfTheManifest(t *testing.T) {
	v, err := engine(t).Versions(ctx)
	require.NoError(t, err)
	m, err := manifest.Load()
	require.NoError(t, err)
	for _, a := range m.Assets {
		if a.Kind == manifest.Network || a.Kind == manifest.Own {
			require.Equal(t, a.Version(), v[a.Name], a.Name)
			require.Equal(t, "onnxruntime", engine(t).Engines()[a.Name], a.Name)
			require.NotContains(t, v, a.Name+".engine", "said only where it is another one")
		}
	}
}

func TestADirectoryWithoutNetworksIsRefusedWithAHint(t *testing.T) {
	_, err := eyes.Open(t.TempDir())
	require.ErrorIs(t, err, models.ErrModel)
	require.ErrorContains(t, err, manifest.Hint)
}

func TestTheAgeOfTheLargestFaceIsToldWhereItIsAskedFor(t *testing.T) {
	x, err := engine(t).Examine(ctx, []models.Frame{half, people(t)}, models.Looks{Age: true})
	require.NoError(t, err)
	require.NotNil(t, x.Age)
	require.Less(t, x.Age.Low, x.Age.High)
	x, err = engine(t).Examine(ctx, []models.Frame{people(t)}, models.Looks{Barcode: true})
	require.NoError(t, err)
	require.Nil(t, x.Age, "not asked for")
	x, err = engine(t).Examine(ctx, []models.Frame{plain(90)}, models.Looks{Age: true})
	require.NoError(t, err)
	require.Nil(t, x.Age, "nobody is there")
}
