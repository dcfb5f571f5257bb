package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vestibule/journey"
	"vestibule/server/store"
)

// message is what an endpoint receives. The contract names no shape for it; the
// names in data are those of its GET /submission.
type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the decision, or of the test
	Data      data      `json:"data"`
}

type data struct {
	Submission  string           `json:"submission_id"`
	Decision    journey.Decision `json:"decision"`
	Reason      journey.Reason   `json:"reason"`
	CommentCode string           `json:"commentCode"`
}

// Types of a message.
const (
	TypeDecided = "submission.decided"
	TypeTest    = "webhook.test"
)

// Decided queues a decision for every endpoint of the project, in the transaction
// that decides: neither can be without the other.
func Decided(ctx context.Context, tx *store.Tx, newID func() string, kiosk, project string, v journey.Verdict) error {
	hooks, err := tx.Webhooks(ctx)
	if err != nil {
		return fmt.Errorf("read webhooks: %w", err)
	}
	body, err := json.Marshal(message{TypeDecided, v.At.UTC(), data{v.Submission, v.Decision, v.Reason, v.CommentCode}})
	if err != nil {
		return fmt.Errorf("encode notification: %w", err)
	}
	for _, h := range hooks {
		if h.Project != project || !h.Disabled.IsZero() {
			continue
		}
		if err := tx.AddDelivery(ctx, store.Delivery{
			ID: newID(), Webhook: h.ID, Submission: v.Submission, Session: v.Session, Kiosk: kiosk, Project: project, Cause: v.Event, Body: body,
		}, v.At); err != nil {
			return err
		}
	}
	return nil
}

// Test queues a message that speaks of no submission.
func Test(ctx context.Context, tx *store.Tx, id, webhook string, now time.Time) error {
	body, err := json.Marshal(message{Type: TypeTest, Timestamp: now.UTC()})
	if err != nil {
		return fmt.Errorf("encode test: %w", err)
	}
	return tx.AddDelivery(ctx, store.Delivery{ID: id, Webhook: webhook, Submission: id, Body: body}, now)
}
