package journey_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
)

func TestNothingIsWrongWithTheDefaultPolicy(t *testing.T) {
	require.Empty(t, journey.DefaultPolicy().Check())
}

// TestEveryFigureOfAPolicyHasItsBound fails for a new figure without a range, and for a range without a figure.
func TestEveryFigureOfAPolicyHasItsBound(t *testing.T) {
	var figures []string
	var walk func(reflect.Type, string)
	walk = func(typ reflect.Type, pointer string) {
		switch typ.Kind() {
		case reflect.Int, reflect.Int64, reflect.Float64:
			figures = append(figures, pointer)
		case reflect.Pointer:
			walk(typ.Elem(), pointer)
		case reflect.Slice:
			walk(typ.Elem(), pointer+"/*")
		case reflect.Struct:
			if typ == reflect.TypeFor[time.Time]() {
				return
			}
			for i := range typ.NumField() {
				name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
				require.NotEmpty(t, name, "%s has no name in JSON", typ.Field(i).Name)
				walk(typ.Field(i).Type, pointer+"/"+name)
			}
		}
	}
	walk(reflect.TypeFor[journey.Policy](), "")
	var bounds []string
	for _, b := range journey.PolicyBounds() {
		bounds = append(bounds, b.Pointer)
	}
	slices.Sort(figures)
	slices.Sort(bounds)
	require.Equal(t, figures, bounds)
}

func TestAPolicyIsHeldAgainstItsBoundsAllAtOnce(t *testing.T) {
	age := 151.
	for name, c := range map[string]struct {
		change func(*journey.Policy)
		want   []string
	}{
		"an age nobody has":                 {func(p *journey.Policy) { p.MinAge = 131 }, []string{"/minAge: must be 0 to 130"}},
		"a threshold that everybody passes": {func(p *journey.Policy) { p.MinSimilarity = 0 }, []string{"/minSimilarity: must be more than 0, at most 100"}},
		"several things": {func(p *journey.Policy) { p.Version, p.MaxAttempts, p.ScreenLimit = "v 1", 0, time.Millisecond }, []string{
			"/version: must be 1 to 64 letters, digits or -_.:+/@", "/maxAttempts: must be 1 to 100", "/screenLimit: must be 1s to 1h0m0s",
		}},
		"an issuer in small letters": {func(p *journey.Policy) { p.AcceptedIssuers = []string{"UTO", "fra", "D"} }, []string{"/acceptedIssuers/1: must be a code of an issuing state as ICAO Doc 9303 writes it: one to three capitals"}},
		"accepted and blocked":       {func(p *journey.Policy) { p.AcceptedIssuers, p.BlockedIssuers = []string{"UTO"}, []string{"FRA", "UTO"} }, []string{"/blockedIssuers/1: is also accepted"}},
		"a kind of document":         {func(p *journey.Policy) { p.AcceptedTypes = []journey.DocumentType{"passport", "card"} }, []string{"/acceptedTypes/1: must be one of passport, government_id, drivers_license"}},
		"faces the wrong way round":  {func(p *journey.Policy) { p.Duplicates.FaceReview = .6 }, []string{"/duplicates/faceReview: must not be above faceCertain"}},
		"a challenge twice": {func(p *journey.Policy) {
			p.Liveness.Allowed = []journey.Challenge{journey.Blink, journey.Blink, "jump"}
		}, []string{
			"/liveness/allowed/1: stands there twice", "/liveness/allowed/2: must be one of turn-left, turn-right, look-up, blink",
		}},
		"movements of which none is allowed": {func(p *journey.Policy) { p.Liveness.Allowed = nil }, []string{"/liveness/active: needs challenges, and movements that are allowed"}},
		"tilting what is not looked at":      {func(p *journey.Policy) { p.Document = journey.DocumentPolicy{Tilt: true} }, []string{"/document/tilt: needs document.genuineness"}},
		"conditions on the face, by the place": {func(p *journey.Policy) {
			p.FaceAge.Conditions = []journey.AgeCondition{{Target: "low", Operator: "=", Selfie: true, Custom: &age}}
		}, []string{"/faceAge/conditions/0/operator: must be one of gte, gt, lte, lt", "/faceAge/conditions/0/custom: must be 0 to 150"}},
		"conditions on the face, as a whole": {func(p *journey.Policy) { p.FaceAge.Operators = []string{"and"} }, []string{"/faceAge: 1 operators for 0 conditions"}},
		"rules": {func(p *journey.Policy) {
			p.Rules = []journey.Rule{
				{Name: "a", When: "true", Then: journey.RuleHold},
				{Name: "a", When: " ", Then: "approve", Comment: "x\n"},
				{Name: "A b", When: "true", Then: journey.RuleReject},
			}
		}, []string{
			"/rules/1/name: is another rule's too", "/rules/1/when: must be a condition of 1 to 2000 bytes", "/rules/1/then: must be one of hold, reject",
			"/rules/1/comment: must be at most 200 printable bytes", "/rules/2/name: must be 1 to 40 small letters, digits or -",
		}},
		"more rules than a decision can name": {func(p *journey.Policy) {
			for i := range 33 {
				p.Rules = append(p.Rules, journey.Rule{Name: strings.Repeat("a", i+1), When: "true", Then: journey.RuleHold})
			}
		}, []string{"/rules: has more than 32 entries"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := journey.DefaultPolicy()
			c.change(&p)
			var got []string
			for _, problem := range p.Check() {
				got = append(got, problem.Error())
			}
			require.Equal(t, c.want, got)
		})
	}
}
