package powerloss

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Mount is a disk at its place. Whoever serves one must not be a process that also works on it: a program that
// waits for itself hangs.
type Mount struct {
	Disk   *Disk
	at     string
	server *fuse.Server
}

// Open mounts a disk. It needs /dev/fuse, and the right to mount or the program fusermount3.
func Open(at string, d *Disk) (*Mount, error) {
	m := &Mount{Disk: d, at: at}
	return m, m.mount()
}

func (m *Mount) mount() error {
	r := &reign{RawFileSystem: fuse.NewDefaultRawFileSystem(), d: m.Disk}
	server, err := fuse.NewServer(r, m.at, &fuse.MountOptions{
		DirectMount: true, FsName: "powerloss", Name: "powerloss", DisableXAttrs: true, MaxWrite: 1 << 20,
	})
	if err != nil {
		return fmt.Errorf("mount a disk that can lose its power: %w", err)
	}
	m.Disk.mu.Lock()
	m.Disk.reign, m.Disk.frozen = r, false
	m.Disk.mu.Unlock()
	m.server = server
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return fmt.Errorf("mount a disk that can lose its power: %w", err)
	}
	return nil
}

// Freeze is the moment at which the power goes: nothing is written, read or synced any more, and whoever asks
// waits. Between it and Cut whoever works on the disk has to be killed.
func (m *Mount) Freeze() {
	m.Disk.mu.Lock()
	m.Disk.frozen = true
	m.Disk.mu.Unlock()
}

// Release lets those go that wait, unanswered: they were killed, and cannot end while they wait.
func (m *Mount) Release() {
	m.Disk.mu.Lock()
	m.Disk.reign = nil
	m.Disk.thawed.Broadcast()
	m.Disk.mu.Unlock()
}

// Cut takes away what the mercy does not leave, and mounts the disk again. Everybody who worked on it has ended.
func (m *Mount) Cut(mercy Mercy, seed uint64) error {
	m.Freeze()
	m.Release()
	if err := m.Close(); err != nil {
		return err
	}
	m.Disk.mu.Lock()
	m.Disk.lose(mercy, rand.New(rand.NewPCG(seed, 11)))
	m.Disk.mu.Unlock()
	return m.mount()
}

// Close unmounts the disk. What is on it stays in Disk.
func (m *Mount) Close() error {
	const tries = 100
	var err error
	for range tries {
		if err = syscall.Unmount(m.at, 0); !errors.Is(err, syscall.EBUSY) {
			break
		}
		time.Sleep(20 * time.Millisecond) // whoever was killed is still being taken down
	}
	if errors.Is(err, syscall.EPERM) { // it was mounted by fusermount3
		err = m.server.Unmount()
	}
	if err != nil {
		return fmt.Errorf("unmount: %w", err)
	}
	m.server.Wait()
	return nil
}
