package document

import (
	"math"
	"sync"

	"vestibule/models/mrz"
)

// The classes of the own line reader: 0-9, A-Z, filler, blank.
const (
	alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<"
	filler   = 36
	blank    = 37
	classes  = 38
)

// How unlikely things are that a layout allows but hardly ever shows, as natural
// logarithms. They are priors of the layout, known before a pixel is seen; check digits
// play no part here, so that a wrong one stays visible.
const (
	rareFillerInDigits = -3.0 // unknown part of a date, empty check digit
	rareLetterO        = -1.5 // O in a number: most issuers leave it out, 0 looks alike
	rareAfterNames     = -6.0 // a letter after three fillers
	rareSex            = -2.0 // X
	wrongKind          = -6.0 // a letter in a date: look-alikes are settled, a real violation stays visible
	rareCode           = -3.0 // an unusual first letter for the layout
	outside            = -3.0 // a frame beyond the ends of the line that is not blank
	never              = -1e9
)

// posteriors holds, frame by frame, the natural logarithm of each class's probability.
type posteriors struct {
	frames int
	log    []float32 // frames × classes
}

func (p posteriors) at(t, class int) float64 { return float64(p.log[t*classes+class]) }

// symbol is what a place of a line can hold. Fillers of a name come in three
// kinds, which makes the grammar of names (word, filler, double filler, fillers to
// the end) a matter of neighbours.
type symbol struct {
	class int
	kind  fillerKind
	prior float64
}

type fillerKind uint8

const (
	plain fillerKind = iota // letter, digit, or filler outside of names
	first                   // filler of a name after a letter
	second
	tail // third and later
)

// follows gives the prior of b right after a, within a name.
func follows(a, b symbol) float64 {
	switch b.kind {
	case first:
		if a.kind == plain {
			return 0
		}
	case second:
		if a.kind == first {
			return 0
		}
	case tail:
		if a.kind == second || a.kind == tail {
			return 0
		}
	case plain:
		if a.kind == tail {
			return rareAfterNames
		}
		return 0
	}
	return never
}

// alphabets gives what each place of one line of a layout can hold, and where names
// are. A character of the wrong kind is very unlikely but not forbidden: specimens and
// forgeries that break the layout exist, and must be read as they are printed.
//
// With alike, a look-alike of the wrong kind counts as what its place allows: the second
// reader was trained on print where 0 and O differ, and would rather shift the line.
func alphabets(l mrz.Layout, line int, alike bool) (places [][]symbol, name []bool) {
	kinds := l.Kinds()[line]
	places, name = make([][]symbol, len(kinds)), make([]bool, len(kinds))
	for _, sp := range l.Names() {
		if sp.Line != line {
			continue
		}
		for i := sp.Start; i < sp.End; i++ {
			name[i] = true
		}
	}
	mixed := mrz.Letter | mrz.Digit | mrz.Filler
	const most = filler + 3 // of a place: every class, the filler three times
	room := make([]symbol, len(kinds)*most)
	for i, k := range kinds {
		places[i] = room[i*most : i*most : (i+1)*most]
		for class := range filler + 1 {
			c := alphabet[class]
			s := symbol{class: class}
			switch {
			case !k.Allows(c):
				if _, like := k.Alike(c); !like || !alike {
					s.prior = wrongKind
				}
			case name[i] && class == filler:
				places[i] = append(places[i], symbol{class: class, kind: first}, symbol{class: class, kind: second}, symbol{class: class, kind: tail})
				continue
			case k == mrz.Digit|mrz.Filler && class == filler:
				s.prior = rareFillerInDigits
				if line == 0 && l == mrz.TD1 || l == mrz.TD2 && i == 9 {
					s.prior = -1 // a long number leaves its digit's place empty
				}
			case k == mixed && c == 'O':
				s.prior = rareLetterO
			case k&mrz.SexKind != 0 && c == 'X':
				s.prior = rareSex
			case line == 0 && i == 0:
				s.prior = codePrior(l, c)
			}
			places[i] = append(places[i], s)
		}
	}
	if l == mrz.FRID && line == 0 {
		for i, c := range []byte("IDFRA") {
			places[i] = []symbol{{class: int(c-'A') + 10}}
		}
	}
	return places, name
}

// codePrior knows the first letters of ICAO 9303: P for passports, V for visas, I, A
// and C for cards.
func codePrior(l mrz.Layout, c byte) float64 {
	usual := ""
	switch l {
	case mrz.TD3:
		usual = "P"
	case mrz.MRVA, mrz.MRVB:
		usual = "V"
	case mrz.TD1:
		usual = "IAC"
	case mrz.TD2:
		usual = "IACP"
	default:
		return 0
	}
	for i := range len(usual) {
		if usual[i] == c {
			return 0
		}
	}
	if (c == 'V') != (usual == "V") && (c == 'V' || usual == "V") {
		return never // the letter V is what tells a visa from another document
	}
	return rareCode
}

// transitions holds the prior of every kind of symbol after every other.
type transitions [4][4]float64

// transitionsOf tabulates follows; outside of names everything may follow
// everything, but a name cannot start with its second filler.
func transitionsOf(inName bool) (t transitions) {
	for a := range t {
		for b := range t[a] {
			switch {
			case inName:
				t[a][b] = follows(symbol{kind: fillerKind(a)}, symbol{kind: fillerKind(b)})
			case fillerKind(b) == second || fillerKind(b) == tail:
				t[a][b] = never
			}
		}
	}
	return t
}

// way is the best two symbols of one kind to come from, and the best blank after one.
type way struct {
	class   int // of the best symbol
	symbol  [2]float64
	at      [2]int
	blank   float64
	blankAt int
}

func noWay() way {
	return way{class: -1, symbol: [2]float64{2 * never, 2 * never}, blank: 2 * never}
}

func (w *way) add(class int, symbol float64, at int, blank float64, blankAt int) {
	switch {
	case symbol > w.symbol[0]:
		w.symbol[1], w.at[1] = w.symbol[0], w.at[0]
		w.class, w.symbol[0], w.at[0] = class, symbol, at
	case symbol > w.symbol[1]:
		w.symbol[1], w.at[1] = symbol, at
	}
	if blank > w.blank {
		w.blank, w.blankAt = blank, blankAt
	}
}

// reading is one decoded line.
type reading struct {
	text  string
	score float64   // natural logarithm of the best path, priors included
	chars []float64 // 0..1, probability of each character in its best frame
	place []float64 // frame of each character's centre
}

// mean is the mean probability of the characters.
func (r reading) mean() float64 {
	if len(r.chars) == 0 {
		return 0
	}
	sum := 0.0
	for _, c := range r.chars {
		sum += c
	}
	return sum / float64(len(r.chars))
}

// uneven is by how much the characters stand off the even spacing of a zone (ICAO 9303-3 section
// 4.5: ten an inch), as the mean square in spacings. What a line seen from aside does to it, a
// spacing that grows steadily, does not count.
func (r reading) uneven() float64 {
	n := len(r.place)
	if n < 4 {
		return 0
	}
	// Least squares of place = a·1 + b·x + c·(x² − m), x from -1 to 1: the three are orthogonal.
	m := 0.0
	x := func(k int) float64 { return 2*float64(k)/float64(n-1) - 1 }
	for k := range n {
		m += x(k) * x(k) / float64(n)
	}
	var a, b, c, bb, cc float64
	for k, p := range r.place {
		q := x(k)*x(k) - m
		a += p / float64(n)
		b, bb = b+p*x(k), bb+x(k)*x(k)
		c, cc = c+p*q, cc+q*q
	}
	b, c = b/bb, c/cc
	spacing := 2 * b / float64(n-1)
	if spacing <= 0 {
		return math.Inf(1)
	}
	sum := 0.0
	for k, p := range r.place {
		d := (p - a - b*x(k) - c*(x(k)*x(k)-m)) / spacing
		sum += d * d
	}
	return sum / float64(n)
}

// lattice is the room that decode works in, used again and again: a line takes up to two
// megabytes. One goroutine at a time.
type lattice struct {
	states      []state
	start       []int
	score, next []float64
	back        []int16
}

// state is a place with a symbol, or the blank after it.
type state struct {
	place int // -1: before the first
	sym   symbol
	blank bool
}

// sized gives a slice of n zeros in the room that is there, or in a new one.
func sized[T int | int16 | float64](room *[]T, n int) []T {
	if cap(*room) < n {
		*room = make([]T, n)
	}
	s := (*room)[:n]
	clear(s)
	return s
}

// lattices keeps as many as readings ran at the same time, up to keptLattices.
type lattices struct {
	mu   sync.Mutex
	idle []*lattice
}

const keptLattices = 3 // as many requests as the vision worker takes at once

func (l *lattices) take() *lattice {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.idle); n > 0 {
		w := l.idle[n-1]
		l.idle = l.idle[:n-1]
		return w
	}
	return new(lattice)
}

func (l *lattices) give(w *lattice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.idle) < keptLattices {
		l.idle = append(l.idle, w)
	}
}

// decode finds the most probable line of exactly len(places) characters, each out
// of its place's alphabet: the Viterbi path of connectionist temporal classification
// (Graves et al. 2006) where a state is (place, symbol) or the blank before a place.
func (w *lattice) decode(p posteriors, places [][]symbol, name []bool) (reading, bool) {
	n, frames := len(places), p.frames
	if n == 0 || frames < n {
		return reading{}, false
	}
	// States: for each place i its symbols, and a blank after each symbol (it must
	// remember the symbol for the grammar and for doubled letters). The blank before the first place is state 0.
	states := append(w.states[:0], state{place: -1, blank: true})
	start := sized(&w.start, n+1)
	for i, alts := range places {
		start[i] = len(states)
		for _, s := range alts {
			states = append(states, state{place: i, sym: s})
		}
		for _, s := range alts {
			states = append(states, state{place: i, sym: s, blank: true})
		}
	}
	start[n] = len(states)
	total := len(states)
	w.states = states
	score, next := sized(&w.score, total), sized(&w.next, total)
	back := sized(&w.back, frames*total) // fewer than 2¹⁵ states: 44 places of 40 symbols, twice
	for i := range score {
		score[i] = never * 2
	}
	outer := func(t int) float64 { return math.Max(p.at(t, blank), outside) }
	score[0] = outer(0)
	for j, s := range places[0] {
		score[start[0]+j] = p.at(0, s.class) + s.prior
	}
	free, inName := transitionsOf(false), transitionsOf(true)
	slack := frames / 4 // a place may be this far from where even spacing puts it
	for t := 1; t < frames; t++ {
		for i := range next {
			next[i] = never * 2
		}
		row := back[t*total : (t+1)*total]
		next[0], row[0] = score[0]+outer(t), 0
		lo := max(0, (t-slack)*n/frames-1)
		hi := min(n-1, (t+slack)*n/frames+1)
		for i := lo; i <= hi; i++ {
			alts := places[i]
			k := len(alts)
			base := start[i]
			pb := p.at(t, blank)
			if i == n-1 {
				pb = outer(t)
			}
			// The best ways out of place i-1, by kind of its symbol; outside of names there is one.
			ways, kinds := [4]way{noWay(), noWay(), noWay(), noWay()}, 0
			if i > 0 {
				prev, pk := start[i-1], len(places[i-1])
				for q, a := range places[i-1] {
					ways[a.kind].add(a.class, score[prev+q], prev+q, score[prev+pk+q], prev+pk+q)
					kinds = max(kinds, int(a.kind)+1)
				}
			}
			for j, s := range alts {
				best, from := score[base+j], base+j // stay
				if i == 0 {
					if v := score[0] + s.prior; v > best {
						best, from = v, 0
					}
				} else {
					g := &free
					if name[i] && name[i-1] {
						g = &inName
					}
					for q := range kinds {
						way := &ways[q]
						cost := s.prior + g[q][s.kind]
						if cost <= never/2 {
							continue
						}
						v, f := way.symbol[0], way.at[0]
						if way.class == s.class { // a doubled character needs a blank in between
							v, f = way.symbol[1], way.at[1]
						}
						if way.blank > v {
							v, f = way.blank, way.blankAt
						}
						if v+cost > best {
							best, from = v+cost, f
						}
					}
				}
				next[base+j], row[base+j] = best+p.at(t, s.class), int16(from)
				// Blank after the symbol.
				b, f := score[base+k+j], base+k+j
				if v := score[base+j]; v > b {
					b, f = v, base+j
				}
				next[base+k+j], row[base+k+j] = b+pb, int16(f)
			}
		}
		score, next = next, score
	}
	end, best := -1, never
	for i := start[n-1]; i < start[n]; i++ {
		if score[i] > best {
			end, best = i, score[i]
		}
	}
	if end < 0 {
		return reading{}, false
	}
	r := reading{score: best, chars: make([]float64, n), place: make([]float64, n)}
	text := make([]byte, n)
	count := make([]int, n)
	for t, s := frames-1, end; t >= 0; t-- {
		if st := states[s]; st.place >= 0 && !st.blank {
			text[st.place] = alphabet[st.sym.class]
			r.chars[st.place] = math.Max(r.chars[st.place], math.Exp(p.at(t, st.sym.class)))
			r.place[st.place] += float64(t)
			count[st.place]++
		}
		s = int(back[t*total+s])
	}
	for i, c := range count {
		if c == 0 {
			return reading{}, false
		}
		r.place[i] /= float64(c)
	}
	r.text = string(text)
	return r, true
}
