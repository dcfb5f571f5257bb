package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// labelled makes a small set in the layout that evaluate reads, with invented people.
func labelled(t *testing.T) string {
	t.Helper()
	data := t.TempDir()
	dir := filepath.Join(data, "aml")
	require.NoError(t, os.Mkdir(dir, 0o755))
	for from, to := range map[string]string{
		"sdn.csv": "ofac_sdn.csv", "alt.csv": "ofac_alt.csv", "add.csv": "ofac_add.csv", "sdn_comments.csv": "ofac_sdn_comments.csv", "un.xml": "UN_consolidated.xml",
	} {
		b, err := os.ReadFile(filepath.Join("../../../testdata/aml", from))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, to), b, 0o644))
	}
	queries := `{"cls":"exact","src":"us_ofac","name":"Kasimir Ondrej Vorenthal","dob":"1961-03-12","exp":["9001"]}
{"cls":"exact","src":"un_csl","name":"Gaspard Ndolombayi","dob":"","exp":["TEi.002"]}
{"cls":"lost","src":"us_ofac","name":"Completely Different","dob":"","exp":["9001"]}
` + strings.Repeat(`{"cls":"neg","src":"","name":"Maria Schmidt","dob":"1990-01-01","exp":[]}`+"\n", 10)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "queries.jsonl"), []byte(queries), 0o644))
	pairs := "schema,name1,name2,is_match\nPerson,John Smith,\"Smith, John\",true\nPerson,John Smith,John Miller,false\nCompany,A,B,true\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nk_name_pairs.csv"), []byte(pairs), 0o644))
	return data
}

func TestFiguresAreMeasuredAndAdded(t *testing.T) {
	out := filepath.Join(t.TempDir(), "evaluate.json")
	require.NoError(t, os.WriteFile(out, []byte(`{"other":{"value":1}}`), 0o644))
	var text bytes.Buffer
	require.NoError(t, run([]string{"-data", labelled(t), "-out", out, "-classes"}, &text, io.Discard))
	assert.Regexp(t, `lost +1  name only 0.000`, text.String())
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	var figures map[string]struct {
		Value float64
		Unit  string
		N     int
		How   string
	}
	require.NoError(t, json.Unmarshal(b, &figures))
	assert.Contains(t, figures, "other")
	assert.InDelta(t, 2./3, figures["aml.recall_at_fpr1_name"].Value, 1e-9)
	assert.InDelta(t, 2./3, figures["aml.recall_at_fpr1_dob"].Value, 1e-9)
	assert.InDelta(t, 2./3, figures["aml.recall_at_flag"].Value, 1e-9)
	assert.Equal(t, 3, figures["aml.recall_at_fpr1_name"].N)
	assert.Equal(t, 1., figures["aml.pairs_auc"].Value)
	assert.Equal(t, 2, figures["aml.pairs_auc"].N)
	assert.Equal(t, 9., figures["aml.people_indexed"].Value)
	assert.Positive(t, figures["aml.cpu_ms_per_query"].Value)
	assert.NotEmpty(t, figures["aml.recall_at_fpr1_name"].How)
}

func TestASetWithoutListsIsSaidAndNotMeasured(t *testing.T) {
	var said bytes.Buffer
	out := filepath.Join(t.TempDir(), "evaluate.json")
	require.NoError(t, run([]string{"-data", t.TempDir(), "-out", out}, io.Discard, &said))
	assert.Contains(t, said.String(), "not measured")
	assert.NoFileExists(t, out)
}

func TestADamagedSetIsAnError(t *testing.T) {
	for name, content := range map[string]string{
		"queries.jsonl":       "{",
		"nk_name_pairs.csv":   "a,b\n1,2\n",
		"UN_consolidated.xml": "<x>",
	} {
		data := labelled(t)
		require.NoError(t, os.WriteFile(filepath.Join(data, "aml", name), []byte(content), 0o644))
		assert.ErrorContains(t, run([]string{"-data", data}, io.Discard, io.Discard), name)
	}
	assert.ErrorContains(t, run(nil, io.Discard, io.Discard), "-data")
}
