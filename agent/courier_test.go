package agent_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/sync/courier"
	"vestibule/sync/link"
	"vestibule/sync/wire"
)

// A kiosk without a line is emptied by courier while it runs, tells its journal which
// pictures arrived, and brings nothing twice when the line is mended.
func TestARunningKioskSettlesWhatACourierBrought(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		c := newCentre(t, b)
		c.net.Partition("k1", true)
		centre := b.Config().Centre
		key := b.Config().Uplink.Signer.(*ecdsa.PrivateKey)
		b.Start()
		b.To(agent.StepResult)
		stick := t.TempDir()
		tray := courier.Tray{Data: b.Dir(), Kiosk: "k1", Centre: centre}
		carry := func() {
			look, err := agent.OpenBacklog(t.Context(), b.Dir(), agent.Limits{}, store.Options{}, time.Now())
			require.NoError(t, err)
			e, err := courier.Export{
				Kiosk: "k1", Signer: key, Queue: look.Queue(), Disk: courier.System{}, Now: time.Now, Random: rand.Reader,
			}.To(t.Context(), stick)
			require.NoError(t, err)
			require.NoError(t, look.Close())
			f, err := os.Open(e.Path)
			require.NoError(t, err)
			defer f.Close()
			taken, err := courier.Take(t.Context(), f, link.Gate{Inbox: c.inbox, Keys: func(context.Context, string) (*ecdsa.PublicKey, error) { return &key.PublicKey, nil }})
			require.NoError(t, err)
			answer := filepath.Join(stick, "answer.ack")
			clerk := courier.Clerk{Signer: c.signs.Signer, Cert: c.signs.Cert, Now: time.Now, Random: rand.Reader}
			require.NoError(t, clerk.Answer(courier.System{}, answer, taken))
			text, err := os.ReadFile(answer)
			require.NoError(t, err)
			a, err := courier.ReadAnswer(bytes.NewReader(text), "k1", centre)
			require.NoError(t, err)
			_, err = tray.Lay(courier.System{}, a, bytes.NewReader(text))
			require.NoError(t, err)
		}
		carry()
		b.Until("everything at the centre", func(s agent.State) bool { return s.Waiting == 0 })
		assert.Positive(t, c.inbox.Count("k1"))
		require.NoError(t, b.Do(t.Context(), agent.Done{}))
		b.UntilStep(agent.StepAttract)
		time.Sleep(5 * time.Second)
		delivered := 0
		for _, ev := range b.Journal() {
			if ev.Name == journey.EventUploadImage && ev.Detail["phase"] == "delivered" {
				delivered++
			}
		}
		assert.Equal(t, 3, delivered, "every picture arrived, and the journal says so")
		// Rubbish in the tray stops nothing, and the kiosk goes on.
		require.NoError(t, os.WriteFile(filepath.Join(courier.Folder(b.Dir()), "x.ack"), []byte("rubbish"), 0o600))
		b.To(agent.StepResult)
		carry()
		b.Until("everything at the centre", func(s agent.State) bool { return s.Waiting == 0 })
		c.net.Partition("k1", false)
		b.Until("the line", func(s agent.State) bool { return s.Online })
		time.Sleep(2 * time.Minute)
		require.NoError(t, c.inbox.Check())
		assert.Equal(t, 1, c.inbox.Epochs("k1"))
		seen := map[string]bool{}
		for _, r := range c.inbox.Applied("k1") {
			if r.Kind == wire.KindEvent {
				assert.False(t, seen[r.ID], "%s came twice", r.ID)
				seen[r.ID] = true
			}
		}
		why, _ := reasons(t, b.Dir(), time.Now())
		assert.Empty(t, why)
		left, err := filepath.Glob(filepath.Join(courier.Folder(b.Dir()), "*.ack"))
		require.NoError(t, err)
		assert.Empty(t, left)
		b.Stop()
	})
}
