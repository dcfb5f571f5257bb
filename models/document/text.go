package document

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"sort"
	"strings"
	"unicode"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/mrz"
	"vestibule/models/onnx"
	"vestibule/models/picture"
	"vestibule/models/quality"
)

// Bounds of a reading of print. They are starting values, far above what a document has,
// but for textSide and textHalf: tried out on the specimens that models/evaluate measures on.
const (
	textRows  = 80  // rows that are read, the plainest first
	textSide  = 960 // longer side that the detector is given
	textLeast = 6   // pixels: lower rows cannot be read
	textMost  = .2  // of the picture's height: higher rows are no print
	textHalf  = .52 // of a row's height, above and below its middle line
	textEnds  = .25 // of a row's height, beyond its ends
	textWide  = 480 // pixels, 48 high: wider rows are read in parts, for the reader's work grows faster than the width
	textScore = 45  // a line below, 0..100, is no reading

	// A page that the zone tells of is taken this much larger, for corners guessed by a zone are rough;
	// it is not cut out when it makes up this much of a picture that tilts less than the sine.
	pageGrown = 1.06
	pageMost  = .7
	pageTilt  = .03

	// Rows read both ways to tell which side is up.
	wayRows = 4
	// How much further than usual the next letter is, in letters, when a space was missed.
	spaceGap = .8
)

// ReadText reads every line of print of one side of a document in its upright picture:
// rectified where its outline shows or its zone tells where the page is, else turned. It
// looks at the sharpest picture (BGR) only. Where the machine readable zone is found its lines are
// left out; Read reads those. The picture need not be Document.Upright's.
// A picture that cannot be used is left out; when none can, the error is models.ErrFrame.
//
// A line's score is 100 × the mean probability of its characters. Where a letter
// carries a mark that the reader does not know (Š, Ł, Ñ), it gives the letter without it.
func (r *Reader) ReadText(ctx context.Context, bgr []gocv.Mat) (models.Text, error) {
	m, err := sharpest(ctx, bgr)
	if err != nil {
		return models.Text{}, err
	}
	s, err := r.spread(ctx, m)
	if err != nil {
		return models.Text{}, err
	}
	defer s.img.Close()
	t := models.Text{Width: s.img.Cols(), Height: s.img.Rows()}
	for _, line := range inOrder(s.rows) {
		if err := ctx.Err(); err != nil {
			return models.Text{}, err
		}
		st := line.strip()
		l, err := r.readLine(s.img, st)
		if errors.Is(err, models.ErrFrame) {
			continue
		}
		if err != nil {
			return models.Text{}, err
		}
		if l.Text != "" && l.Score >= textScore {
			l.At = st.quad(t.Width, t.Height)
			t.Lines = append(t.Lines, l)
		}
	}
	return t, nil
}

// sharpest picks the usable picture that shows most.
func sharpest(ctx context.Context, bgr []gocv.Mat) (gocv.Mat, error) {
	var usables []gocv.Mat
	var bad error
	for i, m := range bgr[:min(len(bgr), MaxFrames)] {
		if err := usable(m); err != nil {
			bad = errors.Join(bad, fmt.Errorf("frame %d: %w", i, err))
			continue
		}
		usables = append(usables, m)
	}
	switch len(usables) {
	case 0:
		if bad == nil {
			bad = fmt.Errorf("%w: no frame", models.ErrFrame)
		}
		return gocv.Mat{}, bad
	case 1:
		return usables[0], ctx.Err()
	}
	best, top := 0, math.Inf(-1)
	for i, m := range usables {
		if err := ctx.Err(); err != nil {
			return gocv.Mat{}, err
		}
		q, err := quality.Live(m)
		if err != nil {
			return gocv.Mat{}, err
		}
		if q.Sharpness > top {
			best, top = i, q.Sharpness
		}
	}
	return usables[best], nil
}

// sheetOfText is an upright picture of a document and its rows of print, without those of the zone.
type sheetOfText struct {
	img  gocv.Mat
	rows []row
}

// spread lays a document flat and upright and finds its rows of print. The outline is
// believed only as long as it does not contradict a zone; without one, the zone tells where
// its page is.
func (r *Reader) spread(ctx context.Context, m gocv.Mat) (sheetOfText, error) {
	o, seen, err := findOutline(m)
	if err != nil {
		return sheetOfText{}, err
	}
	var s sheetOfText
	if seen {
		flat, err := rectify(m, o.corners)
		if err != nil {
			return s, err
		}
		var z zone
		if s, z, err = r.upright(ctx, flat); err != nil || z.found() && s.holds(z) {
			return s, err
		}
	}
	own, err := picture.Turn(m, 0)
	if err != nil {
		s.close()
		return sheetOfText{}, err
	}
	whole, z, err := r.upright(ctx, own)
	if err != nil {
		s.close()
		return sheetOfText{}, err
	}
	// Nothing vouches for the outline: the whole picture must not show more.
	if seen && !z.found() && len(whole.rows) <= 2*len(s.rows) {
		whole.close()
		return s, nil
	}
	s.close()
	if !z.found() || z.layout == mrz.MRVA || z.layout == mrz.MRVB { // visas are stuck on pages of any size
		return whole, nil
	}
	return r.pageOf(ctx, whole, z)
}

// pageOf takes an upright picture over and cuts the zone's page out of it, straightened, unless
// that would be most of the picture anyway.
func (r *Reader) pageOf(ctx context.Context, s sheetOfText, z zone) (sheetOfText, error) {
	w, h := float64(s.img.Cols()), float64(s.img.Rows())
	q := z.corners()
	middle := q[0].add(q[1]).add(q[2]).add(q[3]).times(.25)
	for i, c := range q {
		q[i] = middle.add(c.sub(middle).times(pageGrown))
		if c = q[i]; math.IsNaN(c.x+c.y) || c.x < -.5*w || c.x > 1.5*w || c.y < -.5*h || c.y > 1.5*h {
			return s, nil // no page at all: the zone was measured wrongly
		}
	}
	if u := z.dir(); quadArea(q) > pageMost*w*h && math.Abs(u.y) < pageTilt {
		return s, nil
	}
	defer s.close()
	page, err := rectify(s.img, q)
	if err != nil {
		return sheetOfText{}, err
	}
	out, _, err := r.upright(ctx, page)
	return out, err
}

func (s sheetOfText) close() {
	if s.img.Ptr() != nil {
		s.img.Close()
	}
}

func (z zone) found() bool { return z.score >= zoneScore }

// holds tells whether the zone fits a document as large as the whole picture.
func (s sheetOfText) holds(z zone) bool {
	w, h := float64(s.img.Cols()), float64(s.img.Rows())
	return outline{corners: [4]vec{{0, 0}, {w, 0}, {w, h}, {0, h}}}.holds(z)
}

// upright takes a picture over, finds its rows and turns both as they read: as the zone says,
// or else the print itself. The zone is in the picture's new places.
func (r *Reader) upright(ctx context.Context, img gocv.Mat) (s sheetOfText, z zone, err error) {
	defer func() {
		if err != nil {
			img.Close()
		}
	}()
	rows, z, err := r.print(ctx, img)
	if err != nil {
		return s, z, err
	}
	if !z.found() && stands(rows) {
		turned, err := picture.Turn(img, 90)
		if err != nil {
			return s, z, err
		}
		img.Close()
		img = turned
		if rows, z, err = r.print(ctx, img); err != nil {
			return s, z, err
		}
	}
	degrees := 0
	if z.found() {
		degrees = z.turn()
	} else if degrees, err = r.wayUp(ctx, img, rows); err != nil {
		return s, z, err
	}
	if degrees != 0 {
		turned, err := picture.Turn(img, degrees)
		if err != nil {
			return s, z, err
		}
		w, h := img.Cols(), img.Rows()
		img.Close()
		img = turned
		for i, p := range rows {
			rows[i].start, rows[i].end = turnVec(p.start, w, h, degrees), turnVec(p.end, w, h, degrees)
		}
		for i, p := range z.strips {
			z.strips[i].from, z.strips[i].to = turnVec(p.from, w, h, degrees), turnVec(p.to, w, h, degrees)
		}
	}
	return sheetOfText{img: img, rows: worthReading(rows, z, img.Rows())}, z, nil
}

// print detects rows of print as the detector finds them, not joined across columns, and the
// zone among them, if there is one.
func (r *Reader) print(ctx context.Context, img gocv.Mat) ([]row, zone, error) {
	if err := ctx.Err(); err != nil {
		return nil, zone{}, err
	}
	pieces, err := detect(r.finder, img, textSide)
	if err != nil {
		return nil, zone{}, err
	}
	grey, err := picture.ToGrey(img)
	if err != nil {
		return nil, zone{}, err
	}
	defer grey.Close()
	z, err := r.findZone(ctx, grey, blocks(join(append([]row(nil), pieces...))))
	if err != nil || z.found() || len(pieces) < fewRows {
		return pieces, z, err
	}
	// Seen coarsely, the lines of a zone fall apart less.
	rows, err := r.rowsIn(img, view{image.Rect(0, 0, img.Cols(), img.Rows()), coarseSide})
	if err != nil {
		return nil, zone{}, err
	}
	z, err = r.findZone(ctx, grey, blocks(rows))
	return pieces, z, err
}

// stands tells whether most of the print runs down the picture.
func stands(rows []row) bool {
	across, down := 0.0, 0.0
	for _, r := range rows {
		if d := r.dir(); math.Abs(d.x) >= math.Abs(d.y) {
			across += r.length() - r.height
		} else {
			down += r.length() - r.height
		}
	}
	return down > 1.5*across
}

// wayUp reads a few rows both ways; it is 180 when they make more sense upside down.
func (r *Reader) wayUp(ctx context.Context, img gocv.Mat, rows []row) (int, error) {
	tries := append([]row(nil), worthReading(rows, zone{}, img.Rows())...)
	sort.SliceStable(tries, func(i, j int) bool { return tries[i].length() > tries[j].length() })
	up, down, tried := 0.0, 0.0, 0
	for _, t := range tries {
		if tried == wayRows {
			break
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		st := t.strip()
		a, errA := r.readLine(img, st)
		b, errB := r.readLine(img, st.turned())
		if err := errors.Join(errA, errB); errors.Is(err, models.ErrFrame) {
			continue
		} else if err != nil {
			return 0, err
		}
		tried++
		up += a.Score * float64(min(len(a.Text), 20))
		down += b.Score * float64(min(len(b.Text), 20))
	}
	if down > 1.1*up {
		return 180, nil
	}
	return 0, nil
}

// worthReading leaves out what belongs to the zone, what is too low or too high, and what is too much.
func worthReading(rows []row, z zone, height int) []row {
	var out []row
	for _, r := range rows {
		r = rightward(r)
		d := r.dir()
		if r.height < textLeast || r.height > textMost*float64(height) || r.length() < .8*r.height ||
			math.Abs(d.y) > .5 && r.length() > 2*r.height || z.found() && z.covers(r) {
			continue
		}
		out = append(out, r)
	}
	if len(out) > textRows {
		sort.SliceStable(out, func(i, j int) bool { return out[i].score > out[j].score })
		out = out[:textRows]
	}
	return out
}

func rightward(r row) row {
	if r.end.x < r.start.x {
		r.start, r.end = r.end, r.start
	}
	return r
}

// covers tells whether a row lies on one of the zone's lines.
func (z zone) covers(r row) bool {
	c := r.centre()
	for _, s := range z.strips {
		u := s.to.sub(s.from)
		along, off := c.sub(s.from).dot(u.unit()), c.sub(s.from).dot(u.unit().across())
		if math.Abs(off) < s.half && along > -s.half && along < u.length()+s.half {
			return true
		}
	}
	return false
}

// strip frames a row for the reader.
func (r row) strip() strip {
	u := r.dir().times(textEnds * r.height)
	return strip{from: r.start.sub(u), to: r.end.add(u), half: textHalf * r.height}
}

// inOrder sorts rows as one reads them: line by line, each from the left.
func inOrder(rows []row) []row {
	out := append([]row(nil), rows...)
	sort.SliceStable(out, func(i, j int) bool { return out[i].centre().y < out[j].centre().y })
	for from := 0; from < len(out); {
		to := from + 1
		for to < len(out) && out[to].centre().y-out[from].centre().y < .5*math.Min(out[to].height, out[from].height) {
			to++
		}
		line := out[from:to]
		sort.SliceStable(line, func(i, j int) bool { return line[i].start.x < line[j].start.x })
		from = to
	}
	return out
}

// readLine reads one row freely.
func (r *Reader) readLine(bgr gocv.Mat, s strip) (models.Line, error) {
	m, err := s.cut(bgr, secondHeight)
	if err != nil {
		return models.Line{}, err
	}
	defer m.Close()
	var letters []letter
	for _, part := range parts(m) {
		read, err := r.lettersIn(m, part)
		if err != nil {
			return models.Line{}, err
		}
		letters = append(letters, read...)
	}
	if len(letters) == 0 {
		return models.Line{}, nil
	}
	sum := 0.0
	for _, l := range letters {
		sum += l.p
	}
	return models.Line{Text: spell(letters), Score: 100 * sum / float64(len(letters))}, nil
}

// parts cuts a strip that is too wide where it shows least, near the middle, until no part is.
func parts(m gocv.Mat) []image.Rectangle {
	whole := image.Rect(0, 0, m.Cols(), m.Rows())
	if m.Cols() <= textWide {
		return []image.Rectangle{whole}
	}
	// The range of brightness of each column: between two words it is least.
	pix, cols, rows := m.ToBytes(), m.Cols(), m.Rows()
	lo, hi := bytes.Repeat([]byte{255}, cols), make([]byte, cols)
	for y := range rows {
		for x := range cols {
			v := pix[(y*cols+x)*3+1]
			lo[x], hi[x] = min(lo[x], v), max(hi[x], v)
		}
	}
	var out []image.Rectangle
	var cut func(from, to int)
	cut = func(from, to int) {
		if to-from <= textWide {
			out = append(out, image.Rect(from, 0, to, rows))
			return
		}
		middle, look := (from+to)/2, (to-from)/5
		at, least := middle, math.MaxInt
		for x := middle - look; x <= middle+look; x++ {
			span := 0
			for d := -quiet; d <= quiet; d++ {
				span += int(hi[x+d]) - int(lo[x+d])
			}
			if span < least {
				at, least = x, span
			}
		}
		cut(from, at)
		cut(at, to)
	}
	cut(0, cols)
	return out
}

const quiet = 3 // pixels to either side of a cut

// letter is one character as read.
type letter struct {
	text  string
	p     float64
	frame int
}

// lettersIn runs the reader over a part of a strip and takes each frame at its word. A
// line that is mostly written in an alphabet is read in it alone: single ideographs in
// it are misreadings.
func (r *Reader) lettersIn(m gocv.Mat, part image.Rectangle) ([]letter, error) {
	own, err := picture.Crop(m, part)
	if err != nil {
		return nil, err
	}
	defer own.Close()
	var read []letter
	err = r.reader.RunAs([]int64{1, 3, secondHeight, int64(own.Cols())}, func(in []float32) error {
		return picture.PlanesInto(in, own, false, []float32{127.5}, []float32{1 / 127.5})
	}, func(out []onnx.Tensor) error {
		if y := out[0]; len(y.Shape) != 3 || int(y.Shape[2]) != len(r.letters) {
			return fmt.Errorf("output %v for %d classes", y.Shape, len(r.letters))
		}
		read = r.spelled(out[0], part.Min.X, own.Cols())
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read print: %w", err)
	}
	return read, nil
}

// spelled takes each frame of the reader's output at its word. The part of the strip that
// was read begins at from and is width pixels wide.
func (r *Reader) spelled(y onnx.Tensor, from, width int) []letter {
	frames, wide := int(y.Shape[1]), len(r.letters)
	start := from * frames / max(1, width)
	var all, alphabetic []letter
	signs, beforeAll, beforeOwn := 0, 0, 0
	for t := range frames {
		f := y.Data[t*wide : (t+1)*wide]
		top, second := 0, 0 // of all classes, of those that are no ideographs
		for c, v := range f {
			if v > f[top] {
				top = c
			}
		}
		if second = top; r.ideograph[top] {
			second = 0
			for c, v := range f {
				if v > f[second] && !r.ideograph[c] {
					second = c
				}
			}
		}
		if top != 0 && top != beforeAll {
			all = append(all, letter{r.letters[top], float64(f[top]), start + t})
			if r.ideograph[top] {
				signs++
			}
		}
		if second != 0 && second != beforeOwn {
			alphabetic = append(alphabetic, letter{r.letters[second], float64(f[second]), start + t})
		}
		beforeAll, beforeOwn = top, second
	}
	if 2*signs > len(all) {
		return all
	}
	return alphabetic
}

// spell joins letters and puts in the spaces that the reader leaves out: it was
// trained on a language without any.
func spell(letters []letter) string {
	var steps []float64
	for i := 1; i < len(letters); i++ {
		if wide := (letters[i-1].width() + letters[i].width()) / 2; wide > 0 {
			steps = append(steps, float64(letters[i].frame-letters[i-1].frame)/wide)
		}
	}
	usual := math.Inf(1)
	if len(steps) >= 4 {
		sort.Float64s(steps)
		usual = math.Max(1.5, steps[len(steps)/2])
	}
	var b strings.Builder
	for i, l := range letters {
		if i > 0 {
			step := float64(l.frame - letters[i-1].frame)
			if step >= usual*((letters[i-1].width()+l.width())/2+spaceGap) {
				b.WriteByte(' ')
			}
		}
		b.WriteString(l.text)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// width is roughly how wide a letter is drawn, 1 for most.
func (l letter) width() float64 {
	switch l.text {
	case "i", "j", "l", "I", "1", ".", ",", ":", ";", "'", "!", "|", "’":
		return .6
	case "f", "r", "t", "/", "-", "(", ")":
		return .8
	case "m", "w", "M", "W", "@":
		return 1.5
	case " ":
		return .8
	}
	return 1
}

func isIdeograph(s string) bool {
	for _, c := range s {
		return unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Hangul)
	}
	return false
}
