package wire

import (
	"errors"
	"strings"
)

// Lane says what a topic carries.
type Lane string

// The lanes, each with the frame that travels in it.
const (
	LaneUp    Lane = "up"    // Up, kiosk to centre
	LaneBlob  Lane = "blob"  // Chunk, kiosk to centre
	LaneState Lane = "state" // State, kiosk to centre
	LaneAck   Lane = "ack"   // Ack, centre to kiosk
	LaneCmd   Lane = "cmd"   // Down, centre to kiosk
	LaneRoll  Lane = "roll"  // Page, centre to kiosk

	LaneView   Lane = "view"   // Standing, kiosk to the people of its branch; goes no further than the branch's box
	LaneBridge Lane = "bridge" // BridgeUp or BridgeDown, of a branch's line; the name in it is the branch's
)

// MaxName bounds a kiosk's name: it is a certificate's common name (64 at most,
// RFC 5280 ub-common-name), an MQTT client id and a topic level at once.
const MaxName = 63

// ErrName is returned for a kiosk name that cannot be a topic level.
var ErrName = errors.New("kiosk name must be 1 to 63 letters, digits, '-' or '_', and begin with a letter or a digit")

// ErrTopic is returned for a topic that is not one of ours.
var ErrTopic = errors.New("not a topic of this protocol")

// CheckName says whether a kiosk may be called so.
func CheckName(name string) error {
	if name == "" || len(name) > MaxName {
		return ErrName
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case (c == '-' || c == '_') && i > 0:
		default:
			return ErrName
		}
	}
	return nil
}

// UpTopic is where a kiosk publishes its records.
func UpTopic(kiosk string) string { return "v1/up/" + kiosk }

// BlobTopic is where a kiosk publishes its chunks.
func BlobTopic(kiosk string) string { return "v1/blob/" + kiosk }

// StateTopic is where a kiosk's presence stands, retained.
func StateTopic(kiosk string) string { return "v1/state/" + kiosk }

// ViewTopic is where a kiosk of a branch shows how it stands, retained.
func ViewTopic(kiosk string) string { return "v1/view/" + kiosk }

// BridgeTopic is where it stands, retained, whether a branch's box has its line to the centre.
func BridgeTopic(branch string) string { return "v1/bridge/" + branch }

// What stands there; the words are Mosquitto's.
const (
	BridgeUp   = "1"
	BridgeDown = "0"
)

// ViewFilters are what the view of a branch subscribes to, at the branch's box.
func ViewFilters(branch string) []string {
	return []string{"v1/view/+", "v1/state/+", BridgeTopic(branch)}
}

// AckTopic is where the centre acknowledges.
func AckTopic(kiosk string) string { return "v1/down/" + kiosk + "/ack" }

// CommandTopic is where the centre commands.
func CommandTopic(kiosk string) string { return "v1/down/" + kiosk + "/cmd" }

// RollTopic is where the centre answers who asks for the roll-out of its project.
func RollTopic(kiosk string) string { return "v1/down/" + kiosk + "/roll" }

// DownPrefix is what every topic towards a kiosk begins with.
func DownPrefix(kiosk string) string { return "v1/down/" + kiosk + "/" }

// DownFilter is what a kiosk subscribes to: its own downlink, nothing else.
func DownFilter(kiosk string) string { return "v1/down/" + kiosk + "/#" }

// UplinkFilters are what the centre subscribes to.
func UplinkFilters() []string { return []string{"v1/up/+", "v1/blob/+", "v1/state/+", "v1/bridge/+"} }

// ParseTopic splits a topic into lane and kiosk (LaneBridge: branch). A topic with wildcards is none of ours.
func ParseTopic(topic string) (Lane, string, error) {
	if len(topic) > 2*MaxName {
		return "", "", ErrTopic
	}
	rest, ok := strings.CutPrefix(topic, "v1/")
	if !ok {
		return "", "", ErrTopic
	}
	head, rest, ok := strings.Cut(rest, "/")
	if !ok {
		return "", "", ErrTopic
	}
	lane, kiosk := Lane(head), rest
	switch lane {
	case LaneUp, LaneBlob, LaneState, LaneView, LaneBridge:
	case "down":
		var last string
		if kiosk, last, ok = strings.Cut(rest, "/"); !ok {
			return "", "", ErrTopic
		}
		if lane = Lane(last); lane != LaneAck && lane != LaneCmd && lane != LaneRoll {
			return "", "", ErrTopic
		}
	default:
		return "", "", ErrTopic
	}
	if CheckName(kiosk) != nil {
		return "", "", ErrTopic
	}
	return lane, kiosk, nil
}
