package journey_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
)

// contract reads one table of the contract's identifiers, without its heading.
func contract(t *testing.T, name string, heading ...string) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "contract", name))
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Equal(t, heading, rows[0])
	return rows[1:]
}

func TestTheCatalogueHoldsEveryEventOfTheContractInItsOrder(t *testing.T) {
	rows := contract(t, "events.csv", "event", "stage", "source", "impact", "pair")
	entries := journey.Catalogue()
	require.Len(t, rows, 115)
	require.Len(t, entries, len(rows))
	pairs := make(map[string]string)
	for i, row := range rows {
		e := entries[i]
		got := []string{string(e.Name), string(e.Stage), string(e.Source), string(e.Impact)}
		assert.Equal(t, row[:4], got)
		if row[4] != "" {
			pairs[row[0]], pairs[row[4]] = row[4], row[0]
		}
	}
	for _, e := range entries {
		assert.Equal(t, pairs[string(e.Name)], string(e.Pair), "pair of %s", e.Name)
	}
}

func TestEveryEntryOfTheCatalogueIsComplete(t *testing.T) {
	meanings := make(map[string]journey.EventName)
	for _, e := range append(journey.Catalogue(), journey.Additions()...) {
		assert.NotEmpty(t, e.Emitters, e.Name)
		assert.True(t, strings.HasSuffix(e.Meaning, "."), "%s: %q", e.Name, e.Meaning)
		assert.Empty(t, meanings[e.Meaning], "%s means the same", e.Name)
		meanings[e.Meaning] = e.Name
		assert.Contains(t, journey.Stages(), e.Stage, e.Name)
		found, ok := journey.Lookup(e.Name)
		assert.True(t, ok)
		assert.Equal(t, e, found)
		if e.Pair != "" {
			pair, ok := journey.Lookup(e.Pair)
			assert.True(t, ok)
			assert.Equal(t, e.Name, pair.Pair)
			assert.NotEqual(t, e.Source, pair.Source, "a pair is one FE and one BE event")
		}
	}
}

func TestTheStagesAreThoseOfTheContractInItsOrder(t *testing.T) {
	var order []journey.Stage
	for _, row := range contract(t, "events.csv", "event", "stage", "source", "impact", "pair") {
		if stage := journey.Stage(row[1]); len(order) == 0 || order[len(order)-1] != stage {
			order = append(order, stage)
		}
	}
	assert.Len(t, order, 13)
	assert.Equal(t, order, journey.Stages())
}

func TestAdditionsCarryAPrefixAndTheirOwnEmitter(t *testing.T) {
	for _, e := range journey.Additions() {
		name := string(e.Name)
		switch {
		case strings.HasPrefix(name, journey.KioskPrefix):
			assert.False(t, e.EmittedBy(journey.OriginServer), name)
		case strings.HasPrefix(name, journey.CentrePrefix):
			assert.True(t, e.ServerOnly(), name)
		default:
			t.Errorf("%s has no prefix of ours", name)
		}
	}
}

func TestOnlyTheCentreDecides(t *testing.T) {
	for _, name := range []journey.EventName{journey.EventApproved, journey.EventRejected, journey.EventPending, journey.EventAMLCheck, journey.EventSelfieDuplicateCheck} {
		e, ok := journey.Lookup(name)
		require.True(t, ok)
		assert.True(t, e.ServerOnly(), name)
	}
}

func TestTheReasonsAreThoseOfTheContractInItsOrder(t *testing.T) {
	short := map[journey.Stage]string{
		journey.StageStep1: "STEP1", journey.StageStep2: "STEP2",
		journey.StagePreStep2: "Pre-STEP2", journey.StageKnowledge: "Knowledge-Base",
	}
	rows := contract(t, "reasons.csv", "decision", "reason", "stage")
	reasons := journey.Reasons()
	require.Len(t, rows, 17+5)
	require.Len(t, reasons, len(rows))
	for i, row := range rows {
		var stages []string
		for _, s := range reasons[i].Stages {
			stages = append(stages, short[s])
		}
		assert.Equal(t, row, []string{string(reasons[i].Decision), string(reasons[i].Reason), strings.Join(stages, " / ")})
		assert.NotEmpty(t, reasons[i].Meaning)
	}
}

func TestAProposedCommentCodeIsACodeOfTheContract(t *testing.T) {
	proposed := 0
	for _, r := range journey.Reasons() {
		if r.CommentCode == "" {
			continue
		}
		proposed++
		key := journey.CodeKey{Step: journey.StepFinal, Kind: journey.Reject, Code: r.CommentCode}
		assert.NotEmpty(t, journey.LookupCode(key), r.Reason)
		assert.Equal(t, journey.Rejected, r.Decision, "a hold has no comment code")
	}
	assert.Equal(t, 8, proposed)
}

func TestPrecedenceKeepsTheContractsOrderOutsideTheDuplicates(t *testing.T) {
	order := journey.Precedence()
	require.Len(t, order, 17+5+1)
	var want []journey.Ground
	for _, r := range journey.Reasons() {
		want = append(want, r.Ground())
	}
	duplicates := []journey.Reason{
		journey.ReasonSupersededPassport, journey.ReasonDuplicateUser,
		journey.ReasonPIIDuplicate, journey.ReasonSelfieDuplicate,
	}
	for i, reason := range duplicates {
		want[5+i].Reason = reason
	}
	assert.Equal(t, append(want, journey.Ground{Decision: journey.Approved}), order)
}

func TestTheStrongestGroundDecides(t *testing.T) {
	ground := func(d journey.Decision, r journey.Reason) journey.Ground {
		return journey.Ground{Decision: d, Reason: r}
	}
	var (
		approve    = ground(journey.Approved, "")
		hold       = ground(journey.Pending, journey.ReasonCustomPolicy)
		country    = ground(journey.Pending, journey.ReasonCountryMismatch)
		retries    = ground(journey.Rejected, journey.ReasonRetryExhausted)
		face       = ground(journey.Rejected, journey.ReasonSelfieDuplicate)
		user       = ground(journey.Rejected, journey.ReasonDuplicateUser)
		superseded = ground(journey.Rejected, journey.ReasonSupersededPassport)
		strange    = ground(journey.Rejected, "NEW_REASON")
		nonsense   = ground("PERHAPS", "")
	)
	for name, c := range map[string]struct {
		asked []journey.Ground
		want  journey.Ground
	}{
		"nothing asked approves":                        {nil, approve},
		"a hold goes over an approval":                  {[]journey.Ground{approve, hold}, hold},
		"a rejection goes over a hold":                  {[]journey.Ground{hold, face}, face},
		"the contract's order ranks holds":              {[]journey.Ground{hold, country}, country},
		"retries come first among rejections":           {[]journey.Ground{superseded, retries, face}, retries},
		"a duplicate user goes over a duplicate face":   {[]journey.Ground{face, user}, user},
		"a superseded passport goes over both":          {[]journey.Ground{face, user, superseded}, superseded},
		"an unknown rejection still rejects":            {[]journey.Ground{hold, strange}, strange},
		"an unknown rejection yields to a known one":    {[]journey.Ground{strange, face}, face},
		"an unknown decision holds rather than approve": {[]journey.Ground{approve, nonsense}, nonsense},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, journey.Strongest(c.asked...))
			reversed := append([]journey.Ground{}, c.asked...)
			for i, j := 0, len(reversed)-1; i < j; i, j = i+1, j-1 {
				reversed[i], reversed[j] = reversed[j], reversed[i]
			}
			assert.Equal(t, c.want, journey.Strongest(reversed...), "whatever the order")
		})
	}
}

func TestTheCodesAreThoseOfTheContractInItsOrder(t *testing.T) {
	rows := contract(t, "codes.csv", "entry", "step", "kind", "code")
	codes := journey.Codes()
	require.Len(t, rows, 120)
	require.Len(t, codes, len(rows))
	entries := make(map[int]bool)
	for i, row := range rows {
		c := codes[i]
		assert.Equal(t, row, []string{strconv.Itoa(c.Entry), string(c.Key.Step), string(c.Key.Kind), c.Key.Code})
		entries[c.Entry] = true
	}
	assert.Len(t, entries, 110)
}

func TestEveryMessageOfAKeyCanBeToldApart(t *testing.T) {
	names := make(map[string]bool)
	for _, c := range journey.Codes() {
		assert.False(t, names[c.Name()], c.Name())
		names[c.Name()] = true
		assert.NotEmpty(t, c.Message, c.Name())
		assert.NotEmpty(t, c.Hint, c.Name())
		found, ok := journey.LookupVariant(c.Key, c.Variant)
		assert.True(t, ok)
		assert.Equal(t, c, found)
		assert.Equal(t, len(journey.LookupCode(c.Key)) > 1, c.Variant != "", c.Name())
	}
	_, ok := journey.LookupVariant(journey.CodeKey{Step: journey.Step1, Kind: journey.Retry, Code: "no_such"}, "")
	assert.False(t, ok)
}

func TestATextHasNoBracesLeft(t *testing.T) {
	for _, c := range journey.Codes() {
		assert.NotContains(t, c.Text(nil), "{", c.Name())
	}
	c, _ := journey.LookupVariant(journey.FinalRejectUnderAgeLimit, "")
	assert.Equal(t, "People under 18 are not accepted here.", c.Text(map[string]string{"age": "18"}))
	c, _ = journey.LookupVariant(journey.Step1RetryIDLivenessFail, "")
	assert.Equal(t, "The document did not prove to be a physical one.", c.Text(nil))
	assert.Equal(t, "The document did not prove to be a physical one (screen replay).", c.Text(map[string]string{"pipelines": "screen replay"}))
}

func TestTheFieldsAreThoseOfTheContractInItsOrder(t *testing.T) {
	got := [][]string{}
	for _, v := range []journey.AnswerVariant{journey.AnswerDocument, journey.AnswerKnowledge} {
		for _, f := range journey.Fields(v) {
			got = append(got, []string{string(v), f.Path, f.Type})
		}
	}
	assert.Equal(t, contract(t, "fields.csv", "variant", "field", "type"), got)
	assert.Len(t, journey.Fields(journey.AnswerDocument), 206)
	assert.Len(t, journey.Fields(journey.AnswerKnowledge), 123)
	assert.Empty(t, journey.Fields("other"))
}
