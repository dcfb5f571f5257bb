package link_test

import (
	"context"
	"crypto/ecdsa"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/identity"
	"vestibule/sync/link"
	"vestibule/sync/link/linktest"
	"vestibule/sync/wire"
)

func TestAKioskTellsOfItselfAgainWhenASilentCentreAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		w.net.Partition(identity.CentreName, true) // the broker is a branch's box: reached, and without a line
		w.startCentre()
		w.startKiosk(t)
		w.append(t, 10, 100)
		time.Sleep(10 * time.Minute)
		require.Zero(t, w.inbox.Count(name))
		var mu sync.Mutex
		births := map[string]int{} // by session
		watch, err := w.net.Connect(t.Context(), link.Session{Client: "watch", Filters: []string{wire.StateTopic(name)}, Receive: func(m link.Message) {
			mu.Lock()
			defer mu.Unlock()
			if s, err := wire.DecodeState(m.Payload); err == nil && s.Online {
				births[s.Session]++
			}
		}})
		require.NoError(t, err)
		defer watch.Close()
		time.Sleep(10 * time.Minute) // sessions come and go
		w.net.Partition(identity.CentreName, false)
		_, ok := w.drain(t, time.Minute)
		require.True(t, ok)
		require.NoError(t, w.check())
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		require.Greater(t, len(births), 5)
		for session, n := range births {
			want := 1
			if session == w.up.Status().Session {
				want = 2 // when it began, and when the centre answered
			}
			require.Equal(t, want, n, "%s, now %s", session, w.up.Status().Session)
		}
	})
}

func TestWhatAKioskShowsItsBranchIsTheNewestInEverySession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		w.startCentre()
		w.startKiosk(t)
		synctest.Wait()
		_, ok := w.net.Retained(wire.ViewTopic(name))
		require.False(t, ok, "nothing is shown that was not asked to be")
		shown := func() string {
			synctest.Wait()
			m, _ := w.net.Retained(wire.ViewTopic(name))
			return string(m.Payload)
		}
		w.up.Show([]byte("one"))
		require.Equal(t, "one", shown())
		w.up.Show([]byte("two"))
		require.Equal(t, "two", shown())
		w.net.Partition(name, true)
		w.up.Show([]byte("three"))
		time.Sleep(time.Minute)
		require.Equal(t, "two", shown())
		w.net.Partition(name, false)
		time.Sleep(time.Minute)
		require.Equal(t, "three", shown())
		require.Empty(t, w.recv.Rejected(), "the centre hears nothing of it")
	})
}

func TestTheCentreHearsWhetherABranchHasItsLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, k := linktest.New(1, linktest.Faults{}), key(t)
		var mu sync.Mutex
		var heard []string
		recv := link.NewReceiver(net, linktest.NewInbox(), func(context.Context, string) (*ecdsa.PublicKey, error) { return &k.PublicKey, nil }, link.ReceiverConfig{
			Bridged: func(_ context.Context, branch string, up bool) error {
				mu.Lock()
				defer mu.Unlock()
				heard = append(heard, branch+map[bool]string{true: " has it", false: " lost it"}[up])
				return nil
			},
		})
		defer start(recv.Run)()
		synctest.Wait()
		will := link.Message{Topic: wire.BridgeTopic("hall"), Payload: []byte(wire.BridgeDown), QoS: 1, Retain: true}
		box, err := net.Connect(t.Context(), link.Session{Client: "branch.hall", Will: &will})
		require.NoError(t, err)
		for _, word := range []string{wire.BridgeUp, "yes"} {
			require.NoError(t, box.Publish(t.Context(), link.Message{Topic: wire.BridgeTopic("hall"), Payload: []byte(word), QoS: 1, Retain: true}))
		}
		synctest.Wait()
		net.Partition("branch.hall", true)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []string{"hall has it", "hall lost it"}, heard)
		require.Equal(t, map[string]uint64{link.RejectMalformed: 1}, recv.Rejected())
	})
}
