// Package feed gets lists from the addresses that the operator gives, on a schedule.
//
// Addresses are https, and a redirection leads to the same host or to one that the
// operator names. What comes is bounded in size and time, goes through the same gate as
// an import, and never takes the place of the list in force unless it is whole. Whatever
// goes wrong, the list in force stays, and the failure is kept where people look.
// An address may hold a secret: it is never logged.
//
// What may live here: the operator's file, getting, and when. What may not: formats, the
// gate, and what is in force.
package feed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"vestibule/server/aml"
	"vestibule/server/aml/source"
	"vestibule/sync/fault"
)

// Help tells how the operator's file is written.
const Help = `The file of addresses is JSON:
  [{"kind": "un-xml", "url": "https://…", "every": "24h"},
   {"kind": "ofac-csv", "files": {"sdn.csv": "https://…", "alt.csv": "https://…", "sdn_comments.csv": "https://…"}},
   {"kind": "own-csv", "as": "own-fraud", "url": "https://…", "hosts": ["files.example.org"]}]
every is a day unless it says so, and five minutes at least; as names a list of your own
or a collection of OpenSanctions; hosts are those that the address may lead on to.
`

// Bounds of the operator's file and of when a list is asked for.
const (
	maxConfig    = 1 << 20
	maxFeeds     = 64
	usualEvery   = 24 * time.Hour
	leastEvery   = 5 * time.Minute
	maxAddresses = 8 // of one list
)

// Feed is one list and where it comes from.
type Feed struct {
	Kind   aml.Kind
	Source aml.Source
	Files  map[string]string // file name → address; one file unless the kind has several
	Hosts  []string          // besides the address's own, that it may lead on to
	Every  time.Duration
}

// Read reads the operator's file.
func Read(path string) ([]Feed, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.New("feeds_unreadable", "the file of addresses cannot be read", "check the path", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig))
	if err != nil {
		return nil, fault.New("feeds_unreadable", "the file of addresses cannot be read", "check the path", err)
	}
	feeds, err := parse(text)
	if err != nil {
		return nil, fault.New("feeds_malformed", "the file of addresses is not understood", "server list fetch -help shows one", err)
	}
	return feeds, nil
}

func parse(text []byte) ([]Feed, error) {
	var written []struct {
		Kind  aml.Kind          `json:"kind"`
		As    aml.Source        `json:"as"`
		URL   string            `json:"url"`
		Files map[string]string `json:"files"`
		Hosts []string          `json:"hosts"`
		Every string            `json:"every"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&written); err != nil {
		return nil, err
	}
	if len(written) > maxFeeds {
		return nil, fmt.Errorf("more than %d lists", maxFeeds)
	}
	feeds := make([]Feed, 0, len(written))
	for i, w := range written {
		f := Feed{Kind: w.Kind, Files: w.Files, Hosts: w.Hosts, Every: usualEvery}
		var err error
		if f.Source, err = source.NameOf(w.Kind, w.As); err != nil {
			return nil, fmt.Errorf("list %d: %w", i+1, err)
		}
		if slices.ContainsFunc(feeds, func(o Feed) bool { return o.Source == f.Source }) {
			return nil, fmt.Errorf("list %d: %s stands there twice", i+1, f.Source)
		}
		if w.Every != "" {
			if f.Every, err = time.ParseDuration(w.Every); err != nil || f.Every < leastEvery {
				return nil, fmt.Errorf("list %d: every is a time of at least %s, such as 6h", i+1, leastEvery)
			}
		}
		wanted := source.Files(w.Kind)
		switch {
		case len(wanted) == 1 && w.URL != "" && len(w.Files) == 0:
			f.Files = map[string]string{wanted[0].Name: w.URL}
		case len(wanted) == 1, w.URL != "":
			return nil, fmt.Errorf("list %d: %s has %s", i+1, w.Kind, map[bool]string{true: "one file: give url", false: "several files: give files"}[len(wanted) == 1])
		}
		for _, file := range wanted {
			if _, ok := f.Files[file.Name]; !ok && file.Required {
				return nil, fmt.Errorf("list %d: the address of %s is missing", i+1, file.Name)
			}
		}
		for name, address := range f.Files {
			if !slices.ContainsFunc(wanted, func(one source.File) bool { return one.Name == name }) {
				return nil, fmt.Errorf("list %d: %s has no file %.40q", i+1, w.Kind, name)
			}
			if err := checkAddress(address); err != nil {
				return nil, fmt.Errorf("list %d: %w", i+1, err)
			}
		}
		feeds = append(feeds, f)
	}
	return feeds, nil
}

// checkAddress refuses what is not https. It does not repeat the address.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(address, " \t\r\n") {
		return fmt.Errorf("an address must be https://HOST/…, without a user's name in it")
	}
	return nil
}
