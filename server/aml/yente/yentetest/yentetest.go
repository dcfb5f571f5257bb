// Package yentetest is a small server that speaks yente's API as it is documented, for
// tests of what asks one.
//
// What may live here: the protocol, with a few people of its own. What may not: scoring
// worth the name.
package yentetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Person is one of the people it knows.
type Person struct {
	ID, Name string
	Birth    string
	Score    float64
}

// Server is the service. Its address is URL.
type Server struct {
	*httptest.Server
	mu      sync.Mutex
	people  []Person
	version string
	current bool
	away    bool
	key     string
	asked   []map[string][]string
}

// New starts one that holds the dataset "sanctions" inside the collection "default".
func New(key string, people ...Person) *Server {
	s := &Server{people: people, version: "20261125180300-abc", current: true, key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /catalog", s.catalog)
	mux.HandleFunc("POST /match/{dataset}", s.match)
	s.Server = httptest.NewServer(s.door(mux))
	return s
}

// Away makes it answer 503, or no longer.
func (s *Server) Away(away bool) { s.set(func() { s.away = away }) }

// Stands sets what the catalog says of the index.
func (s *Server) Stands(version string, current bool) {
	s.set(func() { s.version, s.current = version, current })
}

func (s *Server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Asked gives the properties of everybody who was asked about.
func (s *Server) Asked() []map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]map[string][]string(nil), s.asked...)
}

// door turns away who has no key, and everybody while the server is away.
func (s *Server) door(in http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		away, key := s.away, s.key
		s.mu.Unlock()
		switch {
		case away:
			fails(w, http.StatusServiceUnavailable, "Index not ready.")
		case key != "" && r.Header.Get("Authorization") != "ApiKey "+key:
			fails(w, http.StatusUnauthorized, "Invalid API key.")
		default:
			in.ServeHTTP(w, r)
		}
	})
}

func fails(w http.ResponseWriter, status int, detail string) {
	answers(w, status, map[string]string{"detail": detail})
}

func answers(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (s *Server) catalog(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answers(w, http.StatusOK, map[string]any{
		"datasets": []any{
			map[string]any{"name": "default", "title": "Default", "version": s.version, "index_version": s.version, "index_current": s.current, "load": true, "children": []string{"sanctions", "peps"}},
			map[string]any{"name": "sanctions", "title": "Sanctions", "version": s.version, "index_version": nil, "index_current": false, "load": false, "children": []string{"us_ofac_sdn"}, "thing_count": 63_000},
		},
		"current": []string{"default"}, "outdated": []string{}, "index_stale": false,
	})
}

func (s *Server) match(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Queries map[string]struct {
			Schema     string              `json:"schema"`
			Properties map[string][]string `json:"properties"`
		} `json:"queries"`
	}
	switch {
	case r.PathValue("dataset") != "sanctions":
		fails(w, http.StatusNotFound, "No such dataset.")
		return
	case json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body) != nil || len(body.Queries) == 0:
		fails(w, http.StatusBadRequest, "No queries provided.")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	responses := map[string]any{}
	for id, q := range body.Queries {
		if q.Schema != "Person" || len(q.Properties["name"]) == 0 {
			fails(w, http.StatusBadRequest, "Cannot parse example entity.")
			return
		}
		s.asked = append(s.asked, q.Properties)
		results := []any{}
		for _, p := range s.people {
			last := p.Name[strings.LastIndexByte(p.Name, ' ')+1:]
			if !strings.Contains(strings.ToLower(q.Properties["name"][0]), strings.ToLower(last)) {
				continue
			}
			results = append(results, map[string]any{
				"id": p.ID, "caption": p.Name, "schema": "Person", "datasets": []string{"us_ofac_sdn"}, "referents": []string{}, "target": true,
				"first_seen": "2023-04-20T10:31:09", "last_seen": "2026-11-25T18:03:00", "last_change": "2024-02-01T00:00:00",
				"properties": map[string]any{
					"name": []string{p.Name}, "birthDate": []string{p.Birth}, "topics": []string{"sanction"},
					"addressEntity": []any{map[string]any{"id": "addr-1", "schema": "Address", "properties": map[string]any{}}},
				},
				"score": p.Score, "match": p.Score >= .7, "features": map[string]float64{"name_match": p.Score, "dob_year_disjoint": 0},
			})
		}
		responses[id] = map[string]any{"status": 200, "results": results, "total": map[string]any{"value": len(results), "relation": "eq"}, "query": q}
	}
	w.Header().Set("x-batch-size", fmt.Sprint(len(responses)))
	answers(w, http.StatusOK, map[string]any{"responses": responses, "matcher": map[string]any{}, "limit": 5})
}
