package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/sync/identity"
	"vestibule/sync/link"
	"vestibule/sync/outbox"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

var (
	cluster storetest.Cluster
	vectors storetest.Vectors
)

// tests lets the cluster stop after the scripts, which end the process themselves.
type tests struct{ m *testing.M }

func (t tests) Run() int {
	defer vectors.Stop()
	return storetest.Main(t.m, &cluster)
}

func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){
		"server": func() { os.Exit(command(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("VESTIBULE_DATA", "")
			e.Setenv("VESTIBULE_DB", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// taken HOST VAR holds a port for the rest of the script.
			"taken": func(ts *testscript.TestScript, _ bool, args []string) {
				l, err := net.Listen("tcp", args[0]+":0")
				ts.Check(err)
				ts.Defer(func() { _ = l.Close() })
				_, port, err := net.SplitHostPort(l.Addr().String())
				ts.Check(err)
				ts.Setenv(args[1], port)
			},
			// noted VAR keeps the head that verify has just printed.
			"noted": func(ts *testscript.TestScript, _ bool, args []string) {
				_, rest, _ := strings.Cut(ts.ReadFile("stdout"), "head\t")
				head, _, _ := strings.Cut(rest, "\n")
				ts.Setenv(args[0], head)
			},
			// tamper DIR STATEMENT writes a centre's database past the programs.
			"tamper": func(ts *testscript.TestScript, _ bool, args []string) {
				db, err := sql.Open("sqlite3", ts.MkAbs(filepath.Join(args[0], store.SQLiteFile)))
				ts.Check(err)
				_, err = db.Exec(args[1])
				ts.Check(errors.Join(err, db.Close()))
			},
		},
	})
}

// run runs a command that must succeed and gives its standard output.
func run(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	require.Zero(t, command(args, &out, &errs), errs.String())
	return strings.TrimSpace(out.String())
}

// kiosk is the kiosk's half of the link: the real outbox and uplink on a bundle.
type kiosk struct {
	t      *testing.T
	bundle *identity.Bundle
	db     *sql.DB
	box    *outbox.Outbox
	up     *link.Uplink

	mu       sync.Mutex
	verdicts map[string]journey.Verdict
	policies []string
	secrets  []int // how many rules came with each, which none should
	numbers  []uint64
	ordered  []wire.SealOrder
}

func (k *kiosk) applied() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.policies)
}

// newKiosk makes a kiosk that is on line.
func newKiosk(t *testing.T, bundle string) *kiosk {
	k := offlineKiosk(t, bundle)
	t.Cleanup(k.connect())
	return k
}

// connect puts a kiosk on line until the function that it gives is called.
func (k *kiosk) connect() (cut func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = k.up.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func offlineKiosk(t *testing.T, bundle string) *kiosk {
	ctx := context.Background()
	k := &kiosk{t: t, verdicts: map[string]journey.Verdict{}}
	var err error
	k.bundle, err = identity.LoadBundle(bundle)
	require.NoError(t, err)
	k.db, err = outbox.OpenFile(ctx, filepath.Join(t.TempDir(), "kiosk.db"), 0)
	require.NoError(t, err)
	k.box, err = outbox.Open(ctx, k.db, k.bundle.Name)
	require.NoError(t, err)
	k.up, err = link.NewUplink(&link.MQTT{Broker: k.bundle.Broker, TLS: k.bundle.TLS(time.Now)}, k.box, link.UplinkConfig{
		Kiosk: k.bundle.Name, Signer: k.bundle.Signer(), Centre: k.bundle.CentreKey,
		Apply: func(_ context.Context, _ *sql.Tx, cmd wire.Record) error {
			if cmd.Kind == wire.KindPolicy {
				order, err := wire.VerifyPolicy(cmd.Body, k.bundle.Name, k.bundle.CentreKey)
				var p journey.Policy
				if err == nil {
					err = json.Unmarshal(order.Policy, &p)
				}
				if err != nil {
					return outbox.Poison(err)
				}
				k.mu.Lock()
				defer k.mu.Unlock()
				k.policies = append(k.policies, p.Version)
				k.secrets = append(k.secrets, len(p.Rules))
				k.numbers = append(k.numbers, order.Number)
				return nil
			}
			if cmd.Kind == wire.KindSeal {
				order, err := wire.VerifySeal(cmd.Body, k.bundle.Name, k.bundle.CentreKey)
				if err != nil {
					return outbox.Poison(err)
				}
				k.mu.Lock()
				defer k.mu.Unlock()
				k.ordered = append(k.ordered, order)
				return nil
			}
			var v journey.Verdict
			if err := wire.Unmarshal(cmd.Body, &v); err != nil {
				return outbox.Poison(err)
			}
			k.mu.Lock()
			defer k.mu.Unlock()
			k.verdicts[v.Session] = v
			return nil
		},
		Tuning: link.Tuning{RetryMost: time.Second},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = k.db.Close() })
	return k
}

// visit puts one person's visit into the outbox, in one transaction, as an agent does.
func (k *kiosk) visit(session string, s journey.Submission) {
	ctx := context.Background()
	tx, err := k.db.BeginTx(ctx, nil)
	require.NoError(k.t, err)
	seal1 := func(info, aad string, plain []byte) []byte {
		sealed, err := seal.Seal(k.bundle.Seal, info, aad, plain)
		require.NoError(k.t, err)
		return sealed
	}
	seq := uint64(0)
	event := func(name journey.EventName, change func(*journey.Event)) {
		seq++
		entry, _ := journey.Lookup(name)
		e := journey.Event{
			ID: kiosktest.NewID(), Session: session, Kiosk: k.bundle.Name, Seq: seq, Name: name, Source: entry.Source, Origin: journey.OriginAgent,
			Result: journey.Observed, Impact: journey.ImpactNone, Started: time.Now(), Ended: time.Now(), Clock: journey.ClockTrusted,
		}
		if entry.Source == journey.FE {
			e.Origin = journey.OriginKioskUI
		}
		if change != nil {
			change(&e)
		}
		body, err := wire.Marshal(e)
		require.NoError(k.t, err)
		_, err = k.box.Append(ctx, tx, wire.KindEvent, e.ID, body)
		require.NoError(k.t, err)
	}
	event(journey.EventSessionCreated, nil)
	body := wire.SubmissionBody{Submission: s.ID, Session: session, Revision: s.Revision}
	for _, kind := range []journey.EvidenceKind{journey.EvidenceFront, journey.EvidenceSelfie} {
		e := journey.Evidence{ID: kiosktest.NewID(), Kind: kind, Attempt: 1, Media: "image/jpeg", Taken: time.Now()}
		sealed := seal1(seal.InfoEvidence, seal.EvidenceAAD(s.Kiosk, s.ID, e.ID), kiosktest.JPEG())
		e.Blob, err = k.box.AppendBlob(ctx, tx, sealed)
		require.NoError(k.t, err)
		e.Size = int64(len(sealed))
		s.Evidence, body.Blobs = append(s.Evidence, e), append(body.Blobs, e.Blob)
	}
	event(journey.EventSubmissionCreated, func(e *journey.Event) { e.Submission = s.ID })
	plain, err := wire.Marshal(s)
	require.NoError(k.t, err)
	body.Sealed = seal1(seal.InfoSubmission, seal.SubmissionAAD(s.Kiosk, s.ID, s.Revision), plain)
	b, err := wire.EncodeSubmission(body)
	require.NoError(k.t, err)
	_, err = k.box.Append(ctx, tx, wire.KindSubmission, s.ID, b)
	require.NoError(k.t, err)
	event(journey.EventFinalPageView, func(e *journey.Event) { e.Impact = journey.ImpactCompleted })
	require.NoError(k.t, tx.Commit())
	k.up.Kick()
}

func (k *kiosk) verdict(session string) journey.Verdict {
	k.t.Helper()
	var v journey.Verdict
	require.Eventually(k.t, func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		var ok bool
		v, ok = k.verdicts[session]
		return ok
	}, time.Minute, 5*time.Millisecond, "no verdict on %s", session)
	return v
}

// TestTheWholeWay sends visits through the real outbox, mutual TLS, the embedded
// broker, the database and the decider, and back, on both databases. Pictures are
// not read again here: that needs trained networks, and the demonstration does it.
func TestTheWholeWay(t *testing.T) {
	for name, db := range map[string]func() string{
		"with SQLite":     func() string { return "" },
		"with PostgreSQL": func() string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data := filepath.Join(dir, "centre")
			url := db()
			key := run(t, "init", "-data", data, "-db", url)
			policy := filepath.Join(dir, "policy.json")
			require.NoError(t, os.WriteFile(policy, []byte(`{"version":"t1","recheck":false,"aml":{"screen":true,"flag":85,"hold":true},
				"rules":[{"name":"elsewhere","when":"site.country != 'UTO'","then":"reject"}]}`), 0o600))
			run(t, "policy", "apply", "-data", data, "-db", url, policy)
			list := filepath.Join(dir, "un.xml")
			require.NoError(t, os.WriteFile(list, []byte(unList), 0o600))
			run(t, "list", "import", "-data", data, "-db", url, "-kind", "un-xml", list)

			c, err := prepare(context.Background(), settings{data: data, db: url, mqtt: "127.0.0.1:0", http: "127.0.0.1:0", metrics: "127.0.0.1:0"}, slog.New(slog.NewJSONHandler(io.Discard, nil)))
			require.NoError(t, err)
			base := "http://" + c.listener.Addr().String()
			ctx, cancel := context.WithCancel(context.Background())
			stopped := make(chan error, 1)
			go func() { stopped <- c.run(ctx) }()
			t.Cleanup(func() {
				cancel()
				require.NoError(t, <-stopped)
			})
			require.Eventually(t, func() bool { return status(base+"/readyz") == http.StatusOK }, time.Minute, 20*time.Millisecond)

			bundle := filepath.Join(dir, "bundle")
			run(t, "kiosk", "add", "-data", data, "-db", url, "-name", "hall-1", "-country", "UTO", "-broker", dialable(c.broker.Addr()), "-out", bundle)
			k := newKiosk(t, bundle)

			anna := kiosktest.Anna("hall-1", "s-anna", time.Now())
			anna.Face = &journey.FaceTemplate{Model: "m", Vector: unit(1)}
			k.visit("s-anna", anna)
			require.Equal(t, journey.Approved, k.verdict("s-anna").Decision)

			again := kiosktest.Anna("hall-1", "s-again", time.Now())
			again.Face = anna.Face
			k.visit("s-again", again)
			v := k.verdict("s-again")
			require.Equal(t, journey.Rejected, v.Decision)
			require.Equal(t, journey.ReasonDuplicateUser, v.Reason)

			listed := kiosktest.Anna("hall-1", "s-listed", time.Now())
			listed.Document.Person.FamilyName, listed.Document.Person.GivenNames = "EXAMPLE", "JOHN QUENTIN"
			listed.Document.Person.Birth, listed.Document.Number, listed.Document.Person.Gender = "1960-01-02", "Z0000001", "male"
			listed.Face = &journey.FaceTemplate{Model: "m", Vector: unit(2)}
			k.visit("s-listed", listed)
			v = k.verdict("s-listed")
			require.Equal(t, journey.Pending, v.Decision)
			require.Equal(t, journey.ReasonCustomPolicy, v.Reason)

			// Prometheus is told what happened and how it stands, and of nobody.
			res, err := http.Get("http://" + c.asked.Addr().String() + "/metrics")
			require.NoError(t, err)
			figures, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			for _, want := range []string{
				`vestibule_decisions_total{by="rules",decision="APPROVED",reason=""} 1`, `vestibule_decisions_total{by="rules",decision="PENDING",reason="CUSTOM_POLICY"} 1`,
				`vestibule_kiosks{state="online"} 1`, `vestibule_reviews 1`, `vestibule_database_told 1`, "vestibule_frames_total{result=\"accepted\"}",
			} {
				require.Contains(t, string(figures), want)
			}
			require.NotContains(t, string(figures), "hall-1")

			// The API tells the same, and the console opens with the key.
			got := ask(t, base+"/submission?submission_id="+listed.ID, key)
			require.Equal(t, "pending", got["kyc"].(map[string]any)["result"])
			aml := got["aml"].(map[string]any)
			require.Equal(t, "Red Flag", aml["currentstatus"])
			require.Equal(t, "HIGH", aml["matches"].([]any)[0].(map[string]any)["risk_level"])
			got = ask(t, base+"/submission?submission_id="+again.ID, key)
			require.Equal(t, []any{anna.ID}, got["duplicated_users"])
			require.Equal(t, []any{anna.ID}, got["duplicated_selfie_users"])
			got = ask(t, base+"/journeys/s-again", key)
			require.Contains(t, got["explain"].(map[string]any)["sentence"], "approved already")
			require.Equal(t, http.StatusUnauthorized, status(base+"/journeys"))

			// A partner's program finds its way by the description alone.
			partner := run(t, "key", "add", "-data", data, "-db", url, "-name", "partner", "-scope", "submissions:read,journeys:read", "-project", "default")
			example := exec.Command("go", "run", "./api/example", "-url", base)
			example.Env = append(os.Environ(), "VESTIBULE_API_KEY="+partner)
			said, err := example.CombinedOutput()
			require.NoError(t, err, string(said))
			require.Contains(t, string(said), "submission "+anna.ID+" approved")
			require.Contains(t, string(said), "submission "+again.ID+" rejected")
			require.Contains(t, string(said), "submission "+listed.ID+" pending")
			require.Regexp(t, "journey s-again REJECTED .*approved already", string(said))
			require.NotContains(t, string(said), "journey s-anna")

			// A picture needs a key of its own, and is noted; a revoked key opens nothing.
			link := ask(t, base+"/submission?submission_id="+anna.ID, key)["image"].(map[string]any)["selfieImage"].(string)
			require.Equal(t, http.StatusForbidden, status2(base+link, key))
			pictures := run(t, "key", "add", "-data", data, "-db", url, "-name", "pictures", "-scope", "images:read,submissions:read", "-project", "default")
			require.Equal(t, kiosktest.JPEG(), fetch(t, base+link, pictures))
			require.Equal(t, http.StatusNotFound, status2(base+link+"0", pictures))
			var row string
			for _, line := range strings.Split(run(t, "key", "list", "-data", data, "-db", url), "\n") {
				if strings.Contains(line, "\tpictures\t") {
					row, _, _ = strings.Cut(line, "\t")
				}
			}
			run(t, "key", "revoke", "-data", data, "-db", url, row)
			require.Equal(t, http.StatusUnauthorized, status2(base+link, pictures))

			jar, err := cookiejar.New(nil)
			require.NoError(t, err)
			browser := http.Client{Jar: jar}
			resp, err := browser.PostForm(base+"/console/login", neturl.Values{"key": {key}})
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			resp, err = browser.Get(base + "/console/journeys/s-again")
			require.NoError(t, err)
			page, err := io.ReadAll(resp.Body)
			require.NoError(t, errors.Join(err, resp.Body.Close()))
			require.Contains(t, string(page), "DUPLICATE_USER")
			require.Contains(t, string(page), "approved already")
			for _, secret := range []string{"ERIKSSON", "L898902C3", "1974-08-12"} {
				require.NotContains(t, string(page), secret)
			}

			// Every decision is made again as it was; another policy is tried on the past.
			require.Equal(t, "same\t3\ndiffer\t0\nunreadable\t0\nwithout input\t0", run(t, "replay", "-data", data, "-db", url))
			require.Contains(t, run(t, "replay", "-data", data, "-db", url, "-journey", "s-again"), "same\t1\n")
			tried := filepath.Join(dir, "tried.json")
			require.NoError(t, os.WriteFile(tried, []byte(`{"version":"try","recheck":false,"minAge":99}`), 0o600))
			said = []byte(run(t, "whatif", "-data", data, "-db", url, "-policy", tried))
			require.Contains(t, string(said), "3 decisions of default under policy try, 3 would change")
			require.Regexp(t, `1  APPROVED +→  REJECTED AGE_LIMIT`, string(said))
			require.Regexp(t, anna.ID+`\tAPPROVED → REJECTED AGE_LIMIT\tminAge`, string(said))
			var w whatif
			require.NoError(t, json.Unmarshal([]byte(run(t, "whatif", "-json", "-since", "all", "-data", data, "-db", url, "-policy", tried)), &w))
			require.Equal(t, 3, w.Compared)
			require.Len(t, w.Changed, 3)
			require.NoError(t, os.WriteFile(tried, []byte(`{"version":"try","recheck":false,"rules":[{"name":"here","when":"site.country == 'UTO' && person.age > 50","then":"hold"}]}`), 0o600))
			require.Contains(t, run(t, "whatif", "-data", data, "-db", url, "-policy", tried), anna.ID+"\tAPPROVED → PENDING CUSTOM_POLICY\trules.here")
			require.NoError(t, os.WriteFile(tried, []byte(`{"version":"try"}`), 0o600))
			require.Contains(t, run(t, "whatif", "-data", data, "-db", url, "-policy", tried), "CANNOT TELL\tnot looked up at the time: recheck")
			require.Equal(t, exitFailed, command([]string{"replay", "-data", data, "-db", url, "-journey", "nobody"}, io.Discard, io.Discard))
			require.Equal(t, exitFailed, command([]string{"replay", "-data", data, "-db", url, "-since", "yesterday"}, io.Discard, io.Discard))

			// A visit that cannot be decided yet says why.
			require.NoError(t, os.WriteFile(policy, []byte(`{"version":"t1b","recheck":true}`), 0o600))
			run(t, "policy", "apply", "-data", data, "-db", url, policy)
			stuck := kiosktest.Anna("hall-1", "s-stuck", time.Now())
			k.visit("s-stuck", stuck)
			require.Eventually(t, func() bool {
				if status2(base+"/journeys/s-stuck", key) != http.StatusOK {
					return false
				}
				waiting, _ := ask(t, base+"/journeys/s-stuck", key)["waiting"].(string)
				return strings.HasPrefix(waiting, "vision_worker_lost")
			}, time.Minute, 100*time.Millisecond)
			require.Equal(t, http.StatusServiceUnavailable, status(base+"/readyz"))

			// The delivery of the verdict comes back.
			require.Eventually(t, func() bool { return ask(t, base+"/journeys/s-listed", key)["delivered"] != nil }, time.Minute, 100*time.Millisecond)

			// The policy came with the enrolment; a new one follows without a restart.
			require.NoError(t, os.WriteFile(policy, []byte(`{"version":"t2","recheck":false}`), 0o600))
			run(t, "policy", "apply", "-data", data, "-db", url, policy)
			require.Eventually(t, func() bool { return slices.Equal(k.applied(), []string{"t1", "t1b", "t2"}) }, time.Minute, 20*time.Millisecond)

			// An earlier one comes back under a later number; the project's own rules never leave the centre.
			run(t, "policy", "rollback", "-data", data, "-db", url, "t1")
			require.Eventually(t, func() bool { return slices.Equal(k.applied(), []string{"t1", "t1b", "t2", "t1"}) }, time.Minute, 20*time.Millisecond)
			k.mu.Lock()
			require.Equal(t, []uint64{1, 2, 3, 4}, k.numbers)
			require.Equal(t, []int{0, 0, 0, 0}, k.secrets)
			k.mu.Unlock()
			require.Regexp(t, `hall-1\tUTO\tdefault\tonline\tno policy yet, t1 waits`, run(t, "kiosk", "list", "-data", data, "-db", url))

			// A revoked kiosk is cut off without a restart.
			run(t, "kiosk", "revoke", "-data", data, "-db", url, "hall-1")
			require.Eventually(t, func() bool { return c.isDenied("hall-1") }, time.Minute, 20*time.Millisecond)
			late := kiosktest.Anna("hall-1", "s-late", time.Now())
			k.visit("s-late", late)
			require.Never(t, func() bool { return status2(base+"/journeys/s-late", key) == http.StatusOK }, time.Second, 100*time.Millisecond)

			// A decision that somebody altered in the database does not come out as it is stored.
			if url == "" {
				altered, err := sql.Open("sqlite3", filepath.Join(data, store.SQLiteFile))
				require.NoError(t, err)
				_, err = altered.Exec(`UPDATE decision SET decision = 'APPROVED', reason = '' WHERE session = 's-again'`)
				require.NoError(t, errors.Join(err, altered.Close()))
				var out, errs bytes.Buffer
				require.Equal(t, exitFailed, command([]string{"replay", "-data", data}, &out, &errs))
				require.Regexp(t, `(?m)^DIFFERS\ts-again\t\S+\tdecision: APPROVED → REJECTED$`, out.String())
				require.Contains(t, errs.String(), "replay_differs")
			}
		})
	}
}

func unit(i int) []float32 {
	v := make([]float32, 512)
	v[i] = 1
	return v
}

func status(url string) int { return status2(url, "") }

func status2(url, key string) int {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	req.Header.Set("x-api-key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func fetch(t *testing.T, url, key string) []byte {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header.Set("x-api-key", key)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, errors.Join(err, resp.Body.Close()))
	require.Equal(t, http.StatusOK, resp.StatusCode, string(body))
	return body
}

func ask(t *testing.T, url, key string) map[string]any {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header.Set("x-api-key", key)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode, url)
	var body map[string]any
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&body))
	return body
}

const unList = `<?xml version="1.0" encoding="UTF-8"?>
<CONSOLIDATED_LIST dateGenerated="2026-02-01T00:00:00.000Z"><INDIVIDUALS><INDIVIDUAL>
<DATAID>1</DATAID><FIRST_NAME>JOHN</FIRST_NAME><SECOND_NAME>QUENTIN</SECOND_NAME><THIRD_NAME>EXAMPLE</THIRD_NAME>
<UN_LIST_TYPE>Test</UN_LIST_TYPE><REFERENCE_NUMBER>QDi.001</REFERENCE_NUMBER><LISTED_ON>2001-01-25</LISTED_ON>
<INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>EXACT</TYPE_OF_DATE><DATE>1960-01-02</DATE></INDIVIDUAL_DATE_OF_BIRTH>
</INDIVIDUAL></INDIVIDUALS><ENTITIES></ENTITIES></CONSOLIDATED_LIST>`

func TestLogsHoldNoPersonalData(t *testing.T) {
	var logged bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&logged, nil))
	dir := t.TempDir()
	data := filepath.Join(dir, "centre")
	run(t, "init", "-data", data)
	c, err := prepare(context.Background(), settings{data: data, mqtt: "127.0.0.1:0", http: "127.0.0.1:0"}, log)
	require.NoError(t, err)
	require.NoError(t, c.build(context.Background()))
	in := c.newIngest()
	kiosktest.Enrol(t, c.store, "k")
	ring, err := seal.ReadPublicKey(filepath.Join(data, folderSeal, sealName+".pub"))
	require.NoError(t, err)
	k := kiosktest.New(t, "k", in, ring, time.Now)
	k.Event("s1", journey.EventSessionCreated)
	s := kiosktest.Anna("k", "s1", time.Now())
	s.Email = "anna@example.org"
	k.Submission(s)
	s.Revision = 1 // again: quarantined, which is logged
	k.Submission(s)
	k.Send()
	_ = c.centre.Decide(context.Background(), s.ID) // no vision here: fails, with an error that would be logged
	for _, secret := range []string{"ERIKSSON", "ANNA", "L898902C3", "1974-08-12", "anna@"} {
		require.NotContains(t, logged.String(), secret)
	}
	require.Contains(t, logged.String(), "quarantined")
	c.close()
}
