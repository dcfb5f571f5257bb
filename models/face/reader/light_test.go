package reader

import (
	"image"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/picture"
)

func TestALiveFrameTellsWhatItsLivenessWasDecidedOn(t *testing.T) {
	a, b := read(t, womanAgain), read(t, man)
	require.Len(t, a.LiveFeatures, 2*liveFeatureSize)
	require.NotEqual(t, a.LiveFeatures, b.LiveFeatures)
	require.NotEmpty(t, a.LiveModel)
	require.NotEqual(t, a.Model, a.LiveModel)
	m := selfie(t, man, 0.4)
	defer m.Close()
	p, err := reader(t).Portrait(m)
	require.NoError(t, err)
	require.Empty(t, p.LiveFeatures, "a printed portrait is not asked whether it lives")
	require.Empty(t, p.Sensor.Cells)
}

func TestTheSkinsColourFollowsTheLightAndTheWallsIsItsOwn(t *testing.T) {
	m := selfie(t, womanAgain, 0.4)
	defer m.Close()
	at, err := reader(t).Find(m)
	require.NoError(t, err)
	require.NotEmpty(t, at)
	plain, err := reader(t).At(m, at[0])
	require.NoError(t, err)
	require.Greater(t, plain.Light.Skin[0], plain.Light.Skin[2], "skin is redder than blue")
	require.Greater(t, plain.Light.Around[2], 100.0)
	// Less blue in the light on everything: both follow, in the blue alone.
	warm := gocv.NewMat()
	defer warm.Close()
	chans := gocv.Split(m)
	dim := gocv.NewMat()
	chans[0].ConvertToWithParams(&dim, gocv.MatTypeCV8UC1, .8, 0)
	chans[0].Close()
	chans[0] = dim
	gocv.Merge(chans, &warm)
	for _, c := range chans {
		c.Close()
	}
	lit, err := reader(t).At(warm, at[0])
	require.NoError(t, err)
	// The landmarks move a little with the light, and the skin's place with them.
	require.InDelta(t, .8, lit.Light.Skin[2]/plain.Light.Skin[2], .07)
	require.InDelta(t, .8, lit.Light.Around[2]/plain.Light.Around[2], .03)
	require.InDelta(t, 1, lit.Light.Skin[0]/plain.Light.Skin[0], .03)
}

func TestAHeadThatFillsThePictureHasNothingBesideIt(t *testing.T) {
	m := selfie(t, man, 1.0)
	defer m.Close()
	tight, err := picture.Crop(m, image.Rect(420, 0, 860, 720))
	require.NoError(t, err)
	defer tight.Close()
	f, err := reader(t).Read(tight)
	require.NoError(t, err)
	require.True(t, f.Found)
	require.Zero(t, f.Light.Around)
	require.NotZero(t, f.Light.Skin)
}

func TestTheSensorsCellsAreFinerThanAGreyLevel(t *testing.T) {
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(100, 100, 100, 0), 720, 1280, gocv.MatTypeCV8UC3)
	defer m.Close()
	a, err := sensor(m)
	require.NoError(t, err)
	require.Len(t, a.Cells, models.SensorColumns*models.SensorRows)
	require.Len(t, a.Patches, models.SensorPatches*models.SensorSide*models.SensorSide)
	require.Equal(t, uint16(25600), a.Cells[0])
	// One pixel in twenty of the first cell is one level brighter.
	for y := range 60 {
		for x := 0; x < 80; x += 20 {
			p := m.Region(image.Rect(x, y, x+1, y+1))
			p.SetTo(gocv.NewScalar(101, 101, 101, 0))
			p.Close()
		}
	}
	b, err := sensor(m)
	require.NoError(t, err)
	require.InDelta(t, 25600+256/20, float64(b.Cells[0]), 1)
	require.Equal(t, a.Cells[1:], b.Cells[1:])
	tiny := gocv.NewMatWithSize(40, 40, gocv.MatTypeCV8UC3)
	defer tiny.Close()
	c, err := sensor(tiny)
	require.NoError(t, err)
	require.Empty(t, c.Cells)
}

func BenchmarkSensor(b *testing.B) {
	m := selfie(b, womanAgain, 0.4)
	defer m.Close()
	for b.Loop() {
		if _, err := sensor(m); err != nil {
			b.Fatal(err)
		}
	}
}
