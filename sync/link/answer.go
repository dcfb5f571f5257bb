package link

import "vestibule/sync/wire"

// merge puts an answer to those that wait: the highest mark of the latest epoch,
// the latest word on every blob.
func (p *peer) merge(ack wire.Ack) {
	if p.ack == nil {
		p.ack = &wire.Ack{}
	}
	if ack.Epoch != "" || ack.Refused != "" {
		if ack.Epoch == p.ack.Epoch && ack.High < p.ack.High {
			ack.High, ack.Head = p.ack.High, p.ack.Head
		}
		p.ack.Epoch, p.ack.High, p.ack.Head, p.ack.Refused = ack.Epoch, ack.High, ack.Head, ack.Refused
		p.ack.Cursor = max(p.ack.Cursor, ack.Cursor)
		if !ack.Time.IsZero() {
			p.ack.Time = ack.Time
		}
	}
	for _, b := range ack.Blobs {
		found := false
		for i := range p.ack.Blobs {
			if p.ack.Blobs[i].Blob == b.Blob {
				p.ack.Blobs[i], found = b, true
			}
		}
		if !found {
			p.ack.Blobs = append(p.ack.Blobs, b)
		}
	}
}
