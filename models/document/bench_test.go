package document_test

import (
	"context"
	"image"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models/mrz"
)

// frame720 is a drawn passport on a dark table in a frame of 1280 × 720.
func frame720(b *testing.B) gocv.Mat {
	b.Helper()
	s := passport(zoneOf(b, mrz.TD3, "P")...)
	s.pxmm = 7.5
	m := s.draw(b)
	defer m.Close()
	part := m.Region(image.Rect(0, 90, 1280, 810))
	defer part.Close()
	return part.Clone()
}

func BenchmarkGlance720p(b *testing.B) {
	m, r := frame720(b), reader(b)
	defer m.Close()
	for b.Loop() {
		_, err := r.Glance(context.Background(), m)
		require.NoError(b, err)
	}
}

func BenchmarkReadPassport720p(b *testing.B) {
	m, r := frame720(b), reader(b)
	defer m.Close()
	for b.Loop() {
		d, err := r.Read(context.Background(), []gocv.Mat{m})
		require.NoError(b, err)
		require.NotNil(b, d.MRZ)
	}
}

func BenchmarkReadWithoutZone720p(b *testing.B) {
	m, r := text().draw(b), reader(b)
	defer m.Close()
	for b.Loop() {
		_, err := r.Read(context.Background(), []gocv.Mat{m})
		require.NoError(b, err)
	}
}
