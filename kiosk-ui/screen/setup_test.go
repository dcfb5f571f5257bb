package screen

import (
	"context"
	"fmt"
	"image"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/agent/setup"
	"vestibule/kiosk-ui/text"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
)

// desk is a set-up that notes what it is asked for; forms are judged as the real one judges them.
type desk struct {
	invited []string
	again   int
	asked   int
}

func (d *desk) Invite(address, token string) *agent.Problem {
	for _, s := range []string{token, address} {
		if _, err := identity.ParseInvitation(s); err == nil {
			d.invited = append(d.invited, s)
			return nil
		}
	}
	at, err := identity.CheckAddress(address)
	if err != nil {
		return &agent.Problem{Code: fault.Code(err)}
	}
	if _, err := identity.ParseToken(token); err != nil {
		return &agent.Problem{Code: fault.Code(err)}
	}
	d.invited = append(d.invited, at+" "+token)
	return nil
}

func (d *desk) Again() { d.again++ }
func (d *desk) Ask()   { d.asked++ }

func (d *desk) Watch(context.Context) <-chan setup.State { return nil }
func (d *desk) Preview() <-chan agent.Picture            { return nil }

var _ SetUp = (*desk)(nil)

// aToken is of no centre.
const aToken = "0000-0000-0000-0000-0000-0000-0000-0000-"

func tokenText(t *testing.T) string {
	t.Helper()
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	for _, a := range letters { // the check characters of a token of zeros
		for _, b := range letters {
			if _, err := identity.ParseToken(aToken + string(a) + string(b)); err == nil {
				return aToken + string(a) + string(b)
			}
		}
	}
	t.Fatal("no token of zeros")
	return ""
}

func setUpScenes() map[string]setup.State {
	out := map[string]setup.State{
		"asking blind":    {Step: setup.Asking, Blind: "camera_missing"},
		"asking":          {Step: setup.Asking, Scanning: true},
		"enrolling":       {Step: setup.Enrolling, Address: "centre.example.org:8443", Kept: true},
		"done":            {Step: setup.Done, Kiosk: "branch-lisbon-12"},
		"kept and asking": {Step: setup.Asking, Scanning: true, Kept: true, Problem: &agent.Problem{Code: "enrolment_other_centre"}},
	}
	for _, code := range setUpCodes() {
		out["refused "+code] = setup.State{Step: setup.Asking, Problem: &agent.Problem{Code: code}}
		out["waiting "+code] = setup.State{Step: setup.Waiting, Kept: true, Problem: &agent.Problem{Code: code}}
	}
	return out
}

func setUpCodes() []string {
	return []string{
		"token_malformed", "token_unknown", "token_expired", "token_used", "kiosk_revoked", "kiosk_exists", "enrolment_unreachable",
		"enrolment_other_centre", "enrolment_clock", "enrolment_busy", "enrolment_failed", "enrolment_strange", "enrolment_address",
		"invitation_malformed", "invitation_version",
	}
}

func TestEverySetUpScreenKeepsTheRulesOfAllScreens(t *testing.T) {
	for _, size := range sizes() {
		for _, l := range languages() {
			u, _, _ := stand(t, size.Width, size.Height, l)
			u.begun = false
			for name, st := range setUpScenes() {
				where := fmt.Sprintf("%vx%v %s %s", size.Width, size.Height, l, name)
				u.setup = nil
				u.ShowSetUp(&desk{}, st)
				u.Preview(scenery())
				u.Tick()
				check(t, u, where)
			}
			u.setup = nil
			u.ShowSetUp(&desk{}, setup.State{Step: setup.Asking})
			u.showHelp()
			check(t, u, l+" help")
			u.hideHelp()
			require.NoError(t, u.Tap("setup-type"))
			check(t, u, fmt.Sprintf("%vx%v %s address", size.Width, size.Height, l))
			require.NoError(t, u.Type("centre.example.org:8443"))
			require.NoError(t, u.Tap("save"))
			require.NoError(t, u.Type(strings.ReplaceAll(tokenText(t), "-", "")))
			check(t, u, fmt.Sprintf("%vx%v %s token", size.Width, size.Height, l))
		}
	}
}

func TestEveryCodeOfASetUpIsExplainedInEveryLanguage(t *testing.T) {
	for _, l := range languages() {
		for _, code := range setUpCodes() {
			assert.True(t, text.In(l).Has("problem."+code+".title") && text.In(l).Has("problem."+code+".advice"), "%s %s", l, code)
		}
	}
}

func TestAddressAndTokenAreTypedOnTheScreen(t *testing.T) {
	token := tokenText(t)
	for name, c := range map[string]struct {
		address, token string
		want           []string
	}{
		"by keys of the screen":           {"c-1.example:8443", token, []string{"c-1.example:8443 " + token}},
		"in small letters without dashes": {"10.0.0.7:8443", strings.ToLower(strings.ReplaceAll(token, "-", "")), []string{"10.0.0.7:8443 " + token}},
	} {
		t.Run(name, func(t *testing.T) {
			u, _, _ := stand(t, 1080, 1920, "en")
			d := &desk{}
			u.ShowSetUp(d, setup.State{Step: setup.Asking})
			require.NoError(t, u.Tap("setup-type"))
			for _, r := range c.address {
				require.NoError(t, u.Tap("key-"+string(r)))
			}
			require.NoError(t, u.Tap("save"))
			for _, r := range strings.ToLower(c.token) {
				if r != '-' {
					require.NoError(t, u.Tap("key-"+string(r)))
				}
			}
			require.NoError(t, u.Tap("save"))
			assert.Equal(t, c.want, d.invited)
			assert.Nil(t, u.field, "what was typed is gone")
		})
	}
}

func TestAHandScannerTypesTheWholeCodeIntoEitherField(t *testing.T) {
	code := "VESTIBULE:1:" + strings.ReplaceAll(tokenText(t), "-", "") + ":CENTRE-1.EXAMPLE.ORG:8443"
	for _, field := range []string{"address", "token"} {
		u, _, _ := stand(t, 1080, 1920, "en")
		d := &desk{}
		u.ShowSetUp(d, setup.State{Step: setup.Asking, Address: ""})
		require.NoError(t, u.Tap("setup-type"))
		if field == "token" {
			require.NoError(t, u.Type("centre.example.org:8443"))
			require.NoError(t, u.Tap("save"))
		}
		require.NoError(t, u.Type(code))
		u.field.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		require.Len(t, d.invited, 1, field)
		i, err := identity.ParseInvitation(d.invited[0])
		require.NoError(t, err)
		assert.Equal(t, "centre-1.example.org:8443", i.Address)
	}
}

func TestASlipIsSaidWhereItWasMadeAndWhatWasTypedStays(t *testing.T) {
	u, _, _ := stand(t, 1080, 1920, "en")
	d := &desk{}
	u.ShowSetUp(d, setup.State{Step: setup.Asking})
	require.NoError(t, u.Tap("setup-type"))
	require.NoError(t, u.Type("centre"))
	require.NoError(t, u.Tap("save"))
	assert.Equal(t, "enrolment_address", u.setup.wrong.Code)
	assert.Equal(t, "centre", u.field.Value())
	require.NoError(t, u.Type(":8443"))
	u.nextLanguage()
	assert.Equal(t, "centre:8443", u.field.Value(), "another language takes nothing away")
	u.ShowSetUp(d, setup.State{Step: setup.Asking, Scanning: true})
	assert.Equal(t, "centre:8443", u.field.Value(), "nor does the camera that comes up")
	require.NoError(t, u.Tap("save"))
	assert.Equal(t, entryToken, u.setup.entry)
	require.NoError(t, u.Type("0000"))
	require.NoError(t, u.Tap("save"))
	assert.Equal(t, "token_malformed", u.setup.wrong.Code)
	assert.Empty(t, d.invited)
	require.NoError(t, u.Tap("cancel"))
	assert.ErrorIs(t, u.Type("x"), ErrNoField)
}

func TestTheSetUpsButtonsReachIt(t *testing.T) {
	u, _, _ := stand(t, 1080, 1920, "en")
	d := &desk{}
	u.ShowSetUp(d, setup.State{Step: setup.Waiting, Kept: true, Problem: &agent.Problem{Code: "enrolment_unreachable"}})
	require.NoError(t, u.Tap("setup-again"))
	require.NoError(t, u.Tap("setup-other"))
	assert.Equal(t, [2]int{1, 1}, [2]int{d.again, d.asked})
	said := strings.Join(u.spoken(), " ")
	assert.Contains(t, said, "enrolment_unreachable", "staff hear the code too")
}

func TestWhenTheSetUpEndsTheKioskIsItsAttractScreen(t *testing.T) {
	u, _, _ := stand(t, 1080, 1920, "en")
	u.begun = false
	u.ShowSetUp(&desk{}, setup.State{Step: setup.Asking, Scanning: true})
	u.Preview(image.NewNRGBA(image.Rect(0, 0, 64, 48)))
	require.NotNil(t, u.live.camera)
	u.EndSetUp()
	assert.Nil(t, u.live.camera)
	_, there := u.SetUp()
	assert.False(t, there)
	var ids []string
	for _, c := range u.Controls() {
		ids = append(ids, c.ID)
	}
	assert.Contains(t, ids, "start")
}
