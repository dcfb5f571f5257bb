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
	stripEnd  = 0.6
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
	// partial: the lines go on behind their last characters, so this is not all of the zone.
	partial bool
}

func (z zone) text() []string {
	out := make([]string, len(z.lines))
	for i, l := range z.lines {
		out[i] = l.text
	}
	return out
}

// uneven is the mean of its lines'.
func (z zone) uneven() float64 {
	u := 0.0
	for _, l := range z.lines {
		u += l.uneven() / float64(len(z.lines))
	}
	return u
}

// good tells whether no other place and no other way has to be tried.
func (z zone) good() bool { return z.score > goodScore && z.uneven() < evenEnough }

// better compares two readings of what may be the same zone.
func (z zone) better(than zone) bool {
	rank := func(z zone) float64 { return z.score - 200*z.uneven() }
	return len(than.lines) == 0 || len(z.lines) > 0 && rank(z) > rank(than)
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

// span is one way to take the lines of a block: how far the strips reach beyond what was detected,
// in parts of the leading, and by how much they are stretched.
type span struct{ beyond, stretch float64 }

// spans lists the ways, the plain one first. What the detector saw may be a part of the lines: it
// often misses fillers at their ends, so they are looked for beyond. Or a
// line is seen from aside and shorter than its height tells; then its letters run together, and
// stretched they stand as the network was taught.
func (b block) spans() []span {
	const least, most, same = .8, 1.45, .07
	out := []span{{stripEnd, 1}}
	length := 0.0
	for _, r := range b.rows {
		length = math.Max(length, r.length())
	}
	places := math.Max(1, length/b.leading*leadingMM/pitchMM)
	// Shorter lines are found in longer strips, too: one look beyond serves all layouts.
	if most := float64(widest(len(b.rows))); most-places > 1 && most-places < .45*most {
		more := most - places
		out = append(out, span{stripEnd + (more+1)*pitchMM/leadingMM, 1})
	}
	for _, l := range mrz.Layouts() {
		n, wide := l.Size()
		k := float64(wide) / places
		known := n != len(b.rows) || k < least || k > most || math.Abs(k-1) < same
		for _, o := range out {
			known = known || o.stretch == k
		}
		if !known {
			out = append(out, span{stripEnd, k})
		}
	}
	return out
}

// strips frames the rows of a block. All lines of a zone start and end together, so
// the longest row tells where; what DB misses of one line, mostly fillers, it finds in another.
func (b block) strips(half, beyond float64, turned bool) []strip {
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
	lo, hi = lo-beyond*b.leading, hi+beyond*b.leading
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
func (r *Reader) readFreely(grey gocv.Mat, b block, turned bool, as span) (freely, error) {
	g := freely{strips: b.strips(stripHalf, as.beyond, turned)}
	for i := range g.strips {
		g.strips[i].stretch = as.stretch
	}
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
	var best zone
	for i, as := range b.spans() {
		z, err := r.readAs(grey, b, as)
		if err != nil {
			return zone{}, err
		}
		// A line that goes on beyond what was detected is a longer one, however well its part reads:
		// the part of a visa's lines can be a valid smaller visa.
		if longer := len(best.lines) > 0 && len(z.lines) > 0 && wide(z.layout) > wide(best.layout) && z.good(); longer || z.better(best) {
			best = z
		}
		if best.score == 0 { // what is no text at all is none stretched
			break
		}
		if best.good() && (i > 0 || len(b.rows) == 3 || wide(best.layout) == widest(2)) {
			break
		}
	}
	return best, nil
}

func wide(l mrz.Layout) int {
	_, n := l.Size()
	return n
}

// widest is the length of the longest line of a layout with so many lines.
func widest(rows int) int {
	most := 0
	for _, l := range mrz.Layouts() {
		if n, wide := l.Size(); n == rows {
			most = max(most, wide)
		}
	}
	return most
}

func (r *Reader) readAs(grey gocv.Mat, b block, as span) (zone, error) {
	w := r.lattices.take()
	defer r.lattices.give(w)
	var ways [2]freely
	var best zone
	for i := range ways {
		var err error
		if ways[i], err = r.readFreely(grey, b, i == 1, as); err != nil && !errors.Is(err, models.ErrFrame) {
			return zone{}, err
		}
		if i == 0 && ways[0].sure > plainWay {
			if best = ways[0].zone(w); best.good() {
				return best, nil
			}
		}
	}
	for i, g := range ways {
		if g.sure < ways[1-i].sure-clearWay {
			continue
		}
		if z := g.zone(w); z.score > best.score {
			best = z
		}
	}
	return best, nil
}

// plainWay is the confidence from which a line is worth a layout before it was looked at the other way round.
const plainWay = .9

// zone decodes the looks as the most probable layout.
func (g freely) zone(w *lattice) zone {
	if len(g.looks) == 0 {
		return zone{}
	}
	z := w.bestLayout(g.looks, g.strips)
	z.looks = g.looks
	return z
}

// likeliest is the class that a frame shows when it is taken at its word.
func (p posteriors) likeliest(t int) int {
	best := blank
	for c := range classes {
		if p.at(t, c) > p.at(t, best) {
			best = c
		}
	}
	return best
}

// letters counts the characters of a line when each frame is taken at its word, and gives their
// mean probability, 0..1.
func (p posteriors) letters() (n int, sure float64) {
	before := blank
	for t := range p.frames {
		best := p.likeliest(t)
		if best != before && best != blank {
			n++
			sure += math.Exp(p.at(t, best))
		}
		before = best
	}
	return n, sure / float64(max(n, 1))
}

// By how many characters the longest line, read freely, may be shorter or longer than a layout that
// is still tried. Far more get lost than are added: fillers that stand close run together.
const (
	lostLetters  = 12
	addedLetters = 5
)

// The characters of a zone stand evenly. Read as a layout of another length, or where stripes
// and print only look like letters, they do not: of 197 zones, drawn and real, those that were read as what
// they are came to .010 at most, those of another length to .05 and more, other print to .07 and more, the stripes of barcodes to .2 and more.
// The limits below were set on these figures, and the same drawings are measured again by the evaluation.
const (
	unevenCost = 500 // natural logarithm for a mean square of one spacing
	tooUneven  = .06
	evenEnough = .03
	strayCost  = 12 // natural logarithm for a letter in the strip that a layout leaves out
)

// strays counts the letters, read freely, that stand before the first and behind the last character of
// a line.
func (p posteriors) strays(line reading) int {
	n, before := 0, blank
	step := (line.place[len(line.place)-1] - line.place[0]) / float64(len(line.place)-1)
	lo, hi := line.place[0]-.6*step, line.place[len(line.place)-1]+.6*step
	for t := range p.frames {
		best := p.likeliest(t)
		if best != before && best != blank && (float64(t) < lo || float64(t) > hi) {
			n++
		}
		before = best
	}
	return n
}

func (w *lattice) bestLayout(ps []posteriors, strips []strip) zone {
	seen := 0
	for _, p := range ps {
		n, _ := p.letters()
		seen = max(seen, n)
	}
	fits := map[bool][]mrz.Layout{}
	for _, l := range mrz.Layouts() {
		if n, length := l.Size(); n == len(ps) {
			near := seen >= length-lostLetters && seen <= length+addedLetters
			fits[near] = append(fits[near], l)
		}
	}
	layouts := fits[true]
	if len(layouts) == 0 {
		layouts = fits[false]
	}
	best, bestScore := zone{}, math.Inf(-1)
	for _, l := range layouts {
		z, score, uneven := zone{layout: l, strips: strips}, 0.0, 0.0
		ok := true
		for i, p := range ps {
			places, name := alphabets(l, i, false)
			var line reading
			if line, ok = w.decode(p, places, name); !ok {
				break
			}
			z.lines = append(z.lines, line)
			z.score += 100 * line.mean() / float64(len(ps))
			score += line.score
			uneven += line.uneven() / float64(len(ps))
			score -= strayCost * float64(p.strays(line))
		}
		if score -= unevenCost * uneven; ok && uneven < tooUneven && score > bestScore {
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
			p, err := look(r.lines, grey, strip{from: s.from.add(n), to: s.to.add(n), half: s.half * f.half, stretch: f.half * s.stretched()})
			if err != nil {
				return zone{}, err
			}
			looks = append(looks, p)
		}
		ps[i] = average(looks)
	}
	w := r.lattices.take()
	defer r.lattices.give(w)
	return w.bestLayout(ps, z.strips), nil
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
		if z.better(best) {
			best = z
		}
		if best.good() {
			return best, nil
		}
	}
	return best, nil
}
