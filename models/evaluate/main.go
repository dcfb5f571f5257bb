// Command evaluate measures the models on a folder of test data and adds the figures
// to a JSON file: go run ./models/evaluate -data DIR -out build/evaluate.json
//
// DIR is laid out like this: documents/manifest.json (a list of {file, format, mrz,
// all_check_digits_valid}), mrz/vectors.json (a list of {src, lines}), faces/manifest.csv.
// A part that is missing is left out and said so. Nothing of it enters the product.
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

	"vestibule/models"
	"vestibule/models/evaluate/figures"
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
	return []part{{"vectors", vectors}, {"documents", documents}, {"faces", faces.Faces}, {"genuine", liveness}}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	data := flags.String("data", "", "folder with the test data (required)")
	out := flags.String("out", "build/evaluate.json", "file that the figures are added to")
	dir := flags.String("models", "", "folder with the trained networks (default: where they are fetched to)")
	only := flags.String("only", "", "one part alone: vectors, documents, faces, genuine")
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
	log := io.Discard
	if *verbose {
		log = stdout
	}
	all := figures.Set{}
	for _, p := range parts() {
		if *only != "" && *only != p.name {
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
	return figures.Merge(*out, all)
}
