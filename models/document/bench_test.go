package document_test

import (
	"context"
	"image"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/mrz"
	"vestibule/models/picture"
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

// processor reports the processor time of one operation, all threads together: steadier
// than the clock where other work runs beside.
func processor(b *testing.B) {
	b.Helper()
	used := func() time.Duration {
		var u syscall.Rusage
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	b.ResetTimer()
	start := used()
	b.Cleanup(func() { b.ReportMetric(float64((used()-start).Microseconds())/1000/float64(b.N), "cpu-ms/op") })
}

func BenchmarkGlance720p(b *testing.B) {
	m, r := frame720(b), reader(b)
	defer m.Close()
	b.ReportAllocs()
	processor(b)
	for b.Loop() {
		_, err := r.Glance(context.Background(), m)
		require.NoError(b, err)
	}
}

func BenchmarkReadPassport720p(b *testing.B) {
	m, r := frame720(b), reader(b)
	defer m.Close()
	processor(b)
	for b.Loop() {
		d, err := r.Read(context.Background(), []gocv.Mat{m})
		require.NoError(b, err)
		require.NotNil(b, d.MRZ)
	}
}

func BenchmarkReadWithoutZone720p(b *testing.B) {
	m, r := text().draw(b), reader(b)
	defer m.Close()
	processor(b)
	for b.Loop() {
		_, err := r.Read(context.Background(), []gocv.Mat{m})
		require.NoError(b, err)
	}
}

func BenchmarkGlanceFrame720p(b *testing.B) {
	m, r := frame720(b), reader(b)
	defer m.Close()
	jpeg, err := picture.EncodeJPEG(m, 90)
	require.NoError(b, err)
	f := models.Frame{Format: models.JPEG, Pix: jpeg}
	b.ReportAllocs()
	for b.Loop() {
		_, err := r.GlanceFrame(context.Background(), f)
		require.NoError(b, err)
	}
}
