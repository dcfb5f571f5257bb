package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"vestibule/server/api"
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
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	if err := emptyFolder(*data); err != nil {
		return err
	}
	if err := makeCentre(*data, *name, strings.Split(*hosts, ",")); err != nil {
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

func makeCentre(data, name string, hosts []string) error {
	for _, folder := range []string{folderKeys, folderSeal, folderBlobs} {
		if err := durable.MkdirAll(filepath.Join(data, folder), 0o700); err != nil {
			return fault.New("data_unusable", "the data directory cannot be written", "check owner and free space", err)
		}
	}
	now := time.Now()
	if err := vault.Create(filepath.Join(data, folderKeys)); err != nil {
		return err
	}
	key, err := seal.GenerateKey()
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
	lasts := fs.Duration("lasts", 72*time.Hour, "how long the token is good")
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
	if *out == "" {
		return p.kioskToken(ctx, s, ca, info, now, *lasts)
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
func (p *program) kioskToken(ctx context.Context, s *store.Store, ca *identity.CA, info identity.KioskInfo, now time.Time, lasts time.Duration) error {
	if err := info.Check(); err != nil {
		return err
	}
	if lasts < time.Minute || lasts > 90*24*time.Hour {
		return fault.New("token_lasts", "a token is good for a minute to 90 days", "leave -lasts out for three days", nil)
	}
	t, err := identity.NewToken(rand.Reader, ca.Cert)
	if err != nil {
		return err
	}
	e := store.Enrolment{Hash: t.Hash(), Kiosk: info.Name, Country: info.SiteCountry, Project: info.Project, Broker: info.Broker, Created: now, Expires: now.Add(lasts)}
	err = s.Write(ctx, func(tx *store.Tx) error {
		if err := tx.AddEnrolment(ctx, e); err != nil {
			return err
		}
		return tx.Audit(ctx, newID(), "command line", "kiosk token", info.Name, now)
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.errs, "A token for %s follows, good for one kiosk until %s. It is shown this once.\nOn the kiosk: kiosk-ui enrol -bundle DIR -centre HOST:PORT, where this centre runs with: server serve -enrol ADDRESS\n", info.Name, e.Expires.Local().Format("2006-01-02 15:04"))
	_, _ = fmt.Fprintln(p.out, t)
	return nil
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
		_, _ = fmt.Fprintln(p.out, strings.TrimRight(strings.Join([]string{k.ID, k.Country, k.Project, state, policyState(runs[k.ID], inForce), strings.Join(wrong, " ")}, "\t"), "\t"))
	}
	return nil
}
