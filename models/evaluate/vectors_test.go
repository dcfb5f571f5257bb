package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
)

func TestTheOracleReadsTheStandardsOwnSpecimens(t *testing.T) {
	for name, c := range map[string]struct {
		lines  []string
		layout string
		digits map[string]string
	}{
		"9303-4 appendix B, passport": {
			[]string{"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"},
			"TD3",
			map[string]string{"number": "fits", "birth": "fits", "expiry": "fits", "optional": "fits", "composite": "fits"},
		},
		"9303-5 appendix B, card": {
			[]string{"I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"},
			"TD1",
			map[string]string{"number": "fits", "birth": "fits", "expiry": "fits", "composite": "fits"},
		},
		"9303-5 appendix B, number of more than nine characters": {
			[]string{"I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<"},
			"TD1",
			map[string]string{"number": "fits", "birth": "fits", "expiry": "fits", "composite": "fits"},
		},
		"9303-6 appendix B": {
			[]string{"I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"},
			"TD2",
			map[string]string{"number": "fits", "birth": "fits", "expiry": "fits", "composite": "fits"},
		},
		"9303-7, visa of format B": {
			[]string{"V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L8988901C4XXX4009078F9612109<<<<<<<<"},
			"MRVB",
			map[string]string{"number": "fits", "birth": "fits", "expiry": "fits"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := rule(c.lines, false)
			require.Equal(t, c.layout, r.layout)
			require.Equal(t, c.digits, r.digits)
			require.True(t, r.birth)
			require.True(t, r.expiry)
		})
	}
}

func TestTheOracleFindsWhatViolatesTheStandard(t *testing.T) {
	passport := func(second string) []string {
		return []string{"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", second}
	}
	require.Equal(t, "wrong", rule(passport("L898902C37UTO7408122F1204159ZE184226B<<<<<10"), true).digits["number"])
	require.Equal(t, "blank", rule(passport("L898902C36UTO7408122F1204159<<<<<<<<<<<<<<<4"), true).digits["optional"])
	require.Equal(t, "wrong", rule(passport("L898902C36UTO<<<<<<<F1204159<<<<<<<<<<<<<<<4"), true).digits["birth"], "only optional data may leave its digit out")
	require.False(t, rule(passport("L898902C36UTO7402302F1204159ZE184226B<<<<<10"), true).birth, "30 February")
	require.False(t, rule(passport("L898902C36UTOB408122F1204159ZE184226B<<<<<10"), true).birth, "a letter")
	require.True(t, rule(passport("L898902C36UTO74<<<<2F1204159ZE184226B<<<<<10"), false).birth, "month and day unknown")
	zeros := passport("L898902C36UTO7400002F1204159ZE184226B<<<<<10")
	require.False(t, rule(zeros, false).birth)
	require.True(t, rule(zeros, true).birth)
	require.Empty(t, rule([]string{"P<UTO"}, true).layout)
	require.Empty(t, rule([]string{"P<UTO", "x"}, true).layout)
	require.Empty(t, rule(nil, true).layout)

	french := []string{"IDFRABERTHIER<<<<<<<<<<<<<<<<<<<<<<<", "9409923102854CORINNE<<<<<<<6512068F4"}
	require.Equal(t, "FRID", rule(french, true).layout)
	require.Equal(t, map[string]string{"number": "fits", "birth": "fits", "composite": "fits"}, rule(french, true).digits)
	require.Equal(t, "TD2", rule(french, false).layout, "ICAO does not know it")
}

func TestADisagreementIsNamedFieldByField(t *testing.T) {
	lines := []string{"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"}
	require.Empty(t, rulingOf(lines).differ(rule(lines, false)))
	other := rule(lines, false)
	other.layout, other.digits["number"], other.expiry = "TD2", "wrong", false
	require.Equal(t, []string{
		"layout: TD3, by the book TD2", "number digit: fits, by the book wrong", "expiry possible: true, by the book false",
	}, rulingOf(lines).differ(other))
}

func TestALookAlikeIsJudgedAsReadButItsDateAsPrinted(t *testing.T) {
	// The digits fit for 88 and, by chance, for BB in the date alone; not for BB in the whole.
	lines := []string{"P<GBRUK<SPECIMEN<<ANGELA<ZOE<<<<<<<<<<<<<<<<", "9250764733GBRBB09117F2007162<<<<<<<<<<<<<<08"}
	require.Equal(t, "wrong", rule(lines, true).digits["composite"])
	r := ruleFor(lines)
	require.Equal(t, "fits", r.digits["composite"])
	require.False(t, r.birth)
	require.Empty(t, rulingOf(lines).differ(r), "and the parser says so too")
}

func TestAPeerThatIsNotThereIsLeftOut(t *testing.T) {
	_, _, err := npmMRZ(t.Context(), t.TempDir(), nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestAPeersAnswersAreJudgedLikeOurs(t *testing.T) {
	good := []string{"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159<<<<<<<<<<<<<<<8"}
	bad := []string{good[0], "L898902C37UTO7408122F1204159ZE184226B<<<<<10"}
	visa := []string{"V" + good[0][1:], good[1]}
	require.Equal(t, "blank", rule(good, true).digits["optional"])
	fits := `{"layout":"TD3","digits":{"number":"fits","birth":"fits","expiry":"fits","optional":"fits","composite":"fits"}}`
	list := []vector{{"a", good}, {"b", bad}, {"c", visa}}
	set, misses, err := judgeNPM(list, []byte("["+fits+","+fits+`,{"layout":"","digits":{}}]`), "0.0.1")
	require.NoError(t, err)
	require.InDelta(t, 1.0/3, set["mrz.vectors_pass_peer_npm_mrz"].Value, 1e-9)
	require.Len(t, misses.Rows, 2)
	require.Contains(t, misses.Rows[0][2], "number digit: fits, by the book wrong")
	require.Contains(t, misses.Rows[1][2], "layout: none, by the book MRVA")
	_, _, err = judgeNPM(list, []byte("["+fits+"]"), "")
	require.ErrorContains(t, err, "1 of 3")
	_, _, err = judgeNPM(list, []byte("oops"), "")
	require.Error(t, err)
}

// found is an engine that has found two lines in every picture.
type found struct {
	models.Engine
	lines []string
}

func (f found) ReadDocument(context.Context, []models.Frame) (models.Document, error) {
	d := models.Document{Width: 320, Height: 200}
	for i, l := range f.lines {
		y := .5 + .2*float64(i)
		d.Lines = append(d.Lines, models.Line{Text: l, At: models.Quad{{X: .1, Y: y}, {X: .9, Y: y}, {X: .9, Y: y + .1}, {X: .1, Y: y + .1}}})
	}
	return d, nil
}

func TestTesseractIsGivenTheLinesThatWereFound(t *testing.T) {
	data, bin := t.TempDir(), t.TempDir()
	t.Setenv("PATH", bin)
	_, err := tesseract(t.Context(), found{}, data, io.Discard)
	require.ErrorIs(t, err, fs.ErrNotExist, "without the program the part is left out")

	// A stand-in that reads the same line, with the spaces and the page's end that Tesseract adds.
	script := "#!/bin/sh\ncase \"$1\" in --version) echo tesseract 0.1; exit;; esac\n[ -s \"$1\" ] || exit 1\nprintf 'P<UTO ERIKSSON\\n\\f'\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "tesseract"), []byte(script), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(data, "documents"), 0o755))
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 320, 200))))
	require.NoError(t, os.WriteFile(filepath.Join(data, "documents", "a.png"), b.Bytes(), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(data, "documents", "manifest.json"), []byte(`[
		{"file": "a.png", "mrz": ["P<UTOERIKSSON", "L898902C36UTO"]},
		{"file": "a.png", "mrz": ["one", "two", "three"]}]`), 0o600))
	set, err := tesseract(t.Context(), found{lines: []string{"P<UTOERIKSSON", "L898902C36UTO"}}, data, io.Discard)
	require.NoError(t, err)
	require.Equal(t, figures.Share(1, 2, "").Value, set["mrz.lines_exact_peer_tesseract"].Value)
	require.Equal(t, 2, set["mrz.lines_exact_peer_tesseract"].N, "a document whose lines were not found is left out")
	require.Equal(t, 1.0, set["mrz.lines_exact_located"].Value)
	require.Contains(t, set["mrz.lines_exact_peer_tesseract"].How, "tesseract 0.1")
}

func TestALineIsCutOutUprightFromASlantedPlace(t *testing.T) {
	// White, with a black bar that leans: its cut-out is dark all along its middle.
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(255, 255, 255, 0), 200, 400, gocv.MatTypeCV8UC3)
	defer m.Close()
	gocv.Line(&m, image.Pt(40, 60), image.Pt(360, 120), color.RGBA{}, 20)
	at := models.Quad{{X: .1, Y: .2}, {X: .9, Y: .5}, {X: .9, Y: .7}, {X: .1, Y: .4}}
	b, err := cutLine(m, at)
	require.NoError(t, err)
	p, err := png.Decode(bytes.NewReader(b))
	require.NoError(t, err)
	require.Equal(t, cropHeight+2*cropMargin, p.Bounds().Dy())
	for x := cropMargin + 8; x < p.Bounds().Dx()-cropMargin-8; x += 20 {
		r, _, _, _ := p.At(x, p.Bounds().Dy()/2).RGBA()
		require.Less(t, r>>8, uint32(100), "column %d", x)
	}
	_, err = cutLine(m, models.Quad{})
	require.Error(t, err)
	_, err = cutLine(m, models.Quad{{X: math.NaN()}})
	require.Error(t, err)
	_, err = cutLine(gocv.NewMat(), at)
	require.ErrorIs(t, err, models.ErrFrame)
}
