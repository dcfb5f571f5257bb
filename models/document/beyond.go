package document

import (
	"errors"

	"gocv.io/x/gocv"

	"vestibule/models"
)

// A zone that was read as one of a shorter layout may be the part of a longer one whose end the detector did
// not see: the first 36 places of a visa's lines can be a valid smaller visa, check digits and all. So
// such a zone is looked at beyond its end. Of 186 zones drawn and filmed at random, what were
// whole lines showed one letter there at most, in one line; six parts of lines showed four and more in each.
const (
	beyondBefore = 6.0 // places of the line itself, which show the network how it is printed
	beyondAfter  = 5.0 // places behind its last character
	goesOn       = 2   // letters in every line
)

// partial tells whether the lines of a zone go on where the layout ends.
func (r *Reader) partial(grey gocv.Mat, z zone) (bool, error) {
	if len(z.lines) == 0 || wide(z.layout) == widest(len(z.lines)) {
		return false, nil
	}
	for i, l := range z.lines {
		n, s := len(l.place), z.strips[i]
		frames := s.aspect() * stripHeight / stripStride
		step := (l.place[n-1] - l.place[n-5]) / 4
		if frames <= 0 || step <= 0 {
			return false, nil
		}
		end := l.place[n-1]
		part := strip{from: s.at((end-beyondBefore*step)/frames, 0), to: s.at((end+beyondAfter*step)/frames, 0), half: s.half, stretch: s.stretch}
		p, err := look(r.lines, grey, part)
		if errors.Is(err, models.ErrFrame) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if p.lettersFrom(float64(p.frames)*(beyondBefore+.6)/(beyondBefore+beyondAfter)) < goesOn {
			return false, nil
		}
	}
	return true, nil
}

// lettersFrom counts the letters, read freely, from a frame on.
func (p posteriors) lettersFrom(from float64) int {
	n, before := 0, blank
	for t := range p.frames {
		best := p.likeliest(t)
		if best != before && best != blank && float64(t) > from {
			n++
		}
		before = best
	}
	return n
}

// whole is the longer zone that a zone is a part of, read as far as the longest layout with so many lines
// reaches. When that shows none, the zone stays, and its partial stays set.
func (r *Reader) whole(grey gocv.Mat, z zone) (zone, error) {
	var err error
	if z.partial, err = r.partial(grey, z); err != nil || !z.partial {
		return z, err
	}
	missing := float64(widest(len(z.lines)) - wide(z.layout))
	ps, strips := make([]posteriors, len(z.lines)), make([]strip, len(z.lines))
	for i, s := range z.strips {
		l := z.lines[i]
		n, frames := len(l.place), s.aspect()*stripHeight/stripStride
		step := (l.place[n-1] - l.place[0]) / float64(n-1)
		end := l.place[n-1] + (missing+.5)*step // half a place and the margin that strips have
		strips[i] = strip{from: s.from, to: s.at(end/frames, 0).add(s.to.sub(s.from).unit().times(stripEnd * s.half / stripHalf)), half: s.half, stretch: s.stretch}
		if ps[i], err = look(r.lines, grey, strips[i]); errors.Is(err, models.ErrFrame) {
			return z, nil
		} else if err != nil {
			return zone{}, err
		}
	}
	w := r.lattices.take()
	defer r.lattices.give(w)
	longer := w.bestLayout(ps, strips)
	if longer.score < zoneScore || wide(longer.layout) <= wide(z.layout) {
		return z, nil
	}
	longer.looks = ps
	return longer, nil
}

// likelySeen is the probability that at least one reader must give a character before it counts as seen: a layout
// makes a line have its characters, and its check digits, even where nothing of the kind is printed. Of 139 zones that
// were read right, drawn and filmed at random, the least likely character had .23; three that were read with a character too
// many before their first had less than .02.
const likelySeen = .05

// seen tells whether each character of the zone is what at least one of the readers saw.
func (p page) seen() bool {
	for i, l := range p.zone.lines {
		for k, c := range l.chars {
			if i < len(p.again) && k < len(p.again[i].chars) {
				c = max(c, p.again[i].chars[k])
			}
			if c < likelySeen {
				return false
			}
		}
	}
	return true
}
