package agent

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/sync/outbox"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// Where the centre's orders lie, as they came: signed.
const (
	settingSealNext = "seal.next" // the latest
	settingSealUsed = "seal.used" // the one in use
)

// Why a seal key of the centre is not used, as its event tells.
const (
	sealUnproven = "seal_unproven" // not signed by this kiosk's centre for this kiosk
	sealEarlier  = "seal_earlier"  // ordered before the present one
	sealUnknown  = "seal_unknown"  // not a key of a suite that this release knows
)

// reseal keeps an order of the centre to seal to another key, or records why not. The key comes in use when no visit
// is under way: see useSeal.
func (a *Agent) reseal(t *store.Tx, body []byte, at time.Time) error {
	refuse := func(why string, number uint64) error {
		if err := t.Ensure(store.OwnJournal, "", at); err != nil {
			return err
		}
		ev := a.bare(journey.KioskSealKeyApplied, at)
		ev.Result, ev.Detail = journey.Fail, map[string]string{"code": why}
		if number > 0 {
			ev.Detail["number"] = strconv.FormatUint(number, 10)
		}
		return t.Record(ev)
	}
	o, err := wire.VerifySeal(body, a.cfg.Kiosk, a.cfg.Centre)
	switch {
	case errors.Is(err, wire.ErrSignature):
		return refuse(sealUnproven, 0)
	case err != nil:
		return outbox.Poison(fmt.Errorf("seal key: %w", err))
	}
	if _, err := seal.ParsePublicFile(o.Key); err != nil {
		return refuse(sealUnknown, o.Number)
	}
	stored, err := t.Get(settingSealNext)
	if err != nil {
		return err
	}
	// What lies here and does not prove itself was never the centre's.
	if have, err := wire.VerifySeal(stored, a.cfg.Kiosk, a.cfg.Centre); err == nil && have.Number > o.Number {
		return refuse(sealEarlier, o.Number)
	}
	return t.Put(settingSealNext, body, at)
}

// storedSeal reads an order that was kept, and its key; ok is false where there is none that proves itself.
func (o *owner) storedSeal(setting string) (number uint64, key *seal.PublicKey, body []byte, ok bool) {
	body, err := o.store.Get(o.disk, setting)
	if err != nil || body == nil {
		return 0, nil, nil, false
	}
	order, err := wire.VerifySeal(body, o.cfg.Kiosk, o.cfg.Centre)
	if err != nil {
		o.cfg.Log.Warn("agent: the stored seal key is not the centre's; it is not used", "code", sealUnproven)
		return 0, nil, nil, false
	}
	if key, err = seal.ParsePublicFile(order.Key); err != nil {
		return 0, nil, nil, false
	}
	return order.Number, key, body, true
}

// loadSeal finds the key to seal to at the start: the centre's latest order that came in use, else the bundle's.
func (o *owner) loadSeal() {
	o.seal = o.cfg.Seal
	if number, key, _, ok := o.storedSeal(settingSealUsed); ok {
		o.seal, o.sealed = key, number
	}
}

// useSeal brings the centre's latest key in use, unless a visit is under way. The event is how the centre learns
// that nothing recorded after it is sealed to an earlier key: so both are one transaction.
func (o *owner) useSeal() {
	if o.v != nil || o.loose != "" { // what could not be stored yet of the last visit is sealed to the earlier key
		return
	}
	number, key, body, ok := o.storedSeal(settingSealNext)
	if !ok || number <= o.sealed {
		return
	}
	ev := o.own(journey.KioskSealKeyApplied)
	ev.Result, ev.Detail = journey.Pass, map[string]string{"key": key.ID().String(), "suite": key.Suite().String(), "number": strconv.FormatUint(number, 10)}
	at := o.now()
	// Not by way of commit: that would tell it later, when the key may not be in use.
	err := o.store.Write(o.disk, func(tx *store.Tx) error {
		order(ev)
		if err := tx.Ensure(store.OwnJournal, ev.Policy, at); err != nil {
			return err
		}
		if err := tx.Record(ev); err != nil {
			return err
		}
		return tx.Put(settingSealUsed, body, at)
	})
	if err != nil {
		o.cfg.Log.Warn("agent: the seal key of the centre could not be brought in use", "error", err)
		return // the next look tries again; until then the earlier key is as good
	}
	o.seal, o.sealed = key, number
	if o.link != nil {
		o.link.Kick()
	}
}
