package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"vestibule/journey"
	"vestibule/server/aml"
	"vestibule/server/api"
	"vestibule/server/centre"
	"vestibule/server/ingest"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/wire"
)

// private opens for the API what is kept encrypted.
type private struct{ vault *vault.Vault }

var _ api.Private = private{}

// Dossier opens a submission.
func (p private) Dossier(row store.Submission) (journey.Submission, error) {
	var s journey.Submission
	plain, err := p.vault.Open(row.Private, ingest.PrivateContext(row.ID))
	if err != nil {
		return s, fmt.Errorf("open submission %s: %w", row.ID, err)
	}
	if err := wire.Unmarshal(plain, &s); err != nil {
		return s, fmt.Errorf("decode submission %s: %w", row.ID, err)
	}
	return s, nil
}

// EmailKey gives the key that an address is found under.
func (p private) EmailKey(email string) string {
	return p.vault.Hash("email", strings.ToLower(strings.TrimSpace(email)))
}

// UserKey gives the key that a user's id is found under.
func (p private) UserKey(user string) string { return p.vault.Hash("user", user) }

// answers is the database as the API reads it: screening results are opened.
type answers struct {
	store.Reader
	vault *vault.Vault
}

var _ api.Store = answers{}

// shown is a screening result as the API shows it.
type shown struct {
	Index   string       `json:"index"` // engine and snapshots
	People  int          `json:"people"`
	Matches []shownMatch `json:"matches"`
}

type shownMatch struct {
	aml.Match
	Risk string `json:"risk"`
}

// Screening opens a submission's result, and grades the matches that are red flags.
func (a answers) Screening(ctx context.Context, submission string) (store.Screening, error) {
	found, err := a.Reader.Screening(ctx, submission)
	if err != nil {
		return found, err
	}
	plain, err := a.vault.Open(found.Result, centre.ScreeningContext(submission))
	if err != nil {
		return found, fmt.Errorf("open screening of %s: %w", submission, err)
	}
	var kept centre.Screened
	if err := json.Unmarshal(plain, &kept); err != nil {
		return found, fmt.Errorf("decode screening of %s: %w", submission, err)
	}
	row, err := a.Submission(ctx, submission)
	if err != nil {
		return found, err
	}
	policy, err := centre.Policy(ctx, a.Reader, row.Project)
	if err != nil {
		return found, err
	}
	out := shown{Index: kept.Lists, People: kept.Entities, Matches: []shownMatch{}}
	for _, m := range kept.Matches {
		if m.Score >= policy.AML.Flag {
			out.Matches = append(out.Matches, shownMatch{m, strings.ToUpper(centre.Risk(m.Score, policy.AML.Flag))})
		}
	}
	found.Result, err = json.Marshal(out)
	return found, err
}
