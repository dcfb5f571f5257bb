package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vestibule/server/aml"
	"vestibule/server/aml/yente"
	"vestibule/server/centre"
	"vestibule/sync/fault"
)

// maxScreenerKey bounds the file with the external screener's key.
const maxScreenerKey = 4 << 10

// codeScreener is of settings of the external screener that cannot be used.
const codeScreener = "screener_unusable"

const screenerHint = "see that the service at -screener runs and holds the dataset; submissions wait meanwhile"

// foreign makes the client of the external screener; nil: none is wanted.
func (s settings) foreign() (*yente.Client, error) {
	if s.screener == "" {
		if s.screenerSet != "" || s.screenerKey != "" || s.screenerBy != "" {
			return nil, fault.New(codeConflict, "settings of an external screener are given, and no address of one", "add -screener URL, or leave the others out", nil)
		}
		return nil, nil
	}
	c := yente.Config{URL: s.screener, Dataset: s.screenerSet, Algorithm: s.screenerBy, Now: time.Now}
	if c.Dataset == "" {
		c.Dataset = "sanctions"
	}
	if s.screenerKey != "" {
		text, err := readBounded(s.screenerKey, maxScreenerKey)
		if err != nil {
			return nil, fault.New(codeScreener, "the external screener's key cannot be read", "give a file with the key in it", err)
		}
		c.Key = strings.TrimSpace(string(text))
	}
	y, err := yente.New(c)
	if err != nil {
		return nil, fault.New(codeScreener, "the external screener cannot be used: "+err.Error(), "give -screener https://HOST and -screener-dataset NAME", nil)
	}
	return y, nil
}

// screen searches the lists in force and, where there is one, asks the external
// screener too: a match of either counts. Without lists its answer alone does.
func (c *running) screen(ctx context.Context, q aml.Query) (centre.Screened, error) {
	own, err := c.lists.Screen(ctx, q)
	if c.yente == nil || len(q.Sources) > 0 && !slices.Contains(q.Sources, c.yente.Source()) {
		return own, err
	}
	if err != nil && !errors.Is(err, centre.ErrNoLists) {
		return own, err
	}
	matches, version, err := c.yente.Match(ctx, q)
	if errors.Is(err, yente.ErrAway) {
		return centre.Screened{}, fmt.Errorf("%w: %w", centre.ErrScreenerAway, err)
	}
	if err != nil {
		return centre.Screened{}, err
	}
	lists := fmt.Sprintf("%s:%s", c.yente.Source(), version.Version)
	if own.Lists != "" {
		lists = own.Lists + " " + lists
	}
	out := centre.Screened{Lists: lists, Entities: own.Entities + version.Entities, Matches: append(own.Matches, matches...), Oldest: own.Oldest, Confirmed: own.Confirmed}
	if out.Confirmed.IsZero() || version.Current.Before(out.Confirmed) {
		out.Oldest, out.Confirmed = c.yente.Source(), version.Current
	}
	slices.SortStableFunc(out.Matches, func(a, b aml.Match) int { return cmp.Compare(b.Score, a.Score) })
	return out, nil
}

// screenable reports whether there is anything to screen against, and screenerUp whether
// the external screener answered when it was asked last.
func (c *running) screenable() bool { return c.lists.Loaded() || c.yente != nil }

func (c *running) screenerUp() bool { return c.yente == nil || c.yente.Problem() == nil }

// foreignScreener asks the external screener for the state of its data.
func (e *examination) foreignScreener(ctx context.Context) {
	y, err := e.foreign()
	if err != nil {
		e.wrong("screener", critical, err)
		return
	}
	if y == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*lookLimit)
	defer cancel()
	v, err := y.Version(ctx)
	if err != nil {
		e.wrong("screener", critical, fault.New(centre.ProblemScreener, "the external screener does not answer: submissions wait", screenerHint, err))
		return
	}
	e.ok("screener", "%s answers; its data are version %s, the newest as of %s", y.Source(), v.Version, v.Current.UTC().Format(time.RFC3339))
}
