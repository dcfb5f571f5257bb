package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"vestibule/journey"
)

// maxDepth bounds the nesting of an answer.
const maxDepth = 32

// Answer adds the fields of an answer of GET /submission that hold something. Null,
// an empty text, an empty list and an empty object hold nothing; 0 and false do.
// A list answer is taken apart into its submissions. The comment code of a
// rejection, and the retry codes of its attempts, are taken from it as well.
func (r *Reached) Answer(variant journey.AnswerVariant, body []byte) error {
	if len(body) > maxFile {
		return fmt.Errorf("record an answer: more than %d bytes", maxFile)
	}
	var answer any
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("record an answer: %w", err)
	}
	known := journey.Fields(variant)
	if known == nil {
		return errors.New("record an answer: no such variant")
	}
	submissions := 0
	var visit func(v any, depth int) error
	visit = func(v any, depth int) error {
		if depth > 4 {
			return nil
		}
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				if err := visit(item, depth+1); err != nil {
					return err
				}
			}
		case map[string]any:
			if id, ok := v["submission_id"].(string); ok && id != "" {
				submissions++
				return r.submission(variant, known, v)
			}
			// An envelope: the submissions stand in one of its fields, paging beside them.
			for name, item := range v {
				if name == "nextpageKey" {
					if err := r.submission(variant, known, map[string]any{name: item}); err != nil {
						return err
					}
					continue
				}
				if err := visit(item, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := visit(answer, 0); err != nil {
		return err
	}
	if submissions == 0 {
		return fmt.Errorf("record an answer without a submission: %w", ErrNotProven)
	}
	return nil
}

func (r *Reached) submission(variant journey.AnswerVariant, known []journey.Field, s map[string]any) error {
	paths, err := Paths(s)
	if err != nil {
		return err
	}
	for _, path := range paths {
		if field, ok := match(known, path); ok {
			r.fields[fieldRef{variant, field}] = true
		}
	}
	r.answerCodes(s)
	return nil
}

// answerCodes takes the codes out of a submission's kyc object.
func (r *Reached) answerCodes(s map[string]any) {
	kyc, _ := s["kyc"].(map[string]any)
	if code, _ := kyc["commentCode"].(string); code != "" {
		r.code(journey.CodeKey{Step: journey.StepFinal, Kind: journey.Reject, Code: code}, "")
	}
	retries, _ := kyc["retry"].([]any)
	for _, item := range retries {
		retry, _ := item.(map[string]any)
		step, _ := retry["type"].(string)
		code, _ := retry["retryCode"].(string)
		r.code(journey.CodeKey{Step: journey.Step(strings.ToLower(step)), Kind: journey.Retry, Code: code}, "")
	}
}

// Paths gives the paths of everything in a JSON object that holds something, with
// indexes as [i], sorted and each once: a.b, a.b[i], a.b[i].c.
func Paths(object map[string]any) ([]string, error) {
	set := make(map[string]bool)
	var walk func(path string, v any, depth int) (bool, error)
	walk = func(path string, v any, depth int) (bool, error) {
		if depth > maxDepth {
			return false, fmt.Errorf("an answer nests deeper than %d", maxDepth)
		}
		holds := false
		switch v := v.(type) {
		case nil:
		case string:
			holds = v != ""
		case map[string]any:
			for key, item := range v {
				inner, err := walk(join(path, key), item, depth+1)
				if err != nil {
					return false, err
				}
				holds = holds || inner
			}
		case []any:
			for _, item := range v {
				inner, err := walk(path+"[i]", item, depth+1)
				if err != nil {
					return false, err
				}
				holds = holds || inner
			}
		default:
			holds = true
		}
		if holds && path != "" {
			set[path] = true
		}
		return holds, nil
	}
	if _, err := walk("", object, 0); err != nil {
		return nil, err
	}
	return sorted(set, func(s string) string { return s }), nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// match finds the contract's spelling of a path. Indexes play no part, because the
// contract writes them for some lists and leaves them out for others; an exact key
// goes over {item} and *.
func match(known []journey.Field, path string) (string, bool) {
	got := segments(path)
	found := ""
	for _, f := range known {
		want := segments(f.Path)
		if slices.Equal(want, got) {
			return f.Path, true
		}
		if found == "" && fits(want, got) {
			found = f.Path
		}
	}
	return found, found != ""
}

func fits(want, got []string) bool {
	if len(want) != len(got) {
		return false
	}
	for i, w := range want {
		if w != got[i] && w != "*" && w != "{item}" {
			return false
		}
	}
	return true
}

func segments(path string) []string {
	parts := strings.Split(path, ".")
	for i, p := range parts {
		for strings.HasSuffix(p, "]") {
			cut := strings.LastIndexByte(p, '[')
			if cut < 0 {
				break
			}
			p = p[:cut]
		}
		parts[i] = p
	}
	return parts
}
