package thermal

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
)

func TestTheHottestZoneCounts(t *testing.T) {
	temp := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for name, c := range map[string]struct {
		zones fstest.MapFS
		want  float64
		ok    bool
	}{
		"two zones":                  {fstest.MapFS{"thermal_zone0/temp": temp("45000\n"), "thermal_zone1/temp": temp("61500\n")}, 61.5, true},
		"no zones":                   {fstest.MapFS{"cooling_device0/type": temp("fan")}, 0, false},
		"a sensor that is not there": {fstest.MapFS{"thermal_zone0/temp": temp("-274000"), "thermal_zone1/temp": temp("x")}, 0, false},
		"below zero":                 {fstest.MapFS{"thermal_zone0/temp": temp("-5000")}, -5, true},
	} {
		got, ok := hottest(c.zones)
		assert.Equal(t, c.ok, ok, name)
		assert.Equal(t, c.want, got, name)
	}
}
