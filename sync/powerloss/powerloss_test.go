package powerloss_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	_ "github.com/mattn/go-sqlite3"
	"github.com/stretchr/testify/require"

	"vestibule/sync/powerloss"
	"vestibule/sync/powerloss/powerlosstest"
)

func put(t *testing.T, path, text string, synced bool) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	if synced {
		require.NoError(t, f.Sync())
	}
	require.NoError(t, f.Close())
}

func syncFolder(t *testing.T, path string) {
	t.Helper()
	d, err := os.Open(path)
	require.NoError(t, err)
	require.NoError(t, d.Sync())
	require.NoError(t, d.Close())
}

func TestACutLeavesWhatWasSyncedAndNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(t *testing.T, dir string)
		want map[string]string // path: content; "/" for a folder
	}{
		"a file that was not synced is gone": {
			func(t *testing.T, dir string) { put(t, filepath.Join(dir, "a"), "x", false) }, map[string]string{},
		},
		"a synced file in a folder that was not is gone": {
			func(t *testing.T, dir string) { put(t, filepath.Join(dir, "a"), "x", true) }, map[string]string{},
		},
		"a file that was not synced in a folder that was is empty": {
			func(t *testing.T, dir string) {
				put(t, filepath.Join(dir, "a"), "x", false)
				syncFolder(t, dir)
			}, map[string]string{"a": ""},
		},
		"a synced file in a synced folder is there": {
			func(t *testing.T, dir string) {
				put(t, filepath.Join(dir, "a"), "x", true)
				syncFolder(t, dir)
			}, map[string]string{"a": "x"},
		},
		"a synced folder in one that was not is gone with what is in it": {
			func(t *testing.T, dir string) {
				require.NoError(t, os.Mkdir(filepath.Join(dir, "b"), 0o700))
				put(t, filepath.Join(dir, "b", "a"), "x", true)
				syncFolder(t, filepath.Join(dir, "b"))
			}, map[string]string{},
		},
		"what was written after the sync is gone, and what was overwritten is back": {
			func(t *testing.T, dir string) {
				put(t, filepath.Join(dir, "a"), "one two", true)
				syncFolder(t, dir)
				f, err := os.OpenFile(filepath.Join(dir, "a"), os.O_RDWR, 0)
				require.NoError(t, err)
				_, err = f.WriteAt([]byte("TWO and more"), 4)
				require.NoError(t, err)
				require.NoError(t, f.Close())
			}, map[string]string{"a": "one two"},
		},
		"a truncation that was not synced is undone": {
			func(t *testing.T, dir string) {
				put(t, filepath.Join(dir, "a"), "long", true)
				syncFolder(t, dir)
				require.NoError(t, os.Truncate(filepath.Join(dir, "a"), 1))
			}, map[string]string{"a": "long"},
		},
		"a rename without a sync of the folder is undone": {
			func(t *testing.T, dir string) {
				put(t, filepath.Join(dir, "a"), "old", true)
				put(t, filepath.Join(dir, "new"), "new", true)
				syncFolder(t, dir)
				require.NoError(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "a")))
			}, map[string]string{"a": "old", "new": "new"},
		},
		"a rename with a sync of the folder holds": {
			func(t *testing.T, dir string) {
				put(t, filepath.Join(dir, "a"), "old", true)
				put(t, filepath.Join(dir, "new"), "new", true)
				syncFolder(t, dir)
				require.NoError(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "a")))
				syncFolder(t, dir)
			}, map[string]string{"a": "new"},
		},
		"a rename into another folder holds on both sides when that one is synced": {
			func(t *testing.T, dir string) {
				require.NoError(t, os.Mkdir(filepath.Join(dir, "b"), 0o700))
				syncFolder(t, dir)
				put(t, filepath.Join(dir, "a"), "x", true)
				require.NoError(t, os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b", "a")))
				syncFolder(t, filepath.Join(dir, "b"))
				syncFolder(t, dir) // the making of a in this folder, which the rename has overtaken
			}, map[string]string{"b": "/", "b/a": "x"},
		},
		"a removal without a sync of the folder is undone": {
			func(t *testing.T, dir string) {
				put(t, filepath.Join(dir, "a"), "x", true)
				syncFolder(t, dir)
				require.NoError(t, os.Remove(filepath.Join(dir, "a")))
			}, map[string]string{"a": "x"},
		},
		"a removal with a sync of the folder holds": {
			func(t *testing.T, dir string) {
				put(t, filepath.Join(dir, "a"), "x", true)
				syncFolder(t, dir)
				require.NoError(t, os.Remove(filepath.Join(dir, "a")))
				syncFolder(t, dir)
			}, map[string]string{},
		},
		"a second name holds like the first": {
			func(t *testing.T, dir string) {
				put(t, filepath.Join(dir, "a"), "x", true)
				require.NoError(t, os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "b")))
				syncFolder(t, dir)
				require.NoError(t, os.Remove(filepath.Join(dir, "a")))
			}, map[string]string{"a": "x", "b": "x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, cut := powerlosstest.Mount(t)
			c.do(t, dir)
			for range 2 { // a second cut takes nothing more
				cut(powerloss.None, 1)
				got := map[string]string{}
				require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
					require.NoError(t, err)
					rel, err := filepath.Rel(dir, path)
					if rel == "." || err != nil {
						return err
					}
					if d.IsDir() {
						got[rel] = "/"
						return nil
					}
					b, err := os.ReadFile(path)
					got[rel] = string(b)
					return err
				}))
				require.Equal(t, c.want, got)
			}
		})
	}
}

func TestACutWithMercyLeavesPagesThatWereWrittenAndNeverTouchesWhatWasSynced(t *testing.T) {
	for mercy, mixed := range map[powerloss.Mercy]bool{powerloss.Pages: false, powerloss.Sectors: true} {
		t.Run(mercy.String(), func(t *testing.T) {
			dir, cut := powerlosstest.Mount(t)
			path := filepath.Join(dir, "a")
			const pages, page = 16, 4096
			put(t, path, string(bytes.Repeat([]byte("o"), pages*page)), true)
			put(t, filepath.Join(dir, "steady"), "x", true)
			syncFolder(t, dir)
			var old, fresh, torn int
			for seed := range uint64(8) {
				f, err := os.OpenFile(path, os.O_RDWR, 0)
				require.NoError(t, err)
				_, err = f.Write(bytes.Repeat([]byte("o"), pages*page))
				require.NoError(t, err)
				require.NoError(t, f.Sync())
				_, err = f.WriteAt(bytes.Repeat([]byte("n"), pages*page), 0)
				require.NoError(t, err)
				require.NoError(t, f.Close())
				cut(mercy, seed)
				b, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Len(t, b, pages*page)
				for i := range pages {
					switch n := bytes.Count(b[i*page:(i+1)*page], []byte("n")); n {
					case 0:
						old++
					case page:
						fresh++
					default:
						torn++
						require.Zero(t, n%512, "sectors are whole")
					}
				}
				b, err = os.ReadFile(filepath.Join(dir, "steady"))
				require.NoError(t, err)
				require.Equal(t, "x", string(b))
			}
			require.NotZero(t, old)
			require.NotZero(t, fresh)
			require.Equal(t, mixed, torn > 0, "%d torn", torn)
		})
	}
}

func TestTheSameSeedLeavesTheSame(t *testing.T) {
	left := func() (all string) {
		dir, cut := powerlosstest.Mount(t)
		for i := range 20 {
			put(t, filepath.Join(dir, fmt.Sprint(i)), string(bytes.Repeat([]byte{byte('a' + i)}, 9000)), i%3 == 0)
		}
		cut(powerloss.Sectors, 5)
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
			all += e.Name() + string(b)
		}
		return all
	}
	require.Equal(t, left(), left())
}

func TestADiskThatIsFullTakesNothingAndTakesAgainWhenThereIsRoom(t *testing.T) {
	dir, cut := powerlosstest.Mount(t, powerloss.Limit(1<<20))
	put(t, filepath.Join(dir, "steady"), "x", true)
	syncFolder(t, dir)
	f, err := os.Create(filepath.Join(dir, "ballast"))
	require.NoError(t, err)
	var n int
	for err == nil {
		var k int
		k, err = f.Write(make([]byte, 64<<10))
		n += k
	}
	require.ErrorContains(t, err, "no space left")
	require.Greater(t, n, 900<<10)
	require.NoError(t, f.Close())
	require.NoError(t, os.Remove(filepath.Join(dir, "ballast")))
	put(t, filepath.Join(dir, "again"), string(make([]byte, 900<<10)), false)
	cut(powerloss.None, 1)
	put(t, filepath.Join(dir, "again"), string(make([]byte, 900<<10)), false)
}

// SQLite's log and its memory map work on the disk, and what it says of synchronous is so: FULL keeps every
// commit, OFF none; and whatever a cut tears, what FULL had committed is there and the file is sound.
func TestADatabaseKeepsWhatItCommittedWhenItSyncsAndLosesItWhenItDoesNot(t *testing.T) {
	for _, c := range []struct {
		synchronous, deaf string
		kept              bool
	}{{"FULL", "", true}, {"OFF", "", false}, {"FULL", "a.db*", false}} {
		for mercy := powerloss.None; mercy <= powerloss.Sectors; mercy++ {
			if !c.kept && mercy != powerloss.None {
				continue // it may be lucky
			}
			t.Run(c.synchronous+c.deaf+" "+mercy.String(), func(t *testing.T) {
				powerlosstest.Need(t)
				dir := t.TempDir()
				power, err := powerloss.Open(dir, powerloss.New(powerloss.Deaf(c.deaf)))
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, power.Close()) })
				path := filepath.Join(dir, "a.db")
				const each = 40
				for round := 1; round <= 6; round++ {
					writer := exec.Command(os.Args[0], "write", path, c.synchronous, fmt.Sprint(each))
					out, err := writer.StdoutPipe()
					require.NoError(t, err)
					require.NoError(t, writer.Start())
					said, err := bufio.NewReader(out).ReadString('\n')
					require.NoError(t, err)
					require.Equal(t, "committed\n", said)
					power.Freeze()
					require.NoError(t, writer.Process.Kill())
					power.Release()
					require.Error(t, writer.Wait(), "it was killed")
					require.NoError(t, power.Cut(mercy, uint64(round)))
					var n int
					var sound string
					db, err := sql.Open("sqlite3", "file:"+path)
					require.NoError(t, err)
					err = errors.Join(db.QueryRow(`SELECT count(*) FROM t`).Scan(&n), db.QueryRow(`PRAGMA integrity_check`).Scan(&sound))
					require.NoError(t, db.Close())
					if !c.kept {
						require.True(t, err != nil || n < each, "%d rows", n)
						return
					}
					require.NoError(t, err)
					require.Equal(t, each*round, n)
					require.Equal(t, "ok", sound)
				}
			})
		}
	}
}

func TestMain(m *testing.M) {
	if len(os.Args) == 5 && os.Args[1] == "write" {
		fmt.Fprintln(os.Stderr, write(os.Args[2], os.Args[3], os.Args[4]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// write commits rows, says so, and is in the middle of another transaction until it is killed.
func write(path, synchronous, rows string) error {
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous="+synchronous)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	n, err := strconv.Atoi(rows)
	if err != nil {
		return err
	}
	if _, err := db.Exec(`CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, b BLOB)`); err != nil {
		return err
	}
	for range n {
		if _, err := db.Exec(`INSERT INTO t (b) VALUES (randomblob(3000))`); err != nil {
			return err
		}
	}
	if _, err := db.Exec(`PRAGMA cache_size=10; BEGIN; INSERT INTO t (b) VALUES (randomblob(300000))`); err != nil {
		return err
	}
	fmt.Println("committed")
	select {}
}
