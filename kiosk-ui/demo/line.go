package main

import (
	"io"
	"net"
	"sync"
)

// line is the network between the kiosk and the centre: a TCP forwarder that can
// be cut and mended. While it is cut, connections are refused as by a dead router.
type line struct {
	to string
	ln net.Listener

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]struct{}
	wg    sync.WaitGroup
}

// openLine forwards connections from addr (port 0: any) to another address.
func openLine(addr, to string) (*line, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	l := &line{to: to, ln: ln, conns: map[net.Conn]struct{}{}}
	l.wg.Add(1)
	go l.accept()
	return l, nil
}

func (l *line) addr() string { return l.ln.Addr().String() }

func (l *line) accept() {
	defer l.wg.Done()
	for {
		near, err := l.ln.Accept()
		if err != nil {
			return
		}
		l.wg.Add(1)
		go func() {
			defer l.wg.Done()
			l.carry(near)
		}()
	}
}

// carry copies both ways until one end closes or the line is cut.
func (l *line) carry(near net.Conn) {
	defer near.Close()
	if !l.hold(near) {
		return
	}
	defer l.release(near)
	far, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer far.Close()
	if !l.hold(far) {
		return
	}
	defer l.release(far)
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		go func() {
			_, _ = io.Copy(way[0], way[1]) // an end that closes is how a carry ends
			done <- struct{}{}
		}()
	}
	<-done
	near.Close()
	far.Close()
	<-done
}

// hold remembers an open connection so that setCut can close it; false while cut.
func (l *line) hold(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return false
	}
	l.conns[c] = struct{}{}
	return true
}

func (l *line) release(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// setCut cuts the line, closing what is open, or mends it.
func (l *line) setCut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	if cut {
		for c := range l.conns {
			c.Close()
		}
	}
}

func (l *line) close() {
	l.setCut(true)
	l.ln.Close()
	l.wg.Wait()
}
