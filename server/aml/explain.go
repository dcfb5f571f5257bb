package aml

import (
	"fmt"
	"strings"
)

// Explain tells in a line which name matched, how each word of it did, and what else
// changed the score: for people who judge the match. It repeats words of the person's
// name.
func (m Match) Explain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%.1f with the %s name %q", m.Score, m.Kind, m.Name)
	for i, t := range m.Why {
		b.WriteString(map[bool]string{true: ": ", false: "; "}[i == 0])
		switch t.How {
		case Missing:
			fmt.Fprintf(&b, "%s is not in the listed name", t.Query)
		case Extra:
			fmt.Fprintf(&b, "%s is in the listed name only", t.Listed)
		default:
			fmt.Fprintf(&b, "%s and %s %s", t.Query, t.Listed, t.How.words())
			if t.How != Equal {
				fmt.Fprintf(&b, " (%.2f)", t.Alike)
			}
		}
		if t.Weight < commonWord {
			b.WriteString(", a common word")
		}
	}
	for _, f := range m.Facts {
		fmt.Fprintf(&b, "; %s %s (%+.0f)", f.What, f.How, f.Points)
	}
	return b.String()
}

// commonWord is the weight below which a word is said to be a common one.
const commonWord = leastStrong

// words says how two words correspond.
func (h How) words() string {
	switch h {
	case Equal:
		return "are equal"
	case Joined:
		return "are written joined and apart"
	case Sounding:
		return "sound alike"
	case Initial:
		return "share the initial"
	}
	return "differ in a few letters"
}
