package ingest

import (
	"slices"
	"sync"

	"vestibule/journey"
)

// maxRecent is how many sessions' events are remembered: as many people at kiosks at the same time.
const maxRecent = 2048

// recent remembers what was committed of the sessions that were heard of last, so that a frame of five events does
// not have the ninety before it read again. It may forget anything: the database has it.
type recent struct {
	mu    sync.Mutex
	most  int
	known map[string][]journey.Event
	order []string // of the first time each was put; what is forgotten stays here until its turn
}

func newRecent(most int) *recent {
	return &recent{most: most, known: make(map[string][]journey.Event, most)}
}

// get gives a copy, to be appended to.
func (r *recent) get(session string) []journey.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.known[session])
}

// put remembers all events of a session, without what no row of a session is derived from.
func (r *recent) put(session string, all []journey.Event) {
	for i := range all {
		all[i].Detail, all[i].Causes, all[i].Models = nil, nil, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, there := r.known[session]; !there {
		for len(r.order) >= r.most {
			delete(r.known, r.order[0])
			r.order = r.order[1:]
		}
		r.order = append(r.order, session)
	}
	r.known[session] = all
}
