package aml

import (
	"cmp"
	"slices"
)

// How much what is left over on either side takes away. A word that only one side
// has is an omission, and lists give more names than documents do; words that both
// sides have and that do not correspond contradict each other, and that is what
// tells brothers apart. Tried on public pairs of names and on a mixed query set of
// 13,313; `make evaluate` measures them again.
const (
	costContradiction = 2.0
	costMissing       = .40  // in the query only
	costExtra         = .30  // in the list only
	steepness         = 1.25 // of the loss by spelling
	loneWord          = .75  // one word that tells people apart is not a name
	weakAlias         = .95
	otherScript       = .90 // romanising guesses vowels
	syllables         = .78 // and short syllables are many people's
	leastStrong       = .25 // weight from which a word tells people apart
)

// The scale of points. A raw likeness of pivot is what at most 1 % of people who are
// on no list reach by their name alone (n = 3,000, names in nine scripts); it becomes
// pivotPoints, the default from which a match is a red flag. An equal name is nameOnly,
// so that agreement in other facts still ranks within equal names.
const (
	pivot       = .69
	pivotPoints = 85.
	nameOnly    = 97.
)

// points puts a raw likeness, 0..1, on the scale.
func points(likeness float64) float64 {
	if likeness <= pivot {
		return pivotPoints * likeness / pivot
	}
	return pivotPoints + (nameOnly-pivotPoints)*(likeness-pivot)/(1-pivot)
}

// edge is a possible correspondence of words. It spans one word, or two neighbours
// where one side writes them joined.
type edge struct {
	query, listed         int // first word
	querySpan, listedSpan int
	alike                 float64
	how                   How
}

// side is one name with the weights of its words.
type side struct {
	words   []string
	weights []float64
}

func (s side) span(at, n int) (weight float64) {
	for _, w := range s.weights[at : at+n] {
		weight += w
	}
	return weight
}

func (s side) text(at, n int) string {
	text := s.words[at]
	for _, w := range s.words[at+1 : at+n] {
		text += " " + w
	}
	return text
}

// aligner chooses correspondences; it is scratch space and may be reused.
type aligner struct {
	usedQuery, usedListed [maxTokens]bool
	chosen                []edge
}

// align takes the best correspondences, each word once, and gives the score 0..1.
func (a *aligner) align(query, listed side, edges []edge) float64 {
	for i := range edges {
		e := &edges[i]
		if e.querySpan+e.listedSpan > 2 {
			e.alike *= .99
			if e.how == Equal {
				e.how = Joined
			}
		}
	}
	slices.SortFunc(edges, func(x, y edge) int {
		return cmp.Or(
			cmp.Compare(y.alike, x.alike),
			cmp.Compare(y.querySpan+y.listedSpan, x.querySpan+x.listedSpan),
			cmp.Compare(x.query, y.query), cmp.Compare(x.listed, y.listed),
		)
	})
	clear(a.usedQuery[:])
	clear(a.usedListed[:])
	a.chosen = a.chosen[:0]
	gained, matched := 0., 0.
	strong := 0
	for _, e := range edges {
		if a.taken(e) {
			continue
		}
		for i := range e.querySpan {
			a.usedQuery[e.query+i] = true
		}
		for i := range e.listedSpan {
			a.usedListed[e.listed+i] = true
		}
		a.chosen = append(a.chosen, e)
		weight := (query.span(e.query, e.querySpan) + listed.span(e.listed, e.listedSpan)) / 2
		gained += weight * max(0, 1-steepness*(1-e.alike))
		matched += weight
		if weight >= leastStrong {
			strong += max(e.querySpan, e.listedSpan)
		}
	}
	missing, strongQuery := left(query, a.usedQuery[:])
	extra, strongListed := left(listed, a.usedListed[:])
	contradiction := min(missing, extra)
	whole := matched + costContradiction*contradiction +
		costMissing*(missing-contradiction) + costExtra*(extra-contradiction)
	if whole <= 0 {
		return 0
	}
	score := gained / whole
	if strong <= 1 && strongQuery+strongListed > 0 {
		score *= loneWord
	}
	return score
}

func (a *aligner) taken(e edge) bool {
	for i := range e.querySpan {
		if a.usedQuery[e.query+i] {
			return true
		}
	}
	for i := range e.listedSpan {
		if a.usedListed[e.listed+i] {
			return true
		}
	}
	return false
}

// left sums the weight of unused words, and counts those that tell people apart.
func left(s side, used []bool) (weight float64, strong int) {
	for i, w := range s.weights {
		if !used[i] {
			weight += w
			if w >= leastStrong {
				strong++
			}
		}
	}
	return weight, strong
}

// why explains the last alignment, word by word.
func (a *aligner) why(query, listed side) []TokenMatch {
	var out []TokenMatch
	slices.SortFunc(a.chosen, func(x, y edge) int { return cmp.Compare(x.query, y.query) })
	for _, e := range a.chosen {
		out = append(out, TokenMatch{
			Query: query.text(e.query, e.querySpan), Listed: listed.text(e.listed, e.listedSpan), How: e.how, Alike: round(e.alike),
			Weight: round((query.span(e.query, e.querySpan) + listed.span(e.listed, e.listedSpan)) / 2),
		})
	}
	for i, w := range query.words {
		if !a.usedQuery[i] {
			out = append(out, TokenMatch{Query: w, How: Missing, Weight: round(query.weights[i])})
		}
	}
	for i, w := range listed.words {
		if !a.usedListed[i] {
			out = append(out, TokenMatch{Listed: w, How: Extra, Weight: round(listed.weights[i])})
		}
	}
	return out
}

func round(f float64) float64 { return float64(int(f*1000+.5)) / 1000 }

// Compare gives the likeness of two names on the scale of Match.NameOnly, without
// any list: every word that tells people apart weighs the same.
func Compare(a, b string) float64 {
	x, y := read(a), read(b)
	if x.script != y.script || x.script == latin {
		return points(compareWords(x.roman, y.roman, latin) * crossing(x.script, y.script))
	}
	return points(compareWords(x.words, y.words, x.script))
}

// crossing is what is left of a likeness across scripts.
func crossing(a, b script) float64 {
	switch {
	case a == b:
		return 1
	case a == han, b == han, a == hangul, b == hangul:
		return syllables
	}
	return otherScript
}

func compareWords(a, b []string, s script) float64 {
	query, listed := evenly(a), evenly(b)
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	type unit struct {
		word
		at, span int
	}
	units := func(words []string) []unit {
		var all []unit
		for i, text := range words {
			all = append(all, unit{newWord(text, s), i, 1})
			if i+1 < len(words) {
				both := newWord(text+words[i+1], s)
				both.joined = true
				all = append(all, unit{both, i, 2})
			}
		}
		return all
	}
	var edges []edge
	for _, x := range units(a) {
		for _, y := range units(b) {
			if x.span == 2 && y.span == 2 {
				continue
			}
			if score, how := alike(&x.word, &y.word); score > 0 {
				edges = append(edges, edge{x.at, y.at, x.span, y.span, score, how})
			}
		}
	}
	var al aligner
	return al.align(query, listed, edges)
}

func evenly(words []string) side {
	s := side{words: words}
	for _, w := range words {
		weight := 1.
		if isParticle(w) {
			weight = particleWeight
		}
		s.weights = append(s.weights, weight)
	}
	return s
}

// particleWeight is what "al" or "bin" weigh.
const particleWeight = .15
