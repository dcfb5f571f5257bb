package api

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vestibule/journey"
)

// pageKey leads to the next page: the last row's id with a signature behind it, and
// its time. The signature binds both to the list they were given for, so that a key
// cannot be made up, and one of another list is told instead of giving a wrong page.
type pageKey struct {
	ID      string `json:"id" required:"true"`
	Created string `json:"created_at" required:"true" format:"date-time"`
}

// page is which part of a list is wanted.
type page struct {
	Limit    int
	AfterID  string
	After    time.Time
	From, To time.Time // To is excluded
}

// exact is a time as a page key has it: nothing of it is rounded away.
func exact(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// scopeOf names a list: what it is narrowed by, and whose it is. How long its pages
// are does not matter.
func scopeOf(op, project string, values map[string]string) string {
	var parts []string
	for name, v := range values {
		switch name {
		case "limit", "id", "created_at", "request_type":
		default:
			parts = append(parts, strconv.Quote(name)+strconv.Quote(v))
		}
	}
	slices.Sort(parts)
	return strconv.Quote(op) + strconv.Quote(project) + strings.Join(parts, "")
}

func (s server) tag(scope, id, created string) string {
	return s.Private.PageTag(scope + strconv.Quote(id) + created)
}

// next makes the key of the page after a row.
func (s server) next(scope, id string, created time.Time) *pageKey {
	at := exact(created)
	return &pageKey{id + "." + s.tag(scope, id, at), at}
}

// parsePage checks the parameters that select a part of a list.
func (s server) parsePage(scope string, values map[string]string) (page, error) {
	p := page{Limit: defaultLimit}
	var err error
	if v, ok := values["limit"]; ok {
		if p.Limit, err = strconv.Atoi(v); err != nil || p.Limit < 1 || p.Limit > maxLimit || strconv.Itoa(p.Limit) != v {
			return p, badFormat("limit", "a whole number from 1 to 100")
		}
	}
	if v, ok := values["start_date"]; ok {
		if p.From, err = day(v); err != nil {
			return p, badFormat("start_date", "a day from 1970 on, YYYY-MM-DD")
		}
	}
	if v, ok := values["end_date"]; ok {
		if p.To, err = day(v); err != nil {
			return p, badFormat("end_date", "a day from 1970 on, YYYY-MM-DD")
		}
		p.To = p.To.AddDate(0, 0, 1) // the whole of that day
		if !p.From.Before(p.To) && !p.From.IsZero() {
			return p, badFormat("end_date", "not before start_date")
		}
	}
	id, hasID := values["id"]
	at, hasAt := values["created_at"]
	if hasID != hasAt {
		return p, &fault{Status: http.StatusBadRequest, Key: journey.AnswerErrorMissingData, Hint: "id and created_at of nextpageKey belong together"}
	}
	if !hasID {
		return p, nil
	}
	if p.After, err = time.Parse(time.RFC3339Nano, at); err != nil || exact(p.After) != at {
		return p, badFormat("created_at", "take it from nextpageKey as it is")
	}
	cut := strings.LastIndexByte(id, '.')
	if cut < 1 || subtle.ConstantTimeCompare([]byte(id[cut+1:]), []byte(s.tag(scope, id[:cut], at))) != 1 {
		return p, badFormat("id", "take it from nextpageKey as it is, and ask with the same filters")
	}
	p.AfterID = id[:cut]
	return p, nil
}

// day reads a date. Years that the database cannot tell from "never" are none.
func day(v string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, v)
	if err == nil && t.Year() < 1970 {
		err = strconv.ErrRange
	}
	return t, err
}
