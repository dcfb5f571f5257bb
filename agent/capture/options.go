package capture

import (
	"context"
	"errors"
	"image"
	"time"

	"vestibule/hardware/camera"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face/flash"
)

// Options are the times and sizes of a capture. The zero value of a field means its default.
type Options struct {
	Mode       camera.Mode   // asked of the camera, default 1280×720 at 30
	Preview    image.Point   // largest live picture, default 640×480
	PreviewFPS int           // default 15
	LookFPS    int           // looks a second, default 10
	HandAfter  time.Duration // the hand shutter is offered, default 20 s
	HintHold   time.Duration // a hint stays, default 1.5 s
	OpenLimit  time.Duration // opening a camera until its first frame, default 5 s
	Reopen     int           // tries to bring a lost camera back, default 3
	ReopenWait time.Duration // between them, default 1 s
	HealLimit  time.Duration // the engine must answer again within, default 15 s
	BlackLimit time.Duration // a camera that sees nothing at all for so long is reported, default 10 s
	CallLimit  time.Duration // one call of the engine, default 5 s
	Now        func() time.Time
}

// WithDefaults fills what is zero.
func (o Options) WithDefaults() Options {
	if o.Mode == (camera.Mode{}) {
		o.Mode = camera.Mode{Width: 1280, Height: 720, FPS: 30}
	}
	if o.Preview == (image.Point{}) {
		o.Preview = image.Pt(640, 480)
	}
	number := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	number(&o.PreviewFPS, 15)
	number(&o.LookFPS, 10)
	number(&o.Reopen, 3)
	span := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	span(&o.HandAfter, 20*time.Second)
	span(&o.HintHold, 1500*time.Millisecond)
	span(&o.OpenLimit, 5*time.Second)
	span(&o.ReopenWait, time.Second)
	span(&o.HealLimit, 15*time.Second)
	span(&o.BlackLimit, 10*time.Second)
	span(&o.CallLimit, 5*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Previewer is what an engine may offer besides: making the live picture where
// pixels are decoded anyway. No picture and no error means that this frame is
// left out, because there is more urgent work. When it fails, or is not offered,
// the picture is decoded here, in Go.
type Previewer interface {
	Preview(ctx context.Context, f models.Frame, width, height int) (*image.NRGBA, error)
}

// Rig is what a capture works with.
type Rig struct {
	Camera camera.Camera
	Role   camera.Role
	Engine models.Engine
	// Show takes live pictures. It must not block.
	Show func(p *image.NRGBA, seq uint64, at time.Time)
	// Tell takes what happens, in order. It may block; the capture waits.
	Tell func(Report)
	// Turned says that the document has to be turned over first: until something
	// moves, the picture is not taken by itself (for turnLimit).
	Turned bool
	// Tilt asks to tilt the document after its picture was taken: what shimmers on it changes then.
	Tilt bool
	// Shutter fires when the picture is to be taken now.
	Shutter <-chan struct{}
	Options Options
}

// Report is something that happened during a capture.
type Report interface{ report() }

// The reports.
type (
	// Activated says that the camera delivered its first frame.
	Activated struct {
		Camera  string // name of the device
		Mode    camera.Mode
		Asked   time.Time
		At      time.Time
		Reopens int // 0: first opening
	}
	// Stalled says that frames stopped coming; the camera is opened anew.
	Stalled struct {
		Code string // of the Failure that threatens
		At   time.Time
	}
	// EngineLost says that the vision engine does not answer; looks are tried again.
	EngineLost struct{ At time.Time }
	// EngineBack says that it answers again.
	EngineBack struct{ Since, At time.Time }
	// Live is what the live picture shows.
	Live struct {
		Hint     models.HintCode // steady: for people
		Outline  *models.Quad
		Face     *models.Box
		Progress float64 // 0..1 towards the automatic picture
		ByHand   bool
		Present  bool // something of a person's is in view
	}
	// Asked says that a movement is asked for now.
	Asked struct {
		Challenge journey.Challenge
		At        time.Time
	}
	// Moved says how a movement went.
	Moved struct {
		Challenge journey.Challenge
		Done      bool
		Failed    string // code when not done
		Started   time.Time
		Ended     time.Time
	}
	// LightsAsked says that the person is asked whether the screen may change its colours.
	LightsAsked struct{ At time.Time }
	// LightsOn says that the screen is to show a plan's colours now.
	LightsOn struct {
		Plan flash.Plan
		At   time.Time
	}
	// LightsOver says that question and colours go off the screen.
	LightsOver struct{ At time.Time }
)

func (Activated) report()  {}
func (Stalled) report()    {}
func (EngineLost) report() {}
func (EngineBack) report() {}
func (Live) report()       {}
func (Asked) report()      {}
func (Moved) report()      {}

func (LightsAsked) report() {}
func (LightsOn) report()    {}
func (LightsOver) report()  {}

// Failure is what ended a capture for good.
type Failure struct {
	Code string // camera_missing, camera_denied, camera_gone, camera_stalled, camera_format, camera_failed, camera_black, worker_lost, model_missing
	Err  error
}

func (f *Failure) Error() string { return "capture: " + f.Code + ": " + f.Err.Error() }

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

// codeOf names what a camera's error means for people.
func codeOf(err error) string {
	switch {
	case errors.Is(err, camera.ErrMissing):
		return "camera_missing"
	case errors.Is(err, camera.ErrDenied):
		return "camera_denied"
	case errors.Is(err, camera.ErrGone):
		return "camera_gone"
	case errors.Is(err, camera.ErrFormat):
		return "camera_format"
	case errors.Is(err, camera.ErrStalled), errors.Is(err, context.DeadlineExceeded):
		return "camera_stalled"
	}
	return "camera_failed"
}

// Fail names a camera's error.
func Fail(err error) *Failure { return &Failure{Code: codeOf(err), Err: err} }
