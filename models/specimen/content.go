package specimen

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"strings"

	"vestibule/models"
	"vestibule/models/mrz"
)

// Form is what can be drawn.
type Form string

// The forms of documents.
const (
	TD1Front     Form = "td1-front"
	TD1Back      Form = "td1-back"
	TD2          Form = "td2"
	TD3          Form = "td3"
	MRVA         Form = "mrv-a"
	MRVB         Form = "mrv-b"
	FRID         Form = "fr-id"
	LicenseFront Form = "license-front"
	LicenseBack  Form = "license-back"
)

// The forms of what is no document. Nothing, Face and Landscape fill the picture.
const (
	Nothing   Form = "nothing"
	BookPage  Form = "book-page"
	Printout  Form = "printout"
	BankCard  Form = "bank-card"
	Face      Form = "face"
	Landscape Form = "landscape"
)

// Zones lists the forms with a machine readable zone.
func Zones() []Form { return []Form{TD1Back, TD2, TD3, MRVA, MRVB, FRID} }

// Documents lists all forms of documents.
func Documents() []Form { return append(Zones(), TD1Front, LicenseFront, LicenseBack) }

// NoDocuments lists the forms of what is no document.
func NoDocuments() []Form { return []Form{Nothing, BookPage, Printout, BankCard, Face, Landscape} }

func (f Form) layout() mrz.Layout {
	switch f {
	case TD1Back:
		return mrz.TD1
	case TD2:
		return mrz.TD2
	case TD3:
		return mrz.TD3
	case MRVA:
		return mrz.MRVA
	case MRVB:
		return mrz.MRVB
	case FRID:
		return mrz.FRID
	}
	return ""
}

// Make writes one sheet of a form with random, valid contents. portrait may be nil.
func Make(f Form, dice *rand.Rand, portrait image.Image) (Sheet, error) {
	s, err := draft(f, dice)
	if err != nil {
		return s, fmt.Errorf("make a specimen of form %q: %w", f, err)
	}
	s.Seed, s.Portrait = dice.Uint64(), portrait
	if s.Kind != models.KindNotID {
		s.Paper, s.Ink = tint(dice)
	}
	return s, nil
}

func draft(f Form, dice *rand.Rand) (Sheet, error) {
	switch f {
	case TD1Front:
		c := Contents(mrz.TD1, dice)
		s := blank(mrz.TD1)
		s.Layout, s.Kind, s.Side, s.Chip = "", models.KindCard, models.SideFront, dice.IntN(2) == 0
		s.Room = Area{5, 14, 24, 31}
		s.Print = append([]Text{{5, 8, 2.6, one(dice, "IDENTITY CARD", "IDENTITEITSKAART", "CARTE D'IDENTITÉ", "PERSONALAUSWEIS", "RESIDENCE PERMIT"), true}}, fields(c, 34, 15, 5.2, 1.7)...)
		return s, nil
	case LicenseFront, LicenseBack:
		return license(f, dice), nil
	case TD1Back, TD2, TD3, MRVA, MRVB, FRID:
		return document(f.layout(), dice)
	}
	return noDocument(f, dice)
}

// document makes the side that bears the zone. What cannot be written, or would not be valid
// when read back (a random TD2 that looks like the French card), is thrown again.
func document(l mrz.Layout, dice *rand.Rand) (Sheet, error) {
	s := blank(l)
	var c mrz.Content
	var err error
	for range 50 {
		c = Contents(l, dice)
		if s.Lines, err = write(c); err != nil {
			continue
		}
		var back mrz.Document
		if back, err = mrz.Parse(s.Lines); err == nil && (back.Layout != l || !back.Valid()) {
			err = errors.New("the zone is not valid when read back")
		}
		if err == nil {
			break
		}
	}
	if err != nil {
		return s, err
	}
	switch l {
	case mrz.TD1:
		s.Chip = dice.IntN(3) == 0
		s.Print = []Text{
			{5, 7, 1.4, "Residence", false},
			{5, 11, 1.8, fmt.Sprintf("%d %s", 1+dice.IntN(200), one(dice, "High Street", "Rue de la Paix", "Lindenallee", "Calle Mayor")), false},
			{5, 16, 1.4, "Authority", false},
			{5, 20, 1.8, one(dice, "City of Utopia", "Ministry of the Interior", "Stadt Utopia"), false},
			{60, 7, 1.4, "Height", false},
			{60, 11, 1.8, fmt.Sprintf("%d cm", 150+dice.IntN(50)), false},
		}
	case mrz.TD2, mrz.MRVB, mrz.FRID:
		s.Room = Area{6, 14, 25, 32}
		s.Print = append([]Text{{6, 9, 2.8, title(l, dice), true}}, fields(c, 38, 16, 6.2, 1.9)...)
	default:
		s.Room = Area{7, 18, 32, 41}
		s.Print = append([]Text{{7, 11, 3.2, title(l, dice), true}, {60, 11, 2, c.Issuer, false}}, fields(c, 46, 19, 7, 2.1)...)
	}
	return s, nil
}

func title(l mrz.Layout, dice *rand.Rand) string {
	switch l {
	case mrz.TD3:
		return one(dice, "PASSPORT", "PASSEPORT", "REISEPASS", "PASAPORTE")
	case mrz.MRVA, mrz.MRVB:
		return one(dice, "VISA", "VISUM")
	case mrz.FRID:
		return "CARTE NATIONALE D'IDENTITÉ"
	}
	return one(dice, "IDENTITY CARD", "PERSONALAUSWEIS", "CARTE D'IDENTITÉ")
}

// fields is the visual zone: labels with their values.
func fields(c mrz.Content, x, y, step, high float64) []Text {
	rows := [][2]string{
		{"Surname / Nom", c.FamilyName},
		{"Given names / Prénoms", c.GivenNames},
		{"Nationality / Nationalité", c.Nationality},
		{"Date of birth / Date de naissance", day(c.Birth)},
		{"Sex / Sexe    " + strings.ToUpper(c.Sex), "No " + c.Number},
		{"Date of expiry / Date d'expiration", day(c.Expiry)},
	}
	var out []Text
	for i, r := range rows {
		at := y + step*float64(i)
		value := []rune(r[1])
		if most := 26; len(value) > most {
			value = value[:most]
		}
		out = append(out, Text{x, at, .55 * high, r[0], false}, Text{x, at + 1.45*high, high, string(value), true})
	}
	return out
}

// day writes a date as documents print it; unknown parts as XX.
func day(iso string) string {
	p := strings.Split(iso, "-")
	if len(p) != 3 {
		return "XX XX XXXX"
	}
	for i := range p {
		if strings.Trim(p[i], "0") == "" {
			p[i] = strings.Repeat("X", len(p[i]))
		}
	}
	return p[2] + " " + p[1] + " " + p[0]
}

// license draws a card as the AAMVA card design standard arranges it, roughly: the numbered
// elements beside the portrait on the front, the symbol on the back.
func license(f Form, dice *rand.Rand) Sheet {
	s := blank(mrz.TD1)
	s.Layout, s.Kind = "", models.KindLicense
	c := Contents(mrz.TD1, dice)
	family, _ := mrz.Transliterate(c.FamilyName)
	given, _ := mrz.Transliterate(c.GivenNames)
	if f == LicenseFront {
		s.Side = models.SideFront
		s.Room = Area{4, 13, 24, 32}
		s.Print = []Text{
			{4, 8, 3.4, one(dice, "UTOPIA", "NEW UTOPIA", "NORTH UTOPIA"), true},
			{46, 8, 2.4, one(dice, "DRIVER LICENSE", "DRIVER'S LICENSE", "DRIVER LICENCE", "IDENTIFICATION CARD"), true},
			{32, 16, 1.9, "4d DLN " + digits(dice, 8), true},
			{32, 20, 1.6, "3 DOB " + strings.ReplaceAll(c.Birth, "-", "/"), false},
			{32, 24, 1.6, "4b EXP " + strings.ReplaceAll(c.Expiry, "-", "/"), false},
			{32, 28.5, 2, "1 " + cut(strings.ReplaceAll(family, "<", " "), 20), true},
			{32, 32.5, 2, "2 " + cut(strings.ReplaceAll(given, "<", " "), 20), true},
			{32, 36.5, 1.6, fmt.Sprintf("8 %d MAIN ST", 1+dice.IntN(9000)), false},
			{32, 40.5, 1.6, "9 CLASS C   12 REST NONE", false},
			{32, 46, 1.6, "15 SEX " + one(dice, "M", "F", "X") + "   16 HGT 5'-07\"   18 EYES BRO", false},
		}
		return s
	}
	s.Side = models.SideBack
	s.Stripes = Area{8, 28, 69, 17}
	s.Print = []Text{
		{8, 8, 1.4, "CLASS C - ANY 2-AXLE VEHICLE WITH A GVWR OF 26,000 LBS", false},
		{8, 12, 1.4, "RESTRICTIONS: NONE   ENDORSEMENTS: NONE", false},
		{8, 16, 1.4, "REV " + digits(dice, 8) + "   DD " + digits(dice, 10), false},
	}
	return s
}

// noDocument makes what must not be taken for one.
func noDocument(f Form, dice *rand.Rand) (Sheet, error) {
	s := Sheet{Kind: models.KindNotID, Thing: string(f), Paper: color.RGBA{240, 238, 232, 255}}
	switch f {
	case Nothing, Face, Landscape:
		return s, nil
	case BankCard:
		s.Width, s.Height, s.Corner, s.Chip = 85.6, 53.98, 3.18, true
		s.Paper, s.Ink = color.RGBA{uint8(30 + dice.IntN(120)), uint8(30 + dice.IntN(120)), uint8(60 + dice.IntN(140)), 255}, color.RGBA{90, 90, 120, 255}
		s.Print = []Text{
			{55, 9, 3.4, one(dice, "BANK OF UTOPIA", "Utopia Bank", "CREDIT"), true},
			{8, 34, 3.6, fmt.Sprintf("%s %s %s %s", digits(dice, 4), digits(dice, 4), digits(dice, 4), digits(dice, 4)), true},
			{30, 40, 1.8, "VALID THRU " + fmt.Sprintf("%02d/%02d", 1+dice.IntN(12), 26+dice.IntN(6)), false},
			{8, 47, 2.2, strings.ToUpper(name(dice) + " " + name(dice)), false},
			{66, 48, 4, one(dice, "PAY", "DEBIT"), true},
		}
	case BookPage:
		s.Width, s.Height = 110, 170
		s.Print = prose(dice, 12, 18, 86, 145, 1.5, 4.2)
	case Printout:
		s.Width, s.Height = 210, 297
		s.Paper = color.RGBA{250, 250, 250, 255}
		s.Print = append([]Text{{20, 30, 4, "Report of the year", true}}, prose(dice, 20, 45, 170, 220, 1.9, 5.5)...)
	default:
		return s, errors.New("there is no such form")
	}
	return s, nil
}

// prose fills an area with words.
func prose(dice *rand.Rand, x, y, w, h, high, step float64) []Text {
	var out []Text
	for at := y; at < y+h; at += step {
		most := int(w / high / .85)
		if dice.IntN(7) == 0 {
			most /= 2
		}
		line := ""
		for len([]rune(line)) < most-9 {
			line += strings.ToLower(name(dice)) + one(dice, " ", " ", " ", ", ", ". ")
		}
		out = append(out, Text{x, at, high, line, false})
	}
	return out
}

func one(dice *rand.Rand, of ...string) string { return of[dice.IntN(len(of))] }

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

func digits(dice *rand.Rand, n int) string { return some(dice, "0123456789", n) }

func some(dice *rand.Rand, of string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = of[dice.IntN(len(of))]
	}
	return string(b)
}

// name makes up a name of two to four syllables, so that no language's names are favoured.
func name(dice *rand.Rand) string {
	var b strings.Builder
	for range 2 + dice.IntN(3) {
		b.WriteString(one(dice, "b", "br", "ch", "d", "f", "g", "h", "j", "k", "kw", "l", "m", "n", "p", "qu", "r", "s", "st", "t", "v", "w", "x", "y", "z"))
		b.WriteString(one(dice, "a", "e", "i", "o", "u", "ai", "ou"))
	}
	if dice.IntN(2) == 0 {
		b.WriteString(one(dice, "n", "s", "r", "k", "x", "m"))
	}
	s := b.String()
	return strings.ToUpper(s[:1]) + s[1:]
}

// spelled are names in letters that the zone transliterates, with hyphens, apostrophes and
// more of them than a zone has room for.
func spelled(dice *rand.Rand) string {
	return one(dice, "Müller-Lüdenscheidt", "Åkesson", "Łukasiewicz", "Ñáñez", "O'Connor", "Nguyễn", "Strauß", "Þórsdóttir", "Çelik", "Щербаков",
		"Đorđević", "d'Arc", "Œuvrard", "Sørensen", "Ḩaddād", "Papathanasopoulou-Konstantinidis", "Wijesekara Mudiyanselage Rathnayake Bandara")
}

func person(dice *rand.Rand) string {
	n := name(dice)
	if dice.IntN(4) == 0 {
		n = spelled(dice)
	}
	for dice.IntN(4) == 0 {
		n += one(dice, " ", "-") + name(dice)
	}
	return n
}

// Contents makes up what a zone says. About one in eight has no given names, an unknown
// birth part, a sex that is not said, or a code of an organisation, each on its own.
func Contents(l mrz.Layout, dice *rand.Rand) mrz.Content {
	rare := func() bool { return dice.IntN(8) == 0 }
	c := mrz.Content{Layout: l, FamilyName: person(dice), GivenNames: person(dice)}
	for dice.IntN(2) == 0 {
		c.GivenNames += " " + name(dice)
	}
	if rare() {
		c.GivenNames = ""
	}
	c.Issuer = one(dice, "UTO", "D", "FRA", "USA", "NLD", "IND", "CHN", "BRA", "NGA", "TUR", "ESP", "QAT", "VNM", "ZAF", "JPN")
	c.Nationality = c.Issuer
	if rare() {
		c.Issuer = one(dice, "UNO", "UNA", "XOM", "XPO", "EUE", "RKS", "GBR")
		c.Nationality = one(dice, "GBD", "GBN", "GBO", "GBP", "GBS", "XXA", "XXB", "XXC", "XXX", "RKS", "SWE")
	}
	c.Birth = fmt.Sprintf("%d-%02d-%02d", 1940+dice.IntN(68), 1+dice.IntN(12), 1+dice.IntN(28))
	if rare() {
		c.Birth = one(dice, c.Birth[:8]+"00", c.Birth[:5]+"00-00", "0000-00-00")
	}
	c.Expiry = fmt.Sprintf("%d-%02d-%02d", 2027+dice.IntN(9), 1+dice.IntN(12), 1+dice.IntN(28))
	c.Sex = one(dice, "male", "female", "male", "female", "male", "female", "x", "")
	const signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	c.Number = some(dice, signs, 7+dice.IntN(3))
	if dice.IntN(2) == 0 {
		c.Number = some(dice, "ABCDEFGHJKLMNPRSTUVWXYZ", 1+dice.IntN(2)) + digits(dice, 7)
	}
	switch l {
	case mrz.TD1:
		c.Code = one(dice, "I", "ID", "IR", "AC", "A", "C", "D")
		if rare() {
			c.Number, c.Counted = some(dice, signs, 10+dice.IntN(4)), dice.IntN(2) == 0
		}
		if rare() {
			c.Optional2 = some(dice, signs, 1+dice.IntN(11))
		}
	case mrz.TD2:
		c.Code = one(dice, "I", "ID", "AC", "C")
		if rare() {
			c.Number, c.Counted = some(dice, signs, 10+dice.IntN(4)), dice.IntN(2) == 0
		}
	case mrz.TD3:
		c.Code = one(dice, "P", "P", "P", "PD", "PM", "PO")
	case mrz.MRVA, mrz.MRVB:
		c.Code = one(dice, "V", "V", "VC", "VD")
	case mrz.FRID:
		c.Code, c.Issuer, c.Nationality, c.Expiry = "ID", "FRA", "FRA", ""
		c.Birth = fmt.Sprintf("%d-%02d-%02d", 1940+dice.IntN(68), 1+dice.IntN(12), 1+dice.IntN(28))
		c.Sex = one(dice, "male", "female")
		c.Number, c.Optional = digits(dice, 12), digits(dice, 6)
	}
	if len(c.Number) <= 9 && dice.IntN(3) == 0 && l != mrz.FRID {
		c.Optional = some(dice, signs, 3+dice.IntN(5))
	}
	return c
}

// write makes the lines of a zone; the French card's, which package mrz only reads, as the French
// administration arranged them: family name and office above; number, given names, birth and sex below.
func write(c mrz.Content) ([]string, error) {
	if c.Layout != mrz.FRID {
		return mrz.Write(c)
	}
	family, ok := mrz.Transliterate(c.FamilyName)
	given, ok2 := mrz.Transliterate(c.GivenNames)
	if !ok || !ok2 || family == "" {
		return nil, mrz.ErrContent
	}
	fill := func(s string, n int) string { return (cut(s, n) + strings.Repeat("<", n))[:n] }
	sex := map[string]string{"male": "M", "female": "F"}[c.Sex]
	birth := c.Birth[2:4] + c.Birth[5:7] + c.Birth[8:10]
	number, _ := mrz.CheckDigit(c.Number)
	born, _ := mrz.CheckDigit(birth)
	above := "IDFRA" + fill(family, 25) + c.Optional
	below := c.Number + string(number) + fill(given, 14) + birth + string(born) + sex
	all, ok := mrz.CheckDigit(above, below)
	if !ok || len(above) != 36 || len(below) != 35 {
		return nil, mrz.ErrContent
	}
	return []string{above, below + string(all)}, nil
}

// tint picks a light paper and the darker lines of its background.
func tint(dice *rand.Rand) (paper, ink color.RGBA) {
	base := 205 + dice.IntN(40)
	c := func() uint8 { return uint8(min(252, base+dice.IntN(30)-15)) }
	paper = color.RGBA{c(), c(), c(), 255}
	d := uint8(14 + dice.IntN(26))
	i := func(v uint8) uint8 { return v - d + uint8(dice.IntN(12)) }
	return paper, color.RGBA{i(paper.R), i(paper.G), i(paper.B), 255}
}
