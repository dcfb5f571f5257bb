package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"vestibule/journey"
	"vestibule/server/aml"
	"vestibule/server/api"
	"vestibule/server/blobs"
	"vestibule/server/centre"
	"vestibule/server/ingest"
	"vestibule/server/review"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/seal"
)

// private opens for the API what is kept encrypted.
type private struct {
	vault *vault.Vault
	shelf *blobs.Shelf
	ring  *seal.Keyring
}

var _ api.Private = private{}

// Dossier opens a submission.
func (p private) Dossier(row store.Submission) (journey.Submission, error) {
	if row.Stand == store.StandErased {
		return journey.Submission{ID: row.ID, Session: row.Session, Kiosk: row.Kiosk, Project: row.Project, Revision: row.Revision, State: row.State}, nil
	}
	return ingest.HandedIn(p.vault, row)
}

// Comment opens what a reviewer wrote for the person.
func (p private) Comment(row store.Submission) (string, error) {
	if row.Comment == nil {
		return "", nil
	}
	plain, err := p.vault.Open(row.Comment, review.CommentContext(row.ID))
	if err != nil {
		return "", fmt.Errorf("open comment on %s: %w", row.ID, err)
	}
	return string(plain), nil
}

// EmailKey gives the key that an address is found under.
func (p private) EmailKey(email string) string {
	return p.vault.Hash("email", strings.ToLower(strings.TrimSpace(email)))
}

// UserKey gives the key that a user's id is found under.
func (p private) UserKey(user string) string { return p.vault.Hash("user", user) }

// Picture opens a sealed picture.
func (p private) Picture(row store.Submission, e store.Evidence) ([]byte, error) {
	sealed, err := p.shelf.Read(e.Blob)
	if errors.Is(err, blobs.ErrNotHere) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	plain, err := p.ring.Open(sealed, seal.InfoEvidence, seal.EvidenceAAD(row.Kiosk, row.ID, e.ID))
	if err != nil {
		return nil, fmt.Errorf("open evidence %s: %w", e.ID, err)
	}
	return plain, nil
}

// PageTag signs a place in a list: 128 bits are plenty for what is no secret.
func (p private) PageTag(text string) string { return p.vault.Hash("page", text)[:32] }

// RequestKey gives the key that opens encrypted requests. It follows from the vault's
// key, so that copies of the centre share it and nothing more has to be kept. One
// try in 2^32 is no number of the curve: the next one is.
func (p private) RequestKey() (*ecdsa.PrivateKey, error) {
	var err error
	for i := range 4 {
		var raw []byte
		if raw, err = hex.DecodeString(p.vault.Hash("request key", strconv.Itoa(i+1))); err != nil {
			break
		}
		var key *ecdsa.PrivateKey
		if key, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), raw); err == nil {
			return key, nil
		}
	}
	return nil, fmt.Errorf("make the key for requests: %w", err)
}

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
	Cleared []shownMatch `json:"cleared,omitempty"` // that somebody found to be other people
}

type shownMatch struct {
	aml.Match
	Risk    string `json:"risk"`
	Explain string `json:"explanation"` // which word matched which, and how, in a line
}

// Results opens submissions' results, and grades the matches that are red flags.
func (a answers) Results(ctx context.Context, rows []store.Submission) (map[string]store.Screening, error) {
	ids := make([]string, 0, len(rows))
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	all, err := a.Screenings(ctx, ids)
	if err != nil {
		return nil, err
	}
	flags := map[[2]string]float64{} // by project and kiosk
	for _, row := range rows {
		found, ok := all[row.ID]
		if !ok {
			continue
		}
		place := [2]string{row.Project, row.Kiosk}
		flag, ok := flags[place]
		if !ok {
			policy, err := centre.PolicyAt(ctx, a.Reader, row.Project, row.Kiosk)
			if err != nil {
				return nil, err
			}
			flag = policy.AML.Flag
			flags[place] = flag
		}
		if all[row.ID], err = a.opened(found, flag); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// opened is a result as it is shown where flag is the least score of a red flag.
func (a answers) opened(found store.Screening, flag float64) (store.Screening, error) {
	if len(found.Result) == 0 { // erased; what it came to stays
		found.Result = []byte(`{"matches":[]}`)
		return found, nil
	}
	plain, err := a.vault.Open(found.Result, centre.ScreeningContext(found.Submission))
	if err != nil {
		return found, fmt.Errorf("open screening of %s: %w", found.Submission, err)
	}
	var kept centre.Screened
	if err := json.Unmarshal(plain, &kept); err != nil {
		return found, fmt.Errorf("decode screening of %s: %w", found.Submission, err)
	}
	out := shown{Index: kept.Lists, People: kept.Entities, Matches: []shownMatch{}}
	for _, m := range kept.Matches {
		one := shownMatch{m, strings.ToUpper(centre.Risk(m, flag)), m.Explain()}
		switch {
		case m.Score < flag:
		case kept.IsCleared(m):
			out.Cleared = append(out.Cleared, one)
		default:
			out.Matches = append(out.Matches, one)
		}
	}
	found.Result, err = json.Marshal(out)
	return found, err
}
