package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/store"
)

func TestAnErasedSubmissionSaysSoAndKeepsItsDecisionOnly(t *testing.T) {
	s := sample()
	s.rows[0].Stand, s.rows[0].Keys = store.StandErased, store.Keys{}
	delete(s.dossiers, "one")
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	s.erasures = map[string][]store.Erasure{"one": {{Submission: "one", Kind: journey.DataPictures, At: at.Add(-time.Hour)}, {Submission: "one", Kind: journey.DataPersonal, At: at}}}
	for _, part := range []string{"", "&request_type=kyc", "&request_type=data", "&request_type=aml", "&request_type=others"} {
		status, got := ask(t, s, "good", "/submission?submission_id=one"+part)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "2027-01-02T03:04:05.000Z", got["erased_at"], part)
		for _, field := range []string{"data", "image", "OCR_raw", "ocr", "review", "email", "userid", "duplicated_information", "signals"} {
			require.NotContains(t, got, field, part)
		}
	}
	_, got := ask(t, s, "good", "/submission?submission_id=one")
	kyc := got["kyc"].(map[string]any)
	require.Equal(t, "rejected", kyc["result"])
	require.Equal(t, "duplicate_user", kyc["commentCode"])
	require.NotContains(t, kyc, "attempts")
	require.NotEmpty(t, got["kyc_result_at"])
	status, list := ask(t, s, "good", "/submission?limit=5")
	require.Equal(t, http.StatusOK, status, "it does not break the lists that it is in")
	require.NotEmpty(t, list["submissions"])
}
