package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vestibule/server/audit"
	"vestibule/server/backup"
	"vestibule/server/keep"
	"vestibule/server/store"
	"vestibule/sync/durable"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
)

// keysName is what a keys file is called where nobody says otherwise.
const keysName = "centre.keys"

// backupCommand writes everything a centre is into one file, while it runs, and people's keys into another.
func backupCommand(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	out := fs.String("out", "", "file to write; it must not be there yet")
	keys := fs.String("keys", "", "keys file, written over with each backup: of it only the newest is kept, elsewhere than the backups; default "+keysName+" beside them")
	pictures := fs.Bool("pictures", true, "with the sealed pictures; without, what was decided stays, and nobody can look at it again")
	database := fs.Bool("database", true, "with the database; without, it is backed up by other means, which keep people's data readable until they are thrown away")
	if _, err := p.parse(fs, args, "data", "out"); err != nil {
		return err
	}
	if _, err := os.Lstat(*out); err == nil {
		return fault.New("backup_exists", *out+" is there already", "give another name; a backup is never written over", nil)
	}
	if *keys == "" {
		*keys = filepath.Join(filepath.Dir(*out), keysName)
	}
	k, err := openKeeping(ctx, p, *data, *db, person{})
	if err != nil {
		return err
	}
	defer k.store.Close()
	if err := ours(k.Keeper, *keys); err != nil {
		return err
	}
	unusable := func(err error) error {
		return fault.New("backup_failed", "the backup could not be written", "check owner and free space; nothing half written is left", err)
	}
	made := time.Now().UTC()
	locks, err := k.Locks(ctx)
	if err != nil {
		return unusable(err)
	}
	// The database first: pictures that come while the others are copied are too many, never too few.
	locked := ""
	if *database {
		folder := *out + ".database"
		defer os.RemoveAll(folder)
		if err := lockedCopy(ctx, k.store, folder, locks); err != nil {
			return unusable(err)
		}
		locked = filepath.Join(folder, store.SQLiteFile)
	}
	sources, err := p.sources(*data, locked, *pictures, func(blob string) func([]byte) ([]byte, error) {
		return func(b []byte) ([]byte, error) { return locks.LockPicture(ctx, blob, b) }
	})
	if err != nil {
		return unusable(err)
	}
	head, err := p.copiedHead(ctx, k.store, *data, locked)
	if err != nil {
		return unusable(err)
	}
	// Noted before anything is written: what cannot be noted does not leave.
	if err := k.store.Write(ctx, func(tx *store.Tx) error {
		return tx.Audit(ctx, newID(), "command line", "backup", fmt.Sprintf("%d files", len(sources)), time.Now())
	}); err != nil {
		return err
	}
	bar := newProgress(p.errs, "written", len(sources))
	m, err := writeWhole(*out, func(w io.Writer) (backup.Manifest, error) {
		return backup.Write(w, backup.Manifest{Release: release(), Made: made, Audit: head}, sources, func(backup.Part) error {
			bar.step(time.Now())
			return ctx.Err()
		})
	})
	if err != nil {
		return unusable(err)
	}
	var bytes int64
	for _, part := range m.Parts {
		bytes += part.Size
	}
	if err := k.writeKeys(ctx, *keys); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.errs, "Keep it as safe as the centre itself: its keys are in it. People's data in it open only with %s: keep the newest of that, elsewhere.\n", *keys)
	_, _ = fmt.Fprintf(p.errs, "The audit trail in it ends at %s: note that elsewhere.\n", head.Head)
	_, _ = fmt.Fprintf(p.out, "%s\t%d files\t%d bytes\n", *out, len(m.Parts), bytes)
	return nil
}

// copiedHead signs where the audit trail ends in what is backed up: in the copy of the database, or, where there is none,
// in the database.
func (p *program) copiedHead(ctx context.Context, s *store.Store, data, copied string) (*audit.Signed, error) {
	centre, err := identity.LoadCentre(filepath.Join(data, folderIdentity))
	if err != nil {
		return nil, err
	}
	if copied != "" {
		if s, err = store.InspectCopy(ctx, copied); err != nil {
			return nil, err
		}
		defer s.Close()
	}
	head, err := signHead(ctx, s.Read(), centre, time.Now())
	return &head, err
}

// backupKeys writes the keys file anew: what was erased since is unreadable in all backups then.
func backupKeys(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	keys := fs.String("keys", "", "keys file, written over")
	if _, err := p.parse(fs, args, "data", "keys"); err != nil {
		return err
	}
	k, err := openKeeping(ctx, p, *data, *db, person{})
	if err != nil {
		return err
	}
	defer k.store.Close()
	if err := ours(k.Keeper, *keys); err != nil {
		return err
	}
	return k.writeKeys(ctx, *keys)
}

// ours refuses to write over what is no keys file of this centre.
func ours(k *keep.Keeper, path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.New("keys_unreadable", "the keys file cannot be read", "check path and owner", err)
	}
	defer f.Close()
	head, err := backup.ReadKeys(f, nil)
	if err == nil && head.Centre == k.Centre() {
		return nil
	}
	return fault.New("keys_foreign", path+" is no whole keys file of this centre", "name another with -keys, or move it away", err)
}

// writeKeys writes a keys file over the one before it.
func (k *keeping) writeKeys(ctx context.Context, path string) error {
	_, err := writeWhole(path, func(w io.Writer) (backup.Manifest, error) {
		return backup.Manifest{}, k.WriteKeys(ctx, w, release())
	})
	if err != nil {
		return fault.New("keys_failed", "the keys file could not be written: what was backed up last may not open with the one that is there", "check owner and free space, then: server backup keys -keys FILE", err)
	}
	return nil
}

// lockedCopy writes the database into a folder of its own, with everything of people locked.
func lockedCopy(ctx context.Context, s *store.Store, folder string, locks *keep.Locks) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	to, err := store.Open(ctx, folder)
	if err != nil {
		return err
	}
	err = s.Transfer(ctx, to, func(row *store.Row) (bool, error) { return locks.Lock(ctx, row) })
	return errors.Join(err, to.Close())
}

// writeWhole writes a file under another name, and gives it its own once it is safe on the disk.
func writeWhole[T any](path string, write func(io.Writer) (T, error)) (m T, err error) {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return m, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(part))
		}
	}()
	if m, err = write(f); err != nil {
		return m, err
	}
	if err = f.Sync(); err != nil {
		return m, err
	}
	if err = f.Close(); err != nil {
		return m, err
	}
	if err = os.Rename(part, path); err != nil {
		return m, err
	}
	return m, durable.SyncFolder(filepath.Dir(path))
}

// lockedDatabase is the name of the locked copy in a backup, and the folder it is restored from.
const lockedDatabase = "locked/" + store.SQLiteFile

// sources lists what a centre's folder holds, the database's copy first. lock gives what locks a picture.
func (p *program) sources(data, locked string, pictures bool, lock func(blob string) func([]byte) ([]byte, error)) ([]backup.Source, error) {
	var all []backup.Source
	if locked != "" {
		all = append(all, backup.Source{Name: lockedDatabase, Path: locked})
	}
	folders := []string{folderKeys, folderSeal, folderIdentity}
	if pictures {
		folders = append(folders, filepath.Join(folderBlobs, "whole"))
	}
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(data, folder), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a centre that had no picture yet; or one that retention has just taken
			}
			if err != nil || d.IsDir() {
				return err
			}
			if !d.Type().IsRegular() {
				return fmt.Errorf("%s is no plain file", d.Name())
			}
			name, err := filepath.Rel(data, path)
			one := backup.Source{Name: filepath.ToSlash(name), Path: path}
			if strings.HasPrefix(name, folderBlobs) {
				one.Change, one.Fleeting = lock(d.Name()), true // erased meanwhile: it is not missed
			}
			all = append(all, one)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// restoreCommand brings a backup back into a folder of its own.
func restoreCommand(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	from := fs.String("from", "", "file that server backup wrote; its database goes into the folder, or into an empty one that -db names")
	keys := fs.String("keys", "", "the newest keys file; default "+keysName+" beside the backup")
	if _, err := p.parse(fs, args, "data", "from"); err != nil {
		return err
	}
	f, err := os.Open(*from)
	if err != nil {
		return fault.New("backup_unreadable", "the backup cannot be read", "check path and owner", err)
	}
	defer f.Close()
	m, err := backup.Check(f) // before anything is put anywhere
	if err != nil {
		return notRestored(err)
	}
	if m.Version < 2 {
		*keys = "" // people's data were not locked then
	} else if *keys == "" {
		*keys = filepath.Join(filepath.Dir(*from), keysName)
	}
	if err := usableKeys(*keys, m); err != nil {
		return err
	}
	if err := emptyFolder(*data); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fault.New("backup_unreadable", "the backup cannot be read", "check the medium", err)
	}
	// Beside the folder first: what is in the folder is whole, or nothing is.
	beside := strings.TrimRight(*data, "/") + ".restoring"
	if err := os.RemoveAll(beside); err != nil {
		return notRestored(err)
	}
	if err := os.Mkdir(beside, 0o700); err != nil {
		return notRestored(err)
	}
	if _, err := backup.Restore(f, beside); err != nil {
		return notRestored(errors.Join(err, os.RemoveAll(beside)))
	}
	if err := os.MkdirAll(filepath.Join(beside, folderBlobs), 0o700); err != nil {
		return notRestored(errors.Join(err, os.RemoveAll(beside)))
	}
	if *keys != "" {
		// Erased again before the folder has its name: nobody can serve what was forgotten.
		if err := p.unlock(ctx, beside, *db, *keys); err != nil {
			_ = os.RemoveAll(beside)
			return err
		}
	}
	if err := os.Remove(*data); err != nil { // it is empty
		return notRestored(errors.Join(err, os.RemoveAll(beside)))
	}
	if err := os.Rename(beside, *data); err != nil {
		return notRestored(errors.Join(err, os.RemoveAll(beside)))
	}
	if err := durable.SyncFolder(filepath.Dir(filepath.Clean(*data))); err != nil {
		return notRestored(err)
	}
	if err := adrift(ctx, *data, *db); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.errs, "The centre is as it was on %s, without whom it was to forget. Kiosks that had handed over more since then begin anew where it ends; what only the lost centre had is lost.\n", m.Made.Local().Format("2006-01-02 15:04:05"))
	if m.Audit != nil {
		_, _ = fmt.Fprintf(p.errs, "The audit trail in it must lead to %s: server verify -audit -head tells.\n", m.Audit.Head)
	}
	_, _ = fmt.Fprintf(p.out, "%s\t%d files\n", *data, len(m.Parts))
	return nil
}

// usableKeys holds a keys file against the backup that it is to open; none is asked of a backup that is not locked.
func usableKeys(path string, m backup.Manifest) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fault.New("keys_unreadable", "the keys file of this backup cannot be read", "name the newest with -keys; without one, nobody's data can be opened", err)
	}
	defer f.Close()
	head, err := backup.ReadKeys(f, nil)
	switch {
	case errors.Is(err, backup.ErrVersion):
		return notRestored(err)
	case err != nil:
		return fault.New("keys_altered", "the keys file is not whole, or was altered", "use another copy of the newest", err)
	case head.Made.Before(m.Made):
		return fault.New("keys_older", "the keys file is older than the backup: people who came between would be lost, and who was erased since would come back", "name the newest with -keys", nil)
	}
	return nil
}

// unlock opens what a restored folder holds of people, as far as there are keys, and erases again what was erased since.
func (p *program) unlock(ctx context.Context, folder, db, keys string) error {
	locked := filepath.Join(folder, filepath.Dir(filepath.FromSlash(lockedDatabase)))
	_, err := os.Stat(locked)
	with := err == nil
	if !with && db == "" {
		return fault.New("database_unnamed", "the database is not in this backup", "restore it by the means that keep it, and name it with -db", nil)
	}
	k, err := openKeeping(ctx, p, folder, db, person{})
	if err != nil {
		return err
	}
	defer k.store.Close()
	if with {
		empty, err := k.store.Empty(ctx)
		if err != nil {
			return notRestored(err)
		}
		if !empty {
			return fault.New("database_used", "the database that is named is not empty", "name an empty one; nothing is restored over another centre", nil)
		}
	}
	err = withFile(keys, func(f io.Reader) error { return k.LoadKeys(ctx, f) })
	if err != nil {
		return notRestored(err)
	}
	locks, err := k.Locks(ctx)
	if err != nil {
		return notRestored(err)
	}
	if with {
		from, err := store.Open(ctx, locked)
		if err != nil {
			return notRestored(err)
		}
		err = from.Transfer(ctx, k.store, func(row *store.Row) (bool, error) { return locks.Unlock(ctx, row) })
		if err = errors.Join(err, from.Close(), os.RemoveAll(locked)); err != nil {
			return notRestored(err)
		}
	}
	if err := unlockPictures(ctx, filepath.Join(folder, folderBlobs, "whole"), locks); err != nil {
		return notRestored(err)
	}
	if err := withFile(keys, func(f io.Reader) error { return k.Reapply(ctx, f) }); err != nil {
		return notRestored(err)
	}
	if locks.Lost > 0 {
		_, _ = fmt.Fprintf(p.errs, "%d rows and pictures of people who were erased since did not come back.\n", locks.Lost)
	}
	return nil
}

func withFile(path string, do func(io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return do(f)
}

// unlockPictures opens every picture in place; one whose key is gone is deleted.
func unlockPictures(ctx context.Context, folder string, locks *keep.Locks) error {
	return filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if b, err = locks.UnlockPicture(ctx, d.Name(), b); err != nil {
			return fmt.Errorf("picture %.12s: %w", d.Name(), err)
		}
		if b == nil {
			return os.Remove(path)
		}
		return os.WriteFile(path, b, 0o600)
	})
}

// adrift tells a restored database that kiosks may know more than it does.
func adrift(ctx context.Context, data, db string) error {
	if _, err := os.Stat(filepath.Join(data, store.SQLiteFile)); err != nil && db == "" {
		return nil // the database is elsewhere, and was not named: see the command's help
	}
	s, err := open(ctx, data, db)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SetAdrift(ctx); err != nil {
			return err
		}
		return tx.Audit(ctx, newID(), "command line", "restore", "", time.Now())
	})
}

func notRestored(err error) error {
	for _, one := range []struct {
		err        error
		code, hint string
	}{
		{backup.ErrHalf, "backup_half", "the medium was full or taken away while it was written; use another backup"},
		{backup.ErrAltered, "backup_altered", "the medium is damaged, or somebody changed the file; use another backup"},
		{backup.ErrFormat, "backup_format", "give a file that server backup wrote"},
		{backup.ErrVersion, "backup_version", "restore it with the release that wrote it, or a later one"},
	} {
		if errors.Is(err, one.err) {
			return fault.New(one.code, "nothing was restored: "+one.err.Error(), one.hint, err)
		}
	}
	return fault.New("restore_failed", "the backup could not be put in place", "check owner and free space; the folder was left as it was", err)
}
