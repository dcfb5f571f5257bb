package inspect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/models"
	"vestibule/models/aamva"
	"vestibule/models/mrz"
)

// scripted is an Engine that has seen everything already.
type scripted struct {
	models.Engine
	d             models.Document
	x             models.Examination
	f             models.Face
	bad, worse    error
	asked         models.Looks
	looked, faced int
}

func (s *scripted) ReadDocument(context.Context, []models.Frame) (models.Document, error) {
	s.looked++
	return s.d, s.bad
}

func (s *scripted) Examine(_ context.Context, _ []models.Frame, l models.Looks) (models.Examination, error) {
	s.asked = l
	return s.x, s.worse
}

func (s *scripted) ReadFace(context.Context, models.Frame) (models.Face, error) {
	s.faced++
	return s.f, s.worse
}

// clock goes on by 7 ms at every look at it.
func clock() func() time.Time {
	t := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return func() time.Time {
		t = t.Add(7 * time.Millisecond)
		return t
	}
}

func jpegOf(t testing.TB, w, h int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = 128
	}
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, nil))
	return b.Bytes()
}

func square(lo, hi float64) models.Quad {
	return models.Quad{{X: lo, Y: lo}, {X: hi, Y: lo}, {X: hi, Y: hi}, {X: lo, Y: hi}}
}

// seen is a passport with a wrong digit in its number, with all that can be told of it.
func seen(t testing.TB) *scripted {
	t.Helper()
	lines := []string{"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C37UTO7408122F3204153ZE184226B<<<<<17"}
	z, err := mrz.Parse(lines, mrz.On(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
	require.NoError(t, err)
	out := square(.1, .9)
	template := make([]float32, 512)
	template[3] = 1
	f := models.Face{
		Width: 800, Height: 600, Found: true, Faces: 1, Box: models.Box{X1: .2, Y1: .3, X2: .4, Y2: .6}, Score: .99, Eyes: 61,
		Yaw: -4, Pitch: 2, Roll: 1, EyesOpen: .9, Live: .82, Sharpness: 210, Luma: 140, Quality: 77, Template: template, Model: "m",
	}
	for i := range f.Points {
		f.Points[i] = models.Point{X: .25 + .002*float64(i), Y: .45}
	}
	return &scripted{
		d: models.Document{
			Width: 800, Height: 600, Outline: &out, Turn: 90, MRZ: &z, Agreed: true, PixelsPerMM: 5.1, Recognition: 93.4, Hint: models.HintGlare,
			Lines: []models.Line{{Text: lines[0], Score: 99.6, At: square(.2, .3)}, {Text: lines[1], Score: 91.2, At: square(.3, .4)}},
			Fields: []models.ZoneField{
				{Name: mrz.NameFamily, Start: 5, End: 13, Confidence: 98.7, Agreed: true, At: square(.62, .68)},
				{Name: mrz.NameNumber, Line: 1, End: 9, Confidence: 62.4, At: models.Quad{{X: .32, Y: .32}, {X: .36, Y: .32}, {X: .36, Y: .38}, {X: .32, Y: .38}}},
			},
			Quality:  models.Quality{Sharpness: 88, Glare: 70, Exposure: 95, Colour: 60, Luma: 180, GlareAt: []models.Box{{X1: .5, Y1: .5, X2: .6, Y2: .6}}},
			Portrait: []byte{1}, PortraitFace: &f, PortraitAt: &models.Box{X1: .1, Y1: .1, X2: .3, Y2: .5}, Upright: jpegOf(t, 400, 280),
		},
		x: models.Examination{
			Barcode: &models.Barcode{Found: true, Data: []byte("@\n\x1e\rANSI 636\nDCSDOE\x1b[31m\n"), At: square(.6, .7)},
			Text:    &models.Text{Width: 400, Height: 280, Lines: []models.Line{{Text: "UTOPIA\tPASSPORT", Score: 97, At: square(.1, .2)}}},
			Genuineness: &models.Genuineness{ScreenReplay: 80, PaperPrinted: 40, ReplacePortrait: 99, Cues: []models.Cue{
				{Name: "dots", Pipeline: "paper-printed", Score: 40, Measured: .125},
			}},
		},
		f: f,
	}
}

const told = `passport.jpg: JPEG, 800 × 600 pixels, 3 kB

Document
  kind           TD3, code P, issuer UTO
  outline        640 × 480 pixels, 64 % of the picture
  scale          5.1 pixels a millimetre
  turn           90° clockwise makes it upright
  line 1         P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<  100 % sure
  line 2         L898902C37UTO7408122F3204153ZE184226B<<<<<17  91 % sure
  code           P
  issuer         UTO
  family name    ERIKSSON; 99 % sure
  given names    ANNA MARIA
  number         L898902C3; DIGIT DOES NOT FIT; 62 % sure; the readers differ
  nationality    UTO
  birth          1974-08-12; digit fits
  sex            female
  expiry         2032-04-15; digit fits
  optional       ZE184226B; digit fits
  composite      DIGIT DOES NOT FIT
  second reader  read exactly the same
  recognition    93 of 100
  quality        sharpness 88, no glare 70, exposure 95, colour 60 (of 100); mean brightness 180 of 255
  glare          places: 1
  hint           glare
  portrait       found, 61 pixels between the eyes (25 are needed)

Barcode
  PDF417  25 bytes
  1       @
  2       ANSI 636
  3       DCSDOE·[31m

Print
  line 1  UTOPIA PASSPORT  97 % sure

Genuineness (100: nothing speaks against a genuine document)
  screen replay      80
  paper printed      40
  replaced portrait  99
  cue dots           40 for paper-printed, measured 0.125

Face
  place     160 × 180 pixels at 160, 180; detector 0.99; faces in the picture: 1
  quality   77 of 100; sharpness 210, mean brightness 140 of 255
  pose      yaw -4°, pitch 2°, roll 1°
  eyes      61 pixels apart, 90 % open
  liveness  82 of 100, passive, of this one picture

Comparison
  face and face      similarity 100 of 100, cosine 1.00: the same person (from 85 on)
  portrait and face  similarity 100 of 100, cosine 1.00: the same person (from 85 on)
  face and portrait  similarity 100 of 100, cosine 1.00: the same person (from 85 on)

Checks
  MRZ_VALIDATION  fail  step1/retry/check_digit_failed  layout=TD3  wrong=number

What would follow
  document          it is to be captured again: step1/retry/check_digit_failed
  the person reads  The lines do not add up.

Took
  document     7 ms
  closer look  7 ms
  face         7 ms
`

func account(t testing.TB, s *scripted) (Account, models.Frame) {
	t.Helper()
	f := models.Frame{Format: models.JPEG, Pix: jpegOf(t, 800, 600)}
	a, err := Look(context.Background(), s, f, Options{Face: true, Looks: models.Looks{Barcode: true, Text: true, Genuineness: true}, Now: clock()})
	require.NoError(t, err)
	a.Name, a.Bytes = "passport.jpg", 2500
	return a, f
}

func TestAPersonIsToldEverythingThatWasSeen(t *testing.T) {
	a, _ := account(t, seen(t))
	a.Comparisons = Compare(a, a)
	a.Verdicts = []Verdict{{Event: "MRZ_VALIDATION", Result: "fail", Code: "step1/retry/check_digit_failed", Detail: map[string]string{"wrong": "number", "layout": "TD3"}}}
	a.Outcome = &Outcome{Action: "again", Code: "step1/retry/check_digit_failed", Told: "The lines do not add up."}
	var b bytes.Buffer
	require.NoError(t, a.Write(&b))
	require.Equal(t, told, b.String())
	require.True(t, a.Readable())
}

func TestWhatWasNotSeenIsNotTold(t *testing.T) {
	s := &scripted{d: models.Document{Width: 800, Height: 600, Hint: models.HintNoDocument}, x: models.Examination{
		Barcode: &models.Barcode{}, Text: &models.Text{}, Genuineness: &models.Genuineness{},
	}}
	a, _ := account(t, s)
	require.False(t, a.Readable())
	require.Nil(t, a.Genuineness(), "an examination without a cue looked at nothing")
	require.Empty(t, Compare(a, a))
	var b bytes.Buffer
	require.NoError(t, a.Write(&b))
	for _, word := range []string{"Barcode", "Print", "Genuineness", "Comparison", "Checks", "composite", "recognition"} {
		require.NotContains(t, b.String(), word)
	}
	require.Contains(t, b.String(), "none was read")
	require.Contains(t, b.String(), "no-document")
	require.Contains(t, b.String(), "none was found")
}

func TestALookThatFailsLeavesTheOthersAndAllFailingIsAnError(t *testing.T) {
	s := seen(t)
	s.worse = errors.New("too long")
	a, _ := account(t, s)
	require.Nil(t, a.Face)
	require.Nil(t, a.Examination)
	var b bytes.Buffer
	require.NoError(t, a.Write(&b))
	require.Contains(t, b.String(), "Did not work\n  closer look  too long\n  face         too long\n")

	s.bad = models.ErrFrame
	_, err := Look(context.Background(), s, models.Frame{}, Options{Face: true})
	require.ErrorIs(t, err, models.ErrFrame)
}

func TestOnlyWhatWasAskedForIsLookedAt(t *testing.T) {
	s := seen(t)
	a, err := Look(context.Background(), s, models.Frame{}, Options{Looks: models.Looks{Text: true}})
	require.NoError(t, err)
	require.Equal(t, models.Looks{Text: true}, s.asked)
	require.Zero(t, s.faced)
	require.Nil(t, a.Face)
	s.asked = models.Looks{}
	a, err = Look(context.Background(), s, models.Frame{}, Options{})
	require.NoError(t, err)
	require.Nil(t, a.Examination)
	require.Len(t, a.Steps, 1)
}

func TestTheJSONHoldsEveryFieldAndNoPicture(t *testing.T) {
	a, _ := account(t, seen(t))
	a.Document.Portrait = bytes.Repeat([]byte("portrait"), 100)
	b, err := json.Marshal(a)
	require.NoError(t, err)
	require.Less(t, len(b), 20_000)
	var got struct {
		Readable bool
		Document struct {
			Layout         string
			Valid          bool
			Fields         []Field
			PortraitBytes  int
			PortraitAt     []float64
			Outline, Lines []any
		}
		Barcode      struct{ Data []byte }
		Text         struct{ Lines []any }
		Genuineness  struct{ PaperPrinted float64 }
		Face         struct{ TemplateValues int }
		Milliseconds map[string]float64
	}
	require.NoError(t, json.Unmarshal(b, &got))
	require.True(t, got.Readable)
	require.Equal(t, "TD3", got.Document.Layout)
	require.False(t, got.Document.Valid)
	require.Len(t, got.Document.Fields, 11)
	require.Equal(t, Field{
		Name: "number", Value: "L898902C3", Raw: "L898902C3", Check: "wrong", Confidence: 62.4,
		At: []point{{.32, .32}, {.36, .32}, {.36, .38}, {.32, .38}},
	}, got.Document.Fields[4])
	require.Equal(t, 800, got.Document.PortraitBytes)
	require.Equal(t, []float64{.1, .1, .3, .5}, got.Document.PortraitAt)
	require.Len(t, got.Document.Outline, 4)
	require.Len(t, got.Document.Lines, 2)
	require.Contains(t, string(got.Barcode.Data), "ANSI 636")
	require.Len(t, got.Text.Lines, 1)
	require.Equal(t, 40.0, got.Genuineness.PaperPrinted)
	require.Equal(t, 512, got.Face.TemplateValues)
	require.Equal(t, 7.0, got.Milliseconds["face"])
}

func TestTemplatesOfDifferentNetworksAreNotCompared(t *testing.T) {
	a, _ := account(t, seen(t))
	b, _ := account(t, seen(t))
	other := *b.Face
	other.Model = "another"
	b.Face = &other
	got := Compare(a, b)
	require.Len(t, got, 1)
	require.Equal(t, "face and portrait", got[0].What)
}

func TestWhatWasSeenIsDrawnWhereItIs(t *testing.T) {
	a, f := account(t, seen(t))
	m, err := Annotate(f, a)
	require.NoError(t, err)
	near := func(x, y int, name string) {
		t.Helper()
		want := colourOf(name)
		got := m.RGBAAt(x, y)
		d := math.Abs(float64(got.R)-float64(want.R)) + math.Abs(float64(got.G)-float64(want.G)) + math.Abs(float64(got.B)-float64(want.B))
		require.Less(t, d, 40.0, "%s at %d, %d: %v", name, x, y, got)
	}
	const gap = 12
	near(gap+400, gap+60, "outline")
	near(gap+200, gap+120, "line of the zone")
	near(gap+240, gap+215, "line of the zone")
	near(gap+272, gap+192, "field of the zone")
	near(gap+288, gap+210, "field of the zone")
	near(gap+560, gap+420, "barcode")
	near(gap+440, gap+300, "glare")
	near(gap+180, gap+180, "face")
	near(gap+200, gap+270, "landmark")
	// The second panel begins behind the first; portrait and print are parts of it.
	left := gap + 800 + gap
	near(left+100, gap+28, "portrait")
	near(left+60, gap+28, "portrait")
	near(left+80, gap+56, "print")
	require.Greater(t, m.Rect.Dy(), 600+2*gap, "there is a legend")

	t.Run("print read in a picture of another shape is not drawn on this one", func(t *testing.T) {
		a.Examination.Text.Width = 900
		m, err = Annotate(f, a)
		require.NoError(t, err)
		require.Equal(t, color.RGBA{128, 128, 128, 255}, m.RGBAAt(left+80, gap+56))
	})
}

func TestPlacesThatAreNoneAreDrawnWithoutHarm(t *testing.T) {
	s := seen(t)
	s.d.Outline = &models.Quad{{X: math.NaN(), Y: math.Inf(1)}, {X: -1e300, Y: 1e300}, {}, {X: 5, Y: 5}}
	s.d.Lines[0].At = models.Quad{}
	s.f.Box = models.Box{X1: math.Inf(-1), Y2: math.NaN()}
	s.d.PortraitAt = &models.Box{X1: 7, X2: -7}
	a, f := account(t, s)
	_, err := Annotate(f, a)
	require.NoError(t, err)
	s.d.Upright = []byte("no picture")
	a, f = account(t, s)
	_, err = Annotate(f, a)
	require.ErrorIs(t, err, models.ErrFrame)
}

func TestAThumbnailFitsItsSide(t *testing.T) {
	b, err := Thumbnail(image.NewRGBA(image.Rect(0, 0, 900, 300)), 90)
	require.NoError(t, err)
	c, err := jpeg.DecodeConfig(bytes.NewReader(b))
	require.NoError(t, err)
	require.Equal(t, [2]int{90, 30}, [2]int{c.Width, c.Height})
	_, err = Thumbnail(nil, 90)
	require.Error(t, err)
}

func TestFieldsAreThoseOfTheLayoutAndKeepWhatIsKnownOfThem(t *testing.T) {
	got := Fields(seen(t).d)
	var names []string
	for _, f := range got {
		names = append(names, f.Name)
	}
	require.Equal(t, []string{"code", "issuer", "family name", "given names", "number", "nationality", "birth", "sex", "expiry", "optional", "composite"}, names)
	require.Equal(t, Field{Name: "birth", Value: "1974-08-12", Raw: "740812", Check: "valid"}, got[6], "nothing is made up for a field that no place is known of")
	require.Nil(t, Fields(models.Document{}))
}

func TestALicenceIsKnownByItsBarcode(t *testing.T) {
	data, err := aamva.Write(aamva.Content{
		Issuer: "VA", Version: 10, FamilyName: "ERIKSSON", GivenName: "ANNA", Number: "T64235789",
		Birth: "1974-08-12", Issue: "2023-04-15", Expiry: "2031-04-15", Sex: "female",
	})
	require.NoError(t, err)
	s := seen(t)
	s.d = models.Document{Kind: models.KindNotID}
	s.x = models.Examination{Barcode: &models.Barcode{Found: true, Data: data}}
	a, _ := account(t, s)
	require.Equal(t, models.KindLicense, a.Document.Kind)
	require.Equal(t, models.SideBack, a.Document.Side)

	s.x.Barcode.Data = []byte("parcel 12345")
	s.d.Kind = models.KindNotID
	a, _ = account(t, s)
	require.Equal(t, models.KindNotID, a.Document.Kind, "any other symbol says nothing")
}
