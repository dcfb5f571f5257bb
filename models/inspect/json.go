package inspect

import (
	"bytes"
	"encoding/json"

	"vestibule/models"
)

// MarshalJSON gives everything of the account but the pictures and the face templates,
// which are told by their size. Places are parts of the picture, 0..1.
func (a Account) MarshalJSON() ([]byte, error) {
	out := struct {
		Picture     string             `json:"picture"`
		Format      string             `json:"format"`
		Width       int                `json:"width"`
		Height      int                `json:"height"`
		Bytes       int                `json:"bytes"`
		Readable    bool               `json:"readable"`
		Document    *documentJSON      `json:"document,omitempty"`
		Barcode     *barcodeJSON       `json:"barcode,omitempty"`
		Text        *textJSON          `json:"text,omitempty"`
		Genuineness *genuineJSON       `json:"genuineness,omitempty"`
		Face        *faceJSON          `json:"face,omitempty"`
		Comparisons []Comparison       `json:"comparisons,omitempty"`
		Verdicts    []Verdict          `json:"verdicts,omitempty"`
		Outcome     *Outcome           `json:"outcome,omitempty"`
		Failures    map[string]string  `json:"failures,omitempty"`
		MS          map[string]float64 `json:"milliseconds"`
	}{
		Picture: a.Name, Format: string(a.Format), Width: a.Width, Height: a.Height, Bytes: a.Bytes, Readable: a.Readable(),
		Comparisons: a.Comparisons, Verdicts: a.Verdicts, Outcome: a.Outcome, MS: map[string]float64{},
	}
	if a.Document != nil {
		out.Document = documentOf(*a.Document)
	}
	if x := a.Examination; x != nil {
		if x.Barcode != nil && x.Barcode.Found {
			out.Barcode = &barcodeJSON{x.Barcode.Data, string(x.Barcode.Data), quadOf(x.Barcode.At)}
		}
		if x.Text != nil && len(x.Text.Lines) > 0 {
			out.Text = &textJSON{x.Text.Width, x.Text.Height, linesOf(x.Text.Lines)}
		}
		if g := a.Genuineness(); g != nil {
			out.Genuineness = &genuineJSON{ScreenReplay: g.ScreenReplay, PaperPrinted: g.PaperPrinted, ReplacePortrait: g.ReplacePortrait}
			for _, c := range g.Cues {
				out.Genuineness.Cues = append(out.Genuineness.Cues, cueJSON{c.Name, c.Pipeline, c.Score, c.Measured, boxOf(c.At)})
			}
		}
	}
	if a.Face != nil {
		out.Face = faceOf(*a.Face)
	}
	for _, f := range a.Failures {
		if out.Failures == nil {
			out.Failures = map[string]string{}
		}
		out.Failures[f.Step] = f.Err.Error()
	}
	for _, s := range a.Steps {
		out.MS[s.Name] = float64(s.Took.Microseconds()) / 1000
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a zone is full of <
	err := enc.Encode(out)
	return b.Bytes(), err
}

type point [2]float64

type documentJSON struct {
	Layout        string      `json:"layout,omitempty"`
	Hint          string      `json:"hint,omitempty"`
	Outline       []point     `json:"outline,omitempty"`
	Turn          int         `json:"turn"`
	PixelsPerMM   float64     `json:"pixelsPerMM,omitempty"`
	Lines         []lineJSON  `json:"lines,omitempty"`
	Fields        []Field     `json:"fields,omitempty"`
	Valid         bool        `json:"valid"`
	Agreed        bool        `json:"agreed"`
	Recognition   float64     `json:"recognition"`
	Quality       qualityJSON `json:"quality"`
	Portrait      *faceJSON   `json:"portrait,omitempty"`
	PortraitAt    *[4]float64 `json:"portraitAt,omitempty"`
	PortraitBytes int         `json:"portraitBytes"`
	UprightBytes  int         `json:"uprightBytes"`
}

type qualityJSON struct {
	Sharpness float64       `json:"sharpness"`
	Glare     float64       `json:"glare"`
	Exposure  float64       `json:"exposure"`
	Colour    float64       `json:"colour"`
	Luma      float64       `json:"luma"`
	GlareAt   []*[4]float64 `json:"glareAt,omitempty"`
}

type lineJSON struct {
	Text  string  `json:"text"`
	Score float64 `json:"score"`
	At    []point `json:"at"`
}

type barcodeJSON struct {
	Data []byte  `json:"data"` // base64
	Text string  `json:"text"`
	At   []point `json:"at"`
}

type textJSON struct {
	Width  int        `json:"width"`
	Height int        `json:"height"`
	Lines  []lineJSON `json:"lines"`
}

type cueJSON struct {
	Name     string      `json:"name"`
	Pipeline string      `json:"pipeline"`
	Score    float64     `json:"score"`
	Measured float64     `json:"measured"`
	At       *[4]float64 `json:"at,omitempty"`
}

type genuineJSON struct {
	ScreenReplay    float64   `json:"screenReplay"`
	PaperPrinted    float64   `json:"paperPrinted"`
	ReplacePortrait float64   `json:"replacePortrait"`
	Cues            []cueJSON `json:"cues"`
}

type faceJSON struct {
	Found     bool        `json:"found"`
	Hint      string      `json:"hint,omitempty"`
	Faces     int         `json:"faces"`
	Box       *[4]float64 `json:"box,omitempty"`
	Score     float64     `json:"score"`
	Points    []point     `json:"points,omitempty"`
	Eyes      float64     `json:"eyes"`
	Yaw       float64     `json:"yaw"`
	Pitch     float64     `json:"pitch"`
	Roll      float64     `json:"roll"`
	EyesOpen  float64     `json:"eyesOpen"`
	Live      float64     `json:"live"`
	Sharpness float64     `json:"sharpness"`
	Luma      float64     `json:"luma"`
	Quality   float64     `json:"quality"`
	Model     string      `json:"model,omitempty"`
	Template  int         `json:"templateValues"`
}

func documentOf(d models.Document) *documentJSON {
	out := &documentJSON{
		Hint: string(d.Hint), Turn: d.Turn, PixelsPerMM: d.PixelsPerMM, Lines: linesOf(d.Lines), Fields: Fields(d),
		Agreed: d.Agreed, Recognition: d.Recognition, PortraitAt: boxOf(d.PortraitAt),
		PortraitBytes: len(d.Portrait), UprightBytes: len(d.Upright),
		Quality: qualityJSON{Sharpness: d.Quality.Sharpness, Glare: d.Quality.Glare, Exposure: d.Quality.Exposure, Colour: d.Quality.Colour, Luma: d.Quality.Luma},
	}
	for _, b := range d.Quality.GlareAt {
		out.Quality.GlareAt = append(out.Quality.GlareAt, boxOf(&b))
	}
	if d.MRZ != nil {
		out.Layout, out.Valid = string(d.MRZ.Layout), d.MRZ.Valid()
	}
	if d.Outline != nil {
		out.Outline = quadOf(*d.Outline)
	}
	if d.PortraitFace != nil {
		out.Portrait = faceOf(*d.PortraitFace)
	}
	return out
}

func faceOf(f models.Face) *faceJSON {
	out := &faceJSON{
		Found: f.Found, Hint: string(f.Hint), Faces: f.Faces, Score: f.Score, Eyes: f.Eyes, Yaw: f.Yaw, Pitch: f.Pitch, Roll: f.Roll,
		EyesOpen: f.EyesOpen, Live: f.Live, Sharpness: f.Sharpness, Luma: f.Luma, Quality: f.Quality, Model: f.Model, Template: len(f.Template),
	}
	if f.Found {
		out.Box = boxOf(&f.Box)
		for _, p := range f.Points {
			out.Points = append(out.Points, point{p.X, p.Y})
		}
	}
	return out
}

func linesOf(list []models.Line) []lineJSON {
	var out []lineJSON
	for _, l := range list {
		out = append(out, lineJSON{l.Text, l.Score, quadOf(l.At)})
	}
	return out
}

func quadOf(q models.Quad) []point {
	out := make([]point, len(q))
	for i, p := range q {
		out[i] = point{p.X, p.Y}
	}
	return out
}

func boxOf(b *models.Box) *[4]float64 {
	if b == nil {
		return nil
	}
	return &[4]float64{b.X1, b.Y1, b.X2, b.Y2}
}
