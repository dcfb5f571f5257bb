package agent

import (
	"crypto/rand"
	"encoding/json"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/sync/identity"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// authority is an operator's: its centre, and what its kiosks know of it.
type authority struct {
	t      *testing.T
	ca     *identity.CA
	centre *identity.Certificate
	bundle *identity.Bundle
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	var err error
	a.ca, err = identity.NewCA("test", today.Add(-time.Hour))
	require.NoError(t, err)
	a.centre, err = a.ca.IssueCentre(nil, today.Add(-time.Hour))
	require.NoError(t, err)
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "bundle")
	_, err = identity.WriteBundle(dir, a.ca, identity.KioskInfo{Name: "k1", SiteCountry: "UTO", Broker: "localhost:8883"}, key.Public(), today.Add(-time.Hour))
	require.NoError(t, err)
	a.bundle, err = identity.LoadBundle(dir)
	require.NoError(t, err)
	return a
}

// trusted makes the kiosk one of this authority's.
func (a *authority) trusted(c *Config) { c.Centre = a.bundle.CentreKey }

// order signs a policy of a version.
func (a *authority) order(number uint64, version string, change ...func(*wire.PolicyOrder)) []byte {
	a.t.Helper()
	p := journey.DefaultPolicy()
	p.Version, p.MinAge, p.Liveness.Active, p.Liveness.Injection = version, 99, false, false
	body, err := json.Marshal(p)
	require.NoError(a.t, err)
	o := wire.PolicyOrder{Kiosk: "k1", Number: number, Signed: today.Add(time.Duration(number) * time.Minute), Policy: body}
	for _, f := range change {
		f(&o)
	}
	signed, err := wire.SignPolicy(o, a.centre.Key, a.centre.Cert.Raw, rand.Reader)
	require.NoError(a.t, err)
	return signed
}

func TestAPolicyIsTakenFromTheKiosksOwnCentreOnlyAndNeverBackwards(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ours, other := newAuthority(t), newAuthority(t)
		later := func(o *wire.PolicyOrder) { o.Rollback, o.Signed = true, today.Add(time.Hour) }
		b := newBench(t, ours.trusted)
		b.start()
		b.untilStep(StepAttract)
		forged := ours.order(9, "9")
		forged[len(forged)/2] ^= 1
		kioskSigned := func() []byte {
			own, err := ours.ca.IssueKiosk("k2", today.Add(-time.Hour))
			require.NoError(t, err)
			as := *ours
			as.centre = own
			return as.order(9, "9")
		}()
		seq := uint64(0)
		for _, c := range []struct {
			name    string
			body    []byte
			code    string // "": taken
			inForce string
		}{
			{"the first", ours.order(2, "2"), "", "2"},
			{"the same once more", ours.order(2, "2", func(o *wire.PolicyOrder) { o.Signed = today.Add(time.Hour / 2) }), "", "2"},
			{"another operator's", other.order(9, "9"), refusedUnproven, "2"},
			{"signed by a kiosk", kioskSigned, refusedUnproven, "2"},
			{"altered on the way", forged, refusedUnproven, "2"},
			{"meant for another kiosk", ours.order(9, "9", func(o *wire.PolicyOrder) { o.Kiosk = "k2" }), refusedUnproven, "2"},
			{"signed when the certificate was not valid", ours.order(9, "9", func(o *wire.PolicyOrder) { o.Signed = today.AddDate(2, 0, 0) }), refusedUnproven, "2"},
			{"an earlier one, caught and sent again", ours.order(1, "1"), refusedEarlier, "2"},
			{"the same number with other rules", ours.order(2, "2b"), refusedEarlier, "2"},
			{"a policy without limits", ours.order(3, "3", func(o *wire.PolicyOrder) { o.Policy = []byte(`{"version":"3"}`) }), refusedInvalid, "2"},
			{"the next", ours.order(3, "3"), "", "3"},
			{"a roll-back, which the centre counts on", ours.order(4, "2", func(o *wire.PolicyOrder) { o.Rollback = true }), "", "2"},
			{"a roll-back that was caught earlier", ours.order(1, "1", func(o *wire.PolicyOrder) { o.Rollback = true }), refusedEarlier, "2"},
			{"a roll-back of a centre that was restored and counts from before", ours.order(2, "1", later), "", "1"},
		} {
			seq++
			rec := wire.Record{Seq: seq, Kind: wire.KindPolicy, ID: "c" + strconv.FormatUint(seq, 10), Body: c.body}
			_, err := b.a.store.Outbox().Apply(t.Context(), rec, func(tx *sqlTx) error { return b.a.apply(t.Context(), tx, rec) })
			if c.name != "altered on the way" { // a bit in the frame itself makes it unreadable
				require.NoError(t, err, c.name)
			}
			own := b.journalOf(store.OwnJournal)
			last := own[len(own)-1]
			if err == nil {
				require.Equal(t, journey.KioskPolicyApplied, last.Name, c.name)
				require.Equal(t, c.code, last.Detail["code"], c.name)
				require.Equal(t, c.code == "", last.Result == journey.Pass, c.name)
				last.Seq = 1
				require.NoError(t, last.Validate(), c.name)
			}
			raw, err := b.a.store.Get(t.Context(), settingPolicy)
			require.NoError(t, err)
			o, err := wire.VerifyPolicy(raw, "k1", ours.bundle.CentreKey)
			require.NoError(t, err)
			p, err := readPolicy(o.Policy)
			require.NoError(t, err)
			assert.Equal(t, c.inForce, p.Version, c.name)
		}
		b.halt(nil)
	})
}

func TestAStoredPolicyThatDoesNotProveItselfIsNotInForce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ours, other := newAuthority(t), newAuthority(t)
		b := newBench(t, ours.trusted)
		b.start()
		b.untilStep(StepAttract)
		for body, want := range map[string]string{
			string(ours.order(7, "7")):  "7",
			string(other.order(8, "8")): "1",
			`{"version":"9"}`:           "1",
		} {
			require.NoError(t, b.a.store.Write(t.Context(), func(tx *store.Tx) error { return tx.Put(settingPolicy, []byte(body), today) }))
			o := owner{Agent: b.a, disk: t.Context(), policy: journey.DefaultPolicy()}
			o.loadPolicy()
			require.Equal(t, want, o.policy.Version)
		}
		b.halt(nil)
	})
}

func TestAKioskWithoutAWordOfItsCentreWarnsClosesAndOpensAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.Policy.OfflineLimit = 10 * time.Hour })
		b.start()
		b.untilStep(StepAttract)
		old := func() (n int, last journey.Event) {
			for _, ev := range b.journalOf(store.OwnJournal) {
				if ev.Name == journey.KioskPolicyOld {
					n, last = n+1, ev
				}
			}
			return n, last
		}
		time.Sleep(7 * time.Hour)
		n, _ := old()
		require.Zero(t, n)
		time.Sleep(2 * time.Hour)
		n, ev := old()
		require.Equal(t, 1, n, "told once, from 80 % on")
		require.Equal(t, "8", ev.Detail["hours"])
		require.Equal(t, StepAttract, b.a.states.get().Step)
		time.Sleep(2 * time.Hour)
		s := b.untilStep(StepClosed)
		require.Equal(t, ProblemPolicyOld, s.Problem.Code)
		n, _ = old()
		require.Equal(t, 2, n)
		time.Sleep(5 * time.Hour)
		require.Equal(t, StepClosed, b.a.states.get().Step, "looking at the cameras does not open it")

		// The next word opens it at once, and outlasts a restart.
		heard := b.cfg.Now()
		b.a.arrive(func(o *owner) { o.hear(heard) })
		b.untilStep(StepAttract)
		require.Equal(t, 1, count(b.journalOf(store.OwnJournal), journey.KioskOpened))
		b.halt(nil)
		time.Sleep(9 * time.Hour)
		b.start()
		b.untilStep(StepAttract)
		time.Sleep(2 * time.Hour)
		b.untilStep(StepClosed)
		b.halt(nil)
	})
}

func TestAVisitIsNotCutOffByThePolicysAge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.Policy.OfflineLimit = time.Minute })
		b.start()
		b.to(StepReview)
		b.a.arrive(func(o *owner) { o.heard = o.heard.Add(-time.Hour); o.watchPolicy() })
		b.do(Confirm{})
		b.to(StepResult)
		b.do(Done{})
		b.untilStep(StepClosed)
		b.halt(nil)
	})
}
