package theme

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"

	"fyne.io/fyne/v2"
	fynetheme "fyne.io/fyne/v2/theme"
	"github.com/go-text/typesetting/font"

	"vestibule/kiosk-ui/text"
)

// maxFontBytes bounds a font file; the largest in use, Noto Sans CJK, has 20 MB.
const maxFontBytes = 64 << 20

// Fonts gives the font of each script in two weights. Files are read on first
// use and kept. A script whose file is missing falls back to the font that is
// compiled in, which holds Latin, Greek and Cyrillic.
type Fonts struct {
	mu      sync.Mutex
	sources map[fontKey]source
	loaded  map[fontKey]fyne.Resource
	parsed  map[fontKey]*font.Face
	missing map[string]error
}

type fontKey struct {
	script text.Script
	bold   bool
}

// source is a file, and the face to take where it is a collection.
type source struct {
	path  string
	index int
}

// Debian's font folders: packages fonts-noto-core and fonts-noto-cjk.
const (
	truetype = "/usr/share/fonts/truetype/noto/"
	opentyp  = "/usr/share/fonts/opentype/noto/"
)

// SystemFonts uses Noto from Debian's fonts-noto-core and fonts-noto-cjk (SIL Open Font License).
func SystemFonts() *Fonts {
	f := &Fonts{
		sources: map[fontKey]source{},
		loaded:  map[fontKey]fyne.Resource{},
		parsed:  map[fontKey]*font.Face{},
		missing: map[string]error{},
	}
	add := func(s text.Script, regular, bold string) {
		f.sources[fontKey{s, false}] = source{path: regular}
		f.sources[fontKey{s, true}] = source{path: bold}
	}
	add(text.Latin, truetype+"NotoSans-Regular.ttf", truetype+"NotoSans-Bold.ttf")
	add(text.Arabic, truetype+"NotoSansArabic-Regular.ttf", truetype+"NotoSansArabic-Bold.ttf")
	add(text.Hebrew, truetype+"NotoSansHebrew-Regular.ttf", truetype+"NotoSansHebrew-Bold.ttf")
	// Face 0 of the collection is Noto Sans CJK JP.
	add(text.CJK, opentyp+"NotoSansCJK-Regular.ttc", opentyp+"NotoSansCJK-Bold.ttc")
	return f
}

// CompiledFonts uses nothing but the font that is compiled in, for tests and for
// machines without the packages.
func CompiledFonts() *Fonts {
	f := SystemFonts()
	f.sources = map[fontKey]source{}
	return f
}

// Resource gives the font for a script and weight. It never fails: see Missing.
func (f *Fonts) Resource(s text.Script, bold bool) fyne.Resource {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.resource(fontKey{s, bold})
}

func (f *Fonts) resource(k fontKey) fyne.Resource {
	if r, ok := f.loaded[k]; ok {
		return r
	}
	r := fynetheme.DefaultTextFont()
	if k.bold {
		r = fynetheme.DefaultTextBoldFont()
	}
	if src, ok := f.sources[k]; ok {
		data, err := load(src)
		if err != nil {
			f.missing[src.path] = err
		} else {
			r = fyne.NewStaticResource(fmt.Sprintf("%s#%d", src.path, src.index), data)
		}
	}
	f.loaded[k] = r
	return r
}

// Missing lists the font files that could not be used so far, with the reason.
func (f *Fonts) Missing() map[string]error {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make(map[string]error, len(f.missing))
	for k, v := range f.missing {
		out[k] = v
	}
	return out
}

// Face gives a face for drawing personal data without the toolkit's text cache,
// which would keep the words for a minute after the screen was cleared. One
// goroutine may use it at a time.
func (f *Fonts) Face(s text.Script, bold bool) (*font.Face, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := fontKey{s, bold}
	p, ok := f.parsed[k]
	if !ok {
		var err error
		if p, err = font.ParseTTF(bytes.NewReader(f.resource(k).Content())); err != nil {
			return nil, fmt.Errorf("parse font: %w", err)
		}
		f.parsed[k] = p
	}
	return p, nil
}

func load(s source) ([]byte, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return nil, fmt.Errorf("find font: %w", err)
	}
	if info.Size() > maxFontBytes {
		return nil, fmt.Errorf("font %s has %d bytes, more than %d", s.path, info.Size(), maxFontBytes)
	}
	data, err := os.ReadFile(s.path)
	if err != nil {
		return nil, fmt.Errorf("read font: %w", err)
	}
	if len(data) >= 4 && string(data[:4]) == "ttcf" {
		return single(data, s.index)
	}
	return data, nil
}

var errCollection = errors.New("font collection is damaged")

// single takes one font out of a collection, because the toolkit reads single
// fonts only. The layout is ISO/IEC 14496-22, "Font collections".
func single(ttc []byte, index int) ([]byte, error) {
	u32 := func(at int) (int, error) {
		if at < 0 || at+4 > len(ttc) {
			return 0, errCollection
		}
		return int(binary.BigEndian.Uint32(ttc[at:])), nil
	}
	n, err := u32(8)
	if err != nil || index < 0 || index >= n || n > 1024 {
		return nil, errCollection
	}
	start, err := u32(12 + 4*index)
	if err != nil || start+12 > len(ttc) {
		return nil, errCollection
	}
	tables := int(binary.BigEndian.Uint16(ttc[start+4:]))
	head := 12 + 16*tables
	if tables == 0 || tables > 256 || start+head > len(ttc) {
		return nil, errCollection
	}
	out := append([]byte(nil), ttc[start:start+head]...)
	for i := range tables {
		rec := start + 12 + 16*i
		off, _ := u32(rec + 8)
		size, _ := u32(rec + 12)
		if off > len(ttc) || size > len(ttc)-off {
			return nil, errCollection
		}
		if len(out)+size > maxFontBytes {
			return nil, errCollection
		}
		binary.BigEndian.PutUint32(out[12+16*i+8:], uint32(len(out)))
		out = append(out, ttc[off:off+size]...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	return out, nil
}
