package journey

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReference(t *testing.T) {
	for name, c := range map[string]struct{ id, want string }{
		"is made of the last five bytes":      {"0199a000-0000-7000-8000-00ffffffffff", "ZZZZ-ZZZZ"},
		"keeps leading zeros":                 {"0199a000-0000-7000-8000-000000000001", "0000-0001"},
		"uses no letter that looks like one":  {"0199a000-0000-7000-8000-000000000012", "0000-000J"},
		"is empty for something that is none": {"submission", ""},
		"is empty for what is not hex":        {"0199a000-0000-7000-8000-00000000zzzz", ""},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, Reference(c.id)) })
	}
}
