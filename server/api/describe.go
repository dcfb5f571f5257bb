package api

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strconv"
	"sync"

	"github.com/go-chi/chi/v5"

	"vestibule/journey"
)

//go:embed reference.html
var referencePage string

//go:embed reference.css
var referenceStyle []byte

// describe serves what says how to use the API, to everybody: it holds nothing of
// anybody. The page needs nothing from elsewhere.
func (s server) describe(r chi.Router) {
	r.Get("/openapi.json", s.once("application/json", Document))
	r.Get("/jwks.json", s.jwks)
	r.Get("/docs", s.once("text/html; charset=utf-8", reference))
	r.Get("/docs/reference.css", func(w http.ResponseWriter, _ *http.Request) { public(w, "text/css; charset=utf-8", referenceStyle) })
}

// once serves what is made when it is first asked for, and the same from then on.
func (s server) once(media string, make func() ([]byte, error)) http.HandlerFunc {
	made := sync.OnceValues(make)
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := made()
		if err != nil {
			s.write(w, r, nil, err)
			return
		}
		public(w, media, text)
	}
}

// public writes what anybody may see.
func public(w http.ResponseWriter, media string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	_, _ = w.Write(body) // the caller has gone: nobody is left to tell
}

// referenceField is a row of the table of fields.
type referenceField struct {
	Path, Type, Why string
}

type referenceVariant struct {
	Title    string
	Answered int
	Fields   []referenceField
}

// reference makes the page, from the same tables as everything else.
func reference() ([]byte, error) {
	page, err := template.New("reference").Parse(referencePage)
	if err != nil {
		return nil, err
	}
	variant := func(title string, v journey.AnswerVariant) referenceVariant {
		out := referenceVariant{Title: title}
		for _, f := range journey.Fields(v) {
			why, absent := WhyAbsent(v, f.Path)
			if !absent {
				out.Answered++
			}
			out.Fields = append(out.Fields, referenceField{f.Path, f.Type, why})
		}
		return out
	}
	var out bytes.Buffer
	err = page.Execute(&out, struct {
		Operations []operation
		Meanings   []meaning
		Variants   []referenceVariant
		PerSecond  int
	}{operations(), meanings(), []referenceVariant{
		variant("With a document", journey.AnswerDocument), variant("Knowledge based, without a document", journey.AnswerKnowledge),
	}, DefaultPerSecond})
	return out.Bytes(), err
}
