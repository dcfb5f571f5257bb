package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
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

// keyRotateSeal makes a new seal key and gives it to every kiosk that is enrolled or
// renews its certificate from now on.
func keyRotateSeal(ctx context.Context, p *program, args []string) error {
	fset, data, db := p.flags("")
	stage := fset.Bool("stage", false, "only make the key, and give it to nobody yet: where several copies of the centre run, each needs its file first")
	use := fset.String("use", "", "id of a key that was made with -stage: give it to kiosks from now on")
	operands, err := p.parse(fset, args, "data")
	if err != nil {
		return err
	}
	if len(operands) > 0 || *stage && *use != "" {
		_, _ = fmt.Fprintln(p.errs, "server key rotate-seal: give at most one of -stage and -use")
		return errUsage
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	dir := filepath.Join(*data, folderSeal)
	ring, err := seal.ReadKeyring(dir)
	if err != nil {
		return fault.New("seal_unusable", "the seal keys cannot be used", "restore "+folderSeal+"/ from a backup, and see to its permissions", err)
	}
	var key *seal.PublicKey
	if *use != "" {
		if key = ring.Public(*use); key == nil {
			return fault.New("key_unknown", "there is no seal key of this id", "server key status shows the ids", nil)
		}
	} else {
		made, err := seal.AddKey(dir, seal.X25519)
		if err != nil {
			return err
		}
		key = made.Public()
	}
	what, said := "key rotate-seal stage", "Copy "+filepath.Join(dir, key.ID().String()+".key")+" to every copy of the centre, then on each: server key rotate-seal -use "+key.ID().String()
	if !*stage {
		what, said = "key rotate-seal use", "Kiosks that are enrolled from now on seal to this key; the others get it when they renew their certificate, and use it once they start again. Back up the folder now. Old keys are needed as long as what was sealed to them is kept."
		// The private half lies there before anybody can learn of the public one.
		if err := seal.ReplacePublicKey(filepath.Join(dir, sealName+".pub"), key); err != nil {
			return err
		}
	}
	now := time.Now()
	if err := s.Write(ctx, func(tx *store.Tx) error {
		return tx.Audit(ctx, newID(), "command line", what, key.ID().String(), now)
	}); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(p.errs, said)
	_, _ = fmt.Fprintln(p.out, key.ID())
	return nil
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
	public, err := seal.ReadPublicKey(filepath.Join(*data, folderSeal, sealName+".pub"))
	if err != nil {
		return err
	}
	ring, err := seal.ReadKeyring(filepath.Join(*data, folderSeal))
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
		_, _ = fmt.Fprintf(p.out, "seal\t%s\t%s\t%d submissions\t%s\n", id, does, counted[id].Count, last)
		delete(counted, id)
	}
	for _, u := range counted {
		lost += u.Count
	}
	if foreign+lost > 0 {
		return fault.New("keys_missing", fmt.Sprintf("%d values and %d sealed submissions need keys that are not here", foreign, lost),
			"restore "+folderKeys+"/ and "+folderSeal+"/ from a backup, old keys too", nil)
	}
	return nil
}
