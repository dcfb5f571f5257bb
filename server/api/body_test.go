package api

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

const (
	formMedia = "application/x-www-form-urlencoded"
	jsonMedia = "application/json"
)

func TestAPostAsksTheSameAsAGet(t *testing.T) {
	h := sample().handler()
	want := send(h, http.MethodGet, "good", "/submission?email=anna@example.org&limit=5", "", nil).Body.String()
	form := send(h, http.MethodPost, "good", "/submission", formMedia, []byte("email=anna%40example.org&limit=5"))
	require.Equal(t, http.StatusOK, form.Code)
	require.Equal(t, want, form.Body.String())
	body := send(h, http.MethodPost, "good", "/submission", jsonMedia+"; charset=utf-8", []byte(`{"email":"anna@example.org","limit":5}`))
	require.Equal(t, want, body.Body.String())
}

func TestABodyThatCannotBeTakenIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		path, media, body string
		status            int
		code              string
	}{
		"no type":                    {"/submission", "", "{}", 415, "invalid_payload"},
		"another type":               {"/submission", "text/xml", "<a/>", 415, "invalid_payload"},
		"no JSON":                    {"/submission", jsonMedia, "limit=5", 400, "invalid_payload"},
		"a list":                     {"/submission", jsonMedia, "[]", 400, "invalid_payload"},
		"an object within":           {"/submission", jsonMedia, `{"limit":{"a":1}}`, 400, "invalid_payload"},
		"a null":                     {"/submission", jsonMedia, `{"limit":null}`, 400, "invalid_payload"},
		"a name twice":               {"/submission", jsonMedia, `{"limit":1,"limit":2}`, 400, "invalid_payload"},
		"more behind it":             {"/submission", jsonMedia, `{} {}`, 400, "invalid_payload"},
		"a body that breaks off":     {"/submission", jsonMedia, `{"limit":`, 400, "invalid_payload"},
		"a form that is none":        {"/submission", formMedia, "a=%zz", 400, "invalid_payload"},
		"parameters in both":         {"/submission?limit=5", jsonMedia, "{}", 400, "invalid_payload"},
		"a huge body":                {"/submission", jsonMedia, `{"email":"` + string(bytes.Repeat([]byte("x"), 70_000)) + `"}`, 413, "invalid_payload"},
		"a number that is no limit":  {"/submission", jsonMedia, `{"limit":1e1}`, 400, "invalid_format"},
		"an unknown parameter there": {"/submission", jsonMedia, `{"colour":"red"}`, 400, "invalid_parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			w := send(sample().handler(), http.MethodPost, "good", c.path, c.media, []byte(c.body))
			require.Equal(t, c.status, w.Code, w.Body.String())
			require.Equal(t, c.code, decoded(t, w)["errorCode"])
		})
	}
}

func TestASlowBodyIsNotWaitedFor(t *testing.T) {
	s := sample()
	web := httptest.NewServer(Handler(Config{Store: s, Private: s, Audit: s.note, Clock: time.Now, Log: slog.New(slog.DiscardHandler), BodyWithin: 50 * time.Millisecond}))
	defer web.Close()
	body, feed := io.Pipe()
	defer feed.Close()
	go func() { _, _ = io.WriteString(feed, `{"limit":`) }()
	r, err := http.NewRequest(http.MethodPost, web.URL+"/submission", body)
	require.NoError(t, err)
	r.Header.Set("x-api-key", "good")
	r.Header.Set("Content-Type", jsonMedia)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusRequestTimeout, resp.StatusCode)
}

// partner registers a key pair for the API key "sealed".
func partner(t *testing.T, s *shelf) *ecdsa.PrivateKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	jwk, err := json.Marshal(jose.JSONWebKey{Key: &private.PublicKey, KeyID: "partner-1"})
	require.NoError(t, err)
	k := s.keys["pictures"]
	k.EncryptTo, err = PublicKey(jwk)
	require.NoError(t, err)
	s.keys["sealed"] = k
	return private
}

func unwrap(t *testing.T, text string, key *ecdsa.PrivateKey) (string, []byte) {
	t.Helper()
	e, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.ECDH_ES_A256KW}, []jose.ContentEncryption{jose.A256GCM})
	require.NoError(t, err)
	plain, err := e.Decrypt(key)
	require.NoError(t, err)
	kind, _ := e.Header.ExtraHeaders["cty"].(string)
	return kind, plain
}

// wrap encrypts parameters to the key that /jwks.json shows.
func wrap(t *testing.T, h http.Handler, plain string, zip jose.CompressionAlgorithm) string {
	t.Helper()
	var set jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal(send(h, http.MethodGet, "", "/jwks.json", "", nil).Body.Bytes(), &set))
	require.Len(t, set.Keys, 1)
	require.True(t, set.Keys[0].IsPublic())
	e, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES_A256KW, Key: set.Keys[0].Key}, &jose.EncrypterOptions{Compression: zip})
	require.NoError(t, err)
	sealed, err := e.Encrypt([]byte(plain))
	require.NoError(t, err)
	text, err := sealed.CompactSerialize()
	require.NoError(t, err)
	return text
}

func TestAnEncryptedRequestGetsAnEncryptedAnswer(t *testing.T) {
	s := sample()
	private := partner(t, s)
	h := s.handler()
	plain := send(h, http.MethodGet, "good", "/submission?submission_id=one", "", nil).Body.Bytes()
	data := wrap(t, h, `{"submission_id":"one"}`, jose.NONE)
	for _, w := range []interface {
		Result() *http.Response
	}{
		send(h, http.MethodGet, "sealed", "/submission?"+url.Values{"data": {data}}.Encode(), "", nil),
		send(h, http.MethodPost, "sealed", "/submission", jsonMedia, []byte(`{"data":"`+data+`"}`)),
	} {
		r := w.Result()
		require.Equal(t, http.StatusOK, r.StatusCode)
		var got encryptedAnswer
		require.NoError(t, json.NewDecoder(r.Body).Decode(&got))
		require.True(t, got.Encrypted)
		kind, opened := unwrap(t, got.Data, private)
		require.Contains(t, kind, "json")
		require.JSONEq(t, string(plain), string(opened))
	}
}

func TestAKeyWithAPublicKeyIsNeverAnsweredInThePlain(t *testing.T) {
	s := sample()
	private := partner(t, s)
	h := s.handler()
	w := send(h, http.MethodGet, "sealed", "/submission?submission_id=one", "", nil)
	require.NotContains(t, w.Body.String(), "Eriksson")
	require.Equal(t, true, decoded(t, w)["isEncrypted"])
	w = send(h, http.MethodGet, "sealed", "/image/one/f", "", nil)
	require.Equal(t, "application/jose", w.Header().Get("Content-Type"))
	_, opened := unwrap(t, w.Body.String(), private)
	require.Equal(t, jpegHead, opened)
}

func TestAnEncryptedRequestIsRefusedWhereItCannotBeAnswered(t *testing.T) {
	s := sample()
	partner(t, s)
	h := s.handler()
	for name, c := range map[string]struct {
		key, plain string
		zip        jose.CompressionAlgorithm
		status     int
		code       string
	}{
		"no public key is registered": {"good", `{"submission_id":"one"}`, jose.NONE, 403, "invalid_admin"},
		"it is compressed":            {"sealed", `{"submission_id":"one"}`, jose.DEFLATE, 400, "invalid_payload"},
		"it holds no object":          {"sealed", `submission_id`, jose.NONE, 400, "invalid_payload"},
		"it holds data again":         {"sealed", `{"data":"x"}`, jose.NONE, 400, "invalid_payload"},
		"it holds an unknown name":    {"sealed", `{"colour":"red"}`, jose.NONE, 400, "invalid_parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			w := send(h, http.MethodGet, c.key, "/submission?"+url.Values{"data": {wrap(t, h, c.plain, c.zip)}}.Encode(), "", nil)
			require.Equal(t, c.status, w.Code, w.Body.String())
			require.Equal(t, c.code, decoded(t, w)["errorCode"])
		})
	}
}

func TestAPrivateOrWeakKeyIsNotRegistered(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	secret, err := json.Marshal(jose.JSONWebKey{Key: private})
	require.NoError(t, err)
	for name, text := range map[string]string{
		"a private key": string(secret), "a secret": `{"kty":"oct","k":"AAAA"}`, "no key": "{}", "nothing": "",
		"a short RSA key": `{"kty":"RSA","n":"AQAB","e":"AQAB"}`,
	} {
		_, err := PublicKey([]byte(text))
		require.Error(t, err, name)
	}
}

func TestAPictureIsShownAndNoted(t *testing.T) {
	s := sample()
	h := s.handler()
	_, one := ask(t, s, "good", "/submission?submission_id=one")
	link := one["image"].(map[string]any)["idImage"].(string)
	w := send(h, http.MethodGet, "pictures", link, "", nil)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "image/jpeg", w.Header().Get("Content-Type"))
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	require.Equal(t, jpegHead, w.Body.Bytes())
	require.Equal(t, []string{"api key id of pictures|image read|one f"}, s.audit)
}

func TestAPictureThatIsNotForAKeyLeavesNoTrace(t *testing.T) {
	s := sample()
	h := s.handler()
	hidden := send(h, http.MethodGet, "pictures", "/image/none/f", "", nil).Body.String()
	for name, c := range map[string]struct {
		key, path string
		status    int
	}{
		"of no submission":               {"pictures", "/image/none/f", 404},
		"that is not in the manifest":    {"pictures", "/image/one/x", 404},
		"that has not arrived":           {"pictures", "/image/one/s", 404},
		"of another project":             {"here", "/image/foreign/f", 404},
		"of another submission":          {"pictures", "/image/foreign/b", 404},
		"with a path for an id":          {"pictures", "/image/one/..%2F..%2Fkeys", 404},
		"that is no picture":             {"pictures", "/image/one/b", 500},
		"without the scope":              {"good", "/image/one/f", 403},
		"without the scope, not there":   {"good", "/image/none/f", 403},
		"with a key that opens the rest": {"all", "/image/one/f", 403},
	} {
		t.Run(name, func(t *testing.T) {
			w := send(h, http.MethodGet, c.key, c.path, "", nil)
			require.Equal(t, c.status, w.Code)
			if c.status == http.StatusNotFound {
				require.Equal(t, hidden, w.Body.String(), "all of them look alike")
			}
			require.NotContains(t, w.Body.String(), "not a picture")
		})
	}
	require.Empty(t, s.audit)
}

func TestAPictureThatCannotBeNotedIsNotShown(t *testing.T) {
	s := sample()
	s.auditErr = errors.New("disk full")
	w := send(s.handler(), http.MethodGet, "pictures", "/image/one/f", "", nil)
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.NotContains(t, w.Body.String(), "JFIF")
	require.NotContains(t, w.Body.String(), "disk full")
}
