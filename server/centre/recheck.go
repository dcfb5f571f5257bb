package centre

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/aamva"
	"vestibule/models/face"
	"vestibule/models/idnumber"
	"vestibule/models/mrz"
	"vestibule/server/decide"
	"vestibule/server/duplicate"
	"vestibule/sync/seal"
)

// interval is when something ran.
type interval struct{ started, ended time.Time }

// looked is what reading the evidence again gave, besides what decide needs.
type looked struct {
	recheck  *decide.Recheck
	template *journey.FaceTemplate // of the stored selfie, by the centre's own model
	ran      map[string]interval   // by check
}

// Why evidence is not read again.
const (
	leftFresh   = "not-stale"
	leftSampled = "not-sampled"
)

// left says why the policy lets a submission's evidence be, or nothing when it is to be read again. The vault's
// key draws the sample, so that no kiosk knows beforehand and every copy draws alike.
func (c *Centre) left(ctx context.Context, p journey.Policy, s journey.Submission) (string, error) {
	if p.RecheckOf == journey.RecheckAll || p.RecheckOf == "" {
		return "", nil
	}
	engine, err := c.c.Engine()
	if err != nil {
		return "", err
	}
	ours, err := engine.Versions(ctx)
	if err != nil {
		return "", fmt.Errorf("ask for model versions: %w", err)
	}
	for name, version := range ours {
		if s.Models[name] != version {
			return "", nil // stale
		}
	}
	if p.RecheckOf == journey.RecheckStale {
		return leftFresh, nil
	}
	sum, err := hex.DecodeString(c.c.Vault.Hash("recheck-sample", s.ID)[:8])
	if err != nil {
		return "", fmt.Errorf("draw a sample: %w", err)
	}
	if float64(binary.BigEndian.Uint32(sum)) < p.RecheckShare/100*(1<<32) {
		return "", nil
	}
	return leftSampled, nil
}

// recheck opens the sealed pictures and reads them again, all at the same time.
// An error means that it could not be done now; what the pictures themselves are
// to blame for is in the result.
func (c *Centre) recheck(ctx context.Context, s journey.Submission) (looked, error) {
	out := looked{recheck: &decide.Recheck{}, ran: map[string]interval{}}
	began := c.c.Now()
	pictures := map[journey.EvidenceKind]models.Frame{}
	for _, e := range newest(s.Evidence) {
		plain, err := c.open(s, e)
		if err != nil {
			c.c.Log.WarnContext(ctx, "evidence does not open", "code", "evidence_unreadable", "submission", s.ID, "evidence", e.ID, "kind", string(e.Kind), "error", err)
			out.ran[decide.CheckEvidence] = interval{began, c.c.Now()}
			return out, nil // Opened stays false: held for people
		}
		pictures[e.Kind] = models.Frame{Format: models.JPEG, Pix: plain, At: e.Taken}
	}
	out.recheck.Opened = true
	out.ran[decide.CheckEvidence] = interval{began, c.c.Now()}

	engine, err := c.c.Engine()
	if err != nil {
		return out, err
	}
	if out.recheck.Models, err = engine.Versions(ctx); err != nil {
		return out, fmt.Errorf("ask for model versions: %w", err)
	}
	front, hasFront := pictures[journey.EvidenceFront]
	portrait, hasPortrait := pictures[journey.EvidencePortrait]
	selfie, hasSelfie := pictures[journey.EvidenceSelfie]
	if !hasFront || !hasSelfie {
		out.recheck.Unreadable = "evidence-missing"
		return out, nil
	}

	began = c.c.Now()
	var doc models.Document
	var symbol models.Examination
	var faces [2]models.Face
	errs := make([]error, 3)
	var wg sync.WaitGroup
	run := func(i int, do func() error) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = do()
		}()
	}
	zone, names := front, []string{"front", "selfie", "portrait"}
	if back, ok := pictures[journey.EvidenceBack]; ok && twoSided(s.Document.Layout) {
		zone, names[0] = back, "back"
	}
	run(0, func() (err error) {
		if s.Document.Layout == layoutAAMVA {
			symbol, err = engine.Examine(ctx, []models.Frame{zone}, models.Looks{Barcode: true})
			return err
		}
		doc, err = engine.ReadDocument(ctx, []models.Frame{zone})
		return err
	})
	run(1, func() (err error) { faces[1], err = engine.ReadFace(ctx, selfie); return err })
	if hasPortrait {
		run(2, func() (err error) { faces[0], err = engine.ReadFace(ctx, portrait); return err })
	}
	wg.Wait()
	out.ran[decide.CheckRecheck] = interval{began, c.c.Now()}
	for i, err := range errs {
		switch {
		case err == nil:
		case errors.Is(err, models.ErrFrame):
			out.recheck.Unreadable = names[i] + "-unreadable"
		default:
			return out, fmt.Errorf("read %s again: %w", names[i], err)
		}
	}
	if out.recheck.Unreadable != "" {
		return out, nil
	}
	if !hasPortrait && doc.PortraitFace != nil {
		faces[0] = *doc.PortraitFace
	}
	if s.Document.Layout == layoutAAMVA {
		out.recheck.Document = compareBarcode(s, symbol.Barcode)
	} else {
		out.recheck.Document = compareDocument(s, doc)
	}
	if faces[1].Found {
		out.recheck.Live = &decide.Said{Kiosk: s.Liveness.Passive, Centre: 100 * faces[1].Live}
		out.template = &journey.FaceTemplate{Model: faces[1].Model, Vector: faces[1].Template}
	}
	switch {
	case !faces[0].Found:
		out.recheck.Unreadable = "portrait-no-face"
	case !faces[1].Found:
		out.recheck.Unreadable = "selfie-no-face"
	case faces[0].Model != faces[1].Model:
		return out, fmt.Errorf("%w: portrait and selfie were measured by different networks", models.ErrModel)
	default:
		out.recheck.Eyes = faces[0].Eyes
		out.recheck.Similarity = &decide.Said{Kiosk: s.Similarity, Centre: face.Similarity(face.Cosine(faces[0].Template, faces[1].Template))}
		out.ran[decide.CheckFace] = out.ran[decide.CheckRecheck]
	}
	return out, nil
}

// layoutAAMVA is the layout of a document whose data stand in the barcode on its back.
const layoutAAMVA = "AAMVA"

// twoSided says whether a layout may have its zone on the back (ICAO 9303-5), or has its barcode there. The
// back of a card that was shown before a passport is not that passport's.
func twoSided(layout string) bool {
	switch mrz.Layout(layout) {
	case mrz.TD1, mrz.TD2, mrz.FRID, layoutAAMVA:
		return true
	}
	return false
}

// newest gives the last picture of each kind: the one that was accepted.
func newest(manifest []journey.Evidence) []journey.Evidence {
	best := map[journey.EvidenceKind]journey.Evidence{}
	var kinds []journey.EvidenceKind
	for _, e := range manifest {
		have, ok := best[e.Kind]
		if !ok {
			kinds = append(kinds, e.Kind)
		}
		if !ok || e.Attempt > have.Attempt || e.Attempt == have.Attempt && !e.Taken.Before(have.Taken) {
			best[e.Kind] = e
		}
	}
	out := make([]journey.Evidence, 0, len(kinds))
	for _, k := range kinds {
		out = append(out, best[k])
	}
	return out
}

// open gives a picture's bytes.
func (c *Centre) open(s journey.Submission, e journey.Evidence) ([]byte, error) {
	sealed, err := c.c.Blobs.Read(e.Blob)
	if err != nil {
		return nil, err
	}
	return c.c.Keys.Open(sealed, seal.InfoEvidence, seal.EvidenceAAD(s.Kiosk, s.ID, e.ID))
}

// compareDocument holds the zone as the centre reads it against what the kiosk
// said it read. What the person corrected is not compared: that is between the
// person and the document, and the submission shows both.
func compareDocument(s journey.Submission, doc models.Document) *decide.DocumentSaid {
	out := &decide.DocumentSaid{KioskSay: s.Recognition, Centre: doc.Recognition}
	z := doc.MRZ
	if z == nil || !z.Valid() {
		return out
	}
	out.Read, out.Agreed = true, doc.Agreed
	differs := func(field string, same bool) {
		if !same {
			out.Differs = append(out.Differs, field)
		}
	}
	d := s.Document
	differs("number", duplicate.DocumentNumber(z.Number.Value) == duplicate.DocumentNumber(d.Number))
	differs("issuer", country(z.Issuer.Value) == country(d.IssuingCountry))
	differs("nationality", country(z.Nationality.Value) == country(d.Person.Nationality))
	differs("birth", z.Birth.Value == d.Person.Birth)
	differs("expiry", z.Expiry.Value == d.ExpiryDate)
	for _, text := range []string{z.Optional.Value, z.Optional2.Value} { // the number, where the zone has one and the kiosk took one
		said, took := idnumber.Find(country(d.IssuingCountry), d.PersonalNumber, s.Created)
		if n, ok := idnumber.Find(country(d.IssuingCountry), text, s.Created); ok && took {
			differs("personal number", n.Value == said.Value)
		}
	}
	differs("name", duplicate.NameKey(z.FamilyName.Value, z.GivenNames.Value) == duplicate.NameKey(d.Person.FamilyName, d.Person.GivenNames))
	return out
}

// compareBarcode is compareDocument for a card whose data stand in its barcode.
func compareBarcode(s journey.Submission, b *models.Barcode) *decide.DocumentSaid {
	out := &decide.DocumentSaid{KioskSay: s.Recognition}
	if b == nil || !b.Found {
		return out
	}
	a, err := aamva.Parse(b.Data)
	if err != nil {
		return out
	}
	// The symbol's own error correction takes the place of a second reader.
	out.Read, out.Agreed, out.Centre = true, true, s.Recognition
	d := s.Document
	family := a.FamilyName.Value
	if family == "" {
		family = a.FullName.Value
	}
	for _, f := range []struct {
		name string
		same bool
	}{
		{"number", duplicate.DocumentNumber(a.Number.Value) == duplicate.DocumentNumber(d.Number)},
		{"issuer", d.IssuingCountry == a.Country.Value || d.IssuingCountry == a.Jurisdiction.Country},
		{"birth", a.Birth.Value == d.Person.Birth},
		{"expiry", a.Expiry.Value == d.ExpiryDate},
		{"name", duplicate.NameKey(family, a.GivenName.Value+" "+a.MiddleName.Value) == duplicate.NameKey(d.Person.FamilyName, d.Person.GivenNames)},
	} {
		if !f.same {
			out.Differs = append(out.Differs, f.name)
		}
	}
	return out
}

// country makes the one-letter codes of the zone and their alpha-3 form agree.
func country(code string) string {
	if alpha, ok := mrz.Alpha3(code); ok {
		return alpha
	}
	return code
}
