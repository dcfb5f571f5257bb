package injection_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/face/injection"
	"vestibule/models/face/injection/simulate"
)

func codes(r injection.Result) (out []injection.Code) {
	for _, f := range r.Findings {
		out = append(out, f.Code)
	}
	return out
}

func TestWhatComesFromNoSensorIsFoundAndNamed(t *testing.T) {
	for source, want := range map[simulate.Source]injection.Code{
		simulate.Still: injection.StillPicture, simulate.Encoded: injection.StillPicture,
		simulate.Loop: injection.LoopedFrames, simulate.Recoded: injection.LoopedFrames,
		simulate.Painted: injection.NoNoise, simulate.Metro: injection.RegularTimes,
		simulate.Cast: injection.VirtualCamera, simulate.Dim: injection.RepeatedFrames,
	} {
		for seed := range uint64(5) {
			d, frames := simulate.Capture(source, 90, seed)
			r := injection.Check(d, frames, injection.Rules{})
			require.Contains(t, codes(r), want, "%s, seed %d", source, seed)
			require.Less(t, r.Score, 100.0)
			require.Equal(t, 90, r.Frames)
			require.Equal(t, 30, r.Measured)
		}
	}
	for _, source := range []simulate.Source{simulate.Still, simulate.Encoded, simulate.Loop, simulate.Recoded, simulate.Cast} {
		d, frames := simulate.Capture(source, 90, 7)
		require.Zero(t, injection.Check(d, frames, injection.Rules{}).Score, "no camera does that: %s", source)
	}
}

func TestAnOrdinaryCameraIsNotAccused(t *testing.T) {
	for _, source := range []simulate.Source{simulate.Camera, simulate.Smooth} {
		for seed := range uint64(10) {
			d, frames := simulate.Capture(source, 60, seed)
			r := injection.Check(d, frames, injection.Rules{Cameras: []string{"HD Webcam"}})
			require.Empty(t, r.Findings, "%s, seed %d", source, seed)
			require.Equal(t, 100.0, r.Score)
		}
	}
	for _, source := range []simulate.Source{simulate.Dim, simulate.Dusk} {
		d, frames := simulate.Capture(source, 60, 1)
		r := injection.Check(d, frames, injection.Rules{})
		require.NotEmpty(t, r.Findings, source)
		require.GreaterOrEqual(t, r.Score, face.PassivePass, "the dark stops nobody: %s", source)
	}
}

func TestTwoHintsOfDifferentKindsTogetherDoStop(t *testing.T) {
	d, frames := simulate.Capture(simulate.Painted, 60, 1)
	one := injection.Check(d, frames, injection.Rules{})
	require.GreaterOrEqual(t, one.Score, face.PassivePass)
	for i := range frames {
		frames[i].At = time.Unix(0, int64(i)*int64(time.Second/30))
	}
	two := injection.Check(d, frames, injection.Rules{})
	require.Contains(t, codes(two), injection.RegularTimes)
	require.Less(t, two.Score, face.PassivePass)
	// Two hints of one kind count once.
	for i := range frames {
		frames[i].At = time.Unix(0, int64(i)*int64(time.Millisecond))
	}
	three := injection.Check(d, frames, injection.Rules{})
	require.ElementsMatch(t, []injection.Code{injection.NoNoise, injection.RegularTimes, injection.BurstTimes}, codes(three))
	require.InDelta(t, two.Score, three.Score, 1e-9)
}

func TestACameraIsJudgedByWhatItCallsItself(t *testing.T) {
	uvc := injection.Device{Name: "HD Webcam", Driver: "uvcvideo", Card: "HD Webcam", Bus: "usb-1", Asked: true}
	for what, c := range map[string]struct {
		do    func(*injection.Device)
		rules injection.Rules
		want  []injection.Code
	}{
		"a webcam":                       {func(*injection.Device) {}, injection.Rules{}, nil},
		"a listed one":                   {func(*injection.Device) {}, injection.Rules{Cameras: []string{"x", "HD Webcam"}}, nil},
		"an unlisted one":                {func(*injection.Device) {}, injection.Rules{Cameras: []string{"x"}}, []injection.Code{injection.UnlistedCamera}},
		"a loopback device":              {func(d *injection.Device) { d.Driver = "v4l2 loopback" }, injection.Rules{}, []injection.Code{injection.VirtualCamera}},
		"one that hides its driver":      {func(d *injection.Device) { d.Bus = "platform:v4l2loopback-000" }, injection.Rules{}, []injection.Code{injection.VirtualCamera}},
		"one with a name of the trade":   {func(d *injection.Device) { d.Card = "OBS Virtual Camera" }, injection.Rules{}, []injection.Code{injection.VirtualCamera}},
		"what the driver's list knows":   {func(d *injection.Device) { d.Virtual = true }, injection.Rules{}, []injection.Code{injection.VirtualCamera}},
		"one that says nothing":          {func(d *injection.Device) { d.Asked = false }, injection.Rules{}, []injection.Code{injection.UnknownCamera}},
		"a listed one is still software": {func(d *injection.Device) { d.Driver = "vivid" }, injection.Rules{Cameras: []string{"HD Webcam"}}, []injection.Code{injection.VirtualCamera}},
	} {
		d := uvc
		c.do(&d)
		require.Equal(t, c.want, codes(injection.Check(d, nil, c.rules)), what)
	}
}

func TestTooFewFramesAreNoPass(t *testing.T) {
	d, frames := simulate.Capture(simulate.Camera, injection.MinFrames-1, 1)
	r := injection.Check(d, frames, injection.Rules{}).Reading(true)
	require.False(t, r.Ran)
	require.Equal(t, []string{face.WhyTooFewFrames}, r.Why)
	require.Zero(t, face.Fuse(face.Reading{Signal: face.SignalPassive, Ran: true, Score: 90}, r).Score)
	d, frames = simulate.Capture(simulate.Camera, injection.MinFrames, 1)
	require.True(t, injection.Check(d, frames, injection.Rules{}).Reading(true).Ran)
	d.Virtual = true
	r = injection.Check(d, nil, injection.Rules{}).Reading(true)
	require.True(t, r.Ran, "what the device is needs no frames")
	require.Equal(t, []string{string(injection.VirtualCamera)}, r.Why)
}

func TestACoveredLensIsNoLoop(t *testing.T) {
	d, frames := simulate.Capture(simulate.Camera, 60, 3)
	for _, i := range []int{5, 20, 40, 41, 50} { // the same black picture, now and then
		frames[i].Hash, frames[i].Sensor = 1, models.Sensor{}
	}
	require.NotContains(t, codes(injection.Check(d, frames, injection.Rules{})), injection.LoopedFrames)
}

func TestWhateverIsGivenTheScoreIsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frame := rapid.Custom(func(t *rapid.T) injection.Frame {
			return injection.Frame{
				At: time.Unix(0, rapid.Int64().Draw(t, "at")), Hash: rapid.Uint64Range(0, 5).Draw(t, "hash"),
				Measured: rapid.Bool().Draw(t, "measured"),
				Sensor:   models.Sensor{Cells: rapid.SliceOfN(rapid.Uint16(), 0, 3).Draw(t, "cells"), Patches: rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "patches")},
			}
		})
		r := injection.Check(injection.Device{}, rapid.SliceOfN(frame, 0, 30).Draw(t, "frames"), injection.Rules{})
		require.True(t, r.Score >= 0 && r.Score <= 100)
	})
}

func BenchmarkCheck(b *testing.B) {
	d, frames := simulate.Capture(simulate.Camera, 300, 1)
	for b.Loop() {
		injection.Check(d, frames, injection.Rules{})
	}
}
