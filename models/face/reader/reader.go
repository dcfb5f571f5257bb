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
)

// Reader measures faces. It is safe for use by several goroutines.
type Reader struct {
	nets map[string]*onnx.Network
}

// Open loads the six networks from a models directory after verifying each.
func Open(dir string) (_ *Reader, err error) {
	m, err := manifest.Load()
	if err != nil {
		return nil, err
	}
	lib, err := m.Path(dir, "onnxruntime")
	if err != nil {
		return nil, err
	}
	r := &Reader{nets: map[string]*onnx.Network{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	for _, name := range []string{netDetect, netLandmark, netFeature, netLiveness, netPose, netEye} {
		b, err := m.Read(dir, name)
		if err != nil {
			return nil, err
		}
		// Measured on one core: the template network takes 27 ms with its layout
		// kept and 95 ms without, the others are faster without.
		o := onnx.Options{Library: lib, KeepLayout: name == netFeature}
		if name == netLiveness {
			o.Taps = []onnx.Info{{Name: liveFeatures, Shape: []int64{1, liveFeatureSize}}}
		}
		if r.nets[name], err = onnx.New(name, b, o); err != nil {
			delete(r.nets, name)
			return nil, err
		}
	}
	return r, nil
}

// Versions names the networks: manifest name → version.
func (r *Reader) Versions() map[string]string {
	v := map[string]string{}
	for name, n := range r.nets {
		v[name] = n.Version()
	}
	return v
}

// Close frees the networks.
func (r *Reader) Close() error {
	var err error
	for _, n := range r.nets {
		err = errors.Join(err, n.Close())
	}
	return err
}

// run feeds one tensor to a network of one input.
func (r *Reader) run(net string, data []float32, shape ...int64) (map[string]onnx.Tensor, error) {
	return r.nets[net].Run(map[string]onnx.Tensor{"input": {Shape: shape, Data: data}})
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
	whole, err := picture.ResizeBy(m, detectW, detectH, gocv.InterpolationLinear)
	if err != nil {
		return nil, err
	}
	defer whole.Close()
	found, err := r.detect(whole)
	if err != nil || len(found) > 0 {
		return found, err
	}
	const s = 1 + 2*border
	w, h := int(math.Round(detectW/s)), int(math.Round(detectH/s))
	small, err := picture.ResizeBy(m, w, h, gocv.InterpolationLinear)
	if err != nil {
		return nil, err
	}
	defer small.Close()
	x, y := (detectW-w)/2, (detectH-h)/2
	framed, err := picture.Crop(small, image.Rect(-x, -y, detectW-x, detectH-y))
	if err != nil {
		return nil, err
	}
	defer framed.Close()
	found, err = r.detect(framed)
	for i := range found {
		b := &found[i].Box
		b.X1, b.X2 = (b.X1*detectW-float64(x))/float64(w), (b.X2*detectW-float64(x))/float64(w)
		b.Y1, b.Y2 = (b.Y1*detectH-float64(y))/float64(h), (b.Y2*detectH-float64(y))/float64(h)
	}
	return found, err
}

// detect runs the detector on a picture of exactly its size.
func (r *Reader) detect(m gocv.Mat) ([]Detection, error) {
	in, err := picture.Planes(m, true, []float32{127}, []float32{1.0 / 128})
	if err != nil {
		return nil, err
	}
	out, err := r.run(netDetect, in, 1, 3, detectH, detectW)
	if err != nil {
		return nil, err
	}
	scores, boxes := out["scores"].Data, out["boxes"].Data
	if len(scores)/2 != len(boxes)/4 {
		return nil, fmt.Errorf("%w: detector gave %d scores for %d boxes", models.ErrModel, len(scores)/2, len(boxes)/4)
	}
	var all []Detection
	for i := range len(boxes) / 4 {
		if s := float64(scores[2*i+1]); s > detectScore {
			b := boxes[4*i : 4*i+4]
			d := Detection{Score: s, Box: models.Box{X1: float64(b[0]), Y1: float64(b[1]), X2: float64(b[2]), Y2: float64(b[3])}}
			if d.Box.X2 > d.Box.X1 && d.Box.Y2 > d.Box.Y1 && !math.IsNaN(d.Box.X1+d.Box.Y1+d.Box.X2+d.Box.Y2) {
				all = append(all, d)
			}
		}
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
	return r.measureAt(m, d, 1, true)
}

func (r *Reader) measure(m gocv.Mat, live bool) (models.Face, error) {
	found, err := r.Find(m)
	if err != nil {
		return models.Face{}, err
	}
	if len(found) == 0 {
		f := r.nothing(m, 0)
		l, err := luma(m, image.Rect(0, 0, m.Cols(), m.Rows()))
		f.Hint = face.Hint(f, l)
		return f, err
	}
	return r.measureAt(m, found[0], count(found), live)
}

// nothing is a measurement before anything was measured.
func (r *Reader) nothing(m gocv.Mat, faces int) models.Face {
	return models.Face{Width: m.Cols(), Height: m.Rows(), Faces: faces, EyesOpen: -1, Model: r.nets[netFeature].Version()}
}

func (r *Reader) measureAt(m gocv.Mat, d Detection, faces int, live bool) (f models.Face, err error) {
	f = r.nothing(m, faces)
	f.Found, f.Box, f.Score = true, clip(d.Box), d.Score
	tight := d.Box
	if f.Points, err = r.landmarks(m, tight); err != nil {
		return f, err
	}
	five := face.FivePoints(f.Points)
	f.Eyes = math.Hypot((five[1].X-five[0].X)*float64(f.Width), (five[1].Y-five[0].Y)*float64(f.Height))
	aligned, err := align(m, five)
	if err != nil {
		return f, err
	}
	defer aligned.Close()
	if f.Template, err = r.template(aligned); err != nil {
		return f, err
	}
	if f.Sharpness, f.Luma, err = sharpness(aligned); err != nil {
		return f, err
	}
	if f.Yaw, f.Pitch, f.Roll, err = r.pose(m, tight); err != nil {
		return f, err
	}
	if live {
		if f.Live, f.LiveFeatures, err = r.liveness(m, tight); err != nil {
			return f, err
		}
		f.LiveModel = r.nets[netLiveness].Version()
		if f.Light, err = light(m, aligned, d.Box); err != nil {
			return f, err
		}
		if math.Abs(f.Yaw) < face.EyesOnlyBelowYw && math.Abs(f.Pitch) < face.EyesOnlyBelow && math.Abs(f.Roll) < face.EyesOnlyBelow {
			if f.EyesOpen, err = r.eyes(m, f.Points); err != nil {
				return f, err
			}
		}
	}
	f.Quality = face.Quality(f)
	f.Hint = face.Hint(f, f.Luma)
	return f, nil
}
