package main

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey/contract"
)

func TestTheTableIsPrintedForPeopleAndForMachines(t *testing.T) {
	dir := t.TempDir()
	var text, machine bytes.Buffer
	require.NoError(t, run([]string{dir}, &text, io.Discard))
	assert.Contains(t, text.String(), "totals")
	require.NoError(t, run([]string{"-json", dir}, &machine, io.Discard))
	var table contract.Table
	require.NoError(t, json.Unmarshal(machine.Bytes(), &table))
	assert.Equal(t, 576, table.Total.Of)
}

func TestTheFolderMustBeNamedAndExist(t *testing.T) {
	assert.ErrorContains(t, run(nil, io.Discard, io.Discard), "name the folder")
	assert.Error(t, run([]string{t.TempDir() + "/absent"}, io.Discard, io.Discard))
	assert.Error(t, run([]string{"-what"}, io.Discard, io.Discard))
}
