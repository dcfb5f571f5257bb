package idnumber

import "time"

// What Against finds.
const (
	WrongCheck = "check-digits" // they do not fit
	WrongBirth = "birth"        // the number was given to somebody born on another day
)

// Against holds a number that was read for certain against its document: birth (YYYY-MM-DD, unknown parts 00) and sex (male,
// female, x) as the document has them. wrong is what no genuine document shows, WrongCheck before
// WrongBirth, and empty when all fits; sex tells whether the number speaks of another sex, which proves nothing: no
// zone protects that letter by a digit, and it may be changed by law before the number is.
//
// No zone prints a century, so one that only the reader guessed is no difference. A number whose own date
// is no day is not weighed at all: ok is false, for such a text is rather something else of the same form.
func (n Number) Against(birth, sex string) (wrong string, otherSex, ok bool) {
	if n.Problem == ProblemDate {
		return "", false, false
	}
	if n.Check == CheckWrong {
		return WrongCheck, false, true
	}
	for _, what := range n.Differs(sameCentury(birth, n.Birth), sex) {
		switch what {
		case "birth":
			wrong = WrongBirth
		case "sex":
			otherSex = true
		}
	}
	return wrong, otherSex, true
}

// sameCentury gives a date the century of another one.
func sameCentury(date, as string) string {
	if len(date) != len(time.DateOnly) || len(as) != len(time.DateOnly) {
		return date
	}
	return as[:2] + date[2:]
}
