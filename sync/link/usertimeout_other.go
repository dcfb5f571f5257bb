//go:build !linux

package link

import (
	"syscall"
	"time"
)

// userTimeout does nothing where the kernel has no such option; the write deadline remains.
func userTimeout(time.Duration) func(network, address string, c syscall.RawConn) error {
	return nil
}
