package duplicate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"
)

// Dimensions of a template.
const Dimensions = 512

// Template is a face of the collection.
type Template struct {
	Seq        int64 // of the database: later is larger
	Submission string
	Applicant  string
	Project    string
	Model      string
	Vector     []float32 // L2-normalised
}

// Query asks for similar faces.
type Query struct {
	Project  string
	Model    string
	Vector   []float32
	MinScore float64 // cosine
	K        int     // at most so many hits
}

// Hit is a face that is similar to the query's.
type Hit struct {
	Submission string
	Applicant  string
	Score      float64 // cosine
}

// FaceIndex is an exact index: every template of the same project and model is
// compared, so a face that is there is found. Templates of different models are
// never compared. It is safe for concurrent use.
type FaceIndex struct {
	mu     sync.RWMutex
	shelf  map[shelfKey]*shelf
	where  map[string]shelfKey // submission → shelf
	asOf   int64
	number int
}

type shelfKey struct{ project, model string }

type shelf struct {
	who     []Template // without vectors
	vectors []float32  // one after the other
}

// NewFaceIndex makes an empty index.
func NewFaceIndex() *FaceIndex {
	return &FaceIndex{shelf: map[shelfKey]*shelf{}, where: map[string]shelfKey{}}
}

// Add puts a template in. A submission has one template: a second is refused.
func (x *FaceIndex) Add(t Template) error {
	if err := checkVector(t.Vector); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, there := x.where[t.Submission]; there {
		return fmt.Errorf("submission %s has a template already", t.Submission)
	}
	key := shelfKey{t.Project, t.Model}
	s := x.shelf[key]
	if s == nil {
		s = &shelf{}
		x.shelf[key] = s
	}
	s.vectors = append(s.vectors, t.Vector...)
	t.Vector = nil
	s.who = append(s.who, t)
	x.where[t.Submission] = key
	x.asOf = max(x.asOf, t.Seq)
	x.number++
	return nil
}

// Remove takes a submission's template out. It reports whether there was one.
func (x *FaceIndex) Remove(submission string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	key, there := x.where[submission]
	if !there {
		return false
	}
	s := x.shelf[key]
	last := len(s.who) - 1
	i := slices.IndexFunc(s.who, func(t Template) bool { return t.Submission == submission })
	s.who[i] = s.who[last]
	copy(s.vectors[i*Dimensions:(i+1)*Dimensions], s.vectors[last*Dimensions:])
	s.who[last] = Template{}
	clear(s.vectors[last*Dimensions:]) // nothing of a face that left stays in memory
	s.who, s.vectors = s.who[:last], s.vectors[:last*Dimensions]
	delete(x.where, submission)
	x.number--
	return true
}

// Search finds the most similar faces, best first, and says as of which template
// the answer holds: whoever approves must look at the later ones too.
func (x *FaceIndex) Search(q Query) (hits []Hit, asOf int64, err error) {
	if err := checkVector(q.Vector); err != nil {
		return nil, 0, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := x.shelf[shelfKey{q.Project, q.Model}]
	if s == nil {
		return nil, x.asOf, nil
	}
	for i, t := range s.who {
		score := float64(dot(q.Vector, s.vectors[i*Dimensions:(i+1)*Dimensions]))
		if score >= q.MinScore {
			hits = append(hits, Hit{Submission: t.Submission, Applicant: t.Applicant, Score: score})
		}
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Submission, b.Submission))
	})
	if q.K > 0 && len(hits) > q.K {
		hits = hits[:q.K]
	}
	return hits, x.asOf, nil
}

// AsOf gives the number of the latest template in the index.
func (x *FaceIndex) AsOf() int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.asOf
}

// Len counts the templates.
func (x *FaceIndex) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.number
}

func checkVector(v []float32) error {
	if len(v) != Dimensions {
		return fmt.Errorf("a face template has %d values, not %d", Dimensions, len(v))
	}
	var sum float64
	for _, f := range v {
		sum += float64(f) * float64(f)
	}
	if math.IsNaN(sum) || math.Abs(sum-1) > .02 {
		return fmt.Errorf("a face template must have length 1")
	}
	return nil
}

// dot multiplies two vectors of Dimensions values. Four sums keep the processor's
// pipeline full and the rounding small.
func dot(a, b []float32) float32 {
	a, b = a[:Dimensions], b[:Dimensions]
	var s0, s1, s2, s3 float32
	for i := 0; i < Dimensions; i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	return (s0 + s1) + (s2 + s3)
}

// Cosine compares two templates of one model.
func Cosine(a, b []float32) (float64, error) {
	if err := checkVector(a); err != nil {
		return 0, err
	}
	if err := checkVector(b); err != nil {
		return 0, err
	}
	return float64(dot(a, b)), nil
}

// PackVector writes a template as little-endian bytes; UnpackVector reads it.
func PackVector(v []float32) []byte {
	out := make([]byte, 0, 4*len(v))
	for _, f := range v {
		u := math.Float32bits(f)
		out = append(out, byte(u), byte(u>>8), byte(u>>16), byte(u>>24))
	}
	return out
}

// UnpackVector reads what PackVector wrote.
func UnpackVector(b []byte) ([]float32, error) {
	if len(b) != 4*Dimensions {
		return nil, fmt.Errorf("a packed face template has %d bytes, not %d", 4*Dimensions, len(b))
	}
	v := make([]float32, Dimensions)
	for i := range v {
		v[i] = math.Float32frombits(uint32(b[4*i]) | uint32(b[4*i+1])<<8 | uint32(b[4*i+2])<<16 | uint32(b[4*i+3])<<24)
	}
	return v, nil
}
