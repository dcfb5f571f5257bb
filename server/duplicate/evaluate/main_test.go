package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models/evaluate/figures"
)

const people = `rec_id, given_name, surname, date_of_birth, soc_sec_id
rec-1-org, anna maria, eriksson, 19740812, 1111111
rec-1-dup-0, anna maria, erikson, 19740812, 2222222
rec-1-dup-1, x, y, , 3333333
rec-2-org, chidi, okonkwo, 19800130, 4444444
rec-3-org, anna, eriksson, 19740812, 5555555
`

func TestPairsAreCountedOnceAndWrongOnesToo(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "aml"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "aml", "febrl_dataset9.csv"), []byte(people), 0o600))
	out := filepath.Join(dir, "evaluate.json")
	var said bytes.Buffer
	require.NoError(t, run([]string{"-data", dir, "-out", out, "-v"}, &bytes.Buffer{}, &said))
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	set := figures.Set{}
	require.NoError(t, json.Unmarshal(b, &set))
	require.Equal(t, 3, set["duplicates.febrl_recall"].N)
	require.InDelta(t, 1./3, set["duplicates.febrl_recall"].Value, 1e-9)
	require.InDelta(t, 2, set["duplicates.febrl_false_pairs"].Value, 1e-9, "her namesake of the same day, twice")
	require.Contains(t, said.String(), "wrong: rec-1-org and rec-3-org")
	require.Contains(t, said.String(), "missed: rec-1-org and rec-1-dup-1")
}

func TestWithoutPeopleNothingIsMeasuredAndAFileThatIsNoneIsRefused(t *testing.T) {
	dir := t.TempDir()
	var said bytes.Buffer
	require.NoError(t, run([]string{"-data", dir}, &bytes.Buffer{}, &said))
	require.Contains(t, said.String(), "not measured")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "aml"), 0o700))
	for name, text := range map[string]string{"empty": "", "other columns": "a,b\n1,2\n", "no id": "rec_id,given_name,surname,date_of_birth,soc_sec_id\nx,a,b,,1\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "aml", "febrl_dataset1.csv"), []byte(text), 0o600))
		require.Error(t, run([]string{"-data", dir}, &bytes.Buffer{}, &said), name)
	}
}
