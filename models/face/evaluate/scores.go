package evaluate

import (
	"context"
	"path/filepath"
	"slices"

	"vestibule/models"
	"vestibule/models/face"
)

// Scores gives the scores behind the error rates, for plots: the cosines of all pairs of
// DATA/faces of one person and of two, and passive liveness (0..100; 0 without a face)
// by label: "live", and each attack's note. It fails with fs.ErrNotExist when DATA has no such folder.
func Scores(ctx context.Context, e models.Engine, data string) (genuine, impostor []float64, pad map[string][]float64, err error) {
	rows, err := list(filepath.Join(data, "faces", "manifest.csv"))
	if err != nil {
		return nil, nil, nil, err
	}
	pad = map[string][]float64{}
	var people []sample
	for _, r := range rows {
		if err := ctx.Err(); err != nil {
			return nil, nil, nil, err
		}
		if r.kind != "identity" && r.kind != "pad" {
			continue
		}
		_, f, err := look(ctx, e, data, r)
		if err != nil {
			return nil, nil, nil, err
		}
		switch {
		case r.kind == "pad":
			label := r.label
			if label != "live" {
				label = slug(r.note)
			}
			live := 0.0
			if f.Found {
				live = 100 * f.Live
			}
			pad[label] = append(pad[label], live)
		case f.Found:
			people = append(people, sample{r.file, r.identity, f.Template})
		}
	}
	for i, a := range people {
		for _, b := range people[i+1:] {
			if c := face.Cosine(a.template, b.template); a.identity == b.identity {
				genuine = append(genuine, c)
			} else {
				impostor = append(impostor, c)
			}
		}
	}
	return genuine, impostor, pad, nil
}

// Trade is one point of a detection error trade-off curve (ISO/IEC 19795-1): scores from
// Threshold up are accepted.
type Trade struct {
	Threshold   float64
	FalseAccept float64 // share of the impostors' scores accepted
	FalseReject float64 // share of the genuine scores not accepted
}

// Curve is the whole trade-off: a point at every score, by rising threshold, and one above all. It
// is empty when either side is.
func Curve(genuine, impostor []float64) []Trade {
	if len(genuine) == 0 || len(impostor) == 0 {
		return nil
	}
	g, i := slices.Sorted(slices.Values(genuine)), slices.Sorted(slices.Values(impostor))
	all := slices.Compact(slices.Sorted(slices.Values(slices.Concat(g, i))))
	out := make([]Trade, 0, len(all)+1)
	for _, t := range all {
		out = append(out, Trade{t, from(i, t), 1 - from(g, t)})
	}
	return append(out, Trade{all[len(all)-1] + 1e-9, 0, 1})
}

// from is the share of sorted values that are t and more.
func from(sorted []float64, t float64) float64 {
	at, _ := slices.BinarySearch(sorted, t)
	return float64(len(sorted)-at) / float64(len(sorted))
}
