package visual

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// date is one date as printed.
type date struct {
	year, month, day int
	short            bool // the year is printed with two digits
	doubt            bool // day and month may be exchanged
	bare             bool // eight digits and nothing else: may be a number as well
}

func (d date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day) }

// exchanged is the date with day and month in the other order.
func (d date) exchanged() date {
	d.day, d.month = d.month, d.day
	return d
}

// is tells whether the date is the one that the zone gives as YYYY-MM-DD. The zone
// prints no century, so it is not compared.
func (d date) is(iso string) bool {
	if len(iso) != len(time.DateOnly) {
		return false
	}
	return d.String()[2:] == iso[2:] || d.doubt && d.exchanged().String()[2:] == iso[2:]
}

var (
	dayFirst  = regexp.MustCompile(`(\d{1,2})( ?[./-] ?| )(\d{1,2})( ?[./-] ?| )(\d{4}|\d{2})`)
	yearFirst = regexp.MustCompile(`(\d{4})( ?[./-] ?| )(\d{1,2})( ?[./-] ?| )(\d{1,2})`)
	dayName   = regexp.MustCompile(`(\d{1,2})[ .]{0,2}([A-Z][A-Z0-9 ./'-]{1,22}?[A-Z.])[ ./,-]{0,2}(\d{4}|\d{2})`)
	nameDay   = regexp.MustCompile(`([A-Z]{3,10})[. ]{1,2}(\d{1,2}),? (\d{4})`)
	solid     = regexp.MustCompile(`^\D{0,2}(\d{2})[. ]?(\d{2})[. ]?(\d{4})\D{0,2}$`)
)

// dates finds all dates of a line: ICAO 9303-3 section 3.2 (DD MMM YYYY with one or two
// languages) and the numeric ways of Europe and America. American puts the month first
// where a slash or dash parts the numbers.
func dates(text string, american bool, today time.Time) []date {
	s := zeroBeforeLetter.ReplaceAllString(plain(bounded(text)), "${1}O${2}")
	var out []date
	taken := make([]bool, len(s)+1)
	add := func(m []int, year, month, day string, months []int, order string) {
		if slices.Contains(taken[m[0]:m[1]], true) {
			return
		}
		d, ok := makeDate(year, month, day, months, order, american, today)
		// A number is no date because a part of it looks like one.
		if !ok || m[0] > 0 && digit(s[m[0]-1]) || m[1] < len(s) && digit(s[m[1]]) {
			return
		}
		for i := m[0]; i < m[1]; i++ {
			taken[i] = true
		}
		out = append(out, d)
	}
	at := func(m []int, group int) string { return s[m[2*group]:m[2*group+1]] }
	numeric := func(m []int, year, month, day int) {
		if order := strings.TrimSpace(at(m, 2)); order == strings.TrimSpace(at(m, 4)) {
			if year == 1 {
				add(m, at(m, year), at(m, month), at(m, day), nil, "")
				return
			}
			add(m, at(m, year), at(m, month), at(m, day), nil, order)
		}
	}
	for _, m := range yearFirst.FindAllStringSubmatchIndex(s, mostDates) {
		numeric(m, 1, 3, 5)
	}
	for _, m := range dayFirst.FindAllStringSubmatchIndex(s, mostDates) {
		numeric(m, 5, 3, 1)
	}
	for _, m := range dayName.FindAllStringSubmatchIndex(s, mostDates) {
		add(m, at(m, 3), "", at(m, 1), monthsOf(at(m, 2)), "")
	}
	for _, m := range nameDay.FindAllStringSubmatchIndex(s, mostDates) {
		add(m, at(m, 3), "", at(m, 2), monthsOf(at(m, 1)), "")
	}
	if len(out) == 0 {
		if m := solid.FindStringSubmatchIndex(s); m != nil {
			add(m, at(m, 3), at(m, 2), at(m, 1), nil, "")
			if len(out) == 1 {
				out[0].bare = m[6]-m[2] == 4
			}
		}
	}
	return out
}

const mostDates = 8 // of one line

var zeroBeforeLetter = regexp.MustCompile(`([ /])0([A-Z])`)

func digit(c byte) bool { return c >= '0' && c <= '9' }

func makeDate(year, month, day string, months []int, order string, american bool, today time.Time) (date, bool) {
	var d date
	var err1, err2 error
	d.year, err1 = strconv.Atoi(year)
	d.day, err2 = strconv.Atoi(day)
	if err1 != nil || err2 != nil {
		return d, false
	}
	if len(year) == 2 {
		d.short = true
		d.year = century(d.year, today)
	}
	if month == "" {
		if len(months) != 1 {
			return d, false
		}
		d.month = months[0]
	} else if d.month, err1 = strconv.Atoi(month); err1 != nil {
		return d, false
	}
	if order == "/" || order == "-" {
		switch {
		case d.month > 12 && d.day <= 12:
			d = d.exchanged()
		case d.month <= 12 && d.day <= 12 && d.month != d.day:
			d.doubt = true
			if american {
				d = d.exchanged()
			}
		}
	}
	if d.year < 1880 || d.year > 2120 || d.month < 1 || d.month > 12 || d.day < 1 {
		return d, false
	}
	return d, time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC).Day() == d.day
}

// century puts a short year at most fifteen years ahead, further than documents are valid
// as a rule; that of a birth is set right where the item is known.
func century(yy int, today time.Time) int {
	year := today.Year()/100*100 + yy
	if year < today.Year()-85 {
		year += 100
	}
	if year > today.Year()+15 {
		year -= 100
	}
	return year
}

// monthsOf tells which months a name, or the same name in two languages, can mean. None
// when the languages contradict each other or one cannot be told.
func monthsOf(s string) []int {
	var can [13]bool
	for i := range can {
		can[i] = true
	}
	named := false
	narrow := func(m uint16) {
		for i := 1; i <= 12; i++ {
			can[i] = can[i] && m&(1<<i) != 0
		}
		named = true
	}
	for _, w := range strings.FieldsFunc(plain(s), func(r rune) bool { return r < 'A' || r > 'Z' }) {
		if m := month(w); m != 0 {
			narrow(m)
			continue
		}
		if len(w) < 5 {
			continue
		}
		// The stroke between two languages was not seen or taken for a letter.
		for n := min(10, len(w)-1); n >= 3; n-- {
			if m := exactMonth(w[:n]); m != 0 {
				narrow(m)
				break
			}
		}
		for n := min(10, len(w)-1); n >= 3; n-- {
			if m := exactMonth(w[len(w)-n:]); m != 0 {
				narrow(m)
				break
			}
		}
	}
	var out []int
	for i := 1; named && i <= 12; i++ {
		if can[i] {
			out = append(out, i)
		}
	}
	return out
}

// month gives the months, as bits, that a word can mean; one wrong letter is allowed in longer ones.
func month(w string) uint16 {
	if m := exactMonth(w); m != 0 {
		return m
	}
	if len(w) < 5 {
		return 0
	}
	var out uint16
	for i, names := range monthNames {
		for _, n := range strings.Fields(names) {
			if len(n) >= 5 && Distance(n, w) <= 1 {
				out |= 1 << (i + 1)
			}
		}
	}
	return out
}

func exactMonth(w string) uint16 {
	var out uint16
	for i, names := range monthNames {
		if strings.Contains(" "+names+" ", " "+w+" ") {
			out |= 1 << (i + 1)
		}
	}
	return out
}

// monthNames are those of the languages of Europe, long and short, without marks. Some
// mean different months in different languages: lipiec is July in Polish, lipanj June in Croatian.
var monthNames = [12]string{
	"JAN JANUARY JANVIER JANV JANUAR JANUARI ENE ENERO GEN GENNAIO JANEIRO STY STYCZEN LED LEDEN SIJ SIJECANJ TAM TAMMIKUU IAN IANUARIE JAANUAR JANVARIS SAU SAUSIS OCA OCAK JANUAR JANEIRO GENER JANNAR",
	"FEB FEBRUARY FEVRIER FEV FEVR FEBRUAR FEBRUARI FEBRERO FEBBRAIO FEVEREIRO LUT LUTY UNO UNOR VEL VELJACA HEL HELMIKUU FEBRUARIE VEEBRUAR VEEB FEBRUARIS VAS VASARIS SUB SUBAT FEBRUAR",
	"MAR MARCH MARS MARZ MRZ MAERZ MARZO MARCO MAART MRT MARZEC BRE BREZEN OZU OZUJAK MAA MAALISKUU MARTIE MARTS MARTS MAREC KOV KOVAS MART MARCIUS MARSS",
	"APR APRIL AVR AVRIL ABR ABRIL APRILE KWI KWIECIEN DUB DUBEN TRA TRAVANJ HUH HUHTIKUU APRILIE APRILL APRILIS BAL BALANDIS NIS NISAN APRILIS",
	"MAY MAI MAYO MAG MAGGIO MAIO MEI MAJ KVE KVETEN SVI SVIBANJ TOU TOUKOKUU MAIJS GEG GEGUZE MAYIS MAJUS",
	"JUN JUNE JUIN JUNI JUNIO GIU GIUGNO JUNHO CZE CZERWIEC CVN CERVEN LIP LIPANJ KES KESAKUU IUN IUNIE JUUNI JUNIJS BIR BIRZELIS HAZ HAZIRAN JUNIJ JUNIUS",
	"JUL JULY JUILLET JUIL JULI JULIO LUG LUGLIO JULHO LIP LIPIEC CVC CERVENEC SRP SRPANJ HEI HEINAKUU IUL IULIE JUULI JULIJS LIE LIEPA TEM TEMMUZ JULIJ JULIUS",
	"AUG AUGUST AOUT AOU AUGUSTUS AUGUSTI AGO AGOSTO SIE SIERPIEN SRP SRPEN KOL KOLOVOZ ELO ELOKUU AUGUSTS RGP RUGPJUTIS AGU AGUSTOS AVGUST AVG AUGUSZTUS",
	"SEP SEPT SEPTEMBER SEPTEMBRE SEPTIEMBRE SET SETTEMBRE SETEMBRO WRZ WRZESIEN ZAR ZARI RUJ RUJAN SYY SYYSKUU SEPTEMBRIE SEPTEMBRIS RGS RUGSEJIS EYL EYLUL SZEPTEMBER SZEPT",
	"OCT OCTOBER OCTOBRE OKT OKTOBER OCTUBRE OTT OTTOBRE OUT OUTUBRO PAZ PAZDZIERNIK RIJ RIJEN LIS LISTOPAD LOK LOKAKUU OCTOMBRIE OKTOOBER OKTOBRIS SPA SPALIS EKI EKIM",
	"NOV NOVEMBER NOVEMBRE NOVIEMBRE NOVEMBRO LIS LISTOPAD STU STUDENI MARRASKUU NOIEMBRIE NOI NOVEMBRIS LAP LAPKRITIS KAS KASIM",
	"DEC DECEMBER DECEMBRE DES DESEMBER DEZ DEZEMBER DIC DICIEMBRE DICEMBRE DEZEMBRO GRU GRUDZIEN PRO PROSINEC PROSINAC JOU JOULUKUU DECEMBRIE DETSEMBER DETS DECEMBRIS GRD GRUODIS ARA ARALIK",
}
