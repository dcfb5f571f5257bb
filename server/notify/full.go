package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vestibule/server/store"
)

// ProblemAnswer is the problem of a delivery whose full payload cannot be made.
const ProblemAnswer = "answer_unusable"

// Answer gives what the API answers about a submission to a key with an endpoint's scopes,
// as it is now; encrypted where the endpoint has a public key.
type Answer func(ctx context.Context, w store.Webhook, submission string) (json.RawMessage, error)

// body gives what is sent of a delivery: what was queued, or, to an endpoint that wants all,
// the same with the API's answer as its data. That is made anew for each attempt and never
// kept, so that nothing personal lies in the queue and nothing that was erased is sent.
func (s *Sender) body(ctx context.Context, w store.Webhook, d store.Delivery) ([]byte, error) {
	if w.Payload != store.PayloadFull || d.Cause == "" {
		return d.Body, nil
	}
	var queued struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
	}
	if err := json.Unmarshal(d.Body, &queued); err != nil {
		return nil, fmt.Errorf("read the queued notification: %w", err)
	}
	if s.c.Answer == nil {
		return nil, fmt.Errorf("make a full notification: %w", store.ErrNotFound)
	}
	answer, err := s.c.Answer(ctx, w, d.Submission)
	if err != nil {
		return nil, fmt.Errorf("make a full notification: %w", err)
	}
	return json.Marshal(struct {
		Type      string          `json:"type"`
		Timestamp time.Time       `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}{queued.Type, queued.Timestamp, answer})
}
