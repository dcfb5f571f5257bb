// Package backup writes a centre's folder into one file, and brings it back.
//
// The file is a tar archive. Its last entry is the manifest, which names every other entry with its size and SHA-256:
// a file without one is half written, one whose sums differ was altered. It is as secret as the folder: keys are in it.
//
// What it holds of people is locked with a key for each of them. Those keys lie in a keys file of their own (KeysWriter), with the
// ledger of all that was erased; of it only the newest is kept.
//
// What may live here: those formats. What may not: which folders a centre has, and how its database is copied.
package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vestibule/server/audit"
)

// Version of the format. From 2 on what belongs to people is locked with keys that are not in the file.
const Version = 2

// manifestName is the last entry.
const manifestName = "manifest.json"

// Bounds of what Check and Restore read.
const (
	maxManifest = 256 << 20 // bytes; some 1,500,000 entries
	maxName     = 255
)

// Part is one file of a backup.
type Part struct {
	Name   string `json:"name"` // path below the folder, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hex
}

// Manifest tells what is in a backup.
type Manifest struct {
	Version int       `json:"version"`
	Release string    `json:"release"`
	Made    time.Time `json:"made"`
	// Audit is where the audit trail ended; nil in backups of earlier releases.
	Audit *audit.Signed `json:"audit,omitempty"`
	Parts []Part        `json:"parts"`
}

// Errors of Check and Restore.
var (
	ErrHalf    = errors.New("the file is half written: it has no manifest at its end")
	ErrAltered = errors.New("the file is not what was written")
	ErrFormat  = errors.New("the file is no backup of a centre")
	ErrVersion = errors.New("the file was written by a later release")
)

// Source is a file that goes into a backup under a name.
type Source struct {
	Name string // below the folder, with slashes
	Path string
	// Change alters the content on its way into the backup; nil: it goes as it is. The file is read whole, up to MaxChanged.
	Change func([]byte) ([]byte, error)
	// Fleeting is a file that may be gone before it is its turn: it is left out then.
	Fleeting bool
}

// MaxChanged bounds a file whose content is altered, in bytes.
const MaxChanged = 64 << 20

// Write writes the sources and their manifest. step is told after each, and ends it by an error; nil: nobody. A source that grows while it is
// read is taken as far as it was; one that is gone meanwhile is an error, unless it is fleeting.
func Write(w io.Writer, m Manifest, sources []Source, step func(Part) error) (Manifest, error) {
	m.Version, m.Parts = Version, nil
	t := tar.NewWriter(w)
	for _, s := range sources {
		p, err := add(t, s, m.Made)
		if s.Fleeting && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return m, fmt.Errorf("back up %s: %w", s.Name, err)
		}
		m.Parts = append(m.Parts, p)
		if step == nil {
			continue
		}
		if err := step(p); err != nil {
			return m, err
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		return m, fmt.Errorf("write manifest: %w", err)
	}
	if err := t.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(b)), ModTime: m.Made}); err != nil {
		return m, fmt.Errorf("write manifest: %w", err)
	}
	if _, err := t.Write(b); err != nil {
		return m, fmt.Errorf("write manifest: %w", err)
	}
	if err := t.Close(); err != nil {
		return m, fmt.Errorf("end archive: %w", err)
	}
	return m, nil
}

func add(t *tar.Writer, s Source, at time.Time) (Part, error) {
	f, err := os.Open(s.Path)
	if err != nil {
		return Part{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Part{}, err
	}
	var from io.Reader = f
	p := Part{Name: s.Name, Size: info.Size()}
	if s.Change != nil {
		if p.Size > MaxChanged {
			return Part{}, errors.New("file too large")
		}
		b, err := io.ReadAll(io.LimitReader(f, p.Size))
		if err != nil {
			return Part{}, err
		}
		if b, err = s.Change(b); err != nil {
			return Part{}, err
		}
		from, p.Size = bytes.NewReader(b), int64(len(b))
	}
	if err := t.WriteHeader(&tar.Header{Name: p.Name, Mode: 0o600, Size: p.Size, ModTime: at}); err != nil {
		return Part{}, err
	}
	h := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(t, h), from, p.Size); err != nil {
		return Part{}, err
	}
	p.SHA256 = hex.EncodeToString(h.Sum(nil))
	return p, nil
}

// Check reads a whole backup and holds it against its manifest.
func Check(r io.Reader) (Manifest, error) {
	return read(r, func(tar.Header, io.Reader) error { return nil })
}

// Restore brings a backup that Check has found whole into a folder that is empty. What is written is held against
// the manifest once more; after an error the folder is not to be used.
func Restore(r io.Reader, dir string) (Manifest, error) {
	return read(r, func(h tar.Header, content io.Reader) error {
		to := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, content)
		if err == nil {
			err = f.Sync()
		}
		return errors.Join(err, f.Close())
	})
}

// read goes through an archive once. take gets every part's content, which it may leave unread.
func read(r io.Reader, take func(tar.Header, io.Reader) error) (Manifest, error) {
	t := tar.NewReader(r)
	found := map[string]Part{}
	for {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			if len(found) == 0 {
				return Manifest{}, ErrFormat
			}
			return Manifest{}, ErrHalf
		case err != nil && len(found) == 0:
			return Manifest{}, ErrFormat
		case err != nil:
			return Manifest{}, fmt.Errorf("%w: %w", ErrAltered, err)
		case h.Name == manifestName:
			return manifest(t, h.Size, found)
		}
		if !proper(h) {
			return Manifest{}, ErrFormat
		}
		if _, twice := found[h.Name]; twice {
			return Manifest{}, fmt.Errorf("%w: %s is there twice", ErrAltered, h.Name)
		}
		sum := sha256.New()
		content := io.TeeReader(t, sum)
		if err := take(*h, content); err != nil {
			return Manifest{}, fmt.Errorf("take %s: %w", h.Name, broken(err))
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return Manifest{}, broken(err)
		}
		found[h.Name] = Part{h.Name, h.Size, digest(sum)}
	}
}

func digest(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// broken tells a file that ends early from one that cannot be read.
func broken(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrHalf
	}
	return err
}

// proper reports whether an entry is a plain file at a path that stays below the folder.
func proper(h *tar.Header) bool {
	return h.Typeflag == tar.TypeReg && h.Size >= 0 && len(h.Name) > 0 && len(h.Name) <= maxName &&
		fs.ValidPath(h.Name) && path.Clean(h.Name) == h.Name && h.Name != "." && !strings.ContainsRune(h.Name, '\\')
}

func manifest(r io.Reader, size int64, found map[string]Part) (Manifest, error) {
	var m Manifest
	if size > maxManifest {
		return m, ErrFormat
	}
	b, err := io.ReadAll(io.LimitReader(r, size))
	if err != nil || int64(len(b)) != size {
		return m, ErrHalf
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("%w: its manifest is not readable", ErrAltered)
	}
	if m.Version > Version {
		return m, ErrVersion
	}
	if len(m.Parts) != len(found) {
		return m, fmt.Errorf("%w: it holds %d files, its manifest names %d", ErrAltered, len(found), len(m.Parts))
	}
	if i := slices.IndexFunc(m.Parts, func(p Part) bool { return found[p.Name] != p }); i >= 0 {
		return m, fmt.Errorf("%w: %s differs from the manifest", ErrAltered, m.Parts[i].Name)
	}
	return m, nil
}
