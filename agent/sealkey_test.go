package agent

import (
	"context"
	"crypto/rand"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// key signs an order to seal to a key.
func (a *authority) key(number uint64, k *seal.PublicKey, change ...func(*wire.SealOrder)) []byte {
	a.t.Helper()
	text, err := seal.PublicFile(k)
	require.NoError(a.t, err)
	o := wire.SealOrder{Kiosk: "k1", Number: number, Signed: today.Add(time.Duration(number) * time.Minute), Key: text}
	for _, f := range change {
		f(&o)
	}
	signed, err := wire.SignSeal(o, a.centre.Key, a.centre.Cert.Raw, rand.Reader)
	require.NoError(a.t, err)
	return signed
}

// order carries a command out as the link does.
func (b *bench) order(seq uint64, body []byte) {
	b.t.Helper()
	rec := wire.Record{Seq: seq, Kind: wire.KindSeal, ID: "c" + strconv.FormatUint(seq, 10), Body: body}
	_, err := b.a.store.Outbox().Apply(b.t.Context(), rec, func(tx *sqlTx) error { return b.a.apply(b.t.Context(), tx, rec) })
	require.NoError(b.t, err)
	b.a.applied(rec)
	b.settle()
}

// sealedTo names, in the order of the queue, the key of every submission and what was said of keys.
func (b *bench) sealedTo() (out []string) {
	b.t.Helper()
	b.withStore(func(s *store.Store) {
		for _, r := range queue(b.t, s) {
			switch r.Kind {
			case wire.KindSubmission:
				body, err := wire.DecodeSubmission(r.Body)
				require.NoError(b.t, err)
				id, err := seal.IDOf(body.Sealed)
				require.NoError(b.t, err)
				if n := len(out); n == 0 || out[n-1] != id.String() {
					out = append(out, id.String())
				}
			case wire.KindEvent:
				var e journey.Event
				require.NoError(b.t, wire.Unmarshal(r.Body, &e))
				if e.Name == journey.KioskSealKeyApplied {
					out = append(out, "said "+e.Detail["key"]+e.Detail["code"])
				}
			}
		}
	})
	return out
}

func TestAKioskSealsToTheCentresNextKeyFromItsNextVisitOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ours, other := newAuthority(t), newAuthority(t)
		b := newBench(t, ours.trusted)
		old := b.cfg.Seal.ID().String()
		fresh, err := seal.MLKEM768X25519.Generate()
		require.NoError(t, err)
		last, err := seal.GenerateKey()
		require.NoError(t, err)
		b.start()
		b.untilStep(StepAttract)
		b.to(StepSelfie)
		b.order(1, ours.key(7, fresh.Public()))
		b.untilStep(StepResult)
		require.Equal(t, []string{old}, b.sealedTo(), "a visit keeps the key that it began with")
		b.do(Done{})
		b.untilStep(StepAttract)
		b.to(StepResult)
		b.do(Done{})
		b.untilStep(StepAttract)
		want := []string{old, "said " + fresh.ID().String(), fresh.ID().String()}
		require.Equal(t, want, b.sealedTo(), "what is sealed to the earlier key stands before the word of the change")
		for i, body := range [][]byte{
			other.key(9, last.Public()),
			ours.key(9, last.Public(), func(o *wire.SealOrder) { o.Kiosk = "k2" }),
			ours.key(6, last.Public()),
			ours.key(9, last.Public(), func(o *wire.SealOrder) { o.Key = []byte("of a suite to come") }),
		} {
			b.order(uint64(2+i), body)
		}
		want = append(want, "said "+sealUnproven, "said "+sealUnproven, "said "+sealEarlier, "said "+sealUnknown)
		require.Equal(t, want, b.sealedTo())
		b.halt(nil)

		// It outlasts a restart, though the bundle still names the old one; the next order is taken while nobody is there.
		b.start()
		b.untilStep(StepAttract)
		b.order(6, ours.key(8, last.Public()))
		b.settle()
		require.Equal(t, append(want, "said "+last.ID().String()), b.sealedTo())
		b.halt(nil)
	})
}

func TestAStoredSealKeyThatDoesNotProveItselfIsNotUsed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ours, other := newAuthority(t), newAuthority(t)
		b := newBench(t, ours.trusted)
		fresh, err := seal.GenerateKey()
		require.NoError(t, err)
		b.start()
		b.untilStep(StepAttract)
		for body, want := range map[string]seal.KeyID{
			string(ours.key(7, fresh.Public())):  fresh.ID(),
			string(other.key(8, fresh.Public())): b.cfg.Seal.ID(),
			"rubbish":                            b.cfg.Seal.ID(),
		} {
			require.NoError(t, b.a.store.Write(context.Background(), func(tx *store.Tx) error { return tx.Put(settingSealUsed, []byte(body), today) }))
			o := owner{Agent: b.a, disk: t.Context()}
			o.loadSeal()
			require.Equal(t, want, o.seal.ID())
		}
		b.halt(nil)
	})
}
