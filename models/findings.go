package models

import (
	"context"
	"errors"

	"vestibule/models/mrz"
)

// Engine sees. eyes.Engine does it in this process, worker.Client in a child.
// All calls are safe from several goroutines and end when ctx does.
type Engine interface {
	// Glance looks at one live frame for the preview: cheap, no reading.
	Glance(ctx context.Context, f Frame, aim Aim) (Glance, error)
	// ReadDocument reads a document from one or more frames of the same side; more frames vote.
	ReadDocument(ctx context.Context, frames []Frame) (Document, error)
	// Examine looks closer at one side of a document, in one or more frames of it as
	// ReadDocument takes them: the dearer looks, each of which is asked for by name.
	Examine(ctx context.Context, frames []Frame, looks Looks) (Examination, error)
	// ReadFace measures the largest face of a frame.
	ReadFace(ctx context.Context, f Frame) (Face, error)
	// Versions names the trained networks in use: name → version (first 12 hex digits of the SHA-256).
	Versions(ctx context.Context) (map[string]string, error)
	Close() error
}

// Errors an Engine returns besides those of ctx. Test with errors.Is.
var (
	ErrFrame  = errors.New("frame cannot be read")           // this picture, not the engine
	ErrModel  = errors.New("trained network cannot be used") // missing, altered or not loadable
	ErrWorker = errors.New("vision worker is not available") // died or timed out; the next call may work
)

// Aim says what the camera is meant to show.
type Aim string

// What a Glance is for.
const (
	AimDocument Aim = "document"
	AimFace     Aim = "face"
)

// HintCode names the one thing to change before a capture can work. Texts belong to the screen.
type HintCode string

// Hints, most urgent first. For faces they follow the contract's liveness_error messages.
const (
	HintNone         HintCode = ""
	HintDark         HintCode = "dark"
	HintBright       HintCode = "bright"
	HintNoDocument   HintCode = "no-document"
	HintNoMRZ        HintCode = "no-mrz" // a document, but no machine readable zone in view
	HintTooFar       HintCode = "too-far"
	HintTooClose     HintCode = "too-close"
	HintCutOff       HintCode = "cut-off"
	HintAngle        HintCode = "angle"
	HintGlare        HintCode = "glare"
	HintBlur         HintCode = "blur"
	HintFinger       HintCode = "finger" // something of skin's colour lies over the document's border
	HintCopy         HintCode = "copy"   // a copy in black and white
	HintHold         HintCode = "hold-still"
	HintTilt         HintCode = "tilt" // slowly, so that what shimmers on it is seen
	HintNoFace       HintCode = "no-face"
	HintSeveralFaces HintCode = "several-faces"
	HintFaceSmall    HintCode = "face-small"     // relative to the frame
	HintFacePixels   HintCode = "face-pixels"    // absolute, in pixels
	HintEyesClose    HintCode = "eyes-too-close" // interpupillary distance in pixels
	HintFaceBorder   HintCode = "face-border"    // too close to a border
	HintFaceCropped  HintCode = "face-cropped"   //
	HintFaceCovered  HintCode = "face-covered"   // something hides the mouth or the eyes
	HintFaceTurned   HintCode = "face-turned"    // out-of-plane rotation
	HintEyesClosed   HintCode = "eyes-closed"    //
)

// Quality holds what was measured of a picture's usefulness.
// Scores are 0..100, 100 is best; see models/quality for their definition and source.
type Quality struct {
	Sharpness float64 // re-blur and tile variance combined
	Glare     float64 // 100: none
	Exposure  float64
	Colour    float64 // 100: full colour, 0: black and white copy
	Luma      float64 // mean, 0..255
	GlareAt   []Box   // where it is
	Placement Placement
}

// Placement is how a document lies in its picture. Scores are 0..100, 100 is best.
type Placement struct {
	Known       bool    // an outline was found; without it nothing else here means anything
	Inside      float64 // how far its corners are from the picture's borders
	Flat        float64 // how much it is seen from straight above
	PixelsPerMM float64 // 0: not known
	Resolution  float64 // what that is worth; 0 when not known
	Uncovered   float64 // 100: no finger lies over its border
	CoveredAt   []Box   // where one does
}

// Measure is one measure of a picture in words; see package quality's Judge.
type Measure struct {
	Name  string   // sharpness, glare, colour, exposure, resolution, inside, flat, uncovered
	Score float64  // 0..100, 100 is best
	At    []Box    // where; empty: nowhere or everywhere
	Hint  HintCode // what would cure it; HintNone while the score is no problem
	Code  string   // the contract's code it stands for
}

// Glance is what one look at a live frame tells.
type Glance struct {
	Width, Height int
	Hint          HintCode // HintNone: good enough to capture
	Quality       Quality
	Outline       *Quad // document aim: where it is
	Face          *Box  // face aim: where it is
	Faces         int
}

// Document is what was read of a document.
type Document struct {
	Width, Height int
	Hint          HintCode // why it could not be read, or HintNone
	Outline       *Quad    // in the best frame
	Best          int      // index of the frame that was read best
	Turn          int      // 0, 90, 180, 270: clockwise degrees to turn the best frame upright
	Quality       Quality
	MRZ           *mrz.Document // nil: no machine readable zone found
	Lines         []Line        // its lines as read
	Fields        []ZoneField   // how sure each field of MRZ is and where it stands; in its order
	Agreed        bool          // the second reader read exactly the same, and neither doubts a field that no check digit covers
	PixelsPerMM   float64       // measured on the zone's character pitch (2.54 mm)
	Recognition   float64       // 0..100, see models/document
	Portrait      []byte        // JPEG of the portrait cut-out; nil when none was found
	PortraitAt    *Box          // where in Upright it was cut out
	PortraitFace  *Face         // the face in it
	Upright       []byte        // JPEG of the best frame, turned upright and, where the outline allows, rectified
	Kind          Kind          // what sort of thing the picture shows
	Side          Side          // which side of it
}

// Kind says what sort of thing a picture shows, as far as it could be told; models/document
// says by what. Those of a zone are named like its layout.
type Kind string

// The kinds. A zone settles its kind; the others are told by shape and print.
const (
	KindUnknown  Kind = ""
	KindPassport Kind = "td3"     // a passport's page with its zone
	KindTD1      Kind = "td1"     // the side of an ID-1 card that bears the zone
	KindTD2      Kind = "td2"     //
	KindVisaA    Kind = "mrv-a"   //
	KindVisaB    Kind = "mrv-b"   //
	KindFrenchID Kind = "fr-id"   // the French identity card of 1988 to 2021
	KindLicense  Kind = "license" // a driver's licence or identity card as AAMVA designs it: a barcode, no zone
	KindCard     Kind = "card"    // the front of an ID-1 card, no zone on this side
	KindNotID    Kind = "not-id"  // no identity document
)

// KindOf is the kind that a zone's layout settles.
func KindOf(l mrz.Layout) Kind {
	switch l {
	case mrz.TD1:
		return KindTD1
	case mrz.TD2:
		return KindTD2
	case mrz.TD3:
		return KindPassport
	case mrz.MRVA:
		return KindVisaA
	case mrz.MRVB:
		return KindVisaB
	case mrz.FRID:
		return KindFrenchID
	}
	return KindUnknown
}

// Side is one of the two sides of a card. A page that shows zone and portrait is a front.
type Side string

// The sides.
const (
	SideUnknown Side = ""
	SideFront   Side = "front" // the portrait's
	SideBack    Side = "back"  // that of a zone or barcode without a portrait
)

// Looks says what an examination is to look at.
type Looks struct {
	Barcode     bool // a PDF417 symbol
	Text        bool // every line of print
	Genuineness bool // whether it is the document itself, not a picture of it
	Age         bool // how old the largest face of the first frame looks; frames of a selfie may be given
}

// Examination is what a closer look told. What was not asked for is nil.
type Examination struct {
	Barcode     *Barcode
	Text        *Text
	Genuineness *Genuineness
	Age         *Age // nil also when there is no face, or no network for it on this machine
}

// Barcode is a PDF417 symbol (ISO/IEC 15438). What it says is package aamva's to parse.
type Barcode struct {
	Found bool
	Data  []byte // as encoded
	At    Quad   // in the frame it was read from
	Frame int    // which one
}

// Text is the print of one side of a document, read in its upright picture. Which line
// is which field is package visual's to tell.
type Text struct {
	Width, Height int    // of the upright picture, pixels
	Lines         []Line // in reading order; places are parts of the upright picture
}

// The pipelines of Genuineness, as a Cue names them.
const (
	PipelineScreen   = "screen-replay"
	PipelinePaper    = "paper-printed"
	PipelinePortrait = "replace-portrait"
)

// CueTilt is the name of the one cue that belongs to no pipeline: how much of the document
// shimmers when it is tilted. It is there only when the frames show different poses.
const CueTilt = "tilt"

// Genuineness is document liveness (presentation attack detection on the document,
// ISO/IEC 30107-3 by analogy): a score for each of the contract's three pipelines, 0..100,
// 100 when nothing speaks against a genuine document. The cues say why.
//
// It is experimental: it was measured on simulated attacks only, and it rather misses an
// attack than accuses an honest person. A centre and people decide on it, no kiosk alone.
type Genuineness struct {
	ScreenReplay    float64
	PaperPrinted    float64
	ReplacePortrait float64
	Cues            []Cue
}

// Cue is one thing that speaks for or against a genuine document.
type Cue struct {
	Name     string  // see models/genuine
	Pipeline string  // one of the three, or empty: it informs only
	Score    float64 // 0..100, 100: nothing seen
	Measured float64 // the raw value, in the unit the cue's definition names
	At       *Box    // where, when it has a place
}

// Line is one text line as read.
type Line struct {
	Text  string
	Score float64 // 0..100, mean over characters
	At    Quad
}

// ZoneField is how one field of a machine readable zone was read. What it says is in
// Document.MRZ, under the same name.
type ZoneField struct {
	Name       string  // one of the Name constants of package mrz
	Line       int     // from 0
	Start, End int     // its characters, End exclusive; a long TD2 number's rest, which stands elsewhere, is left out
	Confidence float64 // 0..100, see models/document
	Agreed     bool    // both readers read all of its characters alike
	At         Quad    // in the best frame: around its characters but the fillers at its ends
	Upright    Quad    // the same in Upright
}

// Detail is what capture quality looks at beyond size, place and pose, measured on the
// aligned face (see models/face/reader).
type Detail struct {
	Uniformity  float64 // 0..1, overlap of the luma histograms of the face's two halves
	Under       float64 // 0..1, share of the face with a luma of 25 and less
	Over        float64 // 0..1, share of the face with a luma of 247 and more
	Range       float64 // bits, 0..8: entropy of the face's luma histogram
	Mouth       float64 // gap between the lips, in parts of the distance from the eyes to the chin
	MouthRelief float64 // how much lines across the mouth differ in luma, percent of the skin's; a covered mouth is flat
	EyeContrast float64 // standard deviation of luma around the eyes, percent of the skin's; dark glasses are flat
	EyesToChin  float64 // pixels
}

// Age is how old a face looks, in years: the middle of the network's answer, and the
// ends between which four fifths of it lie. It is an impression, not a fact; see
// face.AgeConflicts for what may follow from it.
type Age struct{ Low, Median, High float64 }

// Face is what was measured of the largest face in a frame.
type Face struct {
	Width, Height int // of the frame, pixels
	Found         bool
	Hint          HintCode // first capture-quality rule that is not met
	Faces         int
	Box           Box
	Score         float64   // detector's, 0..1
	Points        [68]Point // iBUG order
	Eyes          float64   // distance between the eyes, pixels
	Yaw           float64   // degrees, + is the person's nose towards image left
	Pitch         float64   // degrees, + is up
	Roll          float64   // degrees
	EyesOpen      float64   // 0..1, the less open eye; only for near-frontal faces, else -1
	Live          float64   // 0..1, P(live) of this one frame (passive)
	Sharpness     float64   // Laplacian variance of the aligned face
	Luma          float64   // mean of the face, 0..255
	Quality       float64   // 0..100 unified capture quality, see models/face
	Detail        *Detail   // what else capture quality looks at; nil: not measured
	Template      []float32 // 512 values, L2-normalised
	Model         string    // version of the network that made Template

	// Of a live frame only, not of a portrait in a document.
	LiveFeatures []float32 // what the liveness network decides on: 128 values for each of its two crops
	LiveModel    string    // version of the network that made LiveFeatures and Live
	Light        Light
	Sensor       Sensor // also when no face was found
}

// Light is the mean colour of the largest face's skin and of what is beside the head:
// red, green, blue, each 0..255 as the camera gives them (gamma and all). Around is
// zero when the head fills the frame.
type Light struct {
	Skin, Around [3]float64
}

// Size of what a Sensor holds.
const (
	SensorColumns = 16
	SensorRows    = 12
	SensorPatches = 4  // one near each corner, where a kiosk's camera mostly sees a wall
	SensorSide    = 16 // pixels
)

// Sensor is what one frame tells about where it comes from: from a sensor, which is
// never twice the same, or from a file. See models/face/injection.
type Sensor struct {
	Cells   []uint16 // mean luma of SensorRows × SensorColumns equal parts, row by row, in 1/256 grey levels
	Patches []byte   // luma of SensorPatches squares of SensorSide pixels, one after the other
}
