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

	"vestibule/server/backup"
	"vestibule/server/store"
	"vestibule/sync/durable"
	"vestibule/sync/fault"
)

// backupCommand writes everything a centre is into one file, while it runs.
func backupCommand(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	out := fs.String("out", "", "file to write; it must not be there yet")
	pictures := fs.Bool("pictures", true, "with the sealed pictures; without, what was decided stays, and nobody can look at it again")
	if _, err := p.parse(fs, args, "data", "out"); err != nil {
		return err
	}
	if _, err := os.Lstat(*out); err == nil {
		return fault.New("backup_exists", *out+" is there already", "give another name; a backup is never written over", nil)
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	unusable := func(err error) error {
		return fault.New("backup_failed", "the backup could not be written", "check owner and free space; nothing half written is left", err)
	}
	// The database first: pictures that come while the others are copied are too many, never too few.
	copied := *out + ".database"
	if err := s.Copy(ctx, copied); err == nil {
		defer os.Remove(copied)
	} else if errors.Is(err, store.ErrElsewhere) {
		copied = ""
		_, _ = fmt.Fprintln(p.errs, "The database is on PostgreSQL and not in this file. Back it up first, at the same time or before: pg_dump --format=custom --file=centre.dump URL")
	} else {
		return unusable(err)
	}
	sources, err := p.sources(*data, copied, *pictures)
	if err != nil {
		return unusable(err)
	}
	bar := newProgress(p.errs, "written", len(sources))
	m, err := writeWhole(*out, func(w io.Writer) (backup.Manifest, error) {
		return backup.Write(w, backup.Manifest{Release: release(), Made: time.Now().UTC()}, sources, func(backup.Part) error {
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
	if err := s.Write(ctx, func(tx *store.Tx) error {
		return tx.Audit(ctx, newID(), "command line", "backup", fmt.Sprintf("%d files", len(m.Parts)), time.Now())
	}); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.errs, "Keep it as safe as the centre itself: its keys are in it.\n")
	_, _ = fmt.Fprintf(p.out, "%s\t%d files\t%d bytes\n", *out, len(m.Parts), bytes)
	return nil
}

// writeWhole writes a file under another name, and gives it its own once it is safe on the disk.
func writeWhole(path string, write func(io.Writer) (backup.Manifest, error)) (m backup.Manifest, err error) {
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

// sources lists what a centre's folder holds, the database's copy first.
func (p *program) sources(data, copied string, pictures bool) ([]backup.Source, error) {
	var all []backup.Source
	if copied != "" {
		all = append(all, backup.Source{Name: store.SQLiteFile, Path: copied})
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
			all = append(all, backup.Source{Name: filepath.ToSlash(name), Path: path})
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
	from := fs.String("from", "", "file that server backup wrote; where the database is on PostgreSQL, restore that first with pg_restore, and name it with -db")
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
	_, _ = fmt.Fprintf(p.errs, "The centre is as it was on %s. Kiosks that had handed over more since then begin anew where it ends; what only the lost centre had is lost.\n", m.Made.Local().Format("2006-01-02 15:04:05"))
	_, _ = fmt.Fprintf(p.out, "%s\t%d files\n", *data, len(m.Parts))
	return nil
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
