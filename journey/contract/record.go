// Package contract keeps the living coverage of the contract: for every event,
// reason, code and field of an answer, whether a test reaches it through the real
// path, and which.
//
// A test that drives the product as a whole asks the centre what it holds, puts the
// answers into a Reached, and records it when VESTIBULE_CONTRACT names a folder.
// The command table merges the records and prints what is reached and what is not.
//
// What may live here: collecting, merging, printing. What may not: any way to claim
// coverage by naming a constant. A Reached takes only whole events as the centre
// stored them, submissions, and answers of the API; it takes them apart itself.
package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vestibule/journey"
)

// Env is the environment variable that names the folder of the records. Tests
// record nothing when it is empty.
const Env = "VESTIBULE_CONTRACT"

// ErrNotProven is returned for evidence that does not come through the centre.
var ErrNotProven = errors.New("not proven to have come through the centre")

// Reached is what one test read back from the centre.
type Reached struct {
	test    string
	events  map[journey.EventName]bool
	grounds map[journey.Ground]bool
	codes   map[codeRef]bool
	fields  map[fieldRef]bool
}

type codeRef struct {
	Key     journey.CodeKey `json:"key"`
	Variant string          `json:"variant,omitempty"`
}

type fieldRef struct {
	Variant journey.AnswerVariant `json:"variant"`
	Path    string                `json:"path"`
}

// NewReached begins the record of a test; its name stands in the table.
func NewReached(test string) *Reached {
	return &Reached{
		test:    test,
		events:  make(map[journey.EventName]bool),
		grounds: make(map[journey.Ground]bool),
		codes:   make(map[codeRef]bool),
		fields:  make(map[fieldRef]bool),
	}
}

// Events adds events as the centre gives them out. A kiosk's event proves itself by
// the centre's receipt time; all must be valid. Names, the reasons of decisions and
// codes are taken from them.
func (r *Reached) Events(events ...journey.Event) error {
	for _, e := range events {
		if err := e.Validate(); err != nil {
			return fmt.Errorf("record %s: %w", e.Name, err)
		}
		if e.Origin != journey.OriginServer && e.Received.IsZero() {
			return fmt.Errorf("record %s: no receipt time: %w", e.Name, ErrNotProven)
		}
		r.events[e.Name] = true
		if e.IsDecision() && e.Reason != "" {
			r.grounds[journey.Ground{Decision: journey.Decision(e.Name), Reason: e.Reason}] = true
		}
		r.code(e.Code, e.Detail[journey.DetailVariant])
	}
	return nil
}

// Submission adds the codes of a submission's attempts and retries, as the centre
// opened it.
func (r *Reached) Submission(s journey.Submission) error {
	if s.ID == "" || s.Kiosk == "" || s.Revision < 1 {
		return fmt.Errorf("record a submission: %w", ErrNotProven)
	}
	for _, a := range s.Attempts {
		r.code(a.Code, "")
	}
	for _, a := range s.Retries {
		r.code(a.Code, "")
	}
	return nil
}

// Refusal adds the code with which the API refused a request: the body of an
// answer {"errorCode": …}, {"code": …} or {"error": {"code": …}}.
func (r *Reached) Refusal(step journey.Step, body []byte) error {
	var answer struct {
		ErrorCode string          `json:"errorCode"`
		Code      string          `json:"code"`
		Error     json.RawMessage `json:"error"`
	}
	if len(body) > maxFile {
		return fmt.Errorf("record a refusal: more than %d bytes", maxFile)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	code := answer.ErrorCode
	if code == "" {
		code = answer.Code
	}
	if code == "" {
		var nested struct {
			Code string `json:"code"`
		}
		if json.Unmarshal(answer.Error, &code) != nil && json.Unmarshal(answer.Error, &nested) == nil {
			code = nested.Code
		}
	}
	key := journey.CodeKey{Step: step, Kind: journey.Error, Code: code}
	if len(journey.LookupCode(key)) == 0 {
		return errors.New("record a refusal: its code is not the contract's")
	}
	r.code(key, "")
	return nil
}

func (r *Reached) code(key journey.CodeKey, variant string) {
	if len(journey.LookupCode(key)) > 0 {
		r.codes[codeRef{key, variant}] = true
	}
}

// file is a record on disk.
type file struct {
	Test   string              `json:"test"`
	Events []journey.EventName `json:"events"`
	Ground []journey.Ground    `json:"grounds"`
	Codes  []codeRef           `json:"codes"`
	Fields []fieldRef          `json:"fields"`
}

// Record writes a test's record into dir. An empty dir records nothing, so that
// tests pass os.Getenv(Env). The same record twice is one file.
func Record(dir string, r *Reached) error {
	if dir == "" {
		return nil
	}
	f := file{
		Test:   r.test,
		Events: sorted(r.events, func(n journey.EventName) string { return string(n) }),
		Ground: sorted(r.grounds, func(g journey.Ground) string { return string(g.Decision) + " " + string(g.Reason) }),
		Codes:  sorted(r.codes, func(c codeRef) string { return c.Key.String() + "#" + c.Variant }),
		Fields: sorted(r.fields, func(f fieldRef) string { return string(f.Variant) + " " + f.Path }),
	}
	body, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("record what %s reached: %w", r.test, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("record what %s reached: %w", r.test, err)
	}
	sum := sha256.Sum256(body)
	name := filepath.Join(dir, hex.EncodeToString(sum[:12])+suffix)
	temp, err := os.CreateTemp(dir, "writing-*")
	if err != nil {
		return fmt.Errorf("record what %s reached: %w", r.test, err)
	}
	defer os.Remove(temp.Name())
	if _, err := temp.Write(body); err != nil {
		temp.Close()
		return fmt.Errorf("record what %s reached: %w", r.test, err)
	}
	if err := temp.Close(); err != nil {
		return fmt.Errorf("record what %s reached: %w", r.test, err)
	}
	if err := os.Rename(temp.Name(), name); err != nil {
		return fmt.Errorf("record what %s reached: %w", r.test, err)
	}
	return nil
}

func sorted[K comparable](set map[K]bool, text func(K) string) []K {
	list := make([]K, 0, len(set))
	for k := range set {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b K) int { return strings.Compare(text(a), text(b)) })
	return list
}
