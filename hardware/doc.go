// Package hardware is the folder of devices: one small interface each, real
// drivers and a replay driver side by side, and the bench rig that makes what
// the replay drivers play.
//
// What may live below: talking to a device, and what its data is called. What
// may not: looking at the data. A frame leaves here as it came.
package hardware
