package text

import (
	"strings"

	"vestibule/journey"
)

// Language is one the kiosk speaks completely.
type Language struct {
	Code string // BCP 47
	Name string // in itself
	RTL  bool
	// Voice is the name of the language for a speech program.
	Voice string
}

// Languages lists what the kiosk speaks, in the order of the language screen.
func Languages() []Language {
	return []Language{
		{Code: "en", Name: "English", Voice: "en"},
		{Code: "ar", Name: "العربية", RTL: true, Voice: "ar"},
		{Code: "ja", Name: "日本語", Voice: "ja"},
	}
}

// Catalogue holds one language's sentences.
type Catalogue struct {
	Language
	own      map[string]string
	fallback map[string]string
}

// In gives the catalogue of a language; a regional tag finds its language, an
// unknown one finds English.
func In(code string) *Catalogue {
	base, _, _ := strings.Cut(code, "-")
	c := &Catalogue{Language: Languages()[0], own: english(), fallback: english()}
	for _, l := range Languages() {
		if l.Code == base {
			c.Language, c.own = l, sentences(base)
		}
	}
	return c
}

func sentences(code string) map[string]string {
	switch code {
	case "ar":
		return arabic()
	case "ja":
		return japanese()
	}
	return english()
}

// T gives the sentence of a key. Values come in pairs: name, value; {name} in the
// sentence is replaced. An unknown key gives itself, which a test forbids.
func (c *Catalogue) T(key string, values ...string) string {
	s, ok := c.own[key]
	if !ok {
		if s, ok = c.fallback[key]; !ok {
			return key
		}
	}
	if len(values) == 0 {
		return s
	}
	pairs := make([]string, len(values))
	for i, v := range values {
		if i%2 == 0 {
			v = "{" + v + "}"
		}
		pairs[i] = v
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// Has reports whether the language itself has the key.
func (c *Catalogue) Has(key string) bool {
	_, ok := c.own[key]
	return ok
}

// ForCode gives the sentence for a retry or error code. Every retry code has its
// own; other codes share one sentence a step. variant tells the messages of one
// code apart, where it has several; an unknown one gives the code's own sentence.
func (c *Catalogue) ForCode(k journey.CodeKey, variant string) string {
	if k == journey.Step2RetryLivenessError {
		if hint, ok := poses()[variant]; ok {
			return c.T(hint)
		}
	}
	if key := CodeKey(k); c.Has(key) {
		return c.T(key)
	}
	if k.Step == journey.Step2 {
		return c.T("code.step2")
	}
	return c.T("code.step1")
}

// poses says which hint speaks for a variant of liveness_error.
func poses() map[string]string {
	return map[string]string{
		"face-size": "hint.face-small", "relative-size": "hint.face-small", "absolute-size": "hint.face-pixels",
		"eye-distance": "hint.eyes-too-close", "border": "hint.face-border", "cropped": "hint.face-cropped",
		"rotation": "hint.face-turned",
	}
}

// CodeKey is the catalogue's key for a code of the contract.
func CodeKey(k journey.CodeKey) string { return "code." + string(k.Step) + "." + k.Code }

// Problem gives title and advice for an error code; unknown codes get the general ones.
func (c *Catalogue) Problem(code string) (title, advice string) {
	if strings.HasPrefix(code, "tpm_") { // the code, which is shown, tells staff them apart
		code = "tpm"
	}
	if c.Has("problem." + code + ".title") {
		return c.T("problem." + code + ".title"), c.T("problem." + code + ".advice")
	}
	return c.T("problem.other.title"), c.T("problem.other.advice")
}
