package document

import (
	"context"
	"errors"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/mrz"
)

// Framing, in parts of the distance between two lines (6.35 mm): a strip reaches
// this far above and below the middle of its line, and this far beyond its ends.
const (
	stripHalf = 0.38
	stripEnd  = 0.25
)

// Limits of a reading. A picture of a page of text gives 15 to 40 here, a zone of any
// kind more than 60 (mean probability of a character, percent).
const (
	zoneScore  = 55.0
	goodScore  = 93.0 // no other place is tried any more
	blockTries = 6
	// A line that shows fewer or more characters than this, read freely, is none of a zone.
	fewestLetters = 18
	mostLetters   = 52
	strongShape   = -0.35 // a block's likely; below, it is hardly a zone
)

// zone is a machine readable zone as read from one picture.
type zone struct {
	layout mrz.Layout
	lines  []reading
	strips []strip
	score  float64 // 0..100, mean probability of its characters
	looks  []posteriors
}

func (z zone) text() []string {
	out := make([]string, len(z.lines))
	for i, l := range z.lines {
		out[i] = l.text
	}
	return out
}

// pitch is the distance of neighbouring characters in pixels, measured from the
// first to the last character of each line.
func (z zone) pitch() float64 {
	sum := 0.0
	for i, l := range z.lines {
		n := len(l.place)
		frames := z.strips[i].aspect() * stripHeight / stripStride
		perFrame := z.strips[i].to.sub(z.strips[i].from).length() / frames
		sum += (l.place[n-1] - l.place[0]) / float64(n-1) * perFrame
	}
	return sum / float64(len(z.lines))
}

// strips frames the rows of a block. All lines of a zone start and end together, so
// the longest row tells where; what DB misses of one line, mostly fillers, it finds in another.
func (b block) strips(half float64, turned bool) []strip {
	var u vec
	for _, r := range b.rows {
		u = u.add(r.dir())
	}
	u = u.unit()
	origin := b.rows[0].start
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, r := range b.rows {
		a, z := along(u, origin, r)
		lo, hi = math.Min(lo, a), math.Max(hi, z)
	}
	lo, hi = lo-stripEnd*b.leading, hi+stripEnd*b.leading
	out := make([]strip, len(b.rows))
	for i, r := range b.rows {
		// The row's own slope, the block's ends.
		d, c := r.dir(), r.centre()
		at := c.sub(origin).dot(u)
		k := 1 / math.Max(d.dot(u), .5)
		out[i] = strip{from: c.add(d.times((lo - at) * k)), to: c.add(d.times((hi - at) * k)), half: half * b.leading}
	}
	if turned {
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
		for i := range out {
			out[i] = out[i].turned()
		}
	}
	return out
}

// freely is a block read freely, one way round.
type freely struct {
	strips []strip
	looks  []posteriors
	sure   float64 // 0..1, mean probability of the letters as each frame says them
}

// readFreely reads the rows of a block without a layout; no letters, or far too many for a zone, give none.
func (r *Reader) readFreely(grey gocv.Mat, b block, turned bool) (freely, error) {
	g := freely{strips: b.strips(stripHalf, turned)}
	for _, s := range g.strips {
		p, err := look(r.lines, grey, s)
		if err != nil {
			return freely{}, err
		}
		n, sure := p.letters()
		if n < fewestLetters || n > mostLetters {
			return freely{}, nil
		}
		g.looks, g.sure = append(g.looks, p), g.sure+sure/float64(len(g.strips))
	}
	return g, nil
}

// clearWay is by how much one way round must be surer than the other for that to be left out.
const clearWay = .1

// readBlock reads the rows of a block as each layout with that many lines and keeps
// the most probable one; the format is decided on all lines together. Which way round is
// mostly plain before any layout is tried: upside down, a line is read with half the confidence.
func (r *Reader) readBlock(grey gocv.Mat, b block) (zone, error) {
	var ways [2]freely
	var best zone
	for i := range ways {
		var err error
		if ways[i], err = r.readFreely(grey, b, i == 1); err != nil && !errors.Is(err, models.ErrFrame) {
			return zone{}, err
		}
		if i == 0 && ways[0].sure > plainWay {
			if best = ways[0].zone(); best.score > goodScore {
				return best, nil
			}
		}
	}
	for i, g := range ways {
		if g.sure < ways[1-i].sure-clearWay {
			continue
		}
		if z := g.zone(); z.score > best.score {
			best = z
		}
	}
	return best, nil
}

// plainWay is the confidence from which a line is worth a layout before it was looked at the other way round.
const plainWay = .9

// zone decodes the looks as the most probable layout.
func (g freely) zone() zone {
	if len(g.looks) == 0 {
		return zone{}
	}
	z := bestLayout(g.looks, g.strips)
	z.looks = g.looks
	return z
}

// letters counts the characters of a line when each frame is taken at its word, and gives their
// mean probability, 0..1.
func (p posteriors) letters() (n int, sure float64) {
	before := blank
	for t := range p.frames {
		best := blank
		for c := range classes {
			if p.at(t, c) > p.at(t, best) {
				best = c
			}
		}
		if best != before && best != blank {
			n++
			sure += math.Exp(p.at(t, best))
		}
		before = best
	}
	return n, sure / float64(max(n, 1))
}

// farFromSize is by how many characters the longest line, read freely, may miss the size of a
// layout that is still tried. Misreadings lose characters far more often than they add any.
const farFromSize = 5

func bestLayout(ps []posteriors, strips []strip) zone {
	seen := 0
	for _, p := range ps {
		n, _ := p.letters()
		seen = max(seen, n)
	}
	fits := map[bool][]mrz.Layout{}
	for _, l := range mrz.Layouts() {
		if n, length := l.Size(); n == len(ps) {
			near := seen >= length-farFromSize && seen <= length+farFromSize
			fits[near] = append(fits[near], l)
		}
	}
	layouts := fits[true]
	if len(layouts) == 0 {
		layouts = fits[false]
	}
	best, bestScore := zone{}, math.Inf(-1)
	for _, l := range layouts {
		z, score := zone{layout: l, strips: strips}, 0.0
		ok := true
		for i, p := range ps {
			places, name := alphabets(l, i, false)
			var line reading
			if line, ok = decode(p, places, name); !ok {
				break
			}
			z.lines = append(z.lines, line)
			z.score += 100 * line.mean() / float64(len(ps))
			score += line.score
		}
		if ok && score > bestScore {
			best, bestScore = z, score
		}
	}
	return best
}

// sure tells whether a zone leaves nothing for refine to settle.
func (z zone) sure() bool {
	for _, l := range z.lines {
		for _, c := range l.chars {
			if c < sureChar {
				return false
			}
		}
	}
	return len(z.lines) > 0
}

// sureChar is the probability from which a character needs no second look by the same reader.
const sureChar = .97

// refine looks again at a zone with its strips framed a little higher, lower, tighter
// and wider, and decodes the mean: what depends on the framing cancels out.
func (r *Reader) refine(grey gocv.Mat, z zone) (zone, error) {
	ps := make([]posteriors, len(z.strips))
	for i, s := range z.strips {
		looks := append(make([]posteriors, 0, len(framings)), z.looks[i])
		for _, f := range framings[1:] {
			n := s.from.sub(s.to).unit().across().times(-f.shift * s.half)
			p, err := look(r.lines, grey, strip{from: s.from.add(n), to: s.to.add(n), half: s.half * f.half, stretch: f.half})
			if err != nil {
				return zone{}, err
			}
			looks = append(looks, p)
		}
		ps[i] = average(looks)
	}
	return bestLayout(ps, z.strips), nil
}

// framing is a small change of a strip: its height, and how far down it moves, both
// in parts of its half height.
type framing struct{ half, shift float64 }

var framings = [...]framing{{1, 0}, {1.12, .08}, {.9, -.08}}

// findZone looks for the zone among the blocks of a picture.
func (r *Reader) findZone(ctx context.Context, grey gocv.Mat, bs []block) (zone, error) {
	var best zone
	for i, b := range bs {
		if i == blockTries || i > 0 && b.likely < strongShape {
			break
		}
		if err := ctx.Err(); err != nil {
			return zone{}, err
		}
		z, err := r.readBlock(grey, b)
		if err != nil {
			return zone{}, err
		}
		if z.score > best.score {
			best = z
		}
		if best.score > goodScore {
			return best, nil
		}
	}
	return best, nil
}
