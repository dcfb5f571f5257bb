// Package replay is a camera that plays recordings: a picture, a folder of
// pictures, or a video, with the timing they were taken with.
//
// A folder plays its pictures (.jpg, .jpeg, .png) in the order of their names.
// Two optional files lie beside them:
//
//	timing.json   how long each picture stays, and what comes after the last one (Timing)
//	recipe.json   how the camera misbehaves (Recipe); read anew at each Open
//	cue           a word of Timing.Cues: play that stretch now
//
// A folder may hold takes instead, sub-folders take-1, take-2, …: each
// successful Open plays the next one, and the last repeats. When the folder is a
// link and is pointed elsewhere, the takes begin again. A recipe.json beside the
// takes holds for all of them; one inside a take, for that take.
//
// What may live here: what a camera does with frames that exist already. What
// may not: making frames (hardware/rig), or looking at them.
package replay
