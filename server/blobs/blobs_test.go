package blobs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/server/blobs"
	"vestibule/sync/powerloss"
	"vestibule/sync/powerloss/powerlosstest"
	"vestibule/sync/wire"
)

func picture(n int) ([]byte, string) {
	b := bytes.Repeat([]byte("sealed picture "), n/15+1)[:n]
	sum := sha256.Sum256(b)
	return b, hex.EncodeToString(sum[:])
}

func TestAPictureIsTakenInAnyOrderOfChunksWithRepetitions(t *testing.T) {
	base := t.TempDir()
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		shelf, err := blobs.Open(filepath.Join(base, fmt.Sprint(round)))
		require.NoError(t, err)
		b, id := picture(rapid.IntRange(1, 5000).Draw(t, "size"))
		size := int64(len(b))
		step := int64(rapid.IntRange(1, 1500).Draw(t, "step"))
		var have int64
		var done bool
		for range 200 {
			// Somewhere at random, before or behind what is there.
			off := rapid.Int64Range(0, size-1).Draw(t, "offset")
			_, _, err := shelf.Append(wire.Chunk{Kiosk: "k", Blob: id, Size: size, Offset: off, Data: b[off:min(size, off+step)]})
			require.NoError(t, err)
			// And then what is asked for.
			now, whole, err := shelf.Append(wire.Chunk{Kiosk: "k", Blob: id, Size: size, Offset: min(have, size-1), Data: b[min(have, size-1):min(size, have+step)]})
			require.NoError(t, err)
			require.GreaterOrEqual(t, now, have)
			have, done = now, whole
			if done {
				break
			}
		}
		for !done {
			have, done, err = shelf.Append(wire.Chunk{Kiosk: "k", Blob: id, Size: size, Offset: have, Data: b[have:min(size, have+step)]})
			require.NoError(t, err)
		}
		got, err := shelf.Read(id)
		require.NoError(t, err)
		require.Equal(t, b, got)
	})
}

func TestAPictureWithAnotherHashIsThrownAway(t *testing.T) {
	dir := t.TempDir()
	shelf, err := blobs.Open(dir)
	require.NoError(t, err)
	b, _ := picture(100)
	_, wrong := picture(101)
	have, done, err := shelf.Append(wire.Chunk{Kiosk: "k", Blob: wrong, Size: 100, Data: b})
	require.NoError(t, err)
	require.False(t, done)
	require.Zero(t, have)
	_, err = shelf.Read(wrong)
	require.ErrorIs(t, err, blobs.ErrNotHere)
	left, err := os.ReadDir(filepath.Join(dir, "partial", "k"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestAPictureAlteredOnDiskIsNotGivenOut(t *testing.T) {
	dir := t.TempDir()
	shelf, err := blobs.Open(dir)
	require.NoError(t, err)
	b, id := picture(100)
	_, done, err := shelf.Append(wire.Chunk{Kiosk: "k", Blob: id, Size: 100, Data: b})
	require.NoError(t, err)
	require.True(t, done)
	b[3] ^= 1
	require.NoError(t, os.WriteFile(filepath.Join(dir, "whole", id[:2], id), b, 0o600))
	_, err = shelf.Read(id)
	require.ErrorContains(t, err, "altered")
}

func TestUnfinishedPicturesDoNotPileUp(t *testing.T) {
	dir := t.TempDir()
	shelf, err := blobs.Open(dir)
	require.NoError(t, err)
	for i := range blobs.MaxPartial + 20 {
		_, id := picture(1000 + i)
		_, _, err := shelf.Append(wire.Chunk{Kiosk: "k", Blob: id, Size: 2000, Data: []byte("x")})
		require.NoError(t, err)
	}
	left, err := os.ReadDir(filepath.Join(dir, "partial", "k"))
	require.NoError(t, err)
	require.Len(t, left, blobs.MaxPartial)
}

func TestAChunkOutOfBoundsIsRefused(t *testing.T) {
	shelf, err := blobs.Open(t.TempDir())
	require.NoError(t, err)
	_, id := picture(10)
	for name, c := range map[string]wire.Chunk{
		"a path for a name":  {Kiosk: "../../etc", Blob: id, Size: 10, Data: []byte("x")},
		"a path for a blob":  {Kiosk: "k", Blob: "../../../../etc/passwd", Size: 10, Data: []byte("x")},
		"larger than a blob": {Kiosk: "k", Blob: id, Size: wire.MaxBlob + 1, Data: []byte("x")},
		"behind the end":     {Kiosk: "k", Blob: id, Size: 10, Offset: 10, Data: []byte("x")},
		"before the start":   {Kiosk: "k", Blob: id, Size: 10, Offset: -1, Data: []byte("x")},
	} {
		_, _, err := shelf.Append(c)
		require.Error(t, err, name)
	}
}

// Two processes bring the same picture of one kiosk: a courier's import, and the line.
func TestTwoProcessesMayBringTheSamePicture(t *testing.T) {
	dir := t.TempDir()
	for round := range 20 {
		b := bytes.Repeat([]byte{byte(round)}, 200_000)
		sum := sha256.Sum256(b)
		id, size := hex.EncodeToString(sum[:]), int64(len(b))
		failed := make(chan error, 2)
		for range 2 {
			go func() {
				shelf, err := blobs.Open(dir)
				for have, done := int64(0), false; err == nil && !done; {
					have, done, err = shelf.Append(wire.Chunk{Kiosk: "k", Blob: id, Size: size, Offset: have, Data: b[have:min(size, have+1000)]})
				}
				failed <- err
			}()
		}
		require.NoError(t, <-failed)
		require.NoError(t, <-failed)
		shelf, err := blobs.Open(dir)
		require.NoError(t, err)
		got, err := shelf.Read(id)
		require.NoError(t, err)
		require.Equal(t, b, got)
	}
}

func TestAPictureThatIsDoneOutlastsAPowerCut(t *testing.T) {
	at, cut := powerlosstest.Mount(t)
	dir := filepath.Join(at, "centre", "blobs")
	for seed := range uint64(3) {
		s, err := blobs.Open(dir)
		require.NoError(t, err)
		data := bytes.Repeat([]byte{byte(seed)}, 9000)
		sum := sha256.Sum256(data)
		id := hex.EncodeToString(sum[:])
		for at := 0; at < len(data); at += 3000 {
			_, done, err := s.Append(wire.Chunk{Version: wire.Version, Kiosk: "k1", Blob: id, Size: int64(len(data)), Offset: int64(at), Data: data[at : at+3000]})
			require.NoError(t, err)
			require.Equal(t, at == 6000, done)
		}
		cut(powerloss.None, seed)
		got, err := s.Read(id)
		require.NoError(t, err)
		require.Equal(t, data, got)
	}
}
