package v4l2

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"github.com/blackjack/webcam"
	"github.com/blackjack/webcam/ioctl"
	"golang.org/x/sys/unix"
)

// library is a real device behind blackjack/webcam.
type library struct{ cam *webcam.Webcam }

var _ device = (*library)(nil)

func openLibrary(path string) (device, error) {
	cam, err := webcam.Open(path)
	if err != nil {
		return nil, errno(err)
	}
	return &library{cam}, nil
}

func (l *library) Formats() []fourCC {
	var out []fourCC
	for f := range l.cam.GetSupportedFormats() {
		out = append(out, fourCC(f))
	}
	return out
}

func (l *library) Sizes(f fourCC) []sizeRange {
	var out []sizeRange
	for _, s := range l.cam.GetSupportedFrameSizes(webcam.PixelFormat(f)) {
		out = append(out, sizeRange{
			minW: int(s.MinWidth), maxW: int(s.MaxWidth), stepW: int(s.StepWidth),
			minH: int(s.MinHeight), maxH: int(s.MaxHeight), stepH: int(s.StepHeight),
		})
	}
	return out
}

func (l *library) Configure(f fourCC, w, h, fps, ring int) (fourCC, error) {
	got, _, _, err := l.cam.SetImageFormat(webcam.PixelFormat(f), uint32(w), uint32(h))
	if err != nil {
		return 0, errno(err)
	}
	// Many devices know one rate only and refuse to be told: not an error.
	_ = l.cam.SetFramerate(float32(fps))
	if err := l.cam.SetBufferCount(uint32(ring)); err != nil {
		return 0, err
	}
	return fourCC(got), nil
}

func (l *library) Rate() float64 {
	r, err := l.cam.GetFramerate()
	if err != nil {
		return 0
	}
	return float64(r)
}

func (l *library) Start() error { return errno(l.cam.StartStreaming()) }

// Wait polls for a second: the library counts in whole seconds.
func (l *library) Wait() (bool, error) {
	err := l.cam.WaitForFrame(1)
	var late *webcam.Timeout
	if errors.As(err, &late) {
		return false, nil
	}
	return err == nil, errno(err)
}

// Read copies the frame before its buffer goes back to the kernel.
func (l *library) Read() (out []byte, err error) {
	defer func() {
		// The library slices its buffer by the length the driver reports.
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("the camera driver reports an impossible frame length: %w", unix.EIO)
		}
	}()
	pix, index, err := l.cam.GetFrame()
	if err != nil {
		return nil, errno(err)
	}
	out = append([]byte(nil), pix...)
	return out, errno(l.cam.ReleaseFrame(index))
}

func (l *library) Close() error { return errno(l.cam.Close()) }

// errno finds the kernel's error number again where the library keeps only its text.
func errno(err error) error {
	var n unix.Errno
	if err == nil || errors.As(err, &n) {
		return err
	}
	for _, n := range []unix.Errno{unix.EBUSY, unix.EACCES, unix.EPERM, unix.ENODEV, unix.ENXIO, unix.EIO, unix.ENOMEM, unix.EINVAL} {
		if strings.HasSuffix(err.Error(), n.Error()) {
			return fmt.Errorf("%w (%w)", err, n)
		}
	}
	return err
}

// capability is struct v4l2_capability of the kernel's videodev2.h. The library
// keeps the driver's name, which tells virtual cameras from real ones, to itself.
type capability struct {
	driver       [16]byte
	card         [32]byte
	bus          [32]byte
	version      uint32
	capabilities uint32
	device       uint32
	_            [3]uint32
}

func queryDevice(path string) (Info, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	var c capability
	op := ioctl.IoR(uintptr('V'), 0, unsafe.Sizeof(c))
	// The pointer must be converted in the call itself, or the collector may not see it.
	if _, _, n := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), op, uintptr(unsafe.Pointer(&c))); n != 0 {
		return Info{}, n
	}
	caps := c.capabilities
	if caps&capPerNode != 0 {
		caps = c.device // what this node can do, not the whole device
	}
	return Info{
		Path: path, Driver: text(c.driver[:]), Card: text(c.card[:]), Bus: text(c.bus[:]),
		captures: caps&webcam.V4L2_CAP_VIDEO_CAPTURE != 0 && caps&webcam.V4L2_CAP_STREAMING != 0,
	}, nil
}

// capPerNode is V4L2_CAP_DEVICE_CAPS: the per-node field is filled in.
const capPerNode = 0x80000000

func text(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return strings.ToValidUTF8(strings.TrimSpace(s), "")
}
