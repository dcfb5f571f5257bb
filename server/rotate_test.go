package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/kiosktest"
	"vestibule/sync/seal"
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
			require.Equal(t, fine, found["keys"])
		})
	}
}
