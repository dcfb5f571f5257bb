package genuine

import (
	"vestibule/models"
)

const (
	CueFringe  = "fringe"
	CueGrid    = "grid"
	CueRainbow = "rainbow"
	CueMoire   = "moire"
	CueRosette = "rosette"
	CueGrey    = "grey"
	CueBezel   = "bezel"
	CueMargin  = "margin"
	CueWhite   = "white"
	CueNoise   = "portrait-noise"
	CueFocus   = "portrait-sharpness"
	CueSeam    = "portrait-seam"
	CueBlocks  = "portrait-blocks"
	CueGhost   = "portrait-ghost"
	CueBands   = "bands"
	CueTilt    = "tilt"
)

type findings struct {
	names      []string
	values     map[string][]float64
	resolution []float64
}

func (f *findings) add(name string, v float64) {
	if f.values == nil {
		f.values = map[string][]float64{}
	}
	if _, ok := f.values[name]; !ok {
		f.names = append(f.names, name)
	}
	f.values[name] = append(f.values[name], v)
}

func (f *findings) judge() models.Genuineness {
	g := models.Genuineness{ScreenReplay: 100, PaperPrinted: 100, ReplacePortrait: 100}
	for _, n := range f.names {
		g.Cues = append(g.Cues, models.Cue{Name: n, Score: 100, Measured: median(f.values[n])})
	}
	return g
}
