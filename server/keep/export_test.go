package keep_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/aml"
	"vestibule/server/keep"
	"vestibule/sync/fault"
)

func TestAnExportHoldsEverythingOfOnePersonAndOpensForOneRecipientOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.kiosk()
		w.listed = []aml.Match{{Source: "un", Entity: "e-9", Name: "FAMILY0001 FOUND", Score: 50}}
		s := w.visit(k, 1)
		w.listed = nil
		w.visit(k, 2)
		w.written(s, 1)
		who, err := age.GenerateX25519Identity()
		require.NoError(t, err)
		other, err := age.GenerateX25519Identity()
		require.NoError(t, err)

		var out bytes.Buffer
		require.Equal(t, "export_reason", fault.Code(w.keeper.Export(t.Context(), &out, w.ring, []string{s.ID}, "clerk", "because", who.Recipient())))
		require.Equal(t, "export_open", fault.Code(w.keeper.Export(t.Context(), &out, w.ring, []string{s.ID}, "clerk", keep.WhyAsked)))
		require.Equal(t, keep.CodeUnknown, fault.Code(w.keeper.Export(t.Context(), &out, w.ring, []string{"nobody"}, "clerk", keep.WhyAsked, who.Recipient())))
		require.Zero(t, out.Len())
		require.NoError(t, w.keeper.Export(t.Context(), &out, w.ring, []string{s.ID}, "clerk", keep.WhyAsked, who.Recipient()))
		for what, needle := range w.needles(s, 1) {
			require.NotContains(t, out.String(), string(needle), what)
		}
		_, err = age.Decrypt(bytes.NewReader(out.Bytes()), other)
		require.Error(t, err)

		files := unpack(t, out.Bytes(), who)
		var held []keep.Held
		require.NoError(t, json.Unmarshal(files["data.json"], &held))
		require.Len(t, held, 1)
		h := held[0]
		require.Equal(t, s.Document.Number, h.Data.Document.Number)
		require.Len(t, h.Sent, 1)
		require.Equal(t, s.Email, h.Sent[0].Email)
		require.Len(t, h.Bases, 1)
		require.Len(t, h.Face, 512)
		require.Equal(t, "dear GIVEN0001", h.Comment)
		require.Equal(t, "FAMILY0001 said so", h.Reviewed[0].Note)
		require.Equal(t, "FAMILY0001 is another", h.Cleared[0].Why)
		require.Equal(t, "e-9", h.Hits[0].Entity)
		require.Equal(t, "FAMILY0001 FOUND", h.Screening.Result.Matches[0].Name)
		require.Equal(t, journey.Approved, h.Decisions[0].Decision)
		require.Len(t, h.FoundBy, 8)
		require.NotEmpty(t, h.Events)
		require.Equal(t, "export for person-asked", h.Seen[0].What, "the export is in what it exports")
		require.Empty(t, h.Unreadable)
		require.Len(t, h.Pictures, 3)
		shown := map[string]bool{}
		for _, p := range h.Pictures {
			shown[string(files[p.File])] = true
		}
		require.True(t, shown[string(picture(1, journey.EvidenceSelfie))])
		require.Contains(t, string(files["index.html"]), "GIVEN0001 FAMILY0001")
		for name, content := range files {
			require.NotContains(t, string(content), "FAMILY0002", name)
		}

		require.NoError(t, w.keeper.Erase(t.Context(), asked(s.ID)))
		out.Reset()
		require.NoError(t, w.keeper.Export(t.Context(), &out, w.ring, []string{s.ID}, "clerk", keep.WhyAsked, who.Recipient()))
		for name, content := range unpack(t, out.Bytes(), who) {
			for what, needle := range w.needles(s, 1) {
				require.NotContains(t, string(content), string(needle), name+": "+what)
			}
		}
	})
}

func unpack(t *testing.T, sealed []byte, who age.Identity) map[string][]byte {
	t.Helper()
	plain, err := age.Decrypt(bytes.NewReader(sealed), who)
	require.NoError(t, err)
	b, err := io.ReadAll(plain)
	require.NoError(t, err)
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		files[f.Name], err = io.ReadAll(r)
		require.NoError(t, err)
	}
	return files
}
