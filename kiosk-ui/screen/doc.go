// Package screen draws the visit: one composition for each step of the agent,
// and the goroutines that observe the agent and carry touches to it.
//
// Rules of every screen. The upper half shows, the lower half speaks and acts.
// One title says what to do, one sentence why or how, at most two actions, the
// first of them filled. The bottom bar keeps its places. One hint at a time, with
// an icon, for at least 1.5 s. A screen is rebuilt whole when what it says
// changes, and only its live parts move in between. When the visit ends, all that
// was shown of a person is wiped before the next screen is drawn.
//
// What may live here: composition, and what the screen observed. What may not: a
// decision, a sentence (they are in text), fyne/app (only main imports it).
package screen
