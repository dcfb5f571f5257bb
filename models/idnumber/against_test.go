package idnumber_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/models/idnumber"
)

func TestANumberIsHeldAgainstItsDocument(t *testing.T) {
	for name, c := range map[string]struct {
		kind       idnumber.Kind
		text       string
		birth, sex string
		wrong      string
		otherSex   bool
		unweighed  bool
	}{
		"all fits":                                    {idnumber.BGR, "7523169263", "1875-03-16", "male", "", false, false},
		"another day":                                 {idnumber.BGR, "7523169263", "1875-03-17", "male", idnumber.WrongBirth, false, false},
		"another sex":                                 {idnumber.BGR, "7523169263", "1875-03-16", "female", "", true, false},
		"a century that the reader guessed":           {idnumber.BGR, "7523169263", "1975-03-16", "male", "", false, false},
		"a day that the document does not know":       {idnumber.BGR, "7523169263", "1875-03-00", "male", "", false, false},
		"no date at all":                              {idnumber.BGR, "7523169263", "", "", "", false, false},
		"a wrong digit goes before a different birth": {idnumber.MEX, "BOXW310820HNERXN08", "1974-08-12", "male", idnumber.WrongCheck, false, false},
		"a date that is none is another text":         {idnumber.BGR, "7513169263", "1975-03-16", "male", "", false, true},
		"a number that says nothing of its holder":    {idnumber.ESP, "99999999R", "1980-01-01", "female", "", false, false},
		"its letter is wrong":                         {idnumber.ESP, "54362315Z", "1980-01-01", "female", idnumber.WrongCheck, false, false},
		"a Korean number of the time without a digit": {idnumber.KOR, "971013-9019903", "1897-10-13", "male", "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := idnumber.Read(c.kind, c.text, today)
			require.NoError(t, err)
			wrong, otherSex, ok := n.Against(c.birth, c.sex)
			assert.Equal(t, !c.unweighed, ok)
			assert.Equal(t, c.wrong, wrong)
			assert.Equal(t, c.otherSex, otherSex)
		})
	}
}
