package agent

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/aamva"
)

// holder is what the barcode of the tests' licence says.
func holder() aamva.Content {
	return aamva.Content{
		Issuer: "VA", Version: 8, FamilyName: "ERIKSSON", GivenName: "ANNA", MiddleName: "MARIA", Number: "T64235789",
		Birth: "1974-08-12", Issue: "2023-04-15", Expiry: "2031-04-15", Sex: "female",
		Street: "2300 WEST BROAD STREET", City: "RICHMOND", State: "VA", PostalCode: "232690000", Class: "D", Discriminator: "2424244747474786102204",
	}
}

func symbol(t *testing.T, c aamva.Content) *models.Barcode {
	t.Helper()
	data, err := aamva.Write(c)
	require.NoError(t, err)
	return &models.Barcode{Found: true, Data: data}
}

// licenceBack is a picture of a card's back without a zone.
func licenceBack() models.Document {
	d := cardFront()
	d.Portrait, d.PortraitFace, d.Upright = nil, nil, []byte("back of a licence")
	return d
}

// licence shows the sides in turn, and a barcode with each that is a back.
func (b *bench) licence(bar *models.Barcode, sides ...func() models.Document) {
	b.shows(sides...)
	b.engine.OnExamine = func(l models.Looks) (models.Examination, error) {
		if !l.Barcode {
			return models.Examination{}, nil
		}
		n := min(max(1, b.engine.Reads), len(sides)) // of the last reading
		if len(sides[n-1]().Portrait) > 0 {
			return models.Examination{Barcode: &models.Barcode{}}, nil
		}
		return models.Examination{Barcode: bar}, nil
	}
}

func TestALicenceIsReadFromItsBarcode(t *testing.T) {
	for name, sides := range map[string][]func() models.Document{
		"front first": {cardFront, licenceBack},
		"back first":  {licenceBack, cardFront},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t)
				b.licence(symbol(t, holder()), sides...)
				b.start()
				b.to(StepReading)
				b.until("the other side", func(s State) bool { return s.OtherSide })
				s := b.untilStep(StepReview)
				assert.Equal(t, "ERIKSSON", s.Review.FamilyName)
				assert.Equal(t, "ANNA MARIA", s.Review.GivenNames)
				assert.Equal(t, "2031-04-15", s.Review.Expiry)
				time.Sleep(2 * time.Second)
				b.do(Confirm{})
				b.untilStep(StepSelfie)
				events := b.journal()
				assert.Equal(t, journey.Pass, find(t, events, journey.EventBarcodeValidation).Result)
				assert.Equal(t, "VA", find(t, events, journey.EventBarcodeValidation).Detail["issuer"])
				assert.Equal(t, "barcode-instead", find(t, events, journey.EventMRZValidation).Detail["why"])
				assert.Equal(t, journey.Pass, find(t, events, journey.EventExpiredIDCheck).Result)
				subs := b.snapshots()
				d := subs[len(subs)-1].Document
				assert.Equal(t, journey.DriversLicense, d.Type)
				assert.Equal(t, "AAMVA", d.Layout)
				assert.Equal(t, "USA", d.IssuingCountry)
				assert.Equal(t, "2023-04-15", d.IssueDate)
				assert.InDelta(t, 100, subs[len(subs)-1].Recognition, .01)
				b.halt(nil)
			})
		})
	}
}

func TestWhatIsWrongWithALicenceIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*aamva.Content)
		policy func(*journey.Policy)
		bar    func(*models.Barcode)
		print  *models.Text
		want   journey.CodeKey
	}{
		"it has expired":                   {change: func(c *aamva.Content) { c.Expiry = "2020-04-15" }, want: journey.Step1RetryExpiredID},
		"its barcode is another's":         {policy: func(p *journey.Policy) { p.AcceptedTypes = []journey.DocumentType{journey.DriversLicense} }, bar: func(m *models.Barcode) { m.Data = []byte("a parcel") }, want: journey.Step1RetryBarcodeProtocolFail},
		"its barcode is not seen":          {policy: func(p *journey.Policy) { p.AcceptedTypes = []journey.DocumentType{journey.DriversLicense} }, bar: func(m *models.Barcode) { *m = models.Barcode{} }, want: journey.Step1RetryBarcodeProtocolFail},
		"its type is not accepted":         {policy: func(p *journey.Policy) { p.AcceptedTypes = []journey.DocumentType{journey.Passport} }, want: journey.Step1ErrorInvalidIDType},
		"its front is somebody's":          {print: pageOf("LINDQVIST", "BJORN", "T64235789", "12 AUG 1974"), want: journey.Step1RetryDocumentNameMismatch},
		"its front tells another birthday": {print: pageOf("ERIKSSON", "ANNA MARIA", "T64235789", "12 AUG 1991"), want: journey.Step1RetryDocumentDOBMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t, func(cfg *Config) {
					if c.policy != nil {
						c.policy(&cfg.Policy)
					}
				})
				content := holder()
				if c.change != nil {
					c.change(&content)
				}
				bar := symbol(t, content)
				if c.bar != nil {
					c.bar(bar)
				}
				b.licence(bar, cardFront, licenceBack)
				if c.print != nil {
					look := b.engine.OnExamine
					b.engine.OnExamine = func(l models.Looks) (models.Examination, error) {
						if l.Text {
							return models.Examination{Text: c.print}, nil
						}
						return look(l)
					}
				}
				b.start()
				b.to(StepReading)
				s := b.until("an answer", func(s State) bool { return !s.Retake.IsZero() || s.Step == StepReview })
				if s.Step == StepReview {
					time.Sleep(2 * time.Second)
					b.do(Confirm{})
					s = b.until("a retry", func(s State) bool { return !s.Retake.IsZero() || s.Step == StepSelfie })
				}
				assert.Equal(t, c.want, s.Retake)
				b.halt(nil)
			})
		})
	}
}
