package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"vestibule/server/store"
)

// How long one stream lasts (the browser opens the next by itself), and how long
// writing to a stalled browser may take.
const (
	streamLasts = 10 * time.Minute
	writeLimit  = 5 * time.Second
	heartbeat   = 15 * time.Second
)

// message is one piece of news: HTML of ours to put in place of an element.
type message struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
}

// liveList streams the rows of journeys that are new or changed.
func (c *Console) liveList(w http.ResponseWriter, r *http.Request) {
	f := filterOf(r.URL.Query())
	known := map[string]string{}
	first := true
	c.stream(w, r, func(ctx context.Context) ([]message, error) {
		sessions, err := c.Store.Sessions(ctx, store.SessionFilter{
			Decision: f.Decision, Status: f.Status, Kiosk: f.Kiosk, Offline: f.Offline, Limit: listLength,
		})
		if err != nil {
			return nil, err
		}
		var news []message
		seen := make(map[string]string, len(sessions))
		for i := len(sessions) - 1; i >= 0; i-- { // oldest first: the page puts each on top
			one := rowsOf(sessions[i : i+1])[0]
			stamp := fmt.Sprint(one.Updated.UnixMicro(), one.Status, one.Decision, one.Events)
			seen[one.ID] = stamp
			if known[one.ID] == stamp || first {
				continue
			}
			html, err := c.render("row", one)
			if err != nil {
				return nil, err
			}
			news = append(news, message{one.ID, string(html)})
		}
		known, first = seen, false
		return news, nil
	})
}

// liveOne streams the body of one journey's page whenever it changed.
func (c *Console) liveOne(w http.ResponseWriter, r *http.Request) {
	id := chi.URLParam(r, "session")
	var before []byte
	c.stream(w, r, func(ctx context.Context) ([]message, error) {
		data, err := c.load(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		html, err := c.render("body", data)
		if err != nil || bytes.Equal(html, before) {
			return nil, err
		}
		known := before != nil
		before = html
		if !known {
			return nil, nil
		}
		return []message{{"journey", string(html)}}, nil
	})
}

// stream sends news as server-sent events until the browser leaves or the centre stops.
func (c *Console) stream(w http.ResponseWriter, r *http.Request, news func(context.Context) ([]message, error)) {
	out := http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	ctx, cancel := context.WithTimeout(r.Context(), streamLasts)
	defer cancel()
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	say := func(text string) bool {
		if err := out.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
			return false
		}
		if _, err := fmt.Fprint(w, text); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	if !say("retry: 1000\n\n") {
		return
	}
	spoken := time.Now()
	for {
		all, err := news(ctx)
		if err != nil && ctx.Err() == nil {
			c.Log.Warn("live page could not be updated", "error", err)
		}
		for _, m := range all {
			data, err := json.Marshal(m)
			if err != nil || !say("data: "+string(data)+"\n\n") {
				return
			}
			spoken = time.Now()
		}
		if time.Since(spoken) > heartbeat {
			if !say(": still here\n\n") {
				return
			}
			spoken = time.Now()
		}
		select {
		case <-ctx.Done():
			return
		case <-c.Stopping:
			return
		case <-tick.C:
		}
	}
}
