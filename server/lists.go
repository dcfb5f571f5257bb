package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vestibule/server/aml"
	"vestibule/server/centre"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

func listImport(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("PATH…")
	kind := fs.String("kind", "", "format of the list: "+kinds())
	operands, err := p.parse(fs, args, "data", "kind")
	if err != nil {
		return err
	}
	if len(operands) == 0 {
		_, _ = fmt.Fprintln(p.errs, "server list import: give the list's file or folder")
		return errUsage
	}
	for _, other := range operands[1:] {
		// An OFAC list is several files side by side; naming more than one of them is
		// all the same, but files elsewhere would be left out without a word.
		if filepath.Dir(other) != filepath.Dir(operands[0]) {
			_, _ = fmt.Fprintln(p.errs, "server list import: give one list; its files lie side by side in one folder")
			return errUsage
		}
	}
	list, err := aml.Load(aml.Kind(*kind), operands[0])
	if err != nil {
		return fault.New("list_unreadable", "the list cannot be imported; the one in force stays", "formats: "+kinds(), err)
	}
	for _, w := range list.Warnings {
		_, _ = fmt.Fprintln(p.errs, "warning:", w)
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := saveList(ctx, s, list, time.Now()); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.out, "%s\t%s\t%d entries\n", list.Source, list.Snapshot[:12], len(list.Entities))
	return nil
}

func kinds() string {
	var names []string
	for _, k := range aml.Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// saveList stores a list as imported and puts it in force for its source.
func saveList(ctx context.Context, s *store.Store, list aml.List, now time.Time) error {
	entities := make([]store.ListEntity, 0, len(list.Entities))
	for _, e := range list.Entities {
		body, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode list entry: %w", err)
		}
		sum := sha256.Sum256(body)
		entities = append(entities, store.ListEntity{ID: e.ID, Hash: hex.EncodeToString(sum[:]), Body: body})
	}
	head := list
	head.Entities = nil
	meta, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("encode list: %w", err)
	}
	return s.Write(ctx, func(tx *store.Tx) error {
		snapshot := store.Snapshot{ID: list.Snapshot, Kind: string(list.Source), Meta: meta, Imported: now}
		if err := tx.SaveSnapshot(ctx, snapshot, entities); err != nil {
			return err
		}
		return tx.Audit(ctx, newID(), "command line", "list import", list.Snapshot, now)
	})
}

// lists keeps the lists in force in memory in step with the database.
type lists struct {
	store    *store.Store
	screener aml.Screener
	log      *slog.Logger
	inForce  []string
}

// refresh builds a new index when other snapshots are in force than before.
func (l *lists) refresh(ctx context.Context) error {
	snapshots, err := l.store.Read().ActiveSnapshots(ctx)
	if err != nil {
		return fmt.Errorf("look for lists: %w", err)
	}
	var ids []string
	for _, s := range snapshots {
		ids = append(ids, s.ID)
	}
	if len(ids) == 0 || slices.Equal(ids, l.inForce) {
		return nil
	}
	all := make([]aml.List, 0, len(snapshots))
	for _, s := range snapshots {
		var list aml.List
		if err := json.Unmarshal(s.Meta, &list); err != nil {
			return fmt.Errorf("read list %s: %w", s.Kind, err)
		}
		rows, err := l.store.Read().ListEntities(ctx, s.ID)
		if err != nil {
			return fmt.Errorf("read list %s: %w", s.Kind, err)
		}
		for _, row := range rows {
			var e aml.Entity
			if err := json.Unmarshal(row.Body, &e); err != nil {
				return fmt.Errorf("read list %s: %w", s.Kind, err)
			}
			list.Entities = append(list.Entities, e)
		}
		all = append(all, list)
	}
	index, err := aml.Build(all...)
	if err != nil {
		return fmt.Errorf("build index: %w", err)
	}
	l.screener.Swap(index)
	l.inForce = ids
	l.log.InfoContext(ctx, "lists in force", "index", index.ID(), "people", index.People())
	return nil
}

// screen is centre.Screen over the lists in force.
func (l *lists) screen(_ context.Context, q aml.Query) (centre.Screened, error) {
	if !l.loaded() {
		return centre.Screened{}, centre.ErrNoLists
	}
	got, err := l.screener.Screen(q)
	if err != nil {
		return centre.Screened{}, err
	}
	return centre.Screened{Lists: got.Index, Entities: got.People, Matches: got.Matches}, nil
}

// loaded reports whether there is anything to screen against.
func (l *lists) loaded() bool {
	_, err := l.screener.Index()
	return !errors.Is(err, aml.ErrNotScreened)
}
