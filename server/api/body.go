package api

import (
	"context"
	"encoding/json"
	"fmt"

	"vestibule/journey"
	"vestibule/server/store"
)

// Body gives what /submission answers about one submission to a key, as it goes over the
// wire: encrypted where the key has a public key. A key without the scope for submissions,
// which the API itself would refuse, is told the result and its times, and nothing personal:
// that is for webhooks.
func Body(ctx context.Context, c Config, key store.APIKey, submission string) (json.RawMessage, error) {
	s := server{Config: c}
	row, err := s.visible(ctx, key, submission)
	if err != nil {
		return nil, err
	}
	var body any
	if has(key, ScopeSubmissions) {
		body, err = s.one(ctx, row, "")
	} else {
		body, err = s.impersonal(row), nil
	}
	if err == nil && key.EncryptTo != "" {
		body, err = encrypted(body, key.EncryptTo)
	}
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return b, nil
}

// impersonal gives of a submission what says nothing about the person: not what a reviewer
// wrote, either.
func (s server) impersonal(row store.Submission) *answer {
	result := *kyc(row, journey.Submission{}, "")
	out := &answer{Submission: row.ID, KYC: &result}
	out.times(row)
	return out
}
