// Package rig is the test bench: it prints specimen documents, and films them
// and faces the way a kiosk's cameras would see them, into folders that
// hardware/camera/replay plays.
//
// The documents follow ICAO Doc 9303 parts 3 to 5 in size, machine readable zone
// and portrait; their state is Utopia (UTO, which 9303-3 reserves for specimens),
// their background is our own, and SPECIMEN stands on each. The films are made
// from a seed: same input, same pixels.
//
// What such a film can show is that a frame of this kind travels the whole path.
// It does not show how well a model does on real cameras, papers and people.
//
// What may live here: making input for replay drivers. What may not: reading
// what it made, and any shortcut past a camera. The machine readable lines come
// from the caller: this package does not know what they mean.
package rig
