package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"vestibule/journey"
	"vestibule/server/store"
)

// Parts of an answer that request_type can select.
const (
	typeKYC    = "kyc"
	typeAML    = "aml"
	typeData   = "data"
	typeOthers = "others"
)

// submissionList is a page of submissions.
type submissionList struct {
	Submissions []*answer `json:"submissions" required:"true"`
	Next        *pageKey  `json:"nextpageKey,omitempty"`
}

// submissionAnswer is what the contract's one address answers with.
type submissionAnswer struct{}

// JSONSchemaAnyOf tells the description what the answer can be.
func (submissionAnswer) JSONSchemaAnyOf() []any {
	return []any{answer{}, submissionList{}, encryptedAnswer{}}
}

// errHidden says that nothing is there that this key may see.
func errHidden() *fault {
	return &fault{Status: http.StatusNotFound, Key: journey.AnswerErrorMissingData, Hint: "nothing is here under this id, or it has not arrived yet"}
}

// visible gives a submission that a key may see. One of another project is answered
// exactly like one that is not there.
func (s server) visible(ctx context.Context, key store.APIKey, id string) (store.Submission, error) {
	row, err := s.Store.Submission(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && key.Project != "" && row.Project != key.Project {
		return store.Submission{}, errHidden()
	}
	return row, err
}

// submission answers /submission: one, or a list.
func (s server) submission(ctx context.Context, c call) (any, error) {
	scope := scopeOf("submission", c.key.Project, c.values)
	p, err := s.parsePage(scope, c.values)
	if err != nil {
		return nil, err
	}
	part := c.values["request_type"]
	if id := c.values["submission_id"]; id != "" {
		row, err := s.visible(ctx, c.key, id)
		if err != nil {
			return nil, err
		}
		return s.one(ctx, row, part)
	}
	f := store.SubmissionFilter{Project: c.key.Project, From: p.From, To: p.To, Before: p.After, BeforeID: p.AfterID, Limit: p.Limit + 1}
	if v := c.values["email"]; v != "" {
		f.EmailKey = s.Private.EmailKey(v)
	}
	if v := c.values["userid"]; v != "" {
		f.UserKey = s.Private.UserKey(v)
	}
	rows, err := s.Store.Submissions(ctx, f)
	if err != nil {
		return nil, err
	}
	out := submissionList{Submissions: make([]*answer, 0, len(rows))}
	if len(rows) > p.Limit { // the one too many tells that there is another page
		rows = rows[:p.Limit]
		last := rows[len(rows)-1]
		out.Next = s.next(scope, last.ID, last.Created)
	}
	b, err := s.beside(ctx, rows, part)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		one, err := s.shape(ctx, row, b, part)
		if err != nil {
			return nil, err
		}
		out.Submissions = append(out.Submissions, one)
	}
	return out, nil
}

// one gives one submission, or the part of it that was asked for.
func (s server) one(ctx context.Context, row store.Submission, part string) (*answer, error) {
	b, err := s.beside(ctx, []store.Submission{row}, part)
	if err != nil {
		return nil, err
	}
	return s.shape(ctx, row, b, part)
}

// shape gives one submission of those that b was looked up for.
func (s server) shape(ctx context.Context, row store.Submission, b beside, part string) (*answer, error) {
	if row.Stand == store.StandErased {
		return s.erased(ctx, row, b, part)
	}
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
		comment, err := s.Private.Comment(row)
		if err != nil {
			return nil, err
		}
		out.KYC = kyc(row, d, comment)
	}
	if part == "" || part == typeAML {
		if out.AML, err = b.screening(row.ID); err != nil {
			return nil, err
		}
	}
	if part != "" && part != typeOthers {
		return out, nil
	}
	out.Image, out.OCRRaw, out.OCR, out.Review = whole.Image, whole.OCRRaw, whole.OCR, whole.Review
	out.Email, out.UserID, out.TokenID = whole.Email, whole.UserID, whole.TokenID
	out.Recognition, out.Signals, out.IDLiveness = whole.Recognition, whole.Signals, whole.IDLiveness
	out.Verification = whole.Verification
	out.times(row)
	if row.Keys.PII != "" {
		out.DuplicateKey = strings.TrimSuffix(row.Keys.PIIVersion, ":") + ":" + row.Keys.PII
	}
	if variantOf(d) == journey.AnswerKnowledge {
		return out, nil // the contract has neither the applicant nor duplicates there
	}
	out.Applicant = row.Applicant
	out.DuplicatedUsers = b.same[row.ID]
	out.DuplicatedFaces, err = b.sameFaces(row.Session)
	return out, err
}

// times fills when what happened to a submission, and who decided.
func (a *answer) times(row store.Submission) {
	a.Created, a.Updated, a.Decided, a.Pending = timestamp(row.Created), timestamp(row.Updated), timestamp(row.Decided), timestamp(row.PendingSince)
	if row.Decided.After(row.Updated) {
		a.Updated = a.Decided
	}
	if row.Decision != "" {
		a.Reviewer = reviewerSystem
		if row.Reviewer != "" {
			a.Reviewer = reviewerAgent
		}
	}
}
