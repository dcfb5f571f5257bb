package theme

import (
	"encoding/binary"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/kiosk-ui/text"
)

func TestEveryPairOfTextAndGroundReachesItsContrast(t *testing.T) {
	for name, p := range map[string]Palette{"day": Day(), "contrast": Contrast()} {
		for _, pair := range p.Pairs() {
			assert.GreaterOrEqual(t, Ratio(pair.Fore, pair.Ground), 4.5, "%s: %s", name, pair.Name)
		}
		for _, pair := range p.Drawings() {
			assert.GreaterOrEqual(t, Ratio(pair.Fore, pair.Ground), 3.0, "%s: %s", name, pair.Name)
		}
	}
}

func TestRatioGivesTheStandardsOwnFigures(t *testing.T) {
	black, white := hex(0x000000), hex(0xffffff)
	assert.InDelta(t, 21, Ratio(black, white), .001)
	assert.InDelta(t, 1, Ratio(white, white), .001)
	assert.InDelta(t, 4.48, Ratio(hex(0x777777), white), .01) // the well-known grey that just fails
	assert.Equal(t, Ratio(black, white), Ratio(white, black))
}

func TestEveryIconIsAnSVGOfItsColour(t *testing.T) {
	require.NotEmpty(t, Icons())
	for _, i := range Icons() {
		s := string(i.SVG(color.NRGBA{R: 0x12, G: 0x34, B: 0x56, A: 255}, 2, 48).Content())
		assert.Contains(t, s, "#123456", i)
		assert.NotContains(t, s, "#C", i)
		assert.Contains(t, s, `stroke-width="4.00"`, "%s: strokes grow with the drawing", i)
	}
}

func TestOneFontIsTakenOutOfACollection(t *testing.T) {
	// Two fonts that share one table of five bytes.
	ttc := make([]byte, 12+8+2*(12+16)+8)
	copy(ttc, "ttcf")
	binary.BigEndian.PutUint32(ttc[8:], 2)
	table := len(ttc) - 8
	copy(ttc[table:], "hello")
	for i := range 2 {
		at := 20 + i*28
		binary.BigEndian.PutUint32(ttc[12+4*i:], uint32(at))
		binary.BigEndian.PutUint32(ttc[at:], 0x00010000+uint32(i))
		binary.BigEndian.PutUint16(ttc[at+4:], 1)
		copy(ttc[at+12:], "name")
		binary.BigEndian.PutUint32(ttc[at+12+8:], uint32(table))
		binary.BigEndian.PutUint32(ttc[at+12+12:], 5)
	}
	one, err := single(ttc, 1)
	require.NoError(t, err)
	assert.Equal(t, uint32(0x00010001), binary.BigEndian.Uint32(one))
	off := binary.BigEndian.Uint32(one[12+8:])
	assert.Equal(t, "hello", string(one[off:off+5]))
	assert.Zero(t, len(one)%4)

	_, err = single(ttc, 2)
	assert.ErrorIs(t, err, errCollection, "there is no third font")
	_, err = single(ttc[:40], 0)
	assert.ErrorIs(t, err, errCollection, "cut short")
}

func FuzzFontCollectionsNeverBreakTheKiosk(f *testing.F) {
	f.Add([]byte("ttcf\x00\x01\x00\x00\x00\x00\x00\x01\x00\x00\x00\x10"), 0)
	f.Fuzz(func(t *testing.T, b []byte, i int) {
		if out, err := single(b, i); err == nil && len(out) > maxFontBytes+4 {
			t.Fatal("grew past its bound")
		}
	})
}

func TestAMissingFontFileFallsBackToTheCompiledOne(t *testing.T) {
	f := SystemFonts()
	f.sources[fontKey{text.Latin, false}] = source{path: "/nowhere/at-all.ttf"}
	assert.NotEmpty(t, f.Resource(text.Latin, false).Content())
	assert.Contains(t, f.Missing(), "/nowhere/at-all.ttf")
	_, err := f.Face(text.Latin, false)
	assert.NoError(t, err)
}

func TestTheFontsOfEveryLanguageAreInstalled(t *testing.T) {
	f := SystemFonts()
	for _, s := range []text.Script{text.Latin, text.Arabic, text.Hebrew, text.CJK} {
		f.Resource(s, true)
		f.Resource(s, false)
	}
	assert.Empty(t, f.Missing(), "install fonts-noto-core and fonts-noto-cjk: make deps")
}
