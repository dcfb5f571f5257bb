package powerloss

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// Mercy says what of that which was not synced a cut may leave.
type Mercy int

// Mercies.
const (
	None    Mercy = iota // nothing
	Pages                // any pages of any file, and the changes of names up to some moment
	Sectors              // the same, and pages may be torn
	mercies
)

var mercyNames = [...]string{"nothing unsynced left", "some pages left", "torn pages left"}

func (m Mercy) String() string {
	if m < 0 || m >= mercies {
		return fmt.Sprintf("mercy %d", int(m))
	}
	return mercyNames[m]
}

// DrawMercy draws one.
func DrawMercy(rng *rand.Rand) Mercy { return Mercy(rng.IntN(int(mercies))) }

const sector = 512

// lose leaves what a cut leaves. What is then there is on the disk for good.
func (d *Disk) lose(mercy Mercy, rng *rand.Rand) {
	if mercy != None && len(d.pending) > 0 {
		for _, c := range d.pending[:rng.IntN(len(d.pending)+1)] {
			c.keep()
		}
	}
	d.pending, d.used = nil, 0
	d.nodes, d.handles = map[uint64]*inode{}, map[uint64][]string{}
	d.restore(d.root, mercy, rng)
}

func (d *Disk) restore(n *inode, mercy Mercy, rng *rand.Rand) {
	if d.nodes[n.id] != nil { // a second name of the same file
		n.links++
		return
	}
	d.nodes[n.id] = n
	n.links = 1
	if !n.folder() {
		n.lose(mercy, rng)
		d.used += int64(len(n.pages))
		return
	}
	n.names = maps.Clone(n.keptNames)
	for _, name := range slices.Sorted(maps.Keys(n.names)) { // in an order of its own: the seed decides, not the map
		d.restore(n.names[name], mercy, rng)
	}
}

func (n *inode) lose(mercy Mercy, rng *rand.Rand) {
	size, pages := n.keptSize, maps.Clone(n.keptPages)
	if mercy != None {
		if n.cutShort && rng.IntN(2) == 0 {
			size = min(size, n.low)
			for i := range pages {
				if i*pageSize >= size {
					delete(pages, i)
				}
			}
			if p := pages[size/pageSize]; p != nil && size%pageSize > 0 {
				c := *p
				clear(c[size%pageSize:])
				pages[size/pageSize] = &c
			}
		}
		for _, i := range slices.Sorted(maps.Keys(n.dirty)) {
			if rng.IntN(2) == 0 {
				continue
			}
			whole, end := n.pages[i], min(n.size, (i+1)*pageSize)
			if mercy == Sectors && rng.IntN(2) == 0 {
				var torn [pageSize]byte
				if old := pages[i]; old != nil {
					torn = *old
				}
				for s := 0; s < pageSize; s += sector {
					if rng.IntN(2) == 0 {
						copy(torn[s:s+sector], whole[s:])
					}
				}
				whole = &torn
			}
			pages[i], size = whole, max(size, end)
		}
	}
	n.size, n.keptSize, n.low, n.cutShort = size, size, size, false
	n.pages, n.keptPages = pages, maps.Clone(pages)
	clear(n.dirty)
}
