package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vestibule/journey"
	"vestibule/kiosk-ui/branch"
	"vestibule/kiosk-ui/child"
	"vestibule/sync/wire"
)

// place is a network namespace: processes in it reach each other, and others over what is laid between.
type place struct{ name string }

func newPlace(t *testing.T, name string) place {
	t.Helper()
	if _, err := child.Run(t.Context(), "", "ip", "netns", "add", name); err != nil {
		const why = "no network namespace can be made (needs root and iproute2), so a branch without a line cannot be tried"
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s: %v", why, err)
		}
		t.Skipf("%s: %v", why, err)
	}
	t.Cleanup(func() { _, _ = child.Run(context.Background(), "", "ip", "netns", "del", name) })
	p := place{name}
	p.ip(t, "link", "set", "lo", "up")
	return p
}

// ip runs Debian's ip inside.
func (p place) ip(t *testing.T, args ...string) {
	t.Helper()
	_, err := child.Run(t.Context(), "", "ip", append([]string{"-n", p.name}, args...)...)
	require.NoError(t, err)
}

func (p place) argv(argv ...string) []string {
	return append([]string{"ip", "netns", "exec", p.name}, argv...)
}

// answers tells whether something listens at an address inside.
func (p place) answers(addr string) bool {
	// One thread goes inside and comes back. It must not end: what it had started would end with it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return false
	}
	defer out.Close()
	in, err := os.Open(filepath.Join("/var/run/netns", p.name))
	if err != nil {
		return false
	}
	defer in.Close()
	if unix.Setns(int(in.Fd()), unix.CLONE_NEWNET) != nil {
		return false
	}
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err == nil {
		c.Close()
	}
	if back := unix.Setns(int(out.Fd()), unix.CLONE_NEWNET); back != nil {
		panic(back) // everything after this would happen in the wrong place
	}
	return err == nil
}

// office is a world whose kiosks stand behind a branch's box, and whose centre is elsewhere.
type office struct {
	*world
	here, there place
	box, view   *child.Process
	pipe        *child.Process // the centre's broker, where it is another program
	boxDir      string
	viewDir     string
}

const (
	centreHost = "10.77.0.1"
	branchHost = "10.77.0.2"
	boxAddr    = "127.0.0.1:8883"
)

// rooted lets a Mosquitto that root starts read what is ours.
func rooted(t *testing.T, conf string, replace ...string) string {
	t.Helper()
	b, err := os.ReadFile(conf)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(conf, []byte(strings.NewReplacer(replace...).Replace(string(b))+"user root\n"), 0o600))
	return conf
}

func (o *office) must(t *testing.T, name string, args ...string) {
	t.Helper()
	_, err := o.tool(t.Context(), "", name, args...)
	require.NoError(t, err)
}

func (o *office) run(t *testing.T, p place, name, ready string, argv ...string) *child.Process {
	t.Helper()
	c, err := child.Start(filepath.Join(o.dir, "logs"), name, []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin"}, p.argv(argv...)...)
	require.NoError(t, err)
	t.Cleanup(c.Kill)
	if ready != "" {
		require.NoError(t, c.Until(t.Context(), 20*time.Second, func() bool { return p.answers(ready) }))
	}
	return c
}

func (o *office) startBox(t *testing.T) {
	o.box = o.run(t, o.here, "box", boxAddr, "mosquitto", "-c", filepath.Join(o.boxDir, "mosquitto.conf"))
}

// look is what the view has seen, as `kiosk-ui branch -json` tells it.
func (o *office) look(t *testing.T) branch.Snapshot {
	t.Helper()
	text, err := o.tool(t.Context(), "", "kiosk-ui", "branch", "-data", o.viewDir, "-json")
	require.NoError(t, err)
	var s branch.Snapshot
	require.NoError(t, json.Unmarshal([]byte(text), &s))
	slices.SortFunc(s.Kiosks, func(a, b branch.Kiosk) int { return strings.Compare(a.Name, b.Name) })
	return s
}

func (o *office) seen(t *testing.T, what string, cond func(branch.Snapshot) bool) {
	t.Helper()
	var last branch.Snapshot
	err := child.WaitFor(t.Context(), 20*time.Second, func() (bool, error) {
		last = o.look(t)
		return cond(last), nil
	}, "the view does not show %s", what)
	text, _ := json.Marshal(last)
	require.NoError(t, err, "%s", text)
}

// openOffice makes two places with a line between them that is down, and starts everything.
func openOffice(t *testing.T, bin, broker string) *office {
	id := fmt.Sprintf("vb%d%s", os.Getpid(), broker[:1])
	o := &office{world: &world{options: options{bin: bin, broker: broker, kiosks: 2}, dir: t.TempDir()}}
	o.there, o.here = newPlace(t, id+"c"), newPlace(t, id+"b")
	o.boxDir, o.viewDir = filepath.Join(o.dir, "box"), filepath.Join(o.dir, "view")
	o.there.ip(t, "link", "add", "name", "lan", "type", "veth", "peer", "name", "wan", "netns", o.here.name)
	o.there.ip(t, "addr", "add", centreHost+"/24", "dev", "lan")
	o.there.ip(t, "link", "set", "lan", "up")
	o.here.ip(t, "addr", "add", branchHost+"/24", "dev", "wan") // and stays down

	data := filepath.Join(o.dir, "centre")
	o.centre = &centre{data: data, logs: filepath.Join(o.dir, "logs")}
	require.NoError(t, os.Mkdir(o.centre.logs, 0o700))
	o.must(t, "server", "init", "--data", data, "--hosts", centreHost)
	policy, err := json.Marshal(chaosPolicy())
	require.NoError(t, err)
	file := filepath.Join(o.dir, "policy.json")
	require.NoError(t, os.WriteFile(file, policy, 0o600))
	o.must(t, "server", "policy", "apply", "--data", data, file)
	for i := range o.options.kiosks {
		name := fmt.Sprintf("k%d", i+1)
		dir := filepath.Join(o.dir, name)
		k := &station{name: name, dir: dir, data: filepath.Join(dir, "data"), bundle: filepath.Join(dir, "bundle"), logs: o.centre.logs}
		require.NoError(t, os.MkdirAll(k.data, 0o700))
		o.must(t, "server", "kiosk", "add", "--data", data, "--name", name, "--country", "UTO", "--broker", boxAddr, "--branch", "hall", "--out", k.bundle)
		self, err := os.Executable()
		require.NoError(t, err)
		k.argv = o.here.argv(self, "kiosk", "-dir", dir, "-data", k.data, "-bundle", k.bundle)
		o.kiosks = append(o.kiosks, k)
	}
	centreAddr := centreHost + ":8883"
	o.must(t, "server", "broker", "bridge", "--data", data, "--branch", "hall", "--centre", centreAddr, "--listen", boxAddr, "--hosts", "127.0.0.1", "--out", o.boxDir)
	rooted(t, filepath.Join(o.boxDir, "mosquitto.conf"), "restart_timeout 2 30", "restart_timeout 1 2", "keepalive_interval 30", "keepalive_interval 5")

	serve := []string{filepath.Join(bin, "server"), "serve", "--data", data, "--http", "127.0.0.1:8080", "--vision=false"}
	if broker == mosquitto {
		dir := filepath.Join(o.dir, "broker")
		o.must(t, "server", "broker", "mosquitto", "--data", data, "--out", dir, "--listen", centreAddr, "--hosts", centreHost)
		o.pipe = o.run(t, o.there, "broker", centreAddr, "mosquitto", "-c", rooted(t, filepath.Join(dir, "mosquitto.conf")))
		serve = append(serve, "--broker", centreAddr)
	} else {
		serve = append(serve, "--mqtt", centreAddr)
	}
	o.centre.server = o.run(t, o.there, "server", "127.0.0.1:8080", serve...)
	o.startBox(t)
	o.view = o.run(t, o.here, "view", "127.0.0.1:8090", filepath.Join(bin, "kiosk-ui"), "branch", "-identity", filepath.Join(o.boxDir, "viewer"), "-data", o.viewDir)
	for _, k := range o.kiosks {
		require.NoError(t, k.start(t.Context()))
		t.Cleanup(func() { k.process.Kill() })
	}
	return o
}

// told checks that the view shows of each kiosk exactly what lies in the kiosk's own database.
func (o *office) told(t *testing.T, s branch.Snapshot) (visits, decisions int, err error) {
	for i, k := range o.kiosks {
		db, err := k.db()
		require.NoError(t, err)
		defer db.Close()
		shown := s.Kiosks[i]
		waits, err := count(t.Context(), db, `SELECT count(*) FROM outbox_record`)
		require.NoError(t, err)
		pictures, err := count(t.Context(), db, `SELECT count(*) FROM outbox_blob`)
		require.NoError(t, err)
		if shown.Waiting.Records != waits || shown.Waiting.Pictures != pictures {
			return 0, 0, fmt.Errorf("%s: %d records and %d pictures wait, %d and %d are shown", k.name, waits, pictures, shown.Waiting.Records, shown.Waiting.Pictures)
		}
		rows, err := list(t.Context(), db, `SELECT session, body FROM event WHERE session <> '' ORDER BY session, seq`)
		require.NoError(t, err)
		events := map[string][]journey.Event{}
		for _, r := range rows {
			var e journey.Event
			require.NoError(t, wire.Unmarshal(r.body, &e))
			events[r.id] = append(events[r.id], e)
		}
		if len(events) != len(shown.Visits) {
			return 0, 0, fmt.Errorf("%s: %d journeys, %d are shown", k.name, len(events), len(shown.Visits))
		}
		for _, v := range shown.Visits {
			j := journey.Summarise(events[v.Session], time.Time{}, 0)
			if v.Status != string(j.Status) || v.Segment != string(j.Segment) || v.Path != j.Path || v.Events != j.Events || v.Submission != j.Submission {
				return 0, 0, fmt.Errorf("%s: a journey is shown as %+v and is %+v", k.name, v, j)
			}
			var verdict []byte
			var want journey.Verdict
			if db.QueryRowContext(t.Context(), `SELECT body FROM verdict WHERE session = ? ORDER BY received DESC, event DESC LIMIT 1`, v.Session).Scan(&verdict) == nil {
				require.NoError(t, wire.Unmarshal(verdict, &want))
				decisions++
			}
			if v.Decision != string(want.Decision) || v.Reason != string(want.Reason) {
				return 0, 0, fmt.Errorf("%s: the decision is shown as %s, and is %s", k.name, v.Decision, want.Decision)
			}
		}
		visits += len(shown.Visits)
	}
	return visits, decisions, nil
}

// right waits until the view shows exactly what lies at the kiosks, which are at rest.
func (o *office) right(t *testing.T) (visits, decisions int) {
	t.Helper()
	var last error
	err := child.WaitFor(t.Context(), 20*time.Second, func() (bool, error) {
		visits, decisions, last = o.told(t, o.look(t))
		return last == nil, nil
	}, "the view is not right")
	require.NoError(t, err, "%v", last)
	return visits, decisions
}

func all(s branch.Snapshot, presence string) bool {
	return len(s.Kiosks) == 2 && !slices.ContainsFunc(s.Kiosks, func(k branch.Kiosk) bool { return k.Presence != presence || k.Doubt != "" })
}

// onlineAt is who is there, as the centre's database says.
func (o *office) onlineAt(t *testing.T, want string) {
	t.Helper()
	c, err := o.centreDB()
	require.NoError(t, err)
	defer c.Close()
	var got []string
	err = child.WaitFor(t.Context(), 20*time.Second, func() (bool, error) {
		rows, err := list(t.Context(), c, `SELECT id, '' FROM kiosk WHERE online = 1 ORDER BY id`)
		got = got[:0]
		for _, r := range rows {
			got = append(got, r.id)
		}
		return strings.Join(got, " ") == want, err
	}, "on line at the centre should be %q", want)
	require.NoError(t, err, "and are %v", got)
}

// TestABranchWithoutALineLosesNothing lets people visit kiosks behind a branch's box whose line is cut from the first moment,
// has the box lose its queue, heals the line, and compares both sides' databases; the branch's view is held against the
// kiosks' databases before and after.
func TestABranchWithoutALineLosesNothing(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	bin := filepath.Join(root, "build", "bin")
	for _, name := range []string{"kiosk-ui", "server"} {
		_, err := os.ReadFile(filepath.Join(bin, name)) // an input of this test, for the test cache
		require.NoError(t, err, "`make build` makes the programs")
	}
	for _, broker := range []string{embedded, mosquitto} {
		t.Run("the centre's broker is "+broker, func(t *testing.T) {
			t.Parallel()
			o := openOffice(t, bin, broker)
			ctx := t.Context()
			o.seen(t, "both kiosks without a line", func(s branch.Snapshot) bool {
				return all(s, branch.Online) && s.Box.State == "up" && s.Centre.State == "down"
			})
			pause(ctx, 4*time.Second)
			// The box loses power and what it held.
			o.box.Kill()
			_ = os.Remove(filepath.Join(o.boxDir, "queue.db"))
			pause(ctx, time.Second)
			o.startBox(t)
			pause(ctx, 2*time.Second)
			for _, k := range o.kiosks {
				require.NoError(t, k.steer(holdFile, "1"))
			}
			require.NoError(t, child.WaitFor(ctx, 30*time.Second, func() (bool, error) {
				for _, k := range o.kiosks {
					if _, err := os.Stat(filepath.Join(k.dir, idleFile)); err != nil {
						return false, nil
					}
				}
				return true, nil
			}, "a kiosk did not come to rest"))
			o.seen(t, "both kiosks again", func(s branch.Snapshot) bool { return all(s, branch.Online) && s.Centre.State == "down" })
			visits, decisions := o.right(t)
			require.NotZero(t, visits, "somebody came")
			require.Zero(t, decisions)
			c, err := o.centreDB()
			require.NoError(t, err)
			defer c.Close()
			n, err := count(ctx, c, `SELECT count(*) FROM inbox`)
			require.NoError(t, err)
			require.Zero(t, n, "the line was down")

			o.here.ip(t, "link", "set", "wan", "up")
			_, err = o.drain(ctx)
			require.NoError(t, err)
			o.seen(t, "the line", func(s branch.Snapshot) bool { return all(s, branch.Online) && s.Centre.State == "up" })
			after, decisions := o.right(t)
			require.Equal(t, visits, after)
			require.NotZero(t, decisions, "decisions came down")

			// A kiosk is there when it is there, not when the box is.
			o.onlineAt(t, "k1 k2")
			o.here.ip(t, "link", "set", "wan", "down")
			o.onlineAt(t, "")
			o.here.ip(t, "link", "set", "wan", "up")
			o.onlineAt(t, "k1 k2")
			o.kiosks[0].process.Kill()
			o.onlineAt(t, "k2")
			o.seen(t, "that one is gone", func(s branch.Snapshot) bool {
				return s.Kiosks[0].Presence == branch.Offline && s.Kiosks[1].Presence == branch.Online
			})
			o.box.Kill()
			o.onlineAt(t, "")
			o.startBox(t)
			o.onlineAt(t, "k2")

			for _, k := range o.kiosks {
				k.process.Stop()
			}
			o.centre.server.Stop()
			got, err := o.compare(ctx)
			require.NoError(t, err)
			require.NotZero(t, got.pictures)
			t.Logf("%d journeys; compared: %d events, %d submissions, %d pictures, %d decisions", visits, got.events, got.submissions, got.pictures, got.decisions)
		})
	}
}
