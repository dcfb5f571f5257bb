package backup_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/backup"
)

func keys(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := backup.NewKeysWriter(&b, backup.KeysHead{Centre: "c", Release: "1", Made: time.Unix(1e9, 0).UTC()})
	require.NoError(t, err)
	for _, l := range []backup.KeysLine{
		{Key: &backup.Key{Subject: "s1", Kind: journey.DataFace, Secret: bytes.Repeat([]byte{7}, 32)}},
		{Erased: &backup.Erased{Submission: "s2", Kind: journey.DataPersonal, Kiosk: "k", At: time.Unix(1e9, 0).UTC(), Why: "person-asked"}},
		{Blob: &backup.Blob{Blob: "ab", Submission: "s2", Kiosk: "k"}},
		{Record: &backup.Record{Kiosk: "k", Epoch: "e", Seq: 3, Submission: "s2", Hash: []byte{1}, Mark: "m"}},
	} {
		require.NoError(t, w.Add(l))
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestAKeysFileIsReadAsItWasWritten(t *testing.T) {
	var lines []backup.KeysLine
	head, err := backup.ReadKeys(bytes.NewReader(keys(t)), func(l backup.KeysLine) error {
		lines = append(lines, l)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, "c", head.Centre)
	require.Len(t, lines, 4)
	require.Equal(t, bytes.Repeat([]byte{7}, 32), lines[0].Key.Secret)
	require.EqualValues(t, 3, lines[3].Record.Seq)
}

func TestAKeysFileThatIsCutOrAlteredIsRefused(t *testing.T) {
	whole := keys(t)
	for n := range len(whole) - 1 { // the last line's end is no content
		_, err := backup.ReadKeys(bytes.NewReader(whole[:n]), nil)
		require.Error(t, err, "cut to %d", n)
	}
	for i := range len(whole) - 1 {
		bad := bytes.Clone(whole)
		bad[i] ^= 1
		_, err := backup.ReadKeys(bytes.NewReader(bad), nil)
		require.Error(t, err, "byte %d", i)
	}
	_, err := backup.ReadKeys(bytes.NewReader(append(bytes.Clone(whole), "{}\n"...)), nil)
	require.ErrorIs(t, err, backup.ErrKeys)
}

func FuzzReadKeys(f *testing.F) {
	f.Add(keys(f))
	f.Add([]byte("{\"version\":1}\n{\"key\":{}}\n"))
	f.Add([]byte("{\"version\":9}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		if _, err := backup.ReadKeys(bytes.NewReader(b), func(l backup.KeysLine) error {
			n++
			if l.Key != nil {
				require.Len(t, l.Key.Secret, 32)
			}
			return nil
		}); err == nil {
			require.LessOrEqual(t, n, len(b))
		}
	})
}
