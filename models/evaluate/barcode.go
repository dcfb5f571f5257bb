package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/barcode"
	"vestibule/models/barcode/cardback"
	"vestibule/models/evaluate/figures"
	"vestibule/models/picture"
)

// How many drawn cards are read, and how they are seen. The seed makes every run the same.
const (
	barcodeCards   = 120
	barcodeTurned  = 60
	barcodeNothing = 60
	barcodeSeed    = 417
)

// barcodes reads symbols on drawn backs of cards, for which it needs no test data. The places
// that look like bars were first chosen on drawings of the same kind (other seeds), which
// these figures can therefore flatter: they say what blur, turn and noise do, not
// what a camera does.
func barcodes(ctx context.Context, _ models.Engine, data string, log io.Writer) (figures.Set, error) {
	dice := rand.New(rand.NewPCG(barcodeSeed, 1))
	var ms, none []float64
	wrong, invented := 0, 0
	read := func(c cardback.Card, times *[]float64) (models.Barcode, error) {
		m, _, err := c.Draw(dice)
		if err != nil {
			return models.Barcode{}, err
		}
		defer m.Close()
		used := processCPU()
		b, err := barcode.Read(ctx, []gocv.Mat{m})
		*times = append(*times, processCPU()-used)
		return b, err
	}
	count := func(n int, see func(*cardback.Card)) (int, error) {
		good := 0
		for range n {
			c := cardback.Card{
				Data: licence(dice), Level: byte(3 + dice.IntN(4)), Module: 3, Blur: dice.Float64() * 1.5,
				Noise: dice.Float64() * 6, Lean: dice.Float64() * .06, Width: 1280, Height: 960,
			}
			see(&c)
			b, err := read(c, &ms)
			switch {
			case err != nil:
				return 0, err
			case string(b.Data) == c.Data:
				good++
				continue
			case b.Found:
				wrong++
			}
			fmt.Fprintf(log, "symbol of %d bytes, level %d, turn %.1f, blur %.2f, noise %.1f, lean %.3f: found %v\n", len(c.Data), c.Level, c.Turn, c.Blur, c.Noise, c.Lean, b.Found)
		}
		return good, nil
	}
	good, err := count(barcodeCards, func(c *cardback.Card) { c.Turn = dice.Float64()*40 - 20 })
	if err != nil {
		return nil, err
	}
	turned, err := count(barcodeTurned, func(c *cardback.Card) {
		c.Turn, c.Width, c.Height = dice.Float64()*360, 1300, 1300
	})
	if err != nil {
		return nil, err
	}
	for range barcodeNothing {
		c := cardback.Card{Module: 3, Turn: dice.Float64() * 360, Blur: dice.Float64() * 1.5, Noise: dice.Float64() * 6, Width: 1280, Height: 720}
		b, err := read(c, &none)
		if err != nil {
			return nil, err
		}
		if b.Found {
			invented++
		}
	}
	passports, err := barcodeOnDocuments(ctx, data, log)
	if err != nil {
		return nil, err
	}
	const how = "drawn cards with AAMVA data, 3 pixels a module, Gaussian blur of sigma 0 to 1.5, noise of 0 to 6 grey levels, seen from below by up to 6 %"
	set := figures.Set{
		"barcode.read":     figures.Share(good, barcodeCards, how+", turned by up to 20°; right: every byte"),
		"barcode.any_turn": figures.Share(turned, barcodeTurned, how+", turned by 0 to 360°"),
		"barcode.wrong":    figures.Count(wrong+invented, barcodeCards+barcodeTurned+barcodeNothing, "symbols read wrongly, or read where there is none"),
		"barcode.read_ms":  figures.Spread(ms, "ms", "processor time, all threads; frames of 1280 × 960 and 1300 × 1300 with a symbol"),
		"barcode.none_ms":  figures.Spread(none, "ms", "processor time, all threads; frames of 1280 × 720: a card with print and a bar code of another kind"),
	}
	if len(passports) > 0 {
		set["barcode.documents_ms"] = figures.Spread(passports, "ms", "processor time, all threads; the labelled documents, none of which has a symbol")
	}
	return set, nil
}

// barcodeOnDocuments measures what the look for a barcode costs on the labelled
// documents, where there are any. None of them shows a PDF417 symbol.
func barcodeOnDocuments(ctx context.Context, data string, log io.Writer) ([]float64, error) {
	var list []specimen
	err := load(filepath.Join(data, "documents", "manifest.json"), &list)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ms []float64
	for _, s := range list {
		f, err := picture.FromFile(filepath.Join(data, "documents", s.File))
		if err != nil {
			return nil, err
		}
		m, err := picture.Decode(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		used := processCPU()
		b, err := barcode.Read(ctx, []gocv.Mat{m})
		ms = append(ms, processCPU()-used)
		m.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		fmt.Fprintf(log, "%-34s barcode %-5v %5.1f ms\n", filepath.Base(s.File), b.Found, ms[len(ms)-1])
	}
	return ms, nil
}

// licence makes data of the length and kind that a licence's barcode has.
func licence(dice *rand.Rand) string {
	text := func(n int, from string) string {
		var b strings.Builder
		for range n {
			b.WriteByte(from[dice.IntN(len(from))])
		}
		return b.String()
	}
	const letters, digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	body := "DLDCA" + text(1, letters) + "\nDCBNONE\nDCDNONE\nDBA" + text(8, digits) + "\nDCS" + text(4+dice.IntN(12), letters) +
		"\nDAC" + text(3+dice.IntN(9), letters) + "\nDAD" + text(dice.IntN(10), letters) + "\nDBD" + text(8, digits) + "\nDBB" + text(8, digits) +
		"\nDBC1\nDAYBRO\nDAU070 in\nDAG" + text(4, digits) + " " + text(5+dice.IntN(15), letters) + " ST\nDAI" + text(8, letters) +
		"\nDAJ" + text(2, letters) + "\nDAK" + text(9, digits) + "  \nDAQ" + text(1, letters) + text(8, digits) + "\nDCF" + text(8+dice.IntN(17), digits) +
		"\nDCGUSA\nDDEN\nDDFN\nDDGN\nDCK" + text(dice.IntN(25), digits) + "\r"
	return fmt.Sprintf("@\n\x1e\rANSI 636%s080001DL0031%04d%s", text(3, digits), len(body), body)
}
