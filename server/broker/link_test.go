package broker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/broker"
	"vestibule/sync/identity"
	"vestibule/sync/link"
	"vestibule/sync/link/linktest"
	"vestibule/sync/outbox"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// house is an operator with a certificate authority, a centre and some kiosks.
type house struct {
	ca     *identity.CA
	centre *identity.Centre
	seal   *seal.PrivateKey
	mu     sync.Mutex
	denied map[string]bool
}

func newHouse(t testing.TB) *house {
	t.Helper()
	now := time.Now()
	ca, err := identity.NewCA("Test", now)
	require.NoError(t, err)
	cert, err := ca.IssueCentre(nil, now)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, identity.SaveCentre(dir, ca, cert))
	centre, err := identity.LoadCentre(dir)
	require.NoError(t, err)
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	return &house{ca: ca, centre: centre, seal: key, denied: make(map[string]bool)}
}

func (h *house) signs() wire.Centre {
	return wire.Centre{Signer: h.centre.Signer(), Cert: h.centre.Cert.Raw, Random: rand.Reader}
}

func (h *house) isDenied(cn string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.denied[cn]
}

func (h *house) deny(cn string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.denied[cn] = true
}

func (h *house) bundle(t testing.TB, name, addr string) *identity.Bundle {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle")
	_, err := identity.WriteBundle(dir, h.ca, identity.KioskInfo{Name: name, SiteCountry: "UTO", Project: "demo", Broker: addr}, h.seal.Public(), time.Now())
	require.NoError(t, err)
	b, err := identity.LoadBundle(dir)
	require.NoError(t, err)
	return b
}

func (h *house) start(t testing.TB, addr string, change func(*broker.Config)) *broker.Broker {
	t.Helper()
	c := broker.Config{TLS: h.centre.ServerTLS(nil, h.isDenied), Addr: addr, Centre: h.centre.Name(), Denied: h.isDenied}
	if change != nil {
		change(&c)
	}
	b, err := broker.New(c)
	require.NoError(t, err)
	require.NoError(t, b.Start())
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func (h *house) mqtt(addr string) *link.MQTT {
	return &link.MQTT{Broker: addr, TLS: h.centre.ClientTLS("", nil)}
}

func mqttOf(b *identity.Bundle, addr string) *link.MQTT {
	return &link.MQTT{Broker: addr, TLS: b.TLS(nil)}
}

// kiosk is an outbox in a file with an uplink that runs.
type kiosk struct {
	name   string
	db     *sql.DB
	box    *outbox.Outbox
	up     *link.Uplink
	mu     sync.Mutex
	got    []string
	notify chan struct{}
}

func newKiosk(t testing.TB, b *identity.Bundle, tr link.Transport) *kiosk {
	t.Helper()
	ctx := context.Background()
	db, err := outbox.OpenFile(ctx, filepath.Join(t.TempDir(), "kiosk.db"), 0)
	require.NoError(t, err)
	box, err := outbox.Open(ctx, db, b.Name)
	require.NoError(t, err)
	k := &kiosk{name: b.Name, db: db, box: box, notify: make(chan struct{}, 1024)}
	k.up, err = link.NewUplink(tr, box, link.UplinkConfig{
		Kiosk: b.Name, Signer: b.Signer(), Centre: b.CentreKey,
		Apply: func(ctx context.Context, tx *sql.Tx, cmd wire.Record) error { return nil },
		Applied: func(cmd wire.Record) {
			k.mu.Lock()
			k.got = append(k.got, cmd.ID)
			k.mu.Unlock()
			k.notify <- struct{}{}
		},
		Tuning: link.Tuning{RetryMost: 2 * time.Second},
	})
	require.NoError(t, err)
	runs(t, k.up.Run)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return k
}

// runs runs something until the test ends, and waits for it.
func runs(t testing.TB, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

func (k *kiosk) append(t testing.TB, from, n int) {
	t.Helper()
	ctx := context.Background()
	tx, err := k.db.BeginTx(ctx, nil)
	require.NoError(t, err)
	for i := range n {
		_, err := k.box.Append(ctx, tx, wire.KindEvent, fmt.Sprintf("event-%d", from+i), []byte("body"))
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
	k.up.Kick()
}

func (k *kiosk) appendBlob(t testing.TB, size int) (string, []byte) {
	t.Helper()
	ctx := context.Background()
	b := make([]byte, size)
	rand.Read(b)
	tx, err := k.db.BeginTx(ctx, nil)
	require.NoError(t, err)
	id, err := k.box.AppendBlob(ctx, tx, b)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	k.up.Kick()
	return id, b
}

func keysOf(bundles ...*identity.Bundle) link.Keys {
	return func(_ context.Context, name string) (*ecdsa.PublicKey, error) {
		for _, b := range bundles {
			if b.Name == name {
				return b.Cert().PublicKey.(*ecdsa.PublicKey), nil
			}
		}
		return nil, link.ErrUnknownKiosk
	}
}

const patience = 15 * time.Second

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, patience, 5*time.Millisecond, what)
}

func requireInOrder(t testing.TB, inbox *linktest.Inbox, name string, n int) {
	t.Helper()
	got := inbox.Applied(name)
	require.Len(t, got, n)
	for i, r := range got {
		require.Equal(t, fmt.Sprintf("event-%d", i), r.ID)
	}
	require.NoError(t, inbox.Check())
}

func TestRecordsPicturesAndCommandsCrossTheEmbeddedBroker(t *testing.T) {
	h := newHouse(t)
	b := h.start(t, "127.0.0.1:0", nil)
	bundle := h.bundle(t, "kiosk-1", b.Addr())
	inbox := linktest.NewInbox()
	r := link.NewReceiver(h.mqtt(b.Addr()), inbox, keysOf(bundle), link.ReceiverConfig{Centre: h.signs()})
	runs(t, r.Run)
	k := newKiosk(t, bundle, mqttOf(bundle, b.Addr()))
	k.append(t, 0, 600)
	id, blob := k.appendBlob(t, 700_001)
	k.append(t, 600, 5)
	eventually(t, "records and the picture arrive", func() bool { return inbox.Count("kiosk-1") == 605 && inbox.Blob(id) != nil })
	requireInOrder(t, inbox, "kiosk-1", 605)
	require.Equal(t, blob, inbox.Blob(id))
	eventually(t, "the outbox is empty", func() bool {
		s, err := k.box.Stats(context.Background())
		require.NoError(t, err)
		return s.Records == 0 && s.Blobs == 0 && s.Acked == 605
	})
	eventually(t, "the kiosk is shown online", func() bool {
		s, ok := inbox.State("kiosk-1")
		return ok && s.Online
	})
	for i := range 40 {
		inbox.Command("kiosk-1", wire.KindVerdict, fmt.Sprintf("command-%d", i), []byte("v"))
		r.Notify("kiosk-1")
	}
	eventually(t, "commands are applied and the centre knows", func() bool { return inbox.Cursor("kiosk-1") == 40 })
	k.mu.Lock()
	defer k.mu.Unlock()
	require.Len(t, k.got, 40)
	for i, id := range k.got {
		require.Equal(t, fmt.Sprintf("command-%d", i), id)
	}
	require.Empty(t, r.Rejected())
	st := k.up.Status()
	require.True(t, st.Online)
	require.Empty(t, st.Code)
	require.False(t, st.Clock.IsZero(), "the clocks were compared")
	require.Less(t, st.Offset.Abs(), time.Second)
}

func TestTheStreamGoesOnAfterTheBrokerWasRestarted(t *testing.T) {
	h := newHouse(t)
	b := h.start(t, "127.0.0.1:0", nil)
	addr := b.Addr()
	bundle := h.bundle(t, "kiosk-1", addr)
	inbox := linktest.NewInbox()
	r := link.NewReceiver(h.mqtt(addr), inbox, keysOf(bundle), link.ReceiverConfig{Centre: h.signs()})
	runs(t, r.Run)
	k := newKiosk(t, bundle, mqttOf(bundle, addr))
	n := 0
	for round := range 3 {
		k.append(t, n, 50)
		n += 50
		if round < 2 {
			require.NoError(t, b.Close())
			k.append(t, n, 50) // offline
			n += 50
			inbox.Command("kiosk-1", wire.KindVerdict, fmt.Sprintf("command-%d", round), nil)
			r.Notify("kiosk-1")
			b = h.start(t, addr, nil)
		}
	}
	eventually(t, "everything arrives", func() bool { return inbox.Count("kiosk-1") == n && inbox.Cursor("kiosk-1") == 2 })
	requireInOrder(t, inbox, "kiosk-1", n)
}

func TestBadFramesAreCountedAndTheStreamGoesOn(t *testing.T) {
	h := newHouse(t)
	b := h.start(t, "127.0.0.1:0", nil)
	good, stranger, forger := h.bundle(t, "good", b.Addr()), h.bundle(t, "stranger", b.Addr()), h.bundle(t, "forger", b.Addr())
	inbox := linktest.NewInbox()
	r := link.NewReceiver(h.mqtt(b.Addr()), inbox, keysOf(good, forger), link.ReceiverConfig{Centre: h.signs()})
	runs(t, r.Run)
	<-r.Ready()
	ctx := context.Background()
	connect := func(bu *identity.Bundle) link.Conn {
		c, err := mqttOf(bu, b.Addr()).Connect(ctx, link.Session{Client: bu.Name})
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	frame := func(name string, bu *identity.Bundle) []byte {
		out, err := wire.SignUp(wire.Up{
			Version: 1, Kiosk: name, Epoch: "e", Head: wire.ChainStart(name, "e"), Sent: time.Now(),
			Records: []wire.Record{{Seq: 1, Kind: wire.KindEvent, ID: "x"}},
		}, bu.Signer(), rand.Reader)
		require.NoError(t, err)
		return out
	}
	send := func(c link.Conn, topic string, payload []byte) {
		require.NoError(t, c.Publish(ctx, link.Message{Topic: topic, Payload: payload, QoS: 1}))
	}
	f, s := connect(forger), connect(stranger)
	forged := frame("forger", good) // signed with another kiosk's key
	whole := frame("forger", forger)
	send(f, wire.UpTopic("forger"), forged)
	send(f, wire.UpTopic("forger"), whole[:len(whole)-9])
	send(f, wire.UpTopic("forger"), append(append([]byte(nil), whole...), make([]byte, wire.MaxFrame)...))
	send(f, wire.UpTopic("forger"), frame("good", forger))
	send(f, wire.BlobTopic("forger"), []byte("not a chunk"))
	send(s, wire.UpTopic("stranger"), frame("stranger", stranger))
	eventually(t, "each is counted under its own code", func() bool {
		got := r.Rejected()
		return got[link.RejectForged] == 1 && got[link.RejectMalformed] == 2 && got[link.RejectTooLarge] == 1 &&
			got[link.RejectMisplaced] == 1 && got[link.RejectUnknown] == 1
	})
	k := newKiosk(t, good, mqttOf(good, b.Addr()))
	k.append(t, 0, 3)
	eventually(t, "the good kiosk is served", func() bool { return inbox.Count("good") == 3 })
	require.Zero(t, inbox.Count("forger"))
	require.Zero(t, inbox.Count("stranger"))
}

func TestAnUnknownKioskIsToldSo(t *testing.T) {
	h := newHouse(t)
	b := h.start(t, "127.0.0.1:0", nil)
	bundle := h.bundle(t, "kiosk-1", b.Addr())
	r := link.NewReceiver(h.mqtt(b.Addr()), linktest.NewInbox(), keysOf(), link.ReceiverConfig{Centre: h.signs()})
	runs(t, r.Run)
	<-r.Ready()
	k := newKiosk(t, bundle, mqttOf(bundle, b.Addr()))
	k.append(t, 0, 1)
	eventually(t, "its link says why", func() bool {
		st := k.up.Status()
		return st.Refused == wire.RefusedUnknown && st.Code == link.CodeRefused
	})
}

func TestARevokedKioskIsCutAtItsNextPacketAndNotLetInAgain(t *testing.T) {
	h := newHouse(t)
	b := h.start(t, "127.0.0.1:0", nil)
	bundle := h.bundle(t, "kiosk-1", b.Addr())
	inbox := linktest.NewInbox()
	r := link.NewReceiver(h.mqtt(b.Addr()), inbox, keysOf(bundle), link.ReceiverConfig{Centre: h.signs()})
	runs(t, r.Run)
	k := newKiosk(t, bundle, mqttOf(bundle, b.Addr()))
	k.append(t, 0, 1)
	eventually(t, "it is served", func() bool { return inbox.Count("kiosk-1") == 1 })
	h.deny("kiosk-1")
	k.append(t, 1, 1)
	eventually(t, "it is refused", func() bool { st := k.up.Status(); return !st.Online && st.Code == link.CodeNotAdmitted })
	require.Equal(t, 1, inbox.Count("kiosk-1"))
}

func TestTheLinkSaysWhyItCannotConnect(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	b := h.start(t, "127.0.0.1:0", nil)
	foreign := other.bundle(t, "kiosk-1", b.Addr())
	own := h.bundle(t, "kiosk-2", b.Addr())
	late := own.TLS(func() time.Time { return time.Now().Add(20 * 365 * 24 * time.Hour) })
	for name, c := range map[string]struct {
		tr     *link.MQTT
		bundle *identity.Bundle
		code   string
	}{
		"the broker is of another authority":   {mqttOf(foreign, b.Addr()), foreign, link.CodeUntrusted},
		"nobody listens":                       {mqttOf(own, "127.0.0.1:1"), own, link.CodeUnreachable},
		"our clock is decades ahead":           {&link.MQTT{Broker: b.Addr(), TLS: late}, own, link.CodeClock},
		"we show no certificate of the centre": {&link.MQTT{Broker: b.Addr(), TLS: withoutCert(own.TLS(nil))}, own, link.CodeNotAdmitted},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKiosk(t, c.bundle, c.tr)
			eventually(t, "the code is shown", func() bool { return k.up.Status().Code == c.code })
		})
	}
}

func withoutCert(c *tls.Config) *tls.Config {
	c.GetClientCertificate = nil
	return c
}
