package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/audit"
	"vestibule/server/store"
)

// lines is an audit trail in memory, which may grow while it is looked at.
type lines struct {
	mu  sync.Mutex
	all []audit.Line
	err error
}

func (l *lines) add(who, what, target string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := int64(len(l.all) + 1)
	l.all = append(l.all, audit.Line{N: n, ID: fmt.Sprint(n), At: noon, Who: who, What: what, Target: target})
}

func (l *lines) said() (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.all {
		out = append(out, one.Who+": "+one.What)
	}
	return out
}

func (l *lines) AuditLines(_ context.Context, f store.AuditFilter) ([]audit.Line, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []audit.Line
	for i := len(l.all) - 1; i >= 0 && len(out) < f.Limit; i-- {
		one := l.all[i]
		if (f.Before == 0 || one.N < f.Before) && (f.Who == "" || f.Who == one.Who) && strings.HasPrefix(one.What, f.What) && (f.Target == "" || f.Target == one.Target) {
			out = append(out, one)
		}
	}
	return out, l.err
}

func (l *lines) AuditHead(context.Context) (audit.Head, error) {
	return audit.Head{N: int64(len(l.all)), Hash: audit.Hash{0xab}}, l.err
}

// openTrail serves a console whose visitors come with their names as keys.
func openTrail(t *testing.T, l *lines, clock func() time.Time) (*Console, string) {
	t.Helper()
	c, err := New(Config{
		Visits: newMemory(), Store: &shelf{}, Clock: clock, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Trail: l,
		Admits: func(_ context.Context, key string) (Visitor, bool, error) {
			switch key {
			case "admin":
				return Visitor{Key: "k-1", Auditor: true}, true, nil
			case "rita":
				return Visitor{Name: key, Reviewer: true}, true, nil
			}
			return Visitor{Name: key, Auditor: true}, key == "audrey", nil
		},
		Active: func(context.Context, Visitor) (bool, error) { return true, nil },
		Note: func(_ context.Context, who, what, target string) error {
			if l.err == nil {
				l.add(who, what, target)
			}
			return l.err
		},
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/console/", http.StripPrefix("/console", c.Handler()))
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	return c, web.URL
}

func comesIn(t *testing.T, address, key string) (*http.Client, int) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	resp, err := client.PostForm(address+"/console/login", url.Values{"key": {key}})
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return client, resp.StatusCode
}

func TestWhoComesAndGoesIsNoted(t *testing.T) {
	l := &lines{}
	_, address := openTrail(t, l, func() time.Time { return noon })
	for _, key := range []string{"audrey", "admin"} {
		client, status := comesIn(t, address, key)
		require.Equal(t, http.StatusOK, status)
		for range 2 { // going twice is going once
			resp, err := client.PostForm(address+"/console/logout", nil)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
		}
	}
	_, status := comesIn(t, address, "secret-that-was-mistyped")
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, []string{"audrey: log-in", "audrey: log-out", "api key k-1: log-in", "api key k-1: log-out", "unknown: log-in refused"}, l.said())
	require.NotContains(t, fmt.Sprint(l.all), "mistyped")
}

func TestALogInThatCannotBeNotedLetsNobodyIn(t *testing.T) {
	l := &lines{err: errors.New("away")}
	_, address := openTrail(t, l, func() time.Time { return noon })
	client, status := comesIn(t, address, "audrey")
	require.Equal(t, http.StatusInternalServerError, status)
	_, body := get(t, client, address+"/console/journeys")
	require.Contains(t, body, `name="key"`)
}

func TestTryingKeysDoesNotFillTheTrail(t *testing.T) {
	l := &lines{}
	var mu sync.Mutex
	now := noon
	c, address := openTrail(t, l, func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	})
	wait := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	try := func(n int) {
		for range n {
			_, status := comesIn(t, address, "wrong")
			require.Equal(t, http.StatusForbidden, status)
		}
	}
	count := func(what string) (n int) {
		for _, one := range l.said() {
			if one == what {
				n++
			}
		}
		return n
	}
	try(25)
	c.Settle(t.Context()) // too early
	require.Equal(t, refusedEach, count("unknown: log-in refused"))
	require.Len(t, l.said(), refusedEach)
	wait(refusedWindow)
	try(1) // tells of those before it
	require.Equal(t, 1, count("unknown: log-in refused: 15 more"))
	require.Equal(t, refusedEach+1, count("unknown: log-in refused"))
	try(12)
	wait(refusedWindow)
	c.Settle(t.Context())
	require.Equal(t, 1, count("unknown: log-in refused: 3 more"))
	try(11)
	c.SettleAll(t.Context())
	c.SettleAll(t.Context())
	require.Equal(t, 1, count("unknown: log-in refused: 1 more"))
	total := 0
	for _, one := range l.said() {
		var more int
		if _, err := fmt.Sscanf(one, "unknown: log-in refused: %d more", &more); err == nil {
			total += more
		} else {
			total++
		}
	}
	require.Equal(t, 25+1+12+11, total, "every one is counted once")
}

func TestTheAuditPageGoesOnWithoutRepeatingOrMissingALine(t *testing.T) {
	l := &lines{}
	for i := range 250 {
		l.add("anna", fmt.Sprintf("did %d;", i+1), "s-1")
	}
	_, address := openTrail(t, l, func() time.Time { return noon })
	client, _ := comesIn(t, address, "audrey")
	page, seen := address+"/console/audit", []string{}
	for page != "" {
		require.LessOrEqual(t, len(seen), 250)
		status, body := get(t, client, page)
		require.Equal(t, http.StatusOK, status)
		for _, part := range strings.Split(body, "<td>did ")[1:] {
			n, _, _ := strings.Cut(part, ";")
			seen = append(seen, n)
		}
		l.add("bob", "meanwhile", "") // what comes in does not move what is read
		page = ""
		if _, rest, ok := strings.Cut(body, `rel="next" href="`); ok {
			next, _, _ := strings.Cut(rest, `"`)
			page = address + strings.ReplaceAll(next, "&amp;", "&")
		}
	}
	require.Len(t, seen, 250)
	for i, n := range seen {
		require.Equal(t, fmt.Sprint(250-i), n)
	}
}

func TestTheAuditPageIsNarrowedAndEscaped(t *testing.T) {
	l := &lines{}
	l.add("anna", "review claim", "s-1")
	l.add("bob", "review claim", "s-2")
	l.add("<script>", "policy <b>apply", `"s&3`)
	_, address := openTrail(t, l, func() time.Time { return noon })
	client, _ := comesIn(t, address, "audrey")
	_, body := get(t, client, address+"/console/audit?who=anna&what=review")
	require.Contains(t, body, "s-1")
	require.NotContains(t, body, "s-2")
	require.Contains(t, body, "4:ab00", "the head is there to be noted")
	_, body = get(t, client, address+"/console/audit")
	require.NotContains(t, body, "<script>")
	require.NotContains(t, body, "<b>apply")
	_, body = get(t, client, address+"/console/audit?target="+url.QueryEscape(`"s&3`))
	require.Contains(t, body, "policy &lt;b&gt;apply")
	_, body = get(t, client, address+"/console/audit?who=nobody")
	require.Contains(t, body, "No line fits this choice")
	for _, odd := range []string{"?before=x", "?before=-1", "?before=99999999999999999999", "?who=" + strings.Repeat("x", 5000)} {
		status, _ := get(t, client, address+"/console/audit"+odd)
		require.Equal(t, http.StatusOK, status, odd)
	}
}

func TestReviewersDoNotSeeWhatTheFirstOfTwoDecided(t *testing.T) {
	l := &lines{}
	l.add("anna", "review reject: FRAUD", "s-1")
	_, address := openTrail(t, l, func() time.Time { return noon })
	client, _ := comesIn(t, address, "rita")
	status, body := get(t, client, address+"/console/audit")
	require.Equal(t, http.StatusForbidden, status)
	require.Contains(t, body, "for auditors")
	require.NotContains(t, body, "FRAUD")
	status, body = get(t, &http.Client{}, address+"/console/audit")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `name="key"`)
	admin, _ := comesIn(t, address, "admin")
	status, body = get(t, admin, address+"/console/audit")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "FRAUD")
}
