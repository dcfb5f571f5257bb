package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/store"
	"vestibule/sync/wire"
)

func TestThePageOfTheKiosksShowsWhoNeedsSomebodyFirst(t *testing.T) {
	fleet := &shelf{kiosks: []store.Kiosk{
		{ID: "hall-1", Country: "UTO", Online: true, Seen: noon.Add(-time.Minute), Release: "1.2"},
		{ID: "hall-2", Country: "UTO", Conditions: []wire.Condition{
			{Code: "link", Severity: 2, Since: noon.Add(-3 * time.Hour)}, {Code: "<b>new", Severity: 1},
		}},
		{ID: "hall-3", Country: "UTO", Online: true, ClockOffset: -3 * time.Hour, Conditions: []wire.Condition{{Code: "closed", Severity: 3, Detail: "store_full", Since: noon}}},
		{ID: "hall-5", Country: "UTO", Online: true},
		{ID: "hall-4", Country: "UTO", Revoked: noon, Conditions: []wire.Condition{{Code: "closed", Severity: 3}}},
	}, tallies: []store.Tally{{Kiosk: "hall-5", Models: "zone=1", N: 100, Differed: 20}}}
	status, body := shownOn(t, fleet, nil, func(c *Console) http.HandlerFunc { return c.kiosks })
	require.Equal(t, http.StatusOK, status)
	at := func(s string) int {
		i := strings.Index(body, s)
		require.Positive(t, i, s)
		return i
	}
	require.Less(t, at(">hall-3<"), at(">hall-2<"))
	require.Less(t, at(">hall-2<"), at(">hall-1<"))
	require.Less(t, at(">hall-1<"), at(">hall-4<"), "the revoked one needs nobody")
	for _, want := range []string{"takes no visits", "store_full", "does not reach the centre", "3 h 00 min", "3 of 5 on line; something is wrong with 3", "20 of 100"} {
		require.Contains(t, body, want)
	}
	require.NotContains(t, body, "<b>new", "what a kiosk sends is escaped")
	_, body = shownOn(t, &shelf{kiosks: []store.Kiosk{}}, nil, func(c *Console) http.HandlerFunc { return c.kiosks })
	require.Contains(t, body, "server kiosk add")
}
