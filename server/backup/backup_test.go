package backup_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/backup"
)

// small is a backup of three files.
func small(t testing.TB) ([]byte, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	content := map[string]string{"centre.db": "rows", "keys/data.key": "secret", "blobs/whole/ab/abcd": string(bytes.Repeat([]byte("x"), 3000))}
	var sources []backup.Source
	for _, name := range []string{"centre.db", "keys/data.key", "blobs/whole/ab/abcd"} {
		at := filepath.Join(dir, filepath.Base(name))
		require.NoError(t, os.WriteFile(at, []byte(content[name]), 0o600))
		sources = append(sources, backup.Source{Name: name, Path: at})
	}
	var b bytes.Buffer
	steps := 0
	m, err := backup.Write(&b, backup.Manifest{Release: "1", Made: time.Unix(1e9, 0).UTC()}, sources, func(backup.Part) error { steps++; return nil })
	require.NoError(t, err)
	require.Len(t, m.Parts, 3)
	require.Equal(t, 3, steps)
	return b.Bytes(), content
}

func TestWhatWasBackedUpComesBack(t *testing.T) {
	b, content := small(t)
	m, err := backup.Check(bytes.NewReader(b))
	require.NoError(t, err)
	require.Equal(t, "1", m.Release)
	dir := t.TempDir()
	_, err = backup.Restore(bytes.NewReader(b), dir)
	require.NoError(t, err)
	for name, want := range content {
		got, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, want, string(got), name)
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
	}
	_, err = backup.Restore(bytes.NewReader(b), dir)
	require.ErrorIs(t, err, os.ErrExist, "nothing is ever written over")
}

func TestAHalfWrittenFileIsRefusedWhereverItEnds(t *testing.T) {
	b, _ := small(t)
	end := bytes.Index(b, []byte("manifest.json"))
	require.Positive(t, end)
	for n := range end {
		_, err := backup.Check(bytes.NewReader(b[:n]))
		require.Error(t, err, "cut to %d bytes", n)
	}
	_, err := backup.Check(bytes.NewReader(b[:end]))
	require.ErrorIs(t, err, backup.ErrHalf)
	for n := end; n < len(b); n += 7 {
		if _, err := backup.Check(bytes.NewReader(b[:n])); err == nil {
			return // the manifest is whole from here on; only tar's own padding is missing
		}
	}
	t.Fatal("not even the whole file is taken")
}

func TestAFlippedBitInAnyFileIsFound(t *testing.T) {
	b, content := small(t)
	for _, text := range content {
		i := bytes.Index(b, []byte(text))
		require.Positive(t, i)
		bad := bytes.Clone(b)
		bad[i] ^= 1
		_, err := backup.Check(bytes.NewReader(bad))
		require.ErrorIs(t, err, backup.ErrAltered)
	}
}

func TestWhatIsNoBackupIsSaidToBeNone(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("hello "), 1000)} {
		_, err := backup.Check(bytes.NewReader(b))
		require.ErrorIs(t, err, backup.ErrFormat)
	}
}

// FuzzRestore looks for an archive that leaves its folder, or that fills a process.
func FuzzRestore(f *testing.F) {
	b, _ := small(f)
	f.Add(b)
	f.Add(bytes.ReplaceAll(b, []byte("keys/data.key"), []byte("../../escape!")))
	f.Add(bytes.ReplaceAll(b, []byte("centre.db"), []byte("/tmp/xyz1")))
	f.Fuzz(func(t *testing.T, b []byte) {
		root := t.TempDir()
		dir := filepath.Join(root, "in")
		require.NoError(t, os.Mkdir(dir, 0o700))
		_, _ = backup.Restore(bytes.NewReader(b), dir)
		entries, err := os.ReadDir(root)
		require.NoError(t, err)
		require.Len(t, entries, 1, "nothing is written beside the folder")
	})
}
