// Package broker is the MQTT broker that the centre carries inside itself: memory
// only, mutual TLS in front of its parser, and a rule that confines every kiosk to
// its own topics. Nothing depends on what it keeps; any MQTT 3.1.1 broker with the
// same rule may stand in its place.
//
// What may live here: the broker's start, stop, limits and admission. What may not:
// records, acknowledgements, databases.
package broker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"vestibule/sync/fault"
	"vestibule/sync/wire"
)

// Config is what a broker needs. TLS, Addr and Centre are required.
type Config struct {
	TLS    *tls.Config          // must require and verify client certificates
	Addr   string               // host:port; port 0 picks one
	Centre string               // common name that may read and write everything
	Denied func(cn string) bool // revoked names; asked at connect and at every packet; nil: none
	// Branches gives the kiosks that a branch's box may speak for, and false for a branch that is unknown. It is asked
	// at every message, so it answers from memory; nil: there are no branches.
	Branches func(branch string) (kiosks map[string]bool, ok bool)
	Limits   Limits
	// Refused hears of every attempt that was turned away. It must not block; nil: nobody.
	Refused func(Refusal)
	Log     *slog.Logger // start, stop and refusals, never a packet's content; nil: none
}

// Limits bound what clients may take. The zero value of a field means its default.
type Limits struct {
	Clients    int           // connections at once; 10,000
	Handshakes int           // TLS handshakes at once; 64
	Handshake  time.Duration // from the connection to the end of CONNECT; 10 s
	Write      time.Duration // one write to a client; 20 s
	KeepAlive  time.Duration // longest that a client may ask for; 5 min
	Packet     int           // bytes of an MQTT packet; a chunk and its header
	Inflight   int           // unacknowledged messages to one client; 1,024
	Queue      int           // messages waiting for one client; 1,024
}

// Refusal is an attempt that was turned away.
type Refusal struct {
	Code   string // see the Refuse constants
	Remote string // address
	Name   string // of the certificate; empty when none was verified
	Topic  string // for topics
}

// Codes of Refusal.Code.
const (
	RefuseHandshake = "handshake"  // no TLS, no certificate, a foreign or expired one, or a revoked one
	RefuseBusy      = "busy"       // too many connections
	RefuseRevoked   = "revoked"    // revoked while connected, or between handshake and CONNECT
	RefuseClient    = "client_id"  // client id is not the certificate's name
	RefuseSession   = "session"    // asks for MQTT other than 3.1.1, or for a kept session
	RefuseWill      = "will"       // last will outside the client's state topic
	RefusePublish   = "publish"    // topic of somebody else
	RefuseSubscribe = "subscribe"  // topic of somebody else
	RefusePacket    = "packet"     // too large, or not a packet
	RefusePanicked  = "panicked"   // the parser gave up on this client
	RefuseState     = "state_size" // presence larger than its bound
)

// packetHead is more than what MQTT puts before a payload here.
const packetHead = 256

func (l Limits) withDefaults() Limits {
	pick(&l.Clients, 10_000)
	pick(&l.Handshakes, 64)
	pick(&l.Handshake, 10*time.Second)
	pick(&l.Write, 20*time.Second)
	pick(&l.KeepAlive, 5*time.Minute)
	pick(&l.Packet, wire.MaxChunk+packetHead)
	pick(&l.Inflight, 1024)
	pick(&l.Queue, 1024)
	return l
}

func pick[T int | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

// Broker is a broker that was started, or can be.
type Broker struct {
	c      Config
	mu     sync.Mutex
	server *mqtt.Server
	gate   *gate
}

// New makes a broker that Start starts.
func New(c Config) (*Broker, error) {
	switch {
	case c.TLS == nil || c.TLS.ClientAuth != tls.RequireAndVerifyClientCert || c.TLS.MinVersion < tls.VersionTLS13:
		return nil, fault.New("broker_open", "the broker would accept anybody", "give it TLS 1.3 that requires client certificates", nil)
	case c.Centre == "":
		return nil, fault.New("broker_centre", "the broker does not know the centre's name", "set the centre's common name", nil)
	}
	c.Limits = c.Limits.withDefaults()
	if c.Denied == nil {
		c.Denied = func(string) bool { return false }
	}
	if c.Branches == nil {
		c.Branches = func(string) (map[string]bool, bool) { return nil, false }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Broker{c: c}, nil
}

func (b *Broker) refused(r Refusal) {
	b.c.Log.Warn("broker refused", "code", r.Code, "remote", r.Remote, "name", r.Name, "topic", r.Topic)
	if b.c.Refused != nil {
		b.c.Refused(r)
	}
}

// Start listens and serves. It returns once clients can connect.
func (b *Broker) Start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server != nil {
		return fault.New("broker_started", "the broker is running already", "", nil)
	}
	ln, err := net.Listen("tcp", b.c.Addr)
	if err != nil {
		return listenFault(b.c.Addr, err)
	}
	l := b.c.Limits
	capabilities := mqtt.NewDefaultServerCapabilities()
	capabilities.MaximumClients = int64(l.Clients)
	capabilities.MaximumPacketSize = uint32(l.Packet)
	capabilities.MaximumInflight = uint16(min(l.Inflight, 1<<16-1))
	capabilities.MaximumClientWritesPending = int32(min(l.Queue, 1<<31-1))
	capabilities.ReceiveMaximum = 256
	capabilities.MaximumQos = 1
	capabilities.MaximumSessionExpiryInterval = 0
	capabilities.TopicAliasMaximum = 0
	capabilities.MinimumProtocolVersion = 4
	capabilities.SharedSubAvailable = 1
	server := mqtt.New(&mqtt.Options{
		Capabilities:           capabilities,
		Logger:                 slog.New(slog.DiscardHandler), // it would log whole packets
		SysTopicResendInterval: 3600,
	})
	g := newGate(b, ln)
	err = server.AddHook(&admission{b: b}, nil)
	if err == nil {
		err = server.AddListener(g)
	}
	if err == nil {
		err = server.Serve()
	}
	if err != nil {
		return fmt.Errorf("start broker: %w", errors.Join(err, ln.Close()))
	}
	b.server, b.gate = server, g
	b.c.Log.Info("broker listens", "addr", ln.Addr().String())
	return nil
}

func listenFault(addr string, err error) error {
	_, port, _ := net.SplitHostPort(addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fault.New("broker_port_in_use", "port "+port+" is taken by another program",
			"stop it, or give the broker another port; on Linux `ss -ltnp` shows who listens", err)
	case errors.Is(err, fs.ErrPermission):
		return fault.New("broker_port_forbidden", "port "+port+" may not be opened by this user", "use a port from 1024 up", err)
	}
	if n, e := strconv.Atoi(port); e != nil || n > 65535 {
		return fault.New("broker_address", "the broker's address is not host:port", "give it as 0.0.0.0:8883", err)
	}
	return fault.New("broker_address", "the broker cannot listen on "+addr, "check the address", err)
}

// Addr is where it listens, with the port that was picked; empty before Start.
func (b *Broker) Addr() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gate == nil {
		return ""
	}
	return b.gate.Address()
}

// Drop cuts a client's connection at once, say after a revocation.
func (b *Broker) Drop(cn string) {
	b.mu.Lock()
	server := b.server
	b.mu.Unlock()
	if server == nil {
		return
	}
	if cl, ok := server.Clients.Get(cn); ok {
		cl.Stop(errRevoked)
	}
}

// Clients counts the connections that stand.
func (b *Broker) Clients() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gate == nil {
		return 0
	}
	return b.gate.count()
}

// Close cuts every connection and stops listening. The broker can be started again.
func (b *Broker) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server == nil {
		return nil
	}
	err := b.server.Close()
	b.server, b.gate = nil, nil
	if err != nil {
		return fmt.Errorf("close broker: %w", err)
	}
	return nil
}
