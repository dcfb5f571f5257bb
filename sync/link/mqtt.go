package link

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// MQTT is a Transport over an MQTT 3.1.1 broker. The library below is used as a
// pipe and nothing else: every session is a client of its own with a clean session
// and a store in memory, nothing is queued while there is no connection, and
// neither its tokens nor the broker's PUBACK decide anything.
type MQTT struct {
	Broker    string        // host:port
	TLS       *tls.Config   // nil only where the network itself is trusted
	KeepAlive time.Duration // zero: 20 s
	Timeout   time.Duration // of dialling and of each write; zero: 10 s
}

var _ Transport = (*MQTT)(nil)

// Errors of sessions.
var (
	ErrNotGranted = errors.New("the broker refuses the subscription")
	ErrClosed     = errors.New("session has ended")
)

// subscribeRefused is SUBACK's failure return code (MQTT 3.1.1 section 3.9.3). The
// token of a refused subscription carries no error.
const subscribeRefused = 0x80

// Connect implements Transport.
func (m *MQTT) Connect(ctx context.Context, s Session) (Conn, error) {
	timeout := orDefault(m.Timeout, 10*time.Second)
	c := &mqttConn{done: make(chan struct{}), timeout: timeout}
	o := paho.NewClientOptions()
	o.Servers = []*url.URL{{Scheme: "tcp", Host: m.Broker}}
	o.SetClientID(s.Client)
	o.SetProtocolVersion(4) // otherwise a refusal is tried again as MQTT 3.1
	o.SetCleanSession(true)
	o.SetStore(paho.NewMemoryStore())
	o.SetAutoReconnect(false)
	o.SetConnectRetry(false)
	o.SetKeepAlive(orDefault(m.KeepAlive, 20*time.Second))
	o.SetPingTimeout(timeout)
	o.SetConnectTimeout(timeout)
	o.SetWriteTimeout(timeout)
	// Messages are handed over one by one, because a kiosk's frames come in order and
	// should stay so. That is safe as long as nothing below blocks: Receive must not,
	// and acknowledging, which can, is left to whoever works on the message.
	o.SetOrderMatters(true)
	o.SetAutoAckDisabled(true)
	o.SetDefaultPublishHandler(func(_ paho.Client, p paho.Message) {
		msg := Message{Topic: p.Topic(), Payload: p.Payload(), QoS: p.Qos(), Retain: p.Retained()}
		if msg.QoS > 0 {
			msg.ack = p.Ack
		}
		if s.Receive != nil {
			s.Receive(msg)
		}
	})
	o.SetConnectionLostHandler(func(_ paho.Client, err error) { c.end(lost(err)) })
	o.SetCustomOpenConnectionFn(func(_ *url.URL, _ paho.ClientOptions) (net.Conn, error) {
		return m.dial(ctx, timeout)
	})
	if s.Will != nil {
		o.SetBinaryWill(s.Will.Topic, s.Will.Payload, s.Will.QoS, s.Will.Retain)
	}
	c.client = paho.NewClient(o)
	if err := wait(ctx, c.client.Connect(), 2*timeout); err != nil {
		go c.client.Disconnect(0)
		return nil, fmt.Errorf("connect to broker: %w", err)
	}
	if err := c.subscribe(ctx, s, timeout); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func lost(err error) error {
	if err == nil {
		err = errors.New("connection lost")
	}
	return fmt.Errorf("%w: %w", ErrClosed, err)
}

// dial opens the connection itself, so that every write to the network has a
// deadline: the library's keep-alive would otherwise wait behind a write that never ends.
func (m *MQTT) dial(ctx context.Context, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	d := net.Dialer{Timeout: timeout, KeepAlive: 15 * time.Second, Control: userTimeout(2 * timeout)}
	raw, err := d.DialContext(ctx, "tcp", m.Broker)
	if err != nil {
		return nil, err
	}
	conn := &deadlineConn{Conn: raw, timeout: timeout}
	if m.TLS == nil {
		return conn, nil
	}
	secure := tls.Client(conn, m.TLS)
	if err := secure.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return secure, nil
}

// deadlineConn gives every write its own deadline and ignores those set from above.
type deadlineConn struct {
	net.Conn
	timeout time.Duration
}

func (c *deadlineConn) Write(b []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *deadlineConn) SetDeadline(t time.Time) error    { return c.Conn.SetReadDeadline(t) }
func (c *deadlineConn) SetWriteDeadline(time.Time) error { return nil }

// wait waits for a token's end, which says no more than that the call is over.
func wait(ctx context.Context, t paho.Token, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return context.DeadlineExceeded
	}
}

type mqttConn struct {
	client  paho.Client
	timeout time.Duration
	done    chan struct{}

	mu    sync.Mutex
	ended bool
	err   error
}

func (c *mqttConn) subscribe(ctx context.Context, s Session, timeout time.Duration) error {
	if len(s.Filters) == 0 {
		return nil
	}
	filters := make(map[string]byte, len(s.Filters))
	for _, f := range s.Filters {
		filters[f] = s.QoS
	}
	t := c.client.SubscribeMultiple(filters, nil)
	if err := wait(ctx, t, timeout); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	st, ok := t.(*paho.SubscribeToken)
	if !ok || len(st.Result()) != len(filters) {
		return fmt.Errorf("subscribe: %w: incomplete answer", ErrNotGranted)
	}
	for _, qos := range st.Result() {
		if qos == subscribeRefused {
			return fmt.Errorf("subscribe: %w", ErrNotGranted)
		}
	}
	return nil
}

// Publish implements Conn. A message that the library would keep for itself ends
// the session instead: the layer above sends again, the library must not.
func (c *mqttConn) Publish(ctx context.Context, m Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-c.done:
		return ErrClosed
	default:
	}
	t := c.client.Publish(m.Topic, m.QoS, m.Retain, m.Payload)
	select {
	case <-t.Done():
		if err := t.Error(); err != nil {
			err = fmt.Errorf("publish: %w", err)
			c.end(err)
			go c.client.Disconnect(0)
			return err
		}
	default:
	}
	return nil
}

func (c *mqttConn) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended, c.err = true, err
		close(c.done)
	}
}

// Done implements Conn.
func (c *mqttConn) Done() <-chan struct{} { return c.done }

// Err implements Conn.
func (c *mqttConn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close implements Conn.
func (c *mqttConn) Close() error {
	c.end(nil)
	c.client.Disconnect(uint(min(c.timeout, time.Second) / time.Millisecond))
	return nil
}

// codeOf says why a connection could not be made, in a Code that people can be told.
func codeOf(err error) string {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var op *net.OpError
	switch {
	case errors.Is(err, ErrNotGranted):
		return CodeNotGranted
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return CodeClock
	case errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid):
		return CodeUntrusted
	case errors.As(err, &op) && op.Op == "remote error", // a TLS alert: the broker did not take our certificate
		errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised),
		errors.Is(err, packets.ErrorRefusedIDRejected), errors.Is(err, packets.ErrorRefusedBadProtocolVersion):
		return CodeNotAdmitted
	case errors.Is(err, ErrClosed):
		return CodeLost
	}
	return CodeUnreachable
}

func orDefault[T int | int64 | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}
