package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"vestibule/server/api"
	"vestibule/server/enrol"
	"vestibule/server/enrol/code"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/durable"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
	"vestibule/sync/seal"
)

// Folders of the data directory.
const (
	folderKeys     = "keys"     // data key, hash key
	folderIdentity = "identity" // authority, centre's certificate
	folderSeal     = "seal"     // HPKE keys
	folderBlobs    = "blobs"    // sealed pictures
	sealName       = "centre"
)

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// open opens the database that the flags name.
func open(ctx context.Context, data, db string) (*store.Store, error) {
	if data == "" {
		return nil, fault.New("data_missing", "no data directory was given", "add -data DIR", nil)
	}
	if _, err := os.Stat(filepath.Join(data, folderKeys)); err != nil {
		return nil, fault.New("data_missing", data+" is not a centre's data directory", "make one with: server init -data "+data, nil)
	}
	dsn := data
	if db != "" {
		if !store.IsPostgres(db) {
			return nil, fault.New("database_unusable", "the database URL is not postgres://…", "leave -db out for SQLite in the data directory", nil)
		}
		dsn = db
	}
	s, err := store.Open(ctx, dsn)
	if err != nil {
		hint := "restore " + store.SQLiteFile + " from a backup if it is damaged; check free space and owner of the data directory"
		if db != "" {
			hint = "check that PostgreSQL runs, and the URL's host, user and password"
		}
		return nil, fault.New("database_unusable", "the database does not open", hint, err)
	}
	return s, nil
}

func initCommand(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	name := fs.String("name", "Vestibule centre", "name of the authority, as certificates show it")
	hosts := fs.String("hosts", "", "names and addresses under which kiosks reach this centre, separated by commas")
	named := fs.String("seal-suite", seal.X25519.String(), "how kiosks seal: x25519, or mlkem768x25519, which also holds against quantum computers (about 1 KB more for each picture)")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	suite, err := seal.ParseSuite(*named)
	if err != nil {
		return fault.New("seal_suite", err.Error(), "give one of them, or leave -seal-suite out", nil)
	}
	if err := emptyFolder(*data); err != nil {
		return err
	}
	if err := makeCentre(*data, *name, strings.Split(*hosts, ","), suite); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	key, err := addKey(ctx, s, store.APIKey{Name: "admin", Scope: api.ScopeAdmin})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.errs, "The centre is ready in %s. Keep a backup of it: without its keys nothing that kiosks sealed can be read.\nThe admin API key follows. It is shown this once.\n", *data)
	_, _ = fmt.Fprintln(p.out, key)
	return nil
}

func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = durable.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return fault.New("data_unusable", "the data directory cannot be made", "check the path and its owner", err)
	}
	if len(entries) > 0 {
		return fault.New("data_exists", dir+" is not empty", "give a new directory; keys of an existing centre are never replaced", nil)
	}
	return os.Chmod(dir, 0o700)
}

func makeCentre(data, name string, hosts []string, suite seal.Suite) error {
	for _, folder := range []string{folderKeys, folderSeal, folderBlobs} {
		if err := durable.MkdirAll(filepath.Join(data, folder), 0o700); err != nil {
			return fault.New("data_unusable", "the data directory cannot be written", "check owner and free space", err)
		}
	}
	now := time.Now()
	if err := vault.Create(filepath.Join(data, folderKeys)); err != nil {
		return err
	}
	key, err := suite.Generate()
	if err != nil {
		return err
	}
	if err := seal.WriteKey(filepath.Join(data, folderSeal, sealName+".key"), key); err != nil {
		return err
	}
	if err := seal.WritePublicKey(filepath.Join(data, folderSeal, sealName+".pub"), key.Public()); err != nil {
		return err
	}
	ca, err := identity.NewCA(name, now)
	if err != nil {
		return err
	}
	var names []string
	for _, h := range hosts {
		if h = strings.TrimSpace(h); h != "" {
			names = append(names, h)
		}
	}
	cert, err := ca.IssueCentre(names, now)
	if err != nil {
		return err
	}
	if err := ca.Save(filepath.Join(data, folderIdentity)); err != nil {
		return err
	}
	return identity.SaveCentre(filepath.Join(data, folderIdentity), ca, cert)
}

func kioskAdd(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	name := fs.String("name", "", "the kiosk's name: letters, digits, - and _")
	country := fs.String("country", "", "ISO 3166-1 alpha-3 code of its site")
	project := fs.String("project", "default", "project it works for")
	broker := fs.String("broker", "", "host:port at which it reaches the broker")
	out := fs.String("out", "", "folder for its bundle, key included; must not exist or be empty. Without it a token is made, and the kiosk makes its key itself")
	branch := fs.String("branch", "", "the branch behind whose box it stands (server broker bridge); -broker is the box's address then")
	lasts := fs.Duration("lasts", enrol.DefaultLasts, "how long the token is good")
	centre := fs.String("centre", "", "host:port at which the kiosk reaches this centre's -enrol; with it a QR code is shown beside the token")
	draw := fs.Bool("qr", false, "draw the QR code even where the output is no terminal")
	if _, err := p.parse(fs, args, "data", "name", "country", "broker"); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Read().Kiosk(ctx, *name); err == nil {
		return fault.New("kiosk_exists", "a kiosk of this name is enrolled", "choose another name, or revoke it and enrol it under a new one", nil)
	}
	ca, err := identity.LoadCA(filepath.Join(*data, folderIdentity))
	if err != nil {
		return err
	}
	public, err := seal.ReadPublicKey(filepath.Join(*data, folderSeal, sealName+".pub"))
	if err != nil {
		return err
	}
	orders, err := loadOrders(*data)
	if err != nil {
		return err
	}
	now := time.Now()
	info := identity.KioskInfo{Name: *name, SiteCountry: strings.ToUpper(*country), Project: *project, Broker: *broker}
	if *branch != "" {
		if err := info.Check(); err != nil {
			return err
		}
		if err := join(ctx, s, *branch, []string{*name}); err != nil {
			return err
		}
		info.Branch, info.Centre = *branch, identity.BranchName(*branch)
	}
	if *out == "" {
		return p.kioskToken(ctx, s, ca, info, now, *lasts, *centre, *draw)
	}
	cert, err := identity.WriteBundle(*out, ca, info, public, now)
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKIXPublicKey(cert.PublicKey)
	if err != nil {
		return fmt.Errorf("encode the kiosk's key: %w", err)
	}
	sum := sha256.Sum256(cert.Raw)
	err = s.Write(ctx, func(tx *store.Tx) error {
		k := store.Kiosk{ID: info.Name, Country: info.SiteCountry, Project: info.Project, PublicKey: key, Certificate: hex.EncodeToString(sum[:]), Enrolled: now}
		if err := tx.AddKiosk(ctx, k); err != nil {
			return err
		}
		if err := orders.greet(ctx, tx, k, now); err != nil {
			return err
		}
		return tx.Audit(ctx, newID(), "command line", "kiosk add", k.ID, now)
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.out, "%s\t%s\n", info.Name, *out)
	return nil
}

// kioskToken makes a token with which a kiosk enrols itself, and prints it once.
func (p *program) kioskToken(ctx context.Context, s *store.Store, ca *identity.CA, info identity.KioskInfo, now time.Time, lasts time.Duration, centre string, draw bool) error {
	if centre != "" {
		var err error
		if centre, err = identity.CheckAddress(centre); err != nil {
			return err
		}
	} else if draw {
		return fault.New("enrolment_address", "the QR code holds the centre's address, which is not known", "give it with -centre, such as centre.example.org:8443", nil)
	}
	t, expires, err := enrol.Issue(ctx, s, ca, info, lasts, "command line", newID(), now)
	if err != nil {
		return err
	}
	at := cmp.Or(centre, "HOST:PORT")
	_, _ = fmt.Fprintf(p.errs, "A token for %s follows, good for one kiosk until %s. It is shown this once.\nA kiosk without an identity asks for it on its screen: kiosk-ui run -bundle DIR -data DIR.\nWithout a screen: kiosk-ui enrol -bundle DIR -centre %s, where this centre runs with: server serve -enrol ADDRESS\n", info.Name, expires.Local().Format("2006-01-02 15:04"), at)
	if centre != "" && (draw || isTerminal(p.out)) {
		drawn, err := code.Terminal(identity.Invitation{Address: centre, Token: t}.String())
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(p.errs, "\nOr hold this before its camera:\n\n%s\n", drawn)
	}
	_, _ = fmt.Fprintln(p.out, t)
	return nil
}

// isTerminal reports whether people see what is written there.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

func kioskRevoke(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("NAME")
	name := fs.String("name", "", "the kiosk's name")
	operands, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	if len(operands) == 1 && *name == "" {
		*name = operands[0]
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	now := time.Now()
	err = s.Write(ctx, func(tx *store.Tx) error {
		if err := tx.RevokeKiosk(ctx, *name, now); err != nil {
			return err
		}
		return tx.Audit(ctx, newID(), "command line", "kiosk revoke", *name, now)
	})
	if errors.Is(err, store.ErrNotFound) {
		return fault.New("kiosk_unknown", "no enrolled kiosk has this name, or it is revoked already", "server kiosk list shows all", nil)
	}
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.out, "%s\trevoked\n", *name)
	return nil
}

func kioskList(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	kiosks, err := s.Read().Kiosks(ctx)
	if err != nil {
		return err
	}
	runs, err := s.Read().KioskPolicies(ctx)
	if err != nil {
		return fmt.Errorf("read kiosks' policies: %w", err)
	}
	for _, k := range kiosks {
		inForce, err := s.Read().PolicyInForce(ctx, k.Project)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("read policy: %w", err)
		}
		first, at, err := s.Read().Stage(ctx, k.Project)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("read roll-out: %w", err)
		}
		staged := slices.Contains(at, k.ID)
		if staged {
			inForce = first
		}
		state := "offline"
		switch {
		case !k.Revoked.IsZero():
			state = "revoked"
		case k.Online:
			state = "online"
		}
		var wrong []string
		for _, c := range k.Conditions {
			wrong = append(wrong, strings.TrimSuffix(c.Code+"="+c.Detail, "="))
		}
		_, _ = fmt.Fprintln(p.out, strings.TrimRight(strings.Join([]string{k.ID, k.Country, k.Project, state, policyState(runs[k.ID], inForce, staged), strings.Join(wrong, " ")}, "\t"), "\t"))
	}
	return nil
}
