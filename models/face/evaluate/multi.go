package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/face"
)

// together is how many pictures make a template here.
const together = 3

// Multi measures what a template of several pictures is worth: for every picture of
// DATA/faces of kind identity, the next three of the same person (in the manifest's order,
// round and round) become one template, which is compared with that picture, and with all
// pictures of others. The same comparisons one picture against one stand beside it. The
// pictures were taken on different days, so the gain differs from that of a kiosk's frames
// of one second. It fails with fs.ErrNotExist when DATA has no such folder.
func Multi(ctx context.Context, e models.Engine, data string, log io.Writer) (figures.Set, error) {
	rows, err := list(filepath.Join(data, "faces", "manifest.csv"))
	if err != nil {
		return nil, err
	}
	people := map[string][]models.Face{}
	var names []string
	for _, r := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if r.kind != "identity" {
			continue
		}
		_, f, err := look(ctx, e, data, r)
		if err != nil {
			return nil, err
		}
		if !f.Found {
			continue
		}
		if people[r.identity] == nil {
			names = append(names, r.identity)
		}
		people[r.identity] = append(people[r.identity], f)
	}
	var one, many struct{ genuine, impostor []float64 }
	made, disagree := 0, 0
	for _, name := range names {
		own := people[name]
		if len(own) <= together {
			continue
		}
		for i, f := range own {
			var frames []models.Face
			for k := 1; k <= together; k++ {
				frames = append(frames, own[(i+k)%len(own)])
			}
			made++
			t, err := face.Multi(frames)
			if errors.Is(err, face.ErrDisagree) {
				disagree++
				fmt.Fprintf(log, "%s, three from %d: %v\n", name, i+1, err)
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			many.genuine = append(many.genuine, face.Cosine(t.Vector, f.Template))
			for _, x := range frames {
				one.genuine = append(one.genuine, face.Cosine(x.Template, f.Template))
			}
			for _, stranger := range names {
				if stranger == name {
					continue
				}
				for _, s := range people[stranger] {
					many.impostor = append(many.impostor, face.Cosine(t.Vector, s.Template))
					one.impostor = append(one.impostor, face.Cosine(f.Template, s.Template))
				}
			}
		}
	}
	const how = "a template of three pictures of other days against one picture; compare the figure of the same name with _single"
	out := figures.Set{
		"face.multi_disagree": figures.Share(disagree, made, "three pictures of one person, taken on different days, that are not taken for one person"),
	}
	for suffix, s := range map[string]struct{ genuine, impostor []float64 }{"": many, "_single": one} {
		if len(s.genuine) == 0 || len(s.impostor) == 0 {
			continue
		}
		out["face.multi_cosine"+suffix] = figures.Spread(s.genuine, "cosine", how+"; the same person")
		out["face.multi_fnmr_at_cos38"+suffix] = figures.Share(below(s.genuine, face.Match), len(s.genuine), how)
		out["face.multi_fmr_at_cos38"+suffix] = figures.Share(len(s.impostor)-below(s.impostor, face.Match), len(s.impostor), how)
		out["face.multi_impostor"+suffix] = figures.Spread(s.impostor, "cosine", how+"; different people")
	}
	return out, nil
}
