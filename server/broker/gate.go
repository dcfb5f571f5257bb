package broker

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"

	"vestibule/sync/identity"
)

// gate listens, and lets only connections through that have proved a name. The
// MQTT parser behind it never sees a byte of a stranger.
type gate struct {
	b       *Broker
	ln      net.Listener
	serving sync.WaitGroup
	slots   chan struct{} // handshakes under way

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

var _ listeners.Listener = (*gate)(nil)

func newGate(b *Broker, ln net.Listener) *gate {
	return &gate{b: b, ln: ln, slots: make(chan struct{}, b.c.Limits.Handshakes), conns: make(map[net.Conn]struct{})}
}

// Init implements listeners.Listener.
func (g *gate) Init(*slog.Logger) error { return nil }

// ID implements listeners.Listener.
func (g *gate) ID() string { return "gate" }

// Address implements listeners.Listener.
func (g *gate) Address() string { return g.ln.Addr().String() }

// Protocol implements listeners.Listener.
func (g *gate) Protocol() string { return "tls" }

// Serve implements listeners.Listener.
func (g *gate) Serve(establish listeners.EstablishFn) {
	for {
		raw, err := g.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors, or the peer is gone already
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if !g.add(raw) {
			raw.Close()
			g.b.refused(Refusal{Code: RefuseBusy, Remote: raw.RemoteAddr().String()})
			continue
		}
		g.slots <- struct{}{} // waiting here leaves strangers in the kernel's queue
		go g.admit(raw, establish)
	}
}

func (g *gate) admit(raw net.Conn, establish listeners.EstablishFn) {
	defer g.remove(raw)
	l := g.b.c.Limits
	conn := tls.Server(raw, g.b.c.TLS)
	p := &peer{Conn: conn, write: l.Write}
	p.SetReadDeadline(time.Now().Add(l.Handshake))
	raw.SetWriteDeadline(time.Now().Add(l.Handshake))
	name, err := handshake(conn)
	<-g.slots
	if err != nil {
		g.b.refused(Refusal{Code: RefuseHandshake, Remote: raw.RemoteAddr().String()})
		farewell(raw)
		return
	}
	p.name = name
	defer func() {
		// One packet that the parser cannot digest costs one connection, not the centre.
		if recover() != nil {
			g.b.refused(Refusal{Code: RefusePanicked, Remote: raw.RemoteAddr().String(), Name: name})
		}
	}()
	establish(g.ID(), p) // its error was reported by the admission hook, or is an ordinary end
}

// farewell lets the alert arrive that says why. Closing at once would answer what
// the client has sent meanwhile with a reset, and the reset overtakes the alert.
func farewell(raw net.Conn) {
	if half, ok := raw.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		raw.SetReadDeadline(time.Now().Add(time.Second))
		io.Copy(io.Discard, io.LimitReader(raw, 64<<10))
	}
}

func handshake(conn *tls.Conn) (string, error) {
	if err := conn.Handshake(); err != nil {
		return "", err
	}
	return identity.PeerName(conn.ConnectionState())
}

func (g *gate) add(c net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || len(g.conns) >= g.b.c.Limits.Clients+g.b.c.Limits.Handshakes {
		return false
	}
	g.conns[c] = struct{}{}
	g.serving.Add(1)
	return true
}

func (g *gate) remove(c net.Conn) {
	c.Close()
	g.mu.Lock()
	delete(g.conns, c)
	g.mu.Unlock()
	g.serving.Done()
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

// Close implements listeners.Listener. It cuts the connections first, so that no
// client that stopped reading can delay the end.
func (g *gate) Close(closeClients listeners.CloseFn) {
	g.mu.Lock()
	g.closed = true
	for c := range g.conns {
		c.Close()
	}
	g.mu.Unlock()
	g.ln.Close()
	closeClients(g.ID())
	g.serving.Wait()
}

// peer is a connection with the name that its certificate proved. Every write has
// a deadline of its own; what the server sets applies to reading only, because it
// renews both with every packet that comes in.
type peer struct {
	net.Conn
	name  string
	write time.Duration
}

func (p *peer) Write(b []byte) (int, error) {
	if err := p.Conn.SetWriteDeadline(time.Now().Add(p.write)); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}

func (p *peer) SetDeadline(t time.Time) error { return p.Conn.SetReadDeadline(t) }
