package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"vestibule/sync/fault"
)

// Bounds of one file.
const (
	maxBytes     = 1 << 30
	fileLimit    = 30 * time.Minute
	maxRedirects = 5
)

// validator is what a server said of the state of a file, to be asked whether there is
// a newer one.
type validator struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
}

// get writes what an address answers into a file. known is what was said of the state we
// have; same means that it is still that, and nothing was written. A body that ends
// before its announced length is an error.
func get(ctx context.Context, client *http.Client, address string, hosts []string, known validator, path string) (now validator, same bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, fileLimit)
	defer cancel()
	if err := checkAddress(address); err != nil {
		return now, false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return now, false, errors.New("the address cannot be asked")
	}
	req.Header.Set("User-Agent", "vestibule")
	if known.ETag != "" {
		req.Header.Set("If-None-Match", known.ETag)
	}
	if known.Modified != "" {
		req.Header.Set("If-Modified-Since", known.Modified)
	}
	own := *client
	own.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		switch {
		case len(via) > maxRedirects:
			return errors.New("the address leads on too often")
		case next.URL.Scheme != "https":
			return errors.New("the address leads on to one without https")
		case next.URL.Host != req.URL.Host && !slices.Contains(hosts, next.URL.Host):
			return fmt.Errorf("the address leads on to another host, %.100q; name it under hosts if that is right", next.URL.Host)
		}
		return nil
	}
	resp, err := own.Do(req)
	if err != nil {
		var wrapped *url.Error // its text repeats the address
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return now, false, fault.New("list_unreachable", "the list's address does not answer", "check the line and the address; the list in force stays", err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && known != validator{}:
		return known, true, nil
	case resp.StatusCode != http.StatusOK:
		return now, false, fault.New("list_unreachable", fmt.Sprintf("the list's address answers with status %d", resp.StatusCode), "check the address; the list in force stays", nil)
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return now, false, fmt.Errorf("keep the list's file: %w", err)
	}
	n, err := io.Copy(out, io.LimitReader(resp.Body, maxBytes+1))
	if err = errors.Join(err, out.Close()); err != nil {
		return now, false, fault.New("list_incomplete", "the list's file did not come whole", "it is tried again; the list in force stays", err)
	}
	if n > maxBytes {
		return now, false, fault.New("list_too_large", fmt.Sprintf("the list's file has more than %d MiB", maxBytes>>20), "the list in force stays", nil)
	}
	now = validator{ETag: resp.Header.Get("ETag"), Modified: resp.Header.Get("Last-Modified")}
	if len(now.ETag) > 1000 || len(now.Modified) > 100 {
		now = validator{}
	}
	return now, false, nil
}
