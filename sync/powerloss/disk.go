package powerloss

import (
	"path"
	"sync"
	"syscall"
	"time"
)

// pageSize is in what units the system writes files back.
const pageSize = 4096

type page = *[pageSize]byte

// Disk is what is on it now, and what would be there after a cut. It is safe for concurrent use.
type Disk struct {
	limit int64                  // pages there is room for
	deaf  func(name string) bool // nil: it hears

	mu      sync.Mutex
	thawed  *sync.Cond
	frozen  bool
	reign   *reign // the mount in force: only its requests are served
	root    *inode
	nodes   map[uint64]*inode
	last    uint64
	used    int64    // pages
	pending []change // changes of names that were not synced, in their order
	handles map[uint64][]string
	handle  uint64
}

// inode is a file or a folder: each as it is, and as a cut would leave it.
type inode struct {
	id       uint64
	mode     uint32
	links    int
	modified time.Time

	names, keptNames map[string]*inode // of a folder

	size, keptSize   int64 // of a file, in bytes
	pages, keptPages map[int64]page
	dirty            map[int64]bool // pages written since the last sync
	low              int64          // the least size since then
	cutShort         bool           // it was truncated since then
}

func (n *inode) folder() bool { return n.mode&syscall.S_IFMT == syscall.S_IFDIR }

// change is what one call did to the names of one folder or two.
type change []edit

// edit is a name that stands for another inode now; nil: for none.
type edit struct {
	in   *inode
	name string
	to   *inode
}

// Option changes a Disk.
type Option func(*Disk)

// Limit bounds a disk, in bytes. Starting value: 96 MB, which is more than a schedule of faults makes.
func Limit(bytes int64) Option { return func(d *Disk) { d.limit = bytes / pageSize } }

// Deaf makes a disk that does not sync the files whose path in it matches a pattern of path.Match, though it says so; a
// program whose syncs go unheard is one that does not make them. It is for showing that a test would see that.
func Deaf(pattern string) Option {
	return func(d *Disk) {
		d.deaf = func(name string) bool {
			ok, err := path.Match(pattern, name)
			return ok && err == nil
		}
	}
}

// New makes an empty disk.
func New(options ...Option) *Disk {
	d := &Disk{limit: 96 << 20 / pageSize, nodes: map[uint64]*inode{}, handles: map[uint64][]string{}}
	d.thawed = sync.NewCond(&d.mu)
	for _, o := range options {
		o(d)
	}
	d.root = d.newInode(syscall.S_IFDIR | 0o700)
	d.root.links = 1
	return d
}

func (d *Disk) newInode(mode uint32) *inode {
	d.last++ // the first is the root, which FUSE calls 1
	n := &inode{id: d.last, mode: mode, modified: time.Now()}
	if n.folder() {
		n.names, n.keptNames = map[string]*inode{}, map[string]*inode{}
	} else {
		n.pages, n.keptPages, n.dirty = map[int64]page{}, map[int64]page{}, map[int64]bool{}
	}
	d.nodes[n.id] = n
	return n
}

// change applies edits to what is there now.
func (d *Disk) change(edits ...edit) {
	for _, e := range edits {
		if old := e.in.names[e.name]; old != nil {
			old.links--
		}
		if e.to == nil {
			delete(e.in.names, e.name)
		} else {
			e.in.names[e.name] = e.to
			e.to.links++
		}
		e.in.modified = time.Now()
	}
	d.pending = append(d.pending, edits)
}

// pathOf is where an inode is: the first path that leads to it; empty for what has none any more.
func (d *Disk) pathOf(n *inode) string {
	var search func(in *inode, at string) string
	search = func(in *inode, at string) string {
		for name, c := range in.names {
			p := path.Join(at, name)
			if c == n {
				return p
			}
			if c.folder() {
				if found := search(c, p); found != "" {
					return found
				}
			}
		}
		return ""
	}
	return search(d.root, "")
}

// syncFile keeps a file's bytes and length.
func (d *Disk) syncFile(n *inode) {
	if d.deaf != nil && d.deaf(d.pathOf(n)) {
		return
	}
	n.keep()
}

func (n *inode) keep() {
	for i := range n.dirty {
		if p := n.pages[i]; p != nil {
			n.keptPages[i] = p
		}
	}
	if n.cutShort {
		for i := range n.keptPages {
			if n.pages[i] == nil {
				delete(n.keptPages, i)
			}
		}
	}
	n.keptSize, n.low, n.cutShort = n.size, n.size, false
	clear(n.dirty)
}

// syncFolder keeps the names of a folder.
func (d *Disk) syncFolder(n *inode) {
	var rest []change
	var done change
	for _, c := range d.pending {
		if c.touches(n) {
			c.keep()
			done = append(done, c...)
		} else {
			rest = append(rest, c)
		}
	}
	// A rename reaches into another folder, where something older may wait: it is overtaken.
	d.pending = nil
	for _, c := range rest {
		var left change
		for _, e := range c {
			if !done.names(e) {
				left = append(left, e)
			}
		}
		if len(left) > 0 {
			d.pending = append(d.pending, left)
		}
	}
}

func (c change) touches(n *inode) bool {
	for _, e := range c {
		if e.in == n {
			return true
		}
	}
	return false
}

func (c change) names(e edit) bool {
	for _, o := range c {
		if o.in == e.in && o.name == e.name {
			return true
		}
	}
	return false
}

func (c change) keep() {
	for _, e := range c {
		if e.to == nil {
			delete(e.in.keptNames, e.name)
		} else {
			e.in.keptNames[e.name] = e.to
		}
	}
}

// Settle syncs everything, as sync(8) does, deaf or not.
func (d *Disk) Settle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.nodes {
		if !n.folder() {
			n.keep()
		}
	}
	for _, c := range d.pending {
		c.keep()
	}
	d.pending = nil
}

func (d *Disk) write(n *inode, data []byte, at int64) syscall.Errno {
	if at < 0 || at+int64(len(data)) > d.limit*pageSize {
		return syscall.ENOSPC
	}
	for i := at / pageSize; i*pageSize < at+int64(len(data)); i++ {
		if n.pages[i] == nil && d.used >= d.limit {
			return syscall.ENOSPC
		}
		p := d.own(n, i)
		from := max(at, i*pageSize)
		copy(p[from-i*pageSize:], data[from-at:])
	}
	n.size = max(n.size, at+int64(len(data)))
	n.modified = time.Now()
	return 0
}

// own gives a page that may be written: nothing that is kept shares it.
func (d *Disk) own(n *inode, i int64) page {
	p := n.pages[i]
	switch {
	case p == nil:
		d.used++
		p = new([pageSize]byte)
	case !n.dirty[i]:
		c := *p
		p = &c
	}
	n.pages[i], n.dirty[i] = p, true
	return p
}

func (n *inode) read(b []byte, at int64) int {
	if at >= n.size {
		return 0
	}
	b = b[:min(int64(len(b)), n.size-at)]
	for done := int64(0); done < int64(len(b)); {
		i := (at + done) / pageSize
		in := (at + done) % pageSize
		l := min(pageSize-in, int64(len(b))-done)
		if p := n.pages[i]; p != nil {
			copy(b[done:done+l], p[in:])
		} else {
			clear(b[done : done+l])
		}
		done += l
	}
	return len(b)
}

func (d *Disk) truncate(n *inode, size int64) syscall.Errno {
	if size > d.limit*pageSize {
		return syscall.EFBIG
	}
	if size < n.size {
		for i := range n.pages {
			if i*pageSize >= size {
				delete(n.pages, i)
				delete(n.dirty, i)
				d.used--
			}
		}
		if in := size % pageSize; in > 0 && n.pages[size/pageSize] != nil {
			p := d.own(n, size/pageSize)
			clear(p[in:])
		}
		n.low, n.cutShort = min(n.low, size), true
	}
	n.size = size
	n.modified = time.Now()
	return 0
}

// forget gives an inode's room back when nothing names it and nobody has it open.
func (d *Disk) forget(id uint64) {
	n := d.nodes[id]
	if n == nil || n.links > 0 {
		return
	}
	d.used -= int64(len(n.pages))
	delete(d.nodes, id)
}
