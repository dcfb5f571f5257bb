package report

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models/evaluate/figures"
)

func written(t *testing.T, r *Report, all, fresh figures.Set, goals []figures.Goal) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.Write(&b, all, fresh, goals))
	return b.String()
}

func filled() *Report {
	r := &Report{}
	var c Confusion
	c.Count("TD1", "TD1")
	c.Count("TD1", "")
	c.Count("TD3", "TD3")
	r.Add(Section{
		Title:  "Documents <script>alert(1)</script>",
		Prose:  "First.\n\nSecond & last.",
		Tables: []Table{c.Table("Kinds"), c.Misses("Kinds that differ"), {Caption: "Nothing at all", Head: []string{"a"}}},
		Curves: []Plot{
			DET("Cost", "FMR: false matches", "FNMR", []float64{.9, .8, .4}, []float64{.1, .5, .2, .3}, map[string]float64{"at .45": .45}),
			ROC("Blur", "false alarm", "found", []float64{80, 90}, []float64{10, 85}),
			{Caption: "A curve of nothing"},
		},
		Failures: []Failure{{Name: `a"b.jpg`, Says: "want P<UTO\ngot  P<UT0", Picture: image.NewRGBA(image.Rect(0, 0, 1200, 600))}, {Name: "no picture", Says: "x"}},
	})
	return r
}

func TestThePageIsWholeAccessibleAndLoadsNothing(t *testing.T) {
	page := written(t, filled(), figures.Set{"a.b": figures.Share(1, 2, "how")}, nil, figures.Goals())
	d := xml.NewDecoder(strings.NewReader(page))
	d.Entity = xml.HTMLEntity
	count := map[string]int{}
	ids := map[string]bool{}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if s, ok := tok.(xml.StartElement); ok {
			count[s.Name.Local]++
			has := map[string]string{}
			for _, a := range s.Attr {
				has[a.Name.Local] = a.Value
			}
			if id, ok := has["id"]; ok {
				require.False(t, ids[id], "id %s twice", id)
				ids[id] = true
			}
			switch s.Name.Local {
			case "th":
				require.Contains(t, []string{"row", "col"}, has["scope"])
			case "img":
				require.True(t, strings.HasPrefix(has["src"], "data:image/jpeg;base64,/9j/"), has["src"])
				require.NotEmpty(t, has["alt"])
				require.Equal(t, []string{"520", "260"}, []string{has["width"], has["height"]})
			case "svg":
				require.Equal(t, "img", has["role"])
				require.NotEmpty(t, has["aria-label"])
			case "a":
				require.True(t, strings.HasPrefix(has["href"], "#"))
			}
		}
	}
	require.Equal(t, count["table"], count["caption"])
	require.Equal(t, 3, count["table"], "figures, kinds, differences; a table of nothing is a sentence")
	require.Equal(t, 2, count["svg"], "a curve of nothing is left out")
	require.Equal(t, 1, count["img"])
	require.Zero(t, count["script"]+count["link"]+count["iframe"])
	require.NotRegexp(t, regexp.MustCompile(`(?i)https?:|url\(|@import`), page)
	require.Contains(t, page, "Keep this page on this machine")
	require.Contains(t, page, "prefers-color-scheme: dark")
	require.Contains(t, page, "Nothing at all: none.")
	require.Contains(t, page, "<p>Second &amp; last.</p>")
}

func TestEveryGoalIsMetMissedOrOpen(t *testing.T) {
	goals := []figures.Goal{{Name: "good", Value: .9}, {Name: "bad", Value: .9}, {Name: "few", Value: .1, AtMost: true}, {Name: "gone", Value: 1}, {Name: "of nothing", Value: 0, AtMost: true}}
	all := figures.Set{
		"good": figures.Share(9, 10, ""), "bad": figures.Share(89, 100, ""), "few": figures.Share(1, 10, ""),
		"of nothing": figures.Share(0, 0, ""), "a.free": figures.Spread([]float64{1, 2, 3}, "ms", ""),
	}
	rows, sum := table(all, figures.Set{"good": {}}, goals)
	got := map[string]string{}
	var order []string
	for _, r := range rows {
		got[r.Name] = fmt.Sprintf("%s/%v", r.Verdict, r.Earlier)
		order = append(order, r.Name)
	}
	require.Equal(t, map[string]string{"good": "met/false", "bad": "not met/true", "few": "met/true", "gone": "not measured/false", "of nothing": "not met/true", "a.free": "/true"}, got)
	require.Equal(t, []string{"good", "bad", "few", "gone", "of nothing", "a.free"}, order)
	require.Equal(t, summary{Met: 2, Missed: 2, Open: 1}, sum)
	require.Equal(t, "2 / 3 / 3", rows[5].Spread)
}

func TestPicturesAreBoundedInNumberAndSize(t *testing.T) {
	r := &Report{}
	s := Section{Title: "Many", Tables: []Table{{Caption: "long", Head: []string{"a"}, Rows: make([][]string, maxRows+7)}}}
	for i := range MaxFailures + 16 {
		s.Failures = append(s.Failures, Failure{Name: fmt.Sprint(i), Picture: image.NewGray(image.Rect(0, 0, 40, 40))})
	}
	r.Add(s)
	page := written(t, r, nil, nil, nil)
	require.Equal(t, MaxFailures, strings.Count(page, "<img "))
	require.Contains(t, page, "16 more are left out")
	require.Contains(t, page, "7 more rows are left out")

	r.bytes = MaxPictures - 10
	r.Add(Section{Title: "Too late", Failures: []Failure{{Name: "last", Says: "told all the same", Picture: image.NewGray(image.Rect(0, 0, 40, 40))}}})
	page = written(t, r, nil, nil, nil)
	require.Equal(t, MaxFailures, strings.Count(page, "<img "))
	require.Contains(t, page, "told all the same")
}

func TestWithoutAReportNothingIsKept(t *testing.T) {
	r := From(context.Background())
	require.False(t, r.Wanted())
	r.Add(Section{Title: "x"})
	require.NotContains(t, written(t, r, nil, nil, nil), "<section")
	in := &Report{}
	require.Same(t, in, From(Into(context.Background(), in)))
	require.True(t, in.Wanted())
}

func TestThePageIsItsOwnersAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "build", "evaluate.html")
	require.NoError(t, filled().File(file, nil, nil, nil))
	s, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), s.Mode().Perm())
	require.NoFileExists(t, file+".part")
}

func TestADETCurveGoesThroughWhatItsThresholdsCost(t *testing.T) {
	p := DET("c", "x", "y", []float64{.9, .8, .4}, []float64{.1, .5, .2, .3}, map[string]float64{"m": .45})
	require.Equal(t, []Mark{{"m", .25, 1.0 / 3}}, p.Marks, "one of four impostors at or above, one of three genuine below")
	require.Equal(t, [2]float64{1, 0}, p.Lines[0].Points[0])
	require.Equal(t, [2]float64{0, 1}, p.Lines[0].Points[len(p.Lines[0].Points)-1])
	require.Contains(t, p.Lines[0].Points, [2]float64{.25, 1.0 / 3})
	require.Empty(t, DET("c", "x", "y", nil, []float64{1}, nil).Lines)
	many := make([]float64, 60_000)
	for i := range many {
		many[i] = float64(i)
	}
	p = DET("c", "x", "y", many, many, nil)
	require.Less(t, len(p.Lines[0].Points), 2500, "what no eye can tell apart is thinned")
	require.Less(t, len(p.SVG()), 60_000)
	require.NotContains(t, string(p.SVG()), "NaN")
}

func TestBothErrorsAreDrawnAgainstTheThreshold(t *testing.T) {
	p := Thresholds("c", "score", []float64{.9, .5}, []float64{.1, .6, .2, .3}, "missed", "let in", map[string]float64{"line": .55})
	require.Len(t, p.Lines, 3)
	require.Equal(t, [2]float64{0, 0}, p.Lines[0].Points[0])
	require.Equal(t, [2]float64{0, 1}, p.Lines[1].Points[0])
	require.Equal(t, [2]float64{.55, .5}, p.Lines[0].Points[110])
	require.Equal(t, [2]float64{.55, .25}, p.Lines[1].Points[110])
	require.Equal(t, [][2]float64{{.55, 0}, {.55, 1}}, p.Lines[2].Points)
	require.Empty(t, Thresholds("c", "x", nil, []float64{1}, "", "", nil).Lines)
}

func TestTheAreaUnderACurveIsTheShareOfPairsInOrder(t *testing.T) {
	require.Equal(t, 1.0, AUC([]float64{3, 4}, []float64{1, 2}))
	require.Equal(t, .5, AUC([]float64{1, 1}, []float64{1}))
	require.Equal(t, .75, AUC([]float64{80, 90}, []float64{10, 85}))
	require.Zero(t, AUC(nil, []float64{1}))
	p := ROC("c", "x", "y", []float64{80, 90}, []float64{10, 85})
	require.Contains(t, p.Lines[0].Points, [2]float64{0, .5}, "under 11: no good one, half of the bad ones")
	require.Contains(t, p.Lines[0].Name, "0.7500")
}

func TestAxesHoldWhateverTheyAreGiven(t *testing.T) {
	straight, log := Plot{}, Plot{Floor: 1e-3}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -4, 0, .5, 1, 7} {
		for _, p := range []Plot{straight, log} {
			require.GreaterOrEqual(t, p.part(v), 0.0)
			require.LessOrEqual(t, p.part(v), 1.0)
		}
	}
	require.InDelta(t, 1.0/3, log.part(.01), 1e-9)
	require.Equal(t, 1.0, log.part(1))
	require.Len(t, log.ticks(), 4)
}
