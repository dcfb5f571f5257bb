package gate_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"vestibule/server/aml"
	"vestibule/server/aml/gate"
	"vestibule/sync/fault"
)

func inForce(people, others int) []gate.Entry {
	var all []gate.Entry
	for i := range people + others {
		all = append(all, gate.Entry{ID: fmt.Sprintf("%03d", i), Hash: "h", Person: i < people})
	}
	return all
}

func without(all []gate.Entry, from, to int) []aml.Entity {
	var out []aml.Entity
	for i, e := range all {
		if i < from || i >= to {
			out = append(out, aml.Entity{ID: e.ID, Hash: e.Hash})
		}
	}
	return out
}

func TestAListThatLooksLikeAnAccidentIsRefused(t *testing.T) {
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	before := inForce(50, 50)
	for name, c := range map[string]struct {
		before []gate.Entry
		head   *aml.List
		after  aml.List
		code   string
	}{
		"the first list there is":                  {nil, nil, aml.List{Entities: without(before, 0, 99)}, ""},
		"the same":                                 {before, &aml.List{}, aml.List{Entities: without(before, 0, 0)}, ""},
		"a tenth of the people taken off":          {before, &aml.List{}, aml.List{Entities: without(before, 0, 10)}, ""},
		"more than a fifth of the people gone":     {before, &aml.List{}, aml.List{Entities: without(before, 0, 11)}, "list_shrunk"},
		"a fifth of the entries, none of people":   {before, &aml.List{}, aml.List{Entities: without(before, 50, 70)}, ""},
		"more than a fifth of the entries gone":    {before, &aml.List{}, aml.List{Entities: without(before, 50, 71)}, "list_shrunk"},
		"cut to one person":                        {before, &aml.List{}, aml.List{Entities: without(before, 1, 100)}, "list_shrunk"},
		"other people under other ids":             {inForce(3, 0), &aml.List{}, aml.List{Entities: []aml.Entity{{ID: "x"}, {ID: "y"}, {ID: "z"}}}, "list_shrunk"},
		"one record in a hundred unreadable":       {nil, nil, aml.List{Read: 100, Dropped: 1}, ""},
		"two records in a hundred unreadable":      {nil, nil, aml.List{Read: 100, Dropped: 2}, "list_damaged"},
		"issued later":                             {nil, &aml.List{Issued: day}, aml.List{Issued: day.Add(time.Hour)}, ""},
		"issued earlier":                           {nil, &aml.List{Issued: day}, aml.List{Issued: day.Add(-time.Hour)}, "list_older"},
		"without a date, where the old one has it": {nil, &aml.List{Issued: day}, aml.List{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := gate.Usual().Check(c.head, c.after, gate.Compare(c.before, c.after.Entities))
			assert.Equal(t, c.code, fault.Code(err))
		})
	}
}

func TestWhatChangedAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.MapOf(rapid.StringMatching(`[a-e][0-9]`), rapid.SampledFrom([]string{"x", "y"}))
		old, fresh := ids.Draw(t, "old"), ids.Draw(t, "new")
		var before []gate.Entry
		for id, hash := range old {
			before = append(before, gate.Entry{ID: id, Hash: hash, Person: true})
		}
		var after []aml.Entity
		for id, hash := range fresh {
			after = append(after, aml.Entity{ID: id, Hash: hash})
		}
		c := gate.Compare(before, after)
		assert.Equal(t, len(old)-len(c.Removed)+len(c.Added), len(fresh))
		assert.Equal(t, len(c.Removed), c.PeopleRemoved)
		for _, id := range c.Changed {
			assert.NotEqual(t, old[id], fresh[id])
		}
		for id, hash := range fresh {
			assert.Equal(t, old[id] == hash && hash != "", !contains(c.Added, id) && !contains(c.Changed, id), id)
		}
	})
}

func contains(all []string, s string) bool {
	for _, x := range all {
		if x == s {
			return true
		}
	}
	return false
}
