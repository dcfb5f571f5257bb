package journey

import "time"

// DataKind is a kind of what the centre holds about a person.
type DataKind string

// The kinds. Personal is the last of a person: with it go all others.
const (
	DataPictures DataKind = "pictures" // sealed pictures of document and face
	DataFace     DataKind = "face"     // the template in the collection of approved faces
	DataSealed   DataKind = "sealed"   // what the kiosk sealed: its records as they came, and their copy
	DataPersonal DataKind = "personal" // readable data, what they are found by, texts of reviewers, matches of lists
)

// DataKinds lists the kinds, the last of a person at the end.
func DataKinds() []DataKind { return []DataKind{DataPictures, DataFace, DataSealed, DataPersonal} }

// RetentionPolicy says how long the centre keeps what, counted from the decision, and where there is none from the last
// receipt. 0 keeps it until somebody erases it. What is undecided, pending or under a legal hold stays
// whatever stands here. The record of what happened (events, decisions, codes, audit) holds no personal data and stays.
type RetentionPolicy struct {
	Pictures time.Duration `json:"pictures"`
	Face     time.Duration `json:"face"`
	Sealed   time.Duration `json:"sealed"`
	Personal time.Duration `json:"personal"` // with it everything goes, however long the others are
}

// Limit gives how long a kind is kept; 0: without limit.
func (p RetentionPolicy) Limit(kind DataKind) time.Duration {
	switch kind {
	case DataPictures:
		return p.Pictures
	case DataFace:
		return p.Face
	case DataSealed:
		return p.Sealed
	case DataPersonal:
		return p.Personal
	}
	return 0
}
