package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	part() // of a schedule: this program started itself
	os.Exit(m.Run())
}

// schedules is how many are run for each broker here; `make chaos N=1000` runs more.
const schedules = 10

// TestNothingIsLostWhateverHappensToRealProcesses runs schedules of kills, cuts, full disks and wrong clocks over
// the real programs, and compares both sides' databases.
func TestNothingIsLostWhateverHappensToRealProcesses(t *testing.T) {
	bin := programs(t)
	for _, broker := range []string{embedded, mosquitto} {
		t.Run(broker, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
			defer cancel()
			for seed := uint64(1); seed <= schedules; seed++ {
				w := &world{options: options{bin: bin, broker: broker, kiosks: 3}, dir: filepath.Join(t.TempDir(), "world"), seed: seed}
				got, err := w.schedule(ctx)
				require.NoError(t, err, "seed %d: %s", seed, w.told())
				require.NotZero(t, got.events, "seed %d: nobody came", seed)
			}
		})
	}
}

// programs gives the folder of the real programs.
func programs(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	bin := filepath.Join(root, "build", "bin")
	for _, name := range []string{"kiosk-ui", "server"} {
		_, err := os.ReadFile(filepath.Join(bin, name)) // an input of this test, for the test cache
		require.NoError(t, err, "`make build` makes the programs")
	}
	return bin
}

func TestWhatIsLostPhantomTwiceOrOutOfOrderIsSeen(t *testing.T) {
	equal := func(a, b []byte) bool { return string(a) == string(b) }
	rows := func(ids string) (out []row) {
		for _, c := range ids {
			out = append(out, row{string(c), []byte{byte(c)}})
		}
		return out
	}
	require.NoError(t, same("event", rows("abc"), rows("abc"), equal))
	for came, want := range map[string]string{
		"ab": "1 lost", "abcd": "1 phantom", "abcc": "1 twice", "acb": "out of order", "": "3 lost",
	} {
		require.ErrorContains(t, same("event", rows("abc"), rows(came), equal), want, came)
	}
	altered := rows("abc")
	altered[1].body = []byte("x")
	require.ErrorContains(t, same("event", rows("abc"), altered, equal), "altered")
}
