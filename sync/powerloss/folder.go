package powerloss

import (
	"maps"
	"slices"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// OpenDir remembers the names of this moment: a list must not change while it is read.
func (r *reign) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return r.on(in.NodeId, func(n *inode) syscall.Errno {
		if !n.folder() {
			return syscall.ENOTDIR
		}
		r.d.handle++
		r.d.handles[r.d.handle] = slices.Sorted(maps.Keys(n.names))
		out.Fh = r.d.handle
		return 0
	})
}

func (r *reign) ReleaseDir(in *fuse.ReleaseIn) {
	if r.enter() {
		delete(r.d.handles, in.Fh)
		r.d.mu.Unlock()
	}
}

func (r *reign) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return r.on(in.NodeId, func(n *inode) syscall.Errno {
		r.list(n, in, func(e fuse.DirEntry, _ *inode) bool { return out.AddDirEntry(e) })
		return 0
	})
}

func (r *reign) ReadDirPlus(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return r.on(in.NodeId, func(n *inode) syscall.Errno {
		r.list(n, in, func(e fuse.DirEntry, c *inode) bool {
			entry := out.AddDirLookupEntry(e)
			if entry == nil {
				return false
			}
			c.enterInto(entry)
			return true
		})
		return 0
	})
}

func (r *reign) list(n *inode, in *fuse.ReadIn, add func(fuse.DirEntry, *inode) bool) {
	names := r.d.handles[in.Fh]
	for i := in.Offset; i < uint64(len(names)); i++ {
		c := n.names[names[i]]
		if c == nil { // removed meanwhile
			continue
		}
		if !add(fuse.DirEntry{Name: names[i], Ino: c.id, Mode: c.mode, Off: i + 1}, c) {
			return
		}
	}
}
