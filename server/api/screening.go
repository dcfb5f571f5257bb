package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"vestibule/server/store"
)

// notScreened is the contract's word until a screening has run.
const notScreened = "Not Screened"

// screening tells what the sanctions lists said. A screening that has not run, or
// failed, is "Not Screened", never clear.
func (s server) screening(ctx context.Context, submission string) (*answerAML, error) {
	found, err := s.Store.Screening(ctx, submission)
	if errors.Is(err, store.ErrNotFound) {
		return &answerAML{Summary: notScreened, Status: notScreened}, nil
	}
	if err != nil {
		return nil, err
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

// sameFaces lists the submissions whose faces the decision found alike.
func (s server) sameFaces(ctx context.Context, row store.Submission) ([]string, error) {
	decisions, err := s.Store.Decisions(ctx, row.Session)
	if err != nil || len(decisions) == 0 {
		return nil, err
	}
	var record struct {
		Faces []struct {
			Submission string `json:"submission"`
		} `json:"faces"`
	}
	last := decisions[len(decisions)-1]
	if err := json.Unmarshal(last.Record, &record); err != nil {
		return nil, fmt.Errorf("read decision: %w", err)
	}
	var ids []string
	for _, f := range record.Faces {
		ids = append(ids, f.Submission)
	}
	return ids, nil
}
