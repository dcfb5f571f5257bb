package broker

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"vestibule/sync/identity"
	"vestibule/sync/wire"
)

// errRevoked ends a connection. The server heeds no other error of OnPacketRead than the one it wraps.
var errRevoked = fmt.Errorf("certificate was revoked: %w", packets.ErrRejectPacket)

// admission is the rule: who may connect, publish where, and read what.
type admission struct {
	mqtt.HookBase
	b *Broker
}

var _ mqtt.Hook = (*admission)(nil)

// ID implements mqtt.Hook.
func (a *admission) ID() string { return "admission" }

// Provides implements mqtt.Hook.
func (a *admission) Provides(b byte) bool {
	return bytes.Contains([]byte{
		mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPacketRead, mqtt.OnPublish, mqtt.OnDisconnect,
	}, []byte{b})
}

// name gives the name that the client's certificate proved; empty never passes.
func name(cl *mqtt.Client) string {
	if p, ok := cl.Net.Conn.(*peer); ok {
		return p.name
	}
	return ""
}

func (a *admission) refuse(cl *mqtt.Client, code, topic string) {
	a.b.refused(Refusal{Code: code, Remote: cl.Net.Remote, Name: name(cl), Topic: topic})
}

// OnConnect keeps every client's silence bounded.
func (a *admission) OnConnect(cl *mqtt.Client, _ packets.Packet) error {
	most := uint16(min(a.b.c.Limits.KeepAlive/time.Second, 1<<15))
	if cl.State.Keepalive == 0 || cl.State.Keepalive > most {
		cl.State.Keepalive = most
	}
	return nil
}

// OnConnectAuthenticate admits a client whose id is the name of its certificate.
// The centre may add a suffix after a dot, because several copies of it may connect.
func (a *admission) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	cn := name(cl)
	id := pk.Connect.ClientIdentifier
	code := ""
	switch {
	case cn == "" || a.b.c.Denied(cn):
		code = RefuseRevoked
	case id != cn && !(cn == a.b.c.Centre && strings.HasPrefix(id, cn+".")):
		code = RefuseClient
	case cn != a.b.c.Centre && !a.known(cn):
		code = RefuseClient
	case pk.ProtocolVersion != 4 || !pk.Connect.Clean:
		code = RefuseSession
	case pk.Connect.WillFlag && cn != a.b.c.Centre &&
		(pk.Connect.WillTopic != presence(cn) || len(pk.Connect.WillPayload) > wire.MaxState):
		code = RefuseWill
	}
	if code != "" {
		a.refuse(cl, code, "")
	}
	return code == ""
}

// known tells whether a name is one that a kiosk may have, or a branch's that there is.
func (a *admission) known(cn string) bool {
	if branch, ok := identity.BranchOf(cn); ok {
		_, ok := a.b.c.Branches(branch)
		return ok
	}
	return wire.CheckName(cn) == nil
}

// presence is the one topic that a client's last will may have.
func presence(cn string) string {
	if branch, ok := identity.BranchOf(cn); ok {
		return wire.BridgeTopic(branch)
	}
	return wire.StateTopic(cn)
}

// speaks tells whether a branch's box may carry this message of a kiosk, or tell of its own line.
func (a *admission) speaks(branch, topic string) bool {
	lane, kiosk, err := wire.ParseTopic(topic)
	if err != nil {
		return false
	}
	switch lane {
	case wire.LaneUp, wire.LaneBlob, wire.LaneState:
		return a.behind(branch, kiosk)
	case wire.LaneBridge:
		return kiosk == branch
	}
	return false
}

// behind tells whether a kiosk stands behind a branch's box, and is not revoked.
func (a *admission) behind(branch, kiosk string) bool {
	kiosks, ok := a.b.c.Branches(branch)
	return ok && kiosks[kiosk] && !a.b.c.Denied(kiosk)
}

// hears tells whether a branch's box may read a topic, or subscribe to a filter: what is addressed to one of its kiosks.
func (a *admission) hears(branch, topic string) bool {
	rest, ok := strings.CutPrefix(topic, "v1/down/")
	kiosk, _, below := strings.Cut(rest, "/")
	return ok && below && a.behind(branch, kiosk)
}

// OnPacketRead cuts a client at its first packet after a revocation.
func (a *admission) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Type != packets.Connect && a.b.c.Denied(name(cl)) {
		a.refuse(cl, RefuseRevoked, "")
		cl.Stop(errRevoked)
		return pk, errRevoked
	}
	return pk, nil
}

// OnACLCheck confines a kiosk: it publishes its own records, chunks and presence,
// and reads what is addressed to it. topic may be a filter when write is false.
func (a *admission) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	cn := name(cl)
	if cn == "" || a.b.c.Denied(cn) {
		return false
	}
	if cn == a.b.c.Centre {
		return true
	}
	if branch, ok := identity.BranchOf(cn); ok {
		// What a box may not carry is dropped in OnPublish. Refusing it here would cut the box, which would
		// send the same again for ever, and with it all that waits behind.
		if write || a.hears(branch, topic) {
			return true
		}
		a.refuse(cl, RefuseSubscribe, topic)
		return false
	}
	if write {
		if topic == wire.ViewTopic(cn) { // meant for a box, and nobody here reads it: see OnPublish
			return true
		}
		if topic == wire.UpTopic(cn) || topic == wire.BlobTopic(cn) || topic == wire.StateTopic(cn) {
			return true
		}
		a.refuse(cl, RefusePublish, topic)
		return false
	}
	if strings.HasPrefix(topic, wire.DownPrefix(cn)) {
		return true
	}
	a.refuse(cl, RefuseSubscribe, topic)
	return false
}

// OnPublish lets only presence be retained, and bounds it: what is retained stays in memory.
func (a *admission) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	lane, _, err := wire.ParseTopic(pk.TopicName)
	if branch, ok := identity.BranchOf(name(cl)); ok && !a.speaks(branch, pk.TopicName) {
		a.refuse(cl, RefusePublish, pk.TopicName)
		return pk, packets.CodeSuccessIgnore
	}
	if lane == wire.LaneView {
		return pk, packets.CodeSuccessIgnore
	}
	if err != nil || lane != wire.LaneState && lane != wire.LaneBridge {
		pk.FixedHeader.Retain = false
		return pk, nil
	}
	if len(pk.Payload) > wire.MaxState {
		a.refuse(cl, RefuseState, pk.TopicName)
		return pk, packets.CodeSuccessIgnore // acknowledged: a branch's box would send it for ever
	}
	return pk, nil
}

// OnDisconnect reports clients that were cut for what they sent.
func (a *admission) OnDisconnect(cl *mqtt.Client, err error, _ bool) {
	switch {
	case err == nil, errors.Is(err, errRevoked), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, packets.ErrNotAuthorized), errors.Is(err, packets.ErrSessionTakenOver):
		return
	}
	var code packets.Code
	if errors.As(err, &code) {
		a.refuse(cl, RefusePacket, "")
	}
}
