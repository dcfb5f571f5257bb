package worker

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/picture"
)

// The test binary is its own child: with this first argument it runs the real
// body of the worker around an Engine that misbehaves on request.
const childArg = "worker-child"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == childArg {
		kind := os.Args[2]
		os.Exit(body(os.Args[3:], func(string) (models.Engine, error) {
			switch kind {
			case "no-models":
				return nil, fmt.Errorf("%w: fr_detect.onnx is missing", models.ErrModel)
			case "mute":
				select {}
			case "crash":
				os.Exit(7)
			}
			return saboteur{}, nil
		}))
	}
	if len(os.Args) > 1 && os.Args[1] == "real" {
		os.Exit(Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// saboteur does what a frame's pixels tell it to.
type saboteur struct{ models.Engine }

func (saboteur) ReadFace(_ context.Context, f models.Frame) (models.Face, error) {
	say := func(err error) (models.Face, error) {
		if err == nil {
			return models.Face{Model: "allowed"}, nil
		}
		return models.Face{Model: err.Error()}, nil
	}
	switch cmd, arg, _ := strings.Cut(string(f.Pix), " "); cmd {
	case "abort":
		// A true OpenCV exception: it cannot be recovered from.
		empty, out := gocv.NewMat(), gocv.NewMat()
		gocv.CvtColor(empty, &out, gocv.ColorBGRToGray)
	case "hang":
		select {}
	case "panic":
		panic("on request")
	case "hog":
		var all []gocv.Mat
		for range 64 {
			m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(1, 1, 1, 1), 8192, 8192, gocv.MatTypeCV8UC3)
			all = append(all, m)
		}
		return models.Face{Faces: len(all)}, nil
	case "garbage":
		_, err := os.NewFile(fdResponses, "").Write([]byte("\xff\xff\xff\xff no message at all"))
		return models.Face{}, err
	case "wait":
		d, _ := time.ParseDuration(arg)
		time.Sleep(d)
	case "dial":
		_, err := net.DialTimeout("tcp", arg, time.Second)
		return say(err)
	case "open":
		_, err := os.Open(arg)
		return say(err)
	case "exec":
		return say(exec.Command(arg).Run())
	case "env":
		return models.Face{Model: strings.Join(os.Environ(), "\n")}, nil
	case "uid":
		return models.Face{Faces: os.Getuid()}, nil
	case "bad":
		return models.Face{}, fmt.Errorf("%w: half a picture", models.ErrFrame)
	}
	return models.Face{Found: true, Faces: int(f.Seq), Template: []float32{1, 2, 3}}, nil
}

func (saboteur) Glance(context.Context, models.Frame, models.Aim) (models.Glance, error) {
	b := models.Box{X2: 1, Y2: 1}
	return models.Glance{Width: 3, Hint: models.HintBlur, Face: &b}, nil
}

// Preview is the real one: it needs no network.
func (saboteur) Preview(_ context.Context, f models.Frame, w, h int) (*image.NRGBA, error) {
	return picture.PreviewOf(f, w, h)
}

func (saboteur) ReadDocument(_ context.Context, fs []models.Frame) (models.Document, error) {
	return models.Document{Best: len(fs), Upright: bytes.Repeat([]byte{7}, 3<<20)}, nil
}

func (saboteur) Versions(context.Context) (map[string]string, error) {
	return map[string]string{"face-detect": "6c0256ccd316"}, nil
}

func start(t *testing.T, kind string, change func(*Config)) (*Client, error) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cfg := Config{Command: []string{self, childArg, kind}, ModelsDir: t.TempDir()}
	if change != nil {
		change(&cfg)
	}
	c, err := Start(context.Background(), cfg)
	if err == nil {
		t.Cleanup(func() { require.NoError(t, c.Close()) })
	}
	return c, err
}

func up(t *testing.T, change func(*Config)) *Client {
	t.Helper()
	c, err := start(t, "saboteur", change)
	require.NoError(t, err)
	return c
}

func frame(cmd string) models.Frame {
	return models.Frame{Format: models.JPEG, Pix: []byte(cmd), Seq: 42}
}

func works(t *testing.T, c *Client) {
	t.Helper()
	f, err := c.ReadFace(context.Background(), frame("fine"))
	require.NoError(t, err)
	require.Equal(t, 42, f.Faces)
	require.Equal(t, []float32{1, 2, 3}, f.Template)
}

func TestEveryCallReachesTheChildAndComesBack(t *testing.T) {
	c := up(t, nil)
	ctx := context.Background()
	works(t, c)
	g, err := c.Glance(ctx, frame("fine"), models.AimFace)
	require.NoError(t, err)
	require.Equal(t, models.Glance{Width: 3, Hint: models.HintBlur, Face: &models.Box{X2: 1, Y2: 1}}, g)
	d, err := c.ReadDocument(ctx, []models.Frame{frame("a"), frame("b")})
	require.NoError(t, err)
	require.Equal(t, 2, d.Best)
	require.Len(t, d.Upright, 3<<20)
	v, err := c.Versions(ctx)
	require.NoError(t, err)
	require.Equal(t, "6c0256ccd316", v["face-detect"])
}

func TestAnErrorKeepsItsMeaningOnTheWay(t *testing.T) {
	c := up(t, nil)
	_, err := c.ReadFace(context.Background(), frame("bad"))
	require.ErrorIs(t, err, models.ErrFrame)
	require.ErrorContains(t, err, "half a picture")
	_, err = c.ReadFace(context.Background(), frame("panic"))
	require.ErrorIs(t, err, models.ErrFrame)
	require.Zero(t, c.State().Restarts, "a Go panic costs the frame, not the child")
}

func TestAPoisonedFrameCostsOneFrame(t *testing.T) {
	for _, poison := range []string{"abort", "hog", "garbage"} {
		t.Run(poison, func(t *testing.T) {
			c := up(t, func(cfg *Config) { cfg.Memory = 512 << 20 })
			pid := c.State().PID
			_, err := c.ReadFace(context.Background(), frame(poison))
			require.ErrorIs(t, err, models.ErrWorker)
			works(t, c)
			s := c.State()
			require.Equal(t, 1, s.Restarts)
			require.NotEqual(t, pid, s.PID)
		})
	}
}

func TestKillingTheChildInTheMiddleOfACallLosesThatCallOnly(t *testing.T) {
	c := up(t, nil)
	lost := make(chan error, 1)
	go func() {
		_, err := c.ReadFace(context.Background(), frame("hang"))
		lost <- err
	}()
	time.Sleep(50 * time.Millisecond)
	require.NoError(t, syscall.Kill(c.State().PID, syscall.SIGKILL))
	require.ErrorIs(t, <-lost, models.ErrWorker)
	works(t, c)
}

func TestAChildThatHangsIsKilledWhenItsTimeIsUp(t *testing.T) {
	c := up(t, func(cfg *Config) { cfg.FaceTimeout = 100 * time.Millisecond })
	_, err := c.ReadFace(context.Background(), frame("hang"))
	require.ErrorIs(t, err, models.ErrWorker)
	require.ErrorContains(t, err, "100ms")
	_, err = c.Glance(context.Background(), frame("fine"), models.AimFace)
	require.NoError(t, err)
	require.Equal(t, 1, c.State().Restarts)
}

func TestACallerThatGivesUpDoesNotHarmTheOthers(t *testing.T) {
	c := up(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := c.ReadFace(ctx, frame("wait 200ms"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	works(t, c)
	require.Zero(t, c.State().Restarts)
}

func TestCallsOfManyGoroutinesDoNotMix(t *testing.T) {
	c := up(t, nil)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			f, err := c.ReadFace(context.Background(), models.Frame{Format: models.JPEG, Pix: []byte("wait 1ms"), Seq: uint64(i)})
			require.NoError(t, err)
			require.Equal(t, i, f.Faces)
		})
	}
	wg.Wait()
}

func TestAGiantFrameIsRefusedBeforeItIsSent(t *testing.T) {
	c := up(t, nil)
	giant := models.Frame{Format: models.JPEG, Pix: make([]byte, models.MaxFrameBytes+1)}
	_, err := c.ReadFace(context.Background(), giant)
	require.ErrorIs(t, err, models.ErrFrame)
	large := models.Frame{Format: models.JPEG, Pix: make([]byte, models.MaxFrameBytes)}
	_, err = c.ReadDocument(context.Background(), []models.Frame{large, large, large})
	require.ErrorIs(t, err, models.ErrFrame)
	_, err = c.ReadDocument(context.Background(), make([]models.Frame, maxFrames+1))
	require.ErrorIs(t, err, models.ErrFrame)
	_, err = c.ReadDocument(context.Background(), nil)
	require.ErrorIs(t, err, models.ErrFrame)
	works(t, c)
	require.Zero(t, c.State().Restarts)
}

func TestTheChildIsCaged(t *testing.T) {
	t.Setenv("VESTIBULE_SECRET", "do not tell")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c := up(t, nil)
	ask := func(cmd string) models.Face {
		f, err := c.ReadFace(context.Background(), frame(cmd))
		require.NoError(t, err)
		return f
	}
	for _, forbidden := range []string{"dial " + l.Addr().String(), "open /etc/passwd", "open /proc/self/environ", "exec /bin/true"} {
		require.NotEqual(t, "allowed", ask(forbidden).Model, forbidden)
	}
	require.NotContains(t, ask("env").Model, "do not tell")
	if os.Geteuid() == 0 {
		require.Equal(t, nobody, ask("uid").Faces)
	}
	require.Subset(t, c.State().Cage, []string{"memory-bounded", "no-core", "no-network", "no-files", "no-programs", "dies-with-parent"})
}

func TestTheFirstStartTellsWhatIsWrong(t *testing.T) {
	_, err := start(t, "no-models", nil)
	require.ErrorIs(t, err, models.ErrModel)
	require.ErrorContains(t, err, "fr_detect.onnx is missing")
	_, err = start(t, "crash", nil)
	require.ErrorIs(t, err, models.ErrWorker)
	require.ErrorContains(t, err, "exit status 7")
	_, err = start(t, "mute", func(cfg *Config) { cfg.StartTimeout = 200 * time.Millisecond })
	require.ErrorIs(t, err, models.ErrWorker)
	require.ErrorContains(t, err, "not ready")
	_, err = start(t, "x", func(cfg *Config) { cfg.Command = []string{"/nonexistent/vestibule"} })
	require.ErrorIs(t, err, models.ErrWorker)
	_, err = Start(context.Background(), Config{})
	require.Error(t, err)
}

func TestTheObserverSeesEveryDownAndUp(t *testing.T) {
	var mu sync.Mutex
	var seen []State
	c := up(t, func(cfg *Config) {
		cfg.OnState = func(s State) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, s)
		}
	})
	_, err := c.ReadFace(context.Background(), frame("abort"))
	require.ErrorIs(t, err, models.ErrWorker)
	works(t, c)
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, seen, 3)
	require.True(t, seen[0].Up)
	require.False(t, seen[1].Up)
	require.Contains(t, seen[1].Why, "died")
	require.True(t, seen[2].Up)
	require.Equal(t, 1, seen[2].Restarts)
}

func TestAClosedClientAnswersAtOnceAndLeavesNoProcess(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	c, err := Start(context.Background(), Config{Command: []string{self, childArg, "saboteur"}, ModelsDir: t.TempDir()})
	require.NoError(t, err)
	pid := c.State().PID
	lost := make(chan error, 1)
	go func() {
		_, err := c.ReadFace(context.Background(), frame("hang"))
		lost <- err
	}()
	time.Sleep(20 * time.Millisecond)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	require.ErrorIs(t, <-lost, models.ErrWorker)
	_, err = c.ReadFace(context.Background(), frame("fine"))
	require.ErrorIs(t, err, models.ErrWorker)
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestTheContextOfStartEndsTheChild(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	c, err := Start(ctx, Config{Command: []string{self, childArg, "saboteur"}, ModelsDir: t.TempDir()})
	require.NoError(t, err)
	cancel()
	<-c.done
	_, err = c.Versions(context.Background())
	require.ErrorIs(t, err, models.ErrWorker)
}

func TestMessagesBeyondTheirBoundAreRefusedUnread(t *testing.T) {
	cc, err := newCodec()
	require.NoError(t, err)
	var v request
	require.ErrorIs(t, cc.read(bytes.NewReader([]byte{0x7f, 0xff, 0xff, 0xff}), &v, maxRequest), errMessage)
	require.ErrorIs(t, cc.read(bytes.NewReader([]byte{0, 0, 0, 0}), &v, maxRequest), errMessage)
	require.Error(t, cc.read(bytes.NewReader([]byte{0, 0, 0, 9, 1, 2}), &v, maxRequest))
	require.Error(t, cc.write(&bytes.Buffer{}, response{Text: strings.Repeat("x", 100)}, 50))
	when := time.Date(2026, 11, 22, 1, 2, 3, 456789, time.UTC)
	var b bytes.Buffer
	require.NoError(t, cc.write(&b, request{ID: 7, Op: opFace, Frames: []models.Frame{{Format: models.RGB, Width: 4, Pix: []byte{1}, At: when}}}, maxRequest))
	require.NoError(t, cc.read(&b, &v, maxRequest))
	require.True(t, when.Equal(v.Frames[0].At))
}

func FuzzAMessageFromTheOtherSideNeverCrashes(f *testing.F) {
	cc, err := newCodec()
	require.NoError(f, err)
	var b bytes.Buffer
	require.NoError(f, cc.write(&b, response{ID: 1, Face: &models.Face{Template: []float32{1}}}, maxResponse))
	f.Add(b.Bytes())
	f.Add([]byte{0, 0, 0, 1, 0xf6})
	f.Fuzz(func(t *testing.T, in []byte) {
		var r response
		if err := cc.read(bytes.NewReader(in), &r, 1<<16); err == nil {
			_ = r.err()
		}
		var q request
		if err := cc.read(bytes.NewReader(in), &q, 1<<16); err == nil {
			_ = refuse(q)
		}
	})
}
