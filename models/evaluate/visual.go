package main

import (
	"context"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/mrz"
	"vestibule/models/picture"
	"vestibule/models/visual"
)

// visualTruth is what the print of a document must say by its zone. Cards of ICAO 9303-5 (TD1)
// are left out: their zone is on the other side than their visual zone.
func visualTruth(s specimen) (fields []truth, known *mrz.Document) {
	d, err := mrz.Parse(s.Lines)
	if err != nil || d.Layout == mrz.TD1 {
		return nil, nil
	}
	for _, f := range []struct {
		item  string
		value string
	}{
		{visual.Number, d.Number.Value},
		{visual.LastName, d.FamilyName.Value},
		{visual.FirstName, d.GivenNames.Value},
		{visual.BirthDate, d.Birth.Value},
		{visual.ExpireDate, d.Expiry.Value},
	} {
		if f.value != "" {
			fields = append(fields, truth{f.item, f.value, d.Truncated})
		}
	}
	return fields, &d
}

type truth struct {
	item, value string
	truncated   bool
}

// in tells whether the fields hold exactly the true value; names are compared by the
// transliteration of ICAO 9303-3 section 6, spaces apart.
func (w truth) in(fields []visual.Field) (visual.Field, bool) {
	for _, f := range fields {
		if f.Item != w.item {
			continue
		}
		if w.item == visual.LastName || w.item == visual.FirstName {
			return f, visual.SameName(w.value, f.Value, w.truncated)
		}
		if w.item != visual.Number { // the zone has no century
			return f, len(f.Value) == len(w.value) && f.Value[2:] == w.value[2:]
		}
		return f, f.Value == w.value
	}
	return visual.Field{}, false
}

// visuals measures the print beside the zone. The reading never sees the zone; naming the fields is
// measured with the zone as the product read it, and without any. Captions, framing and what
// counts as a contradiction were tried out on these same specimens, so the figures flatter; their captions
// are at the limit of what can be read, at 4 to 6 pixels a millimetre.
func visuals(ctx context.Context, e models.Engine, data string, log io.Writer) (figures.Set, error) {
	var list []specimen
	if err := load(filepath.Join(data, "documents", "manifest.json"), &list); err != nil {
		return nil, err
	}
	var ms, cpu []float64
	type tally struct{ found, n int }
	wideBoth, wideAlone, allBoth, lines := tally{}, tally{}, tally{}, 0
	each := map[string]*tally{}
	compared, mismatches, worn := 0, 0, 0
	for _, s := range list {
		f, err := picture.FromFile(filepath.Join(data, "documents", s.File))
		if err != nil {
			return nil, err
		}
		d, err := e.ReadDocument(ctx, []models.Frame{f})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		start, used := time.Now(), processCPU()
		x, err := e.Examine(ctx, []models.Frame{f}, models.Looks{Text: true})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		took := float64(time.Since(start)) / float64(time.Millisecond)
		ms, cpu = append(ms, took), append(cpu, processCPU()-used)
		lines += len(x.Text.Lines)
		known, alone := visual.Assign(*x.Text, d.MRZ), visual.Assign(*x.Text, nil)
		want, zone := visualTruth(s)
		fmt.Fprintf(log, "%-34s %4d×%-4d %2d lines %4.0f ms\n", filepath.Base(s.File), d.Width, d.Height, len(x.Text.Lines), took)
		for _, w := range want {
			f, ok := w.in(known)
			a, okAlone := w.in(alone)
			count := func(t *tally, ok bool) {
				t.n++
				if ok {
					t.found++
				}
			}
			count(&allBoth, ok)
			if d.Width >= wide {
				count(&wideBoth, ok)
				count(&wideAlone, okAlone)
				if each[w.item] == nil {
					each[w.item] = &tally{}
				}
				count(each[w.item], ok)
			}
			if !ok || !okAlone {
				fmt.Fprintf(log, "    %-10s want %-24s with the zone %-5v %q (%s)  alone %-5v %q (%s)\n", w.item, w.value, ok, f.Value, f.How, okAlone, a.Value, a.How)
			}
		}
		if zone != nil {
			compared++
			mismatches += contradicted(log, "as it is", *zone, known)
			if f, err = degraded(f); err != nil {
				return nil, fmt.Errorf("%s: %w", s.File, err)
			}
			again, err := e.Examine(ctx, []models.Frame{f}, models.Looks{Text: true})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.File, err)
			}
			worn += contradicted(log, "degraded", *zone, visual.Assign(*again.Text, zone))
		}
		for _, f := range known {
			fmt.Fprintf(log, "        %-14s %-30s %3.0f %s %q\n", f.Item, f.Value, f.Score, f.How, f.Raw)
		}
		var print []string
		for _, l := range x.Text.Lines {
			print = append(print, l.Text)
		}
		fmt.Fprintf(log, "    print: %s\n", strings.Join(print, " ¦ "))
	}
	const how = "number, names, birth and expiry as printed, compared with the zone's true text; public specimens of TD2, TD3, visas and FRID, one frame each"
	set := figures.Set{
		"viz.field_found":             figures.Share(wideBoth.found, wideBoth.n, how+"; pictures of 500 px width and more; fields named with the zone as read"),
		"viz.field_found_alone":       figures.Share(wideAlone.found, wideAlone.n, how+"; as above, fields named without the zone"),
		"viz.field_found_all":         figures.Share(allBoth.found, allBoth.n, how+"; pictures of any width"),
		"viz.false_mismatch_degraded": figures.Count(worn, compared, "the same specimens, blurred (0.8 pixels) and reduced to 70 %, their print named with the zone's true text"),
		"viz.false_mismatch":          figures.Count(mismatches, compared, "specimens whose print is said to contradict their zone's true text; with -v each is named, for some specimens do contradict themselves"),
		"viz.read_ms":                 figures.Spread(ms, "ms", fmt.Sprintf("decoded frame in, all lines of print out; %d lines in all", lines)),
		"viz.read_cpu_ms":             figures.Spread(cpu, "ms", "processor time of the same"),
	}
	for item, t := range each {
		set["viz.field_found."+item] = figures.Share(t.found, t.n, how+"; pictures of 500 px width and more")
	}
	return set, nil
}

// contradicted counts the items in which print that was found is said to contradict the zone.
func contradicted(log io.Writer, how string, zone mrz.Document, fields []visual.Field) int {
	n := 0
	for _, c := range visual.Compare(visual.OfZone(zone), visual.OfPrint(fields)) {
		if c.Relation == visual.Different {
			n++
			fmt.Fprintf(log, "    mismatch %s: %s, score %.0f\n", how, c.Item, c.Score)
		}
	}
	return n
}

// degraded makes a worse picture of a frame: what is read wrongly then must not be taken for altered.
func degraded(f models.Frame) (models.Frame, error) {
	m, err := picture.Decode(f)
	if err != nil {
		return f, err
	}
	defer m.Close()
	gocv.GaussianBlur(m, &m, image.Pt(0, 0), .8, .8, gocv.BorderDefault)
	small, err := picture.Resize(m, max(models.MinFrameSide, m.Cols()*7/10), max(models.MinFrameSide, m.Rows()*7/10))
	if err != nil {
		return f, err
	}
	defer small.Close()
	b, err := picture.EncodeJPEG(small, 80)
	return models.Frame{Format: models.JPEG, Pix: b}, err
}
