package inspect

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"vestibule/models"
	"vestibule/models/face"
)

// Write tells a person what was seen. Whatever was read is printed without control
// characters.
func (a Account) Write(w io.Writer) error {
	t := &teller{w: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.line("%s: %s, %d × %d pixels, %d kB\n", a.Name, strings.ToUpper(string(a.Format)), a.Width, a.Height, (a.Bytes+999)/1000)
	if a.Document != nil {
		t.document(*a.Document)
	}
	if a.Examination != nil {
		t.examination(*a.Examination, a.Genuineness())
	}
	if a.Face != nil {
		t.face(*a.Face)
	}
	if len(a.Comparisons) > 0 {
		t.head("Comparison")
		for _, c := range a.Comparisons {
			is := "not alike enough"
			if c.Cosine >= face.Match {
				is = "the same person"
			}
			t.row(c.What, "similarity %.0f of 100, cosine %.2f: %s (from %.0f on)", c.Similarity, c.Cosine, is, math.Round(face.Similarity(face.Match)))
		}
	}
	t.verdicts(a.Verdicts)
	t.outcome(a.Outcome)
	if len(a.Failures) > 0 {
		t.head("Did not work")
		for _, f := range a.Failures {
			t.row(f.Step, "%s", f.Err)
		}
	}
	if len(a.Steps) > 0 {
		t.head("Took")
		for _, s := range a.Steps {
			t.row(s.Name, "%d ms", s.Took.Round(time.Millisecond).Milliseconds())
		}
	}
	if t.err != nil {
		return fmt.Errorf("tell what was seen: %w", t.err)
	}
	return t.w.Flush()
}

// teller writes headings and rows; the first error stays.
type teller struct {
	w   *tabwriter.Writer
	err error
}

func (t *teller) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = io.WriteString(t.w, plain(fmt.Sprintf(format, args...)))
	}
}

func (t *teller) head(title string) { t.line("\n%s\n", title) }

// row writes one row; a tab in the values starts another cell.
func (t *teller) row(name, format string, args ...any) {
	t.line("  "+strings.ReplaceAll(name, "%", "%%")+"\t"+format+"\n", args...)
}

// plain drops what could move the cursor or colour the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf)) {
			return '·'
		}
		return r
	}, s)
}

// value keeps what was read out of the table's own tabs and line ends.
func value(s string) string { return strings.NewReplacer("\n", "⏎", "\t", " ", "\r", "").Replace(s) }

func (t *teller) document(d models.Document) {
	t.head("Document")
	if d.MRZ == nil {
		t.row("zone", "none was read")
	} else {
		t.row("kind", "%s, code %s, issuer %s", d.MRZ.Layout, orNone(d.MRZ.Code.Value), orNone(d.MRZ.Issuer.Value))
	}
	if d.Outline == nil {
		t.row("outline", "not found")
	} else {
		across, down := sides(*d.Outline, d.Width, d.Height)
		t.row("outline", "%.0f × %.0f pixels, %.0f %% of the picture", across, down, 100*area(*d.Outline))
	}
	if d.PixelsPerMM > 0 {
		t.row("scale", "%.1f pixels a millimetre", d.PixelsPerMM)
	}
	t.row("turn", "%d° clockwise makes it upright", d.Turn)
	for i, l := range d.Lines {
		t.row(fmt.Sprintf("line %d", i+1), "%s  %.0f %% sure", value(l.Text), l.Score)
	}
	for _, f := range Fields(d) {
		t.row(f.Name, "%s", describe(f))
	}
	if d.MRZ != nil {
		switch d.Agreed {
		case true:
			t.row("second reader", "read exactly the same")
		default:
			t.row("second reader", "read something else")
		}
		t.row("recognition", "%.0f of 100", d.Recognition)
	}
	t.quality(d.Quality)
	t.hint(d.Hint)
	switch p := d.PortraitFace; {
	case len(d.Portrait) == 0:
		t.row("portrait", "not found")
	case p != nil && p.Found:
		t.row("portrait", "found, %.0f pixels between the eyes (%d are needed)", p.Eyes, face.MinPortraitEyes)
	default:
		t.row("portrait", "found, but no face in it")
	}
}

// describe puts a field into words.
func describe(f Field) string {
	out := []string{orNone(f.Value)}
	switch f.Check {
	case "valid":
		out = append(out, "digit fits")
	case "wrong":
		out = append(out, "DIGIT DOES NOT FIT")
	case "empty":
		out = append(out, "empty, as allowed")
	}
	if f.Name == "composite" { // its value is the digit itself
		out = out[1:]
	}
	if f.At != nil {
		out = append(out, fmt.Sprintf("%.0f %% sure", f.Confidence))
		if !f.Agreed {
			out = append(out, "the readers differ")
		}
	}
	if f.Swapped {
		out = append(out, "look-alikes swapped")
	}
	if f.Problem != "" {
		out = append(out, "problem: "+f.Problem)
	}
	return value(strings.Join(out, "; "))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (t *teller) quality(q models.Quality) {
	t.row("quality", "sharpness %.0f, no glare %.0f, exposure %.0f, colour %.0f (of 100); mean brightness %.0f of 255", q.Sharpness, q.Glare, q.Exposure, q.Colour, q.Luma)
	if len(q.GlareAt) > 0 {
		t.row("glare", "places: %d", len(q.GlareAt))
	}
}

func (t *teller) hint(h models.HintCode) {
	if h != models.HintNone {
		t.row("hint", "%s", h)
	}
}

func (t *teller) examination(x models.Examination, g *models.Genuineness) {
	if b := x.Barcode; b != nil && b.Found {
		t.head("Barcode")
		t.row("PDF417", "%d bytes", len(b.Data))
		for i, l := range strings.FieldsFunc(string(b.Data), func(r rune) bool { return r == '\n' || r == '\r' || r == 0x1e }) {
			t.row(fmt.Sprint(i+1), "%s", value(l))
		}
	}
	if s := x.Text; s != nil && len(s.Lines) > 0 {
		t.head("Print")
		for i, l := range s.Lines {
			t.row(fmt.Sprintf("line %d", i+1), "%s  %.0f %% sure", value(l.Text), l.Score)
		}
	}
	if g != nil {
		t.head("Genuineness (100: nothing speaks against a genuine document)")
		t.row("screen replay", "%.0f", g.ScreenReplay)
		t.row("paper printed", "%.0f", g.PaperPrinted)
		t.row("replaced portrait", "%.0f", g.ReplacePortrait)
		for _, c := range g.Cues {
			t.row("cue "+c.Name, "%.0f for %s, measured %.4g", c.Score, c.Pipeline, c.Measured)
		}
	}
}

func (t *teller) face(f models.Face) {
	t.head("Face")
	if !f.Found {
		t.row("face", "none was found")
		t.hint(f.Hint)
		return
	}
	w, h := (f.Box.X2-f.Box.X1)*float64(f.Width), (f.Box.Y2-f.Box.Y1)*float64(f.Height)
	t.row("place", "%.0f × %.0f pixels at %.0f, %.0f; detector %.2f; faces in the picture: %d", w, h, f.Box.X1*float64(f.Width), f.Box.Y1*float64(f.Height), f.Score, f.Faces)
	t.row("quality", "%.0f of 100; sharpness %.0f, mean brightness %.0f of 255", f.Quality, f.Sharpness, f.Luma)
	t.row("pose", "yaw %.0f°, pitch %.0f°, roll %.0f°", f.Yaw, f.Pitch, f.Roll)
	open := "not measured, the face is turned"
	if f.EyesOpen >= 0 {
		open = fmt.Sprintf("%.0f %% open", 100*f.EyesOpen)
	}
	t.row("eyes", "%.0f pixels apart, %s", f.Eyes, open)
	t.row("liveness", "%.0f of 100, passive, of this one picture", 100*f.Live)
	t.hint(f.Hint)
}

func (t *teller) verdicts(list []Verdict) {
	if len(list) == 0 {
		return
	}
	t.head("Checks")
	for _, v := range list {
		var more []string
		if v.Code != "" {
			more = append(more, v.Code)
		}
		if v.Reason != "" {
			more = append(more, v.Reason)
		}
		for _, k := range slices.Sorted(maps.Keys(v.Detail)) {
			more = append(more, k+"="+v.Detail[k])
		}
		t.row(v.Event, "%s\t%s", v.Result, value(strings.Join(more, "  ")))
	}
}

func (t *teller) outcome(o *Outcome) {
	if o == nil {
		return
	}
	t.head("What would follow")
	says := map[string]string{
		"accept": "the document is accepted", "again": "it is to be captured again", "block": "the visit ends here",
		"back": "the back is asked for", "front": "the front is asked for",
	}[o.Action]
	if o.Code != "" {
		says += ": " + o.Code
	}
	t.row("document", "%s", says)
	if o.Told != "" {
		t.row("the person reads", "%s", value(o.Told))
	}
}

// sides are the mean lengths of an outline across and down, in pixels.
func sides(q models.Quad, w, h int) (across, down float64) {
	d := func(i, j int) float64 {
		return math.Hypot((q[i].X-q[j].X)*float64(w), (q[i].Y-q[j].Y)*float64(h))
	}
	return (d(0, 1) + d(3, 2)) / 2, (d(0, 3) + d(1, 2)) / 2
}

// area is the part of the picture an outline covers.
func area(q models.Quad) float64 {
	sum := 0.0
	for i, a := range q {
		b := q[(i+1)%4]
		sum += a.X*b.Y - b.X*a.Y
	}
	return math.Abs(sum) / 2
}
