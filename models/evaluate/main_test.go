package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/evaluate/report"
	"vestibule/models/mrz"
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
	require.NoError(t, run(context.Background(), []string{"-data", data, "-out", out, "-v", "-only", "vectors,documents,faces,attacks"}, &log))
	require.Contains(t, log.String(), "documents: left out")
	require.Contains(t, log.String(), "number digit")
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	var got figures.Set
	require.NoError(t, json.Unmarshal(b, &got))
	require.InDelta(t, 2.0/3, got["mrz.vectors_parsed"].Value, 1e-9)
	require.Equal(t, 1.0, got["mrz.vectors_valid"].Value)
	require.Contains(t, got, "aml.other")
	require.Less(t, got["flash.simulated_bpcer"].Value, .05)
	require.Contains(t, got["flash.simulated_bpcer"].How, "not measured on people")
	require.Equal(t, 1.0, got["injection.simulated_noticed"].Value)
	require.NotContains(t, got, "mrz.documents_exact", "what was not measured is not claimed")
	require.InDelta(t, 1.0, got["mrz.vectors_pass"].Value, 1e-9, "a wrong digit and a zone that is none are judged alike")
	page, err := os.ReadFile(strings.TrimSuffix(out, ".json") + ".html")
	require.NoError(t, err)
	require.Contains(t, string(page), "aml.other", "the page holds what other commands measured")
	require.Contains(t, string(page), "Zones as text")
}

func TestADocumentThatWentWrongIsShownWithWhatWasReadInsteadOfWhat(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 320, 200)), nil))
	f := models.Frame{Format: models.JPEG, Pix: b.Bytes()}
	lines := []string{"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"}
	wrong := []string{lines[0], "L898902C36UTO74O8122F1204159ZE184226B<<<<<10"}
	reading := func(lines []string) models.Document {
		z, err := mrz.Parse(lines)
		require.NoError(t, err)
		d := models.Document{Width: 320, Height: 200, MRZ: &z, Agreed: true}
		for _, l := range lines {
			d.Lines = append(d.Lines, models.Line{Text: l})
		}
		return d
	}
	r := &report.Report{}
	p := newDocumentPage(report.Into(context.Background(), r))
	printed := specimen{File: "a/right.jpg", Format: "TD3", Lines: lines, Valid: true}
	require.NoError(t, p.note(printed, f, reading(lines), true, true))
	printed.File = "a/wrong.jpg"
	require.NoError(t, p.note(printed, f, reading(wrong), false, false))
	printed.File = "a/none.jpg"
	require.NoError(t, p.note(printed, f, models.Document{Hint: models.HintBlur}, false, false))
	p.add()
	var page bytes.Buffer
	require.NoError(t, r.Write(&page, nil, nil, nil))
	for _, want := range []string{"got  L898902C36UTO74O8122F", "0 as O", "wrong.jpg", "hint blur", "got  nothing", ">none<"} {
		require.Contains(t, page.String(), want)
	}
	require.NotContains(t, page.String(), "right.jpg")
	require.Equal(t, 2, strings.Count(page.String(), "<img "))
}

func TestEvaluateWantsData(t *testing.T) {
	require.ErrorContains(t, run(context.Background(), nil, &bytes.Buffer{}), "-data")
}
