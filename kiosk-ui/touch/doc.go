// Package touch holds what a finger meets: words on the screen, buttons, the
// keyboard, the live picture and its guides.
//
// What may live here: a thing that draws itself and reports a touch. What may
// not: the visit, the agent, a sentence. Every tappable has a stable id.
// Personal data is drawn only by a Label with Secret set, which keeps it out of
// the toolkit's text cache and can be wiped.
package touch
