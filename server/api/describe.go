package api

import "github.com/go-chi/chi/v5"

func (s server) describe(r chi.Router) { r.Get("/jwks.json", s.jwks) }
