package audit

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// Source is where the trail stands. store.Reader is one.
type Source interface {
	// AuditHead gives where the trail ends by its own account.
	AuditHead(ctx context.Context) (Head, error)
	// AuditChain gives lines in the order of place and id: those after a line, up to a place.
	AuditChain(ctx context.Context, after Line, upTo int64, limit int) ([]Line, error)
	// AuditStray gives a line that stands outside the chain or beyond its head, and how many there are.
	AuditStray(ctx context.Context) (Line, int, error)
}

// Kind is how a trail is wrong.
type Kind string

// The kinds.
const (
	Edited    Kind = "edited"
	Removed   Kind = "removed"
	Inserted  Kind = "inserted"
	Reordered Kind = "reordered"
	Cut       Kind = "tail cut"
	Remade    Kind = "made anew" // the chain holds in itself, and is not the one whose head was noted
)

// Fault is the first place where a trail is wrong.
type Fault struct {
	Kind   Kind
	N      int64  // place
	ID     string // of the line that stands there; empty: none
	Detail string
}

// Proof is what Verify found.
type Proof struct {
	Lines int64 // that hold
	Head  Head  // as it follows from them
	Met   int   // how many of the heads that were noted elsewhere the trail leads to
	Fault *Fault
}

// pageLines is how many lines are in memory at once.
const pageLines = 1000

// Verify walks the whole trail from its first line to its head and tells the first thing that is wrong. noted are heads
// that are known from elsewhere. step is told of every line that holds; it may be nil. Lines that are added meanwhile are
// not looked at.
func Verify(ctx context.Context, src Source, noted []Head, step func()) (Proof, error) {
	var p Proof
	end, err := src.AuditHead(ctx)
	if err != nil {
		return p, fmt.Errorf("read the audit trail's head: %w", err)
	}
	noted = slices.SortedFunc(slices.Values(noted), func(a, b Head) int { return cmp.Compare(a.N, b.N) })
	for len(noted) > 0 && noted[0].N == 0 { // every trail leads to an empty one
		p.Met, noted = p.Met+1, noted[1:]
	}
	w := walk{src: src, end: end.N}
	var met int64 // the last place at which a noted head was met
	after := Line{N: math.MinInt64}
	for {
		lines, err := src.AuditChain(ctx, after, end.N, pageLines)
		if err != nil {
			return p, fmt.Errorf("read the audit trail after line %d: %w", p.Head.N, err)
		}
		for _, l := range lines {
			if p.Fault, err = w.next(ctx, p.Head, l); err != nil || p.Fault != nil {
				return p, err
			}
			p.Lines, p.Head = p.Lines+1, Head{l.N, l.Hash}
			for len(noted) > 0 && noted[0].N == l.N {
				if noted[0].Hash != l.Hash {
					p.Fault = &Fault{Remade, l.N, l.ID, fmt.Sprintf(
						"all lines up to here follow from each other, but line %d was another one when its head was noted: of lines %d to %d some were altered, and the chain was worked out again", l.N, met+1, l.N)}
					return p, nil
				}
				p.Met, met, noted = p.Met+1, l.N, noted[1:]
			}
			if step != nil {
				step()
			}
		}
		if len(lines) < pageLines {
			break
		}
		after = lines[len(lines)-1]
	}
	switch {
	case p.Head.N < end.N:
		p.Fault = &Fault{Kind: Cut, N: p.Head.N + 1, Detail: fmt.Sprintf("the head is at line %d, but %s", end.N, missing(p.Head.N+1, end.N))}
	case p.Head != end:
		p.Fault = &Fault{Kind: Edited, N: end.N, Detail: "all lines follow from each other, but the head does not fit the last one: the head was altered"}
	case len(noted) > 0:
		last := noted[len(noted)-1].N
		p.Fault = &Fault{Kind: Cut, N: p.Head.N + 1, Detail: fmt.Sprintf("the trail ends at line %d, but a head was noted at line %d: %s", p.Head.N, last, missing(p.Head.N+1, last))}
	}
	if p.Fault != nil {
		return p, nil
	}
	stray, n, err := src.AuditStray(ctx)
	if err != nil {
		return p, fmt.Errorf("look for lines outside the audit trail: %w", err)
	}
	if n > 0 {
		p.Fault = &Fault{Inserted, stray.N, stray.ID, fmt.Sprintf("%d lines stand outside the chain: this program did not write them", n)}
	}
	return p, nil
}

// walk looks at lines one after the other.
type walk struct {
	src Source
	end int64
}

// next tells what is wrong with a line that stands after a head, if anything is.
func (w walk) next(ctx context.Context, before Head, l Line) (*Fault, error) {
	want := before.N + 1
	switch {
	case l.N < want && l.N == before.N && l.N > 0:
		return &Fault{Inserted, l.N, l.ID, fmt.Sprintf("two lines stand at place %d", l.N)}, nil
	case l.N < want:
		return &Fault{Inserted, l.N, l.ID, "a line stands before the first place"}, nil
	case l.N > want:
		return &Fault{Kind: Removed, N: want, Detail: missing(want, l.N-1)}, nil
	case l.Sum(before.Hash) == l.Hash:
		return nil, nil
	}
	return w.classify(ctx, before, l)
}

func missing(from, to int64) string {
	if from == to {
		return fmt.Sprintf("line %d is missing", from)
	}
	return fmt.Sprintf("lines %d to %d are missing", from, to)
}

// shiftMost is how many lines taken out or put in at one place are recognized, when the others were numbered again.
const shiftMost = 4096

// classify tells how a line came to be wrong at its place: from what stands after it.
func (w walk) classify(ctx context.Context, before Head, wrong Line) (*Fault, error) {
	fault := func(k Kind, detail string, args ...any) (*Fault, error) {
		return &Fault{k, wrong.N, wrong.ID, fmt.Sprintf(detail, args...)}, nil
	}
	// Is the line that belongs here somewhere below?
	var found, follows *Line // and what stands after it
	var stored Hash          // beside what was found
	err := w.each(ctx, wrong, func(l Line) bool {
		if found != nil {
			follows = &l
			return false
		}
		if sum := l.sumAt(before.Hash, wrong.N); sum == l.Hash || sum == wrong.Hash {
			found, stored = &l, l.Hash
			found.Hash = sum
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	if found != nil {
		shifted := follows != nil && follows.sumAt(found.Hash, wrong.N+1) == follows.Hash
		swapped := found.N == wrong.N+1 && slices.Contains([]Hash{wrong.Hash, stored}, wrong.sumAt(found.Hash, found.N))
		if shifted || follows == nil && found.N == wrong.N+1 && !swapped {
			return fault(Inserted, "the line that belongs at place %d stands at %d: %d were put in before it", wrong.N, found.N, found.N-wrong.N)
		}
		return fault(Reordered, "the line that belongs at place %d stands at %d", wrong.N, found.N)
	}
	next, err := w.src.AuditChain(ctx, wrong, w.end, 1)
	if err != nil {
		return nil, fmt.Errorf("read the audit trail after line %d: %w", wrong.N, err)
	}
	if len(next) == 0 || next[0].N != wrong.N+1 {
		return fault(Edited, "what the line says and its hash do not fit together")
	}
	n := next[0]
	switch {
	case n.Sum(wrong.Hash) == n.Hash:
		return fault(Edited, "what the line says does not fit its hash, which those after it build on: this line was edited, or the one before it together with its hash")
	case n.Sum(wrong.Sum(before.Hash)) == n.Hash:
		return fault(Edited, "the hash of the line was altered, what it says was not")
	case n.sumAt(wrong.Hash, wrong.N) == n.Hash:
		return fault(Inserted, "the line before this one was put in, with a hash that fits, and those after it were numbered again")
	}
	for k := range int64(shiftMost) {
		if n.sumAt(wrong.Hash, n.N+k+1) == n.Hash {
			return fault(Removed, "%d lines before this one are missing, and those after it were numbered again", k+1)
		}
	}
	return fault(Edited, "the line does not follow from the one before it, and those after it do not follow from this one")
}

// each goes through the lines after one until do returns false.
func (w walk) each(ctx context.Context, after Line, do func(Line) bool) error {
	for {
		lines, err := w.src.AuditChain(ctx, after, w.end, pageLines)
		if err != nil {
			return fmt.Errorf("read the audit trail after line %d: %w", after.N, err)
		}
		for _, l := range lines {
			if !do(l) {
				return nil
			}
		}
		if len(lines) < pageLines {
			return nil
		}
		after = lines[len(lines)-1]
	}
}
