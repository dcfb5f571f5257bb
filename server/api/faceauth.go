package api

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/store"
)

// Why a face cannot be compared. Config.FaceAuth wraps them.
var (
	ErrNoFace  = errors.New("no face is kept of this person")
	ErrOldFace = errors.New("the face that is kept was measured by another network")
	ErrBusy    = errors.New("pictures cannot be read now")
)

// FaceAuth is how a picture compares with a known person's face.
type FaceAuth struct {
	Match                         bool
	Code                          journey.CodeKey // why not
	Variant                       string
	Reason                        journey.Reason // where the contract has one for it
	Similarity, Liveness, Quality float64        // 0..100
	Compared                      bool           // false: there was no face to measure
	Started, Ended                time.Time
}

// faceAuthAnswer tells the description what the answer can be: a submission in the
// contract's knowledge-based shape.
type faceAuthAnswer struct{}

// JSONSchemaAnyOf gives the types.
func (faceAuthAnswer) JSONSchemaAnyOf() []any { return []any{answer{}, encryptedAnswer{}} }

// usersMost is how many of a user's submissions are looked through for an approved one.
const usersMost = 100

func errBusy() *fault {
	return &fault{
		Status: http.StatusServiceUnavailable, Key: journey.AnswerErrorProcessingError,
		Hint: "pictures cannot be read at the moment; try again", Retry: time.Second,
	}
}

// faceAuth answers /faceauth. Whom the key may not see, whom nobody approved and whom
// nobody knows are answered alike.
func (s server) faceAuth(ctx context.Context, c call) (any, error) {
	if s.FaceAuth == nil {
		return nil, errBusy()
	}
	text := c.values["image"]
	if text == "" {
		return nil, &fault{Status: http.StatusBadRequest, Key: journey.AnswerErrorMissingData, Hint: "send the selfie in image"}
	}
	picture, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(picture) == 0 || len(picture) > maxPicture {
		return nil, badFormat("image", "a JPEG of at most 4 MB, in base64")
	}
	row, err := s.knownPerson(ctx, c)
	if err != nil {
		return nil, err
	}
	got, err := s.FaceAuth(ctx, row, picture)
	said := "not possible"
	switch {
	case err != nil:
	case got.Match:
		said = "match"
	default:
		said = got.Code.Code
	}
	// No score: whoever may read the audit need not be able to tell how near somebody came.
	if noted := s.Audit(ctx, "api key "+c.key.ID, "face auth: "+said, row.ID); noted != nil {
		return nil, noted
	}
	switch {
	case errors.Is(err, ErrNoFace):
		return nil, errHidden()
	case errors.Is(err, ErrOldFace):
		return nil, &fault{Status: http.StatusConflict, Key: journey.AnswerErrorProcessingError, Hint: "the networks were exchanged since; the person has to be verified once more"}
	case errors.Is(err, ErrBusy):
		return nil, errBusy()
	case err != nil:
		return nil, err
	}
	return shapeFaceAuth(row, c.values["userid"], got), nil
}

// knownPerson finds the submission whose face is compared with.
func (s server) knownPerson(ctx context.Context, c call) (store.Submission, error) {
	id, user := c.values["submission_id"], c.values["userid"]
	switch {
	case id == "" && user == "":
		return store.Submission{}, &fault{Status: http.StatusBadRequest, Key: journey.AnswerErrorMissingData, Hint: "say whom to compare with: submission_id or userid"}
	case id != "" && user != "":
		return store.Submission{}, badFormat("userid", "give submission_id or userid, not both")
	case id != "":
		return s.visible(ctx, c.key, id)
	}
	rows, err := s.Store.Submissions(ctx, store.SubmissionFilter{Project: c.key.Project, UserKey: s.Private.UserKey(user), Limit: usersMost})
	if err != nil {
		return store.Submission{}, err
	}
	for _, row := range rows {
		if row.Decision == journey.Approved {
			return row, nil
		}
	}
	return store.Submission{}, errHidden()
}

// meaningOf says what a reason of a rejection means; empty for none.
func meaningOf(reason journey.Reason) string {
	for _, r := range journey.Reasons() {
		if r.Decision == journey.Rejected && r.Reason == reason {
			return r.Meaning
		}
	}
	return ""
}

// shapeFaceAuth tells a comparison in the contract's knowledge-based shape.
func shapeFaceAuth(row store.Submission, user string, got FaceAuth) *answer {
	camera := answerCamera{Type: string(journey.KnowledgePassive), Started: timestamp(got.Started), Ended: timestamp(got.Ended)}
	attempt := answerAttempt{Count: 1, Step2First: timestamp(got.Started)}
	if got.Compared {
		attempt.Similarity, attempt.Liveness = &got.Similarity, &got.Liveness
		attempt.Detail = &answerLiveness{got.Liveness, got.Liveness / 100, got.Quality}
	}
	kyc := &answerKYC{Result: resultApproved}
	if !got.Match {
		kyc.Result, kyc.Comment = resultRejected, meaningOf(got.Reason)
		camera.Error = &got.Code.Code
		said, _ := journey.LookupVariant(got.Code, got.Variant)
		if got.Code.Kind == journey.Error {
			attempt.ErrorCode, attempt.ErrorMessage = got.Code.Code, said.Text(nil)
		} else {
			attempt.RetryCode, attempt.RetryMessage = got.Code.Code, said.Text(nil)
		}
	}
	kyc.Attempts = []answerAttempt{attempt}
	return &answer{
		Submission: row.ID, UserID: user, Reviewer: reviewerSystem, Created: timestamp(got.Started), Decided: timestamp(got.Ended),
		KYC: kyc, Signals: &answerSignals{Camera: []answerCamera{camera}},
	}
}
