package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"vestibule/agent"
	"vestibule/agent/calibration"
	"vestibule/agent/capture"
	"vestibule/hardware/camera"
	"vestibule/models"
	"vestibule/models/face/calibrate"
	"vestibule/models/worker"
	"vestibule/sync/identity"
)

// Bounds of a session.
const (
	mostClips  = 500
	clipFrames = 6 // measured of a clip; five must be good
)

// calibrateCamera records clips of living people and of attacks on this kiosk's face
// camera, fits the liveness check to them and keeps the fit, signed. The clips are
// looked at and forgotten: nothing of them is written anywhere.
func calibrateCamera(args []string, in io.Reader, out, errs io.Writer) int {
	var (
		s       settings
		f       = flag.NewFlagSet("kiosk-ui calibrate", flag.ContinueOnError)
		live    = f.Int("live", calibrate.MinClips, "how many `clips` of living people; several people, several lights")
		attack  = f.Int("attack", calibrate.MinClips, "how many `clips` of attacks; every kind that is to be found: prints, telephones, tablets, masks")
		plot    = f.String("plot", "", "write the curves before and after to this SVG `file`")
		patient = f.Duration("wait", 30*time.Second, "how long a clip waits for a face")
	)
	f.StringVar(&s.data, "data", "", "`folder` of the kiosk's database, where the calibration is kept (needed)")
	f.StringVar(&s.bundle, "bundle", "", "`folder` of the kiosk's enrolment, whose key signs it (needed)")
	f.StringVar(&s.face, "camera-face", "none", "camera that sees faces: /dev/videoN or replay:PATH")
	f.StringVar(&s.models, "models", "", "`folder` of the trained networks (default: as set up by make models)")
	f.BoolVar(&s.verbose, "verbose", false, "log more")
	if code, stop := parse(f, args, errs); stop {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := func() error {
		if *live < calibrate.MinClips || *attack < calibrate.MinClips || *live > mostClips || *attack > mostClips {
			return tooFew(exitUsage, nil)
		}
		o := &session{in: bufio.NewScanner(in), out: out, wait: *patient}
		kiosk, signer, err := o.open(ctx, &s, errs)
		if err != nil {
			return err
		}
		defer o.engine.Close()
		clips, err := o.record(ctx, *live, *attack)
		if err != nil {
			return err
		}
		r, err := calibrate.Fit(ctx, clips)
		if errors.Is(err, calibrate.ErrTooFew) {
			return tooFew(exitFailed, err)
		}
		if err != nil {
			return err
		}
		_, _ = fmt.Fprint(out, "\n", r.Text())
		if *plot != "" {
			if err := writePlot(*plot, r); err != nil {
				return err
			}
			_, _ = fmt.Fprintln(out, "curves written to", *plot)
		}
		if !r.Better() {
			return &fault{&agent.Problem{Code: "calibration_no_better", Message: "The calibration would not be better than the network alone; nothing was changed.", Hint: "Record more clips, of more people and of every kind of attack, in the light the kiosk stands in."}, exitFailed, nil}
		}
		if err := calibration.Save(s.data, calibration.Of(r, kiosk, o.camera.Name(), time.Now()), signer, rand.Reader); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "kept in %s; the kiosk uses it from its next start\n", filepath.Join(s.data, calibration.File))
		return nil
	}()
	if err != nil {
		return report(errs, err)
	}
	return exitDone
}

func tooFew(code int, cause error) error {
	return &fault{&agent.Problem{
		Code:    "calibration_too_few",
		Message: fmt.Sprintf("At least %d clips of living people and %d of attacks are needed (at most %d): with fewer, even a check without one error could not be told from the network alone.", calibrate.MinClips, calibrate.MinClips, mostClips),
		Hint:    "Give more with --live and --attack.",
	}, code, cause}
}

// loadCalibration reads this kiosk's calibration; nil: there is none. One that was not
// made here is refused, and the kiosk with it: somebody was at its files.
func loadCalibration(data string, b *identity.Bundle) (*calibration.Calibration, error) {
	bad := func(err error) error {
		return &fault{&agent.Problem{Code: "calibration_invalid", Message: "The calibration of the liveness check is not this kiosk's own, or was altered.", Hint: "Look who had access; then delete " + calibration.File + " in the data folder and calibrate again."}, exitConfig, err}
	}
	key, ok := b.Signer().Public().(*ecdsa.PublicKey)
	if !ok {
		return nil, bad(errors.New("the kiosk's key is of another kind"))
	}
	c, err := calibration.Load(data, b.Name, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, bad(err)
	}
	return c, nil
}

func writePlot(path string, r calibrate.Result) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the plot: %w", err)
	}
	return errors.Join(r.SVG(f), f.Close())
}

// session is one operator before one camera.
type session struct {
	in     *bufio.Scanner
	out    io.Writer
	wait   time.Duration
	camera camera.Camera
	engine models.Engine
}

// open brings enrolment, camera and vision up.
func (o *session) open(ctx context.Context, s *settings, errs io.Writer) (kiosk string, signer crypto.Signer, err error) {
	if s.data == "" {
		return "", nil, &fault{&agent.Problem{Code: "data_missing", Message: "No folder for the kiosk's records was named.", Hint: "Give one with --data."}, exitUsage, nil}
	}
	if s.bundle == "" {
		return "", nil, noBundle(errors.New("no --bundle was given"))
	}
	b, err := identity.LoadBundle(s.bundle)
	if err != nil {
		return "", nil, noBundle(err)
	}
	if o.camera, err = lens(s.face); err != nil {
		return "", nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, fmt.Errorf("find this program: %w", err)
	}
	o.engine, err = worker.Start(ctx, worker.Config{Command: []string{self, "worker"}, ModelsDir: s.models, Log: s.logger(errs)})
	if err != nil {
		return "", nil, noVision(err)
	}
	return b.Name, b.Signer(), nil
}

// record asks for all clips, living people first.
func (o *session) record(ctx context.Context, live, attack int) ([]calibrate.Clip, error) {
	_, _ = fmt.Fprintf(o.out, "%d clips of living people, then %d of attacks. Change the person, the attack and the distance often.\n", live, attack)
	var clips []calibrate.Clip
	for i := range live + attack {
		c := calibrate.Clip{Live: i < live}
		what, n, of := "a living person looks into the camera", i+1, live
		if !c.Live {
			what, n, of = "an attack is held before the camera", i+1-live, attack
		}
		for { // as often as the operator likes: a session's other clips are not to be lost

			_, _ = fmt.Fprintf(o.out, "clip %d of %d: %s, then Enter ", n, of, what)
			if !o.in.Scan() {
				return nil, &fault{&agent.Problem{Code: "calibration_stopped", Message: "The session ended before all clips were recorded; nothing was changed.", Hint: "Begin anew."}, exitFailed, o.in.Err()}
			}
			hint, err := o.clip(ctx, &c)
			if err != nil {
				return nil, err
			}
			if c.Usable() {
				_, _ = fmt.Fprintln(o.out, "… taken")
				break
			}
			_, _ = fmt.Fprintf(o.out, "… not usable (%s): one face, near enough, straight and in the light\n", cmp.Or(hint, "too few good frames"))
		}
		clips = append(clips, c)
	}
	return clips, nil
}

// clip takes one clip the way a visit takes a selfie. The hint is the last thing that
// was wrong with it.
func (o *session) clip(ctx context.Context, c *calibrate.Clip) (hint models.HintCode, err error) {
	c.Frames = nil
	limited, cancel := context.WithTimeout(ctx, o.wait)
	defer cancel()
	p, err := capture.Face(limited, capture.Rig{
		Camera: o.camera, Role: camera.RoleFace, Engine: o.engine,
		Tell: func(r capture.Report) {
			if l, ok := r.(capture.Live); ok && l.Hint != models.HintNone {
				hint = l.Hint
			}
		},
		Options: capture.Options{LookFPS: 30, OpenLimit: o.wait},
	}, capture.Selfie{Frames: clipFrames})
	var lost *capture.Failure
	switch {
	case err == nil:
		c.Frames = p.Faces
	case errors.As(err, &lost):
		return "", &fault{&agent.Problem{Code: lost.Code, Message: "The face camera or the vision worker does not work.", Hint: "Look at the cable and the name given with --camera-face."}, exitFailed, err}
	case ctx.Err() != nil:
		return "", ctx.Err()
	} // else: nobody came in time, and the clip stays empty
	return hint, nil
}
