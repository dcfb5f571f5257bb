package rig

import (
	"image"
	"image/color"
	"math"
)

// bone is a finger's or a palm's part: a rod between two points with a
// thickness at each, millimetres from the thumb's tip.
type bone struct{ x0, y0, r0, x1, y1, r1 float64 }

func handBones() []bone {
	return []bone{
		{0, 0, 8.2, 6, 20, 9.6}, {6, 20, 9.6, 22, 46, 14}, // thumb
		{22, 46, 15, 46, 62, 30},                             // ball of the thumb
		{-20, 14, 7.4, 2, 40, 8.8}, {2, 40, 8.8, 34, 56, 15}, // fingers that show beside it
		{46, 62, 33, 84, 110, 34}, {84, 110, 31, 120, 170, 31}, // palm, wrist
	}
}

// drawHand paints a hand whose thumb's tip is at u, v (pixels). It is out of
// focus by soft pixels: it is nearer to the lens than what it holds.
func drawHand(m *image.YCbCr, u, v, scale, soft, tone float64) {
	bones := handBones()
	light, dark := color.RGBA{222, 178, 150, 255}, color.RGBA{150, 100, 74, 255}
	skin := mix(light, dark, clamp01(tone))
	y0, cb, cr := color.RGBToYCbCr(skin.R, skin.G, skin.B)
	r := image.Rect(int(u-40*scale), int(v-16*scale), int(u+170*scale), int(v+230*scale)).Intersect(m.Bounds())
	r.Min.X, r.Min.Y = r.Min.X&^1, r.Min.Y&^1
	const step = 2 // the hand is soft: every second pixel is enough
	for y := r.Min.Y; y < r.Max.Y; y += step {
		for x := r.Min.X; x < r.Max.X; x += step {
			px, py := (float64(x)-u)/scale, (float64(y)-v)/scale
			d, nx, ny, depth := 1e9, 0.0, 0.0, 0.0
			for _, b := range bones {
				dx, dy := b.x1-b.x0, b.y1-b.y0
				t := clamp01(((px-b.x0)*dx + (py-b.y0)*dy) / (dx*dx + dy*dy))
				rr := b.r0 + (b.r1-b.r0)*t
				ex, ey := px-b.x0-dx*t, py-b.y0-dy*t
				l := math.Hypot(ex, ey)
				dd := l - rr
				if dd < d {
					nx, ny, depth = ex/rr, ey/rr, 1-l/rr
				}
				// Neighbouring parts flow into each other.
				k := 5.0
				hh := clamp01(.5 + .5*(d-dd)/k)
				d = d*(1-hh) + dd*hh - k*hh*(1-hh)
			}
			cover := clamp01(.5 - d*scale/(1+2*soft))
			// A soft shadow of the hand lies on what is below it.
			if d < 9 {
				f := 1 - .28*(1-max(d, 0)/9)
				for j := range step * step {
					if xx, yy := x+j%step, y+j/step; xx < m.Rect.Max.X && yy < m.Rect.Max.Y {
						o := yy*m.YStride + xx
						m.Y[o] = uint8(float64(m.Y[o]) * f)
					}
				}
			}
			if cover <= 0 {
				continue
			}
			nz := math.Sqrt(max(0, 1-nx*nx-ny*ny))
			shade := .5 + .5*clamp01(-.42*nx-.5*ny+.76*nz) + .05*clamp01(depth)
			lum, b, c := float64(y0)*shade, float64(cb), float64(cr)+3*(1-shade)
			// The nail of the thumb.
			if e := sq((px-.6)/4.6) + sq((py-1.2)/6.2); e < 1.3 {
				f := clamp01((1.3 - e) * 2)
				lum += f * (14 + 26*clamp01(1-sq((px+1.2)/2.2)-sq((py+1.5)/4)))
			}
			// A dark sleeve.
			if e := (px-84)*.51 + (py-110)*.86; e > 0 {
				f := clamp01(e / 3)
				lum = lum*(1-f) + (38+30*shade)*f
				b, c = b*(1-f)+137*f, c*(1-f)+123*f
			}
			for j := range step * step {
				xx, yy := x+j%step, y+j/step
				if xx >= m.Rect.Max.X || yy >= m.Rect.Max.Y {
					continue
				}
				o := yy*m.YStride + xx
				m.Y[o] = uint8(float64(m.Y[o])*(1-cover) + min(lum, 255)*cover)
			}
			o := y/2*m.CStride + x/2
			m.Cb[o] = uint8(float64(m.Cb[o])*(1-cover) + b*cover)
			m.Cr[o] = uint8(float64(m.Cr[o])*(1-cover) + c*cover)
		}
	}
}

func sq(v float64) float64 { return v * v }
