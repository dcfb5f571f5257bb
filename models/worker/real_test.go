package worker

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models"
	"vestibule/models/aamva"
	"vestibule/models/barcode/cardback"
	"vestibule/models/manifest"
)

func TestTheRealNetworksWorkInsideTheCage(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	c, err := Start(context.Background(), Config{Command: []string{self, "real"}})
	require.NoError(t, err)
	defer c.Close()
	ctx := context.Background()
	b, err := os.ReadFile(filepath.Join(manifest.Dir(), "portraits", "sample5.jpg"))
	require.NoError(t, err, "%s", manifest.Hint)
	people := models.Frame{Format: models.JPEG, Pix: b}
	blank := models.Frame{Format: models.RGB, Width: 320, Height: 240, Pix: make([]byte, 320*240*3)}

	look := func() {
		f, err := c.ReadFace(ctx, people)
		require.NoError(t, err)
		require.Len(t, f.Template, 512)
		g, err := c.Glance(ctx, blank, models.AimDocument)
		require.NoError(t, err)
		require.Equal(t, models.HintDark, g.Hint)
		_, err = c.ReadFace(ctx, models.Frame{Format: models.JPEG, Pix: b[:len(b)/2]})
		require.ErrorIs(t, err, models.ErrFrame)
	}
	look()
	d, err := c.ReadDocument(ctx, []models.Frame{blank})
	require.NoError(t, err)
	require.Nil(t, d.MRZ)
	v, err := c.Versions(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, v["face-feature"])

	require.NoError(t, syscall.Kill(c.State().PID, syscall.SIGKILL))
	for range 2 { // the first may be lost on its way to the dead
		if _, err = c.Versions(ctx); err == nil {
			break
		}
		require.ErrorIs(t, err, models.ErrWorker)
	}
	require.NoError(t, err)
	look()
	require.Equal(t, 1, c.State().Restarts)

	// The largest frame that is allowed passes through the memory bound.
	large := models.Frame{Format: models.RGB, Width: 4096, Height: 2730, Pix: make([]byte, 4096*2730*3)}
	_, err = c.ReadFace(ctx, large)
	require.NoError(t, err)
	require.Equal(t, 1, c.State().Restarts)

	_, err = Start(ctx, Config{Command: []string{self, "real"}, ModelsDir: t.TempDir()})
	require.ErrorIs(t, err, models.ErrModel)
	require.ErrorContains(t, err, manifest.Hint)
}

func TestABarcodeIsReadInsideTheCage(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	c, err := Start(context.Background(), Config{Command: []string{self, "real"}})
	require.NoError(t, err)
	defer c.Close()
	data, err := aamva.Write(aamva.Content{
		Issuer: "VA", Version: 10, FamilyName: "SPECIMEN", GivenName: "ALEX", Number: "T00000000", Birth: "1990-02-28", Issue: "2024-01-02", Expiry: "2032-02-28",
		Sex: "x", Street: "2300 WEST BROAD STREET", City: "RICHMOND", State: "VA", PostalCode: "23269",
	})
	require.NoError(t, err)
	m, _, err := cardback.Card{Data: string(data), Level: 5, Module: 3, Turn: 8, Blur: .7, Noise: 3, Width: 1280, Height: 900}.Draw(rand.New(rand.NewPCG(1, 2)))
	require.NoError(t, err)
	defer m.Close()
	f := models.Frame{Format: models.RGB, Width: 1280, Height: 900, Pix: m.ToBytes()} // grey, so that the order of colours is all the same
	x, err := c.Examine(context.Background(), []models.Frame{f}, models.Looks{Barcode: true})
	require.NoError(t, err)
	require.True(t, x.Barcode.Found)
	d, err := aamva.Parse(x.Barcode.Data)
	require.NoError(t, err)
	require.True(t, d.Valid(), "%v", d.Faults)
	require.Equal(t, "SPECIMEN", d.FamilyName.Value)
	require.Zero(t, c.State().Restarts)
}
