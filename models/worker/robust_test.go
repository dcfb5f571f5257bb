package worker

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/manifest"
	"vestibule/models/mrz"
	"vestibule/models/picture"
	"vestibule/models/specimen"
)

// mostMemory is what the worker may have had resident at its largest, programs and networks
// included, after the largest frames that are allowed, bytes. 1.13 GB were measured.
const mostMemory = DefaultMemory

// real starts the caged worker with the real engine.
func real(t *testing.T) *Client {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c, err := Start(context.Background(), Config{Command: []string{self, "real"}})
	require.NoError(t, err, "%s", manifest.Hint)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// highWater is the most memory that a process ever had resident, bytes.
func highWater(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(b), "VmHWM:")
	require.True(t, ok)
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(t, err)
	return kb << 10
}

// seen is what every call made of one frame.
type seen struct {
	face, document models.Glance
	read           models.Document
	person         models.Face
	closer         models.Examination
	live           *image.NRGBA
	errs           map[string]error
}

// everyLook asks a closer look for all it has.
var everyLook = models.Looks{Barcode: true, Text: true, Genuineness: true, Age: true}

func everyCall(c *Client, f models.Frame) (s seen) {
	ctx := context.Background()
	s.errs = map[string]error{}
	s.face, s.errs["glance at a face"] = c.Glance(ctx, f, models.AimFace)
	s.document, s.errs["glance at a document"] = c.Glance(ctx, f, models.AimDocument)
	s.read, s.errs["read document"] = c.ReadDocument(ctx, []models.Frame{f})
	s.person, s.errs["read face"] = c.ReadFace(ctx, f)
	s.closer, s.errs["examine"] = c.Examine(ctx, []models.Frame{f}, everyLook)
	s.live, s.errs["preview"] = c.Preview(ctx, f, 640, 480)
	return s
}

func jpegOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, &jpeg.Options{Quality: 90}))
	return b.Bytes()
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

// portrait is a picture of several people, and a cut-out of one of them.
func portrait(t testing.TB) (all, one image.Image) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(manifest.Dir(), "portraits", "sample3.jpg"))
	require.NoError(t, err, "%s", manifest.Hint)
	all, err = jpeg.Decode(bytes.NewReader(b))
	require.NoError(t, err)
	cut := image.Rect(960, 80, 1410, 620)
	to := image.NewRGBA(image.Rect(0, 0, cut.Dx(), cut.Dy()))
	draw.Draw(to, to.Rect, all, cut.Min, draw.Src)
	return all, to
}

// crowd is one face ten times.
func crowd(t testing.TB) image.Image {
	t.Helper()
	_, one := portrait(t)
	w, h := one.Bounds().Dx(), one.Bounds().Dy()
	all := image.NewRGBA(image.Rect(0, 0, 5*w, 2*h))
	for i := range 10 {
		at := image.Pt(i%5*w, i/5*h)
		draw.Draw(all, image.Rectangle{Min: at, Max: at.Add(image.Pt(w, h))}, one, image.Point{}, draw.Src)
	}
	return all
}

// passports are two different ones in one picture.
func passports(t testing.TB) models.Frame {
	t.Helper()
	p, err := specimen.NewPrinter()
	require.NoError(t, err, "install fonts-ocr-b")
	var both []gocv.Mat
	for _, number := range []string{"L898902C3", "K111222D4"} {
		lines, err := mrz.Write(mrz.Content{
			Layout: mrz.TD3, Code: "P", Issuer: "UTO", FamilyName: "Eriksson", GivenNames: "Anna Maria", Number: number,
			Nationality: "UTO", Birth: "1974-08-12", Sex: "female", Expiry: "2032-04-15",
		})
		require.NoError(t, err)
		pic, err := p.Film(specimen.Plain(mrz.TD3, []string{"UTOPIA PASSPORT"}, lines...), specimen.Still(1100, 800, 8))
		require.NoError(t, err)
		defer pic.BGR.Close()
		both = append(both, pic.BGR)
	}
	m := gocv.NewMat()
	defer m.Close()
	gocv.Vconcat(both[0], both[1], &m)
	b, err := picture.EncodeJPEG(m, 92)
	require.NoError(t, err)
	return models.Frame{Format: models.JPEG, Pix: b}
}

// patched is a JPEG whose frame header says another size.
func patched(t testing.TB, b []byte, w, h int) []byte {
	t.Helper()
	b = bytes.Clone(b)
	i := bytes.Index(b, []byte{0xFF, 0xC0})
	require.Positive(t, i)
	b[i+5], b[i+6], b[i+7], b[i+8] = byte(h>>8), byte(h), byte(w>>8), byte(w)
	return b
}

// turned puts EXIF data behind the start of a JPEG that say a turn (TIFF 6.0, tag 274).
func turned(b []byte, turn byte) []byte {
	exif := []byte{0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 18, 0, 3, 0, 0, 0, 1, 0, turn, 0, 0, 0, 0, 0, 0}
	return append(append(bytes.Clone(b[:2]), exif...), b[2:]...)
}

func filled(w, h int, c color.Color) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return m
}

func noise(n int) []byte {
	b, r := make([]byte, n), rand.New(rand.NewPCG(5, 7))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// A 40 × 40 JPEG of four colours (CMYK), which Go does not write.
const cmyk = "\xff\xd8\xff\xee\x00\x0eAdobe\x00d\x00\x00\x00\x00\x02\xff\xc0\x00\x14\x08\x00\x28\x00\x28\x04\x00\x22\x00\x01\x11\x00\x02\x11\x00\x03\x22\x00\xff\xd9"

func TestNoFrameHarmsTheWorker(t *testing.T) {
	c := real(t)
	pid := c.State().PID
	raw := func(format models.Format, w, h int, pix []byte) models.Frame {
		return models.Frame{Format: format, Width: w, Height: h, Pix: pix}
	}
	of := func(b []byte) models.Frame { return models.Frame{Format: models.JPEG, Pix: b} }
	grey := jpegOf(t, filled(640, 480, color.Gray{128}))
	people, _ := portrait(t)
	shot := jpegOf(t, people)
	tables := bytes.Index(grey, []byte{0xFF, 0xDA})
	require.Positive(t, tables)

	for _, x := range []struct {
		what  string
		frame models.Frame
	}{
		{"no byte", of(nil)},
		{"no byte of pixels", raw(models.RGB, 64, 64, nil)},
		{"a JPEG cut in half", of(shot[:len(shot)/2])},
		{"a JPEG of one pixel", of(jpegOf(t, filled(1, 1, color.White)))},
		{"one pixel", raw(models.RGB, 1, 1, []byte{1, 2, 3})},
		{"a header that says 20,000 × 20,000", of(patched(t, grey, 20_000, 20_000))},
		{"a header that says 65,535 × 32", of(patched(t, grey, 65_535, 32))},
		{"a header that says 8192 × 8192, more pixels than are taken", of(patched(t, grey, 8192, 8192))},
		{"pixels that say 20,000 × 20,000", raw(models.RGB, 20_000, 20_000, make([]byte, 1000))},
		{"sizes whose product overflows", raw(models.RGB, 1<<31, 1<<31, make([]byte, 1000))},
		{"negative sizes", raw(models.RGB, -64, -64, make([]byte, 3*64*64))},
		{"a JPEG of four colours", of([]byte(cmyk))},
		{"noise as a JPEG", of(noise(100_000))},
		{"noise as YUYV of another size", raw(models.YUYV, 640, 480, noise(640*480*2-1))},
		{"noise as RGB of another size", raw(models.RGB, 640, 480, noise(640*480*3+1))},
		{"noise of no known format", raw("heic", 640, 480, noise(1000))},
		{"noise of a format with a giant's name", raw(models.Format(strings.Repeat("x", 1<<16)), 640, 480, noise(1000))},
		{"YUYV of an odd width", raw(models.YUYV, 641, 480, noise(641*480*2))},
		{"a PNG that says it is a JPEG", of(pngOf(t, filled(64, 64, color.White)))},
	} {
		t.Run("refused: "+x.what, func(t *testing.T) {
			for call, err := range everyCall(c, x.frame).errs {
				require.ErrorIs(t, err, models.ErrFrame, call)
			}
			require.Equal(t, pid, c.State().PID)
		})
	}

	// Whole, but the coded pixels are garbage: OpenCV makes something of it.
	garbage := bytes.Clone(grey)
	for i, v := range noise(len(garbage) - tables - 16) {
		garbage[tables+14+i] = v & 0x7F
	}
	upright := seen{}
	for _, x := range []struct {
		what  string
		frame models.Frame
		check func(t *testing.T, s seen)
	}{
		{"black", raw(models.RGB, 320, 240, make([]byte, 3*320*240)), func(t *testing.T, s seen) {
			require.Equal(t, models.HintDark, s.document.Hint)
			require.Equal(t, models.HintDark, s.read.Hint)
			require.False(t, s.person.Found)
		}},
		{"white", raw(models.RGB, 320, 240, bytes.Repeat([]byte{255}, 3*320*240)), func(t *testing.T, s seen) {
			require.Equal(t, models.HintBright, s.read.Hint)
			require.False(t, s.person.Found)
		}},
		{"flat grey", of(grey), func(t *testing.T, s seen) {
			require.Equal(t, models.HintNoDocument, s.document.Hint)
			require.Equal(t, models.HintNoDocument, s.read.Hint)
			require.Equal(t, models.HintNoFace, s.face.Hint)
			require.Equal(t, models.HintNoFace, s.person.Hint)
			require.False(t, s.closer.Barcode.Found)
			require.Empty(t, s.closer.Text.Lines)
		}},
		{"noise", raw(models.RGB, 640, 480, noise(3*640*480)), func(t *testing.T, s seen) {
			require.NotEqual(t, models.HintNone, s.document.Hint)
			require.NotEqual(t, models.HintNone, s.read.Hint)
			require.NotEqual(t, models.HintNone, s.person.Hint)
			require.False(t, s.closer.Barcode.Found)
		}},
		{"noise as YUYV of an odd height", raw(models.YUYV, 642, 481, noise(642*481*2)), func(t *testing.T, s seen) {
			require.Equal(t, [2]int{642, 481}, [2]int{s.read.Width, s.read.Height})
			require.NotEqual(t, models.HintNone, s.read.Hint)
		}},
		{"RGB of odd sizes", raw(models.RGB, 333, 251, bytes.Repeat([]byte{90}, 3*333*251)), func(t *testing.T, s seen) {
			require.Equal(t, [2]int{333, 251}, [2]int{s.live.Rect.Dx(), s.live.Rect.Dy()})
		}},
		{"the smallest frame", raw(models.RGB, models.MinFrameSide, models.MinFrameSide, noise(3*models.MinFrameSide*models.MinFrameSide)), nil},
		{"a strip as narrow and as long as they come", raw(models.RGB, models.MaxFrameSide, models.MinFrameSide, noise(3*models.MaxFrameSide*models.MinFrameSide)), nil},
		{"a tower", raw(models.RGB, models.MinFrameSide, models.MaxFrameSide, noise(3*models.MinFrameSide*models.MaxFrameSide)), nil},
		{"a JPEG of garbage", of(garbage), nil},
		{"people", of(shot), func(t *testing.T, s seen) {
			require.Equal(t, models.HintSeveralFaces, s.person.Hint)
			upright = s
		}},
		{"people lying on their side, as EXIF says upright", of(turned(jpegOf(t, clockwise(people)), 8)), func(t *testing.T, s seen) {
			require.Equal(t, upright.person.Width, s.person.Width)
			require.Equal(t, upright.person.Faces, s.person.Faces)
			require.Equal(t, upright.read.Width, s.read.Width)
			require.Equal(t, upright.document.Width, s.document.Width)
			require.Equal(t, upright.live.Rect, s.live.Rect)
		}},
		{"ten faces", of(jpegOf(t, crowd(t))), func(t *testing.T, s seen) {
			require.Equal(t, models.HintSeveralFaces, s.face.Hint)
			require.Equal(t, models.HintSeveralFaces, s.person.Hint)
			require.GreaterOrEqual(t, s.person.Faces, 10)
			require.NotNil(t, s.closer.Age)
		}},
		{"two documents", passports(t), func(t *testing.T, s seen) {
			require.NotNil(t, s.read.MRZ, "one of them is read")
			require.Contains(t, []string{"L898902C3", "K111222D4"}, s.read.MRZ.Number.Value, "not a mixture of both")
			require.True(t, s.read.MRZ.Valid())
		}},
		{"as many raw pixels as fit", raw(models.RGB, 4096, 2730, noise(3*4096*2730)), nil},
	} {
		t.Run("read: "+x.what, func(t *testing.T) {
			began := time.Now()
			s := everyCall(c, x.frame)
			for call, err := range s.errs {
				require.NoError(t, err, call)
			}
			require.NotNil(t, s.live)
			require.NotNil(t, s.closer.Barcode)
			require.NotNil(t, s.closer.Text)
			require.NotNil(t, s.closer.Genuineness)
			require.NotZero(t, s.read.Width)
			if x.check != nil {
				x.check(t, s)
			}
			require.Equal(t, pid, c.State().PID)
			t.Logf("all calls %d ms, memory so far %d MB", time.Since(began).Milliseconds(), highWater(t, pid)>>20)
		})
	}
	t.Run("read: a few kilobytes that are 40 million pixels, and eight of them together", func(t *testing.T) {
		f := of(jpegOf(t, image.NewGray(image.Rect(0, 0, models.MaxFrameSide, picture.MaxPixels/models.MaxFrameSide))))
		all := []models.Frame{f, f, f, f, f, f, f, f}
		for _, aim := range []models.Aim{models.AimFace, models.AimDocument} {
			g, err := c.Glance(context.Background(), f, aim)
			require.NoError(t, err)
			require.Equal(t, models.HintDark, g.Hint)
		}
		face, err := c.ReadFace(context.Background(), f)
		require.NoError(t, err)
		require.False(t, face.Found)
		live, err := c.Preview(context.Background(), f, 640, 480)
		require.NoError(t, err)
		require.NotNil(t, live)
		d, err := c.ReadDocument(context.Background(), all)
		require.NoError(t, err)
		require.Equal(t, models.HintDark, d.Hint)
		_, err = c.Examine(context.Background(), all, everyLook)
		require.NoError(t, err)
		require.Equal(t, pid, c.State().PID)
		t.Logf("memory so far %d MB", highWater(t, pid)>>20)
	})
	require.Zero(t, c.State().Restarts)
	require.Less(t, highWater(t, pid), mostMemory)
}

// clockwise turns a picture by 90°.
func clockwise(m image.Image) image.Image {
	b := m.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dy(), b.Dx()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			out.Set(b.Dy()-1-y, x, m.At(b.Min.X+x, b.Min.Y+y))
		}
	}
	return out
}

func TestAFileIsReadOrRefusedBeforeTheWorkerSeesIt(t *testing.T) {
	c := real(t)
	deep := image.NewRGBA64(image.Rect(0, 0, 320, 240))
	draw.Draw(deep, deep.Rect, image.NewUniform(color.Gray16{0x8080}), image.Point{}, draw.Src)
	frame := image.NewPaletted(image.Rect(0, 0, 64, 64), palette.Plan9)
	var moving bytes.Buffer
	require.NoError(t, gif.EncodeAll(&moving, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}}))
	f, err := picture.FromBytes(pngOf(t, deep))
	require.NoError(t, err, "16 bit")
	s := everyCall(c, f)
	for call, err := range s.errs {
		require.NoError(t, err, call)
	}
	require.Equal(t, models.HintNoDocument, s.read.Hint)
	for what, b := range map[string][]byte{"nothing": nil, "an animation": moving.Bytes(), "noise": noise(1000)} {
		_, err := picture.FromBytes(b)
		require.ErrorIs(t, err, models.ErrFrame, what)
	}
	require.Zero(t, c.State().Restarts)
}

// busy waits until a process has worked for a tenth of a second since it was asked first.
func busy(t *testing.T, pid int) {
	t.Helper()
	ticks := func() int { // of a hundredth of a second each
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		require.NoError(t, err)
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		user, err := strconv.Atoi(f[11])
		require.NoError(t, err)
		return user
	}
	start := ticks()
	require.Eventually(t, func() bool { return ticks() >= start+10 }, 20*time.Second, 5*time.Millisecond)
}

func TestTheRealWorkerKilledInTheMiddleCostsThatCallOnly(t *testing.T) {
	c := real(t)
	ctx := context.Background()
	var frames []models.Frame
	for range 8 {
		frames = append(frames, models.Frame{Format: models.RGB, Width: 1280, Height: 720, Pix: noise(3 * 1280 * 720)})
	}
	blank := models.Frame{Format: models.RGB, Width: 320, Height: 240, Pix: make([]byte, 3*320*240)}
	for i, x := range []struct {
		what string
		call func() error
	}{
		{"examine", func() error { _, err := c.Examine(ctx, frames, everyLook); return err }},
		{"read document", func() error { _, err := c.ReadDocument(ctx, frames); return err }},
	} {
		t.Run(x.what, func(t *testing.T) {
			pid := c.State().PID
			lost := make(chan error, 1)
			go func() { lost <- x.call() }()
			busy(t, pid)
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			require.ErrorIs(t, <-lost, models.ErrWorker)
			began := time.Now()
			d, err := c.ReadDocument(ctx, []models.Frame{blank})
			require.NoError(t, err)
			require.Equal(t, models.HintDark, d.Hint)
			t.Logf("the next call was answered after %d ms", time.Since(began).Milliseconds())
			require.Equal(t, i+1, c.State().Restarts)
			require.NotEqual(t, pid, c.State().PID)
		})
	}
}

func TestThePreviewGoesOnWhileADocumentIsExamined(t *testing.T) {
	c := real(t)
	ctx := context.Background()
	f := models.Frame{Format: models.RGB, Width: 1280, Height: 720, Pix: noise(3 * 1280 * 720)}
	done := make(chan error, 1)
	go func() {
		_, err := c.Examine(ctx, []models.Frame{f, f}, everyLook)
		done <- err
	}()
	busy(t, c.State().PID)
	shown, slowest := 0, time.Duration(0)
	for {
		began := time.Now()
		m, err := c.Preview(ctx, f, 640, 480)
		require.NoError(t, err)
		require.NotNil(t, m)
		slowest = max(slowest, time.Since(began))
		select {
		case err := <-done:
			require.NoError(t, err)
			require.Positive(t, shown, "at least one while it was under way")
			t.Logf("%d pictures meanwhile, the slowest after %d ms", shown, slowest.Milliseconds())
			return
		default:
			shown++
		}
	}
}
