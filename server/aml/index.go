package aml

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// Index holds the people of some lists, ready to be searched. It never changes and
// is safe for any number of searches at once.
type Index struct {
	lists    []Snapshot
	entities []Entity
	names    []listedName
	words    []word
	weights  []float64 // of words: how much each tells people apart
	postings [][]int32 // word → names
	known    map[string]int32
	keys     map[uint64]span
	keyed    []int32
	byNumber map[string][]int32 // document number → entities
	scratch  sync.Pool
}

// Snapshot names a list inside an index.
type Snapshot struct {
	Source Source    `json:"source"`
	ID     string    `json:"id"`
	Issued time.Time `json:"issued,omitzero"`
	People int       `json:"people"`
}

// span is a stretch of Index.keyed.
type span struct{ from, to uint32 }

// listedName is one name of one entity, in one script.
type listedName struct {
	entity  int32
	name    int32  // of the entity
	crossed script // the script it was romanised from
	words   []int32
	joined  []int32 // joined[i] is words i and i+1 written as one
	total   float64
}

// Build makes an index of the people in lists. Two lists of one source are an error.
func Build(lists ...List) (*Index, error) {
	x := &Index{known: make(map[string]int32), byNumber: make(map[string][]int32)}
	for _, l := range lists {
		if slices.ContainsFunc(x.lists, func(s Snapshot) bool { return s.Source == l.Source }) {
			return nil, fmt.Errorf("build index: the list %s is given twice", l.Source)
		}
		before := len(x.entities)
		// In the order of their ids, whatever order they were kept in: it breaks ties.
		ordered := slices.SortedFunc(slices.Values(l.Entities), func(a, b Entity) int { return cmp.Compare(a.ID, b.ID) })
		for _, e := range ordered {
			if e.Type == Person {
				x.add(e)
			}
		}
		people := len(x.entities) - before
		if people == 0 {
			return nil, fmt.Errorf("build index: %s: %w", l.Source, ErrEmptyList)
		}
		x.lists = append(x.lists, Snapshot{Source: l.Source, ID: l.Snapshot, Issued: l.Issued, People: people})
	}
	if len(x.entities) == 0 {
		return nil, fmt.Errorf("build index: %w", ErrEmptyList)
	}
	x.weigh()
	x.join()
	x.key()
	x.scratch.New = func() any { return newScratch(len(x.words), len(x.names)) }
	return x, nil
}

// Lists gives the snapshots in the index.
func (x *Index) Lists() []Snapshot { return slices.Clone(x.lists) }

// ID names the index by its snapshots and the engine: equal ids give equal answers.
func (x *Index) ID() string {
	parts := []string{Engine}
	for _, l := range x.lists {
		parts = append(parts, fmt.Sprintf("%s:%.16s", l.Source, l.ID))
	}
	return strings.Join(parts, " ")
}

// People is how many people are in the index.
func (x *Index) People() int { return len(x.entities) }

// Entity finds an entry by its source and id.
func (x *Index) Entity(source Source, id string) (Entity, bool) {
	for _, e := range x.entities {
		if e.Source == source && e.ID == id {
			return e, true
		}
	}
	return Entity{}, false
}

func (x *Index) add(e Entity) {
	entity := int32(len(x.entities))
	x.entities = append(x.entities, e)
	hasLatin := slices.ContainsFunc(e.Names, func(n Name) bool { return read(n.Text).script == latin })
	for i, name := range e.Names {
		w := read(name.Text)
		x.addName(listedName{entity: entity, name: int32(i)}, w.words, w.script)
		if w.script != latin && !hasLatin {
			x.addName(listedName{entity: entity, name: int32(i), crossed: w.script}, w.roman, latin)
		}
	}
	for _, id := range e.Identifiers {
		if number := foldNumber(id.Number); len(number) >= minNumber && !slices.Contains(x.byNumber[number], entity) {
			x.byNumber[number] = append(x.byNumber[number], entity)
		}
	}
}

func (x *Index) addName(n listedName, words []string, s script) {
	if len(words) == 0 {
		return
	}
	id := int32(len(x.names))
	for _, text := range words {
		w := x.word(text, s)
		n.words = append(n.words, w)
		x.post(w, id)
	}
	x.names = append(x.names, n)
}

func (x *Index) word(text string, s script) int32 {
	if id, ok := x.known[text]; ok {
		return id
	}
	id := int32(len(x.words))
	x.known[text] = id
	x.words = append(x.words, newWord(text, s))
	x.postings = append(x.postings, nil)
	return id
}

func (x *Index) post(word, name int32) {
	p := x.postings[word]
	if len(p) == 0 || p[len(p)-1] != name {
		x.postings[word] = append(p, name)
	}
}

// weigh gives rare words more weight than common ones.
func (x *Index) weigh() {
	all := math.Log(float64(len(x.names)) + 1)
	x.weights = make([]float64, len(x.words))
	for i := range x.words {
		x.weights[i] = weightOf(x.words[i].text, math.Log(float64(len(x.names))/float64(len(x.postings[i])))/all)
	}
	for i := range x.names {
		for _, w := range x.names[i].words {
			x.names[i].total += x.weights[w]
		}
	}
}

func weightOf(text string, rarity float64) float64 {
	switch {
	case isParticle(text):
		return particleWeight
	case len(text) == 1:
		return .3
	}
	return min(1, max(.3, .25+rarity))
}

// join adds what neighbouring words give when written as one.
func (x *Index) join() {
	own := len(x.words)
	for id := range x.names {
		n := &x.names[id]
		for i := 0; i+1 < len(n.words); i++ {
			a, b := &x.words[n.words[i]], &x.words[n.words[i+1]]
			if a.script != latin && a.script != arabic && a.script != cyrillic {
				break
			}
			w := x.word(a.text+b.text, a.script)
			if int(w) >= own {
				x.words[w].joined = true
			}
			n.joined = append(n.joined, w)
			x.post(w, int32(id))
		}
	}
	for i := own; i < len(x.words); i++ {
		x.weights = append(x.weights, 1)
	}
}

func (x *Index) key() {
	type entry struct {
		key  uint64
		word int32
	}
	var all []entry
	for i := range x.words {
		x.words[i].keys(func(k uint64) { all = append(all, entry{k, int32(i)}) })
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.word, b.word))
	})
	x.keyed = make([]int32, len(all))
	x.keys = make(map[uint64]span, len(all)/2)
	for from := 0; from < len(all); {
		to := from
		for to < len(all) && all[to].key == all[from].key {
			x.keyed[to] = all[to].word
			to++
		}
		x.keys[all[from].key] = span{uint32(from), uint32(to)}
		from = to
	}
}

// minNumber is the length from which a document number says something.
const minNumber = 5

func foldNumber(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, s)
}
