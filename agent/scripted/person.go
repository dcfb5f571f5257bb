package scripted

import (
	"math"
	"time"

	"vestibule/models"
	"vestibule/models/mrz"
)

// Template is a unit vector; people are axes of their own, seen with a little noise.
func Template(person int, likeness float64) []float32 {
	t := make([]float32, 512)
	t[person] = float32(likeness)
	t[511] = float32(math.Sqrt(1 - likeness*likeness))
	return t
}

// GoodFace is a live face with which nothing is wrong.
func GoodFace() models.Face {
	f := models.Face{
		Width: 640, Height: 480, Found: true, Faces: 1, Score: .99, Box: models.Box{X1: .3, Y1: .2, X2: .7, Y2: .8},
		Eyes: 110, EyesOpen: .95, Live: .97, Sharpness: 120, Luma: 120, Quality: 92, Template: Template(1, .8), Model: "m1",
	}
	for i := range f.Points {
		f.Points[i] = models.Point{X: .5, Y: .5}
	}
	for _, i := range []int{37, 38, 40, 41} {
		f.Points[i] = models.Point{X: .42, Y: .4}
	}
	for _, i := range []int{43, 44, 46, 47} {
		f.Points[i] = models.Point{X: .58, Y: .4}
	}
	return f
}

// GoodPortrait is the same person's in a document.
func GoodPortrait() *models.Face {
	f := GoodFace()
	f.Template, f.Eyes = Template(1, .9), 60
	return &f
}

// Specimen is the content of the zone that the scripted document carries (ICAO 9303's own traveller).
func Specimen() mrz.Content {
	return mrz.Content{
		Layout: mrz.TD3, Code: "P", Issuer: "UTO", FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA",
		Number: "L898902C3", Nationality: "UTO", Birth: "1974-08-12", Sex: "female", Expiry: "2031-04-15",
	}
}

// DocumentOf is a well read document with a zone of that content, looked at on a day.
func DocumentOf(c mrz.Content, today time.Time) models.Document {
	lines, err := mrz.Write(c)
	if err != nil {
		panic(err)
	}
	return DocumentFrom(lines, today)
}

// DocumentFrom is the same with these lines.
func DocumentFrom(lines []string, today time.Time) models.Document {
	z, err := mrz.Parse(lines, mrz.On(today))
	if err != nil {
		panic(err)
	}
	d := models.Document{
		Width: 64, Height: 48, MRZ: &z, Agreed: true, PixelsPerMM: 12, Recognition: 96,
		Outline:  &models.Quad{{X: .1, Y: .1}, {X: .9, Y: .1}, {X: .9, Y: .9}, {X: .1, Y: .9}},
		Quality:  models.Quality{Sharpness: 80, Glare: 100, Exposure: 90, Colour: 80, Luma: 120},
		Portrait: []byte("portrait of a person"), PortraitFace: GoodPortrait(), Upright: []byte("front of a document"),
	}
	for _, l := range lines {
		d.Lines = append(d.Lines, models.Line{Text: l, Score: 98})
	}
	return d
}
