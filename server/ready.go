package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"vestibule/server/centre"
	"vestibule/server/store"
)

// readyLimit is how long /readyz looks: who asks has a limit of their own.
const readyLimit = 2 * time.Second

// condition is one part's state in /readyz.
type condition struct {
	OK     bool   `json:"ok"`
	Code   string `json:"code,omitempty"`
	Hint   string `json:"hint,omitempty"`
	Needed bool   `json:"needed"` // false: the centre works on without it
}

// Of every part that cannot be looked at because the database is away.
const (
	codeDatabase = "database"
	hintDatabase = "check the database and free space"
)

// ready tells whether the centre can take in, decide and answer.
func (c *running) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyLimit)
	defer cancel()
	parts := map[string]condition{}
	set := func(name string, needed, ok bool, code, hint string) {
		one := condition{OK: ok, Needed: needed}
		if !ok {
			one.Code, one.Hint = code, hint
		}
		parts[name] = one
	}
	asked := func(name string, err error, ok bool, code, hint string) {
		if err != nil {
			code, hint = codeDatabase, hintDatabase
		}
		set(name, false, err == nil && ok, code, hint)
	}
	read, now := c.store.Read(), time.Now()
	set("database", true, c.store.Ping(ctx) == nil, codeDatabase, hintDatabase)
	set("link", true, c.receiver.Online(), "broker_unreachable", "check the broker")
	policy, err := centre.Policy(ctx, read, "default") // without it nothing is known to be needed, and the database is away
	set("vision", err == nil && policy.Recheck, c.engine.Load() != nil && c.engine.Load().State().Up, centre.ProblemWorker, "run make models; see the log")
	set("screener", false, c.screenerUp(), centre.ProblemScreener, screenerHint)
	set("lists", err == nil && policy.AML.Screen, c.screenable(), centre.ProblemLists, "server list import")
	old, err := c.stale(ctx)
	asked("lists_age", err, len(old) == 0, problemStale, staleHint)
	hits, err := read.OpenHits(ctx, 1)
	asked("list_hits", err, len(hits) == 0, "list_hits_open", "server list hits, then server list clear, or decide anew")
	jobs, err := read.OpenJobs(ctx, 1000)
	stuck := 0
	for _, j := range jobs {
		if j.State == store.JobDead {
			stuck++
		}
	}
	asked("jobs", err, stuck == 0, "jobs_given_up", "see the log for the submissions concerned")
	dead, err := read.DeadDeliveries(ctx)
	asked("deliveries", err, dead == 0, "deliveries_given_up", "server webhook deliveries, then server webhook replay")
	mailed, err := c.mailed(ctx)
	asked("mail", err, mailed, "mail_given_up", "server mail list, then server mail replay; server doctor tells more")
	erasures, err := read.UnfinishedErasures(ctx, 1)
	asked("erasures", err, len(erasures) == 0, "erase_unfinished", "erased pictures are still there: see the log, and the medium")
	late, err := read.LateReviews(ctx, now)
	asked("reviews", err, late == 0, "reviews_late", "see the review queue of the console")
	faces, err := c.centre.Faces(ctx)
	set("faces", true, err == nil, centre.ProblemFaces, "check the database that -faces-db names")
	status := http.StatusOK
	for _, p := range parts {
		if p.Needed && !p.OK {
			status = http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"ready": status == http.StatusOK, "parts": parts, "waiting": len(jobs), "faces": faces})
}
