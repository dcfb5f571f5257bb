// Package durable makes names outlast a power cut. A file that was synced is still lost when the folder that
// names it was not, and so is a folder in a folder.
//
// What may live here: the syncing of folders. What may not: what is in them.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// SyncFolder keeps the names in a folder as they are now. File systems that know no such sync are content without.
func SyncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// MkdirAll is os.MkdirAll whose folders stay. One that is there already is made to stay too: whoever made it may
// have been killed before that. A folder above which we may not read is its owner's care.
func MkdirAll(path string, perm fs.FileMode) error {
	up := filepath.Dir(path)
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.IsDir():
		return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	case err == nil:
		if err := SyncFolder(up); !errors.Is(err, fs.ErrPermission) {
			return err
		}
		return nil
	case up != path:
		if err := MkdirAll(up, perm); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return SyncFolder(up)
}
