// Package lists keeps the sanctions lists of a centre: it takes new ones in past the
// gate, puts them in force and takes them out again, holds those in force in memory for
// whoever screens, and tells how old they are.
//
// What may live here: that, and where the operator's lists come from. What may not:
// formats (aml/source), bounds (aml/gate), comparing (aml), what a match means (decide).
package lists

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"vestibule/server/aml"
	"vestibule/server/aml/gate"
	"vestibule/server/centre"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// Keeper changes which lists are in force.
type Keeper struct {
	Store *store.Store
	Now   func() time.Time
	NewID func() string // UUIDv7
}

// Taken tells what became of a list.
type Taken struct {
	Change gate.Change
	Same   bool  // it was in force already: only confirmed
	Forced error // what the gate refused and was overruled; nil: nothing
}

// Compare tells what a list would change, and what the gate says to it.
func (k Keeper) Compare(ctx context.Context, list aml.List) (c gate.Change, refused, err error) {
	if err := hashEntries(list.Entities); err != nil {
		return c, nil, err
	}
	r := k.Store.Read()
	row, err := r.ActiveSnapshot(ctx, string(list.Source))
	if errors.Is(err, store.ErrNotFound) {
		c = gate.Compare(nil, list.Entities)
		return c, gate.Usual().Check(nil, list, c), nil
	}
	if err != nil {
		return c, nil, fmt.Errorf("find the list in force: %w", err)
	}
	head, err := headOf(row)
	if err != nil {
		return c, nil, err
	}
	var before []gate.Entry
	if err := r.EachListEntity(ctx, row.ID, func(e store.ListEntity) error {
		var body struct {
			Type aml.EntityType `json:"type"`
		}
		if err := json.Unmarshal(e.Body, &body); err != nil {
			return fmt.Errorf("read list %s: %w", row.Kind, err)
		}
		before = append(before, gate.Entry{ID: e.ID, Hash: e.Hash, Person: body.Type == aml.Person})
		return nil
	}); err != nil {
		return c, nil, err
	}
	c = gate.Compare(before, list.Entities)
	return c, gate.Usual().Check(&head, list, c), nil
}

// Names gives the first name of entries of the list in force.
func (k Keeper) Names(ctx context.Context, source aml.Source, ids []string) (map[string]string, error) {
	names := make(map[string]string, len(ids))
	if len(ids) == 0 {
		return names, nil
	}
	r := k.Store.Read()
	row, err := r.ActiveSnapshot(ctx, string(source))
	if err != nil {
		return nil, unknownList(source, err)
	}
	for _, id := range ids {
		one, err := r.ListEntity(ctx, row.ID, id)
		if err != nil {
			return nil, fmt.Errorf("read list %s: %w", row.Kind, err)
		}
		var e aml.Entity
		if err := json.Unmarshal(one.Body, &e); err != nil {
			return nil, fmt.Errorf("read list %s: %w", row.Kind, err)
		}
		if len(e.Names) > 0 {
			names[id] = e.Names[0].Text
		}
	}
	return names, nil
}

// Take stores a list and puts it in force in the place of the one of its source. The
// gate's refusal is a fault, unless force overrules it; then the audit names it. who
// takes it in stands in the audit too.
func (k Keeper) Take(ctx context.Context, list aml.List, who string, force bool) (Taken, error) {
	change, refused, err := k.Compare(ctx, list)
	if err != nil {
		return Taken{}, err
	}
	taken := Taken{Change: change}
	what := "list import"
	if refused != nil {
		if !force {
			return taken, refused
		}
		taken.Forced, what = refused, "list import forced: "+Codes(refused)
	}
	now := k.Now()
	entities := make([]store.ListEntity, 0, len(list.Entities))
	for _, e := range list.Entities {
		body, err := json.Marshal(e)
		if err != nil {
			return Taken{}, fmt.Errorf("encode list entry: %w", err)
		}
		entities = append(entities, store.ListEntity{ID: e.ID, Hash: e.Hash, Body: body})
	}
	head := list
	head.Entities = nil
	meta, err := json.Marshal(head)
	if err != nil {
		return Taken{}, fmt.Errorf("encode list: %w", err)
	}
	if err := k.Store.SaveSnapshot(ctx, store.Snapshot{ID: list.Snapshot, Kind: string(list.Source), Meta: meta, Imported: now}, entities); err != nil {
		return Taken{}, err
	}
	return taken, k.Store.Write(ctx, func(tx *store.Tx) error {
		before, err := tx.ActivateSnapshot(ctx, list.Snapshot, now)
		if err != nil {
			return err
		}
		if taken.Same = before == list.Snapshot; !taken.Same {
			if err := tx.BeginRescreening(ctx, list.Snapshot, before, now); err != nil {
				return err
			}
			if err := tx.Enqueue(ctx, k.NewID(), centre.JobRescreen, list.Snapshot, now.Add(centre.RescreenAfter), now); err != nil {
				return err
			}
		}
		return tx.Audit(ctx, k.NewID(), who, what, list.Snapshot, now)
	})
}

// Confirm notes that the publisher has nothing newer than a snapshot in force.
func (k Keeper) Confirm(ctx context.Context, snapshot string) error {
	return k.Store.Write(ctx, func(tx *store.Tx) error { return tx.ConfirmSnapshot(ctx, snapshot, k.Now()) })
}

// Rescreen has everybody who is approved or held screened again, now and against the
// whole of a list: for when the policy's flag or the engine has changed. What is known
// already comes up no second time.
func (k Keeper) Rescreen(ctx context.Context, source aml.Source, who string) error {
	now := k.Now()
	return unknownList(source, k.Store.Write(ctx, func(tx *store.Tx) error {
		row, err := tx.ActiveSnapshot(ctx, string(source))
		if err != nil {
			return err
		}
		if err := tx.BeginRescreening(ctx, row.ID, "", now); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, k.NewID(), centre.JobRescreen, row.ID, now, now); err != nil {
			return err
		}
		return tx.Audit(ctx, k.NewID(), who, "list rescreen", string(source)+" "+row.ID, now)
	}))
}

// Prune forgets the entries of states of lists that are not in force and that were last
// found to be the publisher's newest before a time. Their heads stay, so that a decision
// still names what it rests on; searching as it did takes the file again.
func (k Keeper) Prune(ctx context.Context, before time.Time, who string) (int, error) {
	ids, err := k.Store.PruneSnapshots(ctx, before)
	if err != nil || len(ids) == 0 {
		return len(ids), err
	}
	return len(ids), k.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.Audit(ctx, k.NewID(), who, "list prune", fmt.Sprintf("%d states before %s", len(ids), before.UTC().Format(time.DateOnly)), k.Now())
	})
}

// Withdraw takes a source's list out of force.
func (k Keeper) Withdraw(ctx context.Context, source aml.Source, who string) (snapshot string, err error) {
	err = k.Store.Write(ctx, func(tx *store.Tx) error {
		if snapshot, err = tx.WithdrawSnapshot(ctx, string(source)); err != nil {
			return err
		}
		return tx.Audit(ctx, k.NewID(), who, "list withdraw", string(source)+" "+snapshot, k.Now())
	})
	return snapshot, unknownList(source, err)
}

func unknownList(source aml.Source, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fault.New("list_unknown", fmt.Sprintf("no list %.40q is in force", source), "server list shows those that are", err)
	}
	return err
}

// headOf gives what was kept of a list besides its entries.
func headOf(row store.Snapshot) (aml.List, error) {
	var head aml.List
	if err := json.Unmarshal(row.Meta, &head); err != nil {
		return head, fmt.Errorf("read list %s: %w", row.Kind, err)
	}
	return head, nil
}

func hashEntries(all []aml.Entity) (err error) {
	for i := range all {
		if all[i].Hash, err = all[i].ContentHash(); err != nil {
			return err
		}
	}
	return nil
}

// Codes names the faults in an error, with commas.
func Codes(err error) string {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, e := range many.Unwrap() {
			if code := Codes(e); code != "" {
				all = append(all, code)
			}
		}
		return strings.Join(all, ", ")
	}
	return fault.Code(err)
}
