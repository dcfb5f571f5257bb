// Package scripted is a camera and a vision engine that follow a script: they see what they are told
// to see. Tests and fault schedules run a real agent on them, where pixels do not matter.
//
// What may live here: those two, and a person and a document for them to see. What may not: anything
// that a kiosk's program links.
package scripted

import "time"

// Today is a day on which the documents here are valid.
var Today = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
