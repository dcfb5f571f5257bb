package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"vestibule/journey"
)

// centre asks the server's API, as a partner's system would.
type centre struct {
	base string
	key  string
}

// journeyAnswer is what GET /journeys/{session} tells.
type journeyAnswer struct {
	Session    string              `json:"session"`
	Submission string              `json:"submission"`
	Status     string              `json:"status"`
	Decision   journey.Decision    `json:"decision"`
	Reason     journey.Reason      `json:"reason"`
	Offline    bool                `json:"offline"`
	Explain    journey.Explanation `json:"explain"`
	Journal    []journey.Event     `json:"journal"`
}

// errNotYet says that the centre does not know the journey so far.
var errNotYet = errors.New("not at the centre yet")

func (c centre) journey(session string) (journeyAnswer, error) {
	var a journeyAnswer
	body, err := c.get("/journeys/" + url.PathEscape(session))
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(body, &a)
}

// submission gives the whole answer of GET /submission as it came.
func (c centre) submission(id string) ([]byte, error) {
	return c.get("/submission?" + url.Values{"submission_id": {id}}.Encode())
}

func (c centre) get(path string) ([]byte, error) {
	req, err := http.NewRequest(http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("x-api-key", c.key)
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return body, nil
	case http.StatusNotFound:
		return nil, errNotYet
	}
	return nil, fmt.Errorf("the centre answered %d: %s", resp.StatusCode, body)
}
