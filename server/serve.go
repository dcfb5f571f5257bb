package main

import (
	"context"
	crand "crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"

	"vestibule/models"
	"vestibule/models/manifest"
	"vestibule/models/worker"
	"vestibule/server/aml/yente"
	"vestibule/server/api"
	"vestibule/server/blobs"
	"vestibule/server/broker"
	"vestibule/server/centre"
	"vestibule/server/config"
	"vestibule/server/console"
	"vestibule/server/enrol"
	"vestibule/server/ingest"
	"vestibule/server/keep"
	"vestibule/server/lists"
	"vestibule/server/lists/feed"
	"vestibule/server/metrics"
	"vestibule/server/notify"
	"vestibule/server/reseal"
	"vestibule/server/rollout"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/fault"
	"vestibule/sync/grace"
	"vestibule/sync/identity"
	"vestibule/sync/link"
	"vestibule/sync/seal"
	"vestibule/sync/trace"
	"vestibule/sync/wire"
)

// Intervals of what another process may have changed in the database.
const (
	refreshEvery = 2 * time.Second
	stopLimit    = 10 * time.Second
	visionGrace  = 30 * time.Second // the worker outlives a stop: longer than jobs under way may take
	answerGrace  = 3 * time.Second  // what a stop leaves to requests under way
)

// settings are serve's flags.
type settings struct {
	data, db                string
	mqtt, http              string
	enrol                   string // where kiosks enrol; empty: nowhere
	metrics                 string // where Prometheus asks; empty: nowhere
	external                string // broker of the operator's own, host:port
	brokerName              string // in that broker's certificate
	models                  string
	vision                  bool
	faces                   string // where the collection is searched: facesMemory or facesVectors
	facesDB                 string // database of facesVectors; empty: db
	screener, screenerSet   string // address and dataset of an external screener; empty: none
	screenerBy, screenerKey string // its algorithm, and the file with its key
	otlp                    string // collector of traces; empty: none
	proxied                 bool
	client                  string
	share                   string
	addresses               string
	feeds                   []feed.Feed // of them: where lists come from
	ranges                  string
	allow                   []netip.Prefix // of them: that webhooks may call
	mail                    mailSettings
}

// settings registers serve's flags, for every command that reads them.
func (p *program) settings(operands string) (*flag.FlagSet, *settings) {
	fs, _, _ := p.flags(operands)
	var s settings
	fs.String(config.FileFlag, "", "YAML file of settings: the names of these flags, and their values; the command line goes over $VESTIBULE_NAME, that over the file")
	fs.StringVar(&s.mqtt, "mqtt", "0.0.0.0:8883", "address of the embedded broker")
	fs.StringVar(&s.http, "http", "127.0.0.1:8080", "address of API and console")
	fs.StringVar(&s.enrol, "enrol", "", "address at which kiosks enrol with a token, such as 0.0.0.0:8443; without it none can")
	fs.StringVar(&s.metrics, "metrics", "", "address at which Prometheus may ask for figures, such as 127.0.0.1:9090; whoever reaches it reads them")
	fs.StringVar(&s.external, "broker", "", "host:port of a broker to use instead of the embedded one")
	fs.StringVar(&s.brokerName, "broker-name", "", "name in that broker's certificate")
	fs.StringVar(&s.models, "models", manifest.Dir(), "folder of the trained networks")
	fs.BoolVar(&s.vision, "vision", true, "run the vision worker; without it, submissions that must be re-checked wait")
	fs.StringVar(&s.faces, "faces", facesMemory, "where faces are searched: memory, or pgvector: in a PostgreSQL with that extension, where templates lie open")
	fs.StringVar(&s.facesDB, "faces-db", "", "URL of the database for -faces pgvector, where it is not the one of -db")
	fs.StringVar(&s.screener, "screener", "", "https address of an external screener that speaks yente's API; every person who is screened is sent there, too")
	fs.StringVar(&s.screenerSet, "screener-dataset", "", "its dataset; default sanctions")
	fs.StringVar(&s.screenerBy, "screener-algorithm", "", "its algorithm, such as logic-v1; default is its own choice; aml.flag of the policy must fit to it")
	fs.StringVar(&s.screenerKey, "screener-key", "", "file with the key for it")
	fs.StringVar(&s.otlp, "otlp", "", "address of an OpenTelemetry collector (OTLP over HTTP), such as http://127.0.0.1:4318, that is told how long what took; without it none is")
	fs.BoolVar(&s.proxied, "behind-proxy", false, "a proxy in front ends TLS: allow plain HTTP on other than loopback addresses")
	fs.StringVar(&s.client, "client", "", "client id at the broker, where several copies run; default centre")
	fs.StringVar(&s.share, "share", "", "name of the shared subscription, where several copies run")
	fs.StringVar(&s.addresses, "lists", "", "file of the addresses that lists are fetched from, see server list fetch -help; without it none are")
	fs.StringVar(&s.ranges, "webhook-allow", "", "address ranges that webhooks may call although they are not public; a loopback range also allows http there")
	s.mail.register(fs)
	return fs, &s
}

// settle works out what the flags say, once they are set.
func (s *settings) settle(fs *flag.FlagSet) error {
	s.data, s.db = fs.Lookup("data").Value.String(), fs.Lookup("db").Value.String()
	var unread error
	if s.addresses != "" {
		s.feeds, unread = feed.Read(s.addresses)
	}
	var err error
	s.allow, err = prefixes(s.ranges)
	return joined(s.check(), unread, err, s.mail.settle())
}

func serveCommand(ctx context.Context, p *program, args []string) error {
	fs, s := p.settings("")
	loaded, err := p.configure(fs, s, args)
	if err != nil {
		return p.wrongUse(err)
	}
	if len(loaded.Operands) > 0 {
		_, _ = fmt.Fprintln(p.errs, "server serve: takes flags only")
		return errUsage
	}
	log := slog.New(slog.NewJSONHandler(p.errs, nil))
	c, err := prepare(ctx, *s, log)
	if err != nil {
		return err
	}
	return c.run(ctx)
}

// running is a centre whose configuration holds.
type running struct {
	settings
	log       *slog.Logger
	store     *store.Store
	figures   *metrics.Metrics
	asked     net.Listener // where Prometheus asks; nil: nowhere
	vault     *vault.Vault
	ring      *seal.Keyring
	identity  *identity.Centre
	shelf     *blobs.Shelf
	listener  net.Listener
	desk      net.Listener // for enrolments; nil: none are taken
	lists     *lists.InForce
	denied    atomic.Pointer[map[string]bool]
	branches  atomic.Pointer[map[string]map[string]bool]
	staleTold time.Time         // when the log said last that lists are too old
	told      map[string]uint64 // kiosk → highest command that the link was told of
	engine    atomic.Pointer[worker.Client]
	index     centre.Faces  // nil: in memory
	yente     *yente.Client // nil: no external screener
	tracer    *trace.Tracer // nil: nobody is told
	broker    *broker.Broker
	receiver  *link.Receiver
	mover     *reseal.Mover
	centre    *centre.Centre
	rollout   *rollout.Keeper
	pages     *console.Console
}

// prepare checks everything that can be checked before work begins, and tells
// all that is wrong at once.
func prepare(ctx context.Context, s settings, log *slog.Logger) (*running, error) {
	log = slog.New(trace.Logs(log.Handler(), nil))
	c := &running{settings: s, log: log, told: map[string]uint64{}}
	var problems []error
	wrong := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	wrong(private700(s.data))
	var err error
	if c.vault, err = vault.Load(filepath.Join(s.data, folderKeys)); err != nil {
		wrong(fault.New("keys_unusable", "the centre's own keys cannot be used", "restore "+folderKeys+"/ from a backup, and see to its permissions", err))
	}
	if c.identity, err = identity.LoadCentre(filepath.Join(s.data, folderIdentity)); err != nil {
		wrong(asFault(err, "identity_unusable", "the centre's certificate cannot be used", "restore "+folderIdentity+"/ from a backup"))
	}
	if c.ring, err = seal.ReadKeyring(filepath.Join(s.data, folderSeal)); err != nil {
		wrong(fault.New("seal_unusable", "the seal keys cannot be used", "restore "+folderSeal+"/ from a backup, and see to its permissions", err))
	}
	if c.shelf, err = blobs.Open(filepath.Join(s.data, folderBlobs)); err != nil {
		wrong(fault.New("data_unusable", "the folder for sealed pictures cannot be written", "check owner and free space", err))
	}
	if c.store, err = open(ctx, s.data, s.db); err != nil {
		wrong(err)
	}
	c.tracer, err = s.startTrace(ctx, log)
	wrong(err)
	c.yente, err = s.foreign()
	wrong(err)
	c.index, err = s.openFaces(ctx)
	wrong(err)
	if s.vision {
		wrong(checkModels(s.models))
	}
	if err := s.plain(); err != nil {
		wrong(err)
	} else if c.listener, err = net.Listen("tcp", s.http); err != nil {
		wrong(listenProblem("http", s.http, err))
	}
	if s.metrics != "" {
		if c.asked, err = net.Listen("tcp", s.metrics); err != nil {
			wrong(listenProblem("metrics", s.metrics, err))
		}
	}
	if s.enrol != "" {
		if c.desk, err = net.Listen("tcp", s.enrol); err != nil {
			wrong(listenProblem("enrol", s.enrol, err))
		}
	}
	if s.external == "" {
		probe, err := net.Listen("tcp", s.mqtt)
		if err != nil {
			wrong(listenProblem("broker", s.mqtt, err))
		} else {
			wrong(probe.Close())
		}
	}
	if len(problems) > 0 {
		c.close()
		return nil, errors.Join(problems...)
	}
	return c, nil
}

func (c *running) close() {
	if c.listener != nil {
		_ = c.listener.Close()
	}
	if c.desk != nil {
		_ = c.desk.Close()
	}
	if c.asked != nil {
		_ = c.asked.Close()
	}
	c.endTrace()
	if x, ok := c.index.(io.Closer); ok {
		_ = x.Close()
	}
	if c.store != nil {
		if err := c.store.Close(); err != nil {
			c.log.Error("database does not close", "code", "database", "error", err)
		}
	}
}

// asFault keeps an error that is a fault, and makes one of any other.
func asFault(err error, code, message, hint string) error {
	if fault.Code(err) != "" {
		return err
	}
	return fault.New(code, message, hint, err)
}

// private700 refuses a data directory that others may enter.
func private700(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fault.New("data_missing", "the data directory is not there", "make one with: server init -data "+dir, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fault.New("data_exposed", fmt.Sprintf("others may enter the data directory (mode %04o)", info.Mode().Perm()), "chmod 700 "+dir, nil)
	}
	return nil
}

func checkModels(dir string) error {
	m, err := manifest.Load()
	if err == nil {
		err = m.Verify(dir, manifest.Models)
	}
	if err != nil {
		return fault.New("models_unusable", "trained networks are missing or altered in "+dir, "run: make models", err)
	}
	return nil
}

func listenProblem(what, addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fault.New(what+"_port_in_use", addr+" is taken by another program", "stop it, or choose another port; `ss -ltnp` shows who listens", err)
	}
	return fault.New(what+"_address", "cannot listen on "+addr, "give host:port, and a port that this user may open", err)
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return true // the listener tells what is wrong with it
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// run runs the centre until ctx ends.
func (c *running) run(ctx context.Context) error {
	defer c.close()
	if err := c.build(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answering, answered := grace.Extend(ctx, answerGrace)
	defer answered()
	addr := c.external
	if c.broker != nil {
		if err := c.broker.Start(); err != nil {
			return err
		}
		addr = dialable(c.broker.Addr())
	}
	c.receiver = link.NewReceiver(&link.MQTT{Broker: addr, TLS: c.identity.ClientTLS(c.brokerName, time.Now)}, tracedInbox{c.figures.Inbox(c.newIngest()), c.tracer}, c.keys(), link.ReceiverConfig{
		Centre: wire.Centre{Signer: c.identity.Signer(), Cert: c.identity.Cert.Raw, Random: crand.Reader},
		Client: c.client, Share: c.share, Log: c.log, Bridged: c.bridged, Page: c.rollout.Page,
		Observe: func(r link.Rejection) {
			c.figures.Rejected(r.Code)
			c.log.Warn("frame not accepted", "code", r.Code, "topic", r.Topic, "kiosk", r.Kiosk, "size", r.Size, "error", r.Err)
		},
	})

	var parts sync.WaitGroup
	failed := make(chan error, 8)
	part := func(name string, run func(context.Context) error) {
		parts.Add(1)
		go func() {
			defer parts.Done()
			if err := run(ctx); err != nil && ctx.Err() == nil {
				failed <- fmt.Errorf("%s: %w", name, err)
			}
		}()
	}
	part("receive", c.receiver.Run)
	part("decide", c.centre.Run)
	part("notify", notify.New(notify.Config{
		Store: c.store, Vault: c.vault, Allow: c.allow, Now: time.Now, NewID: newID, Jitter: rand.Float64, Log: c.log, Answer: c.answer, Trace: c.tracer,
	}).Run)
	if c.mail.on() {
		part("mail", c.post().Run)
	}
	part("refresh", c.refresh)
	part("roll out", c.rollout.Run)
	part("keep", keep.New(keep.Config{
		Store: c.store, Blobs: c.shelf, Vault: c.vault, Now: time.Now, NewID: newID, Log: c.log, Erased: c.figures.Erased,
	}).Run)
	if len(c.feeds) > 0 {
		part("lists", func(ctx context.Context) error { return fetcher(c.store, c.data, c.log).Run(ctx, c.feeds) })
	}
	if c.vision {
		part("vision", c.see)
	}
	var desk *http.Server
	if c.desk != nil {
		var err error
		if desk, err = c.enrolments(answering); err != nil {
			return err
		}
		go func() {
			if err := desk.ServeTLS(c.desk, "", ""); err != nil && !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("take enrolments: %w", err)
			}
		}()
	}
	var asked *http.Server
	if c.asked != nil {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", c.figures.Handler())
		asked = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 32 << 10}
		go func() {
			if err := asked.Serve(c.asked); err != nil && !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve figures: %w", err)
			}
		}()
	}
	web := &http.Server{
		Handler: c.routes(ctx.Done()), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(c.log.Handler(), slog.LevelWarn),
		BaseContext: func(net.Listener) context.Context { return answering },
	}
	part("audit trail", c.keepTrail)
	go func() {
		if err := web.Serve(c.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve http: %w", err)
		}
	}()
	c.log.Info("centre runs", "http", c.listener.Addr().String(), "broker", addr, "postgres", c.store.Postgres(), "release", release())

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	c.log.Info("centre stops")
	cancel()
	ended, done := context.WithTimeout(context.Background(), stopLimit)
	defer done()
	if desk != nil {
		_ = desk.Shutdown(ended)
	}
	if asked != nil {
		_ = asked.Shutdown(ended)
	}
	if e := web.Shutdown(ended); e != nil {
		_ = web.Close()
	}
	parts.Wait()
	last, told := context.WithTimeout(context.Background(), stopLimit)
	defer told()
	c.pages.SettleAll(last)
	c.tellHead(last)
	if c.broker != nil {
		err = errors.Join(err, c.broker.Close())
	}
	if e := c.engine.Load(); e != nil {
		err = errors.Join(err, e.Close())
	}
	return err
}

// build makes the parts that need no running ones.
func (c *running) build(ctx context.Context) error {
	c.figures = metrics.New(c.store.Read(), release(), time.Now, c.log)
	c.lists = &lists.InForce{Store: c.store, Log: c.log}
	if c.yente != nil {
		c.figures.Screener(c.screenerUp)
	}
	if err := c.lists.Refresh(ctx); err != nil {
		return err
	}
	if err := c.refreshKiosks(ctx); err != nil {
		return err
	}
	c.mover = reseal.New(reseal.Config{Store: c.store, Vault: c.vault, Now: time.Now, NewID: newID, Log: c.log})
	if err := c.mover.Ensure(ctx); err != nil {
		return fmt.Errorf("look after data keys: %w", err)
	}
	c.centre = centre.New(centre.Config{
		Store: c.store, Blobs: c.shelf, Keys: c.ring, Vault: c.vault, Engine: c.eyes, Faces: c.index, Screen: c.screen,
		Now: time.Now, NewID: newID, Log: c.log, Notify: func(kiosk string) { c.receiver.Notify(kiosk) },
		Decided: c.figures.Decided, Trace: c.tracer,
		Others: map[string]func(context.Context, string) error{reseal.Job: c.mover.Do},
	})
	c.rollout = rollout.New(rollout.Config{Store: c.store, Vault: c.vault, Now: time.Now, Log: c.log})
	if err := c.centre.LoadFaces(ctx); err != nil {
		return err
	}
	if c.external == "" {
		var err error
		c.broker, err = broker.New(broker.Config{
			TLS: c.identity.ServerTLS(time.Now, c.isDenied), Addr: c.mqtt, Centre: c.identity.Name(), Denied: c.isDenied, Branches: c.branch, Log: c.log,
			Refused: func(r broker.Refusal) {
				c.figures.Refused(r.Code)
				c.log.Warn("refused at the broker", "code", r.Code, "remote", r.Remote, "name", r.Name, "topic", r.Topic)
			},
		})
		return err
	}
	return nil
}

func (c *running) newIngest() *ingest.Ingest {
	return ingest.New(ingest.Config{
		Store: c.store, Blobs: c.shelf, Keys: c.ring, Vault: c.vault, Now: time.Now, NewID: newID, Log: c.log, Wake: c.centre.Wake,
	})
}

func (c *running) keys() link.Keys {
	in := c.newIngest()
	return in.PublicKey
}

// dialable turns the address that a broker listens on into one to dial.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// see keeps a vision worker: it starts one, and the worker's own supervisor
// brings it back whenever it dies. The worker outlives ctx: jobs under way need it.
func (c *running) see(ctx context.Context) error {
	alive, _ := grace.Extend(ctx, visionGrace) // run closes it when the jobs have ended
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		client, err := worker.Start(alive, worker.Config{Command: []string{self, "worker"}, ModelsDir: c.models, Log: c.log})
		if err == nil {
			c.engine.Store(client)
			c.centre.Wake()
			<-ctx.Done()
			return nil
		}
		c.log.Error("vision worker does not start", "code", centre.ProblemWorker, "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// eyes gives the vision engine to the centre.
func (c *running) eyes() (models.Engine, error) {
	if e := c.engine.Load(); e != nil {
		return e, nil
	}
	return nil, models.ErrWorker
}

// refresh follows what other processes change in the database: kiosks revoked,
// lists imported.
func (c *running) refresh(ctx context.Context) error {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		had := c.lists.Loaded()
		if err := c.lists.Refresh(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("lists in force stay as they are", "code", "list_refresh", "error", err)
		}
		if !had && c.lists.Loaded() {
			c.centre.Wake()
		}
		c.warnStale(ctx)
		if err := c.refreshKeys(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("data keys stay as they are", "code", "keys_unusable", "error", err)
		}
		if err := c.refreshKiosks(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("revocations are not up to date", "code", "database", "error", err)
		}
	}
}

// refreshKeys takes up the data key that another process put in use.
func (c *running) refreshKeys(ctx context.Context) error {
	before := c.vault.Current()
	if err := c.vault.Refresh(); err != nil {
		return err
	}
	if now := c.vault.Current(); now != before {
		c.log.Info("another data key encrypts from now on", "key", now.String())
		if err := c.mover.Ensure(ctx); err != nil {
			return err
		}
		c.centre.Wake()
	}
	return nil
}

// refreshKiosks reads who is revoked, and cuts those who became so; and it tells
// the link of commands that another process has queued.
func (c *running) refreshKiosks(ctx context.Context) error {
	kiosks, err := c.store.Read().Kiosks(ctx)
	if err != nil {
		return fmt.Errorf("read kiosks: %w", err)
	}
	before := c.denied.Load()
	now := map[string]bool{}
	for _, k := range kiosks {
		switch {
		case !k.Revoked.IsZero():
			now[k.ID] = true
		case c.receiver != nil && k.CommandSeq > c.told[k.ID]:
			c.receiver.Notify(k.ID)
		}
		c.told[k.ID] = k.CommandSeq
	}
	if err := c.refreshBranches(ctx, now); err != nil {
		return err
	}
	c.denied.Store(&now)
	for name := range now {
		if c.broker != nil && before != nil && !(*before)[name] {
			c.broker.Drop(name)
		}
	}
	return nil
}

// branchSilence is how long a kiosk behind a box may say nothing and be taken to be there: six of its heartbeats.
const branchSilence = 3 * time.Minute

// refreshBranches reads which kiosks stand behind which box, and adds the boxes that are revoked to who is.
func (c *running) refreshBranches(ctx context.Context, denied map[string]bool) error {
	all, err := c.store.Read().Branches(ctx)
	if err != nil {
		return err
	}
	if len(all) > 0 && c.receiver != nil {
		if err := c.store.Write(ctx, func(tx *store.Tx) error { return tx.QuietBranches(ctx, time.Now().Add(-branchSilence)) }); err != nil {
			return err
		}
	}
	now := make(map[string]map[string]bool, len(all))
	for _, b := range all {
		kiosks := make(map[string]bool, len(b.Kiosks))
		for _, k := range b.Kiosks {
			kiosks[k] = true
		}
		now[b.Name] = kiosks
		if !b.Revoked.IsZero() {
			denied[identity.BranchName(b.Name)] = true
		}
	}
	c.branches.Store(&now)
	return nil
}

// branch gives the kiosks of a branch.
func (c *running) branch(name string) (map[string]bool, bool) {
	all := c.branches.Load()
	if all == nil {
		return nil, false
	}
	kiosks, ok := (*all)[name]
	return kiosks, ok
}

// bridged notes that a branch's box lost its line to us. When it is back, it tells of each kiosk anew.
func (c *running) bridged(ctx context.Context, branch string, up bool) error {
	if up {
		return nil
	}
	return c.store.Write(ctx, func(tx *store.Tx) error { return tx.LoseBranch(ctx, branch) })
}

func (c *running) isDenied(name string) bool {
	d := c.denied.Load()
	return d != nil && (*d)[name]
}

// routes puts API, console and health under one address.
func (c *running) routes(stopping <-chan struct{}) http.Handler {
	r := chi.NewRouter()
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	r.Get("/readyz", c.ready)
	var kiosks console.Fleet
	if c.desk != nil { // without a place to enrol at, a token is of no use
		kiosks = fleet{c}
	}
	pages, err := console.New(console.Config{
		Fleet: kiosks,
		Lists: c.listed,
		Store: c.store.Read(), Waiting: c.waiting, Clock: time.Now, Log: c.log,
		Admits: c.admits, Active: c.active, Desk: c.reviewers(), Trail: c.store.Read(), Note: c.audit, Stopping: stopping, Visits: c.store, Proxied: c.proxied,
		Out: outgoing{c.store.Read(), c.store},
	})
	if err != nil {
		panic(err) // the pages are part of this binary, and a test renders them all
	}
	c.pages = pages
	r.Mount("/console", pages.Handler())
	r.Get("/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/console/journeys", http.StatusSeeOther)
	})
	r.Mount("/", api.Handler(c.answering()))
	return r
}

// answering is what the API works with.
func (c *running) answering() api.Config {
	return api.Config{
		Store: answers{c.store.Read(), c.vault}, Private: private{c.vault, c.shelf, c.ring}, Audit: c.audit,
		Waiting: c.waiting, FaceAuth: c.faceAuth, Clock: time.Now, Log: c.log,
	}
}

// audit notes who did what through the API.
func (c *running) audit(ctx context.Context, who, what, target string) error {
	return c.store.Write(ctx, func(tx *store.Tx) error { return tx.Audit(ctx, newID(), who, what, target, time.Now()) })
}

// waiting says why a submission is not decided yet: pictures that are still to
// come, or the problem that its job met last.
func (c *running) waiting(ctx context.Context, submission string) (string, error) {
	read := c.store.Read()
	row, err := read.Submission(ctx, submission)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil // named by an event, and not here yet
	}
	if err != nil {
		return "", err
	}
	switch row.Stand {
	case store.StandQueued:
	case store.StandWaiting:
		n, err := read.MissingBlobs(ctx, submission)
		return fmt.Sprintf("%d pictures are still to come", n), err
	case store.StandOpen:
		return "the kiosk has not finished it", nil
	default:
		return "", nil
	}
	job, err := read.Job(ctx, ingest.JobDecide, submission)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil || job.Problem == "" {
		return "queued", err
	}
	return fmt.Sprintf("%s (%s, attempt %d)", job.Problem, job.State, job.Attempts), nil
}

// enrolments is the server at which kiosks enrol.
func (c *running) enrolments(ctx context.Context) (*http.Server, error) {
	ca, err := identity.LoadCA(filepath.Join(c.data, folderIdentity))
	if err != nil {
		return nil, err
	}
	key := func() ([]byte, error) { return identity.SealText(filepath.Join(c.data, folderSeal, sealName+".pub")) }
	if _, err := key(); err != nil {
		return nil, err
	}
	desk := &enrol.Desk{Store: c.store, CA: ca, Seal: key, Enrolled: orders{c.identity}.greet, NewID: newID, Now: time.Now, Log: c.log}
	return &http.Server{
		Handler: desk.Handler(), TLSConfig: c.identity.EnrolTLS(time.Now),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 10 * time.Second,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(c.log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}, nil
}
