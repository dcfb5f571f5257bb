// Package policy is what the centre makes of a policy file: reading it with everything
// that is wrong named by its place, its JSON Schema, the difference between two, and
// cases that try one.
//
// What may live here: texts of policies, and what people are told of them. What may
// not: what a policy may say (journey.Policy.Check), what a rule's condition means
// (rule), which policy is in force (store).
package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"

	"vestibule/journey"
)

// MaxFile bounds a policy file, in bytes.
const MaxFile = 1 << 20

// maxDepth bounds how deep a file nests; a policy is four deep.
const maxDepth = 16

// Read reads a policy file: JSON, with the defaults for whatever it leaves out. Durations may be written as
// "20m" or as nanoseconds. It gives every problem at once; with problems the policy is not to be used.
func Read(text []byte) (journey.Policy, []journey.PolicyProblem) {
	p := journey.DefaultPolicy()
	if len(text) > MaxFile {
		return p, []journey.PolicyProblem{{Message: fmt.Sprintf("the file is longer than %d bytes", MaxFile)}}
	}
	tree, err := parse(text)
	if err != nil {
		return p, []journey.PolicyProblem{{Message: err.Error()}}
	}
	w := &walker{}
	clean := w.walk(tree, reflect.TypeFor[journey.Policy](), "")
	body, err := json.Marshal(clean)
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err != nil {
		return p, append(w.found, journey.PolicyProblem{Message: "not understood: " + err.Error()})
	}
	for _, one := range Problems(p) {
		// What is missing because it could not be read is told already.
		if !slices.ContainsFunc(w.found, func(f journey.PolicyProblem) bool { return within(one.Pointer, f.Pointer) }) {
			w.found = append(w.found, one)
		}
	}
	return p, w.found
}

// within says whether a pointer is another one, or leads on from it.
func within(pointer, start string) bool {
	rest, ok := strings.CutPrefix(pointer, start)
	return ok && start != "" && (rest == "" || rest[0] == '/')
}

// object is a JSON object with its members in the order of the file, doubles included.
type object []member

type member struct {
	key   string
	value any
}

// parse reads one JSON value: object, []any, string, json.Number, bool or nil.
func parse(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	v, err := parseValue(dec, 0)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the policy")
		}
	}
	if err == nil {
		return v, nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the file ends too early")
	}
	read := text[:min(int(dec.InputOffset()), len(text))]
	line := 1 + bytes.Count(read, []byte("\n"))
	return nil, fmt.Errorf("line %d, column %d: not JSON: %w", line, len(read)-bytes.LastIndexByte(read, '\n'), err)
}

func parseValue(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxDepth)
	}
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		o := object{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := parseValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			o = append(o, member{key.(string), v}) // the decoder lets nothing else be a key
		}
		_, err = dec.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := parseValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = dec.Token()
		return list, err
	}
	return t, nil
}

// walker holds a file against the Go type, and gives what of it can be decoded.
type walker struct{ found []journey.PolicyProblem }

func (w *walker) say(pointer, format string, args ...any) any {
	w.found = append(w.found, journey.PolicyProblem{Pointer: pointer, Message: fmt.Sprintf(format, args...)})
	return nil
}

// walk gives the value as encoding/json takes it; nil where something is wrong with it.
func (w *walker) walk(v any, t reflect.Type, pointer string) any {
	if v == nil && t.Kind() == reflect.Pointer {
		return nil
	}
	switch {
	case t.Kind() == reflect.Pointer:
		return w.walk(v, t.Elem(), pointer)
	case t == reflect.TypeFor[time.Duration]():
		return w.duration(v, pointer)
	case t == reflect.TypeFor[time.Time]():
		s, ok := v.(string)
		if _, err := time.Parse(time.RFC3339, s); !ok || err != nil {
			return w.say(pointer, "must be a time such as \"2026-11-25T08:00:00Z\"")
		}
		return s
	case t.Kind() == reflect.Struct:
		return w.object(v, t, pointer)
	case t.Kind() == reflect.Slice:
		list, ok := v.([]any)
		if !ok && v != nil { // null is how Go writes a list without entries
			return w.say(pointer, "must be a list")
		}
		out := make([]any, len(list))
		for i, one := range list {
			out[i] = w.walk(one, t.Elem(), pointer+"/"+strconv.Itoa(i))
		}
		return out
	}
	switch t.Kind() {
	case reflect.Bool:
		if b, ok := v.(bool); ok {
			return b
		}
		return w.say(pointer, "must be true or false")
	case reflect.String:
		if s, ok := v.(string); ok {
			return s
		}
		return w.say(pointer, "must be a text in quotes")
	case reflect.Int, reflect.Int64:
		n, ok := v.(json.Number)
		if i, err := n.Int64(); ok && err == nil {
			return i
		}
		return w.say(pointer, "must be a whole number")
	case reflect.Float64:
		n, ok := v.(json.Number)
		if f, err := n.Float64(); ok && err == nil {
			return f
		}
		return w.say(pointer, "must be a number")
	}
	return w.say(pointer, "cannot be given in a file")
}

// duration takes "20m" as well as nanoseconds.
func (w *walker) duration(v any, pointer string) any {
	switch d := v.(type) {
	case string:
		if got, err := time.ParseDuration(d); err == nil {
			return int64(got)
		}
	case json.Number:
		if n, err := d.Int64(); err == nil {
			return n
		}
	}
	return w.say(pointer, "must be a time span such as \"90s\", \"20m\" or \"720h\"")
}

func (w *walker) object(v any, t reflect.Type, pointer string) any {
	o, ok := v.(object)
	if !ok {
		return w.say(pointer, "must be an object in braces")
	}
	fields := fieldsOf(t)
	out := map[string]any{}
	seen := map[string]bool{}
	for _, m := range o {
		at := pointer + "/" + escape(m.key)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == m.key })
		switch {
		case i < 0:
			w.say(at, "is not known%s", suggest(m.key, fields))
			continue
		case seen[m.key]:
			w.say(at, "stands there twice")
			continue
		}
		seen[m.key] = true
		if got := w.walk(m.value, fields[i].typ, at); got != nil {
			out[m.key] = got
		}
	}
	return out
}

// field is one that a file may give.
type field struct {
	name string
	typ  reflect.Type
}

func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			out = append(out, field{name, f.Type})
		}
	}
	return out
}

// escape writes a key as a JSON pointer does. A key may be anything, so it is made short and printable.
func escape(key string) string {
	if len(key) > 64 {
		key = key[:64] + "…"
	}
	key = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, key), "?")
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// suggest names the field that was meant, if one is near.
func suggest(key string, fields []field) string {
	if len(key) > 64 {
		return ""
	}
	best, near := "", 1+len(key)/3
	for _, f := range fields {
		if d := levenshtein.ComputeDistance(strings.ToLower(key), strings.ToLower(f.name)); d <= near {
			best, near = f.name, d-1
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}
