package theme

import (
	"image/color"
	"math"
)

// Palette is one set of colours. Two exist: Day and Contrast.
type Palette struct {
	Ink, Ink2             color.NRGBA // text, and text of second rank
	Paper, Card, Line     color.NRGBA // grounds and borders
	Brand, BrandInk       color.NRGBA // the one filled action and its text
	BrandSoft, BrandDeep  color.NRGBA // quiet ground, and the pressed action
	Amber, AmberSoft      color.NRGBA // drawing that asks for attention, and its ground
	AmberInk              color.NRGBA // text on AmberSoft: Amber itself reaches only 3.6:1 there
	Red, RedSoft          color.NRGBA // stop and errors
	Guide, Surround       color.NRGBA // live guide on the camera picture, and what surrounds it
	Hint, HintInk         color.NRGBA // the card that lies on the camera picture
	Press                 color.NRGBA // ground of a plain control while it is touched
	Disabled, DisabledInk color.NRGBA
	Strong                bool // borders are drawn in ink: the high contrast set
}

// Day is the normal set.
func Day() Palette {
	return Palette{
		Ink: hex(0x12202f), Ink2: hex(0x4a5b6c),
		Paper: hex(0xfaf8f4), Card: hex(0xffffff), Line: hex(0xe3ddd2),
		Brand: hex(0x0b6e5f), BrandInk: hex(0xffffff), BrandSoft: hex(0xdff0ec), BrandDeep: hex(0x07493f),
		Amber: hex(0xb86e00), AmberSoft: hex(0xfff1d6), AmberInk: hex(0x7d4a00),
		Red: hex(0xb3261e), RedSoft: hex(0xfde7e4),
		Guide: hex(0x7fe0c8), Surround: hex(0x0d1721),
		Hint: hex(0xffffff), HintInk: hex(0x12202f), Press: hex(0xeee9df),
		Disabled: hex(0xece7dd), DisabledInk: hex(0x4a5b6c),
	}
}

// Contrast is black, white and one yellow, for people who see little.
func Contrast() Palette {
	black, white, yellow := hex(0x000000), hex(0xffffff), hex(0xffd400)
	return Palette{
		Ink: white, Ink2: white, Paper: black, Card: black, Line: white,
		Brand: yellow, BrandInk: black, BrandSoft: hex(0x2b2400), BrandDeep: white,
		Amber: yellow, AmberSoft: hex(0x2b2400), AmberInk: yellow,
		Red: yellow, RedSoft: hex(0x2b2400),
		Guide: yellow, Surround: black,
		Hint: black, HintInk: yellow, Press: hex(0x333333),
		Disabled: hex(0x222222), DisabledInk: white, Strong: true,
	}
}

// Pair is a text colour on a ground, as some screen uses it.
type Pair struct {
	Name   string
	Fore   color.NRGBA
	Ground color.NRGBA
}

// Pairs lists every combination of text and ground that a screen may use.
func (p Palette) Pairs() []Pair {
	return []Pair{
		{"ink on paper", p.Ink, p.Paper},
		{"ink on card", p.Ink, p.Card},
		{"ink on a pressed control", p.Ink, p.Press},
		{"second ink on paper", p.Ink2, p.Paper},
		{"second ink on card", p.Ink2, p.Card},
		{"brand on card", p.Brand, p.Card},
		{"brand on soft brand", p.Brand, p.BrandSoft},
		{"action text on brand", p.BrandInk, p.Brand},
		{"action text on a pressed action", p.BrandInk, p.BrandDeep},
		{"amber text on soft amber", p.AmberInk, p.AmberSoft},
		{"ink on soft amber", p.Ink, p.AmberSoft},
		{"red on card", p.Red, p.Card},
		{"red on soft red", p.Red, p.RedSoft},
		{"ink on soft red", p.Ink, p.RedSoft},
		{"hint text on its card", p.HintInk, p.Hint},
		{"disabled text on its ground", p.DisabledInk, p.Disabled},
	}
}

// Drawings lists the pairs of drawings and grounds; they need 3:1 (WCAG 2.2, 1.4.11).
func (p Palette) Drawings() []Pair {
	return []Pair{
		{"amber icon on soft amber", p.Amber, p.AmberSoft},
		{"brand icon on soft brand", p.Brand, p.BrandSoft},
		{"red icon on soft red", p.Red, p.RedSoft},
		{"guide on its surround", p.Guide, p.Surround},
		{"progress on card", p.Brand, p.Card},
	}
}

// Ratio is the contrast of two opaque colours as WCAG 2.2 defines it: 1 to 21.
func Ratio(a, b color.NRGBA) float64 {
	la, lb := luminance(a), luminance(b)
	if la < lb {
		la, lb = lb, la
	}
	return (la + .05) / (lb + .05)
}

func luminance(c color.NRGBA) float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= .04045 {
			return s / 12.92
		}
		return math.Pow((s+.055)/1.055, 2.4)
	}
	return .2126*linear(c.R) + .7152*linear(c.G) + .0722*linear(c.B)
}

func hex(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255}
}

// Alpha gives the colour with another opacity.
func Alpha(c color.NRGBA, a uint8) color.NRGBA {
	c.A = a
	return c
}
