package agent

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent/calibration"
	"vestibule/agent/store"
	"vestibule/hardware/camera/replay"
	"vestibule/hardware/camera/v4l2"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face"
)

// noisy makes a scripted camera give another picture each time, when it comes.
func noisy(t *testing.T, c *scriptedCamera) {
	rnd := rand.New(rand.NewPCG(1, 2))
	c.OnFrame = func(int, int) error {
		img := image.NewGray(image.Rect(0, 0, 64, 48))
		for i := range img.Pix {
			img.Pix[i] = 120 + byte(rnd.IntN(4))
		}
		img.Set(1, 1, color.White)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, nil); err != nil {
			return err
		}
		c.Picture = b.Bytes()
		time.Sleep(time.Duration(rnd.IntN(3000)) * time.Microsecond)
		return nil
	}
}

// asked is a scripted camera that says what it is.
type asked struct {
	*scriptedCamera
	info v4l2.Info
}

func (a asked) Info() (v4l2.Info, error) { return a.info, nil }

func TestPicturesThatDoNotComeFromACameraStopTheVisitWherePolicySaysSo(t *testing.T) {
	uvc := v4l2.Info{Driver: "uvcvideo", Card: "HD Webcam", Bus: "usb-1"}
	for name, c := range map[string]struct {
		arrange  func(*testing.T, *Config, *scriptedCamera)
		passes   bool
		findings string
	}{
		"one picture over and over": {func(_ *testing.T, cfg *Config, f *scriptedCamera) {
			cfg.FaceCamera = asked{f, uvc}
		}, false, "still-picture regular-times"},
		"a film in a loop": {func(t *testing.T, cfg *Config, f *scriptedCamera) {
			noisy(t, f)
			dir := t.TempDir()
			for i := range 4 {
				require.NoError(t, f.OnFrame(1, i))
				require.NoError(t, os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".jpg"), f.Picture, 0o600))
			}
			cfg.FaceCamera = replay.New(dir, replay.Options{})
		}, false, "looped-frames unknown-camera"},
		"a camera": {func(t *testing.T, cfg *Config, f *scriptedCamera) {
			noisy(t, f)
			cfg.FaceCamera = asked{f, uvc}
			cfg.Policy.Liveness.Cameras = []string{"face-camera"}
		}, true, ""},
		"a camera that does not say what it is": {func(t *testing.T, _ *Config, f *scriptedCamera) { noisy(t, f) }, true, "unknown-camera"},
		"a camera that is not on the list": {func(t *testing.T, cfg *Config, f *scriptedCamera) {
			noisy(t, f)
			cfg.FaceCamera = asked{f, uvc}
			cfg.Policy.Liveness.Cameras = []string{"another"}
		}, false, "unlisted-camera"},
		"a film behind a virtual camera": {func(t *testing.T, cfg *Config, f *scriptedCamera) {
			noisy(t, f)
			cfg.FaceCamera = asked{f, v4l2.Info{Driver: "v4l2 loopback", Card: "HD Webcam"}}
		}, false, "virtual-camera"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t, func(cfg *Config) { cfg.Policy.Liveness.Injection = true })
				c.arrange(t, &b.cfg, b.face)
				b.start()
				s := b.to(StepResult)
				assert.Equal(t, c.passes, !s.Outcome.Exhausted)
				events := b.journal()
				ev := find(t, events, journey.KioskInjectionCheck)
				assert.Equal(t, c.findings, ev.Detail["findings"])
				last := b.snapshots()
				sub := last[len(last)-1]
				if c.passes {
					assert.Equal(t, journey.Pass, ev.Result)
					assert.GreaterOrEqual(t, sub.Liveness.Score, 50.0)
				} else {
					assert.Equal(t, journey.Fail, ev.Result)
					assert.Equal(t, journey.Step2RetryLivenessFail, ev.Code)
					assert.Equal(t, 3, count(events, journey.KioskInjectionCheck))
					assert.Less(t, sub.Liveness.Score, 50.0)
				}
				b.halt(nil)
			})
		})
	}
}

func TestACalibrationIsUsedAndToldWhereItFits(t *testing.T) {
	made := func() *calibration.Calibration {
		return &calibration.Calibration{
			Kiosk: "k1", Camera: "face-camera", Made: today, Live: 20, Attack: 20,
			Head:   face.Head{Model: "000000000001", Bias: -1, Weights: []float64{1}},
			Before: calibration.Rates{EER: .12}, After: calibration.Rates{EER: .03},
		}
	}
	for name, c := range map[string]struct {
		change func(*calibration.Calibration)
		used   bool
		why    string
	}{
		"it fits":              {func(*calibration.Calibration) {}, true, ""},
		"another camera":       {func(c *calibration.Calibration) { c.Camera = "old" }, false, "other-camera"},
		"another network":      {func(c *calibration.Calibration) { c.Head.Model = "x" }, false, "other-network"},
		"there is none at all": {nil, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t)
				b.engine.OnFace = func(int, time.Time) (models.Face, error) {
					f := goodFace()
					f.Live, f.LiveModel, f.LiveFeatures = .5, "000000000001", []float32{3}
					return f, nil
				}
				if c.change != nil {
					b.cfg.Calibration = made()
					c.change(b.cfg.Calibration)
				}
				b.start()
				b.to(StepResult)
				subs := b.snapshots()
				l := subs[len(subs)-1].Liveness
				assert.Equal(t, c.used, l.Calibrated)
				if c.used {
					assert.InDelta(t, 88, l.Passive, .2, "σ(0 − 1 + 3)")
				} else {
					assert.InDelta(t, 50, l.Passive, .01)
				}
				own := b.journalOf(store.OwnJournal)
				if c.change == nil {
					assert.Zero(t, count(own, journey.KioskLivenessHead))
				} else {
					ev := find(t, own, journey.KioskLivenessHead)
					assert.Equal(t, c.why, ev.Detail["why"])
					assert.Equal(t, "12.0", ev.Detail["eerBefore"])
					assert.Equal(t, "3.0", ev.Detail["eerAfter"])
					want := journey.Pass
					if !c.used {
						want = journey.Skipped
					}
					require.Equal(t, want, ev.Result)
				}
				b.halt(nil)
			})
		})
	}
}
