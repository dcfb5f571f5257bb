package branch

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"time"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle []byte

// conditionWords say what is wrong with a kiosk; a code of a later release is shown as it is.
var conditionWords = map[string]string{
	"closed": "takes no visits", "disk": "storage fills up", "link": "does not reach the centre", "queue": "records have waited long",
	"quarantine": "could not carry out what the centre sent", "clock": "clock is not to be trusted", "certificate": "certificate ends soon",
	"policy": "has not heard the centre for long", "temperature": "is hot",
}

var severityWords = map[uint8]string{1: "notice", 2: "warning", 3: "critical"}

var pageWords = template.FuncMap{
	"condition": func(code string) string {
		if w, ok := conditionWords[code]; ok {
			return w
		}
		return code
	},
	"severity": func(n uint8) string { return severityWords[n] },
	"clock":    func(t time.Time) string { return t.Local().Format("15:04:05") },
	"moment":   func(t time.Time) string { return t.Local().Format("2006-01-02 15:04") },
	"size": func(n int64) string {
		if n < 1e6 {
			return fmt.Sprintf("%.0f KB", float64(n)/1e3)
		}
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	},
}

// Page serves the branch at / for people and at /branch.json for machines.
func Page(b *Book, now func() time.Time, log *slog.Logger) http.Handler {
	page := template.Must(template.New("page").Funcs(pageWords).Parse(pageText)) // part of this binary, and a test renders it
	mux := http.NewServeMux()
	serve := func(kind string, write func(*bytes.Buffer, Snapshot) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var body bytes.Buffer
			s, err := b.Snapshot(r.Context(), now())
			if err == nil {
				err = write(&body, s)
			}
			if err != nil {
				log.Error("the branch cannot be shown", "err", err)
				http.Error(w, "The branch cannot be shown. The log of this program holds the cause.", http.StatusInternalServerError)
				return
			}
			h := w.Header()
			h.Set("Content-Type", kind)
			h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Cache-Control", "no-store")
			_, _ = w.Write(body.Bytes()) // the browser has gone: nobody is left to tell
		}
	}
	mux.HandleFunc("GET /{$}", serve("text/html; charset=utf-8", func(out *bytes.Buffer, s Snapshot) error { return page.Execute(out, s) }))
	mux.HandleFunc("GET /branch.json", serve("application/json", func(out *bytes.Buffer, s Snapshot) error { return json.NewEncoder(out).Encode(s) }))
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(pageStyle)
	})
	return mux
}
