package quality

import (
	"image"
	"math"
	"slices"
)

// sharpness is the mean of two measures that fail differently, each put on 0..100:
//
//   - re-blur (Crété-Roffet et al., "The blur effect", SPIE 2007): blur the picture
//     again along each axis and see how much variation of neighbouring pixels is lost; a picture
//     that was blurred before loses little. The worse axis counts, which is what sees motion;
//     motion at an even speed over thin strokes leaves steps and is seen poorly.
//   - the median, over textured tiles of 32 pixels, of var(Laplacian)/var(grey): how
//     much of a tile's variation is fine.
//
// A picture without texture has nothing to be blurred and scores 0.
func (m *Measurer) sharpness(p plane, part image.Rectangle) float64 {
	if part.Dx() < 2*tile || part.Dy() < 2*tile {
		return 0
	}
	fine := m.texture(p, part)
	if fine == 0 {
		return 0
	}
	// Ends of the ramps: sharp public pictures lie at .25 to .45 and above .5; after a
	// Gaussian blur of 2.5 pixels at .6 to .8 and below .03.
	a := ramp(reblur(p, part), .70, .35)
	b := ramp(math.Log(fine), math.Log(.02), math.Log(1))
	return 100 * (a + b) / 2
}

const tile = 32

// reblur is 0 for a sharp picture and 1 for one that no blur changes. The blur is the
// definition's mean of nine pixels along one axis. The difference of two neighbours in
// the blurred picture is the ninth part of the difference of the pixels five further and
// four back, so that no blurred picture has to be made.
func reblur(p plane, part image.Rectangle) float64 {
	const back, on = 4, 5
	keep := func(now, then, near, far byte) (before, lost int) {
		d, s := int(then)-int(now), int(far)-int(near)
		if d < 0 {
			d = -d
		}
		if s < 0 {
			s = -s
		}
		return d, max(0, 9*d-s)
	}
	var across, goneAcross, down, goneDown int
	for y := part.Min.Y; y < part.Max.Y; y++ {
		row := p.pix[y*p.w+part.Min.X : y*p.w+part.Max.X]
		for x := back; x < len(row)-on; x++ {
			d, l := keep(row[x], row[x+1], row[x-back], row[x+on])
			across, goneAcross = across+d, goneAcross+l
		}
	}
	for y := part.Min.Y + back; y < part.Max.Y-on; y++ {
		line := func(y int) []byte { return p.pix[y*p.w+part.Min.X : y*p.w+part.Max.X] }
		now := line(y)
		then, near, far := line(y + 1)[:len(now)], line(y - back)[:len(now)], line(y + on)[:len(now)]
		for x := range now {
			d, l := keep(now[x], then[x], near[x], far[x])
			down, goneDown = down+d, goneDown+l
		}
	}
	kept := func(all, gone int) float64 {
		if all == 0 {
			return 0
		}
		return 1 - float64(gone)/9/float64(all)
	}
	return math.Max(kept(across, goneAcross), kept(down, goneDown))
}

// minTexture is the variance of grey below which a tile is a plain surface.
const minTexture = 60

// texture is the median over textured tiles of var(Laplacian)/var(grey), 0 without any.
func (m *Measurer) texture(p plane, part image.Rectangle) float64 {
	m.tiles = m.tiles[:0]
	for y0 := part.Min.Y + 1; y0+tile < part.Max.Y; y0 += tile {
		for x0 := part.Min.X + 1; x0+tile < part.Max.X; x0 += tile {
			var s, ss, l, ll int
			for y := y0; y < y0+tile; y++ {
				at := p.pix[y*p.w+x0-1:][:tile+2]
				up, down := p.pix[(y-1)*p.w+x0:][:tile], p.pix[(y+1)*p.w+x0:][:tile]
				for x := range tile {
					v := int(at[x+1])
					d := int(up[x]) + int(down[x]) + int(at[x]) + int(at[x+2]) - 4*v
					s, ss, l, ll = s+v, ss+v*v, l+d, ll+d*d
				}
			}
			const n = tile * tile
			grain := float64(ss)/n - float64(s)/n*float64(s)/n
			if grain < minTexture {
				continue
			}
			m.tiles = append(m.tiles, (float64(ll)/n-float64(l)/n*float64(l)/n)/grain)
		}
	}
	if len(m.tiles) == 0 {
		return 0
	}
	slices.Sort(m.tiles)
	return m.tiles[len(m.tiles)/2]
}
