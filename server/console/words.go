package console

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/review"
)

// words are the functions that pages use.
var words = template.FuncMap{
	"clock":    clock,
	"day":      func(t time.Time) string { return t.UTC().Format("2 Jan 2006") },
	"lasted":   lasted,
	"short":    short,
	"mark":     mark,
	"tone":     tone,
	"code":     func(k journey.CodeKey) string { return k.String() },
	"decision": func(d journey.Decision) string { return strings.ToLower(string(d)) },
	"flag":     flagged,
	"field":    fieldName,
	"minus":    func(d time.Duration) time.Duration { return -d },
	"outof":    func(r outRow, reviewer any) map[string]any { return map[string]any{"Row": r, "Reviewer": reviewer} },
	"millis":   func(t time.Time) int64 { return t.UnixMilli() },
	"last": func(votes []review.Vote) *review.Vote {
		if len(votes) == 0 {
			return nil
		}
		return &votes[len(votes)-1]
	},
}

// clock is a time of day in UTC, with what a reader needs to order events by eye.
func clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("15:04:05")
}

// lasted is a duration a person reads at a glance.
func lasted(d time.Duration) string {
	switch {
	case d < 0:
		return "–"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// short keeps the end of an id, where UUIDv7s differ.
func short(id string) string {
	if len(id) <= 8 {
		return id
	}
	return "…" + id[len(id)-8:]
}

// mark is the sign that goes with a colour, which is never the only one.
func mark(d journey.Decision) string {
	switch d {
	case journey.Approved:
		return "✓"
	case journey.Rejected:
		return "✕"
	case journey.Pending:
		return "⏸"
	}
	return "…"
}

// tone is the colour class of an event.
func tone(e journey.Event) string {
	switch e.Impact {
	case journey.ImpactRejected, journey.ImpactBlocked:
		return "bad"
	case journey.ImpactRetake, journey.ImpactPending:
		return "warn"
	case journey.ImpactApproved:
		return "good"
	}
	switch e.Result {
	case journey.Fail, journey.Errored:
		return "bad"
	case journey.Skipped:
		return "idle"
	case journey.Observed:
		return "seen"
	}
	return "good"
}

// flagged says why an item is back in the queue.
func flagged(f review.Flag) string {
	switch f {
	case review.Disagreed:
		return "two people came to different decisions"
	case review.Undone:
		return "a decision was undone"
	case review.Findings:
		return "not sent: the checks found something new"
	case review.Known:
		return "not sent: the applicant has another approval"
	case review.Reopened:
		return "looked at again"
	case review.Listed:
		return "resembles an entry that is new on a list"
	}
	return string(f)
}

// fieldName is a field as a document names it.
func fieldName(f review.Field) string {
	switch f {
	case review.FamilyName:
		return "Family name"
	case review.GivenNames:
		return "Given names"
	case review.Birth:
		return "Date of birth"
	case review.Gender:
		return "Sex (male, female, x)"
	case review.Nationality:
		return "Nationality"
	case review.Number:
		return "Document number"
	case review.Expiry:
		return "Date of expiry"
	}
	return string(f)
}
