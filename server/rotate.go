package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"vestibule/server/reseal"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/fault"
	"vestibule/sync/seal"
)

// keyRotateData makes a new data key and puts it in use. A centre that runs takes it up
// within seconds and moves what is stored to it, beside its work.
func keyRotateData(ctx context.Context, p *program, args []string) error {
	fset, data, db := p.flags("")
	stage := fset.Bool("stage", false, "only make the key, and do not use it yet: where several copies of the centre run, each needs its file first")
	use := fset.String("use", "", "id of a key that was made with -stage: use it from now on")
	operands, err := p.parse(fset, args, "data")
	if err != nil {
		return err
	}
	if len(operands) > 0 || *stage && *use != "" {
		_, _ = fmt.Fprintln(p.errs, "server key rotate-data: give at most one of -stage and -use")
		return errUsage
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	dir := filepath.Join(*data, folderKeys)
	if _, err := vault.Load(dir); err != nil {
		return fault.New("keys_unusable", "the centre's own keys cannot be used", "restore "+folderKeys+"/ from a backup, and see to its permissions", err)
	}
	var id vault.KeyID
	if *use != "" {
		id, err = vault.ParseKeyID(*use)
	} else {
		id, err = vault.Add(dir)
	}
	if err != nil {
		return fault.New("key_unknown", "the data key cannot be made or named", "server key status shows the ids; see to the folder's owner and free space", err)
	}
	what := "key rotate-data stage"
	if !*stage {
		what = "key rotate-data use"
	}
	now := time.Now()
	// The key comes in use as the last thing before the audit line is kept: neither is there without the other,
	// but for a cut between the two. A running centre queues the job by itself when it sees another key in use.
	err = s.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Audit(ctx, newID(), "command line", what, id.String(), now); err != nil || *stage {
			return err
		}
		if err := reseal.Queue(ctx, tx, newID(), id.String(), now); err != nil {
			return err
		}
		return vault.Use(dir, id)
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New("key_unknown", "there is no data key of this id", "server key status shows the ids", nil)
	case err != nil:
		return err
	}
	if *stage {
		_, _ = fmt.Fprintf(p.errs, "Copy %s to every copy of the centre, then: server key rotate-data -use %s\n", filepath.Join(dir, "data-"+id.String()+".key"), id)
	} else {
		_, _ = fmt.Fprintln(p.errs, "What is stored is moved by the running centre; server key status tells how far. Back up the key directory now: without the new key nothing that is stored from here on can be read.")
	}
	_, _ = fmt.Fprintln(p.out, id)
	return nil
}

// keyRotateSeal makes a new seal key, gives it to every kiosk that is enrolled from now on, and orders the others to use
// it from their next visit on.
func keyRotateSeal(ctx context.Context, p *program, args []string) error {
	fset, data, db := p.flags("")
	stage := fset.Bool("stage", false, "only make the key, and give it to nobody yet: where several copies of the centre run, each needs its file first")
	use := fset.String("use", "", "id of a key that is here: kiosks seal to it from now on; of the present one: tell those again that have not said that they use it")
	named := fset.String("suite", "", "how the new key seals: x25519, or mlkem768x25519, which also holds against quantum computers; as the present one does, unless said")
	operands, err := p.parse(fset, args, "data")
	if err != nil {
		return err
	}
	if len(operands) > 0 || *use != "" && (*stage || *named != "") {
		_, _ = fmt.Fprintln(p.errs, "server key rotate-seal: -use goes with neither -stage nor -suite")
		return errUsage
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	orders, err := loadOrders(*data)
	if err != nil {
		return err
	}
	dir := filepath.Join(*data, folderSeal)
	ring, present, err := sealKeys(dir)
	if err != nil {
		return err
	}
	var key *seal.PublicKey
	if *use != "" {
		if key = ring.Public(*use); key == nil {
			return fault.New("key_unknown", "there is no seal key of this id", "server key status shows the ids", nil)
		}
	} else {
		suite := present.Suite()
		if *named != "" {
			if suite, err = seal.ParseSuite(*named); err != nil {
				return fault.New("seal_suite", err.Error(), "give one of them, or leave -suite out", nil)
			}
		}
		made, err := seal.AddKey(dir, suite)
		if err != nil {
			return err
		}
		key = made.Public()
	}
	id := key.ID().String()
	what, said := "key rotate-seal stage", "Copy "+filepath.Join(dir, id+".key")+" to every copy of the centre, then on each: server key rotate-seal -use "+id
	if !*stage {
		what, said = "key rotate-seal use", "Kiosks seal to this key from their next visit on; server key status tells which do. Back up the folder now. The old key opens what was sealed to it until server key retire-seal takes it away."
	}
	now := time.Now()
	// The private half lies there before anybody can learn of the public one. The bundles' copy is replaced last: what
	// a cut in between leaves undone, the same command with -use does.
	err = s.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Audit(ctx, newID(), "command line", what, id, now); err != nil || *stage {
			return err
		}
		if err := orders.resealAll(ctx, tx, key, now); err != nil {
			return err
		}
		return seal.ReplacePublicKey(filepath.Join(dir, sealName+".pub"), key)
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(p.errs, said)
	_, _ = fmt.Fprintln(p.out, id)
	return nil
}

// resealAll orders a key for every kiosk that has not said that it uses it.
func (o orders) resealAll(ctx context.Context, tx *store.Tx, key *seal.PublicKey, now time.Time) error {
	text, err := seal.PublicFile(key)
	if err != nil {
		return err
	}
	order, err := tx.AddSealOrder(ctx, store.SealOrder{Key: key.ID().String(), Public: text, At: now})
	if err != nil {
		return err
	}
	kiosks, err := tx.Kiosks(ctx)
	if err != nil {
		return fmt.Errorf("read kiosks: %w", err)
	}
	said, err := tx.KioskSeals(ctx)
	if err != nil {
		return err
	}
	for _, k := range kiosks {
		if !k.Revoked.IsZero() || said[k.ID].Key == order.Key {
			continue
		}
		if err := o.reseal(ctx, tx, k.ID, order, now); err != nil {
			return err
		}
	}
	return nil
}

// sealKeys reads the keys that open, and the one that kiosks are given.
func sealKeys(dir string) (*seal.Keyring, *seal.PublicKey, error) {
	ring, err := seal.ReadKeyring(dir)
	var present *seal.PublicKey
	if err == nil {
		present, err = seal.ReadPublicKey(filepath.Join(dir, sealName+".pub"))
	}
	if err != nil {
		return nil, nil, fault.New("seal_unusable", "the seal keys cannot be used", "restore "+folderSeal+"/ from a backup, and see to its permissions", err)
	}
	return ring, present, nil
}

// keyRetireSeal takes a seal key away that nothing needs any more, and says why where something does.
func keyRetireSeal(ctx context.Context, p *program, args []string) error {
	fset, data, db := p.flags("ID")
	operands, err := p.parse(fset, args, "data")
	if err != nil {
		return err
	}
	if len(operands) != 1 {
		_, _ = fmt.Fprintln(p.errs, "server key retire-seal: give the id of one key")
		return errUsage
	}
	id := operands[0]
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	dir := filepath.Join(*data, folderSeal)
	ring, present, err := sealKeys(dir)
	if err != nil {
		return err
	}
	key := ring.Public(id)
	if key == nil {
		return fault.New("key_unknown", "there is no seal key of this id", "server key status shows the ids", nil)
	}
	now := time.Now()
	err = s.Write(ctx, func(tx *store.Tx) error {
		why, err := needed(ctx, tx.Reader, key.ID(), present.ID())
		if err != nil {
			return err
		}
		if len(why) > 0 {
			return fault.New("key_needed", "this seal key is still needed: "+strings.Join(why, "; "),
				"kiosks must be on line once more, or be revoked; what is stored must have been kept as long as it has to be", nil)
		}
		if err := tx.Audit(ctx, newID(), "command line", "key retire-seal", id, now); err != nil {
			return err
		}
		return seal.RemoveKey(dir, key.ID())
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(p.errs, "The key's file is gone here. Remove it from every other copy of the centre and from backups; centres that run forget it when they start again.")
	return nil
}

// needed tells what a seal key is still needed for.
func needed(ctx context.Context, r store.Reader, key, present seal.KeyID) (why []string, err error) {
	if key == present {
		why = append(why, "kiosks are given it")
	}
	kiosks, err := r.Kiosks(ctx)
	if err != nil {
		return nil, fmt.Errorf("read kiosks: %w", err)
	}
	said, err := r.KioskSeals(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, k := range kiosks {
		// What a kiosk tells comes after all that it had recorded before: once it says that it uses another key, no record
		// sealed to this one is on its way.
		if used := said[k.ID].Key; k.Revoked.IsZero() && (used == "" || used == key.String()) {
			names = append(names, k.ID)
		}
	}
	if n := len(names); n > 0 {
		why = append(why, fmt.Sprintf("%d kiosks may hold what is sealed to it: %s", n, strings.Join(names[:min(n, 10)], ", ")))
	}
	uses, err := r.SealUses(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range uses {
		if string(u.Key) == string(key[:]) {
			why = append(why, fmt.Sprintf("%d submissions and their pictures are sealed to it, the last of %s", u.Count, u.Last.Format(time.DateOnly)))
		}
	}
	return why, nil
}

// keyStatus lists the keys by their ids, and what still needs them. It reads all that is encrypted.
func keyStatus(ctx context.Context, p *program, args []string) error {
	fset, data, db := p.flags("")
	if _, err := p.parse(fset, args, "data"); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	v, err := vault.Load(filepath.Join(*data, folderKeys))
	if err != nil {
		return fault.New("keys_unusable", "the centre's own keys cannot be used", "restore "+folderKeys+"/ from a backup, and see to its permissions", err)
	}
	by, foreign, err := reseal.Count(ctx, s.Read(), v)
	if err != nil {
		return err
	}
	for _, id := range v.Known() {
		does := "opens"
		if id == v.Current() {
			does = "encrypts"
		}
		_, _ = fmt.Fprintf(p.out, "data\t%s\t%s\t%d values\n", id, does, by[id])
	}
	ring, public, err := sealKeys(filepath.Join(*data, folderSeal))
	if err != nil {
		return err
	}
	uses, err := s.Read().SealUses(ctx)
	if err != nil {
		return err
	}
	counted := map[seal.KeyID]store.SealUse{}
	for _, u := range uses {
		if len(u.Key) == len(seal.KeyID{}) {
			counted[seal.KeyID(u.Key)] = u
		}
	}
	lost := 0
	for _, id := range ring.IDs() {
		does := "opens"
		if id == public.ID() {
			does = "given to kiosks"
		}
		last := "never used"
		if u := counted[id]; u.Count > 0 {
			last = "last " + u.Last.Format(time.DateOnly)
		}
		_, _ = fmt.Fprintf(p.out, "seal\t%s\t%s\t%d submissions\t%s\t%s\n", id, does, counted[id].Count, last, ring.Public(id.String()).Suite())
		delete(counted, id)
	}
	for _, u := range counted {
		lost += u.Count
	}
	if err := kioskSeals(ctx, p, s.Read()); err != nil {
		return err
	}
	if foreign+lost > 0 {
		return fault.New("keys_missing", fmt.Sprintf("%d values and %d sealed submissions need keys that are not here", foreign, lost),
			"restore "+folderKeys+"/ and "+folderSeal+"/ from a backup, old keys too", nil)
	}
	return nil
}

// kioskSeals lists which seal key every kiosk says that it uses, once there was more than one.
func kioskSeals(ctx context.Context, p *program, r store.Reader) error {
	_, err := r.LatestSealOrder(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	kiosks, err := r.Kiosks(ctx)
	if err != nil {
		return fmt.Errorf("read kiosks: %w", err)
	}
	said, err := r.KioskSeals(ctx)
	if err != nil {
		return err
	}
	for _, k := range kiosks {
		if !k.Revoked.IsZero() {
			continue
		}
		used, problem := said[k.ID].Key, said[k.ID].Problem
		if used == "" {
			used = "has not said yet"
		}
		if problem != "" {
			problem = "refused: " + problem
		}
		_, _ = fmt.Fprintf(p.out, "kiosk\t%s\t%s\t%s\n", k.ID, used, problem)
	}
	return nil
}
