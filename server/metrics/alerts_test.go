package metrics_test

import (
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"vestibule/journey"
	"vestibule/server/metrics"
	"vestibule/server/store"
)

func TestEveryAlertAsksForWhatIsTold(t *testing.T) {
	text, err := os.ReadFile("../../docs/alerts.yml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Labels      struct{ Severity string }
				Annotations struct{ Summary, Action string }
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	m := metrics.New(&source{s: store.Standing{
		Kiosks: map[string]int{"online": 1}, Conditions: map[store.Wrong]int{{Code: "disk", Severity: 3}: 1}, Jobs: map[store.Queued]int{{Kind: "decide", State: "dead"}: 1},
		Deliveries: map[string]int{"dead": 1}, Mail: map[string]int{"dead": 1}, Lists: map[string]time.Time{"un_sc": noon},
	}}, "1", func() time.Time { return noon }, slog.New(slog.NewTextHandler(io.Discard, nil)))
	m.Rejected("forged")
	m.Decided(journey.Approved, "", false, time.Second)
	m.Screener(func() bool { return false })
	body := scrape(t, m)
	asked := regexp.MustCompile(`vestibule_[a-z_]+`)
	require.NotEmpty(t, file.Groups[0].Rules)
	for _, r := range file.Groups[0].Rules {
		require.NotEmpty(t, r.Annotations.Summary, r.Alert)
		require.NotEmpty(t, r.Annotations.Action, r.Alert)
		require.Contains(t, []string{"critical", "warning"}, r.Labels.Severity, r.Alert)
		for _, name := range asked.FindAllString(r.Expr, -1) {
			require.True(t, strings.Contains(body, "\n"+name+"{") || strings.Contains(body, "\n"+name+" "), "%s asks for %s, which is not told", r.Alert, name)
		}
	}
}
