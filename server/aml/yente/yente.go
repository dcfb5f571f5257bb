// Package yente asks a screening service that speaks the API of yente, the open-source
// server of OpenSanctions: GET /catalog for the state of its data, POST /match/{dataset}
// for a person.
//
// What may live here: that protocol, its bounds, and the mapping of its answers to
// matches. What may not: lists of the centre's own, jobs, and what a match means.
//
// A service that does not answer, or not in full, is ErrAway, never an empty answer: who
// was not screened is never called clear. The score is the service's own, times 100;
// thresholds do not carry over between engines, so the policy's aml.flag has to be
// chosen for the algorithm that the service runs. Which word matched which is worked out
// here, by comparing with the names that it returns.
package yente

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"

	"vestibule/server/aml"
)

// ErrAway is wrapped when the service does not answer, refuses, or answers what cannot be read.
var ErrAway = errors.New("the external screener does not answer")

// Bounds of what is asked and answered.
const (
	callLimit    = 10 * time.Second // of one call, all in all
	maxMatch     = 8 << 20          // bytes of an answer: up to mostMatches entities with all their properties
	maxCatalog   = 16 << 20         // every dataset with its description
	maxDatasets  = 10_000
	mostMatches  = 100
	usualMatches = 20
	leastScore   = .1              // of what is asked for; the policy's flag decides
	catalogAge   = 5 * time.Minute // for so long a dataset's version is believed
	restAfter    = 5 * time.Second // for so long nobody asks again after a failure
	maxNames     = 200             // of one entity that are compared
	maxText      = 1000            // bytes of one of them
)

// Config says where the service is.
type Config struct {
	URL       string // https, or http on a loopback address; a path before /match is kept
	Dataset   string
	Algorithm string // of its scoring; empty: the service's own choice
	Key       string // for the header Authorization: ApiKey …; empty: none
	Now       func() time.Time
	Client    *http.Client // nil: one of its own
}

// Client asks one service. It is safe for concurrent use.
type Client struct {
	c    Config
	base string

	mu      sync.Mutex
	seen    Version
	seenAt  time.Time
	failed  time.Time
	problem error
}

// Version is the state of the service's data.
type Version struct {
	Dataset  string
	Version  string    // as the service names it
	Entities int       // 0: it does not say
	Current  time.Time // when it was the publisher's newest last, as far as the service knows
}

// New makes a client; nothing is asked yet.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the address must be https://HOST or https://HOST/path, without user, query or fragment") // and is not repeated: it may hold a secret
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("people's data go to https addresses only; http is for a service on this machine")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the address must begin with https://")
	case c.Dataset == "" || strings.ContainsFunc(c.Dataset, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) || len(c.Dataset) > 100:
		return nil, errors.New("the dataset is a name such as sanctions")
	case strings.ContainsFunc(c.Key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("the key holds characters that no key has")
	}
	if c.Client == nil {
		c.Client = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: callLimit / 2, ResponseHeaderTimeout: callLimit,
			MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		}}
	}
	// Redirections are not followed: a person's data go to the host that was named.
	own := *c.Client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Client = &own
	return &Client{c: c, base: strings.TrimRight(u.String(), "/")}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Source names the service's dataset among the lists.
func (y *Client) Source() aml.Source { return aml.Source("yente/" + y.c.Dataset) }

// Problem tells why the service was found away last; nil: it answered, or was not asked yet.
func (y *Client) Problem() error {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.problem
}

// Match screens a person. The version is that of the data at the time.
func (y *Client) Match(ctx context.Context, q aml.Query) ([]aml.Match, Version, error) {
	if strings.TrimSpace(q.Name) == "" {
		return nil, Version{}, aml.ErrNotScreened
	}
	if err := y.resting(); err != nil {
		return nil, Version{}, err
	}
	matches, version, err := y.match(ctx, q)
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.problem = err; err != nil {
		y.failed = y.c.Now()
	}
	return matches, version, err
}

// resting spares a service that has just failed, and those who wait for it.
func (y *Client) resting() error {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.problem != nil && y.c.Now().Sub(y.failed) < restAfter {
		return y.problem
	}
	return nil
}

func (y *Client) match(ctx context.Context, q aml.Query) ([]aml.Match, Version, error) {
	version, err := y.Version(ctx)
	if err != nil {
		return nil, version, err
	}
	most := q.Most
	if most <= 0 {
		most = usualMatches
	}
	most = min(most, mostMatches)
	least := max(q.AtLeast/100, leastScore)
	ask := url.Values{"limit": {fmt.Sprint(most)}, "threshold": {fmt.Sprint(least)}, "cutoff": {fmt.Sprint(least)}}
	if y.c.Algorithm != "" {
		ask.Set("algorithm", y.c.Algorithm)
	}
	const name = "person"
	body, err := json.Marshal(map[string]any{"queries": map[string]any{name: map[string]any{"schema": "Person", "properties": properties(q)}}})
	if err != nil {
		return nil, version, fmt.Errorf("encode query: %w", err)
	}
	var got struct {
		Responses map[string]struct {
			Status  int      `json:"status"`
			Results []entity `json:"results"`
		} `json:"responses"`
	}
	if err := y.call(ctx, http.MethodPost, "/match/"+y.c.Dataset+"?"+ask.Encode(), body, maxMatch, &got); err != nil {
		return nil, version, err
	}
	one, ok := got.Responses[name]
	if !ok || one.Status != http.StatusOK {
		return nil, version, fmt.Errorf("%w: it answered without a result for the query (status %d)", ErrAway, one.Status)
	}
	if len(one.Results) > most {
		return nil, version, fmt.Errorf("%w: it answered more than was asked for", ErrAway)
	}
	matches := make([]aml.Match, 0, len(one.Results))
	for _, e := range one.Results {
		m, err := e.match(y.Source(), q)
		if err != nil {
			return nil, version, err
		}
		matches = append(matches, m)
	}
	slices.SortStableFunc(matches, func(a, b aml.Match) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return strings.Compare(a.Entity, b.Entity)
	})
	return matches, version, nil
}

// properties says who is looked for, as FollowTheMoney names it.
func properties(q aml.Query) map[string][]string {
	p := map[string][]string{"name": {q.Name}}
	if birth := strings.TrimSuffix(strings.TrimSuffix(q.Birth, "-00"), "-00"); birth != "" {
		p["birthDate"] = []string{birth}
	}
	if q.Gender == "male" || q.Gender == "female" {
		p["gender"] = []string{q.Gender}
	}
	// It knows countries by two letters. One that has none, such as a specimen's, is left out.
	if region, err := language.ParseRegion(q.Country); err == nil && region.IsCountry() {
		p["nationality"] = []string{strings.ToLower(region.String())}
	}
	if q.Document != "" {
		p["idNumber"] = []string{q.Document}
	}
	return p
}

// Version gives the state of the data, at most catalogAge old.
func (y *Client) Version(ctx context.Context) (Version, error) {
	y.mu.Lock()
	seen, at := y.seen, y.seenAt
	y.mu.Unlock()
	now := y.c.Now()
	if !at.IsZero() && now.Sub(at) < catalogAge {
		return seen, nil
	}
	var got struct {
		Datasets []dataset `json:"datasets"`
	}
	if err := y.call(ctx, http.MethodGet, "/catalog", nil, maxCatalog, &got); err != nil {
		return Version{}, err
	}
	v, err := versionOf(y.c.Dataset, got.Datasets, now)
	if err != nil {
		return Version{}, err
	}
	y.mu.Lock()
	y.seen, y.seenAt = v, now
	y.mu.Unlock()
	return v, nil
}

// dataset is one of the catalog, as far as it is read.
type dataset struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Indexed  string   `json:"index_version"`
	Current  bool     `json:"index_current"`
	Children []string `json:"children"`
	Datasets []string `json:"datasets"` // as newer releases call them
	Things   int      `json:"thing_count"`
	Entities int      `json:"entity_count"`
}

// versionOf finds what the index holds of a dataset: itself, or a collection with it.
func versionOf(name string, all []dataset, now time.Time) (Version, error) {
	if len(all) > maxDatasets {
		return Version{}, fmt.Errorf("%w: its catalog has more than %d datasets", ErrAway, maxDatasets)
	}
	byName := make(map[string]dataset, len(all))
	for _, d := range all {
		byName[d.Name] = d
	}
	own, ok := byName[name]
	if !ok {
		return Version{}, fmt.Errorf("%w: it has no such dataset", ErrAway)
	}
	index := own
	for _, d := range all {
		if index.Indexed == "" && d.Indexed != "" && holds(byName, d, name, map[string]bool{}) {
			index = d
		}
	}
	if index.Indexed == "" {
		return Version{}, fmt.Errorf("%w: the dataset is not in its index yet", ErrAway)
	}
	v := Version{Dataset: name, Version: index.Indexed, Entities: max(own.Things, own.Entities), Current: now}
	if !index.Current { // older data than the publisher has: current when they were made
		if v.Current, ok = madeAt(index.Indexed); !ok {
			return Version{}, fmt.Errorf("%w: its index is outdated, and does not say since when", ErrAway)
		}
	}
	if len(v.Version) > 64 {
		v.Version = v.Version[:64]
	}
	return v, nil
}

func holds(all map[string]dataset, d dataset, name string, been map[string]bool) bool {
	if been[d.Name] {
		return false
	}
	been[d.Name] = true
	return slices.ContainsFunc(slices.Concat(d.Children, d.Datasets), func(child string) bool {
		return child == name || holds(all, all[child], name, been)
	})
}

// madeAt reads the time that a version begins with: YYYYMMDDHHMMSS.
func madeAt(version string) (time.Time, bool) {
	digits, _, _ := strings.Cut(version, "-")
	t, err := time.Parse("20060102150405", digits)
	return t, err == nil
}

// call asks once. Errors wrap ErrAway and hold nothing of what was asked.
func (y *Client) call(ctx context.Context, method, path string, body []byte, most int64, into any) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, y.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: the address is none", ErrAway)
	}
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if y.c.Key != "" {
		r.Header.Set("Authorization", "ApiKey "+y.c.Key)
	}
	res, err := y.c.Client.Do(r)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the address
		}
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, res.Body, 4<<10)
		return fmt.Errorf("%w: it answered with status %d", ErrAway, res.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	switch {
	case err != nil:
		return fmt.Errorf("%w: its answer broke off: %w", ErrAway, err)
	case int64(len(text)) > most:
		return fmt.Errorf("%w: its answer is larger than %d bytes", ErrAway, most)
	case json.Unmarshal(text, into) != nil:
		return fmt.Errorf("%w: its answer is not what the API describes", ErrAway) // the parser's words could repeat it
	}
	return nil
}

// entity is one result, as far as it is read.
type entity struct {
	ID         string                       `json:"id"`
	Caption    string                       `json:"caption"`
	Schema     string                       `json:"schema"`
	Properties map[string][]json.RawMessage `json:"properties"`
	Datasets   []string                     `json:"datasets"`
	Score      *float64                     `json:"score"`
	Features   map[string]float64           `json:"features"`
}

// texts gives a property's values that are texts; others are entities of their own.
func (e entity) texts(names ...string) []string {
	var out []string
	for _, name := range names {
		for _, raw := range e.Properties[name] {
			var text string
			if json.Unmarshal(raw, &text) == nil && text != "" && len(text) <= maxText && len(out) < maxNames {
				out = append(out, text)
			}
		}
	}
	return out
}

// match tells a result as a match.
func (e entity) match(source aml.Source, q aml.Query) (aml.Match, error) {
	if e.ID == "" || len(e.ID) > maxText || e.Score == nil || math.IsNaN(*e.Score) || *e.Score < 0 || *e.Score > 1 {
		return aml.Match{}, fmt.Errorf("%w: a result has no id, or no score between 0 and 1", ErrAway)
	}
	listed := aml.Entity{ID: e.ID, Source: source, Type: aml.Person}
	name := func(kind aml.NameKind, texts ...string) {
		for _, text := range texts {
			listed.Names = append(listed.Names, aml.Name{Text: text, Kind: kind})
		}
	}
	if e.Caption != "" && len(e.Caption) <= maxText {
		name(aml.Primary, e.Caption)
	}
	name(aml.Alias, e.texts("name", "alias")...)
	name(aml.Weak, e.texts("weakAlias")...)
	for _, birth := range e.texts("birthDate") {
		birth, _, _ = strings.Cut(birth, "T")
		listed.Births = append(listed.Births, aml.Birth{From: birth})
	}
	if g := e.texts("gender"); len(g) == 1 && (g[0] == "male" || g[0] == "female") {
		listed.Gender = g[0]
	}
	hash, err := e.hash()
	if err != nil {
		return aml.Match{}, err
	}
	out := explained(listed, q)
	out.Entity, out.Source, out.Hash, out.Score = e.ID, source, hash, 100**e.Score
	if out.Name == "" && len(listed.Names) > 0 {
		out.Name, out.Kind = listed.Names[0].Text, listed.Names[0].Kind
	}
	names := make([]string, 0, len(e.Features))
	for f := range e.Features {
		names = append(names, f)
	}
	slices.Sort(names)
	for _, f := range names[:min(len(names), maxNames)] {
		if v := e.Features[f]; v != 0 && !math.IsNaN(v) && len(f) <= 100 {
			out.Facts = append(out.Facts, aml.Fact{What: f, How: "by the external screener", Points: math.Round(1000*v) / 10})
		}
	}
	return out, nil
}

// explained says how the words of the names and the dates of birth stand to each other,
// by the centre's own comparison: the service gives figures for features only. Its
// points are left away, for they are no part of the service's score.
func explained(listed aml.Entity, q aml.Query) aml.Match {
	index, err := aml.Build(aml.List{Source: listed.Source, Kind: "yente", Entities: []aml.Entity{listed}})
	if err != nil {
		return aml.Match{}
	}
	q.Sources, q.AtLeast, q.Most = nil, 0, 1
	found, err := index.Search(q)
	if err != nil || len(found) == 0 {
		return aml.Match{} // it resembles the person in another way than by these names
	}
	out := aml.Match{Name: found[0].Name, Kind: found[0].Kind, Why: found[0].Why}
	for _, f := range found[0].Facts {
		out.Facts = append(out.Facts, aml.Fact{What: f.What, How: f.How})
	}
	return out
}

// hash is SHA-256 over what the service says of an entity: whoever was found to be
// another person stays so until it changes. Scores and dates of looking are no part of it.
func (e entity) hash() (string, error) {
	properties := map[string][]string{}
	for name, values := range e.Properties {
		for _, v := range values {
			var b bytes.Buffer
			if err := json.Compact(&b, v); err != nil {
				return "", fmt.Errorf("%w: a property cannot be read", ErrAway)
			}
			properties[name] = append(properties[name], b.String())
		}
		slices.Sort(properties[name])
	}
	datasets := slices.Sorted(slices.Values(e.Datasets))
	body, err := json.Marshal([]any{e.ID, e.Schema, e.Caption, datasets, properties})
	if err != nil {
		return "", fmt.Errorf("hash an entity: %w", err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), nil
}
