package capture

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/models"
)

func TestEveryFrameOfAFaceCameraLeavesABoundedTrace(t *testing.T) {
	f := newFeed(nil, Options{}, nil, true)
	for i := range longestTrace + 100 {
		f.put(models.Frame{Format: models.YUYV, At: time.Unix(int64(i), 0), Pix: []byte{byte(i), byte(i >> 8)}})
	}
	s := models.Sensor{Cells: []uint16{7}}
	f.measured(f.latest.Seq-3, s)
	f.measured(1, s)              // long gone
	f.measured(f.latest.Seq+9, s) // not there yet
	all := f.traces()
	require.Len(t, all, longestTrace)
	hashes := map[uint64]bool{}
	for i, x := range all {
		assert.Equal(t, time.Unix(int64(i+100), 0), x.At)
		assert.Equal(t, i == longestTrace-4, x.Measured)
		hashes[x.Hash] = true
	}
	assert.Len(t, hashes, longestTrace, "other bytes, another hash")
	assert.Equal(t, s, all[longestTrace-4].Sensor)
	f.put(models.Frame{Pix: []byte{1}})
	f.put(models.Frame{Pix: []byte{1}})
	all = f.traces()
	assert.Equal(t, all[longestTrace-1].Hash, all[longestTrace-2].Hash)
	f.forget()
	assert.Empty(t, f.traces())

	plain := newFeed(nil, Options{}, nil, false)
	plain.put(models.Frame{Pix: []byte{1}})
	plain.measured(1, s)
	assert.Empty(t, plain.traces(), "documents are not traced")
}
