package contract_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/journey/contract"
)

func stored(name journey.EventName) journey.Event {
	entry, _ := journey.Lookup(name)
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	return journey.Event{
		ID: "e-1", Session: "s-1", Submission: "u-1", Kiosk: "kiosk-1", Seq: 1, Name: name,
		Source: entry.Source, Origin: entry.Emitters[0], Result: journey.Observed, Impact: journey.ImpactNone,
		Started: noon, Ended: noon, Received: noon,
	}
}

func rows(t contract.Table, part int) map[string]contract.Row {
	m := make(map[string]contract.Row)
	for _, r := range t.Parts[part].Rows {
		m[r.Name] = r
	}
	return m
}

func TestAnEmptyFolderReachesNothingOfTheWholeContract(t *testing.T) {
	table, err := contract.Merge(t.TempDir())
	require.NoError(t, err)
	assert.Equal(t, contract.Total{Reached: 0, Of: 115 + 22 + 110 + 206 + 123}, table.Total)
	var of []int
	for _, p := range table.Parts {
		of = append(of, p.Total.Of)
		assert.Zero(t, p.Total.Reached)
	}
	assert.Equal(t, []int{115, 22, 110, 206, 123}, of)
}

func TestWhatTheCentreGivesBackIsReached(t *testing.T) {
	dir := t.TempDir()
	r := contract.NewReached("TestVisit/approved")
	compare := stored(journey.EventFaceCompare)
	compare.Result, compare.Impact, compare.Code = journey.Fail, journey.ImpactRetake, journey.Step2RetryFaceCompareUnderscore
	cropped := stored(journey.EventLivenessVerification)
	cropped.Code, cropped.Detail = journey.Step2RetryLivenessError, map[string]string{journey.DetailVariant: "cropped"}
	rejected := stored(journey.EventRejected)
	rejected.Impact, rejected.Reason = journey.ImpactRejected, journey.ReasonDuplicateUser
	require.NoError(t, r.Events(compare, cropped, rejected, stored(journey.KioskPrivacyReset)))
	require.NoError(t, r.Submission(journey.Submission{
		ID: "u-1", Kiosk: "kiosk-1", Revision: 1,
		Attempts: []journey.Attempt{{Code: journey.Step1RetryGlareDetected}, {}},
		Retries:  []journey.RetryEntry{{Code: journey.Step1RetryImageTooBlurry}},
	}))
	require.NoError(t, r.Refusal(journey.Step2, []byte(`{"errorCode":"unauthorized"}`)))
	require.NoError(t, r.Refusal(journey.StepGetAnswer, []byte(`{"error":{"code":"invalid_format"}}`)))
	require.NoError(t, contract.Record(dir, r))
	require.NoError(t, contract.Record(dir, r), "twice is once")
	again := contract.NewReached("TestOther")
	require.NoError(t, again.Events(compare))
	require.NoError(t, contract.Record(dir, again))

	table, err := contract.Merge(dir)
	require.NoError(t, err)
	assert.Equal(t, []string{"TestOther", "TestVisit/approved"}, rows(table, 0)["FACE_COMPARE"].Tests)
	assert.Equal(t, []string{"TestVisit/approved"}, rows(table, 0)["REJECTED"].Tests)
	assert.False(t, rows(table, 0)["APPROVED"].Reached())
	assert.True(t, rows(table, 1)["REJECTED DUPLICATE_USER"].Reached())
	assert.Equal(t, 3, table.Parts[0].Total.Reached)
	assert.Equal(t, 1, table.Parts[1].Total.Reached)
	assert.Equal(t, 6, table.Parts[2].Total.Reached)
	assert.Equal(t, 1, table.Additions.Total.Reached)
	for _, name := range []string{
		"step2/retry/face_compare_underscore", "step1/retry/glare_detected", "step1/retry/image_too_blurry",
		"step2/error/unauthorized", "get_submission/error/invalid_format",
	} {
		assert.True(t, rows(table, 2)[name].Reached(), name)
	}
}

func TestACodeOfSeveralEntriesReachesOnlyTheOneItsVariantNames(t *testing.T) {
	dir := t.TempDir()
	r := contract.NewReached("T")
	e := stored(journey.EventAPIError)
	e.Code = journey.CodeKey{Step: journey.Step1, Kind: journey.Error, Code: "invalid_idType"}
	require.NoError(t, r.Events(e))
	require.NoError(t, contract.Record(dir, r))
	table, err := contract.Merge(dir)
	require.NoError(t, err)
	assert.Zero(t, table.Parts[2].Total.Reached)

	e.Detail = map[string]string{journey.DetailVariant: "korea"}
	require.NoError(t, r.Events(e))
	require.NoError(t, contract.Record(dir, r))
	table, err = contract.Merge(dir)
	require.NoError(t, err)
	assert.Equal(t, 1, table.Parts[2].Total.Reached)
	assert.True(t, rows(table, 2)["step1/error/invalid_idType#korea"].Reached())
}

func TestOnlyWhatHoldsSomethingInAnAnswerIsReached(t *testing.T) {
	dir := t.TempDir()
	r := contract.NewReached("T")
	require.NoError(t, r.Answer(journey.AnswerDocument, []byte(`{"data":[{
		"submission_id":"u-1",
		"data":{"first_name":"A","last_name":"","full_name":null,"cf9":"not ours"},
		"duplicated_users":[], "image":{}, "memo":{"text":""},
		"OCR_raw":{"rotate":{"value":"0"},"name":{"value":"A","score":0,"accepted":false,"coordinates":null}},
		"kyc":{"result":"rejected","commentCode":"duplicate_user","attempts":[{"attemptCnt":1,"liveness":{"score":0}}],
			"retry":[{"type":"Step1","retryCnt":1,"retryCode":"glare_detected"}]},
		"verification":{"faceAge":[{"conditionResults":[{"matchResults":{"idCardCustomMatch":{"result":true}}}]}]},
		"additional_list":[{"answer":"x"}]
	}],"nextpageKey":{"id":"u-1"}}`)))
	require.NoError(t, contract.Record(dir, r))
	table, err := contract.Merge(dir)
	require.NoError(t, err)
	var reached []string
	for _, row := range table.Parts[3].Rows {
		if row.Reached() {
			reached = append(reached, row.Name)
		}
	}
	assert.Equal(t, []string{
		"data", "data.first_name",
		"OCR_raw.rotate.value", "OCR_raw.{item}.value", "OCR_raw.{item}.score", "OCR_raw.{item}.accepted",
		"submission_id",
		"additional_list", "additional_list.answer",
		"kyc", "kyc.result", "kyc.commentCode", "kyc.attempts[i].attemptCnt", "kyc.attempts[i].liveness", "kyc.attempts[i].liveness.score",
		"verification", "verification.faceAge", "verification.faceAge[i].conditionResults",
		"verification.faceAge[i].conditionResults[j].matchResults",
		"verification.faceAge[i].conditionResults[j].matchResults.idCardCustomMatch",
		"verification.faceAge[i].conditionResults[j].matchResults.*.result",
		"kyc.retry", "kyc.retry[i].type", "kyc.retry[i].retryCnt", "kyc.retry[i].retryCode",
		"nextpageKey", "nextpageKey.id",
	}, reached)
	assert.Equal(t, 2, table.Parts[2].Total.Reached, "comment code and retry code")
	assert.Zero(t, table.Parts[4].Total.Reached, "the other variant")
}

func TestNothingIsTakenThatDidNotComeThroughTheCentre(t *testing.T) {
	r := contract.NewReached("T")
	bare := stored(journey.EventFaceCompare)
	bare.Received = time.Time{}
	require.ErrorIs(t, r.Events(bare), contract.ErrNotProven)
	require.ErrorIs(t, r.Events(journey.Event{Name: journey.EventApproved}), journey.ErrInvalidEvent)
	require.ErrorIs(t, r.Submission(journey.Submission{}), contract.ErrNotProven)
	require.ErrorIs(t, r.Answer(journey.AnswerDocument, []byte(`{"data":[]}`)), contract.ErrNotProven)
	require.Error(t, r.Answer(journey.AnswerDocument, []byte(`{`)))
	require.Error(t, r.Answer("other", []byte(`{}`)))
	require.Error(t, r.Refusal(journey.Step1, []byte(`{"errorCode":"no_such_code"}`)))
	require.Error(t, r.Refusal(journey.Step1, []byte(`[]`)))

	dir := t.TempDir()
	require.NoError(t, contract.Record(dir, r))
	table, err := contract.Merge(dir)
	require.NoError(t, err)
	assert.Zero(t, table.Total.Reached)
}

func TestNothingIsRecordedWithoutAFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, contract.Record("", contract.NewReached("T")))
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestADamagedRecordIsAnErrorThatNamesIt(t *testing.T) {
	for name, body := range map[string]string{
		"no JSON":           `{`,
		"no test":           `{"events":["FACE_COMPARE"]}`,
		"an unknown code":   `{"test":"T","codes":[{"key":{"step":"step1","kind":"retry","code":"x"}}]}`,
		"an unknown reason": `{"test":"T","grounds":[{"decision":"REJECTED","reason":"x"}]}`,
		"an unknown field":  `{"test":"T","fields":[{"variant":"id_document","path":"x"}]}`,
		"too large":         `{"test":"` + strings.Repeat("x", 9<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "bad.reached.json"), []byte(body), 0o644))
			_, err := contract.Merge(dir)
			assert.ErrorContains(t, err, "bad.reached.json")
		})
	}
	_, err := contract.Merge(filepath.Join(t.TempDir(), "absent"))
	assert.Error(t, err)
}

func TestTheTablePrintsEveryRowAndTheTotals(t *testing.T) {
	dir := t.TempDir()
	r := contract.NewReached("TestVisit")
	require.NoError(t, r.Events(stored(journey.EventFaceCompare)))
	require.NoError(t, contract.Record(dir, r))
	table, err := contract.Merge(dir)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, table.Print(&out))
	text := out.String()
	assert.Regexp(t, `(?m)^  \[x\] FACE_COMPARE +TestVisit$`, text)
	assert.Regexp(t, `(?m)^  \[ \] APPROVED$`, text)
	assert.Regexp(t, `(?m)^  the contract +1 of  576$`, text)
	lines := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "  [") {
			lines++
		}
	}
	assert.Equal(t, 576+len(journey.Additions()), lines)
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"submission_id":"u","kyc":{"retry":[{"type":"step1","retryCode":"glare_detected"}]}}`))
	f.Add([]byte(`[{"data":[[[[{"submission_id":"u"}]]]]}]`))
	f.Add([]byte(`{"submission_id":"u","a[":{"b]":[1]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := contract.NewReached("fuzz")
		if r.Answer(journey.AnswerDocument, body) != nil {
			return
		}
		dir := t.TempDir()
		if err := contract.Record(dir, r); err != nil {
			t.Fatal(err)
		}
		table, err := contract.Merge(dir)
		if err != nil {
			t.Fatalf("a record of our own is refused: %v", err)
		}
		if table.Total.Reached == 0 {
			t.Fatal("an answer with a submission reaches at least its id")
		}
	})
}

func TestPathsAreSortedAndEachOnce(t *testing.T) {
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(`{"a":[{"b":1},{"b":2,"c":[[true]]}]}`), &v))
	paths, err := contract.Paths(v)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "a[i]", "a[i].b", "a[i].c", "a[i].c[i]", "a[i].c[i][i]"}, paths)
}
