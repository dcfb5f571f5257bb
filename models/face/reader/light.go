package reader

import (
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/picture"
)

// skins are parts of an aligned face that are skin on nearly everybody: both cheeks
// beside the nose, and the bridge of the nose. No forehead, no chin: hair hides them.
var skins = [...]image.Rectangle{
	image.Rect(30, 66, 42, 82),
	image.Rect(70, 66, 82, 82),
	image.Rect(51, 56, 61, 66),
}

// light is the mean colour of the skin and of what is beside the head.
func light(m, aligned gocv.Mat, face models.Box) (l models.Light, err error) {
	var sum [3]float64
	area := 0.0
	add := func(of gocv.Mat, r image.Rectangle) error {
		r = r.Intersect(image.Rect(0, 0, of.Cols(), of.Rows()))
		if r.Dx() < 4 || r.Dy() < 4 {
			return nil
		}
		part := of.Region(r)
		defer part.Close()
		small, err := picture.ResizeBy(part, min(48, r.Dx()), min(48, r.Dy()), gocv.InterpolationNearestNeighbor)
		if err != nil {
			return err
		}
		defer small.Close()
		v, n := small.Mean(), float64(r.Dx()*r.Dy())
		sum[0], sum[1], sum[2] = sum[0]+n*v.Val3, sum[1]+n*v.Val2, sum[2]+n*v.Val1
		area += n
		return nil
	}
	mean := func() (c [3]float64) {
		for i := range c {
			if area > 0 {
				c[i] = sum[i] / area
			}
			sum[i] = 0
		}
		area = 0
		return c
	}
	if err := picture.BGR(aligned); err != nil {
		return l, err
	}
	for _, r := range skins {
		if err := add(aligned, r); err != nil {
			return l, err
		}
	}
	l.Skin = mean()
	// Beside the head at the height of the eyes: hair ends within a third of its width.
	w, h := face.X2-face.X1, face.Y2-face.Y1
	for _, x := range [][2]float64{{face.X1 - 1.2*w, face.X1 - .4*w}, {face.X2 + .4*w, face.X2 + 1.2*w}} {
		if err := add(m, within(x[0], face.Y1-.2*h, x[1], face.Y1+.5*h, m)); err != nil {
			return l, err
		}
	}
	l.Around = mean()
	return l, nil
}

// within is a rectangle in whole pixels; what is no number is empty.
func within(x1, y1, x2, y2 float64, m gocv.Mat) image.Rectangle {
	at := func(v float64, n int) int {
		if math.IsNaN(v) {
			return 0
		}
		return int(min(1, max(0, v)) * float64(n))
	}
	return image.Rectangle{
		Min: image.Pt(at(x1, m.Cols()), at(y1, m.Rows())),
		Max: image.Pt(at(x2, m.Cols()), at(y2, m.Rows())),
	}
}

// sensor measures what tells a sensor from a file. It takes about a millisecond at 720p.
func sensor(m gocv.Mat) (s models.Sensor, err error) {
	g, err := picture.ToGrey(m)
	if err != nil {
		return s, err
	}
	defer g.Close()
	w, h := g.Cols(), g.Rows()
	if w < 4*models.SensorSide || h < 4*models.SensorSide {
		return s, nil // too small to tell anything
	}
	// In floating point: the mean of thousands of pixels is finer than a grey level.
	f := gocv.NewMat()
	defer f.Close()
	g.ConvertTo(&f, gocv.MatTypeCV32F)
	small := gocv.NewMat()
	defer small.Close()
	gocv.Resize(f, &small, image.Pt(models.SensorColumns, models.SensorRows), 0, 0, gocv.InterpolationArea)
	cells, err := small.DataPtrFloat32()
	if err != nil || len(cells) != models.SensorColumns*models.SensorRows {
		return s, fmt.Errorf("measure cells: %d values: %w", len(cells), err)
	}
	s.Cells = make([]uint16, len(cells))
	for i, v := range cells {
		s.Cells[i] = uint16(min(65535, max(0, math.Round(256*float64(v)))))
	}
	const side = models.SensorSide
	for _, at := range [models.SensorPatches]image.Point{
		{w / 16, h / 16}, {w - w/16 - side, h / 16}, {w / 16, h - h/16 - side}, {w - w/16 - side, h - h/16 - side},
	} {
		part := g.Region(image.Rectangle{Min: at, Max: at.Add(image.Pt(side, side))})
		whole := part.Clone() // a region's rows are not one after the other
		b := whole.ToBytes()
		part.Close()
		whole.Close()
		s.Patches = append(s.Patches, b...)
	}
	return s, nil
}
