package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/evaluate/report"
	"vestibule/models/picture"
)

// fieldView is how a specimen is seen: reduced to so many pixels of width, and out of focus by a
// Gaussian of so many pixels.
type fieldView struct {
	name  string
	width int
	blur  float64
}

// fieldViews are all ways that fields are looked at in. As the specimens are, hardly a field is read
// wrongly, and a score that tells right from wrong would have nothing to tell.
func fieldViews() []fieldView {
	return []fieldView{
		{"as it is", 0, 0},
		{"480 pixels wide", 480, 0},
		{"360 pixels wide", 360, 0},
		{"640 pixels wide, out of focus", 640, 1.5},
		{"640 pixels wide, far out of focus", 640, 2.2},
	}
}

// frame takes the picture of a file as the view shows it; pictures are never enlarged.
func (v fieldView) frame(d distorter, file string) (models.Frame, error) {
	if v.width == 0 {
		return picture.FromFile(file)
	}
	m := gocv.IMRead(file, gocv.IMReadColor)
	defer m.Close()
	if err := picture.BGR(m); err != nil {
		return models.Frame{}, err
	}
	w := min(v.width, m.Cols())
	seen, err := picture.ResizeBy(m, w, max(1, m.Rows()*w/m.Cols()), gocv.InterpolationArea)
	if err != nil {
		return models.Frame{}, err
	}
	defer func() { seen.Close() }()
	if v.blur > 0 {
		soft := d.focus(seen, v.blur)
		seen.Close()
		seen = soft
	}
	pix, err := picture.EncodeJPEG(seen, 90)
	return models.Frame{Format: models.JPEG, Pix: pix}, err
}

// fieldTally counts fields by whether the characters in their places are those in print.
type fieldTally struct {
	right, wrong      []float64 // their confidences
	alike, alikeWrong int       // fields that both readers read alike
	sure, sureWrong   int       // fields with a confidence of sureField and more
}

// sureField is a confidence that few wrong fields should reach. It decides nothing in the product.
const sureField = 95

func (t *fieldTally) note(d models.Document, s specimen) {
	for _, f := range d.Fields {
		wrong := 0
		if printedAlike(f, d, s) {
			t.right = append(t.right, f.Confidence)
		} else {
			t.wrong, wrong = append(t.wrong, f.Confidence), 1
		}
		if f.Agreed {
			t.alike, t.alikeWrong = t.alike+1, t.alikeWrong+wrong
		}
		if f.Confidence >= sureField {
			t.sure, t.sureWrong = t.sure+1, t.sureWrong+wrong
		}
	}
}

// printedAlike tells whether the characters in a field's place are those in print.
func printedAlike(f models.ZoneField, d models.Document, s specimen) bool {
	if f.Line >= len(s.Lines) || f.Line >= len(d.Lines) {
		return false
	}
	got, want := d.Lines[f.Line].Text, s.Lines[f.Line]
	return len(got) == len(want) && f.End <= len(got) && got[f.Start:f.End] == want[f.Start:f.End]
}

func (t *fieldTally) add(o fieldTally) {
	t.right, t.wrong = append(t.right, o.right...), append(t.wrong, o.wrong...)
	t.alike, t.alikeWrong = t.alike+o.alike, t.alikeWrong+o.alikeWrong
	t.sure, t.sureWrong = t.sure+o.sure, t.sureWrong+o.sureWrong
}

// fields measures whether a field's confidence tells those that were read as printed from those
// that were not.
func fields(ctx context.Context, e models.Engine, data string, log io.Writer) (figures.Set, error) {
	var list []specimen
	if err := load(filepath.Join(data, "documents", "manifest.json"), &list); err != nil {
		return nil, err
	}
	var all fieldTally
	table := report.Table{Caption: "Fields by how the specimens were seen", Head: []string{"seen", "right", "wrong", "area under the curve", "read alike", "of these wrong", "sure", "of these wrong"}}
	for _, v := range fieldViews() {
		var t fieldTally
		for i, s := range list {
			f, err := v.frame(newDistorter(uint64(i)), filepath.Join(data, "documents", s.File))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.File, err)
			}
			d, err := e.ReadDocument(ctx, []models.Frame{f})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.File, err)
			}
			t.note(d, s)
		}
		area := "none"
		if len(t.right) > 0 && len(t.wrong) > 0 {
			area = fmt.Sprintf("%.3f", report.AUC(t.right, t.wrong))
		}
		fmt.Fprintf(log, "%-34s %4d fields right, %3d wrong, area %-5s  read alike %d (%d wrong)  sure %d (%d wrong)\n",
			v.name, len(t.right), len(t.wrong), area, t.alike, t.alikeWrong, t.sure, t.sureWrong)
		table.Rows = append(table.Rows, []string{v.name, fmt.Sprint(len(t.right)), fmt.Sprint(len(t.wrong)), area, fmt.Sprint(t.alike), fmt.Sprint(t.alikeWrong), fmt.Sprint(t.sure), fmt.Sprint(t.sureWrong)})
		all.add(t)
	}
	report.From(ctx).Add(report.Section{
		Title:  "Fields of the zone",
		Prose:  "Every field of every zone that was found, by whether the characters in its place are those in print. Sure are fields with a confidence of 95 and more.",
		Tables: []report.Table{table},
	})
	const how = "fields of the public specimens as they are, and made small or soft; right: the characters in the field's place are those in print"
	out := figures.Set{
		"mrz.field_sure_wrong":  figures.Share(all.sureWrong, all.sure, how+"; of the fields with a confidence of 95 and more, those that are wrong"),
		"mrz.field_alike_wrong": figures.Share(all.alikeWrong, all.alike, how+"; of the fields that both readers read alike, those that are wrong"),
	}
	if len(all.right) > 0 && len(all.wrong) > 0 {
		out["mrz.field_confidence_auc"] = figures.Figure{
			Value: report.AUC(all.right, all.wrong), Unit: "share", N: len(all.right) + len(all.wrong),
			How: fmt.Sprintf("area under the ROC curve of a field's confidence, %d right against %d wrong; %s", len(all.right), len(all.wrong), how),
		}
	}
	return out, nil
}
