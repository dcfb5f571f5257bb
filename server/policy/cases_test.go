package policy_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/decide"
	"vestibule/server/policy"
	"vestibule/server/rule"
)

func TestTheSoundVisitIsApprovedUnderTheDefaultPolicy(t *testing.T) {
	e, l := policy.Sound()
	p := journey.DefaultPolicy()
	p.Liveness.Flash = true
	require.Equal(t, journey.Approved, decide.Decide(e, p, l).Decision)
}

func TestAFileOfCasesSaysWhereItIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		``:   "not a list of cases",
		`{}`: "not a list of cases",
		`[]`: "holds 0 cases",
		`[{"name": "a", "expect": {"decision": "APPROVED"}}, {"nam": "b"}]`:                             "/1: json: unknown field \"nam\"",
		`[{"expect": {"decision": "approved"}}]`:                                                        "/0/expect/decision: must be one of",
		`[{"expect": {"decision": "APPROVED"}, "submission": {"siteCuontry": "FRA"}}]`:                  "/0/submission: json: unknown field \"siteCuontry\"",
		`[{"expect": {"decision": "APPROVED"}, "lookups": {"rules": [{"Rule": "a", "Holds": false}]}}]`: "/0/lookups: what rules come to is found out",
		`[{"expect": {"decision": "APPROVED"}, "failed": ["MRZ_VALIDATION", "MRZ"]}]`:                   "/0/failed/1: no event is called so",
		`[{"expect": {"decision": "APPROVED"}, "recheck": 7}]`:                                          "/0/recheck: json: cannot unmarshal number",
	} {
		_, err := policy.Cases([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzCases(f *testing.F) {
	for _, seed := range []string{
		`[{"name": "a", "now": "2031-01-01T00:00:00Z", "submission": {"siteCountry": "FRA", "document": {"person": {"birth": "2007-01-01"}}}, "expect": {"decision": "PENDING", "rules": ["young"]}}]`,
		`[{"recheck": null, "lookups": {"faces": [{"Score": 0.9}], "samePII": [{"Decision": "APPROVED"}], "screening": null}, "failed": ["MRZ_VALIDATION"], "expect": {"decision": "REJECTED"}}]`,
		`[{"submission": {"state": "exhausted", "review": {"nationality": "x"}, "faceAges": [{}], "liveness": {"signals": null}}, "recheck": {"Document": null}, "expect": {"decision": "APPROVED"}}]`,
		`[[[`, `[null]`, `[{"lookups": null, "submission": null, "expect": {"decision": "APPROVED"}}]`,
	} {
		f.Add([]byte(seed))
	}
	engine := rule.New()
	p := journey.DefaultPolicy()
	p.MinAge, p.CountryMatch, p.Liveness.Flash = 18, true, true
	p.Rules = []journey.Rule{
		{Name: "young", When: `person.age < 21 && site.country != document.issuer`, Then: journey.RuleHold},
		{Name: "warned", When: `warnings[0] == "MRZ_VALIDATION" || aml.score / double(aml.matches) > 50`, Then: journey.RuleReject},
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		cases, err := policy.Cases(text)
		if err != nil {
			return
		}
		for _, c := range cases[:min(len(cases), 20)] {
			ran, err := policy.Try(context.Background(), engine, p, c)
			require.NoError(t, err)
			require.NotEmpty(t, ran.Answer.Decision)
			// A rule that could not be judged lets nobody through.
			if len(ran.Fired) > 0 {
				require.NotEqual(t, journey.Approved, ran.Answer.Decision)
			}
		}
	})
}
