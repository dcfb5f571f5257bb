package centre_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models/mrz"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
)

func TestTheZoneOfACardIsReadAgainFromItsBack(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		k := w.kiosk("k")
		for i, c := range []struct {
			layout      mrz.Layout
			front, back string
		}{
			{mrz.TD1, "face 1", "zone L898902C3"},
			{mrz.TD3, "zone L898902C3", "face 1"}, // the back of a card that was shown before
		} {
			sub := kiosktest.Anna("k", fmt.Sprintf("card%d", i), time.Now())
			sub.Document.Layout = string(c.layout)
			number := sub.Document.Number
			k.Event(sub.Session, journey.EventSessionCreated)
			for kind, text := range map[journey.EvidenceKind]string{
				journey.EvidenceFront: c.front, journey.EvidenceBack: c.back,
				journey.EvidencePortrait: fmt.Sprintf("face %d", 1+i), journey.EvidenceSelfie: fmt.Sprintf("face %d", 1+i),
			} {
				if text == "zone L898902C3" {
					text = "zone " + number
				}
				k.Picture(&sub, kind, []byte(text))
			}
			k.Submission(sub)
			k.Send()
			row := w.decide(sub)
			require.NotEqual(t, journey.Decision(""), row.Decision)
			recheck := w.events(sub)[journey.CentreRecheck]
			require.Equal(t, journey.Pass, recheck.Result, "%s: %v", c.layout, recheck.Detail)
		}
	})
}

func TestTheBarcodeOfALicenceIsReadAgainFromItsBack(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		k := w.kiosk("k")
		for name, c := range map[string]struct {
			said, shows string
			want        journey.Result
		}{
			"as the kiosk said":    {"T64235789", "barcode T64235789", journey.Pass},
			"another number":       {"T64235789", "barcode T64235780", journey.Fail},
			"no barcode to be had": {"T64235789", "nothing", journey.Fail},
		} {
			sub := kiosktest.Anna("k", fmt.Sprintf("licence%d", len(name)), time.Now())
			sub.Document.Layout, sub.Document.Type, sub.Document.IssuingCountry = "AAMVA", journey.DriversLicense, "USA"
			sub.Document.Number, sub.Document.ExpiryDate = c.said, "2031-04-15"
			sub.Document.Person.FamilyName, sub.Document.Person.GivenNames = "ERIKSSON", "ANNA MARIA"
			sub.Document.Person.Birth, sub.Document.Person.Nationality = "1974-08-12", ""
			k.Event(sub.Session, journey.EventSessionCreated)
			for kind, text := range map[journey.EvidenceKind]string{
				journey.EvidenceFront: "face 1", journey.EvidenceBack: c.shows,
				journey.EvidencePortrait: "face 1", journey.EvidenceSelfie: "face 1",
			} {
				k.Picture(&sub, kind, []byte(text))
			}
			k.Submission(sub)
			k.Send()
			w.decide(sub)
			recheck := w.events(sub)[journey.CentreRecheck]
			require.Equal(t, c.want, recheck.Result, "%s: %v", name, recheck.Detail)
		}
	})
}
