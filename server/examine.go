package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"time"

	"vestibule/journey"
	"vestibule/models/worker"
	"vestibule/server/centre"
	"vestibule/server/duplicate/pgvector"
	"vestibule/server/ingest"
	"vestibule/server/reseal"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
	"vestibule/sync/seal"
)

// Limits of the doctor. Starting values, unmeasured.
const (
	diskLow      = 5 << 30 // bytes free: a picture has some 100 KB, a journey some ten of them
	diskCritical = 1 << 30
	certSoon     = 30 * 24 * time.Hour
	certNow      = 7 * 24 * time.Hour
	listOld      = 7 * 24 * time.Hour
	clockAhead   = time.Minute     // a frame's arrival may not lie further in the future
	clockOff     = 5 * time.Minute // of most kiosks: then it is this machine's clock
	fewKiosks    = 3               // fewer of them accuse nobody
	lookLimit    = 10 * time.Second
	databaseMost = 10 * time.Minute // a whole check reads the whole file
	workerMost   = 2 * time.Minute
)

// examination looks at one centre.
type examination struct {
	settings
	*diagnosis
	thorough bool
	now      func() time.Time
	worker   []string // command of the vision worker

	store    *store.Store
	vault    *vault.Vault
	ring     *seal.Keyring
	identity *identity.Centre
	policy   journey.Policy
}

func (e *examination) run(ctx context.Context) {
	e.folders()
	e.disk()
	e.keys()
	e.certificates()
	e.database(ctx)
	if e.store != nil {
		defer e.store.Close()
		e.fitting(ctx)
		e.rotation(ctx)
		e.lists(ctx)
		e.clock(ctx)
		e.work(ctx)
		e.letters(ctx)
	}
	e.faces(ctx)
	e.foreignScreener(ctx)
	e.sight(ctx)
	e.ports(ctx)
}

// folders looks at what must be there, and who may enter.
func (e *examination) folders() {
	if err := private700(e.data); err != nil {
		e.wrong("folders", critical, err)
	}
	worst := false
	for _, folder := range []string{folderKeys, folderIdentity, folderSeal, folderBlobs} {
		path := filepath.Join(e.data, folder)
		info, err := os.Stat(path)
		switch {
		case err != nil:
			e.wrong("folders", critical, fault.New("folder_missing", folder+"/ is not there", "restore it from a backup", err))
			worst = true
		case !info.IsDir():
			e.wrong("folders", critical, fault.New("folder_missing", folder+"/ is no folder", "restore it from a backup", nil))
			worst = true
		case syscall.Access(path, 0x7) != nil: // R_OK, W_OK and X_OK
			e.wrong("folders", critical, fault.New("folder_closed", "this user may not read and write "+folder+"/", "run as the centre's user, or give the folder to it: chown", nil))
			worst = true
		}
	}
	if !worst {
		e.ok("folders", "all there, and this user may write")
	}
}

func (e *examination) disk() {
	var s syscall.Statfs_t
	if err := syscall.Statfs(e.data, &s); err != nil {
		e.wrong("disk", warning, fault.New("disk_unknown", "free space cannot be told", "check the data directory's file system", err))
		return
	}
	free := uint64(s.Bavail) * uint64(s.Bsize)
	said := fmt.Sprintf("%.1f GB free", float64(free)/(1<<30))
	hint := "make room, or move the data directory to a larger disk; kiosks keep what the centre cannot take"
	switch {
	case free < diskCritical:
		e.wrong("disk", critical, fault.New("disk_full", said, hint, nil))
	case free < diskLow:
		e.wrong("disk", warning, fault.New("disk_low", said, hint, nil))
	default:
		e.ok("disk", "%s", said)
	}
}

func (e *examination) keys() {
	var err error
	if e.vault, err = vault.Load(filepath.Join(e.data, folderKeys)); err != nil {
		e.wrong("keys", critical, fault.New("keys_unusable", "the centre's own keys cannot be used", "restore "+folderKeys+"/ from a backup, and see to its permissions", err))
	}
	if e.ring, err = seal.ReadKeyring(filepath.Join(e.data, folderSeal)); err != nil {
		e.wrong("keys", critical, fault.New("seal_unusable", "the seal keys cannot be used", "restore "+folderSeal+"/ from a backup, and see to its permissions", err))
	} else if public, err := seal.ReadPublicKey(filepath.Join(e.data, folderSeal, sealName+".pub")); err != nil {
		e.wrong("keys", critical, fault.New("seal_public", "the key that new kiosks are given cannot be read", "restore "+folderSeal+"/ from a backup", err))
	} else if !e.ring.Has(public.ID()) {
		e.wrong("keys", critical, fault.New("seal_public", "new kiosks are given a key that this centre cannot open with", "restore "+folderSeal+"/ from a backup", nil))
	} else if e.vault != nil {
		e.ok("keys", "data key, hash key and seal keys are readable; kiosks seal to %s", public.ID())
	}
}

func (e *examination) certificates() {
	dir := filepath.Join(e.data, folderIdentity)
	var err error
	if e.identity, err = identity.LoadCentre(dir); err != nil {
		e.wrong("certificates", critical, asFault(err, "identity_unusable", "the centre's certificate cannot be used", "restore "+folderIdentity+"/ from a backup"))
		return
	}
	ca, err := identity.LoadCA(dir)
	if err != nil {
		e.wrong("certificates", warning, asFault(err, "authority_unusable", "the authority cannot sign: no kiosk can be enrolled, none renews its certificate", "restore "+folderIdentity+"/ from a backup"))
		return
	}
	for _, one := range []struct {
		name, hint string
		end        time.Time
	}{
		{"centre's certificate", "restore a newer one, or set the clock; kiosks refuse the centre after its end", e.identity.Cert.NotAfter},
		{"authority", "kiosks have to be enrolled anew with a new authority before its end", ca.Cert.NotAfter},
	} {
		left := one.end.Sub(e.now())
		said := fmt.Sprintf("the %s ends on %s", one.name, one.end.UTC().Format(time.DateOnly))
		switch {
		case left < certNow:
			e.wrong("certificates", critical, fault.New("certificate_ends", said, one.hint, nil))
		case left < certSoon:
			e.wrong("certificates", warning, fault.New("certificate_ends", said, one.hint, nil))
		default:
			e.ok("certificates", "%s", said)
		}
	}
}

// database opens it without changing it, and looks for damage and for its state.
func (e *examination) database(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, databaseMost)
	defer cancel()
	dsn, hint := e.data, "restore "+store.SQLiteFile+" from a backup if it is damaged; check owner and free space"
	if e.db != "" {
		dsn, hint = e.db, "check that PostgreSQL runs, and the URL's host, user and password"
	}
	s, err := store.Inspect(ctx, dsn)
	if err != nil {
		e.wrong("database", critical, fault.New("database_unusable", "the database does not open", hint, err))
		return
	}
	damage, err := s.Damage(ctx, e.thorough)
	if err != nil || len(damage) > 0 {
		if err == nil {
			err = errors.New(strings.Join(damage, "; "))
		}
		e.wrong("database", critical, fault.New("database_damaged", "the database is damaged", "stop the centre, keep a copy of the file, restore a backup; see to the disk", err))
		_ = s.Close()
		return
	}
	pending, foreign, err := s.Versions(ctx)
	switch {
	case err != nil:
		e.wrong("database", critical, fault.New("database_empty", "the centre's tables are not there", "start the centre once, or restore a backup", err))
		_ = s.Close()
		return
	case len(foreign) > 0:
		e.wrong("database", critical, fault.New("database_newer", fmt.Sprintf("the database was used by another release, probably a newer one (migrations %v)", foreign), "run that release, or restore the backup from before it", nil))
	case len(pending) > 0:
		e.wrong("database", notice, fault.New("database_older", fmt.Sprintf("%d migrations are to come", len(pending)), "server serve applies them when it starts: back up first", nil))
	case s.Postgres():
		e.ok("database", "answers and is up to date; whether it is damaged, pg_amcheck tells")
	default:
		e.ok("database", "answers, is whole and up to date")
	}
	e.store = s
	if len(pending)+len(foreign) > 0 {
		e.skip("stored data", "not looked at while the tables are of another release")
		e.store = nil
		_ = s.Close()
	}
}

// fitting opens the newest submission with the keys that are here.
func (e *examination) fitting(ctx context.Context) {
	if e.vault == nil || e.ring == nil {
		e.skip("stored data", "not opened, for want of keys")
		return
	}
	newest, err := e.store.Read().Submissions(ctx, store.SubmissionFilter{Limit: 100})
	if err != nil {
		e.wrong("stored data", critical, fault.New("database", "submissions cannot be read", "check the database", err))
		return
	}
	// What was erased fits to every key.
	newest = slices.DeleteFunc(newest, func(row store.Submission) bool { return len(row.Private) == 0 })
	if len(newest) == 0 {
		e.ok("stored data", "nothing is stored yet that keys must fit to")
		return
	}
	row, err := e.store.Read().Submission(ctx, newest[0].ID)
	if err != nil {
		e.wrong("stored data", critical, fault.New("database", "a submission cannot be read", "check the database", err))
		return
	}
	good := true
	if _, err := e.vault.Open(row.Private, ingest.PrivateContext(row.ID)); err != nil {
		good = false
		e.wrong("stored data", critical, fault.New("keys_foreign", "the data key does not open what is stored", "this database and "+folderKeys+"/ are of two centres: restore both from one backup", err))
	}
	if _, err := e.ring.Open(row.Sealed, seal.InfoSubmission, seal.SubmissionAAD(row.Kiosk, row.ID, row.Revision)); len(row.Sealed) > 0 && err != nil {
		good = false
		e.wrong("stored data", critical, fault.New("seal_foreign", "the seal keys do not open what kiosks sealed", "restore the keys of "+folderSeal+"/ from a backup, old ones too", err))
	}
	if good {
		e.ok("stored data", "the newest submission opens with the keys that are here")
	}
}

// rotation tells what still needs earlier keys, and what needs keys that are not here. It looks at every
// encrypted value's first bytes.
func (e *examination) rotation(ctx context.Context) {
	if e.vault == nil || e.ring == nil {
		e.skip("rotation", "not looked at, for want of keys")
		return
	}
	broken := func(err error) bool {
		if err != nil {
			e.wrong("rotation", critical, fault.New("database", "what keys are needed for cannot be read", "check the database", err))
		}
		return err != nil
	}
	by, foreign, err := reseal.Count(ctx, e.store.Read(), e.vault)
	if broken(err) {
		return
	}
	uses, err := e.store.Read().SealUses(ctx)
	if broken(err) {
		return
	}
	said, err := e.store.Read().KioskSeals(ctx)
	if broken(err) {
		return
	}
	sealed, kiosks, waiting := 0, []string{}, 0
	for _, u := range uses {
		if len(u.Key) == len(seal.KeyID{}) && !e.ring.Has(seal.KeyID(u.Key)) {
			sealed += u.Count
		}
	}
	for name, k := range said {
		if k.Key != "" && e.ring.Public(k.Key) == nil {
			kiosks = append(kiosks, name)
		}
	}
	for id, n := range by {
		if id != e.vault.Current() {
			waiting += n
		}
	}
	if foreign > 0 {
		e.wrong("rotation", critical, fault.New("keys_missing", fmt.Sprintf("%d stored values need data keys that are not here", foreign), "restore the keys of "+folderKeys+"/ from a backup, old ones too", nil))
	}
	if sealed > 0 {
		e.wrong("rotation", critical, fault.New("seal_missing", fmt.Sprintf("%d submissions are sealed to keys that are not here", sealed), "restore the keys of "+folderSeal+"/ from a backup, old ones too", nil))
	}
	if n := len(kiosks); n > 0 {
		sort.Strings(kiosks)
		e.wrong("rotation", critical, fault.New("seal_lost", fmt.Sprintf("%d kiosks seal to a key that is not here: %s", n, strings.Join(kiosks[:min(n, 10)], ", ")),
			"bring its file back into "+folderSeal+"/; if it is lost for good: server key rotate-seal, which they follow with their next visit", nil))
	}
	if foreign+sealed+len(kiosks) == 0 {
		e.ok("rotation", "%d data keys and %d seal keys; %d values are still encrypted with an earlier data key", len(by), len(e.ring.IDs()), waiting)
	}
}

func (e *examination) lists(ctx context.Context) {
	var err error
	if e.policy, err = centre.Policy(ctx, e.store.Read(), "default"); err != nil {
		e.wrong("policy", critical, fault.New("policy_unreadable", "the policy in force cannot be read", "server policy apply", err))
		return
	}
	active, err := e.store.Read().ActiveSnapshots(ctx)
	if err != nil {
		e.wrong("lists", critical, fault.New("database", "lists cannot be read", "check the database", err))
		return
	}
	if len(active) == 0 {
		if e.policy.AML.Screen && e.screener == "" {
			e.wrong("lists", critical, fault.New(centre.ProblemLists, "the policy wants screening, and no list is in force: nobody is decided on", "server list import", nil))
		} else if e.screener != "" {
			e.ok("lists", "none here: the external screener's answer counts alone")
		} else {
			e.ok("lists", "none, and the policy wants none")
		}
		return
	}
	for _, l := range active {
		age := e.now().Sub(l.Imported)
		said := fmt.Sprintf("%s: %d entries, imported %d days ago", l.Kind, l.Entities, int(age.Hours()/24))
		if age > listOld {
			e.wrong("lists", warning, fault.New("list_old", said, "server list import", nil))
		} else {
			e.ok("lists", "%s", said)
		}
	}
}

// clock compares this machine's clock with what it noted, and with the kiosks'.
func (e *examination) clock(ctx context.Context) {
	kiosks, err := e.store.Read().Kiosks(ctx)
	if err != nil {
		e.wrong("clock", critical, fault.New("database", "kiosks cannot be read", "check the database", err))
		return
	}
	now := e.now()
	var newest time.Time
	var offsets []time.Duration
	online, enrolled, refused := 0, 0, []string{}
	for _, k := range kiosks {
		if !k.Revoked.IsZero() {
			continue
		}
		enrolled++
		if k.Seen.After(newest) {
			newest = k.Seen
		}
		if k.Online {
			online++
			offsets = append(offsets, k.ClockOffset)
		}
		if n, err := e.store.Read().RefusedStreams(ctx, k.ID); err == nil && n > 0 {
			refused = append(refused, k.ID)
		}
	}
	slices.Sort(offsets)
	switch {
	case newest.Sub(now) > clockAhead:
		e.wrong("clock", critical, fault.New("clock_behind", "frames came in the future: at "+newest.UTC().Format(time.RFC3339)+", and by this clock it is "+now.UTC().Format(time.RFC3339), "set this machine's clock, or let the system keep it by NTP", nil))
	case len(offsets) >= fewKiosks && offsets[len(offsets)/2].Abs() > clockOff:
		e.wrong("clock", warning, fault.New("clock_differs", fmt.Sprintf("most kiosks' clocks differ from this one by about %s", offsets[len(offsets)/2].Round(time.Second)), "compare this machine's clock with NTP", nil))
	case newest.IsZero():
		e.ok("clock", "no frame has come yet to compare it with")
	default:
		e.ok("clock", "the newest frame came %s ago", now.Sub(newest).Round(time.Second))
	}
	if len(refused) > 0 {
		sort.Strings(refused)
		e.wrong("kiosks", warning, fault.New("stream_refused", "records are no longer merged of: "+strings.Join(refused[:min(len(refused), 10)], ", "),
			"its database was restored or copied, or a record was altered: look into quarantine, enrol it anew", nil))
	}
	e.ok("kiosks", "%d enrolled, %d on line", enrolled, online)
}

// work looks at what waits, and at what was given up.
func (e *examination) work(ctx context.Context) {
	r, now := e.store.Read(), e.now()
	broken := func(subject string, err error) bool {
		if err != nil {
			e.wrong(subject, critical, fault.New("database", "what waits cannot be counted", "check the database", err))
		}
		return err != nil
	}
	if piles, err := r.JobPiles(ctx); !broken("jobs", err) {
		waiting, good := 0, true
		for _, p := range piles {
			switch {
			case p.State == store.JobDead:
				good = false
				e.wrong("jobs", warning, fault.New("jobs_given_up", fmt.Sprintf("%d of kind %s were given up; somebody waits for what will not come", p.Count, p.Kind), "see the log for the submissions concerned", nil))
			case p.State == store.JobQueued && now.Sub(p.Due) > 5*time.Minute:
				good = false
				e.wrong("jobs", warning, fault.New("jobs_wait", fmt.Sprintf("%d of kind %s wait, the first has been due for %s", p.Count, p.Kind, now.Sub(p.Due).Round(time.Second)), "is the centre running? server serve", nil))
			default:
				waiting += p.Count
			}
		}
		if good {
			e.ok("jobs", "%d wait or run, none is late or given up", waiting)
		}
	}
	if kept, err := r.Quarantines(ctx); !broken("quarantine", err) {
		total, why := 0, []string{}
		for w, n := range kept {
			total += n
			why = append(why, fmt.Sprintf("%s %d", w, n))
		}
		sort.Strings(why)
		if total > 0 {
			e.wrong("quarantine", warning, fault.New("quarantined", fmt.Sprintf("%d records were not merged: %s", total, strings.Join(why, ", ")), "the log names kiosk and record", nil))
		} else {
			e.ok("quarantine", "empty")
		}
	}
	if piles, err := r.DeliveryPiles(ctx); !broken("webhooks", err) {
		good := true
		for _, p := range piles {
			if p.State == store.JobDead {
				good = false
				e.wrong("webhooks", warning, fault.New("deliveries_given_up", fmt.Sprintf("%d deliveries were given up", p.Count), "server webhook deliveries, then server webhook replay", nil))
			} else if p.State == store.JobQueued && now.Sub(p.Oldest) > time.Hour {
				good = false
				e.wrong("webhooks", warning, fault.New("deliveries_wait", fmt.Sprintf("%d deliveries wait, the oldest for %s", p.Count, now.Sub(p.Oldest).Round(time.Minute)), "server webhook deliveries tells the endpoint's answers", nil))
			}
		}
		if good {
			e.ok("webhooks", "no delivery is late or given up")
		}
	}
	if late, err := r.LateReviews(ctx, now); !broken("reviews", err) {
		if late > 0 {
			e.wrong("reviews", warning, fault.New("reviews_late", fmt.Sprintf("%d should have been decided by people by now", late), "see the review queue of the console", nil))
		} else {
			e.ok("reviews", "none is late")
		}
	}
}

// faces looks whether the index of faces can be used, where it is not in memory.
func (e *examination) faces(ctx context.Context) {
	if e.settings.faces != facesVectors {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	n, err := pgvector.Inspect(ctx, e.facesURL())
	if err != nil {
		e.wrong("faces", critical, err)
		return
	}
	e.ok("faces", "pgvector answers, with %d faces", n)
}

// sight looks whether pictures can be read again.
func (e *examination) sight(ctx context.Context) {
	if !e.vision {
		e.skip("vision", "switched off; submissions that must be re-checked wait")
		return
	}
	if err := checkModels(e.models); err != nil {
		e.wrong("vision", critical, err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, workerMost)
	defer cancel()
	client, err := worker.Start(ctx, worker.Config{Command: e.worker, ModelsDir: e.models})
	if err != nil {
		e.wrong("vision", critical, fault.New(centre.ProblemWorker, "the vision worker does not start", "run make models; see that OpenCV and ONNX Runtime are installed", err))
		return
	}
	defer client.Close()
	cage := strings.Join(client.State().Cage, ", ")
	versions, err := client.Versions(ctx)
	if err != nil {
		e.wrong("vision", critical, fault.New(centre.ProblemWorker, "the vision worker starts, and does not answer", "see free memory, and the log of server serve", err))
		return
	}
	e.ok("vision", "the worker starts with %d networks, held by: %s", len(versions), cage)
}

// ports looks whether addresses are free, or served by this very centre.
func (e *examination) ports(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 4*lookLimit)
	defer cancel()
	if e.external != "" {
		if err := e.greets(ctx, e.external, e.brokerName); err != nil {
			e.wrong("broker", critical, fault.New("broker_unreachable", "the broker at "+e.external+" does not take the centre's certificate", "check that it runs, its address and its certificate: server broker mosquitto writes its settings", err))
		} else {
			e.ok("broker", "%s takes the centre's certificate", e.external)
		}
	} else {
		e.port("broker", e.mqtt, func(addr string) error { return e.greets(ctx, addr, "") })
	}
	e.port("http", e.http, func(addr string) error { return healthy(ctx, "http://"+addr+"/healthz") })
	if e.enrol != "" {
		e.port("enrol", e.enrol, func(addr string) error {
			c, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(ctx, "tcp", addr) //nolint:gosec // only who it is is asked
			if err != nil {
				return err
			}
			defer c.Close()
			return e.own(c.(*tls.Conn).ConnectionState())
		})
	}
	if e.metrics != "" {
		e.port("metrics", e.metrics, func(addr string) error { return healthy(ctx, "http://"+addr+"/metrics") })
	}
}

// port tells whether an address is free, and if not, whether ours is who listens.
func (e *examination) port(subject, addr string, ours func(addr string) error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		_ = l.Close()
		e.ok(subject, "%s is free: the centre is not running here", addr)
		return
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		e.wrong(subject, critical, listenProblem(subject, addr, err))
		return
	}
	if err := ours(dialable(addr)); err != nil {
		e.wrong(subject, critical, listenProblem(subject, addr, errors.Join(syscall.EADDRINUSE, err)))
		return
	}
	e.ok(subject, "%s is served by this centre", addr)
}

// greets shakes hands with a broker, as the centre does.
func (e *examination) greets(ctx context.Context, addr, name string) error {
	if e.identity == nil {
		return errors.New("not asked, for want of the centre's certificate")
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	c, err := (&tls.Dialer{Config: e.identity.ClientTLS(name, e.now)}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return c.Close()
}

// own tells whether a peer shows the centre's own certificate.
func (e *examination) own(s tls.ConnectionState) error {
	if e.identity == nil || len(s.PeerCertificates) == 0 || !s.PeerCertificates[0].Equal(e.identity.Cert) {
		return errors.New("it does not show the centre's certificate")
	}
	return nil
}

// healthy asks a server of the centre's whether it is there.
func healthy(ctx context.Context, url string) error {
	client := &http.Client{Timeout: lookLimit}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers with status %d", res.StatusCode)
	}
	return nil
}
