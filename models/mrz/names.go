package mrz

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Transliterate writes a name in the letters of the zone, words apart by one
// filler: Latin and Cyrillic letters by the tables of ICAO 9303-3 section 6, a hyphen
// as a filler, an apostrophe, full stop or comma as nothing. It is false when a
// letter has no entry there.
func Transliterate(name string) (string, bool) {
	var b strings.Builder
	for _, r := range norm.NFC.String(name) {
		alts, ok := alternatives(r)
		if !ok {
			return "", false
		}
		b.WriteString(alts[0])
	}
	return squeeze(b.String()), true
}

func squeeze(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '<' }), "<")
}

// alternatives lists how a letter may stand in the zone; the first is how Write puts it.
func alternatives(r rune) ([]string, bool) {
	switch {
	case r >= 'A' && r <= 'Z':
		return []string{string(r)}, true
	case r >= 'a' && r <= 'z':
		return []string{string(unicode.ToUpper(r))}, true
	case unicode.IsSpace(r) || r == '<' || unicode.Is(unicode.Pd, r):
		return []string{"<"}, true
	}
	switch r {
	case '\'', '’', '‘', 'ʼ', 'ʻ', '`', '´', '.', ',', '·':
		return []string{""}, true
	case 'ß', 'ẞ':
		return []string{"SS"}, true
	case 'ı':
		return []string{"I"}, true
	}
	alts, ok := latin(unicode.ToUpper(r))
	if !ok {
		alts, ok = cyrillic(unicode.ToUpper(r))
	}
	return alts, ok
}

// latin is table A of ICAO 9303-3 section 6, with the alternatives that it names.
func latin(r rune) ([]string, bool) {
	switch r {
	case 'Ä':
		return []string{"AE", "A"}, true
	case 'Å':
		return []string{"AA", "A"}, true
	case 'Æ':
		return []string{"AE"}, true
	case 'Ð':
		return []string{"D"}, true
	case 'Ñ':
		return []string{"N", "NXX"}, true
	case 'Ö':
		return []string{"OE", "O"}, true
	case 'Ø':
		return []string{"OE", "O"}, true
	case 'Ü':
		return []string{"UE", "U", "UXX"}, true
	case 'Þ':
		return []string{"TH"}, true
	case 'Œ':
		return []string{"OE"}, true
	case 'Ĳ':
		return []string{"IJ"}, true
	case 'Đ', 'Ɖ':
		return []string{"D"}, true
	case 'Ħ':
		return []string{"H"}, true
	case 'Ł':
		return []string{"L"}, true
	case 'Ŋ':
		return []string{"N"}, true
	case 'Ŧ':
		return []string{"T"}, true
	case 'ĸ':
		return []string{"Q"}, true
	case 'Ə':
		return []string{"E"}, true
	}
	// All other letters of the table stand without their mark.
	d := []rune(norm.NFD.String(string(r)))
	if len(d) < 2 || d[0] < 'A' || d[0] > 'Z' {
		return nil, false
	}
	for _, m := range d[1:] {
		if !unicode.Is(unicode.Mn, m) {
			return nil, false
		}
	}
	return []string{string(d[0])}, true
}

// cyrillic is table B of ICAO 9303-3 section 6: the general form first, then those of single states.
func cyrillic(r rune) ([]string, bool) {
	switch r {
	case 'А':
		return []string{"A"}, true
	case 'Б':
		return []string{"B"}, true
	case 'В':
		return []string{"V"}, true
	case 'Г':
		return []string{"G", "H"}, true
	case 'Ґ':
		return []string{"G"}, true
	case 'Д':
		return []string{"D"}, true
	case 'Е', 'Э':
		return []string{"E"}, true
	case 'Ё':
		return []string{"E", "IO"}, true
	case 'Є':
		return []string{"IE"}, true
	case 'Ж':
		return []string{"ZH", "Z"}, true
	case 'З':
		return []string{"Z"}, true
	case 'И':
		return []string{"I", "Y"}, true
	case 'І', 'Ї', 'Й':
		return []string{"I"}, true
	case 'К', 'Ќ':
		return []string{"K"}, true
	case 'Л':
		return []string{"L"}, true
	case 'М':
		return []string{"M"}, true
	case 'Н':
		return []string{"N"}, true
	case 'О':
		return []string{"O"}, true
	case 'П':
		return []string{"P"}, true
	case 'Р':
		return []string{"R"}, true
	case 'С':
		return []string{"S"}, true
	case 'Т':
		return []string{"T"}, true
	case 'У', 'Ў':
		return []string{"U"}, true
	case 'Ф':
		return []string{"F"}, true
	case 'Х':
		return []string{"KH", "H"}, true
	case 'Ц':
		return []string{"TS", "C"}, true
	case 'Ч':
		return []string{"CH", "C"}, true
	case 'Ш':
		return []string{"SH", "S"}, true
	case 'Щ':
		return []string{"SHCH", "SHT"}, true
	case 'Ъ':
		return []string{"IE", "", "A"}, true
	case 'Ы':
		return []string{"Y"}, true
	case 'Ь':
		return []string{""}, true
	case 'Ю':
		return []string{"IU"}, true
	case 'Я':
		return []string{"IA"}, true
	case 'Ђ':
		return []string{"D"}, true
	case 'Ѓ':
		return []string{"G"}, true
	case 'Ѕ', 'Џ':
		return []string{"DZ"}, true
	case 'Ј':
		return []string{"J"}, true
	case 'Љ':
		return []string{"LJ"}, true
	case 'Њ':
		return []string{"NJ"}, true
	case 'Ћ':
		return []string{"C"}, true
	}
	return nil, false
}

// SameName reports whether a name as printed on the document can stand in the zone
// as zone says (a Field's Value or Raw), by any of the alternatives of the tables.
// truncated allows the zone to stop early. Differences of spacing are none: a
// word that the zone runs into the next one is the same name.
func SameName(zone, printed string, truncated bool) bool {
	want := strings.NewReplacer("<", "", " ", "").Replace(strings.ToUpper(zone))
	if want == "" {
		t, ok := Transliterate(printed)
		return ok && t == ""
	}
	// at holds the places of want that the printed letters so far can have reached.
	at := map[int]bool{0: true}
	for _, r := range norm.NFC.String(printed) {
		alts, ok := alternatives(r)
		if !ok {
			return false
		}
		next := map[int]bool{}
		for i := range at {
			for _, a := range alts {
				a = strings.ReplaceAll(a, "<", "")
				switch {
				case strings.HasPrefix(want[i:], a):
					next[i+len(a)] = true
				case truncated && strings.HasPrefix(a, want[i:]):
					return true
				}
			}
		}
		if len(next) == 0 {
			return false
		}
		at = next
		if truncated && at[len(want)] {
			return true
		}
	}
	return at[len(want)]
}
