package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/mrz"
	"vestibule/models/picture"
)

// wide is the width from which a picture counts in mrz.documents_exact: narrower ones are
// thumbnails, far below what a kiosk's camera gives.
const wide = 500

type specimen struct {
	File   string   `json:"file"`
	Format string   `json:"format"`
	Lines  []string `json:"mrz"`
	Valid  bool     `json:"all_check_digits_valid"`
}

func documents(ctx context.Context, e models.Engine, data string, log io.Writer) (figures.Set, error) {
	var list []specimen
	if err := load(filepath.Join(data, "documents", "manifest.json"), &list); err != nil {
		return nil, err
	}
	var big, bigExact, exact, lines, linesExact, valid, validRead, accepted, sure, wrong, portraits int
	var ms, cpu []float64
	page := newDocumentPage(ctx)
	for _, s := range list {
		f, err := picture.FromFile(filepath.Join(data, "documents", s.File))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		start, used := time.Now(), processCPU()
		d, err := e.ReadDocument(ctx, []models.Frame{f})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		took := float64(time.Since(start)) / float64(time.Millisecond)
		ms, cpu = append(ms, took), append(cpu, processCPU()-used)
		var got []string
		for _, l := range d.Lines {
			got = append(got, l.Text)
		}
		same := slices.Equal(got, s.Lines)
		for i, l := range s.Lines {
			lines++
			if i < len(got) && got[i] == l {
				linesExact++
			}
		}
		digits := d.MRZ != nil && digitsFit(*d.MRZ)
		take := d.MRZ != nil && d.Agreed && d.MRZ.Valid()
		count := func(n *int, when bool) {
			if when {
				*n++
			}
		}
		count(&exact, same)
		count(&big, d.Width >= wide)
		count(&bigExact, d.Width >= wide && same)
		count(&valid, s.Valid)
		count(&validRead, s.Valid && digits)
		count(&accepted, take)
		count(&sure, digits && d.Agreed)
		count(&wrong, digits && d.Agreed && !same)
		count(&portraits, d.Portrait != nil)
		if err := page.note(s, f, d, same, take); err != nil {
			return nil, err
		}
		fmt.Fprintf(log, "%-34s %4d×%-4d exact %-5v digits %-5v agreed %-5v recognition %3.0f  %4.1f px/mm  turn %3d  portrait %-5v  hint %-11q %4.0f ms\n",
			filepath.Base(s.File), d.Width, d.Height, same, digits, d.Agreed, d.Recognition, d.PixelsPerMM, d.Turn, d.Portrait != nil, d.Hint, took)
		if !same {
			fmt.Fprintf(log, "    want %s\n    got  %s\n", strings.Join(s.Lines, " "), strings.Join(got, " "))
		}
		if d.MRZ != nil && d.Agreed && !take {
			fmt.Fprintf(log, "    not accepted: %s\n", faults(*d.MRZ))
		}
	}
	page.add()
	const how = "public specimen pictures, one frame each, the product's own engine; exact: every line as printed"
	return figures.Set{
		"mrz.documents_exact":     figures.Share(bigExact, big, how+"; pictures of 500 px width and more"),
		"mrz.documents_exact_all": figures.Share(exact, len(list), how),
		"mrz.lines_exact":         figures.Share(linesExact, lines, how),
		"mrz.digits_valid":        figures.Share(validRead, valid, "all check digits fit, of the specimens where they fit as printed"),
		"mrz.accepted":            figures.Count(accepted, len(list), "the reading is sure, and no field has a problem: what a kiosk takes without another frame"),
		"mrz.auto_accept_rate":    figures.Share(sure, len(list), "sure readings: all check digits fit and both readers agree; a specimen may still break the format (a two-letter state) and is refused for that"),
		"mrz.auto_accepted_wrong": figures.Count(wrong, len(list), "sure readings in which a character differs from the print"),
		"mrz.read_ms":             figures.Spread(ms, "ms", "decoded frame in, all findings out, one thread per network; specimens as above"),
		"mrz.read_cpu_ms":         figures.Spread(cpu, "ms", "processor time of the same, all threads; steadier than the clock on a shared machine"),
		"document.portraits":      figures.Share(portraits, len(list), "pictures in which a portrait was found; some show a back side without one"),
	}, nil
}

// processCPU is the processor time this process has used, in milliseconds.
func processCPU() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / float64(time.Millisecond)
}

func digitsFit(d mrz.Document) bool {
	for _, f := range d.Fields() {
		if f.Check == mrz.CheckWrong {
			return false
		}
	}
	return true
}

func faults(d mrz.Document) string {
	var out []string
	for _, f := range d.Fields() {
		if f.Check == mrz.CheckWrong {
			out = append(out, f.Name+" digit")
		}
		if f.Problem != "" {
			out = append(out, f.Name+" "+f.Problem)
		}
	}
	return strings.Join(out, ", ")
}

func load(file string, into any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return errors.Join(fmt.Errorf("read %s", file), err)
	}
	return nil
}
