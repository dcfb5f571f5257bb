package rule_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/decide"
	"vestibule/server/kiosktest"
	"vestibule/server/rule"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// view is Anna's, with a little of everything.
func view() rule.View {
	s := kiosktest.Anna("hall-1", "s", now)
	s.FaceAges = []journey.FaceAge{{Selfie: &journey.AgeRange{Low: 40, Median: 48, High: 55}}}
	s.IDLiveness = &journey.IDLiveness{ScreenReplay: 90, PaperPrinted: 80, ReplacePortrait: 70}
	s.Email = "anna@example.org"
	return rule.Of(decide.Evidence{
		Submission: s,
		Kiosk: map[journey.EventName]journey.Event{
			journey.EventFaceCompare:   {ID: "k1", Result: journey.Pass},
			journey.EventMRZValidation: {ID: "k2", Result: journey.Fail},
		},
		Recheck: &decide.Recheck{Opened: true, Document: &decide.DocumentSaid{Differs: []string{"number"}}, Similarity: &decide.Said{Centre: 91}, Live: &decide.Said{Centre: 70}},
	}, journey.DefaultPolicy(), decide.Lookups{
		Now: now, PIIEvaluated: true,
		SamePII:   []decide.Known{{Decision: journey.Approved}, {Decision: journey.Rejected}},
		Faces:     []decide.FaceHit{{Applicant: "a", Score: .5}, {Applicant: "a", Score: .6}, {Applicant: "me", Score: .7, Own: true}, {Applicant: "b", Score: .4}},
		Screening: &decide.Screening{Matches: []decide.Match{{Score: 88}, {Score: 60}}},
	})
}

func TestAConditionAsksOfWhatIsKnown(t *testing.T) {
	e := rule.New()
	for when, want := range map[string]bool{
		`document.type == "passport" && document.issuer == "UTO"`:               true,
		`document.issuer in ["FRA", "D"]`:                                       false,
		`document.dated && document.expires_in < 30`:                            false,
		`document.expires_in > 365 * 4`:                                         true,
		`person.known && person.age == 52 && person.age_most == 52`:             true,
		`person.age < 60 && person.gender == "female"`:                          true,
		`person.looks && person.looks_high > 50`:                                true,
		`person.nationality != document.issuer`:                                 false,
		`site.country == "UTO" && site.kiosk.startsWith("hall-")`:               true,
		`site.kiosk.matches("^hall-[0-9]+$")`:                                   true,
		`scores.similarity < 97`:                                                true,
		`scores.similarity < 97.5 && scores.recognition >= 93`:                  true,
		`scores.document_judged && scores.replaced_portrait <= 70`:              true,
		`centre.reread && "number" in centre.differs`:                           true,
		`centre.similarity < scores.similarity - 4.0`:                           true,
		`"MRZ_VALIDATION" in warnings`:                                          true,
		`warnings.exists(w, w.startsWith("FACE"))`:                              false,
		`size(warnings) == 1`:                                                   true,
		`duplicates.person == 1 && duplicates.faces == 1`:                       true,
		`duplicates.best_face > 0.69`:                                           true,
		`aml.screened && aml.score >= 88 && aml.flags == 1 && aml.matches == 2`: true,
		`visit.email && !visit.phone && visit.language == "en"`:                 true,
		`visit.decided.getHours() == 9`:                                         true,
		`visit.decided - visit.started < duration("1m")`:                        true,
		`visit.decided.getDayOfWeek() == 0`:                                     true,
	} {
		s, problems := e.Compile([]journey.Rule{{Name: "r", When: when}})
		require.Empty(t, problems, when)
		got := s.Judge(context.Background(), view())
		require.Equal(t, []decide.Ruled{{Rule: "r", Holds: want}}, got, when)
	}
}

func TestAConditionIsReadBeforeItIsInForce(t *testing.T) {
	e := rule.New()
	for when, want := range map[string]string{
		`document.isuer == "UTO"`:              "line 1, column 9: undefined field 'isuer'",
		`dokument.issuer == "UTO"`:             "line 1, column 1: undeclared reference to 'dokument'",
		`document.issuer`:                      "gives string, and must give true or false",
		`document.issuer == 7`:                 "line 1, column 17: found no matching overload for '_==_'",
		"person.age <\n":                       "line 2, column 1: Syntax error",
		`person.name == "ANNA"`:                "undefined field 'name'",
		`site.kiosk.matches("[")`:              "invalid matches argument",
		`dyn(person.age)`:                      "gives dyn, and must give true or false",
		`[1, 2`:                                "Syntax error",
		strings.Repeat("(", 200) + "true":      "recursion limit",
		"true || " + strings.Repeat("x", 2000): "longer than 2000 bytes",
	} {
		_, problems := e.Compile([]journey.Rule{{Name: "fine", When: "true"}, {Name: "r", When: when}})
		require.Len(t, problems, 1, when)
		require.Equal(t, 1, problems[0].Place)
		require.ErrorContains(t, problems[0].Err, want, when)
	}
}

func TestARuleThatCannotBeJudgedSaysWhy(t *testing.T) {
	e := rule.New()
	long := view()
	for range 300 {
		long.Warnings = append(long.Warnings, "SOME_CHECK")
	}
	for when, want := range map[string]string{
		`1 / (person.age - 52) > 0`: rule.ProblemRun,
		`warnings[1000] == "x"`:     rule.ProblemRun,
		`warnings.all(a, warnings.all(b, warnings.all(c, size(a) + size(b) + size(c) > 0)))`: rule.ProblemCost,
		`dokument.issuer == "UTO"`: rule.ProblemText,
	} {
		s, _ := e.Compile([]journey.Rule{{Name: "r", When: when}, {Name: "next", When: "person.age > 50"}})
		got := s.Judge(context.Background(), long)
		require.Equal(t, decide.Ruled{Rule: "r", Problem: want}, got[0], when)
		require.Equal(t, decide.Ruled{Rule: "next", Holds: true}, got[1], "another rule's trouble is its own")
	}
	// A clock that has run out stops a loop that the costs would still allow.
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	s, problems := e.Compile([]journey.Rule{{Name: "r", When: `warnings.all(a, warnings.exists(b, a == b))`}})
	require.Empty(t, problems)
	require.Equal(t, []decide.Ruled{{Rule: "r", Problem: rule.ProblemTime}}, s.Judge(ended, long))
}

func TestAgeAndExpiryAreNotMadeUpWhereNothingIsKnown(t *testing.T) {
	s := kiosktest.Anna("k", "s", now)
	s.Document.Person.Birth, s.Document.ExpiryDate = "1974-00-00", ""
	v := rule.Of(decide.Evidence{Submission: s}, journey.DefaultPolicy(), decide.Lookups{Now: now})
	require.Equal(t, 51, v.Person.Age)
	require.Equal(t, 52, v.Person.AgeMost)
	require.False(t, v.Document.Dated)
	require.False(t, v.AML.Screened)
	require.False(t, v.Centre.Reread)
	s.Document.Person.Birth = "1999-02-30"
	v = rule.Of(decide.Evidence{Submission: s}, journey.DefaultPolicy(), decide.Lookups{Now: now})
	require.False(t, v.Person.Known)
	require.Equal(t, -1, v.Person.Age)
}

func TestEveryFieldIsDescribed(t *testing.T) {
	e := rule.New()
	fields := rule.Fields()
	require.Greater(t, len(fields), 40)
	for _, f := range fields {
		require.NotEmpty(t, f.Does, f.Name)
		_, problems := e.Compile([]journey.Rule{{Name: "r", When: "type(" + f.Name + ") == " + map[string]string{
			"string": "string", "bool": "bool", "int": "int", "double": "double", "timestamp": "google.protobuf.Timestamp", "list(string)": "list",
		}[f.Type]}})
		require.Empty(t, problems, f.Name)
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`person.age < 21`, `warnings.all(a, warnings.all(b, a == b))`, `1/0 > 0`, `"a".matches("(a*)*b")`, `duration("1h") < visit.decided - visit.started`,
		`{"a": [1, 2.0, true, null]}.a[0] == 1`, "true//", "((((", `has(person.age)`, `rule.Person{age: 7}.age == 7`, "\x00", `b"\xff" == b""`, `[1,2].map(x, x * 9223372036854775807) == []`,
		`timestamp("2026-01-01T00:00:00Z").getHours("no/where") == 1`,
		strings.Repeat("(", 39) + "1" + strings.Repeat(")", 39), strings.Repeat("-", 1999), strings.Repeat("a||", 600) + "a", strings.Repeat("a?", 600), strings.Repeat("[1].map(x,", 150),
	} {
		f.Add(seed)
	}
	e := rule.New()
	v := view()
	f.Fuzz(func(t *testing.T, when string) {
		s, problems := e.Compile([]journey.Rule{{Name: "r", When: when}})
		got := s.Judge(context.Background(), v)
		require.Len(t, got, 1)
		require.Equal(t, len(problems) > 0, got[0].Problem == rule.ProblemText)
		require.False(t, got[0].Holds && got[0].Problem != "")
		if got[0].Problem != rule.ProblemTime {
			require.Equal(t, got, s.Judge(context.Background(), v), "the same input gives the same answer")
		}
	})
}
