package api

import (
	"context"
	"encoding/json"
	"fmt"

	"vestibule/server/store"
)

// notScreened is the contract's word until a screening has run.
const notScreened = "Not Screened"

// beside is what is looked up for all rows of an answer at once: by submission, or by session.
type beside struct {
	results   map[string]store.Screening
	same      map[string][]string
	decisions map[string]store.Decision
}

// beside looks up what the part of an answer that was asked for takes.
func (s server) beside(ctx context.Context, rows []store.Submission, part string) (b beside, err error) {
	if part == "" || part == typeAML {
		if b.results, err = s.Store.Results(ctx, rows); err != nil {
			return b, err
		}
	}
	if part != "" && part != typeOthers {
		return b, nil
	}
	if b.same, err = s.Store.SamePII(ctx, rows); err != nil {
		return b, err
	}
	sessions := make([]string, 0, len(rows))
	for _, row := range rows {
		sessions = append(sessions, row.Session)
	}
	b.decisions, err = s.Store.LastDecisions(ctx, sessions)
	return b, err
}

// screening tells what the sanctions lists said. A screening that has not run, or
// failed, is "Not Screened", never clear.
func (b beside) screening(submission string) (*answerAML, error) {
	found, ok := b.results[submission]
	if !ok {
		return &answerAML{Summary: notScreened, Status: notScreened}, nil
	}
	var result struct {
		Matches []struct {
			Entity string  `json:"entity"`
			Score  float64 `json:"score"`
			Risk   string  `json:"risk"`
		} `json:"matches"`
	}
	if err := json.Unmarshal(found.Result, &result); err != nil {
		return nil, fmt.Errorf("read screening: %w", err)
	}
	out := &answerAML{Raw: found.Result, Summary: found.Risk, Status: found.Status}
	for _, m := range result.Matches {
		out.Matches = append(out.Matches, answerMatch{Risk: m.Risk, Resource: m.Entity, Score: m.Score})
	}
	return out, nil
}

// sameFaces lists the submissions whose faces a session's last decision found alike.
func (b beside) sameFaces(session string) ([]string, error) {
	last, ok := b.decisions[session]
	if !ok {
		return nil, nil
	}
	var record struct {
		Faces []struct {
			Submission string `json:"submission"`
		} `json:"faces"`
	}
	if err := json.Unmarshal(last.Record, &record); err != nil {
		return nil, fmt.Errorf("read decision: %w", err)
	}
	var ids []string
	for _, f := range record.Faces {
		ids = append(ids, f.Submission)
	}
	return ids, nil
}
