package mail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/store"
	"vestibule/server/vault"
)

// Kinds of a message.
const (
	KindDecision = "decision"      // to the person
	KindLate     = "review_late"   // to operators: something waits for review longer than agreed
	KindRefused  = "kiosk_refused" // to operators: a kiosk's records are no longer merged
)

// KeepFor is how long a message is news: one that could not be sent by then is given up.
const KeepFor = 7 * 24 * time.Hour

// content is what a message is made of; it is kept encrypted.
type content struct {
	To         string           `json:"to"`
	Language   string           `json:"language,omitempty"`
	Decision   journey.Decision `json:"decision,omitempty"`
	Submission string           `json:"submission,omitempty"`
	Comment    string           `json:"comment,omitempty"`
	Lines      []string         `json:"lines,omitempty"` // to operators
}

// PrivateContext binds encrypted content to its message.
func PrivateContext(id string) string { return "mail|" + id }

// Decision is what a person is told.
type Decision struct {
	Verdict  journey.Verdict
	Revision int
	Round    int
	Kiosk    string
	Project  string
	Address  string
	Language string // BCP 47
	Comment  string // what a reviewer wrote for them; empty: nothing
}

// Decided queues a decision for the person, in the transaction that decides.
func Decided(ctx context.Context, tx *store.Tx, v *vault.Vault, newID func() string, d Decision) error {
	to := strings.TrimSpace(d.Address)
	if to == "" {
		return nil
	}
	_, err := add(ctx, tx, v, newID(), store.Mail{
		Kind: KindDecision, Submission: d.Verdict.Submission, Session: d.Verdict.Session, Kiosk: d.Kiosk, Project: d.Project, Cause: d.Verdict.Event,
		Once: once(v, to, KindDecision, d.Verdict.Submission, strconv.Itoa(d.Revision), strconv.Itoa(d.Round)),
	}, content{To: to, Language: d.Language, Decision: d.Verdict.Decision, Submission: d.Verdict.Submission, Comment: d.Comment}, d.Verdict.At)
	return err
}

// once names what a message is sent for. The address is in it by its keyed hash.
func once(v *vault.Vault, to string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append(parts, v.Hash("mail", strings.ToLower(to))), "|")))
	return hex.EncodeToString(sum[:])
}

func add(ctx context.Context, tx *store.Tx, v *vault.Vault, id string, m store.Mail, c content, now time.Time) (bool, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return false, fmt.Errorf("encode mail: %w", err)
	}
	m.ID, m.Until = id, now.Add(KeepFor)
	if m.Private, err = v.Seal(plain, PrivateContext(id)); err != nil {
		return false, fmt.Errorf("encrypt mail: %w", err)
	}
	return tx.AddMail(ctx, m, now)
}

// letterOf opens a message and writes it.
func letterOf(v *vault.Vault, m store.Mail) (to string, l Letter, err error) {
	plain, err := v.Open(m.Private, PrivateContext(m.ID))
	if err != nil {
		return "", l, &Refused{Problem: ProblemPrivate}
	}
	var c content
	if err := json.Unmarshal(plain, &c); err != nil {
		return "", l, &Refused{Problem: ProblemPrivate}
	}
	if m.Kind == KindDecision {
		l, err = result(c.Language, c.Decision, c.Comment, journey.Reference(c.Submission))
	} else {
		l, err = notice(m.Kind, c.Lines)
	}
	if err != nil {
		return "", l, &Refused{Problem: ProblemLetter}
	}
	return c.To, l, nil
}
