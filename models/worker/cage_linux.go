package worker

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"vestibule/models"
)

// nobody is the user and group that own nothing, on every Linux.
const nobody = 65534

// maxDescriptors is enough for the pipes and for loading the networks.
const maxDescriptors = 128

// namespaces lists how a child may be started, strictest first. Some
// containers and hardened kernels allow no namespaces; the system call filter
// of lock takes the network away there too.
func namespaces() []*syscall.SysProcAttr {
	plain := func() *syscall.SysProcAttr {
		return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	}
	strict := plain()
	strict.Cloneflags = syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
	if os.Geteuid() != 0 {
		strict.Cloneflags |= syscall.CLONE_NEWUSER
		strict.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
		strict.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	}
	return []*syscall.SysProcAttr{strict, plain()}
}

// limit bounds the child before it opens anything, and tells what it did.
func limit(memory int64) ([]string, error) {
	for what, l := range map[int]uint64{
		unix.RLIMIT_DATA:   uint64(memory),
		unix.RLIMIT_CORE:   0, // a core file would hold people's pictures
		unix.RLIMIT_FSIZE:  0, // nothing to write
		unix.RLIMIT_NOFILE: maxDescriptors,
	} {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: l, Max: l}); err != nil {
			return nil, fmt.Errorf("bound the worker: %w", err)
		}
	}
	cage := []string{"memory-bounded", "no-core"}
	// In a network namespace of its own a process sees the loopback only, and that is down.
	if ns, err := os.Readlink("/proc/self/ns/net"); err == nil {
		if parent, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", os.Getppid())); err == nil && parent != ns {
			cage = append(cage, "own-network-namespace")
		}
	}
	return cage, nil
}

// lock takes away what the child no longer needs once its networks are loaded:
// its user, the network, files, other programs.
func lock() ([]string, error) {
	var cage []string
	parent := os.Getppid()
	if os.Geteuid() == 0 {
		// Groups first, the user last: afterwards there is no way back.
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setresgid(nobody, nobody, nobody), syscall.Setresuid(nobody, nobody, nobody)); err != nil {
			// A container may have no second user; the filter below still holds.
			if os.Geteuid() != 0 {
				return nil, fmt.Errorf("drop privileges: %w", err)
			}
		} else {
			cage = append(cage, "nobody")
		}
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("forbid core files: %w", err)
	}
	if err := filter(); err != nil {
		return nil, fmt.Errorf("%w: filter system calls: %w", models.ErrWorker, err)
	}
	cage = append(cage, "no-new-privileges", "no-network", "no-files", "no-programs")
	// Changing the user has cleared the parent-death signal.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		return nil, fmt.Errorf("tie the worker to its parent: %w", err)
	}
	if os.Getppid() != parent {
		return nil, errors.New("the parent is gone")
	}
	return append(cage, "dies-with-parent"), nil
}

// forbidden system calls answer EPERM. Everything the child needs from here on
// (memory, threads, its pipes, the clock) stays allowed.
var forbidden = append([]uint32{
	// network
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN,
	unix.SYS_ACCEPT, unix.SYS_ACCEPT4, unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG,
	// files
	unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT,
	unix.SYS_UNLINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_MKDIRAT, unix.SYS_MKNODAT,
	unix.SYS_FCHMODAT, unix.SYS_FCHOWNAT, unix.SYS_TRUNCATE, unix.SYS_MEMFD_CREATE,
	// other programs and processes
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV,
	unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_OPEN,
	// ways round all this
	unix.SYS_IO_URING_SETUP, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	unix.SYS_SETNS, unix.SYS_UNSHARE, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT,
	unix.SYS_SETUID, unix.SYS_SETGID, unix.SYS_SETRESUID, unix.SYS_SETRESGID,
}, forbiddenHere...)

// filter installs the list for all threads, and with it "no new privileges".
func filter() error {
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		above = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		ret   = unix.BPF_RET | unix.BPF_K

		allow = 0x7fff0000
		kill  = 0x80000000
		deny  = 0x00050000 | uint32(unix.EPERM)

		offsetNumber, offsetArch = 0, 4 // of struct seccomp_data
	)
	prog := []unix.SockFilter{
		{Code: load, K: offsetArch},
		{Code: equal, K: auditArch, Jt: 1},
		{Code: ret, K: kill},
		{Code: load, K: offsetNumber},
		{Code: above, K: 0x40000000, Jf: 1}, // the x32 numbers are another way to the same calls
		{Code: ret, K: kill},
	}
	for i, n := range forbidden {
		prog = append(prog, unix.SockFilter{Code: equal, K: n, Jt: uint8(len(forbidden) - i)})
	}
	prog = append(prog, unix.SockFilter{Code: ret, K: allow}, unix.SockFilter{Code: ret, K: deny})

	// The flag for all threads copies "no new privileges" to them as well, but
	// the calling thread must have it, so both happen on one thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	p := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	const setModeFilter, flagTsync = 1, 1
	r, _, errno := unix.Syscall(unix.SYS_SECCOMP, setModeFilter, flagTsync, uintptr(unsafe.Pointer(&p)))
	runtime.KeepAlive(prog)
	if errno != 0 {
		return errno
	}
	if r != 0 {
		return fmt.Errorf("thread %d could not be filtered", r)
	}
	return nil
}
