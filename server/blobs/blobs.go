// Package blobs keeps sealed pictures on disk. A picture arrives in chunks and is
// taken only when it is whole and its SHA-256 is the name it was sent under; the
// name is also the file's. Nothing here can be read without the centre's seal key.
//
// What may live here: files. What may not: what they show, and whom they belong to.
package blobs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"vestibule/sync/durable"
	"vestibule/sync/wire"
)

// MaxPartial is how many unfinished pictures one kiosk may have here. The oldest
// goes when one more begins; the kiosk then sends that one again.
const MaxPartial = 64

// ErrNotHere is returned for a picture that is not here as a whole.
var ErrNotHere = errors.New("sealed picture is not here")

// Shelf is a folder of sealed pictures. It is safe for concurrent use, also by
// several processes on one machine: the chunks of one kiosk wait for each other, so
// that a courier's file may be imported while the same kiosk's line works. Copies of
// the centre on several machines need a folder whose flock reaches all of them.
type Shelf struct {
	dir string
	mu  sync.Mutex
}

// Open opens the folder, and makes it where it is missing.
func Open(dir string) (*Shelf, error) {
	for _, sub := range []string{"whole", "partial"} {
		if err := durable.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("make folder for pictures: %w", err)
		}
	}
	return &Shelf{dir: dir}, nil
}

func (s *Shelf) whole(blob string) string { return filepath.Join(s.dir, "whole", blob[:2], blob) }

// Append takes a chunk. It gives how many bytes are here from the start without a
// gap, and whether the picture is whole and verified. A picture whose hash does
// not fit is thrown away: 0 bytes are here.
func (s *Shelf) Append(c wire.Chunk) (have int64, done bool, err error) {
	if wire.CheckName(c.Kiosk) != nil || !wire.BlobID(c.Blob) || c.Size < 1 || c.Size > wire.MaxBlob ||
		c.Offset < 0 || c.Offset > c.Size-int64(len(c.Data)) {
		return 0, false, errors.New("chunk out of bounds")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if info, err := os.Stat(s.whole(c.Blob)); err == nil {
		return info.Size(), true, nil
	}
	folder := filepath.Join(s.dir, "partial", c.Kiosk)
	if err := os.MkdirAll(folder, 0o700); err != nil { // what a power cut takes from it is sent again
		return 0, false, fmt.Errorf("store chunk: %w", err)
	}
	free, err := hold(folder)
	if err != nil {
		return 0, false, fmt.Errorf("store chunk: %w", err)
	}
	defer func() { err = errors.Join(err, free()) }()
	if info, err := os.Stat(s.whole(c.Blob)); err == nil { // it was finished while we waited
		return info.Size(), true, nil
	}
	path := filepath.Join(folder, c.Blob)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := makeRoom(folder); err != nil {
			return 0, false, fmt.Errorf("store chunk: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 0, false, fmt.Errorf("store chunk: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, false, fmt.Errorf("store chunk: %w", err)
	}
	have = info.Size()
	switch end := c.Offset + int64(len(c.Data)); {
	case have > c.Size:
		// Another size was announced before: one of the two is wrong, begin again.
		return 0, false, errors.Join(f.Truncate(0))
	case c.Offset > have || end <= have && have < c.Size:
		return have, false, nil // a gap, or nothing new
	case end > have:
		if _, err := f.WriteAt(c.Data[have-c.Offset:], have); err != nil {
			// A full disk leaves a shorter file, which is what the next chunk continues.
			return have, false, fmt.Errorf("store chunk: %w", err)
		}
		have = end
	}
	if have < c.Size {
		return have, false, nil
	}
	return s.finish(f, path, c)
}

// finish verifies a picture that has all its bytes and puts it in its place.
func (s *Shelf) finish(f *os.File, path string, c wire.Chunk) (int64, bool, error) {
	if err := f.Sync(); err != nil {
		return 0, false, fmt.Errorf("store picture: %w", err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, c.Size)); err != nil {
		return 0, false, fmt.Errorf("verify picture: %w", err)
	}
	if hex.EncodeToString(h.Sum(nil)) != c.Blob {
		if err := os.Remove(path); err != nil {
			return 0, false, fmt.Errorf("throw a wrong picture away: %w", err)
		}
		return 0, false, nil
	}
	target := s.whole(c.Blob)
	if err := durable.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return 0, false, fmt.Errorf("store picture: %w", err)
	}
	if err := os.Rename(path, target); err != nil {
		return 0, false, fmt.Errorf("store picture: %w", err)
	}
	if err := durable.SyncFolder(filepath.Dir(target)); err != nil {
		return 0, false, fmt.Errorf("store picture: %w", err)
	}
	return c.Size, true, nil
}

// Remove deletes a picture, whole or unfinished. One that is not here is no error. What the disk still holds of a deleted
// file cannot be overwritten from here (journals, copies on write, wear levelling): it is sealed.
func (s *Shelf) Remove(kiosk, blob string) (err error) {
	if wire.CheckName(kiosk) != nil || !wire.BlobID(blob) {
		return errors.New("picture out of bounds")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	folder := filepath.Join(s.dir, "partial", kiosk)
	if _, err := os.Stat(folder); err == nil {
		free, err := hold(folder) // nobody finishes it meanwhile
		if err != nil {
			return fmt.Errorf("delete picture: %w", err)
		}
		defer func() { err = errors.Join(err, free()) }()
	}
	for _, path := range []string{filepath.Join(folder, blob), s.whole(blob)} {
		if err := os.Remove(path); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return fmt.Errorf("delete picture: %w", err)
		}
		if err := durable.SyncFolder(filepath.Dir(path)); err != nil {
			return fmt.Errorf("delete picture: %w", err)
		}
	}
	return nil
}

// Read gives a whole picture, still sealed.
func (s *Shelf) Read(blob string) ([]byte, error) {
	if !wire.BlobID(blob) {
		return nil, ErrNotHere
	}
	f, err := os.Open(s.whole(blob))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotHere
	}
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, wire.MaxBlob+1))
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	sum := sha256.Sum256(b)
	if hex.EncodeToString(sum[:]) != blob {
		return nil, fmt.Errorf("picture %s was altered on disk", blob[:12])
	}
	return b, nil
}

// hold waits until no other process works on a folder. The hold ends with the process.
func hold(folder string) (free func() error, err error) {
	d, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	for {
		if err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d.Close, nil // which frees it too
}

// makeRoom removes the oldest unfinished pictures of a folder that is full.
func makeRoom(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for len(entries) >= MaxPartial {
		oldest := 0
		var at int64
		for i, e := range entries {
			info, err := e.Info()
			if err != nil {
				return err
			}
			if t := info.ModTime().UnixNano(); i == 0 || t < at {
				oldest, at = i, t
			}
		}
		if err := os.Remove(filepath.Join(folder, entries[oldest].Name())); err != nil {
			return err
		}
		entries = append(entries[:oldest], entries[oldest+1:]...)
	}
	return nil
}
