package source

import (
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// countryCode gives the ISO 3166-1 alpha-3 code of a country as lists name it, or
// the list's own word, cleaned, where there is none.
func countryCode(name string) string {
	name = strings.TrimSpace(name)
	if code, ok := countryNames()[foldCountry(name)]; ok {
		return code
	}
	return name
}

// isoCountry gives the alpha-3 code of an ISO 3166-1 alpha-2 or alpha-3 code, or what it
// was given: codes of states that are no more stay as the list writes them.
func isoCountry(code string) string {
	code = clean(code)
	if len(code) != 2 && len(code) != 3 {
		return code
	}
	region, err := language.ParseRegion(code)
	if err != nil || !region.IsCountry() || len(region.ISO3()) != 3 || region.ISO3() == "ZZZ" {
		return code
	}
	return region.ISO3()
}

// foldCountry makes different ways of writing a country equal: lower case, letters
// only, without what stands in brackets, "the" and "of".
func foldCountry(name string) string {
	if before, _, ok := strings.Cut(name, "("); ok && before != "" {
		name = before
	}
	var words []string
	for _, word := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r < 'a' || r > 'z' }) {
		if word != "the" && word != "of" && word != "and" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

var countryNames = sync.OnceValue(func() map[string]string {
	m := make(map[string]string)
	english := display.English.Regions()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			region, err := language.ParseRegion(string([]rune{a, b}))
			if err != nil || !region.IsCountry() || len(region.ISO3()) != 3 {
				continue
			}
			if name := foldCountry(english.Name(region)); name != "" {
				m[name] = region.ISO3()
			}
			m[strings.ToLower(region.ISO3())] = region.ISO3()
		}
	}
	// Long forms and other names, as the lists write them.
	for code, names := range map[string][]string{
		"BOL": {"Plurinational State of Bolivia"}, "BRN": {"Brunei Darussalam"}, "BIH": {"Bosnia and Herzegovina"},
		"CIV": {"Cote d Ivoire", "Ivory Coast"}, "COD": {"Democratic Republic of the Congo", "Congo, Democratic Republic of the"},
		"COG": {"Republic of the Congo", "Congo"}, "CZE": {"Czech Republic"}, "GBR": {"United Kingdom of Great Britain and Northern Ireland"},
		"IRN": {"Islamic Republic of Iran"}, "KOR": {"Korea, South", "Republic of Korea", "South Korea"},
		"PRK": {"Korea, North", "Democratic People's Republic of Korea", "North Korea"}, "LAO": {"Lao People's Democratic Republic"},
		"LBY": {"Libyan Arab Jamahiriya"}, "MDA": {"Republic of Moldova"}, "MKD": {"Macedonia", "The Former Yugoslav Republic of Macedonia"},
		"MMR": {"Burma", "Myanmar"}, "PSE": {"Palestinian", "State of Palestine", "West Bank", "Region: Gaza"}, "RUS": {"Russian Federation"},
		"SWZ": {"Swaziland"}, "SYR": {"Syrian Arab Republic"}, "TUR": {"Turkey"}, "TZA": {"United Republic of Tanzania"},
		"USA": {"United States of America"}, "VEN": {"Bolivarian Republic of Venezuela"}, "VNM": {"Viet Nam"}, "HKG": {"Hong Kong"},
		"BHS": {"Bahamas, The"}, "GMB": {"Gambia, The"}, "XKX": {"Kosovo"}, "TTO": {"Trinidad and Tobago"}, "CPV": {"Cape Verde"},
	} {
		for _, name := range names {
			m[foldCountry(name)] = code
		}
	}
	return m
})
