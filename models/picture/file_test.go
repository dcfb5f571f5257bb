package picture

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"vestibule/models"
)

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

// chunk makes a chunk of a PNG.
func chunk(name string, data []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	out = append(append(out, name...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// withChunk puts a chunk behind the header of a PNG.
func withChunk(b []byte, name string, data []byte) []byte {
	const header = 8 + 25
	return append(append(bytes.Clone(b[:header]), chunk(name, data)...), b[header:]...)
}

// exifOf is EXIF data that says nothing but a turn.
func exifOf(turn byte) []byte {
	return []byte{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 18, 0, 3, 0, 0, 0, 1, 0, turn, 0, 0, 0, 0, 0, 0}
}

// withEXIF puts EXIF data behind the start of a JPEG.
func withEXIF(b []byte, turn byte) []byte {
	data := append([]byte("Exif\x00\x00"), exifOf(turn)...)
	seg := append([]byte{0xFF, 0xE1, 0, byte(len(data) + 2)}, data...)
	return append(append(bytes.Clone(b[:2]), seg...), b[2:]...)
}

func tiffOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, tiff.Encode(&b, m, &tiff.Options{Compression: tiff.Deflate}))
	return b.Bytes()
}

func bmpOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, bmp.Encode(&b, m))
	return b.Bytes()
}

func gifOf(t testing.TB, frames int) []byte {
	t.Helper()
	g, from := &gif.GIF{}, scene(96, 64)
	for range frames {
		m := image.NewPaletted(image.Rect(0, 0, 96, 64), palette.WebSafe)
		for i := range m.Pix {
			m.Pix[i] = uint8(m.Palette.Index(from.At(i%96, i/96)))
		}
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, 5)
	}
	var b bytes.Buffer
	require.NoError(t, gif.EncodeAll(&b, g))
	return b.Bytes()
}

func deepScene() *image.NRGBA64 {
	m, from := image.NewNRGBA64(image.Rect(0, 0, 96, 64)), scene(96, 64)
	for y := range 64 {
		for x := range 96 {
			m.Set(x, y, from.At(x, y))
		}
	}
	return m
}

// Pictures of 40 × 40 pixels, all of the colour 200, 100, 50, of kinds that Go does not write.
const (
	webpLossless = "UklGRiQAAABXRUJQVlA4TBcAAAAvJ8AJAAdQsiJXpv8BICH8P69G9D81AAA="
	webpLossy    = "UklGRkoAAABXRUJQVlA4ID4AAABwAwCdASooACgAPpFIn0ulpCKho4gAsBIJZwB2AABGhSkD9QAA/m8f/8W5+3XSH//4hzt3629AUylTcjgAAA=="
	jpegCMYK     = "/9j/7gAOQWRvYmUAZAAAAAAC/9sAQwANCQoLCggNCwoLDg4NDxMgFRMSEhMnHB4XIC4pMTAuKS0sMzpKPjM2RjcsLUBXQUZMTlJTUjI+WmFaUGBKUVJP/9sAQwEODg4TERMmFRUmTzUtNU9PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P/8AAFAgAKAAoBAEiAAIRAQMRAQQiAP/EABYAAQEBAAAAAAAAAAAAAAAAAAAFBv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/xAAWAQEBAQAAAAAAAAAAAAAAAAAABQb/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADgQBAAIRAxEEAAA/AJgC8zDWAAAAAAAAAAAAAAAAAAAAAAAAAAAA/9k="
)

func unbase(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	require.NoError(t, err)
	return b
}

func TestPicturesOfEveryKindBecomeTheSameFrame(t *testing.T) {
	for name, b := range map[string][]byte{
		"a JPEG":               jpegOf(t, 96, 64),
		"a padded JPEG":        append(jpegOf(t, 96, 64), make([]byte, 100)...),
		"a PNG":                pngOf(t, scene(96, 64)),
		"a PNG of 16 bit":      pngOf(t, deepScene()),
		"a TIFF":               tiffOf(t, scene(96, 64)),
		"a TIFF of 16 bit":     tiffOf(t, deepScene()),
		"a BMP":                bmpOf(t, scene(96, 64)),
		"a GIF of one picture": gifOf(t, 1),
	} {
		t.Run(name, func(t *testing.T) {
			f, err := FromBytes(b)
			require.NoError(t, err)
			m, err := Decode(f)
			require.NoError(t, err)
			defer m.Close()
			require.Equal(t, [2]int{96, 64}, [2]int{m.Cols(), m.Rows()})
			drawn, err := Image(f)
			require.NoError(t, err)
			for _, at := range []image.Point{{4, 4}, {90, 4}, {4, 60}, {90, 60}} {
				b, g, r := pixel(m, at.X, at.Y)
				require.InDelta(t, 255*at.X/96, r, 28, "red at %v", at)
				require.InDelta(t, 255*at.Y/64, g, 28, "green at %v", at)
				require.InDelta(t, 80, b, 28, "blue at %v", at)
				require.InDelta(t, r, int(drawn.RGBAAt(at.X, at.Y).R), 3, "what is drawn on is what is read")
			}
		})
	}
}

func TestEveryTurnThatAPictureNamesIsUndone(t *testing.T) {
	// In a picture stored with each EXIF orientation, this stored corner is the upright
	// picture's top left one.
	corners := map[byte]image.Point{1: {4, 4}, 2: {90, 4}, 3: {90, 60}, 4: {4, 60}, 5: {4, 4}, 6: {4, 60}, 7: {90, 60}, 8: {90, 4}}
	for turn, stored := range corners {
		for name, b := range map[string][]byte{
			"JPEG": withEXIF(jpegOf(t, 96, 64), turn),
			"PNG":  withChunk(pngOf(t, scene(96, 64)), "eXIf", exifOf(turn)),
		} {
			f, err := FromBytes(b)
			require.NoError(t, err)
			m, err := Decode(f)
			require.NoError(t, err)
			drawn, err := Image(f)
			require.NoError(t, err)
			want := [2]int{96, 64}
			if turn >= 5 {
				want = [2]int{64, 96}
			}
			require.Equal(t, want, [2]int{m.Cols(), m.Rows()}, "%s turned by %d", name, turn)
			require.Equal(t, want, [2]int{drawn.Rect.Dx(), drawn.Rect.Dy()}, "%s turned by %d", name, turn)
			_, g, r := pixel(m, 4, 4)
			require.InDelta(t, 255*stored.X/96, r, 16, "%s turned by %d", name, turn)
			require.InDelta(t, 255*stored.Y/64, g, 16, "%s turned by %d", name, turn)
			require.InDelta(t, r, int(drawn.RGBAAt(4, 4).R), 8, "%s turned by %d", name, turn)
			m.Close()
		}
	}
}

func TestWhatIsTransparentLiesOnWhitePaper(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	m.Set(9, 9, color.NRGBA{R: 200, A: 255})
	f, err := FromBytes(pngOf(t, m))
	require.NoError(t, err)
	require.Equal(t, []byte{255, 255, 255}, f.Pix[:3])
	require.Equal(t, []byte{200, 0, 0}, f.Pix[3*(9*64+9):3*(9*64+9)+3])
}

func TestKindsThatOnlyOthersWriteAreRead(t *testing.T) {
	for name, text := range map[string]string{"lossless WebP": webpLossless, "lossy WebP": webpLossy, "CMYK JPEG": jpegCMYK} {
		f, err := FromBytes(unbase(t, text))
		require.NoError(t, err, name)
		require.Equal(t, models.RGB, f.Format, name)
		require.Equal(t, [2]int{40, 40}, [2]int{f.Width, f.Height}, name)
		for i, want := range []int{200, 100, 50} {
			require.InDelta(t, want, int(f.Pix[i]), 16, name)
		}
	}
}

func TestAPictureOfMorePixelsThanAFrameHoldsIsScaledDown(t *testing.T) {
	big := image.NewGray(image.Rect(0, 0, 8000, 1500))
	for i := range big.Pix {
		big.Pix[i] = 90
	}
	f, err := FromBytes(pngOf(t, big))
	require.NoError(t, err)
	_, _, err = Check(f)
	require.NoError(t, err)
	require.InDelta(t, 8000.0/1500, float64(f.Width)/float64(f.Height), .05)
	require.Greater(t, f.Width*f.Height*3, models.MaxFrameBytes*3/4)
	require.Equal(t, []byte{90, 90, 90}, f.Pix[:3])
}

// bombPNG claims a size that its few bytes would be unpacked to.
func bombPNG(w, h uint32) []byte {
	ihdr := binary.BigEndian.AppendUint32(nil, w)
	ihdr = append(binary.BigEndian.AppendUint32(ihdr, h), 8, 6, 0, 0, 0)
	return append(append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", ihdr)...), chunk("IDAT", []byte{0x78, 0x9c, 0, 0})...)
}

func TestAFileThatGivesNoPictureSaysWhyAndWhatToDo(t *testing.T) {
	whole := jpegOf(t, 96, 64)
	sof := bytes.Index(whole, []byte{0xFF, mSOF0})
	deep := bytes.Clone(whole)
	deep[sof+4] = 12
	lossless := bytes.Clone(whole)
	lossless[sof+1] = 0xC3
	hugeJPEG := bytes.Clone(whole)
	copy(hugeJPEG[sof+5:], []byte{0x4E, 0x20, 0x4E, 0x20})
	two := tiffOf(t, scene(96, 64))
	// Let the last entry of the directory lead to the same directory again.
	dir := binary.LittleEndian.Uint32(two[4:])
	n := binary.LittleEndian.Uint16(two[dir:])
	binary.LittleEndian.PutUint32(two[dir+2+12*uint32(n):], dir)

	for name, c := range map[string]struct {
		b    []byte
		code string
	}{
		"no byte at all":                  {nil, FileEmpty},
		"text":                            {[]byte("this is no picture, it only says so"), FileUnknown},
		"a PDF":                           {[]byte("%PDF-1.7\n"), FileUnsupported},
		"a telephone's HEIC":              {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), FileUnsupported},
		"a JPEG XL":                       {[]byte("\xff\x0a\x00\x00\x00"), FileUnsupported},
		"half a JPEG":                     {whole[:len(whole)/2], FileDamaged},
		"a JPEG's first two bytes":        {whole[:2], FileDamaged},
		"a JPEG of 12 bit":                {deep, FileUnsupported},
		"a lossless JPEG":                 {lossless, FileUnsupported},
		"a JPEG of 20,000 × 20,000":       {hugeJPEG, FileHuge},
		"half a PNG":                      {pngOf(t, scene(96, 64))[:200], FileDamaged},
		"a PNG of one pixel":              {pngOf(t, image.NewGray(image.Rect(0, 0, 1, 1))), FileTiny},
		"a PNG of 20,000 × 20,000":        {bombPNG(20000, 20000), FileHuge},
		"a PNG of more pixels than taken": {bombPNG(8000, 8000), FileHuge},
		"a PNG with a side of 2³²−1":      {bombPNG(1<<32-1, 40), FileDamaged},
		"an animated PNG":                 {withChunk(pngOf(t, scene(96, 64)), "acTL", make([]byte, 8)), FileMoving},
		"an animated GIF":                 {gifOf(t, 2), FileMoving},
		"half a GIF":                      {gifOf(t, 1)[:900], FileDamaged},
		"an animated WebP":                {[]byte("RIFF\x20\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x27\x00\x00\x27\x00\x00ANIM\x00\x00\x00\x00"), FileMoving},
		"a WebP that ends":                {[]byte("RIFF\x20\x00\x00\x00WEBPVP8L"), FileDamaged},
		"a TIFF of two pages":             {two, FileMoving},
		"half a TIFF":                     {tiffOf(t, scene(96, 64))[:60], FileDamaged},
		"more bytes than are taken":       {make([]byte, models.MaxFrameBytes+1), FileHuge},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := FromBytes(c.b)
			require.ErrorIs(t, err, models.ErrFrame)
			var f *FileError
			require.ErrorAs(t, err, &f)
			require.Equal(t, c.code, f.Code, err)
			require.NotEmpty(t, f.Message)
			require.NotEmpty(t, f.Hint)
		})
	}
}

func TestFilesAreReadByTheirContentAndNamedByNobody(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret-name.txt")
	require.NoError(t, os.WriteFile(file, pngOf(t, scene(96, 64)), 0o600))
	f, err := FromFile(file)
	require.NoError(t, err)
	require.Equal(t, 96, f.Width)
	for _, c := range []struct{ name, code string }{{filepath.Join(dir, "secret"), FileMissing}, {dir, FileDenied}, {"/dev/zero", FileDenied}} {
		_, err := FromFile(c.name)
		var fe *FileError
		require.ErrorAs(t, err, &fe)
		require.Equal(t, c.code, fe.Code)
		require.Equal(t, c.code == FileMissing, errors.Is(err, fs.ErrNotExist))
		require.NotContains(t, err.Error(), "secret")
	}
	sparse, err := os.Create(filepath.Join(dir, "sparse"))
	require.NoError(t, err)
	require.NoError(t, sparse.Truncate(1<<40))
	require.NoError(t, sparse.Close())
	_, err = FromFile(sparse.Name())
	var fe *FileError
	require.ErrorAs(t, err, &fe)
	require.Equal(t, FileHuge, fe.Code)
}

func FuzzFromBytes(f *testing.F) {
	small := scene(40, 36)
	var j bytes.Buffer
	require.NoError(f, jpeg.Encode(&j, small, nil))
	for _, b := range [][]byte{
		j.Bytes(), withEXIF(j.Bytes(), 6), pngOf(f, small), withChunk(pngOf(f, small), "eXIf", exifOf(5)),
		tiffOf(f, small), bmpOf(f, small), gifOf(f, 1), unbase(f, webpLossless), unbase(f, webpLossy), unbase(f, jpegCMYK), bombPNG(8000, 4000),
		[]byte("%PDF-"), []byte("RIFF\x20\x00\x00\x00WEBPVP8X"),
		{},
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := FromBytes(b)
		if err != nil {
			var fe *FileError
			if !errors.As(err, &fe) || !errors.Is(err, models.ErrFrame) || fe.Hint == "" {
				t.Fatalf("not a FileError: %v", err)
			}
			return
		}
		w, h, err := Check(frame)
		if err != nil || w*h > MaxPixels {
			t.Fatalf("a frame of %d × %d that is none: %v", w, h, err)
		}
		if m, err := Image(frame); err == nil && m.Rect.Dx()*m.Rect.Dy() > MaxPixels {
			t.Fatal("more pixels than are taken")
		}
	})
}
