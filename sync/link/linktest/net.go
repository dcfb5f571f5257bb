// Package linktest is a broker in memory that misbehaves on purpose: it loses,
// repeats, delays and reorders messages, cuts sessions and partitions clients, all
// drawn from a seed. It serves the tests of whoever uses package link.
//
// What may live here: that pipe. What may not: anything that a binary links.
package linktest

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"vestibule/sync/link"
)

// Faults say how badly a Net behaves. The zero value is a perfect pipe.
type Faults struct {
	Loss      float64       // share of messages that vanish
	Duplicate float64       // share of messages that come twice
	Delay     time.Duration // longest delay; each message draws its own, so they overtake each other
	Cut       float64       // share of messages at which the sender's session breaks
}

// Errors of a Net.
var (
	ErrPartitioned = errors.New("linktest: no way to the broker")
	ErrCut         = errors.New("linktest: session cut")
)

// Net is the broker. Its methods may be called from several goroutines.
type Net struct {
	mu       sync.Mutex
	rng      *rand.Rand
	faults   Faults
	apart    map[string]bool
	conns    map[string]*conn
	retained map[string]link.Message
	sent     int
}

// New makes a broker whose faults follow from the seed.
func New(seed uint64, f Faults) *Net {
	return &Net{
		rng: rand.New(rand.NewPCG(seed, 0)), faults: f, apart: make(map[string]bool),
		conns: make(map[string]*conn), retained: make(map[string]link.Message),
	}
}

var _ link.Transport = (*Net)(nil)

// SetFaults changes how it behaves from now on.
func (n *Net) SetFaults(f Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = f
}

// Partition cuts a client off, or lets it in again.
func (n *Net) Partition(client string, apart bool) {
	n.mu.Lock()
	n.apart[client] = apart
	c := n.conns[client]
	n.mu.Unlock()
	if apart && c != nil {
		c.cut(ErrPartitioned)
	}
}

// Restart is a crash of the broker: every session ends, everything retained is gone.
func (n *Net) Restart() {
	n.mu.Lock()
	var all []*conn
	for _, c := range n.conns {
		all = append(all, c)
	}
	n.retained = make(map[string]link.Message)
	n.mu.Unlock()
	for _, c := range all {
		c.cut(ErrCut)
	}
}

// Sent counts the messages that were handed to the broker.
func (n *Net) Sent() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sent
}

// Retained gives what is kept for a topic.
func (n *Net) Retained(topic string) (link.Message, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m, ok := n.retained[topic]
	return m, ok
}

// Connect implements link.Transport. A second session of a client takes over from the first.
func (n *Net) Connect(ctx context.Context, s link.Session) (link.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	if n.apart[s.Client] {
		n.mu.Unlock()
		return nil, ErrPartitioned
	}
	before := n.conns[s.Client]
	c := &conn{n: n, s: s, done: make(chan struct{})}
	n.conns[s.Client] = c
	var kept []link.Message
	for topic, m := range n.retained {
		if matchAny(s.Filters, topic) {
			kept = append(kept, m)
		}
	}
	n.mu.Unlock()
	if before != nil {
		before.cut(ErrCut)
	}
	for _, m := range kept {
		n.deliver(c, m, 0)
	}
	return c, nil
}

type conn struct {
	n    *Net
	s    link.Session
	once sync.Once
	done chan struct{}
	err  error
}

func (c *conn) Publish(ctx context.Context, m link.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-c.done:
		return link.ErrClosed
	default:
	}
	m.Payload = append([]byte(nil), m.Payload...)
	if c.n.publish(c, m) {
		c.cut(ErrCut)
	}
	return nil
}

func (c *conn) Done() <-chan struct{} { return c.done }

func (c *conn) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

func (c *conn) Close() error {
	c.end(nil)
	return nil
}

// cut ends the session as a broken line does: the broker publishes the will.
func (c *conn) cut(err error) {
	if c.end(err) && c.s.Will != nil {
		c.n.publish(nil, *c.s.Will)
	}
}

func (c *conn) end(err error) bool {
	first := false
	c.once.Do(func() {
		first = true
		c.err = err
		close(c.done)
		c.n.mu.Lock()
		defer c.n.mu.Unlock()
		if c.n.conns[c.s.Client] == c {
			delete(c.n.conns, c.s.Client)
		}
	})
	return first
}

// publish hands a message to everybody whose filters match, and tells whether the
// sender's session breaks at it.
func (n *Net) publish(from *conn, m link.Message) (cut bool) {
	type delivery struct {
		to    *conn
		after time.Duration
	}
	var out []delivery
	n.mu.Lock()
	n.sent++
	cut = from != nil && n.rng.Float64() < n.faults.Cut
	if m.Retain {
		n.retained[m.Topic] = m
	}
	for _, c := range n.conns {
		if !matchAny(c.s.Filters, m.Topic) {
			continue
		}
		copies := 1
		if n.rng.Float64() < n.faults.Duplicate {
			copies = 2
		}
		if n.rng.Float64() < n.faults.Loss {
			copies--
		}
		for range copies {
			d := delivery{to: c}
			if n.faults.Delay > 0 {
				d.after = time.Duration(n.rng.Int64N(int64(n.faults.Delay)))
			}
			out = append(out, d)
		}
	}
	n.mu.Unlock()
	for _, d := range out {
		n.deliver(d.to, m, d.after)
	}
	return cut
}

func (n *Net) deliver(c *conn, m link.Message, after time.Duration) {
	give := func() {
		select {
		case <-c.done:
		default:
			c.s.Receive(m)
		}
	}
	if after == 0 {
		give()
		return
	}
	time.AfterFunc(after, give)
}

func matchAny(filters []string, topic string) bool {
	for _, f := range filters {
		if match(strings.Split(f, "/"), strings.Split(topic, "/")) {
			return true
		}
	}
	return false
}

// match follows MQTT 3.1.1 section 4.7.
func match(filter, topic []string) bool {
	for i, f := range filter {
		switch {
		case f == "#":
			return true
		case i >= len(topic):
			return false
		case f != "+" && f != topic[i]:
			return false
		}
	}
	return len(filter) == len(topic)
}
