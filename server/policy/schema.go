package policy

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"vestibule/journey"
)

// Schema gives the JSON Schema (2020-12) of a policy file, made from the Go type: descriptions from its
// comments, ranges from journey.PolicyBounds, defaults from journey.DefaultPolicy.
func Schema() ([]byte, error) {
	comments, err := readComments()
	if err != nil {
		return nil, err
	}
	r := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, RequiredFromJSONSchemaTags: true,
		Mapper: special,
		LookupComment: func(t reflect.Type, name string) string {
			if name == "" {
				return comments[t.Name()]
			}
			return comments[t.Name()+"."+name]
		},
	}
	s := r.Reflect(journey.Policy{})
	s.Title = "Policy of a project of Vestibule"
	for _, b := range journey.PolicyBounds() {
		at := find(s, b.Pointer)
		if at == nil {
			return nil, fmt.Errorf("describe policy: no %s", b.Pointer)
		}
		bound(at, b)
	}
	if err := defaults(s); err != nil {
		return nil, err
	}
	texts(s)
	return json.MarshalIndent(s, "", "  ")
}

// special describes types whose JSON does not follow from their Go kind.
func special(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			{Type: "string", Pattern: `^[0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))*$`},
			{Type: "integer", Description: "nanoseconds"},
		}}
	case reflect.TypeFor[journey.DocumentType]():
		return words(journey.Passport, journey.GovernmentID, journey.DriversLicense)
	case reflect.TypeFor[journey.Challenge]():
		return words(journey.TurnLeft, journey.TurnRight, journey.LookUp, journey.Blink)
	case reflect.TypeFor[journey.RecheckOf]():
		return words(journey.RecheckAll, journey.RecheckSample, journey.RecheckStale)
	case reflect.TypeFor[journey.Local]():
		return words(journey.LocalOff, journey.LocalNote)
	case reflect.TypeFor[journey.Suspected]():
		return words(journey.SuspectedOff, journey.SuspectedNote, journey.SuspectedHold)
	case reflect.TypeFor[journey.RuleThen]():
		return words(journey.RuleHold, journey.RuleReject)
	}
	return nil
}

func words[T ~string](of ...T) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, w := range of {
		s.Enum = append(s.Enum, string(w))
	}
	return s
}

// find follows a pointer of journey.PolicyBounds.
func find(s *jsonschema.Schema, pointer string) *jsonschema.Schema {
	for _, step := range strings.Split(pointer, "/")[1:] {
		switch {
		case s == nil:
			return nil
		case step == "*":
			s = s.Items
		case s.Properties == nil:
			return nil
		default:
			s, _ = s.Properties.Get(step)
		}
	}
	return s
}

func bound(s *jsonschema.Schema, b journey.Bound) {
	if b.Time {
		s.Description = strings.TrimSpace(s.Description + " (" + b.String() + ")")
		s = s.OneOf[1]
	}
	text := func(v float64) json.Number { return json.Number(strconv.FormatFloat(v, 'f', -1, 64)) }
	s.Maximum = text(b.Max)
	if b.Above {
		s.ExclusiveMinimum = text(b.Min)
	} else {
		s.Minimum = text(b.Min)
	}
}

// defaults notes what a file that leaves a field out gets.
func defaults(s *jsonschema.Schema) error {
	body, err := json.Marshal(journey.DefaultPolicy())
	if err != nil {
		return fmt.Errorf("describe policy: %w", err)
	}
	var all map[string]any
	if err := json.Unmarshal(body, &all); err != nil {
		return fmt.Errorf("describe policy: %w", err)
	}
	note(s, all)
	return nil
}

func note(s *jsonschema.Schema, values map[string]any) {
	for name, v := range values {
		one, ok := s.Properties.Get(name)
		if !ok || v == nil {
			continue
		}
		if under, ok := v.(map[string]any); ok && one.Properties != nil {
			note(one, under)
			continue
		}
		if name != "issued" { // the zero time says nothing
			one.Default = v
		}
		if one.OneOf != nil {
			one.Default = time.Duration(v.(float64)).String()
		}
	}
}

// texts bounds what is written as text.
func texts(s *jsonschema.Schema) {
	most := func(pointer string, n uint64, pattern string) {
		if at := find(s, pointer); at != nil {
			at.MaxLength, at.Pattern = &n, pattern
		}
	}
	most("/version", journey.MaxID, `^[A-Za-z0-9._:+/@-]+$`)
	most("/project", journey.MaxID, `^[A-Za-z0-9._:+/@-]+$`)
	most("/acceptedIssuers/*", 3, `^[A-Z]+$`)
	most("/blockedIssuers/*", 3, `^[A-Z]+$`)
	most("/rules/*/name", journey.MaxRuleName, `^[a-z0-9-]+$`)
	most("/rules/*/when", journey.MaxRuleWhen, "")
	most("/rules/*/comment", journey.MaxRuleComment, "")
	if custom := find(s, "/faceAge/conditions/*/custom"); custom != nil {
		number := *custom
		number.Description = ""
		*custom = jsonschema.Schema{Description: custom.Description, AnyOf: []*jsonschema.Schema{&number, {Type: "null"}}}
	}
	if rules := find(s, "/rules"); rules != nil {
		n := uint64(journey.MaxRules)
		rules.MaxItems, rules.Items.Required = &n, []string{"name", "when", "then"}
	}
}

// readComments reads the doc comments of the policy's types and fields: Type and Type.Field → text.
func readComments() (map[string]string, error) {
	out := map[string]string{}
	for name, source := range journey.PolicySource() {
		f, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("read comments of %s: %w", name, err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			decl, ok := n.(*ast.GenDecl)
			if !ok || decl.Tok != token.TYPE {
				return true
			}
			for _, spec := range decl.Specs {
				t := spec.(*ast.TypeSpec)
				out[t.Name.Name] = line(decl.Doc)
				fields, ok := t.Type.(*ast.StructType)
				if !ok {
					continue
				}
				for _, field := range fields.Fields.List {
					for _, name := range field.Names {
						out[t.Name.Name+"."+name.Name] = strings.TrimSpace(line(field.Doc) + " " + line(field.Comment))
					}
				}
			}
			return false
		})
	}
	return out, nil
}

func line(c *ast.CommentGroup) string {
	if c == nil {
		return ""
	}
	return strings.Join(strings.Fields(c.Text()), " ")
}
