package duplicate

import (
	"cmp"
	"context"
	"errors"
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

// ErrTemplate is wrapped when a template is none: of another size or length.
var ErrTemplate = errors.New("no face template")

// FaceIndex is an exact index in memory: every template of the same project and model is
// compared, so a face that is there is found, with its cosine to within 1e-4.
// Templates of different models are never compared. It takes about 1.3 KB a
// template, and is safe for concurrent use.
type FaceIndex struct {
	mu     sync.RWMutex
	shelf  map[shelfKey]*shelf
	where  map[string]place // by submission
	asOf   int64
	number int
}

type shelfKey struct{ project, model string }

// place is where a submission's template stands.
type place struct {
	on *shelf
	at int
}

// shelf holds the templates of one project and model.
type shelf struct {
	who    []owner
	blocks []*block
}

type owner struct {
	seq                   int64
	submission, applicant string
}

// NewFaceIndex makes an empty index.
func NewFaceIndex() *FaceIndex {
	return &FaceIndex{shelf: map[shelfKey]*shelf{}, where: map[string]place{}}
}

// Put takes templates in. A later one of the same submission replaces the earlier.
func (x *FaceIndex) Put(_ context.Context, all ...Template) error {
	for _, t := range all {
		if err := CheckVector(t.Vector); err != nil {
			return fmt.Errorf("index the face of %s: %w", t.Submission, err)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, t := range all {
		x.remove(t.Submission)
		x.put(t)
	}
	return nil
}

func (x *FaceIndex) put(t Template) {
	key := shelfKey{t.Project, t.Model}
	s := x.shelf[key]
	if s == nil {
		s = &shelf{}
		x.shelf[key] = s
	}
	at := len(s.who)
	if at == len(s.blocks)*blockRows {
		s.blocks = append(s.blocks, &block{})
	}
	s.blocks[at/blockRows].put(at%blockRows, t.Vector)
	s.who = append(s.who, owner{t.Seq, t.Submission, t.Applicant})
	x.where[t.Submission] = place{s, at}
	x.asOf = max(x.asOf, t.Seq)
	x.number++
}

// Keep takes out what lies between two numbers (from is excluded) and is not of these
// submissions: faces that were taken back. It tells how many.
func (x *FaceIndex) Keep(_ context.Context, from, to int64, submissions []string) (int, error) {
	kept := make(map[string]bool, len(submissions))
	for _, s := range submissions {
		kept[s] = true
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	var gone []string
	for _, s := range x.shelf {
		for _, who := range s.who {
			if who.seq > from && who.seq <= to && !kept[who.submission] {
				gone = append(gone, who.submission)
			}
		}
	}
	for _, one := range gone {
		x.remove(one)
	}
	return len(gone), nil
}

// Take takes the templates of submissions out, where they are in.
func (x *FaceIndex) Take(_ context.Context, submissions ...string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range submissions {
		x.remove(s)
	}
	return nil
}

// remove takes a submission's template out, if there is one, and leaves nothing of it in memory; x.mu is held.
func (x *FaceIndex) remove(submission string) {
	p, there := x.where[submission]
	if !there {
		return
	}
	s, last := p.on, len(p.on.who)-1
	end := s.blocks[last/blockRows]
	if p.at != last {
		s.blocks[p.at/blockRows].take(p.at%blockRows, end, last%blockRows)
		s.who[p.at] = s.who[last]
		x.where[s.who[p.at].submission] = p
	}
	end.clear(last % blockRows)
	s.who[last] = owner{}
	s.who = s.who[:last]
	if last%blockRows == 0 {
		s.blocks = s.blocks[:last/blockRows]
	}
	delete(x.where, submission)
	x.number--
}

// Search finds the most similar faces, best first, and says as of which template
// the answer holds: whoever approves must look at the later ones too.
func (x *FaceIndex) Search(_ context.Context, q Query) (hits []Hit, asOf int64, err error) {
	if err := CheckVector(q.Vector); err != nil {
		return nil, 0, err
	}
	look := newLook(q.Vector)
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := x.shelf[shelfKey{q.Project, q.Model}]
	if s == nil {
		return nil, x.asOf, nil
	}
	for i, b := range s.blocks {
		first := i * blockRows
		for _, row := range look.near(b, min(blockRows, len(s.who)-first), q.MinScore) {
			if score := b.cosine(row, q.Vector); score >= q.MinScore {
				who := s.who[first+row]
				hits = append(hits, Hit{Submission: who.submission, Applicant: who.applicant, Score: score})
			}
		}
	}
	return q.Best(hits), x.asOf, nil
}

// Best sorts hits, the best first, and gives as many as were asked for.
func (q Query) Best(hits []Hit) []Hit {
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Submission, b.Submission))
	})
	if q.K > 0 && len(hits) > q.K {
		hits = hits[:q.K]
	}
	return hits
}

// AsOf gives the number of the latest template in the index.
func (x *FaceIndex) AsOf(context.Context) (int64, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.asOf, nil
}

// Len counts the templates.
func (x *FaceIndex) Len(context.Context) (int, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.number, nil
}

// CheckVector refuses what is no template, with ErrTemplate.
func CheckVector(v []float32) error {
	if len(v) != Dimensions {
		return fmt.Errorf("%w: it has %d values, not %d", ErrTemplate, len(v), Dimensions)
	}
	var sum float64
	for _, f := range v {
		sum += float64(f) * float64(f)
	}
	if math.IsNaN(sum) || math.Abs(sum-1) > .02 {
		return fmt.Errorf("%w: its length is not 1", ErrTemplate)
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
	if err := CheckVector(a); err != nil {
		return 0, err
	}
	if err := CheckVector(b); err != nil {
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
