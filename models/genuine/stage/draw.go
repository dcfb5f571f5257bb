package stage

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"gocv.io/x/gocv"
)

// Drawn is a document's flat picture that owes nothing to anybody: waves of two colours
// as a guilloche, lines of print, a rectangle with shades where a portrait would be.
func Drawn(width, height int, seed uint64) gocv.Mat {
	dice := rand.New(rand.NewPCG(seed, 0xd0c))
	m := gocv.NewMatWithSize(height, width, gocv.MatTypeCV8UC3)
	pix, err := m.DataPtrUint8()
	if err != nil {
		return m
	}
	ground := [3]float64{205 + 35*dice.Float64(), 215 + 25*dice.Float64(), 205 + 35*dice.Float64()}
	ink := [2][3]float64{{30 * dice.Float64(), 25 * dice.Float64(), 10 * dice.Float64()}, {8 * dice.Float64(), 20 * dice.Float64(), 34 * dice.Float64()}}
	a, b, c := .5+dice.Float64()*.8, .02+dice.Float64()*.03, 4+8*dice.Float64()
	k := 1000 / float64(width)
	for y := range height {
		for x := range width {
			u, n := float64(x)*k, float64(y)*k
			one := math.Pow(.5+.5*math.Sin(n*a+c*math.Sin(u*b)), 3)
			two := math.Pow(.5+.5*math.Sin(u*a*.8+n*a*.5+c*math.Sin(n*b*1.3)), 3)
			i := 3 * (y*width + x)
			for j := range 3 {
				pix[i+j] = clamp(ground[j] - one*ink[0][j] - two*ink[1][j])
			}
		}
	}
	size := func(part float64) int { return int(part * float64(width)) }
	gocv.Rectangle(&m, image.Rect(0, 0, width, height/9), color.RGBA{uint8(60 + dice.IntN(120)), uint8(60 + dice.IntN(60)), uint8(60 + dice.IntN(150)), 255}, -1)
	at := image.Rect(size(.05), height/5, size(.3), height*7/10)
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			u, n := float64(x-at.Min.X)/float64(at.Dx())-.5, float64(y-at.Min.Y)/float64(at.Dy())-.45
			d := math.Exp(-(u*u*9 + n*n*6) * 2)
			i := 3 * (y*width + x)
			pix[i], pix[i+1], pix[i+2] = clamp(190-90*d), clamp(195-70*d), clamp(200-30*d)
		}
	}
	dark := color.RGBA{25, 25, 35, 255}
	write := func(text string, x, y, scale float64) {
		gocv.PutTextWithParams(&m, text, image.Pt(size(x), int(y*float64(height))), gocv.FontHersheySimplex, scale/k, dark, max(1, int(1.6/k)), gocv.LineAA, false)
	}
	for i, t := range []string{"UTOPIA", "SPECIMEN", "ANNA MARIA", "12 08 1974", "15 04 2032", "ZENITH"} {
		write(t, .38, .2+.09*float64(i), .9)
	}
	for i := range 2 {
		write("P<UTOSPECIMEN<<ANNA<MARIA<<<<<<<<<<<<<<<<<"[i:], .05, .85+.08*float64(i), 1)
	}
	return m
}
