package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"vestibule/journey"
)

// Change is one setting that two policies have otherwise. From or To is empty where one has none.
type Change struct {
	Pointer string
	From    string
	To      string
}

func (c Change) String() string {
	switch {
	case c.From == "":
		return "+ " + c.Pointer + "  " + c.To
	case c.To == "":
		return "- " + c.Pointer + "  " + c.From
	}
	return "~ " + c.Pointer + "  " + c.From + " → " + c.To
}

// Diff tells what would change from one policy to another, in the order of the file. Lists of words are told
// by what comes and goes, rules by their names.
func Diff(from, to journey.Policy) []Change {
	return diff(reflect.ValueOf(from), reflect.ValueOf(to), "")
}

func diff(a, b reflect.Value, pointer string) []Change {
	t := a.Type()
	switch {
	case t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[[]journey.AgeCondition]():
	case t == reflect.TypeFor[[]journey.Rule]():
		return diffRules(a.Interface().([]journey.Rule), b.Interface().([]journey.Rule), pointer)
	case t.Kind() == reflect.Struct:
		var out []Change
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			out = append(out, diff(a.Field(i), b.Field(i), pointer+"/"+name)...)
		}
		return out
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		return diffWords(a, b, pointer)
	}
	from, to := show(a), show(b)
	if from == to {
		return nil
	}
	return []Change{{pointer, from, to}}
}

// show writes a value as a file has it; empty where the file has none.
func show(v reflect.Value) string {
	if d, ok := v.Interface().(time.Duration); ok {
		return d.String()
	}
	if v.Kind() == reflect.Slice && v.Len() == 0 {
		return ""
	}
	if when, ok := v.Interface().(time.Time); ok && when.IsZero() {
		return ""
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v.Interface()); err != nil {
		return fmt.Sprint(v.Interface()) // a NaN, which no file holds
	}
	return strings.TrimSpace(b.String())
}

func diffWords(a, b reflect.Value, pointer string) []Change {
	has := func(list, word reflect.Value) bool {
		for i := range list.Len() {
			if list.Index(i).String() == word.String() {
				return true
			}
		}
		return false
	}
	var out []Change
	for i := range a.Len() {
		if !has(b, a.Index(i)) {
			out = append(out, Change{Pointer: pointer, From: show(a.Index(i))})
		}
	}
	for i := range b.Len() {
		if !has(a, b.Index(i)) {
			out = append(out, Change{Pointer: pointer, To: show(b.Index(i))})
		}
	}
	if out == nil && show(a) != show(b) {
		out = append(out, Change{pointer, show(a), show(b)}) // in another order
	}
	return out
}

func diffRules(a, b []journey.Rule, pointer string) []Change {
	byName := func(list []journey.Rule, name string) (journey.Rule, bool) {
		for _, r := range list {
			if r.Name == name {
				return r, true
			}
		}
		return journey.Rule{}, false
	}
	var out []Change
	for _, r := range a {
		now, ok := byName(b, r.Name)
		at := pointer + "/" + r.Name
		if !ok {
			out = append(out, Change{Pointer: at, From: show(reflect.ValueOf(r))})
			continue
		}
		out = append(out, diff(reflect.ValueOf(r), reflect.ValueOf(now), at)...)
	}
	for _, r := range b {
		if _, ok := byName(a, r.Name); !ok {
			out = append(out, Change{Pointer: pointer + "/" + r.Name, To: show(reflect.ValueOf(r))})
		}
	}
	return out
}
