package console

import (
	"cmp"
	"math"
	"slices"
	"time"

	"vestibule/journey"
)

// Measures of the drawing, in its own units (one is a CSS pixel at full width).
const (
	lineLeft   = 110.0 // where the axis starts; lane names stand before it
	lineRight  = 1090.0
	lineTop    = 46.0
	rowHeight  = 20.0
	barHeight  = 12.0
	laneSpace  = 18.0
	gapWidth   = 78.0 // a time in which nothing happened, however long
	minBar     = 4.0
	labelWidth = 6.9 // of one letter, capitals mostly
	longPause  = 8 * time.Second
)

// timeline is a journey drawn: lanes from top to bottom, time from left to right.
// Long times without any event are folded into gaps of one width.
type timeline struct {
	Width, Height float64
	Lanes         []lane
	Gaps          []gap
	Ticks         []tick
	Threads       []thread // from causes to what they led to
}

type lane struct {
	Name string
	Y    float64 // of the name
	Bars []bar
}

type bar struct {
	X, Y, W, H     float64
	Label, Tone    string
	Event, Title   string
	LabelX, LabelY float64
	Inside         bool
}

type gap struct {
	X, Y, W, H float64
	Label      string
	Offline    bool
}

type tick struct {
	X     float64
	Label string
}

type thread struct{ X1, Y1, X2, Y2 float64 }

// span is something that is to be drawn as a bar.
type span struct {
	from, to time.Time
	label    string
	event    journey.Event
}

// draw lays a journey out. It is pure; the same events give the same drawing.
func draw(events []journey.Event) timeline {
	screens, checks, centre := lanesOf(events)
	ax := newAxis(events)
	t := timeline{Width: lineRight + 20}
	at := map[string]bar{}
	y := lineTop
	for _, l := range []struct {
		name  string
		spans []span
	}{{"Screens", screens}, {"Kiosk checks", checks}, {"Centre", centre}} {
		if len(l.spans) == 0 {
			continue
		}
		one := lane{Name: l.name, Y: y + barHeight}
		one.Bars, y = pack(l.spans, ax, y, l.name == "Screens")
		for _, b := range one.Bars {
			at[b.Event] = b
		}
		t.Lanes = append(t.Lanes, one)
		y += laneSpace
	}
	t.Height = y + 4
	for _, g := range ax.gaps {
		g.Y, g.H = lineTop-14, t.Height-lineTop+8
		t.Gaps = append(t.Gaps, g)
	}
	t.Ticks = ax.ticks()
	for _, e := range events {
		to, drawn := at[e.ID]
		if !drawn || e.Origin != journey.OriginServer || tone(e) == "good" && e.Name != journey.EventApproved {
			continue // only what stood in the way, and the decision, are tied to their causes
		}
		for _, c := range e.Causes {
			if from, ok := at[c]; ok {
				t.Threads = append(t.Threads, thread{from.X + from.W, from.Y + from.H/2, to.X, to.Y + to.H/2})
			}
		}
	}
	return t
}

// lanesOf sorts events into what is drawn. A screen lasts until the next one.
func lanesOf(events []journey.Event) (screens, checks, centre []span) {
	for _, e := range events {
		switch {
		case e.Origin == journey.OriginServer:
			centre = append(centre, span{e.Started, e.Ended, string(e.Name), e})
		case e.Name == journey.EventStepView:
			screens = append(screens, span{e.Started, e.Ended, e.Path, e})
		case e.Source == journey.BE && e.Result != journey.Observed:
			checks = append(checks, span{e.Started, e.Ended, string(e.Name), e})
		}
	}
	slices.SortStableFunc(screens, func(a, b span) int { return a.from.Compare(b.from) })
	for i := range screens {
		if i+1 < len(screens) {
			screens[i].to = screens[i+1].from
		}
	}
	for _, spans := range [][]span{checks, centre} {
		slices.SortStableFunc(spans, func(a, b span) int { return cmp.Or(a.from.Compare(b.from), a.to.Compare(b.to)) })
	}
	return screens, checks, centre
}

// pack gives every bar a row in which it and its label overlap nothing.
func pack(spans []span, ax axis, top float64, inside bool) ([]bar, float64) {
	var rowEnds []float64
	bars := make([]bar, 0, len(spans))
	for _, s := range spans {
		x1, x2 := ax.x(s.from), ax.x(s.to)
		b := bar{
			X: x1, W: math.Max(minBar, x2-x1), H: barHeight, Label: s.label, Tone: tone(s.event), Event: s.event.ID,
			Title: string(s.event.Name) + " · " + string(s.event.Result) + " · " + lasted(s.to.Sub(s.from)),
		}
		text := float64(len(s.label)) * labelWidth
		end := b.X + b.W + 6 + text
		b.LabelX = b.X + b.W + 4
		if b.Inside = inside && text+8 <= b.W; b.Inside {
			b.LabelX, end = b.X+4, b.X+b.W+1
		} else if end > lineRight+10 && b.X-6-text > lineLeft {
			b.LabelX, end = b.X-4-text, b.X+b.W+6
		}
		left := math.Min(b.X, b.LabelX)
		row := slices.IndexFunc(rowEnds, func(e float64) bool { return e <= left })
		if row < 0 {
			row = len(rowEnds)
			rowEnds = append(rowEnds, 0)
		}
		rowEnds[row] = end
		b.Y = top + float64(row)*rowHeight
		b.LabelY = b.Y + barHeight - 2
		bars = append(bars, b)
	}
	return bars, top + float64(len(rowEnds))*rowHeight
}

// axis maps times to places. Between pieces lie gaps.
type axis struct {
	pieces []piece
	gaps   []gap
}

type piece struct {
	from, to time.Time
	x1, x2   float64
}

// newAxis finds the times in which something happened and shares the width among them.
func newAxis(events []journey.Event) axis {
	type interval struct{ from, to time.Time }
	var all []interval
	for _, e := range events {
		all = append(all, interval{e.Started, e.Ended})
	}
	slices.SortFunc(all, func(a, b interval) int { return a.from.Compare(b.from) })
	var busy []interval
	for _, iv := range all {
		if n := len(busy); n > 0 && iv.from.Sub(busy[n-1].to) <= longPause {
			if iv.to.After(busy[n-1].to) {
				busy[n-1].to = iv.to
			}
			continue
		}
		busy = append(busy, iv)
	}
	var ax axis
	if len(busy) == 0 {
		return ax
	}
	// A piece gets room by its length, but short ones are not squeezed to nothing.
	weights := make([]float64, len(busy))
	var sum float64
	for i, b := range busy {
		weights[i] = math.Max(1, math.Sqrt(b.to.Sub(b.from).Seconds()))
		sum += weights[i]
	}
	folded := math.Min(gapWidth, (lineRight-lineLeft)/2/math.Max(1, float64(len(busy)-1)))
	room := lineRight - lineLeft - folded*float64(len(busy)-1)
	x := lineLeft
	for i, b := range busy {
		if i > 0 {
			before := busy[i-1].to
			ax.gaps = append(ax.gaps, gap{
				X: x, W: folded, Label: lasted(b.from.Sub(before)),
				Offline: wasOffline(events, before, b.from),
			})
			x += folded
		}
		w := room * weights[i] / sum
		ax.pieces = append(ax.pieces, piece{b.from, b.to, x, x + w})
		x += w
	}
	return ax
}

// wasOffline reports whether the kiosk had no network when the gap began.
func wasOffline(events []journey.Event, from, to time.Time) bool {
	offline := false
	var last time.Time
	for _, e := range events {
		if e.Started.After(to) || e.Started.Before(last) {
			continue
		}
		switch e.Name {
		case journey.EventNetworkOffline, journey.EventWebSocketDisconnected:
			offline, last = true, e.Started
		case journey.EventNetworkOnline, journey.EventWebSocketConnected:
			if e.Started.Before(from) {
				offline, last = false, e.Started
			}
		}
	}
	return offline
}

func (ax axis) x(t time.Time) float64 {
	for _, p := range ax.pieces {
		if t.After(p.to) {
			continue
		}
		if !t.After(p.from) || p.to.Equal(p.from) {
			return p.x1
		}
		return p.x1 + (p.x2-p.x1)*t.Sub(p.from).Seconds()/p.to.Sub(p.from).Seconds()
	}
	return lineRight
}

// ticks marks where each piece begins and, when there is room, ends.
func (ax axis) ticks() []tick {
	var out []tick
	for _, p := range ax.pieces {
		out = append(out, tick{p.x1, clock(p.from)})
		if p.x2-p.x1 > 150 {
			out = append(out, tick{p.x2 - 46, clock(p.to)})
		}
	}
	return out
}
