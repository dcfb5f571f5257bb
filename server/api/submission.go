package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"vestibule/journey"
	"vestibule/server/store"
)

// pageKey leads to the next page.
type pageKey struct {
	ID      string `json:"id"`
	Created string `json:"created_at"`
}

// submission answers GET /submission: one, or a list.
func (s server) submission(r *http.Request) (any, error) {
	q, bad := parseQuery(r.URL.Query())
	if bad != nil {
		return nil, bad
	}
	ctx := r.Context()
	if q.Submission != "" {
		row, err := s.Store.Submission(ctx, q.Submission)
		if errors.Is(err, store.ErrNotFound) {
			return nil, &fault{Status: http.StatusNotFound, Key: journey.AnswerErrorMissingData, Hint: "no submission has this submission_id"}
		}
		if err != nil {
			return nil, err
		}
		return s.shape(ctx, row, q.Type)
	}
	f := store.SubmissionFilter{From: q.From, To: q.To, Before: q.After, BeforeID: q.AfterID, Limit: q.Limit + 1}
	if q.Email != "" {
		f.EmailKey = s.Private.EmailKey(q.Email)
	}
	if q.UserID != "" {
		f.UserKey = s.Private.UserKey(q.UserID)
	}
	rows, err := s.Store.Submissions(ctx, f)
	if err != nil {
		return nil, err
	}
	out := struct {
		Submissions []*answer `json:"submissions"`
		Next        *pageKey  `json:"nextpageKey,omitempty"`
	}{Submissions: []*answer{}}
	if len(rows) > q.Limit { // the one too many tells that there is another page
		rows = rows[:q.Limit]
		last := rows[len(rows)-1]
		out.Next = &pageKey{last.ID, exact(last.Created)}
	}
	for _, row := range rows {
		one, err := s.shape(ctx, row, q.Type)
		if err != nil {
			return nil, err
		}
		out.Submissions = append(out.Submissions, one)
	}
	return out, nil
}

// shape gives one submission, or the part of it that was asked for.
func (s server) shape(ctx context.Context, row store.Submission, part string) (*answer, error) {
	d, err := s.Private.Dossier(row)
	if err != nil {
		return nil, err
	}
	whole := answer{}
	whole.personal(d)
	whole.rest(d)
	out := &answer{Submission: row.ID}
	if part == "" || part == typeData {
		out.Data = whole.Data
	}
	if part == "" || part == typeKYC {
		out.KYC = kyc(row, d)
	}
	if part == "" || part == typeAML {
		if out.AML, err = s.screening(ctx, row.ID); err != nil {
			return nil, err
		}
	}
	if part != "" && part != typeOthers {
		return out, nil
	}
	out.Image, out.OCRRaw, out.OCR, out.Review = whole.Image, whole.OCRRaw, whole.OCR, whole.Review
	out.Email, out.UserID, out.TokenID = whole.Email, whole.UserID, whole.TokenID
	out.Recognition, out.Signals, out.IDLiveness = whole.Recognition, whole.Signals, whole.IDLiveness
	out.Applicant = row.Applicant
	out.Created, out.Updated, out.Decided, out.Pending = timestamp(row.Created), timestamp(row.Updated), timestamp(row.Decided), timestamp(row.PendingSince)
	if row.Decided.After(row.Updated) {
		out.Updated = out.Decided
	}
	if row.Decision != "" {
		out.Reviewer = reviewerSystem
	}
	if row.Keys.PII != "" {
		out.DuplicateKey = strings.TrimSuffix(row.Keys.PIIVersion, ":") + ":" + row.Keys.PII
		same, err := s.Store.Same(ctx, row.Project, store.ByPII, row.Keys.PII, row.ID)
		if err != nil {
			return nil, err
		}
		for _, other := range same {
			out.DuplicatedUsers = append(out.DuplicatedUsers, other.ID)
		}
	}
	out.DuplicatedFaces, err = s.sameFaces(ctx, row)
	return out, err
}
