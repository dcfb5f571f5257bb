package visual

import (
	"regexp"
	"strings"
)

// licenceLine is a numbered field of a driving licence.
var licenceLine = regexp.MustCompile(`(?i)^(1|2|3|4A|4B|4D|5|8)[.,:]? ?(.*)$`)

// licence reads a driving licence of the European model (directive 2006/126/EC annex I): its
// numbers stand in place of captions, each before its value. It is one when both its periods are there.
func (p *page) licence() map[string]Field {
	found := map[string]Field{}
	from, until := false, false
	for _, v := range p.pieces {
		// 4a and 4b often stand in one line.
		for _, t := range splitLicence(v.text) {
			m := licenceLine.FindStringSubmatch(t)
			if m == nil {
				continue
			}
			number := strings.ToUpper(m[1])
			from, until = from || number == "4A", until || number == "4B"
			item := map[string]string{
				"1": LastName, "2": FirstName, "3": BirthDate, "4A": IssueDate, "4B": ExpireDate,
				"4D": PersonalNumber, "5": Number, "8": Address,
			}[number]
			part := v
			part.text = strings.TrimSpace(m[2])
			part.captioned = false
			part.dates = dates(part.text, p.american, p.today)
			if item == BirthDate && len(part.dates) > 1 {
				continue
			}
			if f, ok := p.value(item, part); ok {
				if _, has := found[item]; !has {
					f.How, f.Caption = ByCaption, v.score
					found[item] = f
				}
			}
		}
	}
	if !from || !until {
		return nil
	}
	return found
}

var licencePeriod = regexp.MustCompile(`(?i) ?4[bcd][.,:] ?`)

// splitLicence cuts a line before 4b, 4c and 4d.
func splitLicence(s string) []string {
	var out []string
	last := 0
	for _, m := range licencePeriod.FindAllStringIndex(s, 4) {
		if m[0] > last {
			out = append(out, s[last:m[0]])
			last = m[0]
		}
	}
	out = append(out, s[last:])
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}
