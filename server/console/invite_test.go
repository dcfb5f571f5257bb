package console

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/sync/fault"
)

// gate is a Fleet that notes whom it lets in.
type gate struct {
	in  []string
	err error
}

func (g *gate) Suggest(host string) NewKiosk {
	return NewKiosk{Project: "default", Centre: host + ":8443", Broker: host + ":8883"}
}

func (g *gate) Invite(_ context.Context, who string, k NewKiosk) (Invitation, error) {
	if g.err != nil {
		return Invitation{}, g.err
	}
	g.in = append(g.in, who+" "+k.Name+" "+k.Country+" "+k.Centre)
	return Invitation{Token: "0000-1111", Code: "VESTIBULE:1:00001111:CENTRE:8443", Expires: noon.Add(72 * time.Hour)}, nil
}

// asked sends one request as a visitor.
func asked(t *testing.T, g Fleet, who Visitor, method string, form url.Values) (int, string) {
	t.Helper()
	c, err := New(Config{Visits: newMemory(), Store: &shelf{}, Fleet: g, Clock: func() time.Time { return noon }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	require.NoError(t, err)
	r := httptest.NewRequest(method, "http://centre.example.org/console/kiosks", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r = r.WithContext(context.WithValue(r.Context(), insider{}, inside{"visit", who}))
	w := httptest.NewRecorder()
	if method == http.MethodPost {
		c.invite(w, r)
	} else {
		c.kiosks(w, r)
	}
	return w.Code, w.Body.String()
}

func filled() url.Values {
	return url.Values{"name": {"hall-9"}, "country": {"UTO"}, "project": {"default"}, "centre": {"centre.example.org:8443"}, "broker": {"centre.example.org:8883"}}
}

func TestAnOperatorAddsAKioskAndSeesTokenAndCodeOnce(t *testing.T) {
	g, olga := &gate{}, Visitor{Name: "olga", Operator: true}
	status, body := asked(t, g, olga, http.MethodGet, nil)
	require.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `value="centre.example.org:8443"`, "addresses are suggested")
	status, body = asked(t, g, olga, http.MethodPost, filled())
	require.Equal(t, http.StatusOK, status)
	assert.Equal(t, []string{"olga hall-9 UTO centre.example.org:8443"}, g.in)
	for _, want := range []string{"0000-1111", "<svg", "shown once", "2026"} {
		assert.Contains(t, body, want)
	}
	_, body = asked(t, g, olga, http.MethodGet, nil)
	assert.NotContains(t, body, "0000-1111")
}

func TestOthersAddNoKiosk(t *testing.T) {
	for name, who := range map[string]Visitor{"a viewer": {Name: "vera"}, "a reviewer": {Name: "rita", Reviewer: true}, "an API key": {}} {
		t.Run(name, func(t *testing.T) {
			g := &gate{}
			_, body := asked(t, g, who, http.MethodGet, nil)
			assert.NotContains(t, body, "Add a kiosk")
			status, _ := asked(t, g, who, http.MethodPost, filled())
			assert.Equal(t, http.StatusForbidden, status)
			assert.Empty(t, g.in)
		})
	}
	status, _ := asked(t, nil, Visitor{Name: "olga", Operator: true}, http.MethodPost, filled())
	assert.Equal(t, http.StatusForbidden, status, "nor does anybody where no kiosk can enrol")
}

func TestWhatIsRefusedStaysInTheForm(t *testing.T) {
	g := &gate{err: fault.New("kiosk_exists", "a kiosk of this name is enrolled", "choose another", nil)}
	form := filled()
	form.Set("name", `<b>hall`)
	status, body := asked(t, g, Visitor{Name: "olga", Operator: true}, http.MethodPost, form)
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	assert.Contains(t, body, "a kiosk of this name is enrolled – choose another")
	assert.Contains(t, body, "&lt;b&gt;hall")
	form.Set("name", strings.Repeat("x", 1<<20))
	status, _ = asked(t, g, Visitor{Name: "olga", Operator: true}, http.MethodPost, form)
	assert.Equal(t, http.StatusBadRequest, status)
}
