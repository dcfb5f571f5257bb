// Package rule judges a project's own rules: conditions in CEL (cel.dev) over what is
// known of a visit.
//
// What may live here: what a condition may ask of (View), compiling, and judging within
// bounds of work and time. What may not: what follows from a rule that holds (decide),
// and personal data by which one person could be singled out: names, numbers and dates
// of birth are not part of the View.
package rule

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/interpreter"

	"vestibule/journey"
	"vestibule/server/decide"
)

// Bounds of one condition (starting values, unmeasured but for the tests: 20,000 steps take some milliseconds).
const (
	maxCost    = 20_000 // of CEL's cost units: about one for each step
	maxTime    = 250 * time.Millisecond
	maxDepth   = 40 // nested calls in the text
	checkEvery = 64 // steps of a loop between two looks at the clock
	maxKept    = 32 // sets of rules
)

// What may keep a rule from being judged. It holds the submission then, and never approves.
const (
	ProblemText = "text" // does not compile under this release
	ProblemCost = "cost" // more work than a rule may be
	ProblemTime = "time" // took too long
	ProblemRun  = "run"  // such as a division by zero or a place beyond a list's end
)

// Engine compiles rules. It is safe for concurrent use.
type Engine struct {
	env *cel.Env

	mu   sync.Mutex
	kept map[[sha256.Size]byte]*Set
}

// New makes an engine. It panics when the View cannot be described to CEL, which every test would see.
func New() *Engine {
	options := []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(journey.MaxRuleWhen),
		cel.ParserRecursionLimit(maxDepth),
		cel.ASTValidators(cel.ValidateRegexLiterals()),
	}
	native := []any{ext.ParseStructTag("json")}
	t := reflect.TypeFor[View]()
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("json")
		if f.Type.Kind() == reflect.Slice {
			options = append(options, cel.Variable(name, cel.ListType(cel.StringType)))
			continue
		}
		native = append(native, f.Type)
		options = append(options, cel.Variable(name, cel.ObjectType(f.Type.String())))
	}
	env, err := cel.NewEnv(append([]cel.EnvOption{ext.NativeTypes(native...)}, options...)...)
	if err != nil {
		panic("rule: describe the view: " + err.Error())
	}
	return &Engine{env: env, kept: map[[sha256.Size]byte]*Set{}}
}

// Set is a policy's rules, compiled.
type Set struct {
	rules []compiled
}

type compiled struct {
	name    string
	program cel.Program // nil: it does not compile
	err     error
}

// Problem says why a rule does not compile.
type Problem struct {
	Place int // in the policy's list
	Err   error
}

// Compile compiles rules and type-checks them. What does not compile is in the Set all the same: it holds.
func (e *Engine) Compile(rules []journey.Rule) (*Set, []Problem) {
	key := digest(rules)
	e.mu.Lock()
	s, ok := e.kept[key]
	e.mu.Unlock()
	if !ok {
		s = &Set{}
		for _, r := range rules {
			c := compiled{name: r.Name}
			c.program, c.err = e.compile(r.When)
			s.rules = append(s.rules, c)
		}
		e.mu.Lock()
		if len(e.kept) >= maxKept {
			clear(e.kept) // policies are few; whoever reads thousands of files compiles anew
		}
		e.kept[key] = s
		e.mu.Unlock()
	}
	var problems []Problem
	for i, c := range s.rules {
		if c.err != nil {
			problems = append(problems, Problem{i, c.err})
		}
	}
	return s, problems
}

func digest(rules []journey.Rule) [sha256.Size]byte {
	h := sha256.New()
	_ = json.NewEncoder(h).Encode(rules) // texts only: cannot fail, and a hash takes everything
	return [sha256.Size]byte(h.Sum(nil))
}

func (e *Engine) compile(when string) (program cel.Program, err error) {
	defer func() {
		if p := recover(); p != nil {
			program, err = nil, fmt.Errorf("not understood: %v", p)
		}
	}()
	if len(when) > journey.MaxRuleWhen {
		return nil, fmt.Errorf("longer than %d bytes", journey.MaxRuleWhen)
	}
	ast, issues := e.env.Compile(when)
	if issues.Err() != nil {
		var all []error
		for _, one := range issues.Errors() {
			all = append(all, fmt.Errorf("line %d, column %d: %s", one.Location.Line(), one.Location.Column()+1, firstLine(one.Message)))
		}
		return nil, errors.Join(all...)
	}
	if ast.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("gives %s, and must give true or false", cel.FormatCELType(ast.OutputType()))
	}
	program, err = e.env.Program(ast, cel.CostLimit(maxCost), cel.InterruptCheckFrequency(checkEvery))
	if err != nil {
		return nil, fmt.Errorf("not understood: %w", err)
	}
	return program, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// Judge judges every rule of the set. It never fails: what goes wrong with a rule is that rule's answer.
func (s *Set) Judge(ctx context.Context, v View) []decide.Ruled {
	if len(s.rules) == 0 {
		return nil
	}
	vars := v.variables()
	out := make([]decide.Ruled, len(s.rules))
	for i, c := range s.rules {
		out[i].Rule = c.name
		if c.program == nil {
			out[i].Problem = ProblemText
			continue
		}
		out[i].Holds, out[i].Problem = c.judge(ctx, vars)
	}
	return out
}

func (c compiled) judge(ctx context.Context, vars map[string]any) (holds bool, problem string) {
	defer func() {
		if recover() != nil {
			holds, problem = false, ProblemRun
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	got, _, err := c.program.ContextEval(ctx, vars)
	var cancelled interpreter.EvalCancelledError
	switch {
	case errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded, err != nil && strings.Contains(err.Error(), "cost limit exceeded"):
		return false, ProblemCost
	case errors.As(err, &cancelled), ctx.Err() != nil:
		return false, ProblemTime
	case err != nil:
		return false, ProblemRun
	}
	holds, ok := got.Value().(bool)
	if !ok {
		return false, ProblemRun
	}
	return holds, ""
}
