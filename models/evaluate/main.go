// Command evaluate measures the models on a folder of test data and adds the figures
// to a JSON file: go run ./models/evaluate -data DIR -out build/evaluate.json
// Beside it goes a page with the same figures, curves and what went wrong: evaluate.html.
//
// DIR is laid out like this: documents/manifest.json (a list of {file, format, mrz,
// all_check_digits_valid}), mrz/vectors.json (a list of {src, lines}), faces/manifest.csv.
// A part that is missing is left out and said so. A part may add sections to the page
// through package report. Nothing of it enters the product.
// What is measured elsewhere (sanctions screening, in the server) adds its figures to the
// same file through package figures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/evaluate/report"
	"vestibule/models/eyes"
	faces "vestibule/models/face/evaluate"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "evaluate:", err)
		os.Exit(1)
	}
}

// part measures one thing; it fails with fs.ErrNotExist when the data has no such folder.
type part struct {
	name string
	do   func(ctx context.Context, e models.Engine, data string, log io.Writer) (figures.Set, error)
}

func parts() []part {
	return []part{
		{"vectors", vectors},
		{"documents", documents},
		{"fields", fields},
		{"quality", pictureQuality},
		{"visual", visuals},
		{"synthetic", synthetic},
		{"tesseract", tesseract},
		{"faces", faces.Faces},
		{"capture", faces.Quality},
		{"templates", faces.Multi},
		{"genuine", liveness},
		{"films", films},
		{"attacks", attacks},
		{"barcode", barcodes},
	}
}

func names() []string {
	var out []string
	for _, p := range parts() {
		out = append(out, p.name)
	}
	return out
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	data := flags.String("data", "", "folder with the test data (required)")
	out := flags.String("out", "build/evaluate.json", "file that the figures are added to")
	page := flags.String("report", "", "HTML file with all of it and pictures of what went wrong (default: beside -out; none: no page)")
	dir := flags.String("models", "", "folder with the trained networks (default: where they are fetched to)")
	only := flags.String("only", "", "some parts alone, apart by commas: "+strings.Join(names(), ", "))
	drawn := flags.Int("n", 240, "how many documents are drawn by the part synthetic")
	seed := flags.Uint64("seed", 1, "which drawing is the first")
	verbose := flags.Bool("v", false, "name every miss")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *data == "" {
		return errors.New("no test data: give -data DIR")
	}
	e, err := eyes.Open(*dir)
	if err != nil {
		return err
	}
	defer e.Close()
	ctx = context.WithValue(ctx, drawnKey{}, drawing{n: *drawn, seed: *seed})
	log := io.Discard
	if *verbose {
		log = stdout
	}
	if *page == "" {
		*page = strings.TrimSuffix(*out, filepath.Ext(*out)) + ".html"
	}
	var sections *report.Report
	if *page != "none" {
		sections = &report.Report{}
		ctx = report.Into(ctx, sections)
	}
	all := figures.Set{}
	for _, p := range parts() {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), p.name) {
			continue
		}
		set, err := p.do(ctx, e, *data, log)
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(stdout, "%s: left out, %v\n", p.name, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		for k, v := range set {
			all[k] = v
		}
	}
	if err := all.Table(stdout); err != nil {
		return err
	}
	if err := figures.Merge(*out, all); err != nil || sections == nil {
		return err
	}
	merged, err := figures.Read(*out)
	if err != nil {
		return err
	}
	if err := sections.File(*page, merged, all, figures.Goals()); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: the same with curves and pictures; it shows people, keep it on this machine\n", *page)
	return nil
}
