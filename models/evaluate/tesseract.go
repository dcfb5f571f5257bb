package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/picture"
)

// Tesseract reads lines best when capitals are about 30 pixels high; letters fill the
// middle half of a line's place.
const (
	cropHeight = 64
	cropMargin = 12
	maxCrop    = 4096
)

// tesseract lets Tesseract read the very lines that the product found, cut out and
// straightened, so that only the reading is compared and not the finding. It takes
// its best mode for it: one line a picture, and only the characters that can occur.
func tesseract(ctx context.Context, e models.Engine, data string, log io.Writer) (figures.Set, error) {
	program, err := exec.LookPath("tesseract")
	if err != nil {
		return nil, fmt.Errorf("tesseract is not installed: %w", fs.ErrNotExist)
	}
	var list []specimen
	if err := load(filepath.Join(data, "documents", "manifest.json"), &list); err != nil {
		return nil, err
	}
	version := "unknown version"
	if b, err := exec.CommandContext(ctx, program, "--version").Output(); err == nil {
		version, _, _ = strings.Cut(string(b), "\n")
	}
	dir, err := os.MkdirTemp("", "lines")
	if err != nil {
		return nil, fmt.Errorf("cut lines out: %w", err)
	}
	defer os.RemoveAll(dir)
	lines, own, peer := 0, 0, 0
	for _, s := range list {
		f, err := picture.FromFile(filepath.Join(data, "documents", s.File))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		d, err := e.ReadDocument(ctx, []models.Frame{f})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		if len(d.Lines) != len(s.Lines) {
			continue // not found: nothing to compare
		}
		crops, err := cutLines(f, d.Lines)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		for i, crop := range crops {
			file := filepath.Join(dir, "line.png")
			if err := os.WriteFile(file, crop, 0o600); err != nil {
				return nil, fmt.Errorf("cut lines out: %w", err)
			}
			cmd := exec.CommandContext(ctx, program, file, "stdout", "--psm", "7", "-l", "eng", "-c", "tessedit_char_whitelist=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<")
			cmd.Env = append(os.Environ(), "OMP_THREAD_LIMIT=1")
			b, err := cmd.Output()
			if err != nil {
				return nil, fmt.Errorf("run tesseract: %w", err)
			}
			got := strings.Join(strings.Fields(string(b)), "")
			lines++
			if d.Lines[i].Text == s.Lines[i] {
				own++
			}
			if got == s.Lines[i] {
				peer++
			} else {
				fmt.Fprintf(log, "%-34s want %s\n%34s got  %s\n", filepath.Base(s.File), s.Lines[i], "", got)
			}
		}
	}
	how := "lines of the specimens that the product found, cut out at the same places and straightened"
	return figures.Set{
		"mrz.lines_exact_peer_tesseract": figures.Share(peer, lines, version+" (eng, one line, characters of the zone only): "+how),
		"mrz.lines_exact_located":        figures.Share(own, lines, "the product's reader: "+how),
	}, nil
}

// cutLines cuts lines out of a frame, as PNGs with a white margin.
func cutLines(f models.Frame, lines []models.Line) ([][]byte, error) {
	m, err := picture.Decode(f)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	var out [][]byte
	for _, l := range lines {
		b, err := cutLine(m, l.At)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func cutLine(m gocv.Mat, q models.Quad) ([]byte, error) {
	if err := picture.BGR(m); err != nil {
		return nil, err
	}
	var from [4]gocv.Point2f
	for i, p := range q {
		x, y := p.X*float64(m.Cols()), p.Y*float64(m.Rows())
		if math.IsNaN(x) || math.IsNaN(y) || math.Abs(x) > 2*models.MaxFrameSide || math.Abs(y) > 2*models.MaxFrameSide {
			return nil, errors.New("a line lies nowhere")
		}
		from[i] = gocv.Point2f{X: float32(x), Y: float32(y)}
	}
	across := math.Hypot(float64(from[1].X-from[0].X), float64(from[1].Y-from[0].Y))
	down := math.Hypot(float64(from[3].X-from[0].X), float64(from[3].Y-from[0].Y))
	if across < 8 || down < 4 {
		return nil, errors.New("a line without pixels")
	}
	w := min(maxCrop, int(across/down*cropHeight))
	src := gocv.NewPoint2fVectorFromPoints(from[:])
	defer src.Close()
	dst := gocv.NewPoint2fVectorFromPoints([]gocv.Point2f{{X: 0, Y: 0}, {X: float32(w), Y: 0}, {X: float32(w), Y: cropHeight}, {X: 0, Y: cropHeight}})
	defer dst.Close()
	t := gocv.GetPerspectiveTransform2f(src, dst)
	defer t.Close()
	flat := gocv.NewMat()
	defer flat.Close()
	gocv.WarpPerspectiveWithParams(m, &flat, t, image.Pt(w, cropHeight), gocv.InterpolationCubic, gocv.BorderReplicate, color.RGBA{})
	framed := gocv.NewMat()
	defer framed.Close()
	gocv.CopyMakeBorder(flat, &framed, cropMargin, cropMargin, cropMargin, cropMargin, gocv.BorderReplicate, color.RGBA{})
	b, err := gocv.IMEncode(gocv.PNGFileExt, framed)
	if err != nil {
		return nil, fmt.Errorf("encode a line: %w", err)
	}
	defer b.Close()
	return append([]byte(nil), b.GetBytes()...), nil
}
