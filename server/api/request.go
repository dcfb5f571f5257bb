package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"vestibule/journey"
)

// Bounds of a request.
const (
	maxQuery = 16 << 10 // of the address' query; an encrypted one takes most of it
	maxBody  = 64 << 10
	// With a picture of 4 MB: base64 takes a third more, and encrypted another third.
	maxPicture     = 4 << 20
	maxPictureText = 6 << 20
	maxPictureBody = 8 << 20
	bodyWithin     = 10 * time.Second
)

// parameters reads what is asked from the query of a GET or the body of a POST.
// Where the one parameter is data, what is encrypted in it are the parameters.
func (s server) parameters(w http.ResponseWriter, r *http.Request, op operation) (values map[string]string, sealed bool, err error) {
	if len(r.URL.RawQuery) > maxQuery {
		return nil, false, unreadable(http.StatusBadRequest, "the query is longer than 16 KiB: send it as a POST")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, false, unreadable(http.StatusBadRequest, "the query is not correctly encoded")
	}
	if values, err = single(query); err != nil {
		return nil, false, err
	}
	if r.Method == http.MethodPost {
		if len(values) > 0 {
			return nil, false, unreadable(http.StatusBadRequest, "with POST all parameters stand in the body")
		}
		if values, err = s.readBody(w, r, op.largest()); err != nil {
			return nil, false, err
		}
	}
	if text, ok := values["data"]; ok && op.takes("data") {
		if len(values) > 1 {
			return nil, false, unreadable(http.StatusBadRequest, "beside data nothing is given: the other parameters stand in it")
		}
		key, err := s.Private.RequestKey()
		if err != nil {
			return nil, false, err
		}
		plain, err := decrypt(text, key)
		if err != nil {
			return nil, false, unreadable(http.StatusBadRequest, "data is a JWE in compact form, encrypted to the key at /jwks.json with ECDH-ES and A256GCM")
		}
		if values, err = object(plain); err != nil {
			return nil, false, err
		}
		if _, again := values["data"]; again {
			return nil, false, unreadable(http.StatusBadRequest, "data holds the parameters themselves")
		}
		sealed = true
	}
	return values, sealed, op.check(values)
}

// largest is how long a body may be.
func (op operation) largest() int64 {
	if op.Picture {
		return maxPictureBody
	}
	return maxBody
}

func unreadable(status int, hint string) *fault {
	return &fault{Status: status, Key: journey.AnswerErrorInvalidPayload, Hint: hint}
}

// single takes parameters that are given once.
func single(all url.Values) (map[string]string, error) {
	out := make(map[string]string, len(all))
	for name, v := range all {
		if len(v) != 1 {
			return nil, badFormat(name, "give it once")
		}
		out[name] = v[0]
	}
	return out, nil
}

// readBody reads the parameters of a POST, a form or a JSON object.
func (s server) readBody(w http.ResponseWriter, r *http.Request, largest int64) (map[string]string, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" && media != "application/x-www-form-urlencoded" {
		return nil, unreadable(http.StatusUnsupportedMediaType, "send application/json or application/x-www-form-urlencoded")
	}
	if r.Header.Get("Content-Encoding") != "" {
		return nil, unreadable(http.StatusUnsupportedMediaType, "send the body uncompressed")
	}
	// A connection that cannot have a deadline is not the network: nothing to bound.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.BodyWithin))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, unreadable(http.StatusRequestEntityTooLarge, fmt.Sprintf("send at most %d KiB", largest>>10))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, unreadable(http.StatusRequestTimeout, "send the body within ten seconds")
	case err != nil:
		return nil, unreadable(http.StatusBadRequest, "the body broke off")
	}
	if media == "application/json" {
		return object(body)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, unreadable(http.StatusBadRequest, "the form is not correctly encoded")
	}
	return single(form)
}

// object reads a flat JSON object; numbers are taken as they are written.
func object(text []byte) (map[string]string, error) {
	bad := unreadable(http.StatusBadRequest, "give one JSON object of texts and numbers, each name once")
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, bad
	}
	out := map[string]string{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, bad
		}
		value, err := dec.Token()
		if err != nil {
			return nil, bad
		}
		key, _ := name.(string)
		if _, twice := out[key]; twice {
			return nil, bad
		}
		switch v := value.(type) {
		case string:
			out[key] = v
		case json.Number:
			out[key] = v.String()
		case bool:
			out[key] = "false"
			if v {
				out[key] = "true"
			}
		default:
			return nil, bad
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, bad
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, bad
	}
	return out, nil
}
