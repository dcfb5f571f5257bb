package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARollOutIsRenewedByCommandWhereThereAreKiosksAndThePolicyWantsOne(t *testing.T) {
	for name, url := range map[string]func(*testing.T) string{
		"on SQLite":     func(*testing.T) string { return "" },
		"on PostgreSQL": func(t *testing.T) string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, db := t.TempDir(), url(t)
			data := filepath.Join(dir, "centre")
			run(t, "init", "-data", data, "-db", db)
			require.Empty(t, run(t, "advisory", "show", "-data", data, "-db", db))
			require.Contains(t, fails(t, "advisory", "renew", "-data", data, "-db", db), "project_unknown", "nobody is enrolled")
			run(t, "kiosk", "add", "-data", data, "-db", db, "-name", "hall-1", "-country", "UTO", "-broker", "localhost:8883", "-out", filepath.Join(dir, "bundle"))
			require.Contains(t, run(t, "advisory", "renew", "-data", data, "-db", db), "default")
			require.Contains(t, run(t, "advisory", "show", "-data", data, "-db", db), "being filled\t0 people, 0 to be added\t20 bits")
			require.Contains(t, run(t, "audit", "list", "-data", data, "-db", db), "advisory renew")

			policy := filepath.Join(dir, "policy.json")
			require.NoError(t, os.WriteFile(policy, []byte(`{"version":"off","duplicates":{"local":"off"}}`), 0o600))
			run(t, "policy", "apply", "-data", data, "-db", db, policy)
			require.Contains(t, fails(t, "advisory", "renew", "-data", data, "-db", db), "advisory_off")
			require.NoError(t, os.WriteFile(policy, []byte(`{"version":"bad","duplicates":{"local":"staff"}}`), 0o600))
			require.Contains(t, fails(t, "policy", "apply", "-data", data, "-db", db, policy), "local")
		})
	}
}
