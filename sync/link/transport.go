// Package link carries records between a kiosk and the centre over any pipe that
// loses, repeats and reorders: the kiosk's Uplink drains its outbox and applies
// the centre's commands, the centre's Receiver hands what came to an Inbox and
// acknowledges what the Inbox has committed. Nothing is deleted before that.
//
// What may live here: when to send, again and how much; the transport over MQTT.
// What may not: how records are stored (outbox on the kiosk, the Inbox's maker at
// the centre) and what they mean.
package link

import "context"

// Transport opens sessions to a broker. It keeps nothing between them: whatever was
// under way when a session ended is sent again by the layer above.
type Transport interface {
	// Connect returns once the session stands and every filter is granted. The
	// session ends with Conn.Close or by itself, not with ctx.
	Connect(ctx context.Context, s Session) (Conn, error)
}

// Session is what a side asks of the broker.
type Session struct {
	Client  string   // client id: the certificate's common name, for a kiosk
	Filters []string // topics to receive
	QoS     byte     // of the subscriptions: 0 or 1
	Will    *Message // published by the broker when the session ends without Close
	// Receive is called for every message, in the order of arrival. It must not block.
	Receive func(Message)
}

// Message is one publication.
type Message struct {
	Topic   string
	Payload []byte
	QoS     byte // 0: may be lost; 1: at least once, while the session lasts
	Retain  bool // the broker keeps it for later subscribers

	ack func()
}

// NewMessage makes a received message whose Ack calls ack, for transports outside this package.
func NewMessage(topic string, payload []byte, ack func()) Message {
	return Message{Topic: topic, Payload: payload, ack: ack}
}

// Ack tells the broker that this message was taken. It frees the broker's window
// and proves nothing about what was stored; calling it is optional at QoS 0.
func (m Message) Ack() {
	if m.ack != nil {
		m.ack()
	}
}

// Conn is one session. Its methods may be called from several goroutines.
type Conn interface {
	// Publish hands a message over. A nil error means that it was handed to the
	// network, never that anybody has it.
	Publish(ctx context.Context, m Message) error
	// Done is closed when the session has ended, for whatever reason.
	Done() <-chan struct{}
	// Err says why it ended; nil while it lasts and after Close.
	Err() error
	// Close ends the session in good order: no will is published.
	Close() error
}
