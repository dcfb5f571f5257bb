package policy_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	checker "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/policy"
)

func problems(text string) []string {
	var out []string
	_, found := policy.Read([]byte(text))
	for _, p := range found {
		out = append(out, p.Error())
	}
	return out
}

func TestAPolicyFileTellsEverythingThatIsWrongAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing given":          {`{}`, nil},
		"an empty file":          {``, []string{": line 1, column 1: not JSON: the file ends too early"}},
		"half a file":            {"{\n \"minAge\": 18,\n", []string{": line 2, column 15: not JSON: the file ends too early"}},
		"no JSON":                {"{\n  minAge: 18}", []string{": line 2, column 3: not JSON: invalid character 'm'"}},
		"something behind":       {`{} {}`, []string{": line 1, column 5: not JSON: something follows the policy"}},
		"a list":                 {`[]`, []string{": must be an object in braces"}},
		"a slip of the pen":      {`{"minage": 18}`, []string{"/minage: is not known; did you mean minAge?"}},
		"a slip further in":      {`{"duplicates":{"faceCertian":0.5}}`, []string{"/duplicates/faceCertian: is not known; did you mean faceCertain?"}},
		"nothing like it":        {`{"colour": "blue"}`, []string{"/colour: is not known"}},
		"a key with a slash":     {`{"a/b~c\n": 1}`, []string{"/a~1b~0c?: is not known"}},
		"twice":                  {`{"minAge": 18, "minAge": 21}`, []string{"/minAge: stands there twice"}},
		"a figure as a text":     {`{"minAge": "18", "maxAttempts": 2.5, "aml": {"screen": 1, "flag": "85"}}`, []string{"/minAge: must be a whole number", "/maxAttempts: must be a whole number", "/aml/screen: must be true or false", "/aml/flag: must be a number"}},
		"nothing where a value":  {`{"recheck": null}`, []string{"/recheck: must be true or false"}},
		"a text as a list":       {`{"acceptedIssuers": "UTO"}`, []string{"/acceptedIssuers: must be a list"}},
		"a list of other things": {`{"acceptedIssuers": ["UTO", 7]}`, []string{"/acceptedIssuers/1: must be a text in quotes"}},
		"a time span":            {`{"silenceLimit": "20 minutes", "screenLimit": "90s", "resultShown": true}`, []string{`/silenceLimit: must be a time span such as "90s", "20m" or "720h"`, `/resultShown: must be a time span such as "90s", "20m" or "720h"`}},
		"no list":                {`{"acceptedIssuers": null}`, nil},
		"a moment":               {`{"issued": "today"}`, []string{`/issued: must be a time such as "2026-11-25T08:00:00Z"`}},
		"a range, and a slip":    {`{"minAge": 200, "recheckk": true, "duplicates": {"faceReview": 0.9}}`, []string{"/recheckk: is not known; did you mean recheck?", "/minAge: must be 0 to 130", "/duplicates/faceReview: must not be above faceCertain"}},
		"a rule that is none":    {`{"rules": [7, {"name": "a", "when": true, "then": "hold"}]}`, []string{"/rules/0: must be an object in braces", "/rules/1/when: must be a text in quotes"}},
		"a condition's age":      {`{"faceAge": {"conditions": [{"target": "low", "operator": "gte", "selfie": true, "custom": 160, "birthDate": false}]}}`, []string{"/faceAge/conditions/0/custom: must be 0 to 150"}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, problems(c.text)) })
	}
}

func TestAFileThatNestsOrGrowsWithoutEndIsRefused(t *testing.T) {
	got := problems(strings.Repeat("[", 100_000))
	require.Len(t, got, 1)
	require.Contains(t, got[0], "nested more than 16 deep")
	got = problems(strings.Repeat(" ", policy.MaxFile+1))
	require.Equal(t, []string{": the file is longer than 1048576 bytes"}, got)
}

func TestWhatAFileLeavesOutIsTheDefault(t *testing.T) {
	p, found := policy.Read([]byte(`{"version": "7", "minAge": 21, "silenceLimit": "5m", "screenLimit": 30000000000, "liveness": {"active": false}, "issued": "2026-11-25T08:00:00Z"}`))
	require.Empty(t, found)
	want := journey.DefaultPolicy()
	want.Version, want.MinAge, want.SilenceLimit, want.ScreenLimit, want.Liveness.Active = "7", 21, 5*time.Minute, 30*time.Second, false
	want.Issued = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	require.Equal(t, want, p)

	// What is shown can be given again.
	p.Rules = []journey.Rule{{Name: "a", When: "person.age < 21 && document.type == 'passport'", Then: journey.RuleHold}}
	p.BlockedIssuers = nil
	body, err := policy.Write(p)
	require.NoError(t, err)
	require.Contains(t, string(body), `"silenceLimit": "5m0s",`)
	require.Contains(t, string(body), `person.age < 21 && `)
	again, found := policy.Read(body)
	require.Empty(t, found)
	require.Empty(t, policy.Diff(p, again))
}

func compile(t *testing.T) *checker.Schema {
	text, err := policy.Schema()
	require.NoError(t, err)
	doc, err := checker.UnmarshalJSON(strings.NewReader(string(text)))
	require.NoError(t, err)
	require.Equal(t, "https://json-schema.org/draft/2020-12/schema", doc.(map[string]any)["$schema"])
	c := checker.NewCompiler()
	require.NoError(t, c.AddResource("policy.json", doc))
	s, err := c.Compile("policy.json") // holds it against the meta-schema, too
	require.NoError(t, err)
	return s
}

func TestTheSchemaTakesTheDefaultPolicyAndWhatTheCommandTakes(t *testing.T) {
	s := compile(t)
	valid := func(text string) error {
		v, err := checker.UnmarshalJSON(strings.NewReader(text))
		require.NoError(t, err)
		return s.Validate(v)
	}
	body, err := json.Marshal(journey.DefaultPolicy())
	require.NoError(t, err)
	require.NoError(t, valid(string(body)))

	for _, text := range []string{
		`{}`, `{"silenceLimit": "20m"}`, `{"silenceLimit": 1200000000000}`, `{"minAge": 18}`,
		`{"rules": [{"name": "a", "when": "true", "then": "hold"}]}`,
		`{"faceAge": {"conditions": [{"target": "low", "operator": "gte", "selfie": true, "custom": 18}]}}`,
		`{"faceAge": {"conditions": [{"target": "low", "operator": "gte", "selfie": true, "custom": null, "birthDate": true}]}}`,
	} {
		require.NoError(t, valid(text), text)
		require.Empty(t, problems(text), text)
	}
	// Neither takes what the other refuses, where a schema can tell.
	for _, text := range []string{
		`{"minage": 18}`, `{"minAge": 131}`, `{"minAge": "18"}`, `{"minSimilarity": 0}`, `{"duplicates": {"faceCertain": 1.1}}`,
		`{"silenceLimit": "soon"}`, `{"silenceLimit": -1}`, `{"acceptedIssuers": ["uto"]}`, `{"acceptedTypes": ["card"]}`, `{"liveness": {"allowed": ["jump"]}}`,
		`{"rules": [{"name": "A", "when": "true", "then": "hold"}]}`, `{"rules": [{"name": "a", "when": "true", "then": "approve"}]}`,
		`{"rules": [{"name": "a", "then": "hold"}]}`, `{"version": ""}`, `{"recheck": null}`,
	} {
		require.Error(t, valid(text), text)
		require.NotEmpty(t, problems(text), text)
	}
}

func TestTheSchemaSaysWhatTheCommentsSay(t *testing.T) {
	text, err := policy.Schema()
	require.NoError(t, err)
	var s struct {
		Properties map[string]struct {
			Description string
			Default     any
			Minimum     json.Number
			Maximum     json.Number
		}
	}
	require.NoError(t, json.Unmarshal(text, &s))
	require.Equal(t, "years; 0: no limit", s.Properties["minAge"].Description)
	require.EqualValues(t, "130", s.Properties["minAge"].Maximum)
	require.EqualValues(t, "0", s.Properties["minAge"].Minimum)
	require.EqualValues(t, 3, s.Properties["maxAttempts"].Default)
	require.Equal(t, "20m0s", s.Properties["silenceLimit"].Default)
	require.Contains(t, s.Properties["silenceLimit"].Description, "DROPPED (0s to 24h0m0s)")
}

func TestADifferenceNamesWhatChanges(t *testing.T) {
	from, to := journey.DefaultPolicy(), journey.DefaultPolicy()
	require.Empty(t, policy.Diff(from, to))
	from.AcceptedIssuers = []string{"UTO", "FRA"}
	from.Rules = []journey.Rule{{Name: "old", When: "a < 1", Then: journey.RuleHold}, {Name: "same", When: "true", Then: journey.RuleHold}}
	to.Version, to.MinAge, to.SilenceLimit, to.Liveness.Active = "2", 18, 5*time.Minute, false
	to.AcceptedIssuers = []string{"UTO", "DEU"}
	to.Liveness.Allowed = []journey.Challenge{journey.TurnRight, journey.TurnLeft, journey.LookUp, journey.Blink}
	to.Rules = []journey.Rule{{Name: "same", When: "true", Then: journey.RuleReject}, {Name: "new", When: "a > 1", Then: journey.RuleHold}}
	var got []string
	for _, c := range policy.Diff(from, to) {
		got = append(got, c.String())
	}
	require.Equal(t, []string{
		`~ /version  "1" → "2"`,
		`- /acceptedIssuers  "FRA"`,
		`+ /acceptedIssuers  "DEU"`,
		`~ /minAge  0 → 18`,
		`~ /liveness/active  true → false`,
		`~ /liveness/allowed  ["turn-left","turn-right","look-up","blink"] → ["turn-right","turn-left","look-up","blink"]`,
		`- /rules/old  {"name":"old","when":"a < 1","then":"hold"}`,
		`~ /rules/same/then  "hold" → "reject"`,
		`+ /rules/new  {"name":"new","when":"a > 1","then":"hold"}`,
		`~ /silenceLimit  20m0s → 5m0s`,
	}, got)
}

func FuzzRead(f *testing.F) {
	body, err := json.Marshal(journey.DefaultPolicy())
	require.NoError(f, err)
	for _, seed := range []string{
		string(body), `{}`, `{"minage":1,"minAge":1e400}`, `{"rules":[{"name":"a","when":"person.age < 21","then":"hold"}]}`, `[[[[`, `{"a":{"b":[1,null,true,"x"]}}`,
		`{"faceAge":{"conditions":[{"custom":1}],"operators":["and"]}}`, `{"silenceLimit":"1h","issued":"2026-01-01T00:00:00Z"}`, "{\"\xff\":1}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, found := policy.Read(text)
		if len(found) > 0 {
			for _, one := range found {
				require.NotEmpty(t, one.Message)
				require.True(t, one.Pointer == "" || strings.HasPrefix(one.Pointer, "/"), one.Pointer)
			}
			return
		}
		// What is accepted holds, and says the same when it is written and read again.
		require.Empty(t, p.Check())
		body, err := policy.Write(p)
		require.NoError(t, err)
		again, found := policy.Read(body)
		require.Empty(t, found, string(body))
		second, err := policy.Write(again)
		require.NoError(t, err)
		require.Equal(t, string(body), string(second))
		require.Empty(t, policy.Diff(p, again))
	})
}
