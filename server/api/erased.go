package api

import (
	"context"
	"time"

	"vestibule/journey"
	"vestibule/server/store"
)

// erased gives what is left of a submission whose person was erased: that it was, and what it came to.
func (s server) erased(ctx context.Context, row store.Submission, b beside, part string) (*answer, error) {
	out := &answer{Submission: row.ID}
	erasures, err := s.Store.Erasures(ctx, row.ID)
	if err != nil {
		return nil, err
	}
	var at time.Time
	for _, e := range erasures {
		if e.Kind == journey.DataPersonal {
			at = e.At
		}
	}
	out.Erased = timestamp(at)
	if part == "" || part == typeKYC {
		out.KYC = kyc(row, journey.Submission{ID: row.ID}, "")
	}
	if part == "" || part == typeAML {
		if out.AML, err = b.screening(row.ID); err != nil {
			return nil, err
		}
	}
	if part != "" && part != typeOthers {
		return out, nil
	}
	out.Created, out.Updated, out.Decided, out.Pending = timestamp(row.Created), timestamp(row.Updated), timestamp(row.Decided), timestamp(row.PendingSince)
	out.Applicant = row.Applicant
	if row.Decision != "" {
		out.Reviewer = reviewerSystem
		if row.Reviewer != "" {
			out.Reviewer = reviewerAgent
		}
	}
	return out, nil
}
