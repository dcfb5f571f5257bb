package face

import (
	"math"

	"vestibule/models"
)

// AgeTolerance is how many years an apparent age may differ from a date of birth. The
// network's mean error is 6 years (100 pictures of 10 men; teenagers read 16 to 27), so an
// error of more than two and a half times that is rare, and still no more than a reason for a
// person to look: it never rejects anybody.
const AgeTolerance = 15.0

// AgeConflicts reports whether a face looks as if it could not be as old as its date of birth
// says: years is the age by that date (fractions count). Both the middle of the estimate differs by more
// than AgeTolerance and the age lies outside Low..High. No estimate conflicts with nothing.
func AgeConflicts(a *models.Age, years float64) bool {
	if a == nil || math.IsNaN(years) || years < 0 {
		return false
	}
	return math.Abs(a.Median-years) > AgeTolerance && (years < a.Low || years > a.High)
}
