package source_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/server/aml/source"
)

func TestWhatAnEntryHasBeyondABoundIsLeftOutAndCounted(t *testing.T) {
	dir := copied(t)
	var alt strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&alt, "9001,%d,\"aka\",\"NAME %d\",-0- \n", i, i)
	}
	fmt.Fprintf(&alt, "9002,1,\"aka\",\"%s\",-0- \n", strings.Repeat("A", 2000))
	write(t, dir, "alt.csv", alt.String())
	l, err := source.Load(source.OFACCSV, dir, "")
	require.NoError(t, err)
	assert.Len(t, entity(t, l, "9001").Names, 200)
	assert.Len(t, entity(t, l, "9002").Names, 1)
	assert.ElementsMatch(t, []string{
		"left out 1 times: names of more than 1024 bytes (entry 9002)",
		"left out 4802 times: names beyond 200 of one entry (entry 9001)",
	}, l.Warnings)
}

func TestARecordWithoutAnEndIsRefusedBeforeItFillsTheMemory(t *testing.T) {
	dir := copied(t)
	write(t, dir, "un.xml", "<CONSOLIDATED_LIST><INDIVIDUAL>"+strings.Repeat("<INDIVIDUAL_ALIAS/>", 5<<20/19)+"</INDIVIDUAL></CONSOLIDATED_LIST>")
	_, err := source.Load(source.UNXML, filepath.Join(dir, "un.xml"), "")
	require.ErrorIs(t, err, source.ErrTooLarge)

	write(t, dir, "alt.csv", "9001,1,\"aka\",\""+strings.Repeat("A\n", 5<<19)+"\",-0- \n")
	_, err = source.Load(source.OFACCSV, dir, "")
	require.ErrorIs(t, err, source.ErrTooLarge)

	write(t, dir, "un.xml", "<CONSOLIDATED_LIST>"+strings.Repeat("<A>", 100))
	_, err = source.Load(source.UNXML, filepath.Join(dir, "un.xml"), "")
	require.ErrorContains(t, err, "deep")
}

func TestAListIsNeverCalledLikeAnother(t *testing.T) {
	_, err := source.Load(source.UNXML, filepath.Join(fixtures, "un.xml"), "mine")
	assert.ErrorIs(t, err, source.ErrName)
	_, err = source.Load(source.UNXML, filepath.Join(fixtures, "un.xml"), "un_sc")
	assert.NoError(t, err)
}
