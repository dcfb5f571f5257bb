package idnumber_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/models/idnumber"
)

var today = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

func TestNumbersThatFit(t *testing.T) {
	for name, c := range map[string]struct {
		kind       idnumber.Kind
		text       string
		value      string
		birth, sex string
	}{
		"Belgium":                             {idnumber.BEL, "85.07.30-033 28", "85073003328", "1985-07-30", "male"},
		"Belgium, born in this century":       {idnumber.BEL, "17 07 30 033 84", "17073003384", "2017-07-30", "male"},
		"Bulgaria":                            {idnumber.BGR, "752316 926 3", "7523169263", "1875-03-16", "male"},
		"Bulgaria, born in the last century":  {idnumber.BGR, "8032056031", "8032056031", "1880-12-05", "female"},
		"Brazil":                              {idnumber.BRA, "390.533.447-05", "39053344705", "", ""},
		"Chile":                               {idnumber.CHL, "76086428-5", "760864285", "", ""},
		"Chile, with dots":                    {idnumber.CHL, "12.531.909-2", "125319092", "", ""},
		"China, the standard's example":       {idnumber.CHN, "11010519491231002X", "11010519491231002X", "1949-12-31", "female"},
		"China, the standard's other example": {idnumber.CHN, "440524188001010014", "440524188001010014", "1880-01-01", "male"},
		"Czech Republic":                      {idnumber.CZE, "710319/2745", "7103192745", "1971-03-19", "male"},
		"Czech Republic, nine digits":         {idnumber.CZE, "991231123", "991231123", "1899-12-31", "male"},
		"Slovakia, a woman":                   {idnumber.SVK, "575213/0000", "5752130000", "1957-02-13", "female"},
		"Spain":                               {idnumber.ESP, "54362315-K", "54362315K", "", ""},
		"Spain, the specimen's":               {idnumber.ESP, "99999999R", "99999999R", "", ""},
		"Spain, in optional data":             {idnumber.ESP, "99999999R<<<<<<", "99999999R", "", ""},
		"Spain, a foreigner":                  {idnumber.ESX, "x-2482300w", "X2482300W", "", ""},
		"Estonia":                             {idnumber.EST, "36805280109", "36805280109", "1968-05-28", "male"},
		"Finland":                             {idnumber.FIN, "131052-308T", "131052-308T", "1952-10-13", "female"},
		"Italy":                               {idnumber.ITA, "RCCMNL83S18D969H", "RCCMNL83S18D969H", "1983-11-18", "male"},
		"Italy, the usual example":            {idnumber.ITA, "RSSMRA85T10A562S", "RSSMRA85T10A562S", "1985-12-10", "male"},
		"Italy, a woman":                      {idnumber.ITA, "RSSMRA85T50A562W", "RSSMRA85T50A562W", "1985-12-10", "female"},
		"Italy, a digit replaced by a letter": {idnumber.ITA, "RSSMRA85T10A56NH", "RSSMRA85T10A56NH", "1985-12-10", "male"},
		"Korea, born in the century before":   {idnumber.KOR, "971013-9019902", "9710139019902", "1897-10-13", "male"},
		"Lithuania":                           {idnumber.LTU, "33309240064", "33309240064", "1933-09-24", "male"},
		"Mexico":                              {idnumber.MEX, "BOXW310820HNERXN09", "BOXW310820HNERXN09", "1931-08-20", "male"},
		"Mexico, a woman":                     {idnumber.MEX, "HEGG560427MVZRRL04", "HEGG560427MVZRRL04", "1956-04-27", "female"},
		"Netherlands":                         {idnumber.NLD, "111222333", "111222333", "", ""},
		"Poland":                              {idnumber.POL, "44051401359", "44051401359", "1944-05-14", "male"},
		"Poland, born in this century":        {idnumber.POL, "02070803628", "02070803628", "1902-07-08", "female"},
		"Romania":                             {idnumber.ROU, "1630615123457", "1630615123457", "1963-06-15", "male"},
		"Sweden":                              {idnumber.SWE, "880320-0016", "198803200016", "1988-03-20", "male"},
		"Sweden, the tax office's example":    {idnumber.SWE, "811228-9874", "198112289874", "1981-12-28", "male"},
		"Sweden, a hundred years old":         {idnumber.SWE, "811228+9874", "188112289874", "1881-12-28", "male"},
		"Turkey":                              {idnumber.TUR, "17291716060", "17291716060", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := idnumber.Read(c.kind, c.text, today)
			require.NoError(t, err)
			assert.True(t, n.Valid(), "%+v", n)
			assert.Equal(t, c.birth, n.Birth)
			assert.Equal(t, c.sex, n.Sex)
			assert.Equal(t, c.value, n.Value)
		})
	}
}

func TestNumbersThatDoNotFit(t *testing.T) {
	for name, c := range map[string]struct {
		kind idnumber.Kind
		text string
	}{
		"Belgium":            {idnumber.BEL, "85073003329"},
		"Bulgaria":           {idnumber.BGR, "7523169264"},
		"Brazil":             {idnumber.BRA, "23100299900"},
		"Chile":              {idnumber.CHL, "12531909-3"},
		"China":              {idnumber.CHN, "110105194912310021"},
		"Czech Republic":     {idnumber.CZE, "7103192746"},
		"Spain":              {idnumber.ESP, "54362315Z"},
		"Spain, a foreigner": {idnumber.ESX, "X2482300A"},
		"Estonia":            {idnumber.EST, "36805280108"},
		"Finland":            {idnumber.FIN, "131052-308U"},
		"Italy":              {idnumber.ITA, "RCCMNL83S18D967H"},
		"Lithuania":          {idnumber.LTU, "33309240164"},
		"Mexico":             {idnumber.MEX, "BOXW310820HNERXN08"},
		"Netherlands":        {idnumber.NLD, "111222334"},
		"Poland":             {idnumber.POL, "44051401358"},
		"Romania":            {idnumber.ROU, "1630615123458"},
		"Sweden":             {idnumber.SWE, "880320-0018"},
		"Turkey":             {idnumber.TUR, "17291716050"},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := idnumber.Read(c.kind, c.text, today)
			require.NoError(t, err)
			assert.Equal(t, idnumber.CheckWrong, n.Check)
			assert.False(t, n.Valid())
		})
	}
	for name, c := range map[string]struct {
		kind    idnumber.Kind
		text    string
		problem string
	}{
		"a day that is none":          {idnumber.POL, "44053201359", idnumber.ProblemDate},
		"a month that is none":        {idnumber.BGR, "7513169263", idnumber.ProblemDate},
		"29 February of no leap year": {idnumber.EST, "36902290109", idnumber.ProblemDate},
		"not born yet":                {idnumber.FIN, "131052A308T", idnumber.ProblemFuture},
		"a place of no list":          {idnumber.MEX, "BOXW310820HXXRXN09", idnumber.ProblemCode},
		"eleven equal digits":         {idnumber.BRA, "11111111111", idnumber.ProblemCode},
		"nothing but zeros":           {idnumber.NLD, "000000000", idnumber.ProblemCode},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := idnumber.Read(c.kind, c.text, today)
			require.NoError(t, err)
			assert.Equal(t, c.problem, n.Problem)
			assert.False(t, n.Valid())
		})
	}
}

func TestAKoreanNumberWithoutACheckDigitIsNotWrong(t *testing.T) {
	n, err := idnumber.Read(idnumber.KOR, "971013-9019903", today)
	require.NoError(t, err)
	assert.Equal(t, idnumber.CheckNone, n.Check)
	assert.True(t, n.Valid())
	n, err = idnumber.Read(idnumber.KOR, "971313-9019902", today)
	require.NoError(t, err)
	assert.Equal(t, idnumber.ProblemDate, n.Problem)
}

func TestTextOfAnotherFormIsRefused(t *testing.T) {
	for _, k := range idnumber.Kinds() {
		for _, text := range []string{"", "-", "A", "12345678901234567890", "ÄÖÜÄÖÜÄÖÜ", "１２３４５６７８９０１", "ABCDEFGHIJKLMNOPQR"} {
			_, err := idnumber.Read(k, text, today)
			require.ErrorIs(t, err, idnumber.ErrForm, "%s %q", k, text)
		}
	}
	_, err := idnumber.Read("XYZ", "1", today)
	require.ErrorIs(t, err, idnumber.ErrForm)
	_, err = idnumber.Read(idnumber.TUR, "07291716092", today)
	require.ErrorIs(t, err, idnumber.ErrForm, "the first digit is never zero")
	require.NotContains(t, err.Error(), "07291716092", "a number is not for logs")
}

func TestNumbersAreFoundInOptionalData(t *testing.T) {
	n, ok := idnumber.Find("ESP", "X2482300W<<<<<<", today)
	require.True(t, ok)
	assert.Equal(t, idnumber.ESX, n.Kind)
	n, ok = idnumber.Find("TUR", "17291716050<<<", today)
	require.True(t, ok, "of the right form, though wrong")
	assert.False(t, n.Valid())
	_, ok = idnumber.Find("ESP", "ABC<<<<<<", today)
	assert.False(t, ok)
	for _, state := range []string{"", "UTO", "E", "-"} {
		_, ok = idnumber.Find(state, "54362315K", today)
		assert.False(t, ok, state)
	}
	assert.Equal(t, []idnumber.Kind{idnumber.ESP, idnumber.ESX}, idnumber.Of("ESP"))
}

func TestWhatTheNumberSaysOtherwise(t *testing.T) {
	n, err := idnumber.Read(idnumber.BGR, "7523169263", today)
	require.NoError(t, err)
	assert.Empty(t, n.Differs("1875-03-16", "male"))
	assert.Equal(t, []string{"birth", "sex"}, n.Differs("1875-03-17", "female"))
	assert.Empty(t, n.Differs("1875-00-00", "x"), "what is not known does not differ")
	assert.Equal(t, []string{"birth"}, n.Differs("1876-00-00", ""))
	assert.Empty(t, n.Differs("", ""))
	dni, err := idnumber.Read(idnumber.ESP, "99999999R", today)
	require.NoError(t, err)
	assert.Empty(t, dni.Differs("1980-01-01", "female"), "it says nothing of either")
}

func FuzzRead(f *testing.F) {
	f.Add("ESP", "99999999R<<<<<<")
	f.Add("MEX", "BOXW310820HNERXN09")
	f.Add("FIN", "131052-308T")
	f.Add("SWE", "811228+9874")
	f.Add("ITA", "RSSMRA85T10A56NH")
	f.Add("LTU", "90000000000")
	f.Add("BEL", "00000100128")
	f.Fuzz(func(t *testing.T, state, text string) {
		for _, k := range idnumber.Kinds() {
			n, err := idnumber.Read(k, text, today)
			if err != nil {
				continue
			}
			if n.Birth != "" {
				require.Len(t, n.Birth, 10)
			}
			again, err := idnumber.Read(k, n.Value, today)
			require.NoError(t, err, "what is stored is read again")
			require.Equal(t, n, again)
			require.Empty(t, n.Differs(n.Birth, n.Sex))
			wrong, otherSex, ok := n.Against(n.Birth, n.Sex)
			require.False(t, otherSex)
			require.NotEqual(t, idnumber.WrongBirth, wrong)
			require.Equal(t, n.Problem != idnumber.ProblemDate, ok)
			n.Against(text, state)
		}
		idnumber.Find(state, text, today)
	})
}
