package quality

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/picture"
)

const (
	acrossMost   = 8   // frames compared
	acrossSlack  = 7   // pixels, across, of the window that forgives frames not lying exactly on each other
	acrossLetter = 13  // pixels, across, of what drowns with a letter
	acrossInk    = 140 // grey level below which there is print
	acrossDeep   = .12 // as glareDeep, for what is left of a spot where it is in all frames
)

// Reflections are those of one frame.
type Reflections struct {
	Score float64      // 100: none
	At    []models.Box // in parts of the frame as it was given
}

// GlareAcross tells reflections from white paper by what several BGR frames of the same thing
// have in common: paper and print stay, a lamp's image moves as soon as the thing or the camera
// does. A spot is a reflection of a frame when it is saturated there and another frame shows
// darker paper, or print, in its place. The frames must show the same area in the same
// position, to a hundredth of their width: cut out and laid flat by their outlines. What
// is saturated at the same place in all of them cannot be told and is left to Measure.
//
// It takes 2 to 8 frames; sizes may differ. The answer has one entry a frame.
func GlareAcross(frames []gocv.Mat) ([]Reflections, error) {
	if len(frames) < 2 || len(frames) > acrossMost {
		return nil, fmt.Errorf("%w: %d frames to compare, want 2..%d", models.ErrFrame, len(frames), acrossMost)
	}
	for _, f := range frames {
		if err := picture.BGR(f); err != nil {
			return nil, err
		}
	}
	w, h := picture.Within(frames[0].Cols(), frames[0].Rows(), smallSide, smallSide)
	a := across{w: w, h: h}
	defer a.close()
	for _, f := range frames {
		if err := a.add(f); err != nil {
			return nil, err
		}
	}
	out := make([]Reflections, len(frames))
	for i := range out {
		var err error
		if out[i], err = a.of(i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// across holds what of each frame is compared.
type across struct {
	w, h                        int
	mats                        []gocv.Mat
	plain, brightest, ink, wide []plane
	spots                       spotter
}

func (a *across) close() {
	for i := range a.mats {
		a.mats[i].Close()
	}
}

func (a *across) add(bgr gocv.Mat) error {
	small := gocv.NewMat()
	defer small.Close()
	gocv.Resize(bgr, &small, image.Pt(a.w, a.h), 0, 0, gocv.InterpolationArea)
	grey := gocv.NewMat()
	a.mats = append(a.mats, grey)
	gocv.CvtColor(small, &grey, gocv.ColorBGRToGray)
	window := func(side int, grow bool) gocv.Mat {
		k := gocv.GetStructuringElement(gocv.MorphRect, image.Pt(side, side))
		defer k.Close()
		out := gocv.NewMat()
		a.mats = append(a.mats, out)
		if grow {
			gocv.Dilate(grey, &out, k)
		} else {
			gocv.Erode(grey, &out, k)
		}
		return out
	}
	for _, v := range []struct {
		of gocv.Mat
		to *[]plane
	}{
		{grey, &a.plain},
		{window(acrossSlack, true), &a.brightest},
		{window(3, false), &a.ink},
		{window(acrossSlack+2, false), &a.wide},
	} {
		p, err := planeOf(v.of)
		if err != nil {
			return err
		}
		*v.to = append(*v.to, p)
	}
	return nil
}

// of finds the reflections of one frame.
func (a *across) of(i int) (Reflections, error) {
	// Where another frame has print; a letter's neighbourhood, as far as it is saturated, is drowned with it.
	gone := gocv.NewMatWithSize(a.h, a.w, gocv.MatTypeCV8UC1)
	defer gone.Close()
	lost, err := planeOf(gone)
	if err != nil {
		return Reflections{}, err
	}
	clear(lost.pix)
	found := plane{make([]byte, a.w*a.h), a.w, a.h}
	for j := range a.plain {
		if j == i {
			continue
		}
		for k, v := range a.plain[i].pix {
			switch {
			case v < glareCut:
			case a.brightest[j].pix[k] < glareCut-glareAbove: // the paper is darker there
				found.pix[k] = 255
			case a.wide[i].pix[k] >= glareCut && a.ink[j].pix[k] < acrossInk:
				lost.pix[k] = 255
			}
		}
	}
	window := gocv.GetStructuringElement(gocv.MorphRect, image.Pt(acrossLetter, acrossLetter))
	defer window.Close()
	gocv.Dilate(gone, &gone, window)
	if lost, err = planeOf(gone); err != nil {
		return Reflections{}, err
	}
	for k, v := range a.plain[i].pix {
		if v >= glareCut && lost.pix[k] > 0 {
			found.pix[k] = 255
		}
	}
	a.spots.prepare(found)
	area, covered := float64(a.w*a.h), 0.0
	out := Reflections{}
	number := int32(0)
	for k := range a.spots.of {
		if a.spots.of[k] != -1 {
			continue
		}
		number++
		box, deep := a.spots.flood(found, k, number)
		n := float64(len(a.spots.part))
		// A border that lies a little off is a thin line, not a spot.
		if n < glareLeast*area || float64(deep*deep) < acrossDeep*acrossDeep*n || deep < 2 {
			continue
		}
		covered += n / area
		if len(out.At) < glareAtMost {
			out.At = append(out.At, boxOf(box, a.w, a.h))
		}
	}
	out.Score = 100 * (1 - min(1, covered/glareFull))
	return out, nil
}
