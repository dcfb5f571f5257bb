package broker_test

import (
	"crypto/tls"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/wire"
)

// text is an MQTT string: its length in two bytes, then itself.
func text(s string) []byte { return append([]byte{byte(len(s) >> 8), byte(len(s))}, s...) }

// packet is an MQTT 3.1.1 control packet of less than 128 bytes.
func packet(kind byte, parts ...[]byte) []byte {
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	return append([]byte{kind, byte(len(body))}, body...)
}

func TestWhateverARevokedKioskSendsNextItIsCut(t *testing.T) {
	h := newHouse(t)
	b := h.start(t, "127.0.0.1:0", nil)
	down := wire.DownPrefix("kiosk-1") + "ack"
	for name, next := range map[string][]byte{
		"a ping":             packet(0xC0),
		"a subscription":     packet(0x82, []byte{0, 1}, text(down), []byte{1}),
		"an unsubscription":  packet(0xA2, []byte{0, 1}, text(down)),
		"a record":           packet(0x30, text(wire.UpTopic("kiosk-1")), []byte("x")),
		"a sure record":      packet(0x32, text(wire.UpTopic("kiosk-1")), []byte{0, 1}, []byte("x")),
		"an acknowledgement": packet(0x40, []byte{0, 1}),
	} {
		t.Run(name, func(t *testing.T) {
			h.mu.Lock()
			clear(h.denied)
			h.mu.Unlock()
			c, err := tls.Dial("tcp", b.Addr(), h.bundle(t, "kiosk-1", b.Addr()).TLS(time.Now))
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
			_, err = c.Write(packet(0x10, text("MQTT"), []byte{4, 2, 0, 60}, text("kiosk-1")))
			require.NoError(t, err)
			var answer [4]byte
			_, err = io.ReadFull(c, answer[:])
			require.NoError(t, err)
			require.Equal(t, [4]byte{0x20, 2, 0, 0}, answer, "it is let in")
			_, err = c.Write(packet(0xC0))
			require.NoError(t, err)
			_, err = io.ReadFull(c, answer[:2])
			require.NoError(t, err, "and served")

			h.deny("kiosk-1")
			_, err = c.Write(next)
			require.NoError(t, err)
			said, err := io.ReadAll(c)
			require.NoError(t, err, "the connection ends")
			require.Empty(t, said, "without an answer")
		})
	}
}
