package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models"
)

func TestFieldsAreRightWhenTheirPlaceReadsAsPrinted(t *testing.T) {
	s := specimen{Lines: []string{"P<UTOA<<B", "123456789"}}
	d := models.Document{
		Lines: []models.Line{{Text: "P<UTOA<<B"}, {Text: "123450789"}},
		Fields: []models.ZoneField{
			{Line: 0, Start: 0, End: 2, Confidence: 99, Agreed: true},
			{Line: 1, Start: 0, End: 3, Confidence: 96},
			{Line: 1, Start: 3, End: 7, Confidence: 97, Agreed: true},
			{Line: 1, Start: 5, End: 12, Confidence: 10},
			{Line: 2, Start: 0, End: 1, Confidence: 20},
		},
	}
	var tally fieldTally
	tally.note(d, s)
	require.Equal(t, fieldTally{right: []float64{99, 96}, wrong: []float64{97, 10, 20}, alike: 2, alikeWrong: 1, sure: 3, sureWrong: 1}, tally)
	d.Lines[0].Text += "<"
	require.False(t, printedAlike(d.Fields[0], d, s), "a line of another layout")
	var both fieldTally
	both.add(tally)
	both.add(tally)
	require.Len(t, both.wrong, 6)
	require.Equal(t, 2, both.sureWrong)
}
