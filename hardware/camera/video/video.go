// Package video reads video files for the replay camera, through OpenCV.
//
// What may live here: getting the pictures of a file one after the other. What
// may not: playing them (hardware/camera/replay). OpenCV ends the process on an
// error it does not foresee, so only an operator's own recordings belong here,
// never a file from outside.
package video

import (
	"fmt"
	"io"
	"os"

	"gocv.io/x/gocv"

	"vestibule/hardware/camera"
	"vestibule/hardware/camera/replay"
)

// file is one opened video.
type file struct {
	capture *gocv.VideoCapture
	frame   gocv.Mat
}

// Open opens a video file.
func Open(path string) (replay.Video, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open video: %w", err)
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("open video: not a regular file")
	}
	c, err := gocv.VideoCaptureFile(path)
	if err != nil {
		return nil, fmt.Errorf("open video: %w", err)
	}
	if !c.IsOpened() {
		c.Close()
		return nil, fmt.Errorf("open video: no decoder for it")
	}
	return &file{capture: c, frame: gocv.NewMat()}, nil
}

func (f *file) FPS() float64 { return f.capture.Get(gocv.VideoCaptureFPS) }

func (f *file) Next() ([]byte, error) {
	if !f.capture.Read(&f.frame) || f.frame.Empty() {
		return nil, io.EOF
	}
	if f.frame.Cols() > camera.MaxSide || f.frame.Rows() > camera.MaxSide || f.frame.Type() != gocv.MatTypeCV8UC3 {
		return nil, fmt.Errorf("read video: a picture of %d×%d is not usable", f.frame.Cols(), f.frame.Rows())
	}
	b, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, f.frame, []int{gocv.IMWriteJpegQuality, 92})
	if err != nil {
		return nil, fmt.Errorf("read video: %w", err)
	}
	defer b.Close()
	return append([]byte(nil), b.GetBytes()...), nil
}

func (f *file) Skip() error {
	// Grabbing would be cheaper, but has no result in this binding, and the end must show.
	if !f.capture.Read(&f.frame) || f.frame.Empty() {
		return io.EOF
	}
	return nil
}

func (f *file) Close() error {
	err := f.frame.Close()
	if e := f.capture.Close(); err == nil {
		err = e
	}
	return err
}
