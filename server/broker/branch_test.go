package broker_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/broker"
	"vestibule/sync/identity"
	"vestibule/sync/link"
	"vestibule/sync/wire"
)

// branches are two, of which the first one's second kiosk is revoked.
var branches = map[string][]string{"north": {"a1", "a2"}, "south": {"b1"}}

const revokedKiosk = "a2"

// bridge is the link that a branch's box has to the centre's broker.
func (h *house) bridge(t *testing.T, branch, addr string) *link.MQTT {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, identity.WriteBranch(dir, h.ca, branch, nil, time.Now()))
	return &link.MQTT{Broker: addr, TLS: h.party(t, dir, "branch", identity.CentreName)}
}

func (h *house) party(t *testing.T, dir, name, server string) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(h.ca.Cert)
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots, ServerName: server, Certificates: []tls.Certificate{pair}}
}

// mosquitto starts one on the configuration in dir.
func mosquitto(t *testing.T, dir, addr string) *os.Process {
	t.Helper()
	conf := filepath.Join(dir, "mosquitto.conf")
	f, err := os.OpenFile(conf, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("user root\n") // else it becomes somebody who cannot read this folder
	require.NoError(t, err)
	require.NoError(t, f.Close())
	path := "/usr/sbin/mosquitto"
	if found, err := exec.LookPath("mosquitto"); err == nil {
		path = found
	}
	cmd := exec.Command(path, "-c", conf)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start(), "`make deps` installs it")
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, "it listens", func() bool {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return cmd.Process
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

// centres are the brokers that a centre may have, each knowing the branches.
func centres(t *testing.T, each func(t *testing.T, h *house, addr string)) {
	t.Run("embedded", func(t *testing.T) {
		h := newHouse(t)
		h.deny(revokedKiosk)
		b := h.start(t, "127.0.0.1:0", func(c *broker.Config) {
			c.Branches = func(branch string) (map[string]bool, bool) {
				kiosks, ok := branches[branch]
				set := map[string]bool{}
				for _, k := range kiosks {
					set[k] = true
				}
				return set, ok
			}
		})
		each(t, h, b.Addr())
	})
	t.Run("mosquitto", func(t *testing.T) {
		h := newHouse(t)
		dir, addr := t.TempDir(), freePort(t)
		cert, err := h.ca.IssueCentre(nil, time.Now())
		require.NoError(t, err)
		require.NoError(t, identity.SaveCentre(dir, h.ca, cert))
		// What `server broker mosquitto` writes: those that are not revoked.
		require.NoError(t, broker.WriteMosquitto(dir, addr, []broker.Branch{{Name: "north", Kiosks: []string{"a1"}}, {Name: "south", Kiosks: []string{"b1"}}}))
		mosquitto(t, dir, addr)
		each(t, h, addr)
	})
}

// ear notes what a client receives.
type ear struct {
	mu     sync.Mutex
	topics []string
}

func (e *ear) hear(m link.Message) {
	e.mu.Lock()
	e.topics = append(e.topics, m.Topic)
	e.mu.Unlock()
	go m.Ack()
}

func (e *ear) heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := slices.Clone(e.topics)
	slices.Sort(out)
	return out
}

func TestABranchsBoxSpeaksForItsOwnKiosksAndForNobodyElse(t *testing.T) {
	centres(t, func(t *testing.T, h *house, addr string) {
		ctx := context.Background()
		var centre ear
		c, err := h.mqtt(addr).Connect(ctx, link.Session{Client: "centre", Filters: wire.UplinkFilters(), QoS: 1, Receive: centre.hear})
		require.NoError(t, err)
		defer c.Close()
		will := link.Message{Topic: wire.BridgeTopic("north"), Payload: []byte(wire.BridgeDown), QoS: 1, Retain: true}
		box, err := h.bridge(t, "north", addr).Connect(ctx, link.Session{Client: "branch.north", Will: &will})
		require.NoError(t, err)
		defer box.Close()
		allowed := []string{wire.UpTopic("a1"), wire.BlobTopic("a1"), wire.StateTopic("a1"), wire.BridgeTopic("north")}
		for _, topic := range append([]string{
			wire.UpTopic("b1"), wire.BlobTopic("b1"), wire.StateTopic("b1"), wire.BridgeTopic("south"), // another branch's
			wire.UpTopic(revokedKiosk), wire.BlobTopic(revokedKiosk), wire.StateTopic(revokedKiosk), // revoked
			wire.UpTopic("c1"), wire.StateTopic("north"), wire.UpTopic("centre"), // of no branch
			wire.AckTopic("a1"), wire.CommandTopic("a1"), wire.RollTopic("a1"), wire.AckTopic("b1"), // the centre's to say
			wire.ViewTopic("a1"), "v1/up/a1/x", "other",
		}, allowed...) {
			// None of these may cut the session: a box sends again what was not acknowledged.
			require.NoError(t, box.Publish(ctx, link.Message{Topic: topic, Payload: []byte("x"), QoS: 1, Retain: true}), topic)
		}
		eventually(t, "what is allowed arrives, though it came last", func() bool { return len(centre.heard()) >= len(allowed) })
		time.Sleep(100 * time.Millisecond)
		slices.Sort(allowed)
		require.Equal(t, allowed, centre.heard())
		select {
		case <-box.Done():
			t.Fatal("the session was cut")
		default:
		}
	})
}

func TestABranchsBoxHearsWhatIsAddressedToItsOwnKiosks(t *testing.T) {
	centres(t, func(t *testing.T, h *house, addr string) {
		ctx := context.Background()
		c, err := h.mqtt(addr).Connect(ctx, link.Session{Client: "centre"})
		require.NoError(t, err)
		defer c.Close()
		for filter, want := range map[string][]string{
			wire.DownFilter("a1"):         {wire.AckTopic("a1"), wire.CommandTopic("a1")},
			wire.AckTopic("a1"):           {wire.AckTopic("a1")},
			wire.DownFilter("b1"):         nil,
			wire.DownFilter(revokedKiosk): nil,
			wire.UpTopic("a1"):            nil,
			wire.StateTopic("b1"):         nil,
		} {
			t.Run(filter, func(t *testing.T) {
				var ear ear
				box, err := h.bridge(t, "north", addr).Connect(ctx, link.Session{Client: "branch.north", Filters: []string{filter}, QoS: 1, Receive: ear.hear})
				if err != nil {
					require.ErrorIs(t, err, link.ErrNotGranted)
					require.Empty(t, want)
					return
				}
				defer box.Close()
				for _, topic := range []string{
					wire.UpTopic("a1"), wire.StateTopic("b1"), wire.AckTopic("b1"), wire.CommandTopic("b1"), wire.AckTopic(revokedKiosk), wire.AckTopic("a1"), wire.CommandTopic("a1"),
				} {
					require.NoError(t, c.Publish(ctx, link.Message{Topic: topic, Payload: []byte("x"), QoS: 1}))
				}
				eventually(t, "what is its own arrives", func() bool { return len(ear.heard()) >= len(want) })
				time.Sleep(100 * time.Millisecond)
				require.ElementsMatch(t, want, ear.heard())
			})
		}
	})
}

func TestABranchThatIsUnknownOrRevokedIsNotLetIn(t *testing.T) {
	h := newHouse(t)
	h.deny("branch.south")
	b := h.start(t, "127.0.0.1:0", func(c *broker.Config) {
		c.Branches = func(branch string) (map[string]bool, bool) { return nil, branch != "west" }
	})
	ctx := context.Background()
	for _, branch := range []string{"west", "south"} {
		_, err := h.bridge(t, branch, b.Addr()).Connect(ctx, link.Session{Client: identity.BranchName(branch)})
		require.Error(t, err, branch)
	}
	north := h.bridge(t, "north", b.Addr())
	for client, will := range map[string]string{"north": "", "a1": "", "branch.south": "", "branch.north": wire.StateTopic("a1")} {
		s := link.Session{Client: client}
		if will != "" {
			s.Will = &link.Message{Topic: will, Payload: []byte("x")}
		}
		_, err := north.Connect(ctx, s)
		require.Error(t, err, "as %s with a will for %q", client, will)
	}
	c, err := north.Connect(ctx, link.Session{Client: "branch.north"})
	require.NoError(t, err)
	c.Close()
	dir := t.TempDir()
	require.NoError(t, identity.WriteViewer(dir, h.ca, identity.ViewerInfo{Branch: "north", Broker: "x:1"}, time.Now()))
	_, err = (&link.MQTT{Broker: b.Addr(), TLS: h.party(t, dir, "viewer", identity.CentreName)}).Connect(ctx, link.Session{Client: "viewer.north"})
	require.Error(t, err, "a view has nothing to do at the centre")
}

// TestTheBoxLetsItsKiosksAndItsViewDoWhatIsTheirs runs the box that `server broker bridge` writes.
func TestTheBoxLetsItsKiosksAndItsViewDoWhatIsTheirs(t *testing.T) {
	h := newHouse(t)
	dir, addr := t.TempDir(), freePort(t)
	now := time.Now()
	require.NoError(t, identity.WriteBranch(dir, h.ca, "north", []string{"127.0.0.1"}, now))
	require.NoError(t, identity.WriteViewer(filepath.Join(dir, "viewer"), h.ca, identity.ViewerInfo{Branch: "north", Broker: addr, Kiosks: []string{"a1"}}, now))
	require.NoError(t, broker.WriteBox(dir, broker.Box{Branch: broker.Branch{Name: "north", Kiosks: []string{"a1"}}, Listen: addr, Centre: "127.0.0.1:1", Queue: 1 << 20}))
	mosquitto(t, dir, addr)
	ctx := context.Background()
	kiosk := func(name string) *link.MQTT {
		b := h.bundle(t, name, addr)
		b.Centre = identity.BranchName("north")
		return mqttOf(b, addr)
	}
	v, err := identity.LoadViewer(filepath.Join(dir, "viewer"))
	require.NoError(t, err)
	var seen ear
	view, err := (&link.MQTT{Broker: addr, TLS: v.TLS(time.Now)}).Connect(ctx, link.Session{Client: v.Name(), Filters: append(wire.ViewFilters("north"), "#"), QoS: 1, Receive: seen.hear})
	require.NoError(t, err)
	defer view.Close()
	state := func(name string) *link.Message {
		return &link.Message{Topic: wire.StateTopic(name), Payload: []byte("x"), QoS: 1, Retain: true}
	}
	one, err := kiosk("a1").Connect(ctx, link.Session{Client: "a1", Filters: []string{wire.DownFilter("a1")}, Will: state("a1")})
	require.NoError(t, err)
	defer one.Close()
	for _, topic := range []string{wire.UpTopic("a1"), wire.ViewTopic("a1"), wire.StateTopic("a1"), wire.ViewTopic("b1"), wire.StateTopic("b1"), wire.BridgeTopic("north")} {
		require.NoError(t, one.Publish(ctx, link.Message{Topic: topic, Payload: []byte("x"), QoS: 1}))
	}
	want := []string{wire.BridgeTopic("north"), wire.StateTopic("a1"), wire.ViewTopic("a1")} // the first is the box's own
	eventually(t, "the view sees what it may", func() bool { return len(seen.heard()) >= len(want) })
	time.Sleep(100 * time.Millisecond)
	require.Equal(t, want, slices.Compact(seen.heard()), "and no frames")

	// A kiosk that is not of the branch, or revoked, has a certificate and no rights: Mosquitto lets it in, and nothing it
	// says goes further, nor does it hear anything.
	var stranger ear
	b1, err := kiosk("b1").Connect(ctx, link.Session{Client: "b1", Filters: []string{"#"}, QoS: 1, Will: state("b1"), Receive: stranger.hear})
	require.NoError(t, err)
	defer b1.Close()
	for _, topic := range []string{wire.ViewTopic("b1"), wire.StateTopic("b1"), wire.UpTopic("b1"), wire.ViewTopic("a1"), wire.StateTopic("a1")} {
		require.NoError(t, b1.Publish(ctx, link.Message{Topic: topic, Payload: []byte("y"), QoS: 1}))
	}
	before := len(seen.heard())
	require.NoError(t, one.Publish(ctx, link.Message{Topic: wire.ViewTopic("a1"), Payload: []byte("x"), QoS: 1}))
	eventually(t, "what came after it is seen", func() bool { return len(seen.heard()) > before })
	time.Sleep(100 * time.Millisecond)
	ofKiosks := slices.DeleteFunc(seen.heard(), func(topic string) bool { return topic == wire.BridgeTopic("north") })
	require.Equal(t, []string{wire.StateTopic("a1"), wire.ViewTopic("a1"), wire.ViewTopic("a1")}, ofKiosks)
	require.Empty(t, stranger.heard())
	b := h.bundle(t, "a1", addr)
	_, err = mqttOf(b, addr).Connect(ctx, link.Session{Client: "a1"})
	require.Error(t, err, "a box cannot pass for the centre")
}

func TestWhatWaitsAtTheBoxForTheLineIsBounded(t *testing.T) {
	const bound, frame, sent = 1 << 20, 60 << 10, 100
	h := newHouse(t)
	dir, addr := t.TempDir(), freePort(t)
	require.NoError(t, identity.WriteBranch(dir, h.ca, "north", nil, time.Now()))
	require.NoError(t, broker.WriteBox(dir, broker.Box{Branch: broker.Branch{Name: "north", Kiosks: []string{"a1"}}, Listen: addr, Centre: "127.0.0.1:1", Queue: bound}))
	box := mosquitto(t, dir, addr)
	ctx := context.Background()
	b := h.bundle(t, "a1", addr)
	b.Centre = identity.BranchName("north")
	var back ear
	kiosk, err := mqttOf(b, addr).Connect(ctx, link.Session{Client: "a1", Filters: []string{wire.DownFilter("a1")}, Receive: back.hear})
	require.NoError(t, err)
	defer kiosk.Close()
	for range sent {
		require.NoError(t, kiosk.Publish(ctx, link.Message{Topic: wire.UpTopic("a1"), Payload: make([]byte, frame), QoS: 1}))
	}
	saved := func() int64 {
		require.NoError(t, box.Signal(syscall.SIGUSR1)) // it writes down what it holds
		time.Sleep(200 * time.Millisecond)
		info, err := os.Stat(filepath.Join(dir, "queue.db"))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	eventually(t, "frames wait", func() bool { return saved() > bound/2 })
	time.Sleep(500 * time.Millisecond)
	require.Less(t, saved(), int64(bound+3*frame), "of the %d bytes that were sent", sent*frame)
	select {
	case <-kiosk.Done():
		t.Fatal("a full queue cuts nobody")
	default:
	}
}
