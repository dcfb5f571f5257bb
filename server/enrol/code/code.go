// Package code draws QR codes (ISO/IEC 18004) for people to hold before a kiosk's camera: on a terminal, and in a page.
//
// What may live here: text in, drawing out. What may not: what the text says.
package code

import (
	"fmt"
	"strings"

	qrcode "github.com/skip2/go-qrcode"
)

// bitmap gives the modules with their quiet zone of four; true is dark. Level M mends 15 % of the codewords, which a
// screen's reflections ask for.
func bitmap(text string) ([][]bool, error) {
	c, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return nil, fmt.Errorf("draw code: %w", err)
	}
	return c.Bitmap(), nil
}

// Terminal draws a code with half blocks, two modules a character. Colours are set, so that it is dark on light
// whatever the terminal's own are.
func Terminal(text string) (string, error) {
	bits, err := bitmap(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for y := 0; y < len(bits); y += 2 {
		b.WriteString("\x1b[30;107m")
		for x := range bits[y] {
			upper, lower := bits[y][x], y+1 < len(bits) && bits[y+1][x]
			switch {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String(), nil
}

// Path draws a code as the path of an SVG, whose view box is 0 0 size size: one step a module.
func Path(text string) (path string, size int, err error) {
	bits, err := bitmap(text)
	if err != nil {
		return "", 0, err
	}
	var b strings.Builder
	for y, row := range bits {
		for x := 0; x < len(row); x++ {
			from := x
			for x < len(row) && row[x] {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from, y, x-from, x-from)
			}
		}
	}
	return b.String(), len(bits), nil
}
