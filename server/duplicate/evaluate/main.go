// Command evaluate measures how many of those who came twice, with slips of the pen, are suspected. It reads
//
//	DATA/aml/febrl_dataset*.csv   FEBRL's people: rec_id rec-N-org or rec-N-dup-K, given_name, surname,
//	                              date_of_birth YYYYMMDD, soc_sec_id, which stands for the document's number
//
// and adds its figures to a file of figures.
//
//	evaluate -data DIR [-out FILE] [-v]
package main

import (
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vestibule/models/evaluate/figures"
	"vestibule/server/duplicate"
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
	verbose := flags.Bool("v", false, "name every pair that is missed or wrong")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *data == "" {
		return errors.New("name the folder of the labelled set with -data")
	}
	files, err := filepath.Glob(filepath.Join(*data, "aml", "febrl_dataset*.csv"))
	if err != nil {
		return fmt.Errorf("look for people: %w", err)
	}
	if len(files) == 0 {
		fmt.Fprintf(stderr, "evaluate: no febrl_dataset*.csv in %s: suspicion is not measured\n", *data)
		return nil
	}
	say := io.Discard
	if *verbose {
		say = stderr
	}
	var all tally
	set := figures.Set{}
	for _, f := range files {
		people, err := read(f)
		if err != nil {
			return err
		}
		one := compare(people, say)
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), "febrl_"), ".csv")
		set["duplicates.febrl_recall."+name] = one.recall("of this file; " + how)
		all.add(one)
	}
	set["duplicates.febrl_recall"] = all.recall(how)
	set["duplicates.febrl_recall_exact"] = figures.Share(all.exact, all.pairs, "pairs whose name, birth and number give the same hash, which the duplicate check finds; beside it")
	set["duplicates.febrl_false_pairs"] = figures.Count(all.wrong, all.looked, "pairs of different people that are suspected; n: pairs that meet under a key and are compared; "+how)
	if *out != "" {
		if err := figures.Merge(*out, set); err != nil {
			return err
		}
	}
	return set.Table(stdout)
}

const how = "FEBRL's synthetic people with slips of the pen, soc_sec_id for the document's number; by the product's keys and comparison, whose limits were worked out on these files"

// person is one line.
type person struct {
	id, who string
	duplicate.Traits
}

func read(path string) ([]person, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read people: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.TrimLeadingSpace = true
	lines, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s is empty", filepath.Base(path))
	}
	column := map[string]int{}
	for i, name := range lines[0] {
		column[strings.TrimSpace(name)] = i
	}
	for _, name := range []string{"rec_id", "given_name", "surname", "date_of_birth", "soc_sec_id"} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("%s has no column %s", filepath.Base(path), name)
		}
	}
	var people []person
	for _, l := range lines[1:] {
		at := func(name string) string { return strings.TrimSpace(l[column[name]]) }
		p := person{id: at("rec_id"), Traits: duplicate.Traits{Family: at("surname"), Given: at("given_name"), Number: duplicate.DocumentNumber(at("soc_sec_id"))}}
		if d := at("date_of_birth"); len(d) == 8 {
			p.Birth = d[:4] + "-" + d[4:6] + "-" + d[6:]
		}
		parts := strings.Split(p.id, "-")
		if len(parts) < 3 {
			return nil, fmt.Errorf("%s: %q is no rec-N-org and no rec-N-dup-K", filepath.Base(path), p.id)
		}
		p.who = parts[1]
		people = append(people, p)
	}
	return people, nil
}

// tally counts pairs.
type tally struct{ pairs, found, exact, wrong, looked int }

func (t *tally) add(o tally) {
	t.pairs += o.pairs
	t.found += o.found
	t.exact += o.exact
	t.wrong += o.wrong
	t.looked += o.looked
}

func (t tally) recall(how string) figures.Figure { return figures.Share(t.found, t.pairs, how) }

// compare lets everybody who shares a key be compared, once.
func compare(people []person, say io.Writer) tally {
	var t tally
	meet := map[string][]int{}
	same := map[string]int{}
	for i, p := range people {
		for _, k := range p.NearKeys() {
			meet[k] = append(meet[k], i)
		}
		t.pairs += same[p.who]
		same[p.who]++
	}
	type pair struct{ a, b int }
	met := map[pair]bool{}
	for _, k := range slices.Sorted(maps.Keys(meet)) {
		for i, a := range meet[k] {
			for _, b := range meet[k][i+1:] {
				met[pair{a, b}] = true
			}
		}
	}
	t.looked = len(met)
	found := map[pair]bool{}
	for p := range met {
		a, b := people[p.a], people[p.b]
		s, near := duplicate.Suspect(a.Traits, b.Traits)
		switch {
		case near && a.who == b.who:
			t.found++
			found[p] = true
		case near:
			t.wrong++
			fmt.Fprintf(say, "wrong: %s and %s, names %.0f, by %s\n", a.id, b.id, s.Name, s.Why)
		}
	}
	for i, a := range people {
		for j := range people[i+1:] {
			b := people[i+1+j]
			if a.who != b.who {
				continue
			}
			if duplicate.NameKey(a.Family, a.Given) == duplicate.NameKey(b.Family, b.Given) && a.Birth == b.Birth {
				t.exact++
			}
			if p := (pair{i, i + 1 + j}); !found[p] {
				s, _ := duplicate.Suspect(a.Traits, b.Traits)
				fmt.Fprintf(say, "missed: %s and %s, names %.0f, met %v: %v %v\n", a.id, b.id, s.Name, met[p], a.Traits, b.Traits)
			}
		}
	}
	return t
}
