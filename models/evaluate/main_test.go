package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models/evaluate/figures"
)

func TestEvaluateMeasuresWhatIsThereAndSaysWhatIsNot(t *testing.T) {
	data, out := t.TempDir(), filepath.Join(t.TempDir(), "evaluate.json")
	require.NoError(t, os.MkdirAll(filepath.Join(data, "mrz"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(data, "mrz", "vectors.json"), []byte(`[
		{"src": "good", "lines": ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]},
		{"src": "wrong digit", "lines": ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C37UTO7408122F1204159ZE184226B<<<<<10"]},
		{"src": "no zone", "lines": ["P<UTO"]}]`), 0o600))
	require.NoError(t, figures.Merge(out, figures.Set{"aml.other": figures.Count(1, 1, "another command")}))
	var log bytes.Buffer
	require.NoError(t, run(context.Background(), []string{"-data", data, "-out", out, "-v", "-only", "vectors,documents,faces"}, &log))
	require.Contains(t, log.String(), "documents: left out")
	require.Contains(t, log.String(), "number digit")
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	var got figures.Set
	require.NoError(t, json.Unmarshal(b, &got))
	require.InDelta(t, 2.0/3, got["mrz.vectors_parsed"].Value, 1e-9)
	require.Equal(t, 1.0, got["mrz.vectors_valid"].Value)
	require.Contains(t, got, "aml.other")
	require.NotContains(t, got, "mrz.documents_exact", "what was not measured is not claimed")
}

func TestEvaluateWantsData(t *testing.T) {
	require.ErrorContains(t, run(context.Background(), nil, &bytes.Buffer{}), "-data")
}
