package aml

import (
	"cmp"
	"fmt"
	"slices"
)

// Points that facts beside the name add or take.
const (
	pointsBirthEqual     = 3.
	pointsBirthConsonant = 1.
	pointsBirthSwapped   = -1.
	pointsBirthNear      = -6.
	pointsBirthDifferent = -30.
	pointsGender         = -6. // different
	pointsCountry        = 1.  // the same

	closest     = 150 // names that are compared word by word
	defaultMost = 20
)

// Search gives the entities that resemble a person, best first, each by its best
// name. Equal scores come in the order of source and id. A query without a name
// that can be read is ErrNotScreened, never an empty answer.
func (x *Index) Search(q Query) ([]Match, error) {
	if len(q.Name) > maxName {
		return nil, fmt.Errorf("search: a name of more than %d bytes: %w", maxName, ErrNotScreened)
	}
	person := read(q.Name)
	if len(person.words) == 0 {
		return nil, fmt.Errorf("search: the name holds no letters: %w", ErrNotScreened)
	}
	if q.Most <= 0 {
		q.Most = defaultMost
	}
	s := x.scratch.Get().(*scratch)
	defer x.scratch.Put(s)

	found := x.pass(s, q, person.words, person.script, 1)
	if person.script != latin && len(person.roman) > 0 {
		found = append(found, x.pass(s, q, person.roman, latin, crossing(person.script, latin))...)
	}
	found = append(found, x.byDocument(q)...)
	slices.SortFunc(found, func(a, b Match) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.NameOnly, a.NameOnly),
			cmp.Compare(a.Source, b.Source), cmp.Compare(a.Entity, b.Entity))
	})
	var out []Match
	for _, m := range found {
		if m.Score < q.AtLeast || len(out) == q.Most {
			break
		}
		if !slices.ContainsFunc(out, func(o Match) bool { return o.Source == m.Source && o.Entity == m.Entity }) {
			out = append(out, m)
		}
	}
	return out, nil
}

// scratch is the working memory of one search. Marks carry the number of the pass
// or the unit they belong to, so that nothing has to be wiped in between.
type scratch struct {
	pass, unit uint32

	gained   []float32 // name → likeness gathered so far
	namePass []uint32
	nameUnit []uint32
	touched  []int32

	head     []int32 // word → its first hit
	wordPass []uint32
	wordUnit []uint32
	hits     []hit
	unitHits []int32

	aligner aligner
	edges   []edge
	rough   []rough
	best    []candidate
	words   []string
	weights []float64
}

// hit says that a unit of the query resembles a word of the index.
type hit struct {
	next     int32 // of the same word; -1 ends
	word     int32
	at, span int8 // of the query
	alike    float64
	how      How
}

type rough struct {
	name  int32
	score float32
}

// candidate is the best name so far of an entity.
type candidate struct {
	entity, name int32
	score        float64
}

func newScratch(words, names int) *scratch {
	return &scratch{
		gained: make([]float32, names), namePass: make([]uint32, names), nameUnit: make([]uint32, names),
		head: make([]int32, words), wordPass: make([]uint32, words), wordUnit: make([]uint32, words),
	}
}

// pass compares a name in one script with the listed names in that script.
func (x *Index) pass(s *scratch, q Query, words []string, script script, factor float64) []Match {
	s.pass++
	s.touched, s.hits = s.touched[:0], s.hits[:0]
	query := side{words: words}
	joins := script == latin || script == arabic || script == cyrillic
	for i, text := range words {
		best := x.gather(s, newWord(text, script), i, 1, leastAlike)
		query.weights = append(query.weights, x.queryWeight(text, best))
		if joins && i+1 < len(words) {
			both := newWord(text+words[i+1], script)
			both.joined = true
			x.gather(s, both, i, 2, .85)
		}
	}
	total := query.span(0, len(words))
	s.shortlist(x, total, q.Sources)

	s.best = s.best[:0]
	for _, r := range s.rough {
		n := &x.names[r.name]
		score := x.score(s, query, n) * factor * crossing(n.crossed, latin)
		if x.entities[n.entity].Names[n.name].Kind == Weak {
			score *= weakAlias
		}
		s.keep(candidate{n.entity, r.name, score})
	}
	return x.matches(s, q, query)
}

// gather finds the words of the index that resemble one unit of the query, and
// credits the names that hold them. It gives the most alike word, or -1.
func (x *Index) gather(s *scratch, w word, at, width int, least float64) int32 {
	s.unit++
	s.unitHits = s.unitHits[:0]
	w.keys(func(key uint64) {
		k := x.keys[key]
		for _, id := range x.keyed[k.from:k.to] {
			if s.wordUnit[id] == s.unit {
				continue
			}
			s.wordUnit[id] = s.unit
			score, how := alike(&w, &x.words[id])
			if score < least {
				continue
			}
			if s.wordPass[id] != s.pass {
				s.wordPass[id], s.head[id] = s.pass, -1
			}
			s.hits = append(s.hits, hit{next: s.head[id], word: id, at: int8(at), span: int8(width), alike: score, how: how})
			s.head[id] = int32(len(s.hits) - 1)
			s.unitHits = append(s.unitHits, s.head[id])
		}
	})
	slices.SortFunc(s.unitHits, func(a, b int32) int {
		return cmp.Or(cmp.Compare(s.hits[b].alike, s.hits[a].alike), cmp.Compare(s.hits[a].word, s.hits[b].word))
	})
	for _, h := range s.unitHits {
		word, credit := s.hits[h].word, float32(s.hits[h].alike*x.weights[s.hits[h].word])
		for _, name := range x.postings[word] {
			if s.nameUnit[name] == s.unit {
				continue
			}
			s.nameUnit[name] = s.unit
			if s.namePass[name] != s.pass {
				s.namePass[name], s.gained[name] = s.pass, 0
				s.touched = append(s.touched, name)
			}
			s.gained[name] += credit
		}
	}
	if len(s.unitHits) == 0 {
		return -1
	}
	return s.hits[s.unitHits[0]].word
}

// queryWeight is how much a word of the query tells people apart: as much as the
// listed word it most resembles, else as much as any rare word.
func (x *Index) queryWeight(text string, best int32) float64 {
	if best >= 0 {
		return x.weights[best]
	}
	return weightOf(text, 1)
}

// shortlist keeps the names that promise most. Likeness falls into 256 steps, and
// the steps are taken from the top until there are enough.
func (s *scratch) shortlist(x *Index, total float64, sources []Source) {
	var steps [257]int
	score := func(name int32) float32 {
		gained := s.gained[name]
		rest := max(0, float32(x.names[name].total)-gained)
		return min(1, gained/float32(total+costExtra*float64(rest)))
	}
	for _, name := range s.touched {
		steps[int(score(name)*256)]++
	}
	from, count := len(steps)-1, 0
	for ; from > 0; from-- {
		if count += steps[from]; count >= closest {
			break
		}
	}
	s.rough = s.rough[:0]
	for _, name := range s.touched {
		r := rough{name, score(name)}
		if int(r.score*256) < from {
			continue
		}
		if len(sources) > 0 && !slices.Contains(sources, x.entities[x.names[name].entity].Source) {
			continue
		}
		s.rough = append(s.rough, r)
	}
	slices.SortFunc(s.rough, func(a, b rough) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.name, b.name))
	})
	if len(s.rough) > closest {
		s.rough = s.rough[:closest]
	}
}

// listed gives a listed name's words with their weights, in scratch memory.
func (x *Index) listed(s *scratch, n *listedName) side {
	s.words, s.weights = s.words[:0], s.weights[:0]
	for _, w := range n.words {
		s.words = append(s.words, x.words[w].text)
		s.weights = append(s.weights, x.weights[w])
	}
	return side{s.words, s.weights}
}

// score aligns the query with one listed name, 0..1.
func (x *Index) score(s *scratch, query side, n *listedName) float64 {
	s.edges = s.edges[:0]
	collect := func(word int32, at, width int) {
		if s.wordPass[word] != s.pass {
			return
		}
		for h := s.head[word]; h >= 0; h = s.hits[h].next {
			hit := &s.hits[h]
			if width == 2 && hit.span == 2 {
				continue
			}
			s.edges = append(s.edges, edge{int(hit.at), at, int(hit.span), width, hit.alike, hit.how})
		}
	}
	for i, word := range n.words {
		collect(word, i, 1)
	}
	for i, word := range n.joined {
		collect(word, i, 2)
	}
	return s.aligner.align(query, x.listed(s, n), s.edges)
}

func (s *scratch) keep(c candidate) {
	for i := range s.best {
		if s.best[i].entity == c.entity {
			if c.score > s.best[i].score {
				s.best[i] = c
			}
			return
		}
	}
	s.best = append(s.best, c)
}

// matches makes the best candidates of a pass into answers.
func (x *Index) matches(s *scratch, q Query, query side) []Match {
	type ranked struct {
		candidate
		points float64
		facts  []Fact
	}
	var list []ranked
	for _, c := range s.best {
		name := points(c.score)
		if name+pointsBirthEqual+pointsCountry < q.AtLeast {
			continue
		}
		facts := q.facts(&x.entities[c.entity])
		r := ranked{c, name, facts}
		for _, f := range facts {
			r.points += f.Points
		}
		r.points = max(0, min(100, r.points))
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.points, a.points), cmp.Compare(a.entity, b.entity))
	})
	if len(list) > q.Most {
		list = list[:q.Most]
	}
	out := make([]Match, 0, len(list))
	for _, r := range list {
		e := &x.entities[r.entity]
		n := &x.names[r.name]
		x.score(s, query, n)
		out = append(out, Match{
			Entity: e.ID, Source: e.Source, Hash: e.Hash, Score: round(r.points), NameOnly: round(points(r.score)),
			Name: e.Names[n.name].Text, Kind: e.Names[n.name].Kind, Why: s.aligner.why(query, x.listed(s, n)), Facts: r.facts,
		})
	}
	return out
}

// facts compares what is known beside the name.
func (q *Query) facts(e *Entity) []Fact {
	var facts []Fact
	if how, points := q.birth(e); how != "" {
		facts = append(facts, Fact{"birth", how, points})
	}
	if q.Gender != "" && e.Gender != "" && (q.Gender == "male" || q.Gender == "female") && q.Gender != e.Gender {
		facts = append(facts, Fact{"gender", "different", pointsGender})
	}
	if q.Country != "" && slices.Contains(e.Countries, q.Country) {
		facts = append(facts, Fact{"country", "equal", pointsCountry})
	}
	return facts
}

// birth compares with every date an entity is said to have; the best counts.
func (q *Query) birth(e *Entity) (string, float64) {
	person, ok := readDay(q.Birth)
	if !ok {
		return "", 0
	}
	best, points := "", 0.
	for _, b := range e.Births {
		how := compareBirth(person, b)
		if how == "" {
			continue
		}
		if p := birthPoints(how); best == "" || p > points {
			best, points = how, p
		}
	}
	return best, points
}

func birthPoints(how string) float64 {
	switch how {
	case birthEqual:
		return pointsBirthEqual
	case birthConsonant:
		return pointsBirthConsonant
	case birthSwapped:
		return pointsBirthSwapped
	case birthNear:
		return pointsBirthNear
	}
	return pointsBirthDifferent
}

// byDocument finds entities by the number of a document. The same number of
// another issuer is another document.
func (x *Index) byDocument(q Query) []Match {
	number := foldNumber(q.Document)
	if len(number) < minNumber {
		return nil
	}
	var out []Match
	for _, id := range x.byNumber[number] {
		e := &x.entities[id]
		if len(q.Sources) > 0 && !slices.Contains(q.Sources, e.Source) {
			continue
		}
		for _, i := range e.Identifiers {
			if foldNumber(i.Number) != number || i.Country != "" && len(i.Country) == 3 && q.Issuer != "" && i.Country != q.Issuer {
				continue
			}
			likeness := Compare(q.Name, e.Names[0].Text)
			facts := []Fact{{"document", "equal", 100}}
			if how, _ := q.birth(e); how != "" {
				// The number alone makes the score; the date tells how far to trust it.
				facts = append(facts, Fact{"birth", how, 0})
			}
			out = append(out, Match{
				Entity: e.ID, Source: e.Source, Hash: e.Hash, Score: 100, NameOnly: round(likeness), Name: e.Names[0].Text, Kind: e.Names[0].Kind,
				Facts: facts,
			})
			break
		}
	}
	return out
}
