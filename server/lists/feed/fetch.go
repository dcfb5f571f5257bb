package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"vestibule/server/aml/source"
	"vestibule/server/lists"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// retryAfter is when a list whose fetch failed is tried again, unless it is due sooner.
const retryAfter = 15 * time.Minute

// poll is how often a Fetcher looks whether a list is due.
const poll = 30 * time.Second

// Fetcher gets lists and puts them in force.
type Fetcher struct {
	Keeper lists.Keeper
	Client *http.Client // nil: a client of its own
	Dir    string       // for files on their way; in it a folder is made and removed
	Log    *slog.Logger
}

// Got tells how a fetch ended that did not fail.
type Got struct {
	Snapshot string
	Same     bool // the publisher has nothing newer
	Taken    lists.Taken
	Warnings []string
}

// who stands in the audit for what is fetched.
const who = "feed"

// Run fetches each list whenever it is due, until ctx ends.
func (f *Fetcher) Run(ctx context.Context, feeds []Feed) error {
	f.tidy()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		for _, one := range feeds {
			due, err := f.claim(ctx, one)
			if err != nil && ctx.Err() == nil {
				f.Log.ErrorContext(ctx, "cannot look whether a list is due", "code", "database", "list", string(one.Source), "error", err)
			}
			if !due || ctx.Err() != nil {
				continue
			}
			got, err := f.Fetch(ctx, one, false)
			switch {
			case ctx.Err() != nil:
			case err != nil:
				f.Log.WarnContext(ctx, "a list could not be fetched; the one in force stays", "code", codeOf(err), "list", string(one.Source), "error", err)
			default:
				f.Log.InfoContext(ctx, "list fetched", "list", string(one.Source), "snapshot", got.Snapshot, "same", got.Same,
					"added", len(got.Taken.Change.Added), "changed", len(got.Taken.Change.Changed), "removed", len(got.Taken.Change.Removed), "warnings", len(got.Warnings))
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// tidy removes what a fetch left on the way whose process was killed.
func (f *Fetcher) tidy() {
	left, err := filepath.Glob(filepath.Join(f.Dir, tempPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		if info, err := os.Stat(dir); err == nil && info.IsDir() && f.Keeper.Now().Sub(info.ModTime()) > 2*fileLimit*maxAddresses {
			_ = os.RemoveAll(dir)
		}
	}
}

// tempPrefix begins the names of folders for files on their way.
const tempPrefix = "list-on-its-way-"

// claim takes the turn to fetch a list that is due.
func (f *Fetcher) claim(ctx context.Context, one Feed) (due bool, err error) {
	now := f.Keeper.Now()
	every := one.Every
	state, err := f.Keeper.Store.Read().Feed(ctx, string(one.Source))
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return false, err
	case state.Problem != "":
		every = min(every, retryAfter)
	}
	if now.Sub(state.Tried) < every {
		return false, nil
	}
	err = f.Keeper.Store.Write(ctx, func(tx *store.Tx) error {
		due, err = tx.ClaimFeed(ctx, string(one.Source), now.Add(-every), now)
		return err
	})
	return due, err
}

// Fetch gets a list now, and puts it in force if the gate lets it pass, or force
// overrules it. How it ended is kept.
func (f *Fetcher) Fetch(ctx context.Context, one Feed, force bool) (Got, error) {
	now := f.Keeper.Now()
	if err := f.Keeper.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ClaimFeed(ctx, string(one.Source), now, now)
		return err
	}); err != nil {
		return Got{}, err
	}
	state, err := f.Keeper.Store.Read().Feed(ctx, string(one.Source))
	if err != nil {
		return Got{}, fmt.Errorf("read how the last fetch ended: %w", err)
	}
	got, validators, err := f.fetch(ctx, one, state, force)
	if err != nil {
		state.Problem = codeOf(err)
	} else {
		state.Problem, state.Done, state.Snapshot = "", now, got.Snapshot
		if state.Validators, err = json.Marshal(validators); err != nil {
			return got, fmt.Errorf("encode validators: %w", err)
		}
	}
	ctx = context.WithoutCancel(ctx) // a fetch that was called off ended, too
	return got, errors.Join(err, f.Keeper.Store.Write(ctx, func(tx *store.Tx) error { return tx.SaveFeed(ctx, state) }))
}

func (f *Fetcher) fetch(ctx context.Context, one Feed, state store.Feed, force bool) (Got, map[string]validator, error) {
	client := f.Client
	if client == nil {
		client = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 15 * time.Second, ResponseHeaderTimeout: time.Minute,
			MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		}}
	}
	known := map[string]validator{}
	// Whether there is something newer is only asked while what that gave is in force.
	active, err := f.Keeper.Store.Read().ActiveSnapshot(ctx, string(one.Source))
	switch {
	case err == nil && active.ID == state.Snapshot:
		if err := json.Unmarshal(state.Validators, &known); err != nil {
			return Got{}, nil, fmt.Errorf("read validators: %w", err)
		}
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return Got{}, nil, fmt.Errorf("find the list in force: %w", err)
	}
	dir, err := os.MkdirTemp(f.Dir, tempPrefix)
	if err != nil {
		return Got{}, nil, fmt.Errorf("make a folder for the list: %w", err)
	}
	defer os.RemoveAll(dir)
	validators, same, err := download(ctx, client, one, known, dir)
	if err != nil {
		return Got{}, nil, err
	}
	if same {
		return Got{Snapshot: active.ID, Same: true}, validators, f.Keeper.Confirm(ctx, active.ID)
	}
	path := dir
	if len(one.Files) == 1 {
		for name := range one.Files {
			path = filepath.Join(dir, name)
		}
	}
	list, err := source.Load(one.Kind, path, one.Source)
	if err != nil {
		return Got{}, nil, fault.New("list_unreadable", "the list that was fetched cannot be read; the one in force stays", "see whether the address still gives the list", err)
	}
	taken, err := f.Keeper.Take(ctx, list, who, force)
	return Got{Snapshot: list.Snapshot, Same: taken.Same, Taken: taken, Warnings: list.Warnings}, validators, err
}

// download gets all files of a list, or finds that none has changed. Files that are
// published together belong together: where one has changed, all are got anew.
func download(ctx context.Context, client *http.Client, one Feed, known map[string]validator, dir string) (map[string]validator, bool, error) {
	names := make([]string, 0, len(one.Files))
	for name := range one.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	validators := map[string]validator{}
	var unchanged []string
	for _, name := range names {
		address := one.Files[name]
		now, same, err := get(ctx, client, address, one.Hosts, known[keyOf(address)], filepath.Join(dir, name))
		if err != nil {
			return nil, false, named(name, err)
		}
		if same {
			unchanged = append(unchanged, name)
		}
		validators[keyOf(address)] = now
	}
	if len(unchanged) == len(names) {
		return validators, true, nil
	}
	for _, name := range unchanged {
		address := one.Files[name]
		now, _, err := get(ctx, client, address, one.Hosts, validator{}, filepath.Join(dir, name))
		if err != nil {
			return nil, false, named(name, err)
		}
		validators[keyOf(address)] = now
	}
	return validators, false, nil
}

// named says which file a failure is about.
func named(name string, err error) error { return fmt.Errorf("%s: %w", name, err) }

// keyOf stands for an address, which may hold a secret.
func keyOf(address string) string {
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:])
}

// codeOf gives the codes of a failure.
func codeOf(err error) string {
	if code := lists.Codes(err); code != "" {
		return code
	}
	return "unexpected"
}
