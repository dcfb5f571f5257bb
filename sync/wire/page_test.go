package wire_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/sync/wire"
)

func page() wire.Page {
	return wire.Page{
		Version: wire.Version, Project: "default", Issue: "0123456789abcdef", Salt: bytes.Repeat([]byte{9}, 32), Bits: 20, After: 10, Upto: 14, Last: 20,
		Entries: wire.PackEntries(10, []wire.PageEntry{{Number: 11, Document: 5, Person: 6}, {Number: 13, Document: 0, Person: 1<<20 - 1}}),
		Gone:    wire.PackGone([]uint64{4, 11}), Made: at, Proof: proof(),
	}
}

func TestAPageIsBelievedByTheKioskThatAskedForItAlone(t *testing.T) {
	c, key := centre(t)
	b, err := c.SignPage(page())
	require.NoError(t, err)
	got, err := wire.VerifyPage(b, "kiosk-1", key)
	require.NoError(t, err)
	require.Equal(t, []wire.PageEntry{{Number: 11, Document: 5, Person: 6}, {Number: 13, Document: 0, Person: 1<<20 - 1}}, got.List())
	require.Equal(t, []uint64{4, 11}, got.Removed())

	refused := func(b []byte, kiosk string, key wire.CentreKey) error {
		_, err := wire.VerifyPage(b, kiosk, key)
		return err
	}
	_, other := centre(t)
	require.ErrorIs(t, refused(b, "kiosk-2", key), wire.ErrSignature, "another kiosk's, of whatever project")
	require.ErrorIs(t, refused(b, "kiosk-1", other), wire.ErrSignature, "another centre's")
	require.ErrorIs(t, refused(b, "kiosk-1", nil), wire.ErrSignature, "nobody vouches")
	plain, err := wire.EncodePage(page())
	require.NoError(t, err)
	require.ErrorIs(t, refused(plain, "kiosk-1", key), wire.ErrUnsigned)
	for n := range b {
		require.Error(t, refused(b[:n], "kiosk-1", key), "cut off after %d", n)
	}
	a, err := c.SignAck(provedAck())
	require.NoError(t, err)
	require.Error(t, refused(a, "kiosk-1", key), "a signature on another kind of frame")
	for n := range b {
		spoilt := bytes.Clone(b)
		spoilt[n] ^= 1
		require.Error(t, refused(spoilt, "kiosk-1", key), "byte %d altered", n)
	}
}

func TestAPageOutOfBoundsIsNoPage(t *testing.T) {
	for name, change := range map[string]func(*wire.Page){
		"no roll-out":                         func(p *wire.Page) { p.Issue = "" },
		"no project, and yet entries":         func(p *wire.Page) { p.Project = "" },
		"a long project":                      func(p *wire.Page) { p.Project = string(bytes.Repeat([]byte{'p'}, 65)) },
		"a short salt":                        func(p *wire.Page) { p.Salt = p.Salt[:31] },
		"bits that hide nobody":               func(p *wire.Page) { p.Bits = 33 },
		"bits that meet everybody":            func(p *wire.Page) { p.Bits = 15 },
		"half an entry":                       func(p *wire.Page) { p.Entries = p.Entries[:13] },
		"half a removal":                      func(p *wire.Page) { p.Gone = p.Gone[:9] },
		"more than its numbers":               func(p *wire.Page) { p.Upto = 13 },
		"an end before the beginning":         func(p *wire.Page) { p.After = 15 },
		"beyond the last":                     func(p *wire.Page) { p.Last = 13 },
		"a number that no database has":       func(p *wire.Page) { p.Last = math.MaxUint64 },
		"a hash longer than the bits":         func(p *wire.Page) { p.Bits = 19 },
		"numbers out of order":                func(p *wire.Page) { p.Entries = wire.PackEntries(10, []wire.PageEntry{{Number: 13}, {Number: 11}}) },
		"a number beyond the end":             func(p *wire.Page) { p.Entries = wire.PackEntries(10, []wire.PageEntry{{Number: 15}}) },
		"a removal of what is not there yet":  func(p *wire.Page) { p.Gone = wire.PackGone([]uint64{14}) },
		"a removal of nothing":                func(p *wire.Page) { p.Gone = wire.PackGone([]uint64{0}) },
		"nothing, and more to come":           func(p *wire.Page) { p.Upto, p.Entries, p.Gone = p.After, nil, nil },
		"more entries than a page may have":   func(p *wire.Page) { p.Entries, p.Upto, p.Last = make([]byte, 12*4001), 1e6, 1e6 },
		"more bytes than a frame may have":    func(p *wire.Page) { p.Entries, p.Upto, p.Last = make([]byte, 12*40000), 1e6, 1e6 },
		"a version that is not known":         func(p *wire.Page) { p.Version++ },
		"a span that no offset can tell":      func(p *wire.Page) { p.Upto, p.Last = math.MaxUint32+20, math.MaxUint32+20 },
		"an answer to an ask without session": func(p *wire.Page) { p.Session = "two words" },
	} {
		t.Run(name, func(t *testing.T) {
			p := page()
			change(&p)
			_, err := wire.EncodePage(p)
			require.Error(t, err)
		})
	}
	nothing := wire.Page{Version: wire.Version, Proof: proof()}
	_, err := wire.EncodePage(nothing)
	require.NoError(t, err, "the project has no roll-out")
	current := page()
	current.After, current.Upto, current.Last, current.Entries, current.Gone = 20, 20, 20, nil, nil
	_, err = wire.EncodePage(current)
	require.NoError(t, err, "there is nothing new")
}

func TestAnAskIsBounded(t *testing.T) {
	for ask, fits := range map[*wire.PageAsk]bool{
		nil: true, {}: true, {Issue: "abc", After: 7}: true, {After: 7}: false, {Issue: "two words"}: false, {Issue: "a", After: math.MaxUint64}: false,
	} {
		u := up()
		u.Ask = ask
		_, err := wire.EncodeUp(u)
		require.Equal(t, fits, err == nil, "%v", ask)
	}
}

func TestWhatIsPackedIsReadAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := page()
		p.Bits, p.After = 32, rapid.Uint64Range(0, 1<<40).Draw(t, "after")
		var entries []wire.PageEntry
		p.Upto = p.After
		for range rapid.IntRange(0, 300).Draw(t, "entries") {
			p.Upto += uint64(rapid.Uint32Range(1, 1000).Draw(t, "step"))
			entries = append(entries, wire.PageEntry{Number: p.Upto, Document: rapid.Uint32().Draw(t, "document"), Person: rapid.Uint32().Draw(t, "person")})
		}
		var gone []uint64
		for range rapid.IntRange(0, 20).Draw(t, "gone") {
			p.Upto = max(p.Upto+1, 2) // somebody was there before
			gone = append(gone, rapid.Uint64Range(1, p.Upto-1).Draw(t, "one gone"))
		}
		p.Last = p.Upto + rapid.Uint64Range(0, 5).Draw(t, "more")
		if p.Upto == p.After {
			p.Last = p.Upto
		}
		p.Entries, p.Gone = wire.PackEntries(p.After, entries), wire.PackGone(gone)
		b, err := wire.EncodePage(p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := wire.DecodePage(b)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) != len(got.List()) || len(gone) != len(got.Removed()) {
			t.Fatal("something is missing")
		}
		for i, e := range got.List() {
			if e != entries[i] {
				t.Fatalf("%v became %v", entries[i], e)
			}
		}
		for i, n := range got.Removed() {
			if n != gone[i] {
				t.Fatalf("%d became %d", gone[i], n)
			}
		}
	})
}

func FuzzDecodePage(f *testing.F) {
	b, err := wire.EncodePage(page())
	require.NoError(f, err)
	f.Add(b)
	b, err = wire.EncodePage(wire.Page{Version: wire.Version, Proof: proof()})
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := wire.DecodePage(b)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(p.List())+len(p.Removed()), wire.MaxPageEntries)
		for _, e := range p.List() {
			require.Greater(t, e.Number, p.After)
			require.LessOrEqual(t, e.Number, p.Upto)
		}
		again, err := wire.EncodePage(p)
		require.NoError(t, err)
		same, err := wire.DecodePage(again)
		require.NoError(t, err)
		require.Equal(t, p.List(), same.List())
	})
}
