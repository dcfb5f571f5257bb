package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/swaggest/jsonschema-go"
)

// The document is put together here from the table of operations: the handlers stay
// as they are, and only the schemas of answers are read off their types by a library.
// A framework that owns handlers and parameters would have asked for other errors,
// other checks and one answer type an address, where the contract has two.

// node is an object of the document.
type node = map[string]any

// securityName names the one way to be let in.
const securityName = "apiKey"

// Document gives the OpenAPI 3.1 description of this API, as JSON.
func Document() ([]byte, error) {
	schemas := &schemas{all: node{}}
	paths := node{}
	for _, op := range operations() {
		item := node{}
		if !op.Picture {
			item["get"] = describeOperation(op, false, schemas)
		}
		if op.Post {
			item["post"] = describeOperation(op, true, schemas)
		}
		paths[op.Path] = item
	}
	paths["/jwks.json"] = node{"get": node{
		"operationId": "getRequestKey", "summary": "The public key that requests are encrypted to", "security": []any{},
		"description": "A JWK set with one key of P-256, for ECDH-ES or ECDH-ES+A256KW with A256GCM.",
		"responses": node{"200": node{"description": "the key", "content": node{"application/json": node{"schema": node{
			"type": "object", "required": []string{"keys"}, "properties": node{"keys": node{"type": "array", "items": node{"type": "object"}}},
		}}}}},
	}}
	schemas.add(faultBody{})
	if schemas.err != nil {
		return nil, schemas.err
	}
	return json.MarshalIndent(node{
		"openapi": "3.1.0",
		"info": node{
			"title": "Vestibule", "version": "1",
			"description": "Submissions, pictures and journeys of one centre. A field without a value is absent, never null; the one exception is signals.cameraProcessInfo[i].error.",
			"license":     node{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers":  []any{node{"url": "/", "description": "this centre"}},
		"security": []any{node{securityName: []string{}}},
		"paths":    paths,
		"components": node{
			"schemas":         schemas.all,
			"securitySchemes": node{securityName: node{"type": "apiKey", "in": "header", "name": "x-api-key"}},
		},
	}, "", " ")
}

func describeOperation(op operation, post bool, s *schemas) node {
	id := op.ID
	out := node{"summary": op.Summary, "description": op.Does + " Scope: " + op.Scope + "."}
	var params []any
	for _, p := range op.InPath {
		params = append(params, node{"name": p.Name, "in": "path", "required": true, "description": p.Does, "schema": node{"type": "string", "minLength": 1, "maxLength": maxID}})
	}
	if post {
		id += "ByPost"
		fields := node{}
		for _, p := range op.Known {
			field := p.schema()
			field["description"] = p.Does
			fields[p.Name] = field
		}
		body := node{"schema": node{"type": "object", "additionalProperties": false, "properties": fields}}
		out["requestBody"] = node{"required": true, "content": node{"application/json": body, "application/x-www-form-urlencoded": body}}
	} else {
		for _, p := range op.Known {
			params = append(params, node{"name": p.Name, "in": "query", "description": p.Does, "schema": p.schema()})
		}
	}
	if params != nil {
		out["parameters"] = params
	}
	out["operationId"] = id
	content := node{}
	if op.Answer == nil {
		for _, media := range []string{"image/jpeg", "image/png", mediaJOSE} {
			content[media] = node{}
		}
	} else {
		content["application/json"] = node{"schema": s.answer(op.Answer)}
	}
	responses := node{"200": node{"description": "what was asked for", "content": content}}
	for _, m := range meanings() {
		status := fmt.Sprint(m.Status)
		text := m.Key.Code + ": " + m.When
		if before, ok := responses[status].(node); ok {
			before["description"] = before["description"].(string) + "; " + text
			continue
		}
		responses[status] = node{"description": text, "content": node{"application/json": node{"schema": s.add(faultBody{})}}}
	}
	out["responses"] = responses
	return out
}

// schema is what a parameter's value may be.
func (p parameter) schema() node {
	if p.Number {
		return node{"type": "integer", "minimum": 1, "maximum": maxLimit, "default": defaultLimit}
	}
	longest := p.Longest
	if longest == 0 {
		longest = maxValue
	}
	out := node{"type": "string", "minLength": 1, "maxLength": longest}
	if p.Format != "" {
		out["format"] = p.Format
	}
	if len(p.Enum) > 0 {
		return node{"type": "string", "enum": p.Enum}
	}
	return out
}

// schemas collects what answers look like.
type schemas struct {
	all node
	err error
}

// answer gives the schema of an answer, which comes encrypted to keys that are registered for it.
func (s *schemas) answer(of any) node {
	types := []any{of, encryptedAnswer{}}
	if many, ok := of.(jsonschema.AnyOfExposer); ok {
		types = many.JSONSchemaAnyOf()
	}
	var refs []any
	for _, one := range types {
		refs = append(refs, s.add(one))
	}
	return node{"anyOf": refs}
}

// add reads a type's schema, and gives a reference to it.
func (s *schemas) add(of any) node {
	const prefix = "#/components/schemas/"
	name := func(t reflect.Type, given string) string {
		if t.PkgPath() == "" {
			return given
		}
		return strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	}
	r := jsonschema.Reflector{}
	r.AddTypeMapping(json.RawMessage{}, map[string]any{})
	_, err := r.Reflect(of, jsonschema.RootRef, jsonschema.DefinitionsPrefix(prefix), jsonschema.InterceptDefName(name),
		jsonschema.InterceptNullability(func(p jsonschema.InterceptNullabilityParams) {
			// Lists and maps of ours are never null.
			if p.NullAdded && p.Type.Kind() != reflect.Pointer {
				p.Schema.RemoveType(jsonschema.Null)
			}
		}),
		jsonschema.InterceptProp(func(p jsonschema.InterceptPropParams) error {
			// What is left out when there is nothing is never null either.
			if p.Processed && strings.Contains(p.Field.Tag.Get("json"), ",omitempty") {
				p.PropertySchema.RemoveType(jsonschema.Null)
			}
			return nil
		}),
		jsonschema.CollectDefinitions(func(name string, schema jsonschema.Schema) {
			b, err := json.Marshal(schema)
			if err == nil {
				var one node
				if err = json.Unmarshal(b, &one); err == nil {
					s.all[name] = one
				}
			}
			if err != nil && s.err == nil {
				s.err = fmt.Errorf("describe %s: %w", name, err)
			}
		}))
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("describe %T: %w", of, err)
	}
	return node{"$ref": prefix + name(reflect.TypeOf(of), "")}
}
