package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"vestibule/models/fetch/tfjs"
	"vestibule/models/manifest"
)

// Bounds of a package. They stop a registry that misbehaves, not a real one.
const (
	maxTarball  = 512 << 20 // compressed
	maxUnpacked = 2 << 30
	maxEntries  = 20_000
	attempts    = 4
	stall       = 30 * time.Second // without a byte, a download counts as interrupted
)

// errFinal marks what a retry cannot mend.
var errFinal = errors.New("not retried")

type fetcher struct {
	client   *http.Client
	registry string
	dir      string
	sleep    func(context.Context, time.Duration) error
	say      *progress
}

// all fetches what is missing or altered, package by package.
func (f *fetcher) all(ctx context.Context, assets []manifest.Asset) error {
	var tarballs []string
	need := map[string][]manifest.Asset{}
	for _, a := range assets {
		file := f.path(a)
		err := a.CheckFile(file)
		if err == nil {
			continue
		}
		if altered := (*manifest.AlteredError)(nil); errors.As(err, &altered) {
			// Not overwritten silently: somebody may want to know why it differs.
			return err
		}
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if need[a.Tarball] == nil {
			tarballs = append(tarballs, a.Tarball)
		}
		need[a.Tarball] = append(need[a.Tarball], a)
	}
	if len(tarballs) == 0 {
		f.say.line("all %d files are in %s, verified", len(assets), f.dir)
		return nil
	}
	for i, t := range tarballs {
		f.say.line("[%d/%d] %s: %d files", i+1, len(tarballs), need[t][0].Package, len(need[t]))
		if err := f.retry(ctx, t, need[t]); err != nil {
			return err
		}
	}
	f.say.line("all %d files are in %s, verified", len(assets), f.dir)
	return nil
}

func (f *fetcher) path(a manifest.Asset) string {
	return filepath.Join(f.dir, filepath.FromSlash(a.File))
}

// retry tries a package again while the trouble may be the line's.
func (f *fetcher) retry(ctx context.Context, tarball string, want []manifest.Asset) error {
	var err error
	for n := range attempts {
		if n > 0 {
			wait := time.Second << (n - 1)
			f.say.line("  interrupted (%v); attempt %d of %d in %s", err, n+1, attempts, wait)
			if err := f.sleep(ctx, wait); err != nil {
				return err
			}
		}
		if err = f.one(ctx, tarball, want); err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, errFinal) {
			return err
		}
	}
	return fmt.Errorf("%s: gave up after %d attempts: %w; check the network, or name a registry that can be reached in npm_config_registry", want[0].Package, attempts, err)
}

// one downloads one package, checks it as a whole, and only then takes files out of it.
func (f *fetcher) one(ctx context.Context, tarball string, want []manifest.Asset) (err error) {
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return fmt.Errorf("%w: make the models directory: %w", errFinal, err)
	}
	tmp, err := os.CreateTemp(f.dir, ".fetch-*")
	if err != nil {
		return fmt.Errorf("%w: make a temporary file: %w", errFinal, err)
	}
	defer func() {
		tmp.Close()
		os.Remove(tmp.Name())
	}()
	sum, err := f.download(ctx, tarball, want[0].Package, tmp)
	if err != nil {
		return err
	}
	if sum != want[0].TarballSHA256 {
		return fmt.Errorf("%w: %s from %s has been altered: expected sha256 %s, found %s; the registry or a proxy serves another package under this version: try the public registry, and do not go on with this one",
			errFinal, tarball, f.registry, want[0].TarballSHA256, sum)
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%w: %w", errFinal, err)
	}
	if err := f.unpack(ctx, tmp, want); err != nil {
		return fmt.Errorf("%w: unpack %s: %w", errFinal, tarball, err)
	}
	return nil
}

// download streams a tarball into w and returns its hash.
func (f *fetcher) download(ctx context.Context, tarball, what string, w io.Writer) (string, error) {
	u, err := url.JoinPath(f.registry, tarball)
	if err != nil {
		return "", fmt.Errorf("%w: registry %q is not a URL: %w", errFinal, f.registry, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// A watchdog instead of a total time-out: slow is fine, silent is not.
	dog := time.AfterFunc(stall, func() { cancel(fmt.Errorf("no data for %s", stall)) })
	defer dog.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errFinal, err)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return "", cause(ctx, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusOK:
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		return "", fmt.Errorf("%s answers %s", u, resp.Status)
	default:
		return "", fmt.Errorf("%w: %s answers %s; check the registry in npm_config_registry or .npmrc", errFinal, u, resp.Status)
	}
	if resp.ContentLength > maxTarball {
		return "", fmt.Errorf("%w: %s has %d bytes, more than the %d allowed", errFinal, u, resp.ContentLength, int64(maxTarball))
	}
	h := sha256.New()
	buf := make([]byte, 64<<10)
	var done int64
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			dog.Reset(stall)
			if done += int64(n); done > maxTarball {
				return "", fmt.Errorf("%w: %s sends more than the %d bytes allowed", errFinal, u, int64(maxTarball))
			}
			h.Write(buf[:n])
			if _, err := w.Write(buf[:n]); err != nil {
				return "", fmt.Errorf("%w: write: %w; is the disk full?", errFinal, err)
			}
			f.say.at(what, done, resp.ContentLength)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", cause(ctx, err)
		}
	}
	if resp.ContentLength >= 0 && done != resp.ContentLength {
		return "", fmt.Errorf("%s ended after %d of %d bytes", u, done, resp.ContentLength)
	}
	return hexSum(h), nil
}

func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

// unpack writes the wanted files of a package, each verified before it gets its name,
// and then makes what is made of files in it.
func (f *fetcher) unpack(ctx context.Context, r io.Reader, want []manifest.Asset) error {
	z, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return err
	}
	defer z.Close()
	left := map[string]manifest.Asset{}
	parts := map[string]manifest.Source{}
	held := map[string][]byte{} // parts that were read
	for _, a := range want {
		if a.Made == nil {
			left[a.Path] = a
			continue
		}
		for _, s := range a.Made.From {
			parts[s.Path] = s
		}
	}
	t := tar.NewReader(io.LimitReader(z, maxUnpacked))
	for n := 0; len(left) > 0 || len(held) < len(parts); n++ {
		if n > maxEntries {
			return fmt.Errorf("more than %d entries", maxEntries)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		// Names in the package choose nothing but which asset this is; where it
		// goes is said by the manifest. A name that tries to leave is a warning
		// about the whole package.
		if !filepath.IsLocal(h.Name) {
			return fmt.Errorf("entry %q leaves the package", h.Name)
		}
		a, whole := left[h.Name]
		s, part := parts[h.Name]
		if !whole && !part {
			continue
		}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("entry %q is not a plain file", h.Name)
		}
		if size := max(a.Bytes, s.Bytes); h.Size != size {
			return fmt.Errorf("entry %q has %d bytes, expected %d", h.Name, h.Size, size)
		}
		body := io.Reader(t)
		if part {
			if held[h.Name], err = hold(t, s); err != nil {
				return err
			}
			body = bytes.NewReader(held[h.Name])
		}
		if !whole {
			continue
		}
		if err := f.place(body, a); err != nil {
			return err
		}
		f.say.line("  %s  %s", a.File, a.Version())
		delete(left, h.Name)
	}
	for _, a := range left {
		return fmt.Errorf("entry %q is not in the package", a.Path)
	}
	for _, a := range want {
		if a.Made == nil {
			continue
		}
		if err := f.make(a, held); err != nil {
			return err
		}
	}
	return nil
}

// hold reads a file of a package into memory, verified.
func hold(r io.Reader, s manifest.Source) ([]byte, error) {
	b := make([]byte, s.Bytes)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("read %s: %w", s.Path, err)
	}
	sum := sha256.Sum256(b)
	if got := hex.EncodeToString(sum[:]); got != s.SHA256 {
		return nil, fmt.Errorf("%s: expected sha256 %s, found %s; the manifest and the package disagree: take both from the same release", s.Path, s.SHA256, got)
	}
	return b, nil
}

// make makes an asset of the files it is made of.
func (f *fetcher) make(a manifest.Asset, held map[string][]byte) error {
	for _, s := range a.Made.From {
		if held[s.Path] == nil {
			return fmt.Errorf("entry %q is not in the package", s.Path)
		}
	}
	b, err := tfjs.Convert(held[a.Made.From[0].Path], held[a.Made.From[1].Path], a.Made.Outputs...)
	if err != nil {
		return fmt.Errorf("make %s: %w", a.File, err)
	}
	if int64(len(b)) != a.Bytes {
		return fmt.Errorf("make %s: it has %d bytes, expected %d; the manifest was written for another converter", a.File, len(b), a.Bytes)
	}
	if err := f.place(bytes.NewReader(b), a); err != nil {
		return err
	}
	f.say.line("  %s  %s (made of %s)", a.File, a.Version(), a.Made.From[0].Path)
	return nil
}

// place writes one file beside its place, verifies it, and renames it.
func (f *fetcher) place(r io.Reader, a manifest.Asset) error {
	file := f.path(a)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".fetch-*")
	if err != nil {
		return err
	}
	defer func() {
		tmp.Close()
		os.Remove(tmp.Name()) // gone already after the rename
	}()
	h := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(tmp, h), r, a.Bytes); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if got := hexSum(h); got != a.SHA256 {
		return fmt.Errorf("%s (%s in %s): expected sha256 %s, found %s; the manifest and the package disagree: take both from the same release", a.File, a.Path, a.Package, a.SHA256, got)
	}
	if err := errors.Join(tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return os.Rename(tmp.Name(), file)
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
