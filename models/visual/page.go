package visual

import (
	"math"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vestibule/models"
	"vestibule/models/mrz"
)

// piece is a line of print or a part of one, in pixels.
type piece struct {
	text         string
	score        float64
	x1, x2, y, h float64
	at           models.Quad
	lines        []int // of the page, that it takes up
	dates        []date
	after        int  // the caption that it follows in the same line, -1 when none
	captioned    bool // its line is mostly captions
}

// sign is a caption with its place.
type sign struct {
	hit
	x1, x2, y, h float64
	line         int
	sure         float64 // 0..100: the line's score by the share of the caption's letters that fit
}

type page struct {
	pieces   []piece
	signs    []sign
	american bool
	today    time.Time
}

// captionShare is the share of a line's letters from which it is a caption and nothing else.
const captionShare = .4

func newPage(t models.Text, today time.Time, known *mrz.Document) *page {
	p := &page{today: today, american: known != nil && known.Issuer.Value == "USA"}
	lines := t.Lines[:min(len(t.Lines), maxLines)]
	for _, l := range lines {
		s := compact(bounded(l.Text))
		p.american = p.american || strings.Contains(s, "UNITEDSTATES") || strings.Contains(s, "DEPARTMENTOFHOMELAND") ||
			strings.Contains(s, "USDEPARTMENT") || strings.Contains(s, "USCITIZENSHIP")
	}
	w, h := float64(max(t.Width, 1)), float64(max(t.Height, 1))
	tilt := tiltOf(lines, w, h)
	sin, cos := math.Sincos(-tilt)
	for i, l := range lines {
		text := bounded(l.Text)
		if text == "" || strings.Count(text, "<") > 1 || !finite(l.At) {
			continue // nothing, or a line of the machine readable zone
		}
		whole := piece{text: text, score: l.Score, at: l.At, lines: []int{i}, after: -1}
		lx, rx := (l.At[0].X+l.At[3].X)/2*w, (l.At[1].X+l.At[2].X)/2*w
		ly, ry := (l.At[0].Y+l.At[3].Y)/2*h, (l.At[1].Y+l.At[2].Y)/2*h
		whole.x1, whole.x2 = lx*cos-ly*sin, rx*cos-ry*sin
		whole.y = (lx+rx)/2*sin + (ly+ry)/2*cos
		whole.h = math.Max(1, math.Hypot((l.At[3].X-l.At[0].X)*w, (l.At[3].Y-l.At[0].Y)*h))
		p.divide(whole)
	}
	p.pair()
	p.doubtNumbers()
	return p
}

// doubtNumbers drops numbers in place of captions that do not stand together, 1 above 2: any 7
// may be misread as one of them. A number's partner may as well be a caption that was read.
func (p *page) doubtNumbers() {
	for i, s := range p.signs {
		if s.length > 0 {
			continue
		}
		partner := LastName
		if s.item == LastName {
			partner = FirstName
		}
		p.signs[i].sure = 0
		if !slices.ContainsFunc(p.signs, func(t sign) bool {
			down := (t.y - s.y) / s.h
			if partner == LastName {
				down = -down
			}
			return t.item == partner && down > .6 && down < numbersApart && math.Abs(t.x1-s.x1) < 2*s.h
		}) {
			p.signs[i].item = other
		}
	}
}

const numbersApart = 6 // heights, most

// bounded is what is looked at of a line.
func bounded(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), 4*maxRunes)], "")
	runes := []rune(s)
	return strings.TrimSpace(string(runes[:min(len(runes), maxRunes)]))
}

// tiltOf is the angle that most print runs at: a picture without an outline is only turned by quarters.
func tiltOf(lines []models.Line, w, h float64) float64 {
	type run struct{ angle, length float64 }
	var runs []run
	total := 0.0
	for _, l := range lines {
		if !finite(l.At) {
			continue
		}
		dx, dy := (l.At[1].X-l.At[0].X)*w, (l.At[1].Y-l.At[0].Y)*h
		if r := (run{math.Atan2(dy, dx), math.Hypot(dx, dy)}); math.Abs(r.angle) < math.Pi/4 {
			runs, total = append(runs, r), total+r.length
		}
	}
	sort.Slice(runs, func(i, j int) bool { return runs[i].angle < runs[j].angle })
	sum := 0.0
	for _, r := range runs {
		if sum += r.length; sum >= total/2 {
			return r.angle
		}
	}
	return 0
}

func finite(q models.Quad) bool {
	for _, c := range q {
		if math.IsNaN(c.X+c.Y) || math.Abs(c.X) > 1e3 || math.Abs(c.Y) > 1e3 {
			return false
		}
	}
	return true
}

// part is the piece from one rune to another; the place follows by proportion.
func (p piece) part(from, to int) piece {
	runes := []rune(p.text)
	from, to = min(from, len(runes)), min(max(from, to), len(runes))
	n := float64(max(1, len(runes)))
	a, b := float64(from)/n, float64(to)/n
	out := p
	out.text = string(runes[from:to])
	out.x1, out.x2 = p.x1+(p.x2-p.x1)*a, p.x1+(p.x2-p.x1)*b
	mix := func(l, r models.Point, k float64) models.Point {
		return models.Point{X: l.X + (r.X-l.X)*k, Y: l.Y + (r.Y-l.Y)*k}
	}
	out.at = models.Quad{mix(p.at[0], p.at[1], a), mix(p.at[0], p.at[1], b), mix(p.at[3], p.at[2], b), mix(p.at[3], p.at[2], a)}
	return out
}

// divide notes a line's captions, and what it holds besides them. A caption amid other
// words is none: those are sentences.
func (p *page) divide(whole piece) {
	line := whole.lines[0]
	found := hits(whole.text)
	letters, fit := len(shapeOf(whole.text).text), 0
	for _, f := range found {
		fit += f.letters
	}
	captioned := float64(fit) >= captionShare*float64(letters)
	if !captioned && (len(found) == 0 || found[0].from > fewBefore) {
		found = nil
	}
	found = oneName(found)
	if len(found) == 0 {
		found = p.numbered(whole.text)
	}
	if len(found) == 0 {
		whole.dates = dates(whole.text, p.american, p.today)
		p.pieces = append(p.pieces, whole)
		return
	}
	runes := []rune(whole.text)
	first := len(p.signs)
	for i, f := range found {
		// The same caption in other languages takes the room as well, read or not.
		from, to := 0, len(runes)
		for _, g := range found[:i] {
			if g.item != f.item {
				from = g.to
			}
		}
		for _, g := range found[i+1:] {
			if g.item != f.item {
				to = g.from
				break
			}
		}
		s := whole.part(from, max(to, f.to))
		p.signs = append(p.signs, sign{f, s.x1, s.x2, s.y, s.h, line, whole.score * float64(f.letters) / float64(max(f.length, f.letters))})
	}
	for i, f := range found {
		end := len(runes)
		if i+1 < len(found) {
			end = found[i+1].from
		}
		from := min(f.to, len(runes))
		colon := false
		for from < end && !unicode.IsLetter(runes[from]) && !unicode.IsDigit(runes[from]) {
			colon = colon || runes[from] == ':'
			from++
		}
		rest := whole.part(from, end)
		rest.text = strings.TrimRight(rest.text, " /|.,:;-")
		if compact(rest.text) == "" {
			continue
		}
		rest.after, rest.captioned = first+i, captioned && !colon
		rest.dates = dates(rest.text, p.american, p.today)
		p.pieces = append(p.pieces, rest)
	}
	if !captioned {
		whole.dates = dates(whole.text, p.american, p.today)
		p.pieces = append(p.pieces, whole)
	}
}

// oneName settles what a line's captions say of names: NAME beside SURNAME or NOM is the same in
// another language, and both parts in one caption mean the whole name in one value.
func oneName(found []hit) []hit {
	at := func(item string) int { return slices.IndexFunc(found, func(h hit) bool { return h.item == item }) }
	last, first, full := at(LastName), at(FirstName), at(FullName)
	name := ""
	switch {
	case last >= 0 && first >= 0:
		// In columns each has a value of its own: those stand apart.
		if gap := found[max(last, first)].from - found[min(last, first)].to; gap > apart {
			return found
		}
		name = FullName
	case full >= 0 && last >= 0:
		name = LastName
	case full >= 0 && first >= 0:
		name = FirstName
	default:
		return found
	}
	for i, h := range found {
		if h.item == LastName || h.item == FirstName || h.item == FullName {
			found[i].item = name
		}
	}
	return found
}

const apart = 3 // characters

// fewBefore is how many characters may stand before a line's first caption: a number and a bracket.
const fewBefore = 4

// numbered takes a line's leading number for its caption where no caption could be read: 1 is the
// name and 2 the given names on passports of the European Union (resolution 2004/C 245/01).
func (p *page) numbered(text string) []hit {
	text = strings.ToUpper(text)
	s := strings.TrimPrefix(strings.TrimPrefix(text, "0"), "O")
	if len(s) < 4 || len(s) > longestNumbered || s[0] != '1' && s[0] != '2' || s[1] != '.' && len(s) == len(text) {
		return nil
	}
	if next := strings.TrimLeft(strings.TrimPrefix(s[1:], "."), " "); next == "" || next[0] < 'A' || next[0] > 'Z' ||
		len(dates(text, p.american, p.today)) > 0 {
		return nil
	}
	item := LastName
	if s[0] == '2' {
		item = FirstName
	}
	return []hit{{item: item, to: utf8.RuneCountInString(text), letters: len(text)}}
}

const longestNumbered = 40

// pair puts together what stands side by side and only makes a date in one.
func (p *page) pair() {
	n := len(p.pieces)
	for i := range n {
		a := p.pieces[i]
		if len(a.dates) > 0 || len(a.text) > 24 {
			continue
		}
		for j := range n {
			b := p.pieces[j]
			if i == j || len(b.dates) > 0 || len(b.text) > 12 || b.after >= 0 || math.Abs(a.y-b.y) > .5*math.Min(a.h, b.h) {
				continue
			}
			if gap := b.x1 - a.x2; gap < -.7*a.h || gap > 2.5*a.h {
				continue
			}
			both := a
			both.text = a.text + " " + b.text
			both.x2, both.score = b.x2, math.Min(a.score, b.score)
			both.at[1], both.at[2] = b.at[1], b.at[2]
			both.lines = append(append([]int(nil), a.lines...), b.lines...)
			if both.dates = dates(both.text, p.american, p.today); len(both.dates) > 0 {
				p.pieces = append(p.pieces, both)
			}
		}
	}
}

// Where a value stands to its caption, in heights of the line: below it, or on the same line.
const (
	farBelow = 3.6
	farRight = 14
)

// pairing is a caption with what could be its value; the lower the cost the likelier.
type pairing struct {
	sign, piece int
	cost        float64
	field       Field
}

// byCaption gives each caption the value that stands nearest where values stand.
func (p *page) byCaption() map[string]Field {
	var all []pairing
	for i, s := range p.signs {
		for j, v := range p.pieces {
			cost, ok := cost(s, v, i)
			if !ok {
				continue
			}
			if s.item == other {
				all = append(all, pairing{i, j, cost, Field{}})
				continue
			}
			f, ok := p.value(s.item, v)
			if !ok {
				continue
			}
			f.How, f.Caption = ByCaption, s.sure
			all = append(all, pairing{i, j, cost, f})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].cost < all[j].cost })
	found := map[string]Field{}
	served := make([]bool, len(p.signs))
	used := map[int]bool{} // lines
	free := func(v piece) bool {
		for _, l := range v.lines {
			if used[l] {
				return false
			}
		}
		return true
	}
	for _, a := range all {
		v := p.pieces[a.piece]
		item := p.signs[a.sign].item
		_, has := found[item]
		if served[a.sign] || item != other && has || v.after != a.sign && !free(v) {
			continue
		}
		served[a.sign] = true
		if v.after != a.sign { // a part of the caption's own line leaves the rest of it to others
			for _, l := range v.lines {
				used[l] = true
			}
		}
		if item != other {
			found[item] = a.field
		}
	}
	return found
}

// cost tells how far a piece is from where the caption's value would stand.
func cost(s sign, v piece, number int) (float64, bool) {
	if v.after == number {
		if v.captioned {
			return .6, true // more likely the rest of a caption in another language
		}
		return .1, true
	}
	if v.after >= 0 {
		return 0, false
	}
	for _, l := range v.lines {
		if l == s.line {
			return 0, false
		}
	}
	h := math.Max(s.h, v.h)
	down := (v.y - s.y) / h
	if math.Abs(down) < .55 {
		gap := (v.x1 - s.x2) / h
		if gap < -1 || gap > farRight {
			return 0, false
		}
		return 1.3 + math.Max(0, gap)*.15, true
	}
	if down < .5 || down > farBelow {
		return 0, false
	}
	left := (v.x1 - s.x1) / h
	if left < -2.5 || v.x1 > s.x2+h {
		return 0, false
	}
	return .2 + down*.5 + math.Abs(left)*.12, true
}

// value takes a piece for an item's value, if it can be one.
func (p *page) value(item string, v piece) (Field, bool) {
	f := Field{Item: item, Raw: v.text, Score: v.score, At: v.at}
	ok := false
	if v.captioned && (item == LastName || item == FirstName || item == FullName || item == Nationality || item == Address) {
		return f, false // words beside a caption are the caption in one more language
	}
	switch item {
	case BirthDate, IssueDate, ExpireDate:
		if len(v.dates) == 0 || len(v.dates) > 2 {
			return f, false
		}
		d := v.dates[0]
		if item == ExpireDate {
			d = v.dates[len(v.dates)-1] // a period: from, until
		}
		f.take(d, p.today)
		return f, true
	case Number:
		f.Value, ok = number(v, 5, 14)
	case PersonalNumber:
		f.Value, ok = number(v, 6, 18)
	case LastName, FirstName, FullName:
		f.Value, ok = name(v)
	case Gender:
		f.Value, ok = gender(v.text)
	case Nationality:
		f.Value, ok = state(v)
	case Address:
		f.Value, ok = v.text, len(compact(v.text)) >= 4 && len(v.dates) == 0
	}
	return f, ok
}

// take puts a date in.
func (f *Field) take(d date, today time.Time) {
	if f.Item == BirthDate && d.short && d.year > today.Year() {
		d.year -= 100
	}
	f.Value, f.Doubt = d.String(), d.doubt
}

// number reads a document's or a person's number. An O beside a digit is a zero: the
// reader cannot tell them apart, and states leave O out of their numbers' digits.
func number(v piece, least, most int) (string, bool) {
	if len(v.dates) > 0 && !v.dates[0].bare {
		return "", false
	}
	b := []byte(compact(withoutWords(v.text)))
	if len(b) < least || len(b) > most {
		return "", false
	}
	digits, small := 0, 0
	for _, c := range b {
		if digit(c) {
			digits++
		}
	}
	for _, r := range v.text {
		if unicode.IsLower(r) {
			small++
		}
	}
	if digits < 3 || small > 2 {
		return "", false
	}
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] == 'O' && (i > 0 && digit(b[i-1]) || i+1 < len(b) && digit(b[i+1])) {
			b[i] = '0'
		}
	}
	return string(b), true
}

// withoutWords leaves out what is no part of a number: NR between series and number, stray small letters.
func withoutWords(s string) string {
	var out []string
	for i, w := range strings.Fields(s) {
		switch c := strings.Trim(strings.ToUpper(w), ".:°º"); {
		case i > 0 && (c == "NR" || c == "NO" || c == "N"):
		case len(c) <= 2 && w == strings.ToLower(w) && w != strings.ToUpper(w):
		default:
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

// leastName is the score of a line, 0..100, from which it may be a name: misread captions are below.
const leastName = 78

func name(v piece) (string, bool) {
	if v.score < leastName || len(v.dates) > 0 || strings.ContainsAny(v.text, "/:;|") {
		return "", false
	}
	letters, others := 0, 0
	for _, r := range v.text {
		switch {
		case unicode.IsLetter(r):
			letters++
		case !unicode.IsSpace(r) && !strings.ContainsRune("-'’.,()", r):
			others++
		}
	}
	if letters < 2 || others > 0 || len(strings.Fields(v.text)) > 7 {
		return "", false
	}
	return strings.Trim(v.text, " .,-"), true
}

// gender knows M, F and X, alone or in two languages, and the letters of those languages.
func gender(text string) (string, bool) {
	parts := strings.FieldsFunc(plain(text), func(r rune) bool { return !unicode.IsLetter(r) })
	if len(parts) == 0 || len(parts) > 3 {
		return "", false
	}
	for i := len(parts) - 1; i >= 0; i-- { // the international letter stands last
		switch parts[i] {
		case "F", "FEMALE", "FEMININ", "FEMENINO":
			return "female", true
		case "M", "MALE", "MASCULIN", "MASCULINO":
			return "male", true
		case "X":
			return "x", true
		}
	}
	return "", false
}

// state is a state's code where one is printed, else the words.
func state(v piece) (string, bool) {
	if len(v.dates) > 0 || v.score < leastName {
		return "", false
	}
	code := compact(v.text)
	if len(code) == 3 && mrz.KnownState(code) {
		return code, true
	}
	letters := 0
	for _, r := range v.text {
		if unicode.IsDigit(r) {
			return "", false
		}
		if unicode.IsLetter(r) {
			letters++
		}
	}
	return v.text, letters >= 4
}

// byZone looks for print that says what the zone says.
func (p *page) byZone(found map[string]Field, known mrz.Document) {
	for _, k := range []struct {
		item  string
		value string
	}{{BirthDate, known.Birth.Value}, {ExpireDate, known.Expiry.Value}} {
		if k.value == "" {
			continue
		}
		best := Field{}
		for _, v := range p.pieces {
			for _, d := range v.dates {
				if !d.is(k.value) || v.score <= best.Score {
					continue
				}
				if d.doubt && d.String()[5:] != k.value[5:] {
					d = d.exchanged()
				}
				if d.short {
					d.year += (yearOf(k.value) - d.year) / 100 * 100
				}
				best = Field{Item: k.item, Raw: v.text, Score: v.score, At: v.at, How: ByZone}
				best.Value, best.Doubt = d.String(), false
			}
		}
		p.settle(found, best, func(v string) bool { return len(v) == 10 && v[2:] == k.value[2:] })
	}
	p.numberByZone(found, Number, known.Number.Value)
	if known.Layout == mrz.TD3 {
		p.numberByZone(found, PersonalNumber, known.Optional.Value)
	}
	for _, k := range []struct {
		item  string
		field mrz.Field
	}{{LastName, known.FamilyName}, {FirstName, known.GivenNames}} {
		if k.field.Value == "" {
			continue
		}
		same := func(printed string) bool { return SameName(k.field.Value, printed, known.Truncated) }
		best := Field{}
		for _, v := range p.pieces {
			for _, part := range nameParts(v) {
				if same(part.text) && part.score > best.Score {
					best = Field{Item: k.item, Value: part.text, Raw: part.text, Score: part.score, At: part.at, How: ByZone}
				}
			}
		}
		p.settle(found, best, same)
	}
}

func yearOf(iso string) int {
	year := 0
	for _, c := range iso[:4] {
		year = 10*year + int(c-'0')
	}
	return year
}

// settle takes what was found by the zone, unless the caption's own value says the same.
func (p *page) settle(found map[string]Field, best Field, same func(string) bool) {
	if best.Item == "" {
		return
	}
	if f, ok := found[best.Item]; ok && same(f.Value) && !f.Doubt {
		return
	}
	// What a caption of another item was given by mistake is that item's no more.
	for item, f := range found {
		if f.At == best.At && item != best.Item {
			delete(found, item)
		}
	}
	found[best.Item] = best
}

// nameParts are the parts of a line that may be a name: all of it, and what commas part.
func nameParts(v piece) []piece {
	out := []piece{v}
	if i := strings.IndexByte(v.text, ','); i > 0 {
		n := utf8.RuneCountInString(v.text[:i])
		out = append(out, v.part(0, n), v.part(n+1, maxRunes))
	}
	for i := range out {
		out[i].text = strings.Trim(out[i].text, " .,-:")
	}
	return out
}

// SameName is mrz.SameName for print as a reader gives it: marks may be missing, spaces
// and hyphens count for nothing.
func SameName(zone, printed string, truncated bool) bool {
	if strings.TrimSpace(zone) == "" || !strings.ContainsFunc(printed, unicode.IsLetter) {
		return false
	}
	return mrz.SameName(zone, printed, truncated) || mrz.SameName(zone, plain(printed), truncated) || compact(printed) != "" &&
		(bareName(zone, "A") == bareName(printed, "A") || bareName(zone, "E") == bareName(printed, "E"))
}

// bareName is a name without what a missing mark may have hidden: the zone writes Ü as UE,
// the reader sees U. ae is what it makes of Æ or Ä.
func bareName(s, ae string) string {
	return strings.NewReplacer("AE", ae, "OE", "O", "UE", "U", "AA", "A", "TH", "P").Replace(compact(s))
}

// nearNumber is by how many characters a number may differ from the zone's and still be the
// one at that place.
const nearNumber = 1

// numberByZone finds a number by what the zone says; one that nearly reads so is kept as printed.
func (p *page) numberByZone(found map[string]Field, item, known string) {
	want := compact(known)
	if len(want) < 5 {
		return
	}
	best, distance := Field{}, nearNumber+1
	for _, v := range p.pieces {
		got := compact(withoutWords(v.text))
		if len(got) > 40 {
			continue
		}
		f := Field{Item: item, Raw: v.text, Score: v.score, At: v.at, How: ByZone}
		var d int
		switch n, ok := number(v, 5, 18); {
		case homoglyphs(got) == homoglyphs(want):
			f.Value, d = want, 0 // no shape tells O from 0: the zone's kinds of characters do
		case ok && len(want) >= 7:
			f.Value, d = n, max(1, Distance(n, want))
		default:
			continue
		}
		if d < distance || d == distance && f.Score > best.Score {
			best, distance = f, d
		}
	}
	if distance > nearNumber {
		return
	}
	if f, ok := found[item]; ok && distance > 0 && f.At != best.At {
		return // a caption goes before a resemblance
	}
	if f, ok := found[item]; ok && distance > 0 && f.At == best.At {
		return
	}
	p.settle(found, best, func(v string) bool { return v == want })
}

// homoglyphs writes what has the same shape the same way.
func homoglyphs(s string) string {
	return strings.NewReplacer("O", "0", "I", "1").Replace(s)
}

// byOrder gives dates that no caption explains to the items that are left, when there is
// only one way to do so: nobody gets a document before birth, and none expires before it is issued.
func (p *page) byOrder(found map[string]Field) {
	type dated struct {
		date
		piece
	}
	var left []dated
	seen := map[string]bool{}
	for _, item := range []string{BirthDate, IssueDate, ExpireDate} {
		seen[found[item].Value] = true
	}
	for _, v := range p.pieces {
		for _, d := range v.dates {
			if d.bare || d.doubt || seen[d.String()] {
				continue
			}
			seen[d.String()] = true
			left = append(left, dated{d, v})
		}
	}
	sort.SliceStable(left, func(i, j int) bool { return left[i].String() < left[j].String() })
	var want []string
	for _, item := range []string{BirthDate, IssueDate, ExpireDate} {
		if _, ok := found[item]; !ok {
			want = append(want, item)
		}
	}
	// Two dates of which the earlier is no more than a document's validity before: birth is the one missing.
	if len(left) == 2 && len(want) == 3 {
		years := left[1].year - left[0].year
		if !left[0].short && !left[1].short && years > 15 && left[1].String() > p.today.Format(time.DateOnly) {
			want = []string{BirthDate, ExpireDate}
		}
	}
	if len(left) == 0 || len(left) != len(want) {
		return
	}
	give := map[string]Field{}
	for i, item := range want {
		f := Field{Item: item, Raw: left[i].text, Score: left[i].score, At: left[i].at, How: ByOrder}
		f.take(left[i].date, p.today)
		give[item] = f
	}
	get := func(item string) string {
		if f, ok := give[item]; ok {
			return f.Value
		}
		return found[item].Value
	}
	b, i, e := get(BirthDate), get(IssueDate), get(ExpireDate)
	if b != "" && (b > p.today.Format(time.DateOnly) || i != "" && b >= i || e != "" && b >= e) || i != "" && e != "" && i >= e {
		return
	}
	for item, f := range give {
		found[item] = f
	}
}

// nextName takes the name right below a family name for the given ones where one caption stands above both.
func (p *page) nextName(found map[string]Field) {
	last, ok := found[LastName]
	if _, has := found[FirstName]; !ok || has || last.How != ByCaption {
		return
	}
	for _, above := range p.pieces {
		if above.at != last.At {
			continue
		}
		next := -1
		for i, v := range p.pieces {
			down := (v.y - above.y) / above.h
			if down > .6 && down < 1.8 && math.Abs(v.x1-above.x1) < 1.5*above.h && v.h > .7*above.h &&
				(next < 0 || v.y < p.pieces[next].y) {
				next = i
			}
		}
		if next < 0 || slices.ContainsFunc(p.signs, func(s sign) bool {
			return s.y > above.y && s.y < p.pieces[next].y && s.x1 < above.x2 && s.x2 > above.x1
		}) {
			return
		}
		if f, ok := p.value(FirstName, p.pieces[next]); ok {
			f.How, f.Caption = ByCaption, last.Caption
			found[FirstName] = f
		}
		return
	}
}

// splitName takes a name apart that is printed as FAMILY NAME, GIVEN NAMES.
func (p *page) splitName(found map[string]Field) {
	_, last := found[LastName]
	_, first := found[FirstName]
	if last && first {
		delete(found, FullName)
	}
	for _, item := range []string{FullName, LastName} {
		f, ok := found[item]
		i := strings.IndexByte(f.Value, ',')
		if !ok || i <= 0 || first {
			continue
		}
		family, given := strings.TrimSpace(f.Value[:i]), strings.Trim(f.Value[i+1:], " .,")
		if compact(family) == "" || compact(given) == "" {
			continue
		}
		a, b := f, f
		a.Item, a.Value, b.Item, b.Value = LastName, family, FirstName, given
		if !last || item == LastName {
			found[LastName] = a
		}
		found[FirstName] = b
		delete(found, FullName)
		return
	}
	// A caption that only says NAME beside one for given names is the family name's.
	if f, ok := found[FullName]; ok && first && !last {
		f.Item = LastName
		found[LastName] = f
		delete(found, FullName)
	}
}
