package worker

import (
	"bytes"
	"context"
	"os"
	"testing"

	qrcode "github.com/skip2/go-qrcode"
	"github.com/stretchr/testify/require"

	"vestibule/models"
)

func TestACodeIsReadInsideTheCage(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	c, err := Start(context.Background(), Config{Command: []string{self, "real"}})
	require.NoError(t, err)
	defer c.Close()
	const said, w, h = "VESTIBULE:1:0123456789ABCDEFGHJKMNPQRSTVWXYZ00:CENTRE.EXAMPLE.ORG:8443", 640, 480
	code, err := qrcode.New(said, qrcode.Medium)
	require.NoError(t, err)
	img := code.Image(h)
	pix := bytes.Repeat([]byte{200}, 3*w*h)
	for y := range h {
		for x := range h {
			v, _, _, _ := img.At(x, y).RGBA()
			for k := range 3 {
				pix[3*(y*w+x+80)+k] = uint8(v >> 8)
			}
		}
	}
	got, err := c.ReadQR(context.Background(), models.Frame{Format: models.RGB, Width: w, Height: h, Pix: pix})
	require.NoError(t, err)
	require.Equal(t, said, string(got))
	got, err = c.ReadQR(context.Background(), models.Frame{Format: models.RGB, Width: w, Height: h, Pix: bytes.Repeat([]byte{200}, 3*w*h)})
	require.NoError(t, err)
	require.Empty(t, got)
	_, err = c.ReadQR(context.Background(), models.Frame{Format: models.JPEG, Pix: []byte("no picture")})
	require.ErrorIs(t, err, models.ErrFrame)
	require.Zero(t, c.State().Restarts)
}
