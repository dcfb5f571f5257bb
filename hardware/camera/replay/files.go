package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"vestibule/hardware/camera"
)

// Names of the files beside the pictures.
const (
	TimingFile = "timing.json"
	RecipeFile = "recipe.json"
	CueFile    = "cue"
)

// Bounds of a recording.
const (
	maxPictures    = 20_000
	maxPicture     = 32 << 20
	maxControlFile = 1 << 20
	maxMillisecond = 60_000
	maxCues        = 100
)

// Loop says what comes after the last picture.
type Loop string

// The ways to go on.
const (
	LoopAll  Loop = "all"  // from the first again; the default
	LoopTail Loop = "tail" // from picture Timing.Tail again
	LoopEnd  Loop = "end"  // nothing: camera.ErrEnded
)

// Timing is the content of timing.json. The zero value is 15 frames a second, over and over.
type Timing struct {
	Format camera.Format `json:"format,omitempty"` // what to deliver; default mjpeg
	FPS    float64       `json:"fps,omitempty"`    // for pictures without a time of their own; default 15
	MS     []int         `json:"ms,omitempty"`     // how long each picture stays, milliseconds, 1..60000
	Loop   Loop          `json:"loop,omitempty"`
	Tail   int           `json:"tail,omitempty"` // index, from 0, of the picture that LoopTail goes back to
	Main   int           `json:"main,omitempty"` // so many pictures are the recording; 0: all. Those behind are for cues
	// Cues are stretches of pictures, [from, to), that are played when asked for:
	// by the name of one in the file cue (CueFile), which is taken away then. After
	// it the recording goes on at its tail, or its beginning. So a recorded person
	// can answer what a screen asks.
	Cues map[string][2]int `json:"cues,omitempty"`
}

// Recipe is the content of recipe.json: how the camera misbehaves. Frames count
// from 1 in the order of arrival. Zero values mean: not.
type Recipe struct {
	Open     string      `json:"open,omitempty"`      // Open fails: missing, denied, format
	StallAt  uint64      `json:"stall_at,omitempty"`  // this frame and all later ones never arrive
	UnplugAt uint64      `json:"unplug_at,omitempty"` // instead of this frame the camera is gone
	Black    [][2]uint64 `json:"black,omitempty"`     // ranges, both ends included, of black frames
	Truncate [][2]uint64 `json:"truncate,omitempty"`  // ranges of frames that are cut off in the middle
	Opens    int         `json:"opens,omitempty"`     // the recipe holds for the first so many attempts to open; 0: always
}

// ParseTiming reads and checks a timing.json.
func ParseTiming(b []byte) (Timing, error) {
	var t Timing
	if err := strict(b, &t); err != nil {
		return Timing{}, err
	}
	switch {
	case t.Format != "" && t.Format != camera.MJPEG && t.Format != camera.YUYV:
		return Timing{}, fmt.Errorf("format %q is neither mjpeg nor yuyv", t.Format)
	case t.FPS < 0 || t.FPS > 240 || (t.FPS > 0 && t.FPS < .02):
		return Timing{}, fmt.Errorf("fps %g is not in 0.02..240", t.FPS)
	case len(t.MS) > maxPictures:
		return Timing{}, fmt.Errorf("%d times are more than %d", len(t.MS), maxPictures)
	case t.Tail < 0:
		return Timing{}, fmt.Errorf("tail %d is negative", t.Tail)
	}
	if t.Main < 0 || len(t.Cues) > maxCues {
		return Timing{}, fmt.Errorf("main %d is negative, or %d cues are more than %d", t.Main, len(t.Cues), maxCues)
	}
	for name, c := range t.Cues {
		if c[0] < 0 || c[1] <= c[0] || c[1] > maxPictures {
			return Timing{}, fmt.Errorf("cue %q is not [from ≥ 0, to > from)", name)
		}
	}
	for i, ms := range t.MS {
		if ms < 1 || ms > maxMillisecond {
			return Timing{}, fmt.Errorf("time %d is %d ms, not in 1..%d", i, ms, maxMillisecond)
		}
	}
	switch t.Loop {
	case "", LoopAll, LoopTail, LoopEnd:
	default:
		return Timing{}, fmt.Errorf("loop %q is none of all, tail, end", t.Loop)
	}
	return t, nil
}

// ParseRecipe reads and checks a recipe.json.
func ParseRecipe(b []byte) (Recipe, error) {
	var r Recipe
	if err := strict(b, &r); err != nil {
		return Recipe{}, err
	}
	switch r.Open {
	case "", "missing", "denied", "format":
	default:
		return Recipe{}, fmt.Errorf("open %q is none of missing, denied, format", r.Open)
	}
	if r.Opens < 0 {
		return Recipe{}, fmt.Errorf("opens %d is negative", r.Opens)
	}
	for _, span := range append(append([][2]uint64{}, r.Black...), r.Truncate...) {
		if span[0] < 1 || span[1] < span[0] {
			return Recipe{}, fmt.Errorf("range %v is not [from ≥ 1, to ≥ from]", span)
		}
	}
	return r, nil
}

func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the first value")
	}
	return nil
}

// readControl reads a small JSON file and parses it; a missing one gives the zero value.
func readControl[T any](path string, parse func([]byte) (T, error)) (v T, found bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return v, false, nil
	}
	if err != nil {
		return v, false, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxControlFile+1))
	if err != nil {
		return v, false, err
	}
	if len(b) > maxControlFile {
		return v, false, fmt.Errorf("%s is larger than %d bytes", filepath.Base(path), maxControlFile)
	}
	v, err = parse(b)
	if err != nil {
		return v, false, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return v, true, nil
}

// takes are the sub-folders take-N of dir, by number.
func takes(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	numbers := map[string]int{}
	var names []string
	for _, e := range entries {
		rest, is := strings.CutPrefix(e.Name(), "take-")
		n, err := strconv.Atoi(rest)
		if !is || err != nil || n < 0 {
			continue
		}
		if st, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && st.IsDir() {
			names = append(names, e.Name())
			numbers[e.Name()] = n
		}
	}
	sort.Slice(names, func(i, j int) bool {
		if a, b := numbers[names[i]], numbers[names[j]]; a != b {
			return a < b
		}
		return names[i] < names[j]
	})
	for i, n := range names {
		names[i] = filepath.Join(dir, n)
	}
	return names, nil
}

func isPicture(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jpg", ".jpeg", ".png":
		return true
	}
	return false
}

func isVideo(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".mp4", ".m4v", ".avi", ".mkv", ".mov", ".webm", ".mjpeg", ".mjpg", ".ogv":
		return true
	}
	return false
}

// pictures are the pictures of dir, by name.
func pictures(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if !e.IsDir() && isPicture(e.Name()) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	if len(out) > maxPictures {
		return nil, fmt.Errorf("%d pictures are more than %d", len(out), maxPictures)
	}
	return out, nil
}
