package document

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"
	"pgregory.net/rapid"

	"vestibule/models"
	"vestibule/models/mrz"
)

// evenly is a line whose characters stand four frames apart, each of them as sure.
func evenly(text string, sure float64) reading {
	r := reading{text: text}
	for i := range text {
		r.chars, r.place = append(r.chars, sure), append(r.place, 2+4*float64(i))
	}
	return r
}

// readPageOf is a page of two lines, read by both readers.
func readPageOf(t *testing.T, layout mrz.Layout, own, again [2]reading) page {
	t.Helper()
	width := float64(len(own[0].text) * 16) // four frames a character, four pixels a frame
	p := page{img: gocv.NewMatWithSize(400, 800, gocv.MatTypeCV8UC3), zone: zone{
		layout: layout, score: 90, lines: own[:],
		strips: []strip{{from: vec{20, 100}, to: vec{20 + width, 100}, half: 16}, {from: vec{20, 200}, to: vec{20 + width, 200}, half: 16}},
	}, again: again[:]}
	t.Cleanup(func() { p.img.Close() })
	p.judge(p.zone.text(), today)
	if !p.same {
		p.believe(today)
	}
	return p
}

func fieldOf(t *testing.T, list []models.ZoneField, name string) models.ZoneField {
	t.Helper()
	for _, z := range list {
		if z.Name == name {
			return z
		}
	}
	require.Fail(t, "no such field", name)
	return models.ZoneField{}
}

func TestAFieldIsAsSureAsItsLeastSureCharacter(t *testing.T) {
	same := func(v vec) models.Point { return models.Point{X: v.x, Y: v.y} }
	own := [2]reading{evenly(nameLine, .9), evenly(dataLine, .9)}
	again := [2]reading{evenly(nameLine, .8), evenly(dataLine, .8)}
	const both = 100 * .9 * .8 / (.9*.8 + .1*.2/chance)
	t.Run("read alike, both support each other", func(t *testing.T) {
		list := readPageOf(t, mrz.TD3, own, again).fields(same)
		require.Len(t, list, 11)
		for _, z := range list {
			assert.InDelta(t, both, z.Confidence, 1e-9, z.Name)
			assert.True(t, z.Agreed, z.Name)
		}
	})
	t.Run("one doubtful character counts in its own field only", func(t *testing.T) {
		doubt := evenly(dataLine, .9)
		doubt.chars[14] = .5
		list := readPageOf(t, mrz.TD3, [2]reading{own[0], doubt}, again).fields(same)
		assert.InDelta(t, 100*.5*.8/(.5*.8+.5*.2/chance), fieldOf(t, list, mrz.NameBirth).Confidence, 1e-9)
		assert.InDelta(t, both, fieldOf(t, list, mrz.NameNumber).Confidence, 1e-9)
		assert.InDelta(t, both, fieldOf(t, list, mrz.NameExpiry).Confidence, 1e-9)
	})
	t.Run("read differently, they speak against each other", func(t *testing.T) {
		other := evenly(dataLine[:3]+"7"+dataLine[4:], .8)
		list := readPageOf(t, mrz.TD3, own, [2]reading{again[0], other}).fields(same)
		z := fieldOf(t, list, mrz.NameNumber)
		assert.False(t, z.Agreed)
		assert.InDelta(t, 100*.9*.2/(.9*.2+.1*.8), z.Confidence, 1e-9)
		assert.True(t, fieldOf(t, list, mrz.NameBirth).Agreed)
	})
	t.Run("the other reader is believed, and the own one speaks against it", func(t *testing.T) {
		other := evenly(dataLine[:3]+"7"+dataLine[4:], .8)
		other.chars[3] = .95
		p := readPageOf(t, mrz.TD3, own, [2]reading{again[0], other})
		require.Equal(t, byte('7'), p.zone.lines[1].text[3])
		z := fieldOf(t, p.fields(same), mrz.NameNumber)
		assert.False(t, z.Agreed)
		assert.InDelta(t, 100*.95*.1/(.95*.1+.05*.9), z.Confidence, 1e-9)
	})
	t.Run("two certainties that exclude each other are worth nothing", func(t *testing.T) {
		list := readPageOf(t, mrz.TD3, [2]reading{evenly(nameLine, 1), evenly(dataLine, 1)}, [2]reading{evenly(nameLine, 1), evenly(dataLine[:3]+"7"+dataLine[4:], 1)}).fields(same)
		assert.Zero(t, fieldOf(t, list, mrz.NameNumber).Confidence)
		assert.InDelta(t, 100, fieldOf(t, list, mrz.NameBirth).Confidence, 1e-9)
	})
	t.Run("without a second reading the first one's word stands, and nothing is agreed", func(t *testing.T) {
		for _, z := range readPageOf(t, mrz.TD3, own, [2]reading{}).fields(same) {
			assert.InDelta(t, 90, z.Confidence, 1e-9)
			assert.False(t, z.Agreed)
		}
	})
}

func TestAFieldsPlaceIsAroundItsCharacters(t *testing.T) {
	same := func(v vec) models.Point { return models.Point{X: v.x, Y: v.y} }
	own := [2]reading{evenly(nameLine, .9), evenly(dataLine, .9)}
	p := readPageOf(t, mrz.TD3, own, own)
	// A character is 16 pixels wide; its centre is 2½ frames behind its start.
	at := func(start, end int, y float64) models.Quad {
		x1, x2 := 20+float64(start)*16+2, 20+float64(end)*16+2
		return models.Quad{{X: x1, Y: y - 16*fieldHalf}, {X: x2, Y: y - 16*fieldHalf}, {X: x2, Y: y + 16*fieldHalf}, {X: x1, Y: y + 16*fieldHalf}}
	}
	list := p.fields(same)
	for name, want := range map[string]models.Quad{
		mrz.NameFamily: at(5, 13, 100),
		mrz.NameGiven:  at(15, 25, 100), // without the fillers behind
		mrz.NameCode:   at(0, 1, 100),
		mrz.NameNumber: at(0, 9, 200),
		mrz.NameExpiry: at(21, 27, 200),
	} {
		z := fieldOf(t, list, name)
		for i, c := range want {
			assert.InDelta(t, c.X, z.Upright[i].X, .01, "%s, corner %d", name, i)
			assert.InDelta(t, c.Y, z.Upright[i].Y, .01, "%s, corner %d", name, i)
			assert.InDelta(t, c.X/800, z.At[i].X, 1e-4, "%s, corner %d", name, i)
			assert.InDelta(t, c.Y/400, z.At[i].Y, 1e-4, "%s, corner %d", name, i)
		}
	}
}

func TestALongNumbersRestCountsThoughItStandsElsewhere(t *testing.T) {
	lines, err := mrz.Write(mrz.Content{Layout: mrz.TD2, Code: "I", Issuer: "UTO", FamilyName: "A", Number: "D2314589073", Nationality: "UTO", Birth: "1974-08-12", Expiry: "2032-04-15"})
	require.NoError(t, err)
	own := [2]reading{evenly(lines[0], .9), evenly(lines[1], .9)}
	own[1].chars[29] = .3
	z := fieldOf(t, readPageOf(t, mrz.TD2, own, [2]reading{}).fields(func(vec) models.Point { return models.Point{} }), mrz.NameNumber)
	assert.Equal(t, [2]int{0, 10}, [2]int{z.Start, z.End})
	assert.InDelta(t, 30, z.Confidence, 1e-9)
}

func TestAZoneThatIsShorterThanItsFieldsHasNone(t *testing.T) {
	own := [2]reading{evenly(nameLine, .9), evenly(dataLine, .9)}
	p := readPageOf(t, mrz.TD3, own, own)
	p.zone.lines[1].place = p.zone.lines[1].place[:20]
	for _, z := range p.fields(func(vec) models.Point { return models.Point{} }) {
		assert.LessOrEqual(t, z.Line*z.End, 20, z.Name)
	}
	p.zone.strips = nil
	assert.Empty(t, p.fields(nil))
	p.doc = nil
	assert.Empty(t, p.fields(nil))
}

func TestRecognitionOnlyRisesWithSurerAndMoreAgreedCharacters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := page{zone: zone{score: rapid.Float64Range(0, 100).Draw(t, "score")}, share: rapid.Float64Range(0, 1).Draw(t, "share")}
		was := p.recognition()
		if was < 0 || was > 100 {
			t.Fatalf("%v is out of range", was)
		}
		if p.zone.score < zoneScore && was != 0 {
			t.Fatal("there is no zone")
		}
		better := p
		better.zone.score += rapid.Float64Range(0, 100-p.zone.score).Draw(t, "surer")
		better.share += rapid.Float64Range(0, 1-p.share).Draw(t, "more agreed")
		if better.recognition() < was {
			t.Fatalf("%v fell to %v", was, better.recognition())
		}
	})
}

func TestPlacesFollowThePictureThatIsLaidFlatOrTurned(t *testing.T) {
	p := page{img: gocv.NewMatWithSize(400, 800, gocv.MatTypeCV8UC3)}
	defer p.img.Close()
	t.Run("corners of the shape are those of the flat picture", func(t *testing.T) {
		q := [4]vec{{100, 50}, {700, 80}, {680, 380}, {120, 350}}
		to := p.toUpright(&q, true, 0)
		for i, want := range []models.Point{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}} {
			got := to(q[i])
			assert.InDelta(t, want.X, got.X, 1e-3)
			assert.InDelta(t, want.Y, got.Y, 1e-3)
		}
	})
	t.Run("a picture that is only turned", func(t *testing.T) {
		for degrees, want := range map[int]models.Point{0: {X: .25, Y: .25}, 90: {X: .75, Y: .25}, 180: {X: .75, Y: .75}, 270: {X: .25, Y: .75}} {
			got := p.toUpright(nil, false, degrees)(vec{200, 100})
			assert.InDelta(t, want.X, got.X, 1e-9, "%d°", degrees)
			assert.InDelta(t, want.Y, got.Y, 1e-9, "%d°", degrees)
		}
	})
	t.Run("a shape too small to be laid flat leaves the picture as it is", func(t *testing.T) {
		q := [4]vec{{1, 1}, {4, 1}, {4, 3}, {1, 3}}
		assert.Equal(t, models.Point{X: .25, Y: .25}, p.toUpright(&q, true, 90)(vec{200, 100}))
	})
	t.Run("a shape that is none harms nothing", func(t *testing.T) {
		q := [4]vec{{0, 0}, {700, 0}, {0, 0}, {700, 0}}
		got := p.toUpright(&q, true, 0)(vec{200, 100})
		assert.False(t, got.X != got.X || got.Y != got.Y)
	})
}
