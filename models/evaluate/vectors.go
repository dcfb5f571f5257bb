package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/evaluate/report"
	"vestibule/models/mrz"
)

// peersDir is where `make peers` puts what others have made of the same task. It is
// measured beside the product where it is there, and left out where it is not.
const peersDir = "build/peers"

// vector is a zone as text from the tests of another project.
type vector struct {
	Source string   `json:"src"`
	Lines  []string `json:"lines"`
}

// vectors parses zones as text. There is no verdict beside them, so the parser is compared
// with a second reading of the standard, check by check (see rule); with -v every
// difference and every zone that does not fit is explained.
func vectors(ctx context.Context, _ models.Engine, data string, log io.Writer) (figures.Set, error) {
	var list []vector
	if err := load(filepath.Join(data, "mrz", "vectors.json"), &list); err != nil {
		return nil, err
	}
	parsed, fit, valid, pass, strict := 0, 0, 0, 0, 0
	deviations := report.Table{Caption: "Zones on which the parser and the plain reading of ICAO 9303 disagree", Head: []string{"source", "zone", "difference", "with the known customs"}}
	for _, v := range list {
		own := rulingOf(v.Lines)
		byBook, byCustom := own.differ(rule(v.Lines, false)), own.differ(ruleFor(v.Lines))
		if len(byBook) == 0 {
			strict++
		}
		if len(byCustom) == 0 {
			pass++
		}
		if len(byBook)+len(byCustom) > 0 {
			then := "agree"
			if len(byCustom) > 0 {
				then = strings.Join(byCustom, "; ")
			}
			fmt.Fprintf(log, "%-20s %s\n    %s; with the known customs: %s\n", v.Source, strings.Join(v.Lines, " "), strings.Join(byBook, "; "), then)
			deviations.Rows = append(deviations.Rows, []string{v.Source, strings.Join(v.Lines, "\n"), strings.Join(byBook, "\n"), then})
		}
		d, err := mrz.Parse(v.Lines)
		if err != nil {
			fmt.Fprintf(log, "%-20s %s\n    %v\n", v.Source, strings.Join(v.Lines, " "), err)
			continue
		}
		parsed++
		if digitsFit(d) {
			fit++
		}
		if d.Valid() {
			valid++
			continue
		}
		fmt.Fprintf(log, "%-20s %s %s\n    %s\n", v.Source, d.Layout, strings.Join(v.Lines, " "), faults(d))
	}
	const how = "zones as text from tests of other projects: valid, invalid and deviating ones"
	const judged = how + "; layout, every check digit and every date judged as a second, independent reading of ICAO 9303 judges them"
	out := figures.Set{
		"mrz.vectors_parsed":      figures.Share(parsed, len(list), how),
		"mrz.vectors_digits":      figures.Count(fit, len(list), how+"; all check digits fit"),
		"mrz.vectors_valid":       figures.Count(valid, len(list), how+"; digits fit and no field has a problem"),
		"mrz.vectors_pass":        figures.Share(pass, len(list), judged+"; customs that the standard does not name are followed: the old French card, both ways of a long number's digit, 00 for unknown days, and look-alikes that the parser tells of"),
		"mrz.vectors_pass_strict": figures.Share(strict, len(list), judged+", by the letter"),
	}
	section := report.Section{
		Title:  "Zones as text",
		Prose:  "The parser against a second reading of ICAO 9303 that shares no code with it. A difference is no error by itself: the parser takes the old French card, both ways of computing a long number's digit, and look-alikes (a letter B in a date) which it tells of; the letter of the standard takes none of these.",
		Tables: []report.Table{deviations},
	}
	peer, misses, err := npmMRZ(ctx, peersDir, list)
	switch {
	case err != nil:
		fmt.Fprintf(log, "npm mrz: left out, %v\n", err)
	default:
		maps.Copy(out, peer)
		section.Tables = append(section.Tables, misses)
	}
	report.From(ctx).Add(section)
	return out, nil
}

//go:embed npm_mrz.mjs
var npmScript string

// npmMRZ lets the npm package mrz judge the same zones.
func npmMRZ(ctx context.Context, dir string, list []vector) (figures.Set, report.Table, error) {
	version, err := npmVersion(filepath.Join(dir, "node_modules", "mrz", "package.json"))
	if err != nil {
		return nil, report.Table{}, err
	}
	zones := make([][]string, len(list))
	for i, v := range list {
		zones[i] = v.Lines
	}
	in, err := json.Marshal(zones)
	if err != nil {
		return nil, report.Table{}, err
	}
	ctx, end := context.WithTimeout(ctx, time.Minute)
	defer end()
	cmd := exec.CommandContext(ctx, "node", "--input-type=module", "--eval", npmScript)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(in)
	b, err := cmd.Output()
	if err != nil {
		return nil, report.Table{}, fmt.Errorf("run node: %w", err)
	}
	return judgeNPM(list, b, version)
}

// judgeNPM judges what npm_mrz.mjs printed. A digit that may be blank counts as fitting,
// since the package does not tell the two apart; dates are left out.
func judgeNPM(list []vector, answers []byte, version string) (figures.Set, report.Table, error) {
	misses := report.Table{Caption: "The same zones by the npm package mrz: where it differs", Head: []string{"source", "zone", "difference"}}
	var got []struct {
		Layout string            `json:"layout"`
		Digits map[string]string `json:"digits"`
	}
	if err := json.Unmarshal(answers, &got); err != nil {
		return nil, misses, fmt.Errorf("npm mrz: %w", err)
	}
	if len(got) != len(list) {
		return nil, misses, fmt.Errorf("npm mrz answered to %d of %d zones", len(got), len(list))
	}
	pass := 0
	for i, g := range got {
		want := rule(list[i].Lines, true)
		for name, state := range want.digits {
			if state == "blank" {
				want.digits[name] = "fits"
			}
		}
		its := ruling{layout: g.Layout, digits: g.Digits, birth: want.birth, expiry: want.expiry}
		if d := its.differ(want); len(d) > 0 {
			misses.Rows = append(misses.Rows, []string{list[i].Source, strings.Join(list[i].Lines, "\n"), strings.Join(d, "\n")})
			continue
		}
		pass++
	}
	return figures.Set{
		"mrz.vectors_pass_peer_npm_mrz": figures.Share(pass, len(list), "npm mrz "+version+" on the same zones, layout and check digits judged as for mrz.vectors_pass; it knows no visas"),
	}, misses, nil
}

func npmVersion(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("the package is not there (make peers): %w", fs.ErrNotExist)
	}
	var p struct{ Version string }
	if err := json.Unmarshal(b, &p); err != nil {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	return p.Version, nil
}
