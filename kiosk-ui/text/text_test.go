package text

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/journey"
	"vestibule/models"
)

func TestEveryLanguageHasEverySentenceWithTheSamePlaces(t *testing.T) {
	place := regexp.MustCompile(`\{[a-z]+\}`)
	for _, l := range Languages() {
		own := sentences(l.Code)
		for key, en := range english() {
			s, ok := own[key]
			if assert.True(t, ok, "%s lacks %s", l.Code, key) {
				assert.NotEmpty(t, strings.TrimSpace(s), "%s: %s", l.Code, key)
				assert.ElementsMatch(t, place.FindAllString(en, -1), place.FindAllString(s, -1), "%s: %s", l.Code, key)
			}
		}
		for key := range own {
			assert.Contains(t, english(), key, "%s has a sentence that English lacks", l.Code)
		}
	}
}

func TestSentencesAreInTheirLanguage(t *testing.T) {
	for key, s := range arabic() {
		assert.True(t, hasRTL(s) || !hasLetters(s), "ar: %s: %q", key, s)
	}
	for key, s := range japanese() {
		cjk := strings.ContainsFunc(s, func(r rune) bool { return ScriptOf(r) == CJK })
		assert.True(t, cjk || !hasLetters(strings.NewReplacer("{n}", "", "{total}", "").Replace(s)), "ja: %s: %q", key, s)
	}
}

func hasLetters(s string) bool { return strings.ContainsFunc(s, unicode.IsLetter) }

func TestEveryHintAndMovementHasASentence(t *testing.T) {
	hints := []models.HintCode{
		models.HintDark, models.HintBright, models.HintNoDocument, models.HintNoMRZ, models.HintTooFar, models.HintTooClose,
		models.HintCutOff, models.HintAngle, models.HintGlare, models.HintBlur, models.HintFinger, models.HintCopy, models.HintHold, models.HintTilt, models.HintNoFace,
		models.HintSeveralFaces, models.HintFaceSmall, models.HintFacePixels, models.HintEyesClose, models.HintFaceBorder,
		models.HintFaceCropped, models.HintFaceTurned, models.HintEyesClosed, models.HintFaceCovered,
	}
	for _, l := range Languages() {
		c := In(l.Code)
		for _, h := range hints {
			assert.True(t, c.Has("hint."+string(h)), "%s: %s", l.Code, h)
		}
		for _, m := range []journey.Challenge{journey.TurnLeft, journey.TurnRight, journey.LookUp, journey.Blink} {
			assert.True(t, c.Has("challenge."+string(m)), "%s: %s", l.Code, m)
		}
	}
}

func TestEveryRetryCodeOfTheContractHasItsOwnFriendlySentence(t *testing.T) {
	n := 0
	for _, code := range journey.Codes() {
		if code.Key.Kind != journey.Retry {
			continue
		}
		n++
		for _, l := range Languages() {
			c := In(l.Code)
			assert.True(t, c.Has(CodeKey(code.Key)), "%s: %s", l.Code, code.Key)
			said := c.ForCode(code.Key, code.Variant)
			assert.NotContains(t, said, code.Key.Code)
			assert.NotContains(t, strings.ToLower(said), "forge", "nobody is blamed")
			if code.Key == journey.Step2RetryLivenessError {
				assert.NotEqual(t, c.T("code.step2.liveness_error"), said, "%s: variant %s has its own advice", l.Code, code.Variant)
			}
		}
	}
	assert.Greater(t, n, 40)
}

func TestCodesWithoutASentenceGetTheStepsOwn(t *testing.T) {
	c := In("en")
	assert.Equal(t, c.T("code.step1"), c.ForCode(journey.Step1ErrorIDDetectionError, ""))
	assert.Equal(t, c.T("code.step2"), c.ForCode(journey.Step2ErrorUnexpectedError, ""))
	assert.Equal(t, c.T("code.step2.liveness_error"), c.ForCode(journey.Step2RetryLivenessError, "unheard-of"))
}

// The agent's problem codes stand in its source; the catalogue is held against it.
func TestEveryProblemOfTheAgentHasTitleAndAdvice(t *testing.T) {
	src, err := os.ReadFile(filepath.Join("..", "..", "agent", "problem.go"))
	require.NoError(t, err)
	codes := regexp.MustCompile(`Problem[A-Za-z]+\s*=\s*"([a-z_]+)"`).FindAllStringSubmatch(string(src), -1)
	require.NotEmpty(t, codes)
	for _, l := range Languages() {
		c := In(l.Code)
		for _, m := range codes {
			assert.True(t, c.Has("problem."+m[1]+".title") && c.Has("problem."+m[1]+".advice"), "%s: %s", l.Code, m[1])
		}
		title, advice := c.Problem("something_new")
		assert.Equal(t, c.T("problem.other.title"), title)
		assert.NotEmpty(t, advice)
	}
}

func TestKeysThatScreensUseExist(t *testing.T) {
	used := regexp.MustCompile(`\bt\("([a-z][a-z.-]*[a-z])"[,)]`)
	files, err := filepath.Glob(filepath.Join("..", "screen", "*.go"))
	require.NoError(t, err)
	n := 0
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		src, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, m := range used.FindAllStringSubmatch(string(src), -1) {
			n++
			assert.Contains(t, english(), m[1], f)
		}
	}
	assert.Greater(t, n, 40)
}

func TestAnUnknownLanguageIsEnglishAndARegionalOneItsOwn(t *testing.T) {
	assert.Equal(t, "en", In("xx").Code)
	assert.Equal(t, "ar", In("ar-EG").Code)
	assert.True(t, In("ar").RTL)
	assert.Equal(t, "Try 2 of 3", In("en").T("attempt", "n", "2", "total", "3"))
}

func seen(s string, rtl bool) string { return strings.Join(visual(s, rtl), "|") }

func TestALineIsOrderedAsItIsSeen(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		rtl  bool
		want string
	}{
		"left to right stays whole":                       {"Touch to start", false, "Touch to start"},
		"words of a right-to-left line are reversed":      {"انظر ثم تحرّك", true, "تحرّك| |ثم| |انظر"},
		"a full stop goes to the left":                    {"نعم.", true, ".|نعم"},
		"numbers keep their order":                        {"خلال 12 ثانية", true, "ثانية| |12| |خلال"},
		"brackets are mirrored":                           {"(نعم)", true, "(|نعم|)"},
		"Latin words inside stay readable":                {"للموظفين: make models", true, "make models| |:|للموظفين"},
		"a code in a right-to-left line stays one piece":  {"الرمز camera_gone", true, "camera_gone| |الرمز"},
		"an Arabic word in a left-to-right line":          {"Say مرحبا بك now", false, "Say |بك| |مرحبا| now"},
		"an Arabic word first keeps a line left to right": {"مرحبا hello", false, "مرحبا| hello"},
		"Hebrew likewise":                                 {"שלום עולם", true, "עולם| |שלום"},
		"nothing":                                         {"", true, ""},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, seen(c.in, c.rtl)) })
	}
}

// wide measures as if every character were as wide as every other.
func wide(s string, _ Script) float32 { return float32(utf8.RuneCountInString(s)) }

func texts(lines []Line) (out []string) {
	for _, l := range lines {
		s := ""
		for _, p := range l.Pieces {
			s += p.Text
		}
		out = append(out, s)
	}
	return out
}

func TestWrapBreaksWhereAReaderWould(t *testing.T) {
	assert.Equal(t, []string{"About one", "minute."}, texts(Wrap("About one minute.", 10, false, wide)))
	assert.Equal(t, []string{"Unbreakable", "a"}, texts(Wrap("Unbreakable a", 5, false, wide)), "a long word gets its own line")
	assert.Equal(t, []string{"in 12\u00a0s"}, texts(Wrap("in 12\u00a0s", 7, false, wide)), "a number keeps its unit")
	assert.Equal(t, []string{"本人確認を", "始めてもよろしいですか"}, texts(Wrap("本人確認を始めてもよろしいですか", 11, false, wide)))
}

func TestWrapKeepsJapanesePhrasesTogether(t *testing.T) {
	for _, c := range []struct {
		in    string
		width float32
		want  []string
	}{
		{"カメラで顔を撮り、書類の写真と比べます。", 16, []string{"カメラで顔を撮り、書類の写真と", "比べます。"}},
		{"正面を見て、表示どおりに動く", 10, []string{"正面を見て、", "表示どおりに動く"}},
		{"少しの間、お待ちください", 8, []string{"少しの間、", "お待ちください"}},
	} {
		assert.Equal(t, c.want, texts(Wrap(c.in, c.width, false, wide)))
	}
	for _, l := range texts(Wrap("これはとてもながいひらがなのぶんしょうです。", 6, false, wide)) {
		assert.LessOrEqual(t, utf8.RuneCountInString(l), 7)
		first, _ := utf8.DecodeRuneInString(l)
		assert.NotContains(t, notFirst, string(first))
	}
}

func TestAnArabicMarkStaysWithItsLetterInOnePiece(t *testing.T) {
	lines := Wrap("تحقّق", 100, true, wide)
	require.Len(t, lines, 1)
	assert.Len(t, lines[0].Pieces, 1, "else the letters would not join")
	assert.Equal(t, Arabic, lines[0].Pieces[0].Script)
}

func TestWrapLosesNothingAndNeverOverlaps(t *testing.T) {
	runes := []rune("abc XYZ 123 .,()«»-مرحباשלוםتحقّ日本語のテスト、。 ")
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOfN(rapid.SampledFrom(runes), 0, 60).Draw(t, "text"))
		rtl := rapid.Bool().Draw(t, "rtl")
		width := float32(rapid.IntRange(1, 40).Draw(t, "width"))
		count := map[rune]int{}
		for _, r := range s {
			count[r]++
		}
		for _, l := range Wrap(s, width, rtl, wide) {
			x := float32(0)
			for _, p := range l.Pieces {
				if p.X != x {
					t.Fatalf("piece %q at %v, not %v", p.Text, p.X, x)
				}
				x += p.W
				for _, r := range p.Text {
					count[r]--
				}
			}
			if x != l.Width {
				t.Fatalf("line of %v is %v wide", x, l.Width)
			}
		}
		for _, pair := range []string{"()", "«»"} { // mirrored ones may have changed sides
			r := []rune(pair)
			count[r[0]], count[r[1]] = count[r[0]]+count[r[1]], 0
		}
		for r, n := range count {
			if n != 0 && r != ' ' {
				t.Fatalf("%q: %d of %q", s, n, r)
			}
		}
	})
}

func FuzzWrapNeverBreaks(f *testing.F) {
	f.Add("مرحبا (2) hello", true)
	f.Add("\xff\xfe\u200f\u200e日本", false)
	f.Fuzz(func(t *testing.T, s string, rtl bool) {
		for _, l := range Wrap(s, 20, rtl, wide) {
			if l.Width < 0 {
				t.Fatal("negative width")
			}
		}
	})
}
