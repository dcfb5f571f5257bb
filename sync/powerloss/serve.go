package powerloss

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// reign serves a disk's requests from one mount to the next cut. Afterwards it refuses everything, and what it
// was asked before the cut and had not answered yet was never done.
type reign struct {
	fuse.RawFileSystem
	d *Disk
}

// cached is for how long the kernel may believe what it was told: nobody but it changes anything.
const cached = time.Minute

// enter waits while the disk is frozen. It gives false, and holds nothing, when the power went.
func (r *reign) enter() bool {
	r.d.mu.Lock()
	for r.d.frozen && r.d.reign == r {
		r.d.thawed.Wait()
	}
	if r.d.reign != r {
		r.d.mu.Unlock()
		return false
	}
	return true
}

// on calls f with the inode of a request.
func (r *reign) on(id uint64, f func(*inode) syscall.Errno) fuse.Status {
	if !r.enter() {
		return fuse.EIO
	}
	defer r.d.mu.Unlock()
	n := r.d.nodes[id]
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return fuse.Status(f(n))
}

func (r *reign) String() string { return "powerloss" }

func (n *inode) fill(a *fuse.Attr) {
	*a = fuse.Attr{Ino: n.id, Mode: n.mode, Nlink: uint32(n.links), Size: uint64(n.size), Blocks: uint64(len(n.pages)) * pageSize / 512, Blksize: pageSize}
	a.SetTimes(&n.modified, &n.modified, &n.modified)
}

func (n *inode) enterInto(out *fuse.EntryOut) {
	out.NodeId, out.Generation = n.id, 1
	out.SetEntryTimeout(cached)
	out.SetAttrTimeout(cached)
	n.fill(&out.Attr)
}

func (r *reign) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	return r.on(h.NodeId, func(in *inode) syscall.Errno {
		n := in.names[name]
		if n == nil {
			return syscall.ENOENT
		}
		n.enterInto(out)
		return 0
	})
}

func (r *reign) Forget(id, _ uint64) {
	if r.enter() {
		r.d.forget(id)
		r.d.mu.Unlock()
	}
}

func (r *reign) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	return r.on(in.NodeId, func(n *inode) syscall.Errno {
		out.SetTimeout(cached)
		n.fill(&out.Attr)
		return 0
	})
}

func (r *reign) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	return r.on(in.NodeId, func(n *inode) syscall.Errno {
		if size, ok := in.GetSize(); ok {
			if n.folder() {
				return syscall.EISDIR
			}
			if e := r.d.truncate(n, int64(size)); e != 0 {
				return e
			}
		}
		if mode, ok := in.GetMode(); ok {
			n.mode = n.mode&syscall.S_IFMT | mode&0o7777
		}
		if t, ok := in.GetMTime(); ok {
			n.modified = t
		}
		out.SetTimeout(cached)
		n.fill(&out.Attr)
		return 0
	})
}

func (r *reign) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return r.on(in.NodeId, func(n *inode) syscall.Errno {
		c, e := r.d.make(n, name, syscall.S_IFDIR|in.Mode&0o7777)
		if e == 0 {
			c.enterInto(out)
		}
		return e
	})
}

func (d *Disk) make(in *inode, name string, mode uint32) (*inode, syscall.Errno) {
	if in.names[name] != nil {
		return nil, syscall.EEXIST
	}
	n := d.newInode(mode)
	d.change(edit{in, name, n})
	return n, 0
}

func (r *reign) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	return r.on(in.NodeId, func(n *inode) syscall.Errno {
		c, e := r.d.make(n, name, syscall.S_IFREG|in.Mode&0o7777)
		if e != 0 {
			return e
		}
		c.enterInto(&out.EntryOut)
		out.OpenFlags = fuse.FOPEN_KEEP_CACHE
		return 0
	})
}

func (r *reign) Mknod(_ <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	if in.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return fuse.EPERM
	}
	return r.on(in.NodeId, func(n *inode) syscall.Errno {
		c, e := r.d.make(n, name, in.Mode)
		if e == 0 {
			c.enterInto(out)
		}
		return e
	})
}

func (r *reign) Link(_ <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	return r.on(in.NodeId, func(to *inode) syscall.Errno {
		n := r.d.nodes[in.Oldnodeid]
		switch {
		case n == nil:
			return syscall.ESTALE
		case n.folder():
			return syscall.EPERM
		case to.names[name] != nil:
			return syscall.EEXIST
		}
		r.d.change(edit{to, name, n})
		n.enterInto(out)
		return 0
	})
}

func (r *reign) Unlink(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return r.remove(h.NodeId, name)
}

func (r *reign) Rmdir(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return r.remove(h.NodeId, name)
}

func (r *reign) remove(from uint64, name string) fuse.Status {
	return r.on(from, func(in *inode) syscall.Errno {
		n := in.names[name]
		switch {
		case n == nil:
			return syscall.ENOENT
		case len(n.names) > 0:
			return syscall.ENOTEMPTY
		}
		r.d.change(edit{in, name, nil})
		return 0
	})
}

func (r *reign) Rename(_ <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	return r.on(in.NodeId, func(a *inode) syscall.Errno {
		b := r.d.nodes[in.Newdir]
		if b == nil {
			return syscall.ESTALE
		}
		n, old := a.names[from], b.names[to]
		switch {
		case n == nil:
			return syscall.ENOENT
		case in.Flags&^1 != 0: // RENAME_NOREPLACE is the one that is known here
			return syscall.EINVAL
		case old != nil && in.Flags&1 != 0:
			return syscall.EEXIST
		case old == n:
			return 0
		case old != nil && len(old.names) > 0:
			return syscall.ENOTEMPTY
		}
		r.d.change(edit{b, to, n}, edit{a, from, nil})
		return 0
	})
}

func (r *reign) Access(_ <-chan struct{}, in *fuse.AccessIn) fuse.Status {
	return r.on(in.NodeId, func(*inode) syscall.Errno { return 0 })
}

func (r *reign) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return r.on(in.NodeId, func(n *inode) syscall.Errno {
		if in.Flags&syscall.O_TRUNC != 0 {
			if e := r.d.truncate(n, 0); e != 0 {
				return e
			}
		}
		// The pages that the kernel has are right, and a shared memory map must outlive another's opening.
		out.OpenFlags = fuse.FOPEN_KEEP_CACHE
		return 0
	})
}

func (r *reign) Read(_ <-chan struct{}, in *fuse.ReadIn, b []byte) (fuse.ReadResult, fuse.Status) {
	var n int
	status := r.on(in.NodeId, func(f *inode) syscall.Errno {
		n = f.read(b, int64(in.Offset))
		return 0
	})
	return fuse.ReadResultData(b[:n]), status
}

func (r *reign) Write(_ <-chan struct{}, in *fuse.WriteIn, b []byte) (uint32, fuse.Status) {
	status := r.on(in.NodeId, func(n *inode) syscall.Errno { return r.d.write(n, b, int64(in.Offset)) })
	if status != fuse.OK {
		return 0, status
	}
	return uint32(len(b)), fuse.OK
}

func (r *reign) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK } // closing syncs nothing

func (r *reign) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return r.on(in.NodeId, func(n *inode) syscall.Errno {
		r.d.syncFile(n)
		return 0
	})
}

func (r *reign) FsyncDir(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return r.on(in.NodeId, func(n *inode) syscall.Errno {
		r.d.syncFolder(n)
		return 0
	})
}

func (r *reign) StatFs(_ <-chan struct{}, h *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	return r.on(h.NodeId, func(*inode) syscall.Errno {
		free := uint64(r.d.limit - r.d.used)
		*out = fuse.StatfsOut{Blocks: uint64(r.d.limit), Bfree: free, Bavail: free, Files: 1 << 20, Ffree: 1 << 20, Bsize: pageSize, Frsize: pageSize, NameLen: 255}
		return 0
	})
}
