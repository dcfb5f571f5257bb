package visual

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var day = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

func TestDatesInEveryWayThatDocumentsPrintThem(t *testing.T) {
	for text, want := range map[string][]string{
		"12 AUG 1974":              {"1974-08-12"},
		"12 JUL/JUIL 74":           {"1974-07-12"},
		"12AUGUST/AOUT74":          {"1974-08-12"},
		"16 APR/AVR 07":            {"2007-04-16"},
		"16APRIAVR07":              {"2007-04-16"}, // the stroke read as a letter
		"10 0KT/OCT 1971":          {"1971-10-10"}, // the O read as a zero
		"01 JAN 7JAN 85":           {"1985-01-01"}, // the stroke read as a digit
		"13LIP/JUL 2006":           {"2006-07-13"}, // Polish; June in Croatian
		"13 LIP 2006":              nil,            // June or July
		"26 MAI/MAY 99":            {"1999-05-26"},
		"20 Juin/Jun 1978":         {"1978-06-20"},
		"3. März 2021":             {"2021-03-03"},
		"12.08.1964":               {"1964-08-12"},
		"12. 08. 1964":             {"1964-08-12"},
		"12 08 1964":               {"1964-08-12"},
		"12.08.64":                 {"1964-08-12"},
		"1960-02-08":               {"1960-02-08"},
		"1960/02/08":               {"1960-02-08"},
		"31/12/2030":               {"2030-12-31"},
		"12/31/2030":               {"2030-12-31"}, // only one order is possible
		"01.01.2013 04.05.2014":    {"2013-01-01", "2014-05-04"},
		"17.10.03-09.05.2013":      {"2003-10-17", "2013-05-09"},
		"01012003":                 {"2003-01-01"},
		"21.121971":                {"1971-12-21"},
		"05FEB1965":                {"1965-02-05"},
		"August 12, 1974":          {"1974-08-12"},
		"30 FEB 1974":              nil,
		"31.11.1974":               nil,
		"00.00.0000":               nil,
		"8Aout/Aug 201":            nil, // cut off
		"13837403":                 nil,
		"111111-11648":             nil,
		"695622/0612":              nil,
		"LT0000000":                nil,
		"PA09404097AUS8406077F190": nil,
		"":                         nil,
	} {
		t.Run(text, func(t *testing.T) {
			var got []string
			for _, d := range dates(text, false, day) {
				got = append(got, d.String())
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestAnAmericanDateStartsWithTheMonth(t *testing.T) {
	d := dates("10/04/1949", true, day)
	assert.Equal(t, "1949-10-04", d[0].String())
	assert.True(t, d[0].doubt, "nothing but the country tells the order")
	d = dates("10/04/1949", false, day)
	assert.Equal(t, "1949-04-10", d[0].String())
	assert.True(t, d[0].is("1949-10-04"))
	assert.False(t, dates("10.04.1949", false, day)[0].doubt, "full stops part no American date")
}

func FuzzDatesAreDatesOfTheCalendar(f *testing.F) {
	for _, s := range []string{"12 JUL/JUIL 74", "17.10.03-09.05.2013", "1960-02-08", "August 12, 1974", "01012003", "é\xff 99 99 99"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, american bool) {
		for _, d := range dates(s, american, day) {
			if _, err := time.Parse(time.DateOnly, d.String()); err != nil {
				t.Fatalf("%q gives %v", s, d)
			}
		}
	})
}
