// Package reader measures the faces in a picture with trained networks.
//
// What may live here: the exact processing each network was trained for, and
// turning its numbers into a models.Face. What may not: judging over time
// (package face), decoding frames (package picture).
package reader

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/manifest"
	"vestibule/models/onnx"
	"vestibule/models/picture"
)

// The networks by their names in the manifest.
const (
	netDetect   = "face-detect"
	netLandmark = "face-landmark"
	netFeature  = "face-feature"
	netLiveness = "face-liveness"
	netPose     = "face-pose"
	netEye      = "face-eye"
	netAge      = "face-age" // where it was fetched
)

// Reader measures faces. It is safe for use by several goroutines.
type Reader struct {
	nets map[string]*onnx.Network
	pool pool
}

// Open loads the networks from a models directory after verifying each. The one for the
// age may be missing; then Age finds nothing. One that was altered is refused like any other.
// Without ONNX Runtime, or with one that is not the manifest's, OpenCV runs all but the one
// for the age; Engines tells.
func Open(dir string) (_ *Reader, err error) {
	m, err := manifest.Load()
	if err != nil {
		return nil, err
	}
	lib, without := m.Path(dir, "onnxruntime")
	r := &Reader{nets: map[string]*onnx.Network{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	for _, name := range []string{netDetect, netLandmark, netFeature, netLiveness, netPose, netEye, netAge} {
		b, err := m.Read(dir, name)
		if name == netAge && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// Measured on one core: the template network takes 27 ms with its layout
		// kept and 95 ms without, the others are faster without.
		asset, err := m.Find(name)
		if err != nil {
			return nil, err
		}
		o := onnx.Options{
			Library: lib, Without: without, Engine: asset.Engine, OpenCV: asset.OpenCV,
			KeepLayout: name == netFeature, Outputs: outputs(name),
		}
		if name == netLiveness {
			o.Taps = []onnx.Info{{Name: liveFeatures, Shape: []int64{1, liveFeatureSize}}}
		}
		if name == netAge && r.nets[netDetect].Engine() != string(manifest.ONNXRuntime) && !o.OpenCV {
			continue // it wants ONNX Runtime, which is not there
		}
		n, err := onnx.New(name, b, o)
		if err != nil {
			return nil, err
		}
		r.nets[name] = n
		for i, out := range n.Outputs() {
			if i < len(o.Outputs) && out.Name != o.Outputs[i] {
				return nil, fmt.Errorf("%w: network %s lists output %q where %q was expected", models.ErrModel, name, out.Name, o.Outputs[i])
			}
		}
	}
	return r, nil
}

// outputs are those of a network that are read, in the network's own order.
func outputs(net string) []string {
	switch net {
	case netDetect:
		return []string{"scores", "boxes"}
	case netPose:
		return []string{"output", "617", "618"} // yaw, pitch, roll
	case netAge:
		return []string{"age_pred/Softmax"}
	}
	return []string{"output"}
}

// Versions names the networks: manifest name → version.
func (r *Reader) Versions() map[string]string {
	v := map[string]string{}
	for name, n := range r.nets {
		v[name] = n.Version()
	}
	return v
}

// Engines says what runs each network: manifest name → engine.
func (r *Reader) Engines() map[string]string {
	v := map[string]string{}
	for name, n := range r.nets {
		v[name] = n.Engine()
	}
	return v
}

// Close frees the networks.
func (r *Reader) Close() error {
	err := r.pool.close()
	for _, n := range r.nets {
		err = errors.Join(err, n.Close())
	}
	return err
}

// run feeds a picture to a network, as planes of (value − mean) × scale (picture.Planes),
// and lets use read what comes out, in the network's order.
func (r *Reader) run(net string, m gocv.Mat, rgb bool, mean, scale []float32, use func(out [][]float32) error) error {
	return r.nets[net].RunOn(func(in []float32) error { return picture.PlanesInto(in, m, rgb, mean, scale) }, use)
}

// Detection is one found face.
type Detection struct {
	Box   models.Box // in parts of the picture; may reach beyond it
	Score float64
}

// Detector's geometry and thresholds.
const (
	detectW, detectH = 320, 240
	detectScore      = 0.6
	detectOverlap    = 0.4
	border           = 0.3 // of the picture's size, on each side, for the second look
)

// Find returns the faces in a BGR picture, largest first. A face that fills the
// picture is missed by the detector, so an empty result is tried once more
// with a black border.
func (r *Reader) Find(m gocv.Mat) ([]Detection, error) {
	if err := picture.BGR(m); err != nil {
		return nil, err
	}
	s := r.pool.take()
	defer r.pool.give(s)
	return r.find(&s.lanes[0], m)
}

func (r *Reader) find(l *lane, m gocv.Mat) ([]Detection, error) {
	whole, err := l.cut(m, image.Rect(0, 0, m.Cols(), m.Rows()), detectW, detectH)
	if err != nil {
		return nil, err
	}
	found, err := r.detect(whole)
	if err != nil || len(found) > 0 {
		return found, err
	}
	const s = 1 + 2*border
	w, h := int(math.Round(detectW/s)), int(math.Round(detectH/s))
	small, err := l.cut(m, image.Rect(0, 0, m.Cols(), m.Rows()), w, h)
	if err != nil {
		return nil, err
	}
	x, y := (detectW-w)/2, (detectH-h)/2
	gocv.CopyMakeBorder(small, &l.part, y, detectH-h-y, x, detectW-w-x, gocv.BorderConstant, color.RGBA{})
	found, err = r.detect(l.part)
	for i := range found {
		b := &found[i].Box
		b.X1, b.X2 = (b.X1*detectW-float64(x))/float64(w), (b.X2*detectW-float64(x))/float64(w)
		b.Y1, b.Y2 = (b.Y1*detectH-float64(y))/float64(h), (b.Y2*detectH-float64(y))/float64(h)
	}
	return found, err
}

// detect runs the detector on a picture of exactly its size.
func (r *Reader) detect(m gocv.Mat) ([]Detection, error) {
	var all []Detection
	err := r.run(netDetect, m, true, []float32{127}, []float32{1.0 / 128}, func(out [][]float32) error {
		scores, boxes := out[0], out[1]
		if len(scores)/2 != len(boxes)/4 {
			return fmt.Errorf("%w: detector gave %d scores for %d boxes", models.ErrModel, len(scores)/2, len(boxes)/4)
		}
		for i := range len(boxes) / 4 {
			if s := float64(scores[2*i+1]); s > detectScore {
				b := boxes[4*i : 4*i+4]
				d := Detection{Score: s, Box: models.Box{X1: float64(b[0]), Y1: float64(b[1]), X2: float64(b[2]), Y2: float64(b[3])}}
				if d.Box.X2 > d.Box.X1 && d.Box.Y2 > d.Box.Y1 && !math.IsNaN(d.Box.X1+d.Box.Y1+d.Box.X2+d.Box.Y2) {
					all = append(all, d)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return suppress(all), nil
}

// Glance looks for faces and judges size, place and light, nothing that needs
// another network.
func (r *Reader) Glance(m gocv.Mat) (models.Glance, error) {
	found, err := r.Find(m)
	if err != nil {
		return models.Glance{}, err
	}
	g := models.Glance{Width: m.Cols(), Height: m.Rows(), Faces: count(found)}
	if len(found) == 0 {
		if g.Quality.Luma, err = luma(m, image.Rect(0, 0, m.Cols(), m.Rows())); err != nil {
			return models.Glance{}, err
		}
		g.Hint = face.Hint(models.Face{}, g.Quality.Luma)
		return g, nil
	}
	b := found[0].Box
	shown := clip(b)
	g.Face = &shown
	inner := pixels(models.Box{X1: b.X1 + (b.X2-b.X1)/5, X2: b.X2 - (b.X2-b.X1)/5, Y1: b.Y1 + (b.Y2-b.Y1)/5, Y2: b.Y2 - (b.Y2-b.Y1)/10}, m)
	if g.Quality.Luma, err = luma(m, inner); err != nil {
		return models.Glance{}, err
	}
	switch {
	case g.Faces > 1:
		g.Hint = models.HintSeveralFaces
	case face.Place(b, m.Rows()) != models.HintNone:
		g.Hint = face.Place(b, m.Rows())
	case g.Quality.Luma < face.MinLuma:
		g.Hint = models.HintDark
	case g.Quality.Luma > face.MaxLuma:
		g.Hint = models.HintBright
	}
	return g, nil
}

// Read measures the largest face of a camera frame.
func (r *Reader) Read(m gocv.Mat) (models.Face, error) {
	f, err := r.measure(m, true)
	if err != nil {
		return f, err
	}
	f.Sensor, err = sensor(m)
	return f, err
}

// Portrait measures the largest face of a portrait cut out of a document:
// everything but liveness and the eyes, and only the rules that matter there.
func (r *Reader) Portrait(m gocv.Mat) (models.Face, error) {
	f, err := r.measure(m, false)
	if err != nil {
		return f, err
	}
	switch {
	case !f.Found:
		f.Hint = models.HintNoFace
	case f.Eyes < face.MinPortraitEyes:
		f.Hint = models.HintEyesClose
	default:
		f.Hint = models.HintNone
	}
	return f, nil
}

// At measures one of the faces that Find returned, as a camera frame's only one.
func (r *Reader) At(m gocv.Mat, d Detection) (models.Face, error) {
	if err := picture.BGR(m); err != nil {
		return models.Face{}, err
	}
	s := r.pool.take()
	defer r.pool.give(s)
	return r.measureAt(s, m, d, 1, true)
}

func (r *Reader) measure(m gocv.Mat, live bool) (models.Face, error) {
	if err := picture.BGR(m); err != nil {
		return models.Face{}, err
	}
	s := r.pool.take()
	defer r.pool.give(s)
	found, err := r.find(&s.lanes[0], m)
	if err != nil {
		return models.Face{}, err
	}
	if len(found) == 0 {
		f := r.nothing(m, 0)
		l, err := luma(m, image.Rect(0, 0, m.Cols(), m.Rows()))
		f.Hint = face.Hint(f, l)
		return f, err
	}
	return r.measureAt(s, m, found[0], count(found), live)
}

// nothing is a measurement before anything was measured.
func (r *Reader) nothing(m gocv.Mat, faces int) models.Face {
	return models.Face{Width: m.Cols(), Height: m.Rows(), Faces: faces, EyesOpen: -1, Model: r.nets[netFeature].Version()}
}

func (r *Reader) measureAt(s *scratch, m gocv.Mat, d Detection, faces int, live bool) (models.Face, error) {
	f := r.nothing(m, faces)
	f.Found, f.Box, f.Score = true, clip(d.Box), d.Score
	var err error
	if f.Points, err = r.landmarks(&s.lanes[0], m, d.Box); err != nil {
		return f, err
	}
	five := face.FivePoints(f.Points)
	f.Eyes = math.Hypot((five[1].X-five[0].X)*float64(f.Width), (five[1].Y-five[0].Y)*float64(f.Height))
	if err := s.align(m, five); err != nil {
		return f, err
	}
	// The template is half of the work and what follows the other half: a second core,
	// where there is one, shortens the wait.
	var t turn
	var blind error
	done := make(chan struct{})
	points := &f.Points
	go func() {
		defer close(done)
		t, blind = r.turn(&s.lanes[1], m, d.Box, points, live)
	}()
	f.Sharpness, f.Luma = s.sharpness(m)
	template, err := r.template(s)
	detail, wrong := s.detail(&f)
	<-done // before anything is given back
	if err := errors.Join(err, wrong, blind); err != nil {
		return f, err
	}
	f.Template, f.Detail = template, detail
	f.Yaw, f.Pitch, f.Roll, f.Live, f.EyesOpen = t.yaw, t.pitch, t.roll, t.live, t.eyes
	if live {
		f.LiveFeatures, f.LiveModel = t.features, r.nets[netLiveness].Version()
		if f.Light, err = light(m, s.aligned, d.Box); err != nil {
			return f, err
		}
	}
	f.Quality = face.Quality(f)
	f.Hint = face.Hint(f, f.Luma)
	return f, nil
}

// turn is what one lane measures while the other makes the template.
type turn struct {
	yaw, pitch, roll, live, eyes float64
	features                     []float32 // what live was decided on
}

func (r *Reader) turn(l *lane, m gocv.Mat, b models.Box, p *[68]models.Point, live bool) (t turn, err error) {
	t.eyes = -1
	if t.yaw, t.pitch, t.roll, err = r.pose(l, m, b); err != nil || !live {
		return t, err
	}
	if t.live, t.features, err = r.liveness(l, m, b); err != nil {
		return t, err
	}
	if math.Abs(t.yaw) < face.EyesOnlyBelowYw && math.Abs(t.pitch) < face.EyesOnlyBelow && math.Abs(t.roll) < face.EyesOnlyBelow {
		t.eyes, err = r.eyes(l, m, p)
	}
	return t, err
}
