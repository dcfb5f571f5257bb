package quality

import (
	"image"
	"math"
	"slices"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/picture"
)

// What makes a bright spot a reflection. Saturated spots alone cry on every third
// white page; a reflection also fades out softly, has no print in it, and is
// brighter than the paper around it.
const (
	glareCut    = 248  // saturated
	glareLeast  = 5e-4 // of the picture: smaller ones hide no letter
	glareMost   = .35  // of the picture: larger ones are an overexposed picture
	glareHoles  = .06  // share of dark holes that means print
	glareSoft   = .22  // how much of the step to the paper is still ahead two pixels outside
	glareAbove  = 18.0 // grey levels above the paper around it
	glareFull   = .04  // share of the picture that brings the score to 0
	glareAtMost = 16   // places reported
)

// Glare looks for reflections in a grey picture of about 480 pixels. The score is 100
// without any and falls to 0 when they cover 4 % of the picture.
func Glare(grey gocv.Mat) (score float64, at []models.Box, err error) {
	if err := picture.Grey(grey); err != nil {
		return 0, nil, err
	}
	w, h := grey.Cols(), grey.Rows()
	pix := grey.ToBytes()
	if len(pix) != w*h {
		return 0, nil, picture.Grey(gocv.Mat{})
	}
	area := float64(w * h)
	hot := make([]int32, len(pix)) // number of the spot, 0: none, -1: not yet seen
	for i, v := range pix {
		if v >= glareCut {
			hot[i] = -1
		}
	}
	covered := 0.0
	number := int32(0)
	for i := range hot {
		if hot[i] != -1 {
			continue
		}
		number++
		part, box := flood(hot, w, h, i, number)
		share := float64(len(part)) / area
		if share < glareLeast || share > glareMost || touches(box, w, h) && share > .05 {
			continue
		}
		if !reflection(pix, hot, w, h, part, box, number) {
			continue
		}
		covered += share
		if len(at) < glareAtMost {
			at = append(at, models.Box{
				X1: float64(box.Min.X) / float64(w), Y1: float64(box.Min.Y) / float64(h),
				X2: float64(box.Max.X) / float64(w), Y2: float64(box.Max.Y) / float64(h),
			})
		}
	}
	return 100 * (1 - math.Min(1, covered/glareFull)), at, nil
}

func touches(b image.Rectangle, w, h int) bool {
	return b.Min.X == 0 || b.Min.Y == 0 || b.Max.X == w || b.Max.Y == h
}

// flood numbers the spot that i belongs to.
func flood(hot []int32, w, h, i int, number int32) (part []int32, box image.Rectangle) {
	stack := []int32{int32(i)}
	hot[i] = number
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		part = append(part, at)
		x, y := int(at)%w, int(at)/w
		box = box.Union(image.Rect(x, y, x+1, y+1))
		for _, d := range [4]image.Point{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			nx, ny := x+d.X, y+d.Y
			if nx < 0 || ny < 0 || nx >= w || ny >= h {
				continue
			}
			if j := ny*w + nx; hot[j] == -1 {
				hot[j] = number
				stack = append(stack, int32(j))
			}
		}
	}
	return part, box
}

// reflection judges one spot by its holes and by two rings around it: one close to
// its border, one far enough to be plain paper.
func reflection(pix []byte, hot []int32, w, h int, part []int32, box image.Rectangle, number int32) bool {
	size := math.Sqrt(float64(len(part)))
	far := int(math.Max(6, size/3))
	// Distance to the spot by growing it ring by ring.
	dist := make(map[int32]int, len(part)/2)
	edge := slices.Clone(part)
	var near, paper []byte
	for d := 1; d <= far; d++ {
		var next []int32
		for _, at := range edge {
			x, y := int(at)%w, int(at)/w
			for _, s := range [4]image.Point{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
				nx, ny := x+s.X, y+s.Y
				if nx < 0 || ny < 0 || nx >= w || ny >= h {
					continue
				}
				j := int32(ny*w + nx)
				if hot[j] == number {
					continue
				}
				if _, seen := dist[j]; seen {
					continue
				}
				dist[j] = d
				next = append(next, j)
				switch {
				case d == 2:
					near = append(near, pix[j])
				case d > far*2/3:
					paper = append(paper, pix[j])
				}
			}
		}
		edge = next
	}
	if len(near) == 0 || len(paper) == 0 {
		return false
	}
	// Print inside: pixels that the spot surrounds but that are dark.
	dark, inside := 0, 0
	for y := box.Min.Y; y < box.Max.Y; y++ {
		lo, hi := -1, -1
		for x := box.Min.X; x < box.Max.X; x++ {
			if hot[y*w+x] == number {
				if lo < 0 {
					lo = x
				}
				hi = x
			}
		}
		for x := lo; lo >= 0 && x <= hi; x++ {
			inside++
			if pix[y*w+x] < 160 {
				dark++
			}
		}
	}
	if inside > 0 && float64(dark)/float64(inside) > glareHoles {
		return false
	}
	around := median(paper)
	if 255-around < glareAbove {
		return false
	}
	return (mean(near)-around)/(255-around) > glareSoft
}

func median(v []byte) float64 {
	var hist [256]int
	for _, x := range v {
		hist[x]++
	}
	rank := len(v) / 2
	for x, n := range hist {
		if rank -= n; rank < 0 {
			return float64(x)
		}
	}
	return 255
}

func mean(v []byte) float64 {
	s := 0
	for _, x := range v {
		s += int(x)
	}
	return float64(s) / float64(len(v))
}
