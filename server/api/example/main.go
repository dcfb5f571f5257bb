// Command example is a partner's system in small: it finds its way by the centre's
// OpenAPI document alone, lists all submissions with their results, page by page, and
// says why each journey that was stopped was stopped.
//
//	VESTIBULE_API_KEY=vk_… example -url http://127.0.0.1:8080
//
// What may live here: what a partner could write, who has neither this repository nor
// its packages. The key needs submissions:read and journeys:read.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

func main() {
	base := flag.String("url", "http://127.0.0.1:8080", "address of the centre")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	c := client{base: strings.TrimSuffix(*base, "/"), key: os.Getenv("VESTIBULE_API_KEY"), web: http.Client{Timeout: 30 * time.Second}}
	if err := c.report(ctx, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "example:", err)
		os.Exit(1)
	}
}

// client asks one centre.
type client struct {
	base, key  string
	web        http.Client
	operations map[string]operation // by operationId
}

// operation is where the document says that something can be asked.
type operation struct{ method, path string }

// problem is an error as the centre tells it.
type problem struct {
	Code    string `json:"errorCode"`
	Message string `json:"errorMsg"`
	Hint    string `json:"hint"`
}

// next leads to the next page.
type next struct {
	ID      string `json:"id"`
	Created string `json:"created_at"`
}

// report prints a line for each submission, and one for each journey that was stopped.
func (c *client) report(ctx context.Context, out io.Writer) error {
	if err := c.learn(ctx); err != nil {
		return err
	}
	err := pages(func(parameters map[string]any) (*next, error) {
		var page struct {
			Submissions []struct {
				ID  string `json:"submission_id"`
				KYC struct {
					Result  string `json:"result"`
					Comment string `json:"comment"`
				} `json:"kyc"`
			} `json:"submissions"`
			Next *next `json:"nextpageKey"`
		}
		if err := c.ask(ctx, "getSubmissionByPost", nil, parameters, &page); err != nil {
			return nil, err
		}
		for _, s := range page.Submissions {
			_, _ = fmt.Fprintln(out, strings.TrimSpace("submission "+s.ID+" "+s.KYC.Result+" "+s.KYC.Comment))
		}
		return page.Next, nil
	})
	if err != nil {
		return err
	}
	return pages(func(parameters map[string]any) (*next, error) {
		var page struct {
			Journeys []struct {
				Session  string `json:"session"`
				Decision string `json:"decision"`
			} `json:"journeys"`
			Next *next `json:"nextpageKey"`
		}
		if err := c.ask(ctx, "listJourneysByPost", nil, parameters, &page); err != nil {
			return nil, err
		}
		for _, j := range page.Journeys {
			if j.Decision != "REJECTED" && j.Decision != "PENDING" {
				continue
			}
			var one struct {
				Explain struct {
					Sentence string `json:"sentence"`
				} `json:"explain"`
			}
			if err := c.ask(ctx, "getJourney", map[string]string{"session": j.Session}, nil, &one); err != nil {
				return nil, err
			}
			_, _ = fmt.Fprintln(out, "journey", j.Session, j.Decision, one.Explain.Sentence)
		}
		return page.Next, nil
	})
}

// pages asks for one page after another, two rows each.
func pages(ask func(parameters map[string]any) (*next, error)) error {
	parameters := map[string]any{"limit": 2}
	for {
		key, err := ask(parameters)
		if err != nil || key == nil {
			return err
		}
		parameters["id"], parameters["created_at"] = key.ID, key.Created
	}
}

// learn reads where what can be asked from the centre's own description.
func (c *client) learn(ctx context.Context) error {
	var doc struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := c.do(ctx, http.MethodGet, "/openapi.json", nil, &doc); err != nil {
		return err
	}
	c.operations = map[string]operation{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			c.operations[op.ID] = operation{strings.ToUpper(method), path}
		}
	}
	return nil
}

// ask performs an operation of the description.
func (c *client) ask(ctx context.Context, id string, inPath map[string]string, parameters map[string]any, answer any) error {
	op, ok := c.operations[id]
	if !ok {
		return errors.New("the centre does not describe " + id)
	}
	for name, value := range inPath {
		op.path = strings.ReplaceAll(op.path, "{"+name+"}", url.PathEscape(value))
	}
	var body []byte
	if parameters != nil {
		var err error
		if body, err = json.Marshal(parameters); err != nil {
			return fmt.Errorf("encode parameters: %w", err)
		}
	}
	return c.do(ctx, op.method, op.path, body, answer)
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 16 << 20

func (c *client) do(ctx context.Context, method, path string, body []byte, answer any) error {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	r.Header.Set("x-api-key", c.key)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.web.Do(r)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		var p problem
		if err := json.Unmarshal(text, &p); err != nil {
			return fmt.Errorf("the centre answers %s", resp.Status)
		}
		return fmt.Errorf("%s: %s %s (%s)", resp.Status, p.Code, p.Message, p.Hint)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}
