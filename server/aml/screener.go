package aml

import (
	"sync/atomic"
)

// Screener holds the index in force. The zero value holds none and screens nobody.
type Screener struct {
	index atomic.Pointer[Index]
}

// Swap puts an index in force and gives the one before, nil at first. Searches that
// run end on the old one.
func (s *Screener) Swap(x *Index) *Index { return s.index.Swap(x) }

// Index gives the index in force, or ErrNotScreened when there is none.
func (s *Screener) Index() (*Index, error) {
	x := s.index.Load()
	if x == nil {
		return nil, ErrNotScreened
	}
	return x, nil
}

// Result is an answer together with what it was found in.
type Result struct {
	Lists   []Snapshot `json:"lists"`
	Index   string     `json:"index"` // engine and snapshots
	People  int        `json:"people"`
	Matches []Match    `json:"matches"`
}

// Screen searches the index in force. An error means "not screened".
func (s *Screener) Screen(q Query) (Result, error) {
	x, err := s.Index()
	if err != nil {
		return Result{}, err
	}
	matches, err := x.Search(q)
	if err != nil {
		return Result{}, err
	}
	if matches == nil {
		matches = []Match{}
	}
	return Result{Lists: x.Lists(), Index: x.ID(), People: x.People(), Matches: matches}, nil
}
