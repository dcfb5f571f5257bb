package document

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/models/mrz"
)

// written makes the posteriors of a reader that is sure of text: a frame for each
// character, a blank after it.
func written(text string) posteriors {
	p := posteriors{frames: 2*len(text) + 2, log: make([]float32, (2*len(text)+2)*classes)}
	for t := range p.frames {
		p.sure(t, blank)
	}
	for i := range text {
		p.sure(1+2*i, strings.IndexByte(alphabet, text[i]))
	}
	return p
}

func (p posteriors) sure(t, class int) {
	for c := range classes {
		p.log[t*classes+c] = float32(math.Log(.001))
	}
	p.log[t*classes+class] = float32(math.Log(.96))
}

// doubt lets the frame of character i be one of two classes.
func (p posteriors) doubt(i int, better, worse byte, share float64) {
	t := 1 + 2*i
	p.log[t*classes+strings.IndexByte(alphabet, better)] = float32(math.Log(share))
	p.log[t*classes+strings.IndexByte(alphabet, worse)] = float32(math.Log(1 - share))
}

const (
	nameLine = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
	dataLine = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
)

func read(t *testing.T, l mrz.Layout, line int, p posteriors) string {
	t.Helper()
	places, name := alphabets(l, line, false)
	r, ok := new(lattice).decode(p, places, name)
	require.True(t, ok)
	return r.text
}

func TestDecode(t *testing.T) {
	t.Run("a sure reader is believed, doubled letters included", func(t *testing.T) {
		assert.Equal(t, nameLine, read(t, mrz.TD3, 0, written(nameLine)))
		assert.Equal(t, dataLine, read(t, mrz.TD3, 1, written(dataLine)))
	})
	t.Run("a look-alike is settled by its place", func(t *testing.T) {
		p := written(dataLine)
		p.doubt(12, '0', 'O', .9) // last letter of the nationality
		p.doubt(14, 'A', '4', .9) // year of birth
		assert.Equal(t, dataLine, read(t, mrz.TD3, 1, p))
	})
	t.Run("a character of the wrong kind that is sure stays as printed", func(t *testing.T) {
		broken := dataLine[:10] + "X7K" + dataLine[13:]
		assert.Equal(t, broken, read(t, mrz.TD3, 1, written(broken)))
	})
	t.Run("a check digit is never made to fit", func(t *testing.T) {
		wrong := dataLine[:9] + "7" + dataLine[10:]
		p := written(wrong)
		p.doubt(9, '7', '6', .51)
		assert.Equal(t, wrong, read(t, mrz.TD3, 1, p))
	})
	t.Run("after three fillers no letter comes back on a weak sign", func(t *testing.T) {
		p := written(nameLine)
		p.doubt(35, 'K', '<', .95)
		assert.Equal(t, nameLine, read(t, mrz.TD3, 0, p))
	})
	t.Run("a line of another length is read badly, and another layout wins", func(t *testing.T) {
		z := new(lattice).bestLayout([]posteriors{written(nameLine), written(dataLine)}, make([]strip, 2))
		assert.Equal(t, mrz.TD3, z.layout)
		assert.Equal(t, []string{nameLine, dataLine}, z.text())
		v := new(lattice).bestLayout([]posteriors{written("V" + nameLine[1:]), written(dataLine[:28] + strings.Repeat("<", 16))}, make([]strip, 2))
		assert.Equal(t, mrz.MRVA, v.layout)
	})
	t.Run("too few frames are no line", func(t *testing.T) {
		places, name := alphabets(mrz.TD3, 0, false)
		_, ok := new(lattice).decode(written("P<UTO"), places, name)
		assert.False(t, ok)
	})
}

func TestFramesVoteCharacterByCharacter(t *testing.T) {
	frame := func(second string, sure float64) page {
		p := page{zone: zone{layout: mrz.TD3, score: 90}}
		for i, text := range []string{nameLine, second} {
			r := reading{text: text}
			for range text {
				r.chars = append(r.chars, sure)
			}
			p.zone.lines = append(p.zone.lines, r)
			p.again = append(p.again, reading{text: []string{nameLine, dataLine}[i]})
		}
		return p
	}
	bad1 := "L898902036" + dataLine[10:]
	bad2 := dataLine[:36] + "8" + dataLine[37:]
	p := vote([]page{frame(bad1, .8), frame(bad2, .8), frame(bad2[:36]+"B"+bad2[37:], .9)}, 0, today)
	assert.Equal(t, []string{nameLine, dataLine}, p.zone.text())
	assert.True(t, p.same)
	require.NotNil(t, p.doc)
	assert.True(t, p.doc.Valid())
	t.Run("frames without a zone have no vote", func(t *testing.T) {
		p := vote([]page{frame(bad1, .8), {}, {}}, 0, today)
		assert.Equal(t, bad1, p.zone.lines[1].text)
		assert.False(t, p.same)
	})
}

func TestWhatNeitherReaderSawIsNoAgreement(t *testing.T) {
	page := func(own, again float64, partial bool) page {
		p := page{zone: zone{layout: mrz.TD3, score: 90, partial: partial}}
		for _, text := range []string{nameLine, dataLine} {
			mine, its := reading{text: text, chars: make([]float64, 44)}, reading{text: text, chars: make([]float64, 44)}
			for k := range 44 {
				mine.chars[k], its.chars[k] = .9, .9
			}
			mine.chars[43], its.chars[43] = own, again
			p.zone.lines, p.again = append(p.zone.lines, mine), append(p.again, its)
		}
		p.judge([]string{nameLine, dataLine}, today)
		return p
	}
	assert.True(t, page(.9, .9, false).same)
	assert.True(t, page(.01, .2, false).same, "one of them saw it")
	assert.True(t, page(.2, .01, false).same)
	no := page(.01, .02, false)
	assert.False(t, no.same, "the layout alone put a digit there")
	assert.Equal(t, 1.0, no.share)
	assert.False(t, page(.9, .9, true).same, "a part of a zone is none")
}

func TestAgreementLooksThroughLookAlikesOnlyWhereTheirPlaceDecides(t *testing.T) {
	again := func(second string) []reading { return []reading{{text: nameLine}, {text: second}} }
	agree := func(b []reading) float64 { return shareOf(alike(mrz.TD3, []string{nameLine, dataLine}, b)) }
	assert.Equal(t, 1.0, agree(again(dataLine[:12]+"0"+dataLine[13:])), "O and 0 in the nationality")
	assert.Less(t, agree(again("L898902O36"+dataLine[10:])), 1.0, "in the number both are possible")
	assert.Less(t, agree(again("")), 1.0)
	assert.Less(t, agree(nil), 1.0)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("some bytes that stand for probabilities"), uint8(0), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, layout, line uint8) {
		l := mrz.Layouts()[int(layout)%len(mrz.Layouts())]
		lines, width := l.Size()
		frames := min(len(b), 120)
		p := posteriors{frames: frames, log: make([]float32, frames*classes)}
		for i := range p.log {
			p.log[i] = -float32(b[(i*31+i/classes)%len(b)]) / 8
		}
		places, name := alphabets(l, int(line)%lines, false)
		r, ok := new(lattice).decode(p, places, name)
		if !ok {
			return
		}
		if len(r.text) != width || len(r.chars) != width {
			t.Fatalf("%s: %d characters", l, len(r.text))
		}
		for i := 1; i < width; i++ {
			if r.place[i] <= r.place[i-1] {
				t.Fatalf("character %d stands before its neighbour", i)
			}
		}
	})
}

func TestOutlineGeometry(t *testing.T) {
	t.Run("rounded corners become four", func(t *testing.T) {
		p := []vec{{20, 0}, {180, 0}, {200, 20}, {200, 106}, {180, 126}, {20, 126}, {0, 106}, {0, 20}}
		q, ok := fourCorners(p)
		require.True(t, ok)
		for i, want := range [4]vec{{0, 0}, {200, 0}, {200, 126}, {0, 126}} {
			assert.InDelta(t, want.x, q[i].x, 1e-6)
			assert.InDelta(t, want.y, q[i].y, 1e-6)
		}
		assert.InDelta(t, 1, aspectFit(q), .01)
	})
	t.Run("fewer than four points are no document", func(t *testing.T) {
		_, ok := fourCorners([]vec{{0, 0}, {1, 0}, {0, 1}})
		assert.False(t, ok)
	})
	t.Run("points follow a turn there and back", func(t *testing.T) {
		for _, turn := range []int{0, 90, 180, 270} {
			v := turnVec(vec{30, 10}, 100, 50, turn)
			w, h := 100.0, 50.0
			if turn%180 != 0 {
				w, h = h, w
			}
			q := toQuad([4]vec{v}, int(w), int(h))
			back := unturnPoint(q[0], turn)
			assert.InDelta(t, .3, back.X, 1e-9)
			assert.InDelta(t, .2, back.Y, 1e-9)
		}
	})
}

var today = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func TestWhereTheReadersDifferTheSurerOneIsBelievedAndNothingIsAccepted(t *testing.T) {
	line := func(text string, sure float64) reading {
		r := reading{text: text}
		for range text {
			r.chars = append(r.chars, sure)
		}
		return r
	}
	page := func(own, again reading) page {
		p := page{zone: zone{layout: mrz.TD3, score: 90, lines: []reading{line(nameLine, .9), own}}, again: []reading{line(nameLine, .9), again}}
		p.judge(p.zone.text(), today)
		return p
	}
	misread := dataLine[:9] + "5" + dataLine[10:]
	t.Run("the other reader was surer", func(t *testing.T) {
		p := page(line(misread, .5), line(dataLine, .9))
		p.believe(today)
		assert.Equal(t, dataLine, p.zone.lines[1].text)
		assert.True(t, p.doc.Valid())
		assert.False(t, p.same)
		assert.False(t, accepted(p.doc, p.same), "the readers did not read the same")
	})
	t.Run("the own reader was surer", func(t *testing.T) {
		p := page(line(dataLine, .9), line(misread, .5))
		p.believe(today)
		assert.Equal(t, dataLine, p.zone.lines[1].text)
		assert.False(t, p.same)
	})
	t.Run("a look-alike is no difference", func(t *testing.T) {
		p := page(line(dataLine, .5), line(dataLine[:12]+"0"+dataLine[13:], .9))
		p.believe(today)
		assert.Equal(t, dataLine, p.zone.lines[1].text, "the place of a letter")
		assert.True(t, p.same)
	})
	t.Run("what the surer reader saw is reported as it saw it", func(t *testing.T) {
		p := page(line(dataLine[:12]+"T"+dataLine[13:], .5), line(dataLine[:12]+"0"+dataLine[13:], .9))
		p.believe(today)
		assert.Equal(t, byte('0'), p.zone.lines[1].text[12])
	})
	t.Run("a second reading that is missing changes nothing", func(t *testing.T) {
		p := page(line(misread, .5), reading{})
		p.believe(today)
		assert.Equal(t, misread, p.zone.lines[1].text)
	})
}

func TestUnevenTellsLettersOfAZoneFromOthers(t *testing.T) {
	line := func(place func(k int) float64) reading {
		r := reading{}
		for k := range 44 {
			r.place = append(r.place, place(k))
		}
		return r
	}
	assert.InDelta(t, 0, line(func(k int) float64 { return 7 + 4*float64(k) }).uneven(), 1e-9)
	assert.InDelta(t, 0, line(func(k int) float64 { return 4*float64(k) + .01*float64(k*k) }).uneven(), 1e-9, "seen from aside")
	assert.Greater(t, line(func(k int) float64 { return 4*float64(k) + 2*math.Sin(float64(k)) }).uneven(), .06, "proportional print")
	assert.True(t, math.IsInf(line(func(int) float64 { return 3 }).uneven(), 1))
	assert.Zero(t, reading{place: []float64{1, 2}}.uneven())
}
