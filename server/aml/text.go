package aml

import (
	"strings"
	"unicode"

	"github.com/mozillazg/go-unidecode"
	"golang.org/x/text/unicode/norm"
)

// script is a family of letters whose names can be compared as written.
type script uint8

const (
	latin script = iota // ASCII after folding
	arabic
	cyrillic
	han // Chinese characters and kana: no spaces between words
	hangul
	other
)

// Bounds of a name; what comes after is left out. The work of comparing grows with
// the square of either, and nobody's name comes near them.
const (
	maxName   = 1 << 10 // bytes
	maxTokens = 24      // words
	maxWord   = 48      // letters of a word
)

// written is a name taken apart: its words as written in its own script, and, where
// that is not Latin, the words of its romanisation.
type written struct {
	script script
	words  []string // folded, in the name's own script
	roman  []string // in Latin; the same as words where the script is Latin
}

// read folds a name: compatibility forms and marks are dropped (NFKC, then NFKD
// without marks), case is folded, apostrophes vanish, everything else that is no
// letter or digit parts words.
func read(name string) written {
	if len(name) > maxName {
		name = name[:maxName]
	}
	// "FAMILY, Given" is read in the order in which documents print it, so that
	// neighbours are the same everywhere.
	if family, given, ok := strings.Cut(name, ","); ok && !strings.Contains(given, ",") {
		name = given + " " + family
	}
	words := strings.FieldsFunc(fold(name), func(r rune) bool { return !unicode.In(r, unicode.L, unicode.Nd, unicode.M) })
	w := written{script: scriptOf(words)}
	if len(words) > maxTokens {
		words = words[:maxTokens]
	}
	for _, word := range words {
		word = shorten(word)
		if w.script == latin {
			if ascii := toASCII(word); ascii != "" {
				w.words = append(w.words, shorten(ascii))
			}
			continue
		}
		if native := foldNative(word, w.script); native != "" {
			w.words = append(w.words, native)
		}
		for _, roman := range romanise(word) {
			w.roman = append(w.roman, shorten(roman))
		}
	}
	if w.script == latin {
		w.roman = w.words
	}
	if len(w.roman) > maxTokens {
		w.roman = w.roman[:maxTokens]
	}
	return w
}

func shorten(word string) string {
	letters := 0
	for i := range word {
		if letters == maxWord {
			return word[:i]
		}
		letters++
	}
	return word
}

// fold drops compatibility forms, marks, apostrophes and case.
func fold(s string) string {
	if isPlain(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		switch {
		case isDropped(r):
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return norm.NFC.String(b.String())
}

// isPlain reports whether only case has to be folded.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] == '\'' || s[i] == '`' {
			return false
		}
	}
	return true
}

// isDropped tells the marks of Latin, Greek, Cyrillic, Hebrew and Arabic, which
// names are written with and without, from those of Indic scripts, which are vowels.
func isDropped(r rune) bool {
	switch {
	case r >= 0x300 && r <= 0x36f, r >= 0x591 && r <= 0x5c7, r >= 0x610 && r <= 0x61a, r >= 0x64b && r <= 0x65f, r == 0x670:
		return true
	case r == 0x640, r >= 0x200b && r <= 0x200f, r == 0xad: // Arabic lengthening, joiners, soft hyphen
		return true
	}
	switch r {
	case '\'', '`', '´', '‘', '’', 'ʻ', 'ʼ', 'ʾ', 'ʿ', '′', '׳', '״':
		return true
	}
	return false
}

func scriptOf(words []string) script {
	var count [other + 1]int
	for _, word := range words {
		for _, r := range word {
			switch {
			case r < 0x250 || unicode.Is(unicode.Latin, r):
				count[latin]++
			case unicode.Is(unicode.Arabic, r):
				count[arabic]++
			case unicode.Is(unicode.Cyrillic, r):
				count[cyrillic]++
			case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana):
				count[han]++
			case unicode.Is(unicode.Hangul, r):
				count[hangul]++
			default:
				count[other]++
			}
		}
	}
	best := latin
	for s := range count {
		if count[s] > count[best] {
			best = script(s)
		}
	}
	return best
}

// toASCII folds what is left of Latin letters: ß, ø, ł, ə and the like.
func toASCII(word string) string {
	if isPlain(word) {
		return word
	}
	return letters(unidecode.Unidecode(word))
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, s)
}

// foldNative makes ways of writing one letter equal in its own script, and takes
// the Arabic article off: it is written joined, apart, or not at all.
func foldNative(word string, s script) string {
	if s != arabic {
		return word
	}
	word = strings.Map(func(r rune) rune {
		switch r {
		case 'أ', 'إ', 'آ', 'ٱ':
			return 'ا'
		case 'ى', 'ی', 'ې', 'ۍ', 'ئ':
			return 'ي'
		case 'ک', 'ګ', 'گ':
			return 'ك'
		case 'ة', 'ۀ', 'ہ', 'ە':
			return 'ه'
		case 'ؤ':
			return 'و'
		case 'ء':
			return -1
		case 'ڈ', 'ډ':
			return 'د'
		case 'ٹ', 'ټ':
			return 'ت'
		}
		return r
	}, word)
	if rest, ok := strings.CutPrefix(word, "ال"); ok && len(rest) >= 4 {
		return rest
	}
	return word
}

// romanise writes a word in Latin letters. Chinese characters and Korean syllables
// become a word each, because lists write them that way; Korean in the older
// manner (Kim, Pak, Cho), which passports and lists use for names.
func romanise(word string) []string {
	var words []string
	var run strings.Builder
	flush := func() {
		if s := letters(run.String()); s != "" {
			words = append(words, s)
		}
		run.Reset()
	}
	for _, r := range word {
		switch {
		case unicode.Is(unicode.Han, r):
			flush()
			run.WriteString(unidecode.Unidecode(string(r)))
			flush()
		case unicode.Is(unicode.Hangul, r):
			flush()
			run.WriteString(koreanSyllable(letters(unidecode.Unidecode(string(r)))))
			flush()
		case unicode.Is(unicode.Arabic, r):
			run.WriteString(arabicLetter(r))
		default:
			run.WriteString(unidecode.Unidecode(string(r)))
		}
	}
	flush()
	return words
}

func koreanSyllable(s string) string {
	for _, change := range [][2]string{{"gg", "kk"}, {"dd", "tt"}, {"bb", "pp"}, {"g", "k"}, {"d", "t"}, {"b", "p"}, {"j", "ch"}} {
		if rest, ok := strings.CutPrefix(s, change[0]); ok {
			s = change[1] + rest
			break
		}
	}
	s = strings.ReplaceAll(s, "eo", "o")
	s = strings.ReplaceAll(s, "eu", "u")
	if s == "i" {
		return "ri" // the family name 이, written Ri, Yi or Lee
	}
	return s
}

// arabicLetter gives the consonants as names are romanised; the base table is
// made for texts.
func arabicLetter(r rune) string {
	switch r {
	case 'ا', 'أ', 'إ', 'آ', 'ٱ', 'ى':
		return "a"
	case 'ع', 'ء', 'ئ', 'ؤ':
		return ""
	case 'ة', 'ۀ', 'ە':
		return "a"
	case 'ق':
		return "q"
	case 'و':
		return "u"
	case 'ي', 'ی', 'ې', 'ۍ':
		return "i"
	case 'خ':
		return "kh"
	case 'غ':
		return "gh"
	case 'ش':
		return "sh"
	case 'ث':
		return "th"
	case 'ذ':
		return "dh"
	case 'ج':
		return "j"
	case 'ح', 'ه', 'ہ':
		return "h"
	}
	return unidecode.Unidecode(string(r))
}
