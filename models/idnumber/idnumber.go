// Package idnumber checks personal numbers: their form, their check digits, and what they
// say about their holder, where the issuing state has published the rule.
//
// What may live here: one file for each family of numbers, pure functions of text. What may
// not: pixels, policy, and rules that are not published or not certain. A number that
// fits proves only that it can exist.
//
// Sources are named where the rule stands. The numbers in the tests are examples from
// those sources or from tests of public libraries, or follow the rule and belong to nobody known.
package idnumber

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind is one kind of number.
type Kind string

// The kinds that are known: the state's ISO 3166-1 alpha-3 code and what the number is called there.
const (
	BEL Kind = "BEL-NRN"   // numéro de registre national
	BGR Kind = "BGR-EGN"   // edinen graždanski nomer
	BRA Kind = "BRA-CPF"   // cadastro de pessoas físicas
	CHL Kind = "CHL-RUN"   // rol único nacional (and RUT)
	CHN Kind = "CHN-RIN"   // resident identity number
	CZE Kind = "CZE-RC"    // rodné číslo
	ESP Kind = "ESP-DNI"   // documento nacional de identidad
	ESX Kind = "ESP-NIE"   // número de identidad de extranjero
	EST Kind = "EST-IK"    // isikukood
	FIN Kind = "FIN-HETU"  // henkilötunnus
	ITA Kind = "ITA-CF"    // codice fiscale
	KOR Kind = "KOR-RRN"   // resident registration number
	LTU Kind = "LTU-AK"    // asmens kodas
	MEX Kind = "MEX-CURP"  // clave única de registro de población
	NLD Kind = "NLD-BSN"   // burgerservicenummer
	POL Kind = "POL-PESEL" //
	ROU Kind = "ROU-CNP"   // cod numeric personal
	SVK Kind = "SVK-RC"    // rodné číslo
	SWE Kind = "SWE-PN"    // personnummer and samordningsnummer
	TUR Kind = "TUR-TCKN"  // T.C. kimlik numarası
)

// Check is the state of the check digits.
type Check string

// States of the check digits.
const (
	CheckNone  Check = "" // there are none, or none that have to fit
	CheckValid Check = "valid"
	CheckWrong Check = "wrong"
)

// Problems of a number besides its check digits.
const (
	ProblemDate   = "date-impossible" // the birth date in it is no day
	ProblemFuture = "date-future"     // or has not come yet
	ProblemCode   = "code-unknown"    // a place that takes few values has another one
)

// ErrForm is returned for text that has not the form of the kind.
var ErrForm = errors.New("text has not the form of such a number")

// Number is what a number says.
type Number struct {
	Kind    Kind
	Value   string // as it is stored: capitals, without separators that carry no meaning
	Check   Check
	Birth   string // YYYY-MM-DD, unknown parts 00; empty when the number does not say
	Sex     string // male, female, x; empty when the number does not say
	Problem string
}

// Valid reports whether the number can exist.
func (n Number) Valid() bool { return n.Check != CheckWrong && n.Problem == "" }

// Differs names what the number says otherwise than the document: birth (YYYY-MM-DD, unknown
// parts 00), sex (male, female, x). What either side does not say is no difference.
func (n Number) Differs(birth, sex string) []string {
	var out []string
	a, b := strings.Split(n.Birth, "-"), strings.Split(birth, "-")
	if len(a) == 3 && len(b) == 3 {
		for i := range a {
			if a[i] != b[i] && strings.Trim(a[i], "0") != "" && strings.Trim(b[i], "0") != "" {
				out = append(out, "birth")
				break
			}
		}
	}
	if n.Sex != "" && sex != "" && n.Sex != "x" && sex != "x" && n.Sex != sex {
		out = append(out, "sex")
	}
	return out
}

// maxText bounds what is looked at; the longest number has 18 characters.
const maxText = 40

// rule reads the cleaned text of one kind.
type rule func(s string, today time.Time) (Number, bool)

func ruleOf(k Kind) (rule, bool) {
	switch k {
	case BEL:
		return belgium, true
	case BGR:
		return bulgaria, true
	case BRA:
		return brazil, true
	case CHL:
		return chile, true
	case CHN:
		return china, true
	case CZE, SVK:
		return czech, true
	case ESP:
		return dni, true
	case ESX:
		return nie, true
	case EST, LTU:
		return baltic, true
	case FIN:
		return finland, true
	case ITA:
		return italy, true
	case KOR:
		return korea, true
	case MEX:
		return mexico, true
	case NLD:
		return netherlands, true
	case POL:
		return poland, true
	case ROU:
		return romania, true
	case SWE:
		return sweden, true
	case TUR:
		return turkey, true
	}
	return nil, false
}

// Kinds lists all kinds that are known.
func Kinds() []Kind {
	return []Kind{BEL, BGR, BRA, CHL, CHN, CZE, ESP, ESX, EST, FIN, ITA, KOR, LTU, MEX, NLD, POL, ROU, SVK, SWE, TUR}
}

// Of lists the kinds that a state (alpha-3) issues.
func Of(state string) []Kind {
	var out []Kind
	for _, k := range Kinds() {
		if len(state) == 3 && strings.HasPrefix(string(k), state) {
			out = append(out, k)
		}
	}
	return out
}

// Read reads a number. today decides centuries where the number does not, and what is the future.
func Read(k Kind, text string, today time.Time) (Number, error) {
	r, ok := ruleOf(k)
	if !ok || len(text) > maxText {
		return Number{}, fmt.Errorf("%w: %s", ErrForm, k)
	}
	n, ok := r(clean(text), today)
	if !ok {
		return Number{}, fmt.Errorf("%w: %s", ErrForm, k)
	}
	n.Kind = k
	if n.Problem == "" && n.Birth > today.Format(time.DateOnly) {
		n.Problem = ProblemFuture
	}
	return n, nil
}

// Find reads a text (the optional data of a machine readable zone, a line of print) as a number
// of a state: the first kind whose form it has, those that are valid first.
func Find(state, text string, today time.Time) (Number, bool) {
	var found Number
	ok := false
	for _, k := range Of(state) {
		n, err := Read(k, text, today)
		if err != nil {
			continue
		}
		if n.Valid() {
			return n, true
		}
		if !ok {
			found, ok = n, true
		}
	}
	return found, ok
}

// clean takes capitals and drops blanks, fillers of a machine readable zone and the points and
// strokes that people write. Hyphens and plus signs stay: in some numbers they say something.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '<' || r == '.' || r == '/':
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

func dropHyphens(s string) string { return strings.ReplaceAll(s, "-", "") }

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func letters(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return s != ""
}

// value of some digits.
func value(s string) int {
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// weighted sums digits times weights, place by place.
func weighted(s string, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += int(s[i]-'0') * w
	}
	return sum
}

func fits(ok bool) Check {
	if ok {
		return CheckValid
	}
	return CheckWrong
}

// born puts a date into a number, or tells that it is none.
func (n *Number) born(year, month, day int) {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if month < 1 || month > 12 || t.Day() != day || t.Year() != year {
		n.Problem = ProblemDate
		return
	}
	n.Birth = t.Format(time.DateOnly)
}

// latest gives the year of a two-digit one that is the latest not in the future.
func latest(yy, month, day int, today time.Time) int {
	year := today.Year()/100*100 + yy
	if time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).After(today) {
		year -= 100
	}
	return year
}

func oddMale(n int) string {
	if n%2 == 1 {
		return "male"
	}
	return "female"
}
