// Package capture carries frames from the cameras to the vision engine: it opens
// a camera, shows live pictures, says the one thing to change, and takes the
// picture by itself when everything holds still.
//
// Cameras stall, vanish and come back; engines die and come back. Both cost time
// here, never the visit: only what does not heal ends in a Failure.
//
// What may live here: frames, findings and the times between them. What may not:
// whether a finding is good enough to pass, the visit, storage.
package capture
