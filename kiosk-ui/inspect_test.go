package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	print "vestibule/hardware/rig"
	"vestibule/models"
	"vestibule/models/inspect"
)

// passportFile prints a passport of Utopia into a PNG: the specimen of ICAO 9303-4
// appendix B, with a check digit that does not fit.
func passportFile(t *testing.T) string {
	t.Helper()
	printer, err := print.NewPrinter("")
	require.NoError(t, err)
	face := image.NewRGBA(image.Rect(0, 0, 300, 360))
	draw.Draw(face, face.Rect, image.White, image.Point{}, draw.Src)
	m, err := printer.Front(print.Document{
		Size: print.TD3, State: "UTOPIA", StateCode: "UTO", Title: "PASSPORT", TypeCode: "P",
		Portrait: print.Portrait{Image: face, Face: image.Rect(90, 105, 210, 250)},
		Surname:  "ERIKSSON", GivenNames: "ANNA MARIA", Nationality: "UTOPIAN", BirthDate: "12 AUG 74", Sex: "F",
		Number: "L898902C3", IssueDate: "16 APR 07", ExpiryDate: "15 APR 12", Authority: "PASSPORT OFFICE",
		MRZ: []string{"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C37UTO7408122F1204159ZE184226B<<<<<10"},
	}, 9)
	require.NoError(t, err)
	table := image.NewRGBA(image.Rect(0, 0, m.Rect.Dx()+160, m.Rect.Dy()+120))
	draw.Draw(table, table.Rect, image.Black, image.Point{}, draw.Src)
	draw.Draw(table, m.Rect.Add(image.Pt(80, 60)), m, image.Point{}, draw.Over)
	return pngFile(t, table)
}

func pngFile(t *testing.T, m image.Image) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	name := filepath.Join(t.TempDir(), "picture.png")
	require.NoError(t, os.WriteFile(name, b.Bytes(), 0o600))
	return name
}

// The account of that passport; every # is a measured figure.
const inspected = `picture.png: RGB, # × # pixels, # kB

Document
  kind           TD3, code P, issuer UTO
  outline        # × # pixels, # % of the picture
  scale          # pixels a millimetre
  turn           #° clockwise makes it upright
  line 1         P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<  # % sure
  line 2         L898902C37UTO7408122F1204159ZE184226B<<<<<10  # % sure
  code           P; # % sure
  issuer         UTO; # % sure
  family name    ERIKSSON; # % sure
  given names    ANNA MARIA; # % sure
  number         L898902C3; DIGIT DOES NOT FIT; # % sure
  nationality    UTO; # % sure
  birth          1974-08-12; digit fits; # % sure
  sex            female; # % sure
  expiry         2012-04-15; digit fits; # % sure
  optional       ZE184226B; digit fits; # % sure
  composite      DIGIT DOES NOT FIT; # % sure
  second reader  read exactly the same
  recognition    # of 100
  quality        sharpness #, no glare #, exposure #, colour # (of 100); mean brightness # of 255
  portrait       not found

Checks
  KIOSK_IMAGE_QUALITY_CHECK      pass     colour=#  exposure=#  flat=#  glare=#  inside=#  sharpness=#  uncovered=#
  ID_RECOGNITION                 fail     step1/error/invalid_id_image  layout=TD3  pixelsPerMM=#  portrait=none
  RECOGNITION_SCORE_EVALUATION   pass     atLeast=60.0  score=#
  MRZ_VALIDATION                 fail     step1/retry/check_digit_failed  layout=TD3  wrong=number composite
  BARCODE_VALIDATION             skipped  why=zone-instead
  EXPIRED_ID_CHECK               skipped  why=no-trusted-reading
  AGE_VERIFICATION               skipped  why=no-trusted-reading
  KIOSK_ACCEPTED_DOCUMENT_CHECK  skipped  why=no-trusted-reading
  BLACKLIST_COUNTRY_EVALUATION   skipped  why=no-trusted-reading
  REGIONAL_VALIDATION            skipped  why=no-trusted-reading
  ID_LIVENESS_VERIFICATION       skipped  why=not-measured

What would follow
  document          it is to be captured again: step1/error/invalid_id_image
  the person reads  That did not work yet. Please lay the document down again.

Took
  worker start  # ms
  file          # ms
  document      # ms
`

// measured blanks the figures that depend on the machine and the networks.
func measured(s string) string {
	var out []string
	number := regexp.MustCompile(`-?\d+(\.\d+)?`)
	sure := regexp.MustCompile(`\d+ % sure`)
	detail := regexp.MustCompile(`(colour|exposure|flat|glare|inside|sharpness|uncovered|pixelsPerMM|score)=[\d.]+`)
	for _, l := range strings.Split(s, "\n") {
		l = sure.ReplaceAllString(detail.ReplaceAllString(l, "$1=#"), "# % sure")
		for _, row := range []string{"  outline", "  scale", "  turn", "  recognition", "  quality", "picture.png"} {
			if strings.HasPrefix(l, row) || strings.HasSuffix(l, " ms") {
				l = number.ReplaceAllString(l, "#")
			}
		}
		l = strings.ReplaceAll(strings.ReplaceAll(l, "of #)", "of 100)"), "brightness # of #", "brightness # of 255")
		out = append(out, strings.Replace(l, "recognition    # of #", "recognition    # of 100", 1))
	}
	return strings.Join(out, "\n")
}

func TestInspectTellsWhatTheKioskSeesAndWhatItWouldSay(t *testing.T) {
	file, drawn := passportFile(t), filepath.Join(t.TempDir(), "drawn.png")
	var out, errs bytes.Buffer
	code := command([]string{"inspect", file, "-models", networks(t), "-look", "document", "-annotated", drawn}, &out, &errs)
	require.Equal(t, exitDone, code, errs.String())
	require.Equal(t, inspected, measured(strings.ReplaceAll(out.String(), file, "picture.png")))

	f, err := os.Open(drawn)
	require.NoError(t, err)
	defer f.Close()
	s, err := f.Stat()
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), s.Mode().Perm(), "it shows a person")
	c, err := png.DecodeConfig(f)
	require.NoError(t, err)
	require.Greater(t, c.Width, 1200)
}

func TestInspectGivesJSONForEveryPictureAndSaysWhichShowNothing(t *testing.T) {
	empty := image.NewGray(image.Rect(0, 0, 320, 240))
	var out, errs bytes.Buffer
	code := command([]string{"inspect", "-json", "-models", networks(t), passportFile(t), "--", pngFile(t, empty), filepath.Join(t.TempDir(), "gone.jpg")}, &out, &errs)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs.String(), "picture_missing: There is no such file.\n  hint: Check the name")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2)
	var got [2]struct {
		Readable bool
		Document struct{ Fields []inspect.Field }
		Verdicts []inspect.Verdict
	}
	for i, l := range lines {
		require.NoError(t, json.Unmarshal([]byte(l), &got[i]))
	}
	require.True(t, got[0].Readable)
	require.Equal(t, "wrong", got[0].Document.Fields[4].Check)
	require.False(t, got[1].Readable)
	var codes []string
	for _, v := range got[1].Verdicts {
		codes = append(codes, v.Code)
	}
	require.NotEmpty(t, strings.Join(codes, ""), "a picture of nothing raises a code")
}

func TestInspectRefusesWithCodeMessageAndHint(t *testing.T) {
	file := pngFile(t, image.NewGray(image.Rect(0, 0, 64, 64)))
	text := filepath.Join(t.TempDir(), "text.jpg")
	require.NoError(t, os.WriteFile(text, []byte("not a picture"), 0o600))
	policy := filepath.Join(t.TempDir(), "policy.json")
	require.NoError(t, os.WriteFile(policy, []byte("{"), 0o600))
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"no picture":                      {nil, exitUsage, []string{"no picture was named", "exit codes: 0"}},
		"help":                            {[]string{"-help"}, exitDone, []string{"usage:", "-annotated"}},
		"an unknown flag":                 {[]string{file, "-dance"}, exitUsage, []string{"dance"}},
		"an unknown look":                 {[]string{"-look", "aura", file}, exitUsage, []string{"look_unknown", `"aura"`, "hint: Write some of"}},
		"two pictures into one":           {[]string{"-annotated", "x.png", file, file}, exitUsage, []string{"one picture at a time"}},
		"an annotated picture of no kind": {[]string{"-annotated", "x.jpg", file}, exitUsage, []string{".png"}},
		"the picture itself":              {[]string{"-annotated", file, file}, exitUsage, []string{"write over the picture"}},
		"a file that is no picture":       {[]string{text}, exitFailed, []string{"picture_unknown", "hint: Give a JPEG"}},
		"a comparison with no file":       {[]string{"-compare", "gone.jpg", file}, exitFailed, []string{"picture_missing"}},
		"a folder":                        {[]string{t.TempDir()}, exitFailed, []string{"picture_denied"}},
		"a broken policy":                 {[]string{"-policy", policy, file}, exitConfig, []string{"policy_invalid"}},
		"no networks":                     {[]string{"-models", t.TempDir(), file}, exitVision, []string{"model_missing", "make models"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			assert.Equal(t, c.code, command(append([]string{"inspect"}, c.args...), &out, &errs))
			for _, s := range c.says {
				assert.Contains(t, errs.String(), s)
			}
			assert.Empty(t, out.String())
		})
	}
}

func TestASelfieIsJudgedAsOneAndAComparisonAsTheKioskWould(t *testing.T) {
	policy, err := readPolicy("")
	require.NoError(t, err)
	face := func(turn float32) *models.Face {
		return &models.Face{Found: true, Faces: 1, Live: .9, Eyes: 80, Luma: 120, Sharpness: 80, Model: "m", Template: []float32{1 - turn, turn}}
	}
	verdict := func(list []inspect.Verdict, event string) string {
		for _, v := range list {
			if v.Event == event {
				return strings.TrimSpace(v.Result + " " + v.Code)
			}
		}
		return ""
	}
	alone, follows := judge(inspect.Account{Document: &models.Document{Hint: models.HintNoDocument}, Face: face(0)}, inspect.Account{}, inspectFlags{}, policy)
	require.Equal(t, "again", follows.Action)
	require.Equal(t, "step1/error/not_an_id", follows.Code)
	require.Contains(t, follows.Told, "identity document")
	require.Equal(t, "fail step1/error/not_an_id", verdict(alone, "ID_RECOGNITION"))
	require.Equal(t, "pass", verdict(alone, "LIVENESS_VERIFICATION"))
	require.Empty(t, verdict(alone, "FACE_COMPARE"), "there is nothing to compare with")

	both, follows := judge(inspect.Account{Face: face(0)}, inspect.Account{Face: face(1)}, inspectFlags{compare: "x"}, policy)
	require.Nil(t, follows, "no document was looked at")
	require.Equal(t, "fail step2/retry/face_compare_underscore", verdict(both, "FACE_COMPARE"))
	both, _ = judge(inspect.Account{Face: face(0)}, inspect.Account{Face: face(0)}, inspectFlags{compare: "x"}, policy)
	require.Equal(t, "pass", verdict(both, "FACE_COMPARE"))
}
