package keep

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"vestibule/journey"
	"vestibule/server/aml"
	"vestibule/server/blobs"
	"vestibule/server/centre"
	"vestibule/server/duplicate"
	"vestibule/server/ingest"
	"vestibule/server/review"
	"vestibule/server/store"
	"vestibule/sync/fault"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// Held is everything that the centre holds of one submission's person.
type Held struct {
	Submission  string               `json:"submission"`
	Journey     string               `json:"journey"`
	Kiosk       string               `json:"kiosk"`
	Project     string               `json:"project"`
	Applicant   string               `json:"applicant,omitempty"`
	State       string               `json:"state"`
	Created     time.Time            `json:"created"`
	Received    time.Time            `json:"received"`
	Decision    journey.Decision     `json:"decision,omitempty"`
	Reason      journey.Reason       `json:"reason,omitempty"`
	CommentCode string               `json:"commentCode,omitempty"`
	Decided     *time.Time           `json:"decided,omitempty"`
	DecidedBy   string               `json:"decidedBy,omitempty"` // rules, or people
	Data        *journey.Submission  `json:"data,omitempty"`      // as it counts, corrections included
	Sent        []journey.Submission `json:"sent,omitempty"`      // as the kiosk sent it, each revision
	Bases       []centre.Input       `json:"bases,omitempty"`     // that decisions rest on
	Face        []float32            `json:"face,omitempty"`      // the template in the collection of approved faces
	FoundBy     map[string]string    `json:"foundBy,omitempty"`   // keyed hashes
	Comment     string               `json:"comment,omitempty"`   // of a reviewer, for the person
	Reviewed    []Reviewed           `json:"reviewed,omitempty"`
	Screening   *Screened            `json:"screening,omitempty"`
	Cleared     []Cleared            `json:"cleared,omitempty"`
	Hits        []store.Hit          `json:"hits,omitempty"`
	Decisions   []Decided            `json:"decisions,omitempty"`
	Pictures    []Picture            `json:"pictures,omitempty"`
	Events      []journey.Event      `json:"events,omitempty"`
	Seen        []store.AuditLine    `json:"seen,omitempty"` // who did what with it
	Erased      []store.Erasure      `json:"erased,omitempty"`
	Unreadable  []string             `json:"unreadable,omitempty"` // what is here and does not open
}

// Reviewed is a step of a reviewer.
type Reviewed struct {
	At     time.Time `json:"at"`
	What   string    `json:"what"`
	Detail string    `json:"detail,omitempty"`
	review.Texts
}

// Screened is what the lists said.
type Screened struct {
	At     time.Time       `json:"at"`
	Status string          `json:"status"`
	Risk   string          `json:"risk"`
	Result centre.Screened `json:"result"`
}

// Cleared is a match that somebody found to be another person.
type Cleared struct {
	Source string    `json:"source"`
	Entity string    `json:"entity"`
	At     time.Time `json:"at"`
	Why    string    `json:"why"`
}

// Decided is one decision.
type Decided struct {
	At       time.Time        `json:"at"`
	Decision journey.Decision `json:"decision"`
	Reason   journey.Reason   `json:"reason,omitempty"`
	Policy   string           `json:"policy"`
	Record   json.RawMessage  `json:"record,omitempty"`
}

// Picture is one picture, with the file that it is in.
type Picture struct {
	Kind    journey.EvidenceKind `json:"kind"`
	Attempt int                  `json:"attempt"`
	File    string               `json:"file,omitempty"` // empty: it is not here any more, or not yet
}

// ExportReasons lists why somebody's data may be handed out.
func ExportReasons() []string { return []string{WhyAsked, WhyAuthority} }

// Export writes everything that is held of some submissions to w, as an encrypted ZIP file: index.html for people, data.json for
// machines, and the pictures. That it was done is noted first.
func (k *Keeper) Export(ctx context.Context, to io.Writer, ring *seal.Keyring, submissions []string, who, why string, recipients ...age.Recipient) error {
	if !slices.Contains(ExportReasons(), why) {
		return fault.New("export_reason", "no reason is given that this centre knows", "one of "+strings.Join(ExportReasons(), ", "), nil)
	}
	if len(recipients) == 0 {
		return fault.New("export_open", "an export is never written in the open", "give a recipient or a passphrase", nil)
	}
	now := k.c.Now()
	if err := k.c.Store.Write(ctx, func(tx *store.Tx) error {
		for _, id := range submissions {
			if _, err := tx.Submission(ctx, id); errors.Is(err, store.ErrNotFound) {
				return fault.New(CodeUnknown, "there is no submission "+id, "see the journey in the console for its submission", nil)
			} else if err != nil {
				return fmt.Errorf("find submission: %w", err)
			}
			if err := tx.Audit(ctx, k.c.NewID(), who, "export for "+why, id, now); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	sealed, err := age.Encrypt(to, recipients...)
	if err != nil {
		return fmt.Errorf("encrypt the export: %w", err)
	}
	z := zip.NewWriter(sealed)
	var all []Held
	for _, id := range submissions {
		h, err := k.held(ctx, z, ring, id)
		if err != nil {
			return err
		}
		all = append(all, h)
	}
	data, err := z.CreateHeader(&zip.FileHeader{Name: "data.json", Method: zip.Deflate, Modified: now})
	if err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	e := json.NewEncoder(data)
	e.SetIndent("", "  ")
	if err := e.Encode(all); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	page, err := z.CreateHeader(&zip.FileHeader{Name: "index.html", Method: zip.Deflate, Modified: now})
	if err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	if err := exportPage(page, all, now); err != nil {
		return err
	}
	if err := errors.Join(z.Close(), sealed.Close()); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}

// held gathers what is held of one submission; pictures go into the archive at once.
func (k *Keeper) held(ctx context.Context, z *zip.Writer, ring *seal.Keyring, id string) (Held, error) {
	r := k.c.Store.Read()
	row, err := r.Submission(ctx, id)
	if err != nil {
		return Held{}, fmt.Errorf("find submission: %w", err)
	}
	h := Held{
		Submission: row.ID, Journey: row.Session, Kiosk: row.Kiosk, Project: row.Project, Applicant: row.Applicant, State: string(row.Stand),
		Created: row.Created, Received: row.Received, Decision: row.Decision, Reason: row.Reason, CommentCode: row.CommentCode,
	}
	if !row.Decided.IsZero() {
		h.Decided, h.DecidedBy = &row.Decided, "rules"
		if row.Reviewer != "" {
			h.DecidedBy = "people"
		}
	}
	for _, gather := range []func(context.Context, store.Reader, store.Submission, *Held) error{
		k.readable, func(ctx context.Context, r store.Reader, row store.Submission, h *Held) error {
			return k.sent(ctx, r, ring, row, h)
		},
		k.people, k.lists, k.decisions, k.face,
	} {
		if err := gather(ctx, r, row, &h); err != nil {
			return h, err
		}
	}
	if h.Events, err = r.Events(ctx, row.Session); err != nil {
		return h, fmt.Errorf("read events: %w", err)
	}
	if h.Seen, err = r.AuditOf(ctx, row.ID); err != nil {
		return h, fmt.Errorf("read audit: %w", err)
	}
	if h.Erased, err = r.Erasures(ctx, row.ID); err != nil {
		return h, fmt.Errorf("look for erasures: %w", err)
	}
	manifest, err := r.EvidenceFor(ctx, row.ID)
	if err != nil {
		return h, fmt.Errorf("read manifest: %w", err)
	}
	for i, e := range manifest {
		p := Picture{Kind: e.Kind, Attempt: e.Attempt}
		plain, err := k.picture(ring, row, e)
		switch {
		case errors.Is(err, blobs.ErrNotHere):
		case err != nil:
			h.Unreadable = append(h.Unreadable, fmt.Sprintf("picture %s %d", e.Kind, e.Attempt))
		default:
			p.File = fmt.Sprintf("pictures/%s/%02d-%s%s", row.ID, i+1, e.Kind, extension(plain))
			f, err := z.CreateHeader(&zip.FileHeader{Name: p.File, Method: zip.Store, Modified: k.c.Now()})
			if err == nil {
				_, err = f.Write(plain)
			}
			if err != nil {
				return h, fmt.Errorf("write export: %w", err)
			}
		}
		h.Pictures = append(h.Pictures, p)
	}
	return h, nil
}

func (k *Keeper) picture(ring *seal.Keyring, row store.Submission, e store.Evidence) ([]byte, error) {
	sealed, err := k.c.Blobs.Read(e.Blob)
	if err != nil {
		return nil, err
	}
	return ring.Open(sealed, seal.InfoEvidence, seal.EvidenceAAD(row.Kiosk, row.ID, e.ID))
}

func extension(picture []byte) string {
	switch http.DetectContentType(picture) {
	case "image/jpeg":
		return ".jpg"
	case "image/png":
		return ".png"
	}
	return ".bin"
}

// open opens what the vault sealed; ok is false where there is nothing, or it does not open, which is noted.
func (k *Keeper) open(h *Held, what string, sealed []byte, context string) (plain []byte, ok bool) {
	if len(sealed) == 0 {
		return nil, false
	}
	plain, err := k.c.Vault.Open(sealed, context)
	if err != nil {
		h.Unreadable = append(h.Unreadable, what)
		return nil, false
	}
	return plain, true
}

func (k *Keeper) readable(_ context.Context, _ store.Reader, row store.Submission, h *Held) error {
	if plain, ok := k.open(h, "data", row.Private, ingest.PrivateContext(row.ID)); ok {
		var s journey.Submission
		if err := wire.Unmarshal(plain, &s); err != nil {
			return fmt.Errorf("decode submission: %w", err)
		}
		h.Data = &s
	}
	if plain, ok := k.open(h, "comment", row.Comment, review.CommentContext(row.ID)); ok {
		h.Comment = string(plain)
	}
	h.FoundBy = map[string]string{}
	for name, hash := range map[string]string{
		"data": row.Keys.PII, "document": row.Keys.Document, "holder": row.Keys.Holder, "name": row.Keys.Name, "birth": row.Keys.Birth,
		"email": row.Keys.Email, "phone": row.Keys.Phone, "user": row.Keys.User,
	} {
		if hash != "" {
			h.FoundBy[name] = hash
		}
	}
	return nil
}

// sent opens every revision as the kiosk sealed it, those in quarantine too.
func (k *Keeper) sent(ctx context.Context, r store.Reader, ring *seal.Keyring, row store.Submission, h *Held) error {
	records, err := r.SubmissionRecords(ctx, row.ID)
	if err != nil {
		return fmt.Errorf("find records: %w", err)
	}
	apart, err := r.QuarantinedBodies(ctx, row.ID)
	if err != nil {
		return fmt.Errorf("look at quarantine: %w", err)
	}
	type body struct {
		kiosk string
		bytes []byte
	}
	var all []body
	for _, one := range records {
		all = append(all, body{one.Kiosk, one.Body})
	}
	for _, one := range apart {
		if one.Kiosk == row.Kiosk { // under another kiosk's seal it is another person's
			all = append(all, body{one.Kiosk, one.Body})
		}
	}
	for _, one := range all {
		if len(one.bytes) == 0 {
			continue
		}
		var s journey.Submission
		b, err := wire.DecodeSubmission(one.bytes)
		if err == nil {
			b.Sealed, err = ring.Open(b.Sealed, seal.InfoSubmission, seal.SubmissionAAD(one.kiosk, b.Submission, b.Revision))
		}
		if err == nil {
			err = wire.Unmarshal(b.Sealed, &s)
		}
		if err != nil {
			h.Unreadable = append(h.Unreadable, "a record of the kiosk")
			continue
		}
		h.Sent = append(h.Sent, s)
	}
	return nil
}

// people gathers what reviewers wrote.
func (k *Keeper) people(ctx context.Context, r store.Reader, row store.Submission, h *Held) error {
	acts, err := r.ReviewActs(ctx, row.ID)
	if err != nil {
		return fmt.Errorf("read review steps: %w", err)
	}
	for _, a := range acts {
		one := Reviewed{At: a.At, What: a.What, Detail: a.Detail}
		if plain, ok := k.open(h, "a reviewer's text", a.Private, review.TextsContext(a.ID)); ok {
			if err := json.Unmarshal(plain, &one.Texts); err != nil {
				return fmt.Errorf("decode review step: %w", err)
			}
		}
		h.Reviewed = append(h.Reviewed, one)
	}
	return nil
}

// lists gathers what sanctions lists said.
func (k *Keeper) lists(ctx context.Context, r store.Reader, row store.Submission, h *Held) error {
	found, err := r.Screening(ctx, row.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("find screening: %w", err)
	}
	if err == nil {
		h.Screening = &Screened{At: found.At, Status: found.Status, Risk: found.Risk}
		if plain, ok := k.open(h, "screening", found.Result, centre.ScreeningContext(row.ID)); ok {
			if err := json.Unmarshal(plain, &h.Screening.Result); err != nil {
				return fmt.Errorf("decode screening: %w", err)
			}
		}
	}
	cleared, err := r.ClearedOn(ctx, row.ID)
	if err != nil {
		return fmt.Errorf("find cleared pairs: %w", err)
	}
	for _, c := range cleared {
		one := Cleared{Source: c.Source, Entity: c.Entity, At: c.At}
		if plain, ok := k.open(h, "why a match was cleared", c.Why, centre.WhyContext(row.ID, aml.Source(c.Source), c.Entity)); ok {
			one.Why = string(plain)
		}
		h.Cleared = append(h.Cleared, one)
	}
	if h.Hits, err = r.HitsOn(ctx, row.ID); err != nil {
		return fmt.Errorf("find hits: %w", err)
	}
	return nil
}

func (k *Keeper) decisions(ctx context.Context, r store.Reader, row store.Submission, h *Held) error {
	all, err := r.DecisionsOf(ctx, row.ID)
	if err != nil {
		return fmt.Errorf("read decisions: %w", err)
	}
	for _, d := range all {
		h.Decisions = append(h.Decisions, Decided{At: d.At, Decision: d.Decision, Reason: d.Reason, Policy: d.Policy, Record: d.Record})
		sealed, err := r.DecisionInput(ctx, d.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("find what a decision rests on: %w", err)
		}
		if plain, ok := k.open(h, "what a decision rests on", sealed, centre.InputContext(d.ID)); ok {
			var in centre.Input
			if err := wire.Unmarshal(plain, &in); err != nil {
				return fmt.Errorf("decode what a decision rests on: %w", err)
			}
			h.Bases = append(h.Bases, in)
		}
	}
	return nil
}

func (k *Keeper) face(ctx context.Context, r store.Reader, row store.Submission, h *Held) error {
	f, err := r.FaceOf(ctx, row.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find face: %w", err)
	}
	if plain, ok := k.open(h, "face template", f.Template, centre.FaceContext(row.ID)); ok {
		if h.Face, err = duplicate.UnpackVector(plain); err != nil {
			return fmt.Errorf("decode face: %w", err)
		}
	}
	return nil
}

// exportPage writes what is held in words. The whole of it is in data.json.
func exportPage(w io.Writer, all []Held, at time.Time) error {
	t, err := template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>What is held about you</title>
<style>body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}dt{font-weight:bold}dd{margin:0 0 .5em}img{max-width:20em;display:block}table{border-collapse:collapse}td,th{border:1px solid #888;padding:.2em .5em;text-align:left}</style>
<h1>What is held about you</h1>
<p>As of {{.At.UTC.Format "2006-01-02 15:04"}} UTC. data.json holds the same and everything else, for machines.</p>
{{range .All}}<h2>Visit of {{.Created.UTC.Format "2006-01-02 15:04"}} UTC</h2>
<dl><dt>Number</dt><dd>{{.Submission}}</dd><dt>Kiosk</dt><dd>{{.Kiosk}}</dd>
<dt>Decision</dt><dd>{{with .Decision}}{{.}}{{else}}none{{end}} {{.Reason}}{{with .DecidedBy}}, by {{.}}{{end}}</dd>
{{with .Data}}{{with .Document.Person}}<dt>Name</dt><dd>{{.GivenNames}} {{.FamilyName}}</dd><dt>Born</dt><dd>{{.Birth}}</dd><dt>Nationality</dt><dd>{{.Nationality}}</dd>{{end}}
<dt>Document</dt><dd>{{.Document.Type}} {{.Document.IssuingCountry}} {{.Document.Number}}, to {{.Document.ExpiryDate}}</dd>
{{with .Review}}<dt>As you confirmed it</dt><dd>{{.GivenNames}} {{.FamilyName}}, {{.Birth}}</dd>{{end}}
{{with .Email}}<dt>E-mail</dt><dd>{{.}}</dd>{{end}}{{with .Phone}}<dt>Phone</dt><dd>{{.}}</dd>{{end}}{{with .UserID}}<dt>User</dt><dd>{{.}}</dd>{{end}}{{end}}
{{with .Comment}}<dt>Comment for you</dt><dd>{{.}}</dd>{{end}}
<dt>Face template</dt><dd>{{if .Face}}kept, {{len .Face}} numbers{{else}}none{{end}}</dd>
{{with .Screening}}<dt>Sanctions lists</dt><dd>{{.Status}}, {{len .Result.Matches}} entries resemble you</dd>{{end}}</dl>
{{if .Erased}}<h3>Erased</h3><ul>{{range .Erased}}<li>{{.Kind}}, on {{.At.UTC.Format "2006-01-02"}} ({{.Why}})</li>{{end}}</ul>{{end}}
{{if .Pictures}}<h3>Pictures</h3>{{range .Pictures}}<p>{{.Kind}}, try {{.Attempt}}{{if .File}}<img src="{{.File}}" alt="{{.Kind}}">{{else}}: not here{{end}}</p>{{end}}{{end}}
{{if .Reviewed}}<h3>What people did</h3><table>{{range .Reviewed}}<tr><td>{{.At.UTC.Format "2006-01-02 15:04"}}</td><td>{{.What}}</td><td>{{.Detail}}</td><td>{{.Note}} {{.Comment}}</td></tr>{{end}}</table>{{end}}
{{if .Seen}}<h3>Who looked at it or changed it</h3><table>{{range .Seen}}<tr><td>{{.At.UTC.Format "2006-01-02 15:04"}}</td><td>{{.Who}}</td><td>{{.What}}</td></tr>{{end}}</table>{{end}}
{{if .Events}}<h3>What happened</h3><table>{{range .Events}}<tr><td>{{.Started.UTC.Format "2006-01-02 15:04:05"}}</td><td>{{.Name}}</td><td>{{.Result}}</td></tr>{{end}}</table>{{end}}
{{if .Unreadable}}<h3>What cannot be opened</h3><ul>{{range .Unreadable}}<li>{{.}}</li>{{end}}</ul>{{end}}
{{end}}</html>
`)
	if err != nil {
		return fmt.Errorf("prepare export: %w", err)
	}
	if err := t.Execute(w, struct {
		At  time.Time
		All []Held
	}{at, all}); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}
