package keep

import (
	"context"
	"fmt"
	"io"

	"vestibule/server/backup"
	"vestibule/server/store"
)

// Centre names the centre whose keys these are: the same in every copy and every restored state of it.
func (k *Keeper) Centre() string { return k.c.Vault.Hash("centre", "keys file")[:32] }

// WriteKeys writes the keys of everybody who is here, and the ledger of all that was erased.
func (k *Keeper) WriteKeys(ctx context.Context, to io.Writer, release string) error {
	w, err := backup.NewKeysWriter(to, backup.KeysHead{Centre: k.Centre(), Release: release, Made: k.c.Now().UTC()})
	if err != nil {
		return err
	}
	r := k.c.Store.Read()
	// The keys before the ledger: whoever is erased between the two is in the ledger, and that goes over the key.
	if err := r.PersonKeys(ctx, func(p store.PersonKey) error {
		return w.Add(backup.KeysLine{Key: &backup.Key{Subject: p.Subject, Kind: p.Kind, Secret: p.Secret}})
	}); err != nil {
		return err
	}
	if err := r.Ledger(ctx, func(e store.Erasure) error {
		return w.Add(backup.KeysLine{Erased: &backup.Erased{Submission: e.Submission, Kind: e.Kind, Kiosk: e.Kiosk, Project: e.Project, At: e.At, Who: e.Who, Why: e.Why}})
	}, func(b store.ErasedBlob) error {
		return w.Add(backup.KeysLine{Blob: &backup.Blob{Blob: b.Blob, Submission: b.Submission, Kiosk: b.Kiosk}})
	}, func(t store.Tombstone) error {
		return w.Add(backup.KeysLine{Record: &backup.Record{
			Kiosk: t.Kiosk, Epoch: t.Epoch, Seq: t.Seq, Submission: t.Submission, Hash: t.Hash, Before: t.Before, After: t.After, Mark: t.Mark,
		}})
	}); err != nil {
		return err
	}
	return w.Close()
}

// loadBatch is how many lines of a keys file are written in one transaction.
const loadBatch = 500

// LoadKeys takes the keys of a keys file into an empty database, so that what is locked can be opened.
func (k *Keeper) LoadKeys(ctx context.Context, from io.Reader) error {
	return k.load(ctx, from, func(ctx context.Context, tx *store.Tx, l backup.KeysLine) error {
		if l.Key == nil {
			return nil
		}
		return tx.AddPersonKey(ctx, store.PersonKey{Subject: l.Key.Subject, Kind: l.Key.Kind, Secret: l.Key.Secret})
	})
}

// Reapply erases again what a keys file's ledger says was erased, in a database that is of an earlier time.
func (k *Keeper) Reapply(ctx context.Context, from io.Reader) error {
	if err := k.load(ctx, from, func(ctx context.Context, tx *store.Tx, l backup.KeysLine) error {
		switch {
		case l.Erased != nil:
			e := l.Erased
			_, err := tx.AddErasure(ctx, store.Erasure{Submission: e.Submission, Kind: e.Kind, Kiosk: e.Kiosk, Project: e.Project, At: e.At, Who: e.Who, Why: e.Why})
			return err
		case l.Blob != nil:
			return tx.EraseBlob(ctx, store.ErasedBlob{Blob: l.Blob.Blob, Submission: l.Blob.Submission, Kiosk: l.Blob.Kiosk})
		case l.Record != nil:
			t := l.Record
			return tx.EraseRecord(ctx, store.Tombstone{
				Kiosk: t.Kiosk, Epoch: t.Epoch, Seq: t.Seq, Submission: t.Submission, Hash: t.Hash, Before: t.Before, After: t.After, Mark: t.Mark,
			})
		}
		return nil
	}); err != nil {
		return err
	}
	return k.again(ctx)
}

func (k *Keeper) load(ctx context.Context, from io.Reader, do func(context.Context, *store.Tx, backup.KeysLine) error) error {
	var batch []backup.KeysLine
	flush := func() error {
		err := k.c.Store.Write(ctx, func(tx *store.Tx) error {
			for _, l := range batch {
				if err := do(ctx, tx, l); err != nil {
					return err
				}
			}
			return nil
		})
		batch = batch[:0]
		return err
	}
	if _, err := backup.ReadKeys(from, func(l backup.KeysLine) error {
		if batch = append(batch, l); len(batch) < loadBatch {
			return nil
		}
		return flush()
	}); err != nil {
		return err
	}
	return flush()
}

// again erases everything that is noted as erased and not finished.
func (k *Keeper) again(ctx context.Context) error {
	for {
		open, err := k.c.Store.Read().UnfinishedErasures(ctx, resumeBatch)
		if err != nil {
			return fmt.Errorf("look for unfinished erasures: %w", err)
		}
		for _, e := range open {
			o := Order{Submission: e.Submission, Who: e.Who, Why: e.Why, again: true}
			kinds, err := k.c.Store.Read().Erasures(ctx, e.Submission)
			if err != nil {
				return fmt.Errorf("look for erasures: %w", err)
			}
			for _, one := range kinds {
				o.Kinds = append(o.Kinds, one.Kind)
			}
			if _, err := k.c.Store.Read().Submission(ctx, e.Submission); err != nil {
				if err := k.finish(ctx, e.Submission); err != nil { // it came after the state that was restored
					return err
				}
				continue
			}
			if err := k.Erase(ctx, o); err != nil {
				return err
			}
		}
		k.scrub(ctx, len(open))
		if len(open) < resumeBatch {
			return nil
		}
	}
}
