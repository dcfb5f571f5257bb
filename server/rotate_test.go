package main

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// TestKeysAreRotatedWhileTheCentreRuns does so between visits, on both databases: old
// kiosks seal to the old key, new ones to the new one, and everything opens at any time.
func TestKeysAreRotatedWhileTheCentreRuns(t *testing.T) {
	for name, db := range map[string]func() string{
		"with SQLite":     func() string { return "" },
		"with PostgreSQL": func() string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			var logged lockedBuffer
			c := startCentre(t, db(), &logged, nil)
			args := []string{"-data", c.data, "-db", c.url}
			at := func(command ...string) string { return run(t, append(command, args...)...) }
			visit := func(k *kiosk, session, number string, face int) journey.Submission {
				s := kiosktest.Anna(k.bundle.Name, session, time.Now())
				s.Document.Number, s.Document.Person.FamilyName = number, "PERSON"+strings.ToUpper(session[2:])
				s.Face = &journey.FaceTemplate{Model: "m", Vector: unit(face)}
				k.visit(session, s)
				return s
			}
			key := func(kind, does string) string {
				for _, line := range strings.Split(at("key", "status"), "\n") {
					if f := strings.Split(line, "\t"); f[0] == kind && f[2] == does {
						return f[1]
					}
				}
				return ""
			}
			old := c.kiosk("old-1")
			first := visit(old, "s-first", "L0000001", 1)
			require.Equal(t, journey.Approved, old.verdict("s-first").Decision)
			oldData, oldSeal := key("data", "encrypts"), key("seal", "given to kiosks")

			newData := at("key", "rotate-data")
			newSeal := at("key", "rotate-seal")
			require.Equal(t, newData, key("data", "encrypts"))
			require.Equal(t, newSeal, key("seal", "given to kiosks"))
			require.Equal(t, http.StatusOK, status(c.base+"/readyz"))

			young := c.kiosk("new-1")
			require.Equal(t, newSeal, young.bundle.Seal.ID().String())
			require.Equal(t, oldSeal, old.bundle.Seal.ID().String())
			all := []journey.Submission{first, visit(old, "s-second", "L0000002", 2), visit(young, "s-third", "L0000003", 3)}
			require.Equal(t, journey.Approved, old.verdict("s-second").Decision)
			require.Equal(t, journey.Approved, young.verdict("s-third").Decision)

			// The same person again is found, by hashes and by a face that moved to the new key.
			again := kiosktest.Anna("new-1", "s-again", time.Now())
			again.Document, again.Face = first.Document, first.Face
			young.visit("s-again", again)
			require.Equal(t, journey.ReasonDuplicateUser, young.verdict("s-again").Reason)

			require.Eventually(t, func() bool {
				return strings.Contains(at("key", "status"), "data\t"+oldData+"\topens\t0 values")
			}, time.Minute, 200*time.Millisecond, "%s", at("key", "status"))
			for _, s := range all {
				got := ask(t, c.base+"/submission?submission_id="+s.ID, c.key)
				require.Equal(t, "approved", got["kyc"].(map[string]any)["result"])
			}
			require.NotContains(t, logged.String(), "reseal_unreadable")
			require.NotContains(t, logged.String(), `"why":"seal"`)
			require.Contains(t, at("key", "status"), "seal\t"+oldSeal+"\topens\t2 submissions")

			// In two steps, for several copies: made, and used later; old ids are known for ever.
			staged := at("key", "rotate-data", "-stage")
			require.Equal(t, newData, key("data", "encrypts"))
			at("key", "rotate-data", "-use", staged)
			require.Equal(t, staged, key("data", "encrypts"))
			at("key", "rotate-data", "-use", oldData)
			require.Equal(t, oldData, key("data", "encrypts"))
			staged = at("key", "rotate-seal", "-stage")
			require.Equal(t, newSeal, key("seal", "given to kiosks"))
			at("key", "rotate-seal", "-use", staged)
			require.Equal(t, staged, key("seal", "given to kiosks"))
			var out, errs bytes.Buffer
			require.Equal(t, exitFailed, command(append([]string{"key", "rotate-data", "-use", "0011223344556677"}, args...), &out, &errs))
			require.Contains(t, errs.String(), "key_unknown")
			require.Equal(t, exitFailed, command(append([]string{"key", "rotate-seal", "-use", "0011223344556677"}, args...), &out, &errs))

			// A restart finds all of it.
			c.stop()
			_, err := seal.ReadKeyring(c.data + "/" + folderSeal)
			require.NoError(t, err)
			_, found := diagnose(t, exitDone, append(args, "-vision=false", "-mqtt", "127.0.0.1:0", "-http", "127.0.0.1:0")...)
			require.Equal(t, fine, found["stored data"])
			require.Equal(t, fine, found["rotation"])
			require.Equal(t, fine, found["keys"])
		})
	}
}

// adopt takes the seal key that the centre ordered last, and says so, as an agent does before its next visit.
func (k *kiosk) adopt(id string) {
	k.t.Helper()
	var order wire.SealOrder
	var key *seal.PublicKey
	require.Eventually(k.t, func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.ordered) == 0 {
			return false
		}
		order = k.ordered[len(k.ordered)-1]
		var err error
		key, err = seal.ParsePublicFile(order.Key)
		require.NoError(k.t, err)
		return key.ID().String() == id
	}, time.Minute, 5*time.Millisecond, "no order for %s", id)
	k.bundle.Seal = key
	tx, err := k.db.Begin()
	require.NoError(k.t, err)
	e := journey.Event{
		ID: kiosktest.NewID(), Kiosk: k.bundle.Name, Seq: 1, Name: journey.KioskSealKeyApplied, Source: journey.BE, Origin: journey.OriginAgent,
		Result: journey.Pass, Impact: journey.ImpactNone, Started: time.Now(), Ended: time.Now(), Clock: journey.ClockTrusted,
		Detail: map[string]string{"key": id, "number": strconv.FormatUint(order.Number, 10)},
	}
	body, err := wire.Marshal(e)
	require.NoError(k.t, err)
	_, err = k.box.Append(context.Background(), tx, wire.KindEvent, e.ID, body)
	require.NoError(k.t, err)
	require.NoError(k.t, tx.Commit())
	k.up.Kick()
}

// TestASealKeyIsRetiredOnceNothingNeedsIt rotates to the other suite past a kiosk that is off line all the while, one whose
// bundle is older, and a courier's file.
func TestASealKeyIsRetiredOnceNothingNeedsIt(t *testing.T) {
	for name, db := range map[string]func() string{
		"with SQLite":     func() string { return "" },
		"with PostgreSQL": func() string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			c := startCentre(t, db(), io.Discard, nil)
			args := []string{"-data", c.data, "-db", c.url}
			at := func(command ...string) string { return run(t, append(command, args...)...) }
			person := func(k *kiosk, session, number string, face int) {
				s := kiosktest.Anna(k.bundle.Name, session, time.Now())
				s.Document.Number, s.Document.Person.FamilyName = number, "PERSON"+strings.ToUpper(session[2:])
				s.Face = &journey.FaceTemplate{Model: "m", Vector: unit(face)}
				k.visit(session, s)
			}
			refused := func(id string, why ...string) {
				t.Helper()
				var out, errs bytes.Buffer
				require.Equal(t, exitFailed, command(append(append([]string{"key", "retire-seal"}, args...), id), &out, &errs))
				for _, w := range why {
					require.Contains(t, errs.String(), w)
				}
			}
			add := func(name string) string {
				bundle := filepath.Join(t.TempDir(), "bundle")
				at("kiosk", "add", "-name", name, "-country", "UTO", "-broker", dialable(c.broker.Addr()), "-out", bundle)
				return bundle
			}
			on, away, earlier := c.kiosk("on-1"), offlineKiosk(t, add("away-1")), add("late-1")
			carried := offlineKiosk(t, add("stick-1"))
			old := on.bundle.Seal.ID().String()
			refused(old, "kiosks are given it")
			person(on, "s-a", "L0000001", 1)
			person(away, "s-b", "L0000002", 2)
			person(carried, "s-c", "L0000003", 3)
			file := carried.export(t.TempDir())
			require.Equal(t, journey.Approved, on.verdict("s-a").Decision)

			fresh := at("key", "rotate-seal", "-suite", "mlkem768x25519")
			on.adopt(fresh)
			require.Equal(t, seal.MLKEM768X25519, on.bundle.Seal.Suite())
			person(on, "s-d", "L0000004", 4)
			require.Equal(t, journey.Approved, on.verdict("s-d").Decision)
			refused(old, "key_needed", "3 kiosks may hold what is sealed to it: away-1, late-1, stick-1", "1 submissions")
			require.Contains(t, at("key", "status"), "kiosk\ton-1\t"+fresh)

			// The one that was off line brings what it sealed to the old key, and hears of the new one; so does the one whose
			// bundle was made before. The courier's file was written before too.
			t.Cleanup(away.connect())
			require.Equal(t, journey.Approved, away.verdict("s-b").Decision)
			late := newKiosk(t, earlier)
			require.Equal(t, old, late.bundle.Seal.ID().String())
			person(late, "s-e", "L0000005", 5)
			require.Equal(t, journey.Approved, late.verdict("s-e").Decision)
			require.Contains(t, run(t, append([]string{"courier", "import"}, append(args, file.Path)...)...), "4 records up to 4\t2 pictures\t0 incomplete")
			t.Cleanup(carried.connect())
			require.Equal(t, journey.Approved, carried.verdict("s-c").Decision)
			// A kiosk that is enrolled only now is given the new one at once, and told of it all the same.
			young := c.kiosk("young-1")
			require.Equal(t, fresh, young.bundle.Seal.ID().String())
			for _, k := range []*kiosk{away, late, carried, young} {
				k.adopt(fresh)
			}
			require.Eventually(t, func() bool { return strings.Count(at("key", "status"), "\t"+fresh+"\t\n") >= 4 }, time.Minute, 50*time.Millisecond)
			require.Eventually(t, func() bool {
				seals, err := c.store.Read().KioskSeals(t.Context())
				require.NoError(t, err)
				return len(seals) == 5
			}, time.Minute, 20*time.Millisecond)
			refused(old, "key_needed", "4 submissions and their pictures are sealed to it")

			// Once what was sealed to it is no longer kept, it goes.
			unseal(t, c, old)
			run(t, append(append([]string{"key", "retire-seal"}, args...), old)...)
			require.NotContains(t, at("key", "status"), "seal\t"+old)
			ring, err := seal.ReadKeyring(filepath.Join(c.data, folderSeal))
			require.NoError(t, err)
			require.Len(t, ring.IDs(), 1)
			refused(fresh, "kiosks are given it")
			refused(old, "key_unknown")
		})
	}
}

// unseal takes what was sealed to a key out of the database, as the end of the time that it is kept will.
func unseal(t *testing.T, c *centreForTests, key string) {
	t.Helper()
	driver, dsn, id := "sqlite3", filepath.Join(c.data, store.SQLiteFile), "hex(substr(sealed, 2, 8))"
	if c.url != "" {
		driver, dsn, id = "pgx", c.url, "encode(substr(sealed, 2, 8), 'hex')"
	}
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec("DELETE FROM near_key WHERE submission IN (SELECT id FROM submission WHERE lower(" + id + ") = '" + key + "')")
	require.NoError(t, err)
	_, err = db.Exec("DELETE FROM submission WHERE lower(" + id + ") = '" + key + "'")
	require.NoError(t, err)
}

// TestKeysOfBeforeARotationAreFoundOut restores what an old backup holds of the seal keys: the doctor says what is missing,
// and another rotation brings the kiosks to a key that is here.
func TestKeysOfBeforeARotationAreFoundOut(t *testing.T) {
	c := startCentre(t, "", io.Discard, nil)
	k := c.kiosk("hall-1")
	folder := filepath.Join(c.data, folderSeal)
	backup := filepath.Join(t.TempDir(), "seal")
	require.NoError(t, os.CopyFS(backup, os.DirFS(folder)))
	fresh := run(t, "key", "rotate-seal", "-data", c.data)
	k.adopt(fresh)
	k.visit("s-anna", kiosktest.Anna("hall-1", "s-anna", time.Now()))
	require.Equal(t, journey.Approved, k.verdict("s-anna").Decision)
	before, err := c.store.Read().LatestSealOrder(t.Context())
	require.NoError(t, err)
	now := filepath.Join(t.TempDir(), "now")
	require.NoError(t, os.Rename(folder, now))
	require.NoError(t, os.CopyFS(folder, os.DirFS(backup)))
	require.NoError(t, os.Chmod(folder, 0o700))
	for _, n := range []string{sealName + ".key", sealName + ".pub"} {
		require.NoError(t, os.Chmod(filepath.Join(folder, n), 0o600))
	}
	args := []string{"-data", c.data, "-vision=false", "-mqtt", "127.0.0.1:0", "-http", "127.0.0.1:0"}
	_, found := diagnose(t, exitFailed, args...)
	require.Equal(t, critical, found["rotation seal_lost"])
	require.Equal(t, critical, found["rotation seal_missing"])
	// The running centre holds the key still; one that starts now would not.
	next := run(t, "key", "rotate-seal", "-data", c.data)
	k.adopt(next)
	after, err := c.store.Read().LatestSealOrder(t.Context())
	require.NoError(t, err)
	require.Greater(t, after.Number, before.Number)
	// With the file back everything opens again.
	text, err := os.ReadFile(filepath.Join(now, fresh+".key"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, fresh+".key"), text, 0o600))
	_, found = diagnose(t, exitDone, args...)
	require.Equal(t, fine, found["rotation"])
}
