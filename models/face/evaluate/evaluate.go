// Package evaluate measures the face networks on a labelled folder of pictures.
//
// What may live here: reading the folder, counting errors. What may not: anything
// the product needs; nothing of the folder enters it.
package evaluate

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/face"
	"vestibule/models/picture"
)

// row is one line of faces/manifest.csv.
type row struct{ file, kind, identity, label, note string }

// Faces measures DATA/faces: all pairs of the rows of kind identity, and the
// presentation attacks of kind pad. Per-picture findings go to log. It fails
// with fs.ErrNotExist when DATA has no such folder.
func Faces(ctx context.Context, e models.Engine, data string, log io.Writer) (figures.Set, error) {
	rows, err := list(filepath.Join(data, "faces", "manifest.csv"))
	if err != nil {
		return nil, err
	}
	var people []sample
	var found, looked int
	type outcome struct{ wrong, n int }
	species := map[string]*outcome{}
	var attacks, lives outcome
	page := newPage(ctx)
	for _, r := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if r.kind != "identity" && r.kind != "pad" {
			continue
		}
		f, err := picture.FromFile(filepath.Join(data, "faces", filepath.FromSlash(r.file)))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.file, err)
		}
		m, err := e.ReadFace(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.file, err)
		}
		looked++
		if err := page.note(r, f, m); err != nil {
			return nil, err
		}
		if m.Found {
			found++
		} else {
			fmt.Fprintf(log, "%s: no face\n", r.file)
		}
		switch r.kind {
		case "identity":
			if m.Found {
				people = append(people, sample{r.file, r.identity, m.Template})
			}
		case "pad":
			live := m.Found && 100*m.Live >= face.PassivePass
			fmt.Fprintf(log, "%s: %s (%s) scored %.0f, hint %q\n", r.file, r.label, r.note, 100*m.Live, m.Hint)
			if r.label == "live" {
				lives.n++
				if !live {
					lives.wrong++
				}
				break
			}
			attacks.n++
			k := r.note
			if species[k] == nil {
				species[k] = &outcome{}
			}
			species[k].n++
			if live {
				attacks.wrong++
				species[k].wrong++
			}
		}
	}
	out := figures.Set{
		"face.detect_rate": figures.Share(found, looked, "pictures of kind identity and pad in which a face is found"),
		"pad.apcer_at_50":  figures.Share(attacks.wrong, attacks.n, "attack stills with passive liveness of 50 and more, single pictures"),
		"pad.bpcer_at_50":  figures.Share(lives.wrong, lives.n, "live stills with passive liveness under 50, single pictures"),
	}
	for k, o := range species {
		out["pad.apcer_at_50."+slug(k)] = figures.Share(o.wrong, o.n, "of these: "+k)
	}
	genuine, impostor := pairs(people, log)
	page.add(genuine, impostor)
	if len(genuine) == 0 || len(impostor) == 0 {
		return out, nil
	}
	n := fmt.Sprintf("%d genuine and %d impostor pairs of %d pictures", len(genuine), len(impostor), len(people))
	at := Threshold(impostor, 1e-3)
	out["face.fnmr_at_fmr_1e3"] = figures.Share(below(genuine, at), len(genuine), fmt.Sprintf("%s; threshold cosine %.3f", n, at))
	out["face.fnmr_at_cos38"] = figures.Share(below(genuine, face.Match), len(genuine), n+"; the product's fixed threshold, similarity 85")
	out["face.fmr_at_cos38"] = figures.Share(len(impostor)-below(impostor, face.Match), len(impostor), n)
	return out, nil
}

type sample struct {
	file, identity string
	template       []float32
}

// pairs compares everybody with everybody and names the surprising pairs.
func pairs(people []sample, log io.Writer) (genuine, impostor []float64) {
	for i, a := range people {
		for _, b := range people[i+1:] {
			c := face.Cosine(a.template, b.template)
			same := a.identity == b.identity
			if same {
				genuine = append(genuine, c)
			} else {
				impostor = append(impostor, c)
			}
			if same != (c >= face.Match) {
				fmt.Fprintf(log, "%s and %s: cosine %.3f, same person %v\n", a.file, b.file, c, same)
			}
		}
	}
	return genuine, impostor
}

// Threshold is the smallest value that at most the share fmr of the impostor
// scores reach.
func Threshold(impostor []float64, fmr float64) float64 {
	v := slices.Clone(impostor)
	slices.Sort(v)
	allowed := int(fmr * float64(len(v)))
	if allowed >= len(v) {
		return v[0]
	}
	return math.Nextafter(v[len(v)-1-allowed], math.Inf(1))
}

func below(v []float64, t float64) (n int) {
	for _, x := range v {
		if x < t {
			n++
		}
	}
	return n
}

func slug(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(s))
	if s = strings.Trim(s, "_"); s == "" {
		return "unnamed"
	}
	return s
}

func list(file string) ([]row, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("read %s: it is empty", file)
	}
	column := map[string]int{}
	for i, name := range all[0] {
		column[name] = i
	}
	var rows []row
	for _, name := range []string{"file", "kind", "identity", "label", "note"} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("read %s: column %q is missing", file, name)
		}
	}
	for _, r := range all[1:] {
		rows = append(rows, row{r[column["file"]], r[column["kind"]], r[column["identity"]], r[column["label"]], r[column["note"]]})
	}
	return rows, nil
}
