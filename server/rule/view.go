package rule

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/decide"
	"vestibule/server/duplicate"
)

// View is what a condition may ask of. The names in JSON are those in conditions.
type View struct {
	Document   Document   `json:"document"`
	Person     Person     `json:"person"`
	Site       Site       `json:"site"`
	Visit      Visit      `json:"visit"`
	Scores     Scores     `json:"scores"`
	Centre     Centre     `json:"centre"`
	Duplicates Duplicates `json:"duplicates"`
	AML        AML        `json:"aml"`
	Warnings   []string   `json:"warnings" does:"checks of the kiosk that failed, by the names of their events, in order of the alphabet"`
}

// Document is what was shown.
type Document struct {
	Type      string `json:"type" does:"passport, government_id or drivers_license"`
	Layout    string `json:"layout" does:"TD1, TD2, TD3, MRVA, MRVB, FRID or AAMVA"`
	Issuer    string `json:"issuer" does:"issuing state, as ICAO Doc 9303 codes it"`
	Dated     bool   `json:"dated" does:"it has a date of expiry"`
	ExpiresIn int    `json:"expires_in" does:"days until it expires, 0 on its last day; below 0 it has expired; 0 without a date"`
}

// Person is who showed it, without what would single anybody out.
type Person struct {
	Known       bool    `json:"known" does:"the date of birth is known well enough to tell an age"`
	Age         int     `json:"age" does:"whole years, the least it can be; -1 when not known"`
	AgeMost     int     `json:"age_most" does:"whole years, the most it can be; -1 when not known"`
	Gender      string  `json:"gender" does:"male, female, x or empty"`
	Nationality string  `json:"nationality" does:"as read or corrected, three letters or ICAO's own such as XXA"`
	Corrected   bool    `json:"corrected" does:"the person changed something that was read"`
	Looks       bool    `json:"looks" does:"how old the face looks was measured"`
	LooksLow    float64 `json:"looks_low" does:"years"`
	LooksMedian float64 `json:"looks_median" does:"years"`
	LooksHigh   float64 `json:"looks_high" does:"years"`
}

// Site is where the kiosk stands.
type Site struct {
	Country string `json:"country" does:"three letters"`
	Kiosk   string `json:"kiosk" does:"the kiosk's name"`
	Project string `json:"project" does:"its project"`
}

// Visit is how it went.
type Visit struct {
	Started  time.Time `json:"started" does:"when the person began, by the kiosk's clock"`
	Decided  time.Time `json:"decided" does:"when the centre decides"`
	Language string    `json:"language" does:"BCP 47, such as en"`
	Attempts int       `json:"attempts" does:"tries of both steps"`
	Retries  int       `json:"retries" does:"tries that had to be repeated"`
	Email    bool      `json:"email" does:"an address was given"`
	Phone    bool      `json:"phone" does:"a number was given"`
	User     bool      `json:"user" does:"a user's id was given"`
}

// Scores are the kiosk's, 0 to 100; better is higher.
type Scores struct {
	Recognition      float64 `json:"recognition" does:"how well the document was read"`
	Similarity       float64 `json:"similarity" does:"selfie and portrait"`
	Liveness         float64 `json:"liveness" does:"the least of what ran"`
	Passive          float64 `json:"passive" does:"passive liveness"`
	Active           float64 `json:"active" does:"movements asked for; 0 where none were"`
	Quality          float64 `json:"quality" does:"of the selfie's frames"`
	DocumentJudged   bool    `json:"document_judged" does:"whether it is the document itself was looked at"`
	ScreenReplay     float64 `json:"screen_replay" does:"it is no screen; 0 where not looked at"`
	PaperPrinted     float64 `json:"paper_printed" does:"it is no print; 0 where not looked at"`
	ReplacedPortrait float64 `json:"replaced_portrait" does:"the portrait was not exchanged; 0 where not looked at"`
}

// Centre is what the centre read in the sealed evidence.
type Centre struct {
	Reread     bool     `json:"reread" does:"the evidence was opened and read again"`
	Differs    []string `json:"differs" does:"fields that kiosk and centre read differently"`
	Similarity float64  `json:"similarity" does:"selfie and portrait, 0 to 100; 0 where not compared"`
	Liveness   float64  `json:"liveness" does:"of the one stored selfie, 0 to 100; 0 where not looked at"`
}

// Duplicates is who was here before.
type Duplicates struct {
	Evaluated bool    `json:"evaluated" does:"name, date of birth, gender and nationality are all known"`
	Person    int     `json:"person" does:"approved or held submissions with the same personal data"`
	Document  int     `json:"document" does:"approved or held submissions with the same document number"`
	Faces     int     `json:"faces" does:"other approved applicants whose face is certainly the same"`
	BestFace  float64 `json:"best_face" does:"the most similar approved face, cosine; 0 where none is near"`
	Approved  int     `json:"approved" does:"approved submissions of this very applicant"`
	Suspected int     `json:"suspected" does:"approved or held submissions of others whose data nearly agree, where duplicates.suspected asks for it"`
}

// AML is what the sanctions lists say.
type AML struct {
	Screened bool    `json:"screened" does:"the lists were searched"`
	Score    float64 `json:"score" does:"of the best match, 0 to 100; 0 without one"`
	Flags    int     `json:"flags" does:"matches from the policy's aml.flag on"`
	Matches  int     `json:"matches" does:"matches at all"`
}

// Of makes the view of a visit: the same input always gives the same one.
func Of(e decide.Evidence, p journey.Policy, l decide.Lookups) View {
	s := e.Submission
	who := duplicate.Person(s)
	v := View{
		Document: Document{Type: string(s.Document.Type), Layout: s.Document.Layout, Issuer: strings.ToUpper(s.Document.IssuingCountry)},
		Person:   Person{Age: -1, AgeMost: -1, Gender: who.Gender, Nationality: strings.ToUpper(who.Nationality), Corrected: s.Review != nil && s.Review.Corrected},
		Site:     Site{Country: s.SiteCountry, Kiosk: s.Kiosk, Project: s.Project},
		Visit: Visit{
			Started: s.StartPressed.UTC(), Decided: l.Now.UTC(), Language: s.Language, Attempts: len(s.Attempts), Retries: len(s.Retries),
			Email: s.Email != "", Phone: s.Phone != "", User: s.UserID != "",
		},
		Scores: Scores{
			Recognition: s.Recognition, Similarity: s.Similarity, Liveness: s.Liveness.Score, Passive: s.Liveness.Passive, Active: s.Liveness.Active, Quality: s.Liveness.Quality,
		},
		Warnings: []string{},
		Centre:   Centre{Differs: []string{}},
	}
	if day, err := time.Parse(time.DateOnly, who.Expiry); err == nil {
		v.Document.Dated = true
		v.Document.ExpiresIn = int(day.Sub(l.Now.UTC().Truncate(24*time.Hour)) / (24 * time.Hour))
	}
	if least, most, ok := decide.AgeRange(who.Birth, l.Now); ok {
		v.Person.Known, v.Person.Age, v.Person.AgeMost = true, least, most
	}
	if n := len(s.FaceAges); n > 0 && s.FaceAges[n-1].Selfie != nil {
		a := s.FaceAges[n-1].Selfie
		v.Person.Looks, v.Person.LooksLow, v.Person.LooksMedian, v.Person.LooksHigh = true, a.Low, a.Median, a.High
	}
	if d := s.IDLiveness; d != nil {
		v.Scores.DocumentJudged, v.Scores.ScreenReplay, v.Scores.PaperPrinted, v.Scores.ReplacedPortrait = true, d.ScreenReplay, d.PaperPrinted, d.ReplacePortrait
	}
	for name, ev := range e.Kiosk {
		if ev.Result == journey.Fail {
			v.Warnings = append(v.Warnings, string(name))
		}
	}
	slices.Sort(v.Warnings)
	v.centre(e.Recheck)
	v.lookups(p, l)
	return v
}

func (v *View) centre(r *decide.Recheck) {
	if r == nil {
		return
	}
	v.Centre.Reread = r.Opened
	if r.Document != nil {
		v.Centre.Differs = append(v.Centre.Differs, r.Document.Differs...)
	}
	if r.Similarity != nil {
		v.Centre.Similarity = r.Similarity.Centre
	}
	if r.Live != nil {
		v.Centre.Liveness = r.Live.Centre
	}
}

func (v *View) lookups(p journey.Policy, l decide.Lookups) {
	here := func(list []decide.Known) (n int) {
		for _, k := range list {
			if k.Decision == journey.Approved || k.Decision == journey.Pending {
				n++
			}
		}
		return n
	}
	v.Duplicates = Duplicates{Evaluated: l.PIIEvaluated, Person: here(l.SamePII), Document: here(l.SameDocument), Approved: len(l.Approved), Suspected: len(l.Suspects)}
	others := map[string]bool{}
	for _, h := range l.Faces {
		v.Duplicates.BestFace = max(v.Duplicates.BestFace, h.Score)
		if h.Score >= p.Duplicates.FaceCertain && !h.Own {
			others[h.Applicant] = true
		}
	}
	v.Duplicates.Faces = len(others)
	if l.Screening == nil {
		return
	}
	v.AML.Screened, v.AML.Matches = true, len(l.Screening.Matches)
	for _, m := range l.Screening.Matches {
		v.AML.Score = max(v.AML.Score, m.Score)
		if m.Score >= p.AML.Flag {
			v.AML.Flags++
		}
	}
}

// variables gives the view as CEL takes it.
func (v View) variables() map[string]any {
	out := map[string]any{}
	r := reflect.ValueOf(v)
	for i := range r.NumField() {
		out[r.Type().Field(i).Tag.Get("json")] = r.Field(i).Interface()
	}
	return out
}

// Field is one thing that a condition may ask of.
type Field struct {
	Name string // such as document.issuer
	Type string // of CEL
	Does string
}

// Fields lists what a condition may ask of.
func Fields() []Field {
	var out []Field
	t := reflect.TypeFor[View]()
	for i := range t.NumField() {
		group := t.Field(i)
		if group.Type.Kind() != reflect.Struct {
			out = append(out, Field{group.Tag.Get("json"), "list(string)", group.Tag.Get("does")})
			continue
		}
		for j := range group.Type.NumField() {
			f := group.Type.Field(j)
			out = append(out, Field{group.Tag.Get("json") + "." + f.Tag.Get("json"), typeName(f.Type), f.Tag.Get("does")})
		}
	}
	return out
}

func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "timestamp"
	case t.Kind() == reflect.Float64:
		return "double"
	case t.Kind() == reflect.Slice:
		return "list(string)"
	}
	return t.Kind().String()
}
