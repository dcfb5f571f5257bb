package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"vestibule/journey"
)

// Write writes a policy as a file that Read takes: every field, time spans as people write them.
func Write(p journey.Policy) ([]byte, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("write policy: %w", err)
	}
	tree, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("write policy: %w", err)
	}
	var flat, out bytes.Buffer
	if err := write(&flat, tree, reflect.TypeFor[journey.Policy]()); err != nil {
		return nil, fmt.Errorf("write policy: %w", err)
	}
	if err := json.Indent(&out, flat.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("write policy: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func write(out *bytes.Buffer, v any, t reflect.Type) error {
	plain := func(v any) error {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false) // conditions of rules are full of < and >
		return enc.Encode(v)
	}
	switch v := v.(type) {
	case object:
		fields := fieldsOf(t)
		out.WriteByte('{')
		for i, m := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := plain(m.key); err != nil {
				return err
			}
			out.WriteByte(':')
			at := slices.IndexFunc(fields, func(f field) bool { return f.name == m.key })
			if err := write(out, m.value, fields[at].typ); err != nil {
				return err
			}
		}
		out.WriteByte('}')
		return nil
	case []any:
		out.WriteByte('[')
		for i, one := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := write(out, one, t.Elem()); err != nil {
				return err
			}
		}
		out.WriteByte(']')
		return nil
	case json.Number:
		if t == reflect.TypeFor[time.Duration]() {
			n, err := v.Int64()
			if err != nil {
				return err
			}
			return plain(time.Duration(n).String())
		}
	case nil:
		if t.Kind() == reflect.Slice {
			out.WriteString("[]")
			return nil
		}
	}
	return plain(v)
}
