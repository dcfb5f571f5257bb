package agent

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"vestibule/agent/check"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/sync/durable"
	"vestibule/sync/wire"
)

// memory is what a visit must not forget at a crash. It is personal data: on disk
// it stands only sealed under the visit's own key, and it is wiped at the end.
type memory struct {
	Session    string
	Submission string // id reserved for it
	Step       Step
	Policy     journey.Policy
	Language   string
	Started    time.Time

	Attempt1, Attempt2 int // current attempt of each step, from 1
	Retakes            int // by the person's own wish
	Retake             journey.CodeKey
	RetakeVariant      string
	Why                []string // ids of the events that led to the present step
	Consented          bool

	Created     bool // SUBMISSION_CREATED was recorded
	Final       bool // the last snapshot was handed over
	Revision    int
	State       journey.SubmissionState
	CreatedAt   time.Time
	Document    journey.DocumentData
	Read        bool // Document holds a reading
	Review      *journey.PersonData
	Recognition float64
	OCR         []journey.OCRField
	IDLiveness  *journey.IDLiveness
	Portrait    *models.Face
	Measured    check.Measured
	PortraitAge *journey.AgeRange // how old the portrait looks
	FaceAges    []journey.FaceAge // one for each try at the selfie
	Evidence    []journey.Evidence
	Attempts    []journey.Attempt
	Retries     []journey.RetryEntry
	Camera      []journey.CameraProcess
	FailedStep  journey.Step
	FailedCode  journey.CodeKey
	Exhausted   bool
}

// visit is the one that runs: its memory, and what need not outlive a crash.
type visit struct {
	memory
	key      []byte
	last     map[journey.EventName]string // newest event of each name
	touched  time.Time                    // last sign of a person
	entered  time.Time                    // the present step
	asking   time.Time                    // "are you still there?" ends; zero: not asked
	until    time.Time                    // result and error screens clear themselves
	paused   bool                         // found after a crash: nothing runs before the person answers
	problem  *Problem
	outcome  *Outcome
	live     State // hint, outline, face, challenge, progress, by hand
	tip      models.HintCode
	hand     bool
	shutter  chan struct{}
	cancel   context.CancelFunc
	worked   time.Time // begin of the work under way
	fronted  time.Time // FRONT_SESSION_START
	lights   *lights   // of the selfie under way; nil: none is asked for
	unlit    bool      // the person wants no coloured light: it is not asked for again
	moved    []string  // KIOSK_CHALLENGE_ASKED events of this attempt
	observed int       // events of the screen

	stallSeen string // KIOSK_CAMERA_STALLED that was followed by a recovery

	// first is the side of a two-sided document that was read already; nil: this
	// is the first. It is not remembered across a crash: the step begins anew.
	first  *side
	need   check.Need // the side that first lacks
	closer *closer    // looks at the reading at hand; nil after a crash
}

// side is one read side of a document, and the events that tell of it.
type side struct {
	doc     models.Document
	barcode *models.Barcode
	frames  []models.Frame // as the camera gave them
	page    []byte         // the upright picture
	causes  []string
}

// startOver forgets the side that was read already.
func (v *visit) startOver() {
	if v.first != nil {
		clear(v.first.doc.Portrait)
		clear(v.first.doc.Upright)
		clear(v.first.page)
		wipeFrames(v.first.frames)
		if v.first.barcode != nil {
			clear(v.first.barcode.Data)
		}
	}
	v.first, v.need = nil, check.NeedNothing
}

// attempt gives the number of the present step's try.
func (v *visit) attempt() int {
	switch v.Step {
	case StepDocument, StepReading, StepReview:
		return v.Attempt1
	case StepSelfie, StepChecking:
		return v.Attempt2
	}
	return 0
}

// wipe overwrites what can be overwritten and lets go of the rest.
func (v *visit) wipe() {
	clear(v.key)
	if f := v.Measured.Face; f != nil {
		clear(f.Vector)
	}
	if v.Portrait != nil {
		clear(v.Portrait.Template)
		*v.Portrait = models.Face{}
	}
	for i := range v.OCR {
		v.OCR[i] = journey.OCRField{}
	}
	clear(v.Document.MRZ)
	v.startOver()
	*v = visit{}
}

// keyFile is the running visit's key. It lies outside the database, so that no
// copy of the database, its log or a backup ever holds it.
const keyFile = "visit.key"

const keySize = 32

// newKey makes the key of a visit and puts it on disk before anything is sealed with it.
func newKey(dir string, random io.Reader) ([]byte, error) {
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("visit key: %w", err)
	}
	if err := dropKey(dir); err != nil {
		return nil, err
	}
	key := make([]byte, keySize)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, fmt.Errorf("visit key: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, keyFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("visit key: %w", err)
	}
	_, err = f.Write(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("visit key: %w", errors.Join(err, os.Remove(f.Name())))
	}
	if err := durable.SyncFolder(dir); err != nil {
		return nil, fmt.Errorf("visit key: %w", err)
	}
	return key, nil
}

// readKey gives the key that a crash left behind.
func readKey(dir string) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, fmt.Errorf("visit key: %w", err)
	}
	defer f.Close()
	key := make([]byte, keySize)
	if _, err := io.ReadFull(f, key); err != nil {
		return nil, fmt.Errorf("visit key: %w", err)
	}
	return key, nil
}

// dropKey overwrites and removes the key: whatever was sealed with it is gone.
func dropKey(dir string) error {
	path := filepath.Join(dir, keyFile)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("visit key: %w", err)
	}
	_, err = f.Write(make([]byte, keySize))
	err = errors.Join(err, f.Sync(), f.Close())
	if e := os.Remove(path); e != nil {
		return fmt.Errorf("visit key: %w", errors.Join(err, e))
	}
	return nil // a key that could not be overwritten is removed all the same
}

func sealer(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// checkpoint seals the memory.
func (v *visit) checkpoint() ([]byte, error) {
	plain, err := wire.Marshal(&v.memory)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	defer clear(plain)
	a, err := sealer(v.key)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return a.Seal(nil, nil, plain, []byte(v.Session)), nil
}

// remember opens a checkpoint.
func remember(key, sealed []byte, session string) (memory, error) {
	a, err := sealer(key)
	if err != nil {
		return memory{}, fmt.Errorf("open checkpoint: %w", err)
	}
	plain, err := a.Open(nil, nil, sealed, []byte(session))
	if err != nil {
		return memory{}, fmt.Errorf("open checkpoint: %w", err)
	}
	defer clear(plain)
	var m memory
	if err := wire.Unmarshal(plain, &m); err != nil {
		return memory{}, fmt.Errorf("open checkpoint: %w", err)
	}
	if m.Session != session {
		return memory{}, errors.New("open checkpoint: of another visit")
	}
	return m, nil
}
