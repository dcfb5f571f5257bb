package main

import (
	"fmt"
	"slices"
	"strings"

	"vestibule/models/mrz"
)

// ruling is what a zone is worth by the book: its layout, the state of each check digit
// ("fits", "wrong", "blank", "" where the layout has none) and whether its dates can be.
type ruling struct {
	layout string
	digits map[string]string // number, birth, expiry, optional, composite
	birth  bool
	expiry bool
}

// rule is a second, deliberately plain reading of ICAO 9303 (8th edition, parts 3 to 7),
// made to be compared with package mrz and sharing no code with it: positions are those
// of the standard's tables, counted from 1, and nothing is corrected, guessed or repaired.
//
// With customs it also follows what the standard does not say but documents do:
//
//   - counted: the digit of a document number of more than nine characters may be
//     computed with the filler in position 15 (TD1) or 10 (TD2) in between. Part 5 section
//     4.2.2 note j and part 6 section 4.2.2 note j do not forbid it, and readers take both.
//   - french: 2 × 36 with the code IDFRA is the French card of 1988 to 2021, whose
//     second line ends in birth, digit, sex, digit. It is older than part 6.
//   - zeros: month or day 00 for an unknown part of a date, where part 3 section 4.8
//     asks for fillers.
func rule(lines []string, customs bool) ruling {
	r := ruling{digits: map[string]string{}, birth: true, expiry: true}
	at := func(line, from, to int) string { return lines[line-1][from-1 : to] }
	if len(lines) < 2 || len(lines) > 3 || slices.ContainsFunc(lines, func(l string) bool {
		return len(l) != len(lines[0]) || strings.Trim(l, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<") != ""
	}) {
		return r
	}
	visa := lines[0][0] == 'V'
	switch size := [2]int{len(lines), len(lines[0])}; {
	case size == [2]int{3, 30}: // part 5 section 4.2.2
		r.layout = "TD1"
		r.digits["number"] = long(at(1, 6, 14), at(1, 15, 15), at(1, 16, 30), customs)
		r.dates(at(2, 1, 6), at(2, 7, 7), at(2, 9, 14), at(2, 15, 15), customs)
		r.digits["composite"] = digit(at(2, 30, 30), at(1, 6, 30)+at(2, 1, 7)+at(2, 9, 15)+at(2, 19, 29), false)
	case size == [2]int{2, 36} && customs && strings.HasPrefix(lines[0], "IDFRA") && strings.ContainsAny(at(2, 35, 35), "MF"):
		r.layout = "FRID"
		r.digits["number"] = digit(at(2, 13, 13), at(2, 1, 12), false)
		r.dates(at(2, 28, 33), at(2, 34, 34), "", "", customs)
		r.digits["composite"] = digit(at(2, 36, 36), lines[0]+at(2, 1, 35), false)
	case size == [2]int{2, 36} && !visa: // part 6 section 4.2.2
		r.layout = "TD2"
		r.digits["number"] = long(at(2, 1, 9), at(2, 10, 10), at(2, 29, 35), customs)
		r.dates(at(2, 14, 19), at(2, 20, 20), at(2, 22, 27), at(2, 28, 28), customs)
		r.digits["composite"] = digit(at(2, 36, 36), at(2, 1, 10)+at(2, 14, 20)+at(2, 22, 35), false)
	case size == [2]int{2, 44} && !visa: // part 4 section 4.2.2
		r.layout = "TD3"
		r.digits["number"] = digit(at(2, 10, 10), at(2, 1, 9), false)
		r.dates(at(2, 14, 19), at(2, 20, 20), at(2, 22, 27), at(2, 28, 28), customs)
		r.digits["optional"] = digit(at(2, 43, 43), at(2, 29, 42), true)
		r.digits["composite"] = digit(at(2, 44, 44), at(2, 1, 10)+at(2, 14, 20)+at(2, 22, 43), false)
	case size == [2]int{2, 44}, size == [2]int{2, 36}: // part 7 sections 4.2 and 5.2: no composite digit
		r.layout = map[int]string{44: "MRVA", 36: "MRVB"}[size[1]]
		r.digits["number"] = digit(at(2, 10, 10), at(2, 1, 9), false)
		r.dates(at(2, 14, 19), at(2, 20, 20), at(2, 22, 27), at(2, 28, 28), customs)
	}
	return r
}

// ruleFor is rule with customs and the one liberty that package mrz takes on purpose: a
// look-alike of the wrong kind for its place (a letter B in a date) is read as what belongs
// there, and told. So the digits are those of the text that it says it read, and the dates
// still those of the text as printed: whoever prints BB for 88 breaks the standard,
// whichever digits happen to fit.
func ruleFor(lines []string) ruling {
	r := rule(lines, true)
	if d, err := mrz.Parse(lines); err == nil && len(d.Swaps) > 0 {
		r.digits = rule(d.Corrected(), true).digits
	}
	return r
}

// digit judges one check digit (part 3 section 4.9). Only optional data that is empty may
// have a filler in the digit's place (part 4 section 4.2.2 note).
func digit(printed, text string, optional bool) string {
	sum := 0
	for i, c := range text {
		v := 0
		switch {
		case c >= '0' && c <= '9':
			v = int(c - '0')
		case c >= 'A' && c <= 'Z':
			v = int(c-'A') + 10
		}
		sum += v * []int{7, 3, 1}[i%3]
	}
	switch {
	case printed == fmt.Sprint(sum%10):
		return "fits"
	case optional && printed == "<" && strings.Trim(text, "<") == "":
		return "blank"
	}
	return "wrong"
}

// long judges a document number that may go on in the optional data: nine characters, a
// filler for the digit, the rest, its digit, a filler.
func long(head, printed, optional string, customs bool) string {
	if printed != "<" || strings.Contains(head, "<") {
		return digit(printed, head, false)
	}
	rest, _, _ := strings.Cut(optional, "<")
	if len(rest) < 2 { // nothing goes on: the digit is missing
		return "wrong"
	}
	tail, last := rest[:len(rest)-1], rest[len(rest)-1:]
	if customs && digit(last, head+"<"+tail, false) == "fits" {
		return "fits"
	}
	return digit(last, head+tail, false)
}

func (r *ruling) dates(birth, birthDigit, expiry, expiryDigit string, customs bool) {
	r.digits["birth"], r.birth = digit(birthDigit, birth, false), possible(birth, customs)
	if expiry != "" {
		r.digits["expiry"], r.expiry = digit(expiryDigit, expiry, false), possible(expiry, customs)
	}
}

// possible says whether YYMMDD can be a date; unknown parts are fillers (part 3 section 4.8).
func possible(s string, customs bool) bool {
	var n [3]int
	for i := range n {
		switch two := s[2*i : 2*i+2]; {
		case two == "<<", customs && i > 0 && two == "00":
			n[i] = -1
		case strings.Trim(two, "0123456789") == "":
			n[i] = int(two[0]-'0')*10 + int(two[1]-'0')
		default:
			return false
		}
	}
	month, day := n[1], n[2]
	if month == 0 || month > 12 || day == 0 || day > 31 {
		return false
	}
	if month < 0 {
		return true
	}
	days := []int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
	if month == 2 && n[0] >= 0 && n[0]%4 != 0 { // '00 may be 2000
		days = 28
	}
	return day <= days
}

// rulingOf says what package mrz makes of the same lines, in the same words.
func rulingOf(lines []string) ruling {
	r := ruling{digits: map[string]string{}, birth: true, expiry: true}
	d, err := mrz.Parse(lines)
	if err != nil {
		return r
	}
	words := map[mrz.Check]string{mrz.CheckNone: "", mrz.CheckValid: "fits", mrz.CheckWrong: "wrong", mrz.CheckEmpty: "blank"}
	r.layout = string(d.Layout)
	for name, f := range map[string]mrz.Field{"number": d.Number, "birth": d.Birth, "expiry": d.Expiry, "optional": d.Optional, "composite": d.Composite} {
		r.digits[name] = words[f.Check]
	}
	// A letter in a date is read as its look-alike digit, and told as swapped: the parser
	// says with it that the date is not what belongs there.
	r.birth = d.Birth.Problem == "" && !d.Birth.Swapped
	r.expiry = d.Expiry.Problem == "" && !d.Expiry.Swapped
	return r
}

// differ lists what two rulings disagree on.
func (r ruling) differ(o ruling) []string {
	var out []string
	add := func(what, a, b string) {
		if a != b {
			out = append(out, fmt.Sprintf("%s: %s, by the book %s", what, orNothing(a), orNothing(b)))
		}
	}
	add("layout", r.layout, o.layout)
	for _, name := range []string{"number", "birth", "expiry", "optional", "composite"} {
		add(name+" digit", r.digits[name], o.digits[name])
	}
	add("birth possible", fmt.Sprint(r.birth), fmt.Sprint(o.birth))
	add("expiry possible", fmt.Sprint(r.expiry), fmt.Sprint(o.expiry))
	return out
}

func orNothing(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
