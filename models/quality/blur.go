package quality

import (
	"image"
	"math"
	"sort"

	"gocv.io/x/gocv"

	"vestibule/models/picture"
)

// Sharpness is the mean of two measures that fail differently, each put on 0..100:
//
//   - re-blur (Crété-Roffet et al., "The blur effect", SPIE 2007): blur the picture
//     again along each axis and see how much variation of neighbouring pixels is lost; a picture
//     that was blurred before loses little. The worse axis counts, which is what sees motion;
//     motion at an even speed over thin strokes leaves steps and is seen poorly.
//   - the median, over textured tiles of 32 pixels, of var(Laplacian)/var(grey): how
//     much of a tile's variation is fine.
//
// A picture without texture has nothing to be blurred and scores 0.
func Sharpness(grey gocv.Mat) (float64, error) {
	if err := picture.Grey(grey); err != nil {
		return 0, err
	}
	if grey.Cols() < 2*tile || grey.Rows() < 2*tile {
		return 0, nil
	}
	fine := tiles(grey)
	if fine == 0 {
		return 0, nil
	}
	blurred := reblur(grey)
	// Ends of the ramps: sharp public pictures lie at .25 to .45 and above .5; after a
	// Gaussian blur of 2.5 pixels at .6 to .8 and below .03.
	a := ramp(blurred, .70, .35)
	b := ramp(math.Log(fine), math.Log(.02), math.Log(1))
	return 100 * (a + b) / 2, nil
}

const tile = 32

// reblur is 0 for a sharp picture and 1 for one that no blur changes.
func reblur(grey gocv.Mat) float64 {
	worst := 0.0
	for _, axis := range []struct{ kernel, step image.Point }{
		{image.Pt(9, 1), image.Pt(1, 0)},
		{image.Pt(1, 9), image.Pt(0, 1)},
	} {
		soft := gocv.NewMat()
		gocv.Blur(grey, &soft, axis.kernel)
		before, after := neighbours(grey, axis.step), neighbours(soft, axis.step)
		lost := gocv.NewMat()
		gocv.Subtract(before, after, &lost) // saturates at 0, as the definition asks
		total, gone := before.Sum().Val1, lost.Sum().Val1
		if total > 0 {
			worst = math.Max(worst, (total-gone)/total)
		}
		for _, m := range []gocv.Mat{soft, before, after, lost} {
			m.Close()
		}
	}
	return worst
}

// neighbours is the absolute difference of each pixel and the next one.
func neighbours(m gocv.Mat, step image.Point) gocv.Mat {
	size := image.Rect(0, 0, m.Cols()-step.X, m.Rows()-step.Y)
	a, b := m.Region(size), m.Region(size.Add(step))
	defer a.Close()
	defer b.Close()
	out := gocv.NewMat()
	gocv.AbsDiff(a, b, &out)
	return out
}

// minTexture is the variance of grey below which a tile is a plain surface.
const minTexture = 60

// tiles is the median over textured tiles of var(Laplacian)/var(grey), 0 without any.
func tiles(grey gocv.Mat) float64 {
	pix, w, h := grey.ToBytes(), grey.Cols(), grey.Rows()
	if len(pix) != w*h {
		return 0
	}
	var found []float64
	for y0 := 1; y0+tile < h; y0 += tile {
		for x0 := 1; x0+tile < w; x0 += tile {
			var s, ss, l, ll int64
			for y := y0; y < y0+tile; y++ {
				up, at, down := pix[(y-1)*w:], pix[y*w:], pix[(y+1)*w:]
				for x := x0; x < x0+tile; x++ {
					v := int64(at[x])
					d := int64(up[x]) + int64(down[x]) + int64(at[x-1]) + int64(at[x+1]) - 4*v
					s, ss, l, ll = s+v, ss+v*v, l+d, ll+d*d
				}
			}
			const n = tile * tile
			grain := float64(ss)/n - float64(s)/n*float64(s)/n
			if grain < minTexture {
				continue
			}
			found = append(found, (float64(ll)/n-float64(l)/n*float64(l)/n)/grain)
		}
	}
	if len(found) == 0 {
		return 0
	}
	sort.Float64s(found)
	return found[len(found)/2]
}
