package courier

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"vestibule/sync/durable"
	"vestibule/sync/fault"
)

// Disk is the medium, as writing needs it.
type Disk interface {
	// Create makes a file, or empties one that is there.
	Create(path string) (File, error)
	Rename(from, to string) error
	Remove(path string) error
	// SyncFolder makes a rename in a folder last.
	SyncFolder(path string) error
}

// File is a file being written.
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// System is the machine's own file system.
type System struct{}

var _ Disk = System{}

// Create implements Disk.
func (System) Create(path string) (File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}

// Rename implements Disk.
func (System) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements Disk.
func (System) Remove(path string) error { return os.Remove(path) }

// SyncFolder implements Disk.
func (System) SyncFolder(path string) error {
	return durable.SyncFolder(path)
}

// buffered is how much is written at a time: sticks are slow with small writes.
const buffered = 256 << 10

// partly is the ending of a file that is still being written.
const partly = ".part"

// publish writes a file so that it is there whole or not at all: under another name,
// synced, renamed, and the folder synced. What failed leaves nothing behind.
func publish(disk Disk, path string, write func(io.Writer) error) error {
	part := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+partly)
	f, err := disk.Create(part)
	if err != nil {
		return unwritable(err)
	}
	w := bufio.NewWriterSize(f, buffered)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = disk.Rename(part, path)
	}
	if err != nil {
		return unwritable(errors.Join(err, disk.Remove(part)))
	}
	if err := disk.SyncFolder(filepath.Dir(path)); err != nil {
		return unwritable(err)
	}
	return nil
}

// full tells whether a medium, or the largest file that it can hold, is at its end.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// unwritable says what is wrong with a medium; an error that is a fault stays what it is.
func unwritable(err error) error {
	switch {
	case full(err):
		return mediaFull(0, err)
	case fault.Code(err) != "":
		return err
	}
	return refuse(CodeUnwritable, err)
}

// mediaFull is the error of a medium without room. needed is in bytes; 0: not known.
func mediaFull(needed int64, cause error) error {
	message := "the medium has no room for the courier file"
	if needed > 0 {
		message = fmt.Sprintf("the medium has no room for the courier file: it needs %d bytes", needed)
	}
	return fault.New(CodeMediaFull, message, "make room or take a larger medium, or carry a part with -limit; no file was left, and the kiosk still has everything", cause)
}
