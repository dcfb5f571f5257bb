package broker_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/server/broker"
	"vestibule/sync/fault"
	"vestibule/sync/link"
	"vestibule/sync/wire"
)

// refusals collects what a broker turned away.
type refusals struct {
	mu   sync.Mutex
	list []broker.Refusal
}

func (r *refusals) add(x broker.Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, x)
}

func (r *refusals) has(code, name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.list {
		if x.Code == code && x.Name == name {
			return true
		}
	}
	return false
}

func TestAKioskConnectsOnlyUnderItsOwnName(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	var seen refusals
	b := h.start(t, "127.0.0.1:0", func(c *broker.Config) { c.Refused = seen.add })
	one, foreign := h.bundle(t, "one", b.Addr()), other.bundle(t, "one", b.Addr())
	ctx := context.Background()

	_, err := mqttOf(one, b.Addr()).Connect(ctx, link.Session{Client: "two"})
	require.Error(t, err, "another kiosk's id")
	require.True(t, seen.has(broker.RefuseClient, "one"))

	_, err = mqttOf(one, b.Addr()).Connect(ctx, link.Session{Client: "centre"})
	require.Error(t, err, "the centre's id")

	_, err = mqttOf(foreign, b.Addr()).Connect(ctx, link.Session{Client: "one"})
	require.Error(t, err, "the kiosk of another authority does not trust this broker")

	trusting := foreign.TLS(nil)
	trusting.InsecureSkipVerify = true // a stranger does not care who we are
	_, err = (&link.MQTT{Broker: b.Addr(), TLS: trusting}).Connect(ctx, link.Session{Client: "one"})
	require.Error(t, err, "a certificate of another authority")
	_, err = (&link.MQTT{Broker: b.Addr(), TLS: withoutCert(one.TLS(nil))}).Connect(ctx, link.Session{Client: "one"})
	require.Error(t, err, "no certificate")
	_, err = (&link.MQTT{Broker: b.Addr()}).Connect(ctx, link.Session{Client: "one"})
	require.Error(t, err, "no TLS")
	old := one.TLS(nil)
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	_, err = (&link.MQTT{Broker: b.Addr(), TLS: old}).Connect(ctx, link.Session{Client: "one"})
	require.Error(t, err, "TLS 1.2")
	require.True(t, seen.has(broker.RefuseHandshake, ""))

	_, err = mqttOf(one, b.Addr()).Connect(ctx, link.Session{
		Client: "one", Will: &link.Message{Topic: wire.StateTopic("two"), Payload: []byte("x"), Retain: true},
	})
	require.Error(t, err, "a last will in another kiosk's name")
	require.True(t, seen.has(broker.RefuseWill, "one"))

	c, err := mqttOf(one, b.Addr()).Connect(ctx, link.Session{Client: "one"})
	require.NoError(t, err, "its own")
	require.NoError(t, c.Close())
	for _, client := range []string{"centre", "centre.2"} {
		c, err := h.mqtt(b.Addr()).Connect(ctx, link.Session{Client: client})
		require.NoError(t, err, client)
		require.NoError(t, c.Close())
	}
}

func TestAKioskReadsOnlyWhatIsAddressedToIt(t *testing.T) {
	h := newHouse(t)
	var seen refusals
	b := h.start(t, "127.0.0.1:0", func(c *broker.Config) { c.Refused = seen.add })
	one := h.bundle(t, "one", b.Addr())
	for _, c := range []struct {
		filter  string
		granted bool
	}{
		{wire.DownFilter("one"), true},
		{wire.AckTopic("one"), true},
		{wire.RollTopic("one"), true},
		{wire.RollTopic("two"), false},
		{"v1/down/one/+", true},
		{"#", false},
		{"+/+/+", false},
		{"v1/down/#", false},
		{"v1/down/+/ack", false},
		{"v1/down/on", false},
		{wire.DownFilter("two"), false},
		{wire.DownFilter("one2"), false},
		{"v1/up/one", false},
		{"v1/up/+", false},
		{"$SYS/#", false},
		{"$share/x/v1/down/one/#", false},
	} {
		t.Run(c.filter, func(t *testing.T) {
			conn, err := mqttOf(one, b.Addr()).Connect(context.Background(), link.Session{Client: "one", Filters: []string{c.filter}})
			if c.granted {
				require.NoError(t, err)
				require.NoError(t, conn.Close())
				return
			}
			require.ErrorIs(t, err, link.ErrNotGranted)
		})
	}
	require.True(t, seen.has(broker.RefuseSubscribe, "one"))
}

func TestAKioskPublishesOnlyUnderItsOwnTopics(t *testing.T) {
	h := newHouse(t)
	var seen refusals
	b := h.start(t, "127.0.0.1:0", func(c *broker.Config) { c.Refused = seen.add })
	one := h.bundle(t, "one", b.Addr())
	ctx := context.Background()
	got := make(chan string, 64)
	centre, err := h.mqtt(b.Addr()).Connect(ctx, link.Session{
		Client: "centre", Filters: []string{"#"}, QoS: 1, Receive: func(m link.Message) { got <- m.Topic },
	})
	require.NoError(t, err)
	defer centre.Close()
	for _, topic := range []string{
		wire.UpTopic("two"), wire.BlobTopic("two"), wire.StateTopic("two"), wire.AckTopic("one"), wire.CommandTopic("one"), wire.RollTopic("one"), "v1/up/one/x", "other",
	} {
		conn, err := mqttOf(one, b.Addr()).Connect(ctx, link.Session{Client: "one"})
		require.NoError(t, err)
		require.NoError(t, conn.Publish(ctx, link.Message{Topic: topic, Payload: []byte("x"), QoS: 1}))
		select {
		case <-conn.Done():
		case <-time.After(patience):
			t.Errorf("%s: the session outlives it", topic)
		}
		conn.Close()
	}
	require.True(t, seen.has(broker.RefusePublish, "one"))
	conn, err := mqttOf(one, b.Addr()).Connect(ctx, link.Session{Client: "one"})
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.Publish(ctx, link.Message{Topic: wire.UpTopic("one"), Payload: []byte("x"), QoS: 1}))
	for {
		select {
		case topic := <-got:
			if topic == wire.UpTopic("one") {
				return
			}
			assert.NotContains(t, topic, "v1/", "nothing else came through")
		case <-time.After(patience):
			t.Fatal("its own frame did not come through")
		}
	}
}

func TestAnOversizedPacketCostsItsSenderTheConnection(t *testing.T) {
	h := newHouse(t)
	var seen refusals
	b := h.start(t, "127.0.0.1:0", func(c *broker.Config) { c.Refused = seen.add })
	one := h.bundle(t, "one", b.Addr())
	ctx := context.Background()
	conn, err := mqttOf(one, b.Addr()).Connect(ctx, link.Session{Client: "one"})
	require.NoError(t, err)
	defer conn.Close()
	_ = conn.Publish(ctx, link.Message{Topic: wire.UpTopic("one"), Payload: make([]byte, 2*wire.MaxChunk), QoS: 1})
	select {
	case <-conn.Done():
	case <-time.After(patience):
		t.Fatal("the session outlives it")
	}
	eventually(t, "it is reported", func() bool { return seen.has(broker.RefusePacket, "one") })
	again, err := mqttOf(one, b.Addr()).Connect(ctx, link.Session{Client: "one"})
	require.NoError(t, err, "the broker lives")
	require.NoError(t, again.Close())
}

func TestAStrangerThatSaysNothingIsCut(t *testing.T) {
	h := newHouse(t)
	b := h.start(t, "127.0.0.1:0", func(c *broker.Config) { c.Limits.Handshake = 50 * time.Millisecond })
	one := h.bundle(t, "one", b.Addr())
	silent, err := net.Dial("tcp", b.Addr())
	require.NoError(t, err)
	defer silent.Close()
	require.NoError(t, silent.SetReadDeadline(time.Now().Add(patience)))
	_, err = io.ReadAll(silent)
	require.False(t, errors.Is(err, context.DeadlineExceeded) || isTimeout(err), "cut by the broker, not by our patience: %v", err)
	// With a good certificate, but no CONNECT.
	secure, err := tls.Dial("tcp", b.Addr(), one.TLS(nil))
	require.NoError(t, err)
	defer secure.Close()
	require.NoError(t, secure.SetReadDeadline(time.Now().Add(patience)))
	_, err = io.ReadAll(secure)
	require.False(t, isTimeout(err), "cut by the broker, not by our patience: %v", err)
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func TestDropCutsAConnection(t *testing.T) {
	h := newHouse(t)
	b := h.start(t, "127.0.0.1:0", nil)
	one := h.bundle(t, "one", b.Addr())
	conn, err := mqttOf(one, b.Addr()).Connect(context.Background(), link.Session{Client: "one"})
	require.NoError(t, err)
	defer conn.Close()
	b.Drop("two")
	b.Drop("one")
	select {
	case <-conn.Done():
	case <-time.After(patience):
		t.Fatal("the session outlives it")
	}
}

func TestAPortInUseIsSaidPlainly(t *testing.T) {
	h := newHouse(t)
	b := h.start(t, "127.0.0.1:0", nil)
	second, err := broker.New(broker.Config{TLS: h.centre.ServerTLS(nil, nil), Addr: b.Addr(), Centre: "centre"})
	require.NoError(t, err)
	err = second.Start()
	require.Equal(t, "broker_port_in_use", fault.Code(err))
	var f *fault.Fault
	require.ErrorAs(t, err, &f)
	require.NotEmpty(t, f.Hint)
	require.NoError(t, second.Close(), "closing what never started is no error")
}

func TestABrokerThatWouldAcceptAnybodyIsNotMade(t *testing.T) {
	h := newHouse(t)
	open := h.centre.ServerTLS(nil, nil)
	open.ClientAuth = tls.VerifyClientCertIfGiven
	for name, c := range map[string]broker.Config{
		"no TLS":                    {Centre: "centre"},
		"client certificates asked": {TLS: open, Centre: "centre"},
		"no name for the centre":    {TLS: h.centre.ServerTLS(nil, nil)},
	} {
		_, err := broker.New(c)
		require.Error(t, err, name)
	}
	b, err := broker.New(broker.Config{TLS: h.centre.ServerTLS(nil, nil), Centre: "centre", Addr: "nonsense"})
	require.NoError(t, err)
	require.Equal(t, "broker_address", fault.Code(b.Start()))
}
