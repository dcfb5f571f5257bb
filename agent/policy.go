package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/sync/outbox"
	"vestibule/sync/wire"
)

// settingPolicy is where the order lies that put the policy in force, as it came: signed.
const settingPolicy = "policy"

// Why an order of the centre is not carried out, as its event tells.
const (
	refusedUnproven = "policy_unproven" // not signed by this kiosk's centre for this kiosk
	refusedEarlier  = "policy_earlier"  // was in force before the present one, and is not marked as a roll-back
	refusedInvalid  = "policy_invalid"  // a limit is missing or out of range
)

// order puts a policy in force that the centre sent, or records why not. The event is how the centre learns
// which policy runs here.
func (a *Agent) order(t *store.Tx, body []byte, at time.Time) error {
	o, err := wire.VerifyPolicy(body, a.cfg.Kiosk, a.cfg.Centre)
	switch {
	case errors.Is(err, wire.ErrSignature):
		return a.refuse(t, refusedUnproven, "", 0, at)
	case err != nil:
		return outbox.Poison(fmt.Errorf("policy: %w", err))
	}
	p, err := readPolicy(o.Policy)
	if err != nil {
		return a.refuse(t, refusedInvalid, "", o.Number, at)
	}
	stored, err := t.Get(settingPolicy)
	if err != nil {
		return err
	}
	// What lies here and does not prove itself was not in force.
	if have, err := wire.VerifyPolicy(stored, a.cfg.Kiosk, a.cfg.Centre); err == nil && !o.Follows(have) && !o.Same(have) {
		return a.refuse(t, refusedEarlier, p.Version, o.Number, at)
	}
	if err := t.Put(settingPolicy, body, at); err != nil {
		return err
	}
	if err := t.Ensure(store.OwnJournal, p.Version, at); err != nil {
		return err
	}
	ev := a.bare(journey.KioskPolicyApplied, at)
	ev.Result, ev.Policy = journey.Pass, p.Version
	ev.Detail = map[string]string{"policy": p.Version, "number": strconv.FormatUint(o.Number, 10)}
	if o.Rollback {
		ev.Detail["rollback"] = "true"
	}
	return t.Record(ev)
}

// refuse records that an order is not carried out. The policy that was in force stays.
func (a *Agent) refuse(t *store.Tx, why, version string, number uint64, at time.Time) error {
	if err := t.Ensure(store.OwnJournal, "", at); err != nil {
		return err
	}
	ev := a.bare(journey.KioskPolicyApplied, at)
	ev.Result, ev.Detail = journey.Fail, map[string]string{"code": why}
	if version != "" {
		ev.Detail["policy"] = version
	}
	if number > 0 {
		ev.Detail["number"] = strconv.FormatUint(number, 10)
	}
	return t.Record(ev)
}

// readPolicy takes a policy only whole: half a policy would let everybody in.
func readPolicy(b []byte) (journey.Policy, error) {
	var p journey.Policy
	if err := json.Unmarshal(b, &p); err != nil {
		return journey.Policy{}, errors.New("not readable")
	}
	switch {
	case p.Version == "" || len(p.Version) > journey.MaxID:
		return journey.Policy{}, errors.New("without a version")
	case p.MaxAttempts < 1 || p.MinSimilarity <= 0 || p.MinSimilarity > 100 || p.MinLiveness <= 0 || p.MinLiveness > 100:
		return journey.Policy{}, errors.New("a limit is missing or out of range")
	}
	return p, nil
}

// loadPolicy takes the stored policy for the next visit. The running one keeps its own. One that does not
// prove itself, or is not there, leaves the one that this kiosk was started with.
func (o *owner) loadPolicy() {
	defer o.useAdvice()
	b, err := o.store.Get(o.disk, settingPolicy)
	if err != nil || b == nil {
		return
	}
	order, err := wire.VerifyPolicy(b, o.cfg.Kiosk, o.cfg.Centre)
	if err != nil {
		o.cfg.Log.Warn("agent: the stored policy is not the centre's; the one that this kiosk was started with is in force", "code", refusedUnproven)
		return
	}
	if p, err := readPolicy(order.Policy); err == nil {
		o.policy = p
	}
}
