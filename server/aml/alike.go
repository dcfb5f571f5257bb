package aml

import "math/bits"

// Skeleton is what a Latin word in lower case sounds like when its vowels are left away: the
// consonants, with the ways of writing one sound folded and doubled letters once.
// Words with equal skeletons are spellings of one name more often than not.
func Skeleton(word string) string {
	var b [48]byte
	n := 0
	doubled := false // the letter before was a consonant too
	put := func(c byte) {
		if n < len(b) && !(doubled && b[n-1] == c) {
			b[n] = c
			n++
		}
		doubled = true
	}
	for i := 0; i < len(word); i++ {
		c := word[i]
		if isVowel(c) {
			doubled = false
			continue
		}
		var next byte
		if i+1 < len(word) {
			next = word[i+1]
		}
		switch c {
		case 'h':
			if i == 0 {
				put('h')
			}
		case 'p':
			if next == 'h' {
				put('f')
			} else {
				put('p')
			}
		case 'c':
			switch next {
			case 'h':
				put('s')
			case 'e', 'i', 'y':
				put('s')
			default:
				put('k')
			}
		case 'q', 'g', 'k':
			put('k')
		case 'x':
			put('k')
			put('s')
		case 'z', 's':
			put('s')
		case 'd', 't':
			if next == 's' || next == 'z' || next == 'j' {
				continue // ts, tz, dz, dj: one sound
			}
			put('t')
		case 'j':
			put('j')
		case 'v':
			put('f')
		default:
			put(c)
		}
	}
	return string(b[:n])
}

// isVowel counts the half vowels in: Arabic writes u and w, i and y alike.
func isVowel(c byte) bool {
	switch c {
	case 'a', 'e', 'i', 'o', 'u', 'y', 'w':
		return true
	}
	return false
}

// word is one entry of the vocabulary, or one word of a query.
type word struct {
	text     string
	runes    []rune
	skeleton string // empty for other scripts than Latin
	sound    uint64 // hash of the skeleton; 0 for an empty one
	letters  uint64 // which letters occur: one bit each, by the last six bits of the letter
	script   script
	joined   bool // two words of a name written as one
}

func newWord(text string, s script) word {
	w := word{text: text, runes: []rune(text), script: s}
	for _, r := range w.runes {
		w.letters |= 1 << (r & 63)
	}
	if s == latin {
		if w.skeleton = Skeleton(text); w.skeleton != "" {
			w.sound = hash(2, []rune(w.skeleton), -1)
		}
	}
	return w
}

// leastAlike is below which two words have nothing to do with each other.
const leastAlike = .70

// alike compares two words, 0..1, and says how they correspond. It is called for
// everything that shares a key, so what is cheap comes first.
func alike(a, b *word) (float64, How) {
	if a.script != b.script {
		return 0, ""
	}
	la, lb := len(a.runes), len(b.runes)
	short, long := min(la, lb), max(la, lb)
	if la == lb && a.letters == b.letters && a.text == b.text {
		return 1, Equal
	}
	if short <= 1 {
		if short == 1 && a.script == latin && a.runes[0] == b.runes[0] {
			return .75, Initial
		}
		return 0, ""
	}
	sounding := a.sound != 0 && a.sound == b.sound && !a.joined && !b.joined
	most := max(1, (long+1)/4)
	switch {
	case sounding:
		most = long
	case a.joined || b.joined:
		most = 1 // a long word resembles many pairs of short ones
	}
	// One edit changes two letters at most.
	if long-short > most || !sounding && bits.OnesCount64(a.letters^b.letters) > 2*most {
		return 0, ""
	}
	edits := distance(a.runes, b.runes, most)
	if edits > most {
		return 0, ""
	}
	spelled := 1 - float64(edits)/float64(long)
	score := (spelled + jaroWinkler(a.runes, b.runes)) / 2
	how := Spelled
	if sounding {
		how = Sounding
		base := soundingBase(len(a.skeleton))
		score = max(score, base+(1-base)*spelled)
	}
	if score < leastAlike {
		return 0, ""
	}
	return score, how
}

// soundingBase is what equal consonants are worth whatever the vowels: the more
// there are, the less likely it is by chance.
func soundingBase(consonants int) float64 {
	switch consonants {
	case 0, 1:
		return 0
	case 2:
		return .40
	case 3:
		return .68
	case 4:
		return .78
	}
	return .84
}

// distance counts insertions, deletions, substitutions and exchanges of neighbours
// (optimal string alignment); it stops counting beyond most.
func distance(a, b []rune, most int) int {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) == 0 || len(b) == 0 {
		return max(len(a), len(b))
	}
	const width = 64
	if len(b) >= width {
		return most + 1
	}
	var rows [3][width]int
	before, last, this := rows[0][:], rows[1][:], rows[2][:]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		this[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(last[j]+1, this[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			this[j] = d
			least = min(least, d)
		}
		if least > most {
			return most + 1
		}
		before, last, this = last, this, before
	}
	return last[len(b)]
}

// jaroWinkler is the similarity of that name, with the usual prefix of 4 and factor .1.
func jaroWinkler(a, b []rune) float64 {
	const width = 64
	if len(a) > width || len(b) > width {
		return 0
	}
	window := max(len(a), len(b))/2 - 1
	if window < 0 {
		window = 0
	}
	var usedA, usedB uint64
	same := 0
	for i, r := range a {
		for j := max(0, i-window); j < min(len(b), i+window+1); j++ {
			if usedB&(1<<j) == 0 && b[j] == r {
				usedA |= 1 << i
				usedB |= 1 << j
				same++
				break
			}
		}
	}
	if same == 0 {
		return 0
	}
	swapped, j := 0, 0
	for i, r := range a {
		if usedA&(1<<i) == 0 {
			continue
		}
		for usedB&(1<<j) == 0 {
			j++
		}
		if b[j] != r {
			swapped++
		}
		j++
	}
	m := float64(same)
	jaro := (m/float64(len(a)) + m/float64(len(b)) + (m-float64(swapped)/2)/m) / 3
	prefix := 0
	for prefix < min(4, len(a), len(b)) && a[prefix] == b[prefix] {
		prefix++
	}
	return jaro + float64(prefix)*.1*(1-jaro)
}

// keys gives the hashes under which a word is found: itself and itself with one
// letter left out, and the same of its skeleton. Two words that differ by one edit,
// in spelling or in consonants, share a key.
func (w *word) keys(take func(uint64)) {
	shortened(w.runes, 1, take)
	switch n := len(w.skeleton); {
	case w.joined:
	case n >= 3:
		shortened([]rune(w.skeleton), 2, take)
	case n == 2:
		take(w.sound)
	}
}

func shortened(runes []rune, space uint64, take func(uint64)) {
	take(hash(space, runes, -1))
	if len(runes) < 3 {
		return
	}
	for i := range runes {
		if i > 0 && runes[i] == runes[i-1] {
			continue
		}
		take(hash(space, runes, i))
	}
}

// hash is FNV-1a over the letters without the one at skip.
func hash(space uint64, runes []rune, skip int) uint64 {
	h := uint64(14695981039346656037) ^ space
	for i, r := range runes {
		if i == skip {
			continue
		}
		h ^= uint64(r)
		h *= 1099511628211
	}
	return h
}

// particles belong to a name without telling people apart.
func isParticle(text string) bool {
	switch text {
	case "al", "el", "ul", "bin", "ben", "ibn", "bint", "binti", "ould", "abd", "de", "la", "del", "da", "dos", "do", "van", "von", "der", "den", "di", "du", "y", "e", "i", "na",
		"nee", "mr", "mrs", "ms", "dr", "haji", "hajji", "hadji", "mullah", "maulavi", "mawlawi", "sheikh", "shaykh", "sayyid", "general", "colonel", "jr", "sr", "ii", "iii",
		"بن", "ابن", "ملا", "شيخ":
		return true
	}
	return false
}
