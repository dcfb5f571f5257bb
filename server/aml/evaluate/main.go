// Command evaluate measures the screening on a labelled set, laid out as
//
//	DATA/aml/ofac_sdn.csv, ofac_alt.csv, …   a list of people, OFAC's files
//	DATA/aml/UN_consolidated.xml             a list of people, the UN's file
//	DATA/aml/queries.jsonl                   {cls, src, name, dob, exp: [list ids]}; empty exp: not listed
//	DATA/aml/nk_name_pairs.csv               schema, name1, name2, is_match
//
// and adds its figures to a file of figures.
//
//	evaluate -data DIR [-out FILE] [-classes]
package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"vestibule/journey"
	"vestibule/models/evaluate/figures"
	"vestibule/server/aml"
	"vestibule/server/aml/source"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "evaluate:", err)
		}
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	data := flags.String("data", "", "folder of the labelled set")
	out := flags.String("out", "", "file of figures to add to")
	classes := flags.Bool("classes", false, "print the recall of every class of queries, and the worst false hits")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *data == "" {
		return errors.New("name the folder of the labelled set with -data")
	}
	dir := filepath.Join(*data, "aml")
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(stderr, "evaluate: no folder aml in %s: the screening is not measured\n", *data)
		return nil
	}
	set, err := measure(dir, *classes, stdout)
	if err != nil {
		return err
	}
	if *out != "" {
		if err := figures.Merge(*out, set); err != nil {
			return err
		}
	}
	return set.Table(stdout)
}

// query is one line of queries.jsonl.
type query struct {
	Class  string   `json:"cls"`
	Source string   `json:"src"`
	Name   string   `json:"name"`
	Birth  string   `json:"dob"`
	Want   []string `json:"exp"`

	nameOnly, withBirth float64
}

func measure(dir string, classes bool, stdout io.Writer) (figures.Set, error) {
	began := time.Now()
	ofac, err := source.Load(source.OFACCSV, filepath.Join(dir, "ofac_sdn.csv"), "")
	if err != nil {
		return nil, err
	}
	un, err := source.Load(source.UNXML, filepath.Join(dir, "UN_consolidated.xml"), "")
	if err != nil {
		return nil, err
	}
	index, err := aml.Build(ofac, un)
	if err != nil {
		return nil, err
	}
	loading := time.Since(began)
	queries, err := readQueries(filepath.Join(dir, "queries.jsonl"))
	if err != nil {
		return nil, err
	}
	runtime.GOMAXPROCS(1)
	if err := search(index, queries, true); err != nil {
		return nil, err
	}
	before := cpu()
	if err := search(index, queries, false); err != nil {
		return nil, err
	}
	spent := cpu() - before
	auc, pairs, err := pairsAUC(filepath.Join(dir, "nk_name_pairs.csv"))
	if err != nil {
		return nil, err
	}
	nameLimit, nameRecall, positives := recall(queries, func(q *query) float64 { return q.nameOnly })
	birthLimit, birthRecall, _ := recall(queries, func(q *query) float64 { return q.withBirth })
	flag := journey.DefaultPolicy().AML.Flag
	flagged, alarms := 0, 0
	for i := range queries {
		switch q := &queries[i]; {
		case q.withBirth < flag:
		case len(q.Want) > 0:
			flagged++
		default:
			alarms++
		}
	}
	if classes {
		printClasses(stdout, queries, nameLimit, birthLimit)
	}
	how := fmt.Sprintf("best score of an expected entity against the score that 1 %%%% of the people not listed reach (%%s: %%.1f); %d people indexed, engine %s", index.People(), aml.Engine)
	return figures.Set{
		"aml.recall_at_fpr1_name":  {Value: nameRecall, Unit: "share", N: positives, How: fmt.Sprintf(how, "name only", nameLimit)},
		"aml.recall_at_fpr1_dob":   {Value: birthRecall, Unit: "share", N: positives, How: fmt.Sprintf(how, "with date of birth", birthLimit)},
		"aml.threshold_fpr1_name":  {Value: nameLimit, Unit: "points", N: len(queries) - positives, How: "score that 1 % of the people not listed reach, name only"},
		"aml.threshold_fpr1_dob":   {Value: birthLimit, Unit: "points", N: len(queries) - positives, How: "the same with date of birth"},
		"aml.recall_at_flag":       figures.Share(flagged, positives, fmt.Sprintf("listed people who score the default policy's %.0f points or more, with date of birth", flag)),
		"aml.false_alarms_at_flag": figures.Share(alarms, len(queries)-positives, "people not listed who do"),
		"aml.pairs_auc":            {Value: auc, Unit: "AUC", N: pairs, How: "pairs of people's names, matching or not, ranked by the name score"},
		"aml.cpu_ms_per_query":     {Value: spent.Seconds() * 1000 / float64(len(queries)), Unit: "ms", N: len(queries), How: "process CPU time over all queries, name only, in the order of the file, one thread"},
		"aml.load_and_index_s":     {Value: loading.Seconds(), Unit: "s", N: index.People(), How: "wall time to read both lists and build the index"},
		"aml.people_indexed":       {Value: float64(index.People()), Unit: "count", N: index.People(), How: "people of both lists"},
	}, nil
}

func readQueries(path string) ([]query, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []query
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var q query
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", filepath.Base(path), n, err)
		}
		all = append(all, q)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no queries", filepath.Base(path))
	}
	return all, nil
}

// sources says which list a query's src column means.
func sources(column string) ([]aml.Source, error) {
	switch column {
	case "":
		return nil, nil
	case "us_ofac":
		return []aml.Source{aml.SourceOFAC}, nil
	case "un_csl", "un_sc":
		return []aml.Source{aml.SourceUN}, nil
	}
	return nil, fmt.Errorf("queries of an unknown list %q", column)
}

// search scores every query: its best expected entity if it has one, else its best.
func search(index *aml.Index, queries []query, withBirth bool) error {
	for i := range queries {
		q := &queries[i]
		from, err := sources(q.Source)
		if err != nil {
			return err
		}
		ask := aml.Query{Name: q.Name, Sources: from, Most: 20}
		if withBirth {
			ask.Birth = q.Birth
		}
		found, err := index.Search(ask)
		if err != nil && !errors.Is(err, aml.ErrNotScreened) {
			return err
		}
		best := 0.
		for _, m := range found {
			if len(q.Want) == 0 || slices.Contains(q.Want, m.Entity) {
				best = m.Score
				break
			}
		}
		if withBirth {
			q.withBirth = best
		} else {
			q.nameOnly = best
		}
	}
	return nil
}

// recall gives the score that 1 % of the negatives reach, and the share of the
// positives above it.
func recall(queries []query, score func(*query) float64) (limit, share float64, positives int) {
	var negative []float64
	for i := range queries {
		if len(queries[i].Want) == 0 {
			negative = append(negative, score(&queries[i]))
		}
	}
	slices.SortFunc(negative, func(a, b float64) int { return cmp.Compare(b, a) })
	if len(negative) > 0 {
		limit = negative[len(negative)/100]
	}
	above := 0
	for i := range queries {
		if len(queries[i].Want) == 0 {
			continue
		}
		positives++
		if score(&queries[i]) > limit {
			above++
		}
	}
	if positives > 0 {
		share = float64(above) / float64(positives)
	}
	return limit, share, positives
}

// pairsAUC is the chance that a matching pair scores higher than one that does not.
func pairsAUC(path string) (auc float64, n int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if len(rows) == 0 {
		return 0, 0, fmt.Errorf("%s: empty", filepath.Base(path))
	}
	column := make(map[string]int)
	for i, name := range rows[0] {
		column[name] = i
	}
	for _, name := range []string{"schema", "name1", "name2", "is_match"} {
		if _, ok := column[name]; !ok {
			return 0, 0, fmt.Errorf("%s: no column %s", filepath.Base(path), name)
		}
	}
	var match, other []float64
	for _, row := range rows[1:] {
		if row[column["schema"]] != "Person" {
			continue
		}
		score := aml.Compare(row[column["name1"]], row[column["name2"]])
		if row[column["is_match"]] == "true" {
			match = append(match, score)
		} else {
			other = append(other, score)
		}
	}
	wins := 0.
	for _, m := range match {
		for _, o := range other {
			switch {
			case m > o:
				wins++
			case m == o:
				wins += .5
			}
		}
	}
	if len(match) == 0 || len(other) == 0 {
		return 0, 0, fmt.Errorf("%s: no pairs of both kinds", filepath.Base(path))
	}
	return wins / float64(len(match)*len(other)), len(match) + len(other), nil
}

func printClasses(w io.Writer, queries []query, nameLimit, birthLimit float64) {
	type count struct{ n, name, birth int }
	classes := make(map[string]*count)
	for i := range queries {
		q := &queries[i]
		c := classes[q.Class]
		if c == nil {
			c = &count{}
			classes[q.Class] = c
		}
		c.n++
		if q.nameOnly > nameLimit {
			c.name++
		}
		if q.withBirth > birthLimit {
			c.birth++
		}
	}
	var names []string
	for name := range classes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c := classes[name]
		fmt.Fprintf(w, "%-22s %6d  name only %.3f  with birth %.3f\n", name, c.n, float64(c.name)/float64(c.n), float64(c.birth)/float64(c.n))
	}
}

// cpu is the processor time this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
