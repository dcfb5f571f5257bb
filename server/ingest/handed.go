package ingest

import (
	"fmt"

	"vestibule/journey"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/wire"
)

// HandedIn opens the encrypted copy of what somebody handed in. Of an erased person there is none, and that is an error.
func HandedIn(v *vault.Vault, row store.Submission) (journey.Submission, error) {
	var s journey.Submission
	plain, err := v.Open(row.Private, PrivateContext(row.ID))
	if err != nil {
		return s, fmt.Errorf("open submission %s: %w", row.ID, err)
	}
	if err := wire.Unmarshal(plain, &s); err != nil {
		return s, fmt.Errorf("decode submission %s: %w", row.ID, err)
	}
	return s, nil
}
