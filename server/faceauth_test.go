package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/manifest"
	"vestibule/models/worker"
	"vestibule/server/api"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
)

// head cuts a head out of one of the demonstration's pictures, turned upright by some
// degrees and enlarged as a camera would show it.
func head(t *testing.T, file string, at image.Rectangle, turn float64) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join(manifest.Dir(), "portraits", file))
	require.NoError(t, err, "run: make models")
	defer f.Close()
	whole, err := jpeg.Decode(f)
	require.NoError(t, err)
	const side, fills = 720, .5 // of the picture's height
	sin, cos := math.Sincos(turn * math.Pi / 180)
	zoom := fills * side / float64(at.Dy())
	sin, cos = zoom*sin, zoom*cos
	x, y := float64(at.Min.X+at.Max.X)/2, float64(at.Min.Y+at.Max.Y)/2
	out := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.CatmullRom.Transform(out, f64.Aff3{cos, -sin, side/2 - cos*x + sin*y, sin, cos, side/2 - sin*x - cos*y}, whole, whole.Bounds(), draw.Src, nil)
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, out, &jpeg.Options{Quality: 92}))
	return b.Bytes()
}

// seeing gives a centre the real networks, in their cage.
func (c *centreForTests) seeing() *worker.Client {
	c.t.Helper()
	self, err := os.Executable()
	require.NoError(c.t, err)
	named := filepath.Join(c.t.TempDir(), "server") // under this name the test's program is the centre's: TestMain
	require.NoError(c.t, os.Symlink(self, named))
	client, err := worker.Start(context.Background(), worker.Config{Command: []string{named, "worker"}, ModelsDir: manifest.Dir()})
	require.NoError(c.t, err, "run: make models")
	c.engine.Store(client)
	return client
}

// faceAuthReply is what these tests read of an answer.
type faceAuthReply struct {
	Submission string `json:"submission_id"`
	UserID     string `json:"userid"`
	ErrorCode  string `json:"errorCode"`
	KYC        struct {
		Result   string `json:"result"`
		Comment  string `json:"comment"`
		Attempts []struct {
			Similarity *float64 `json:"faceSimilarityScore"`
			Liveness   *float64 `json:"livenessScore"`
			RetryCode  string   `json:"retryCode"`
			ErrorCode  string   `json:"errorCode"`
		} `json:"attempts"`
	} `json:"kyc"`
	Signals struct {
		Camera []struct {
			Type  string  `json:"type"`
			Error *string `json:"error"`
		} `json:"cameraProcessInfo"`
	} `json:"signals"`
}

func (c *centreForTests) faceAuth(key string, fields map[string]string) (int, faceAuthReply) {
	c.t.Helper()
	body, err := json.Marshal(fields)
	require.NoError(c.t, err)
	r, err := http.NewRequest(http.MethodPost, c.base+"/faceauth", bytes.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("x-api-key", key)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(c.t, err)
	var out faceAuthReply
	require.NoError(c.t, json.Unmarshal(text, &out), string(text))
	return res.StatusCode, out
}

// TestAPartnerAsksWhetherThisIsThePerson runs the real networks in the real worker: two
// different pictures of one person, another person, no person, no picture.
func TestAPartnerAsksWhetherThisIsThePerson(t *testing.T) {
	same, again := head(t, "sample3.jpg", image.Rect(1076, 192, 1295, 506), 0), head(t, "sample1.jpg", image.Rect(1469, 212, 1674, 428), -42)
	another := head(t, "sample6.jpg", image.Rect(1480, 260, 1698, 556), 0)
	var nobody bytes.Buffer
	require.NoError(t, jpeg.Encode(&nobody, image.NewGray(image.Rect(0, 0, 640, 480)), nil))

	for name, url := range map[string]func() string{
		"with SQLite":     func() string { return "" },
		"with PostgreSQL": func() string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			c := startCentre(t, url(), io.Discard, nil)
			// The photographs are pictures of pictures: what passive liveness says of them is no
			// evidence, so the first cases leave it nearly out and the last one puts it back.
			apply := func(version string, live float64) {
				p := journey.DefaultPolicy()
				p.Version, p.Project, p.Recheck, p.AML.Screen, p.MinLiveness = version, "default", false, false, live
				require.NoError(t, c.store.Write(ctx, func(tx *store.Tx) error { return tx.SavePolicy(ctx, p, time.Now()) }))
			}
			apply("t2", .0001)
			engine := c.seeing()
			seen, err := engine.ReadFace(ctx, models.Frame{Format: models.JPEG, Pix: same})
			require.NoError(t, err)
			require.True(t, seen.Found)

			k := c.kiosk("hall-1")
			anna := kiosktest.Anna("hall-1", "s-anna", time.Now())
			anna.UserID, anna.Face = "u-anna", &journey.FaceTemplate{Model: seen.Model, Vector: seen.Template}
			k.visit("s-anna", anna)
			require.Equal(t, journey.Approved, k.verdict("s-anna").Decision)
			key := run(t, "key", "add", "-data", c.data, "-db", c.url, "-scope", api.ScopeFaceAuth)
			text := base64.StdEncoding.EncodeToString

			status, got := c.faceAuth(key, map[string]string{"userid": "u-anna", "image": text(again)})
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, "approved", got.KYC.Result, "%+v", got)
			require.Equal(t, anna.ID, got.Submission)
			require.Equal(t, "u-anna", got.UserID)
			require.Equal(t, "knowledge-face-passive", got.Signals.Camera[0].Type)
			require.Nil(t, got.Signals.Camera[0].Error)
			require.GreaterOrEqual(t, *got.KYC.Attempts[0].Similarity, 85.0)
			t.Logf("two pictures of one person: %.1f, liveness %.1f", *got.KYC.Attempts[0].Similarity, *got.KYC.Attempts[0].Liveness)

			status, got = c.faceAuth(key, map[string]string{"submission_id": anna.ID, "image": text(another)})
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, "rejected", got.KYC.Result)
			require.Equal(t, "face_compare_underscore", got.KYC.Attempts[0].RetryCode)
			require.Equal(t, "face_compare_underscore", *got.Signals.Camera[0].Error)
			t.Logf("another person: %.1f", *got.KYC.Attempts[0].Similarity)

			_, got = c.faceAuth(key, map[string]string{"submission_id": anna.ID, "image": text(nobody.Bytes())})
			require.Equal(t, "no_face", got.KYC.Attempts[0].RetryCode)
			require.NotEmpty(t, got.KYC.Comment)
			require.Nil(t, got.KYC.Attempts[0].Similarity)

			_, got = c.faceAuth(key, map[string]string{"submission_id": anna.ID, "image": text([]byte("no picture at all"))})
			require.Equal(t, "invalid_face_image", got.KYC.Attempts[0].ErrorCode)

			status, got = c.faceAuth(key, map[string]string{"userid": "u-nobody", "image": text(same)})
			require.Equal(t, http.StatusNotFound, status)
			require.Equal(t, "missing_data", got.ErrorCode)

			status, got = c.faceAuth(c.key, map[string]string{"userid": "u-anna", "image": text(same)})
			require.Equal(t, http.StatusForbidden, status, "the administrator's key opens it only when somebody gave it the scope")
			require.Equal(t, "invalid_admin", got.ErrorCode)

			apply("t3", 100)
			_, got = c.faceAuth(key, map[string]string{"userid": "u-anna", "image": text(again)})
			require.Equal(t, "rejected", got.KYC.Result)
			require.Equal(t, "liveness_fail", got.KYC.Attempts[0].RetryCode)

			lines, err := c.store.Read().AuditOf(ctx, anna.ID)
			require.NoError(t, err)
			noted := map[string]int{}
			for _, l := range lines {
				if strings.HasPrefix(l.What, "face auth") {
					noted[l.What]++
				}
			}
			require.Equal(t, map[string]int{
				"face auth: match": 1, "face auth: face_compare_underscore": 1, "face auth: no_face": 1, "face auth: invalid_face_image": 1, "face auth: liveness_fail": 1,
			}, noted, "every comparison is noted")

			c.engine.Store(nil)
			require.NoError(t, engine.Close())
			status, got = c.faceAuth(key, map[string]string{"userid": "u-anna", "image": text(again)})
			require.Equal(t, http.StatusServiceUnavailable, status)
			require.Equal(t, "processing_error", got.ErrorCode)
		})
	}
}
