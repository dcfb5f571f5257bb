package v4l2

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

const sysVideo = "/sys/class/video4linux"

// Info says what a device calls itself.
type Info struct {
	Path   string // /dev/video0
	Card   string // product name
	Driver string // kernel driver: uvcvideo; "v4l2 loopback" and vivid are virtual
	Bus    string

	captures bool
}

// Virtual reports whether a known software driver makes the pictures. A camera
// of an unknown driver is not called virtual.
func (i Info) Virtual() bool {
	switch strings.ToLower(i.Driver) {
	case "v4l2 loopback", "v4l2loopback", "vivid", "vimc", "akvcam":
		return true
	}
	return false
}

// List names the devices that deliver pictures, by number. Metadata nodes,
// output devices and devices that this user may not open are left out.
func List() ([]Info, error) { return list("/dev", queryDevice, formatsOf) }

func formatsOf(path string) int {
	d, err := openLibrary(path)
	if err != nil {
		return 0
	}
	defer d.Close()
	return len(d.Formats())
}

func list(dev string, query func(string) (Info, error), formats func(string) int) ([]Info, error) {
	names, err := filepath.Glob(filepath.Join(dev, "video*"))
	if err != nil {
		return nil, fmt.Errorf("list cameras: %w", err)
	}
	number := func(p string) int {
		n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(p), "video"))
		if err != nil {
			return -1
		}
		return n
	}
	sort.Slice(names, func(i, j int) bool { return number(names[i]) < number(names[j]) })
	var out []Info
	for _, p := range names {
		if number(p) < 0 {
			continue
		}
		if _, err := os.Stat(p); err != nil {
			continue
		}
		i, err := query(p)
		if err != nil || !i.captures || formats(p) == 0 {
			continue
		}
		out = append(out, i)
	}
	return out, nil
}

// Info asks the device what it is.
func (c *Camera) Info() (Info, error) {
	i, err := queryDevice(c.path)
	if err != nil {
		return Info{}, fmt.Errorf("ask camera %s: %w", c.path, openError(err))
	}
	return i, nil
}
