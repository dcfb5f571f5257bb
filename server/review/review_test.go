package review

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/journey"
	"vestibule/sync/fault"
)

var (
	noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	one  = journey.ReviewPolicy{Undo: 5 * time.Minute, Lease: 10 * time.Minute, SLA: 20 * time.Hour}
	two  = journey.ReviewPolicy{TwoPersons: true, Undo: 5 * time.Minute, Lease: 10 * time.Minute, SLA: 20 * time.Hour}
)

func item() Item {
	return Open(journey.Verdict{Submission: "a", Session: "s", Decision: journey.Pending, Reason: journey.ReasonCustomPolicy, Event: "e", At: noon}, "k", "p", 1,
		[]Finding{{"custom", journey.Ground{Decision: journey.Pending, Reason: journey.ReasonCustomPolicy}, "a"}}, one)
}

func approve(who string) Vote { return Vote{Who: who, Decision: journey.Approved} }

func reject(who, code string) Vote {
	return Vote{Who: who, Decision: journey.Rejected, Reason: ReasonOf(code), Code: code}
}

func must(t *testing.T) func(Item, error) Item {
	return func(i Item, err error) Item {
		t.Helper()
		require.NoError(t, err)
		return i
	}
}

func refused(t *testing.T, code string) func(Item, error) {
	return func(_ Item, err error) {
		t.Helper()
		require.Equal(t, code, fault.Code(err), "%v", err)
	}
}

func TestAnItemBelongsToWhoeverTookItUpUntilTheTimeIsOver(t *testing.T) {
	ok := must(t)
	i := ok(item().Claim("anna", noon, one))
	require.Equal(t, "anna", i.HeldBy(noon.Add(10*time.Minute-1)))
	refused(t, CodeTaken)(i.Claim("bob", noon.Add(time.Minute), one))
	refused(t, CodeTaken)(i.Decide(approve("bob"), noon.Add(time.Minute), one))

	// What she does lengthens it; the clock ends it.
	i = ok(i.Touch("anna", noon.Add(9*time.Minute), one))
	refused(t, CodeTaken)(i.Claim("bob", noon.Add(18*time.Minute), one))
	refused(t, CodeNotHeld)(i.Decide(approve("anna"), noon.Add(19*time.Minute), one))
	taken := ok(i.Claim("bob", noon.Add(19*time.Minute), one))
	refused(t, CodeTaken)(taken.Touch("anna", noon.Add(19*time.Minute), one))

	// She can give it back herself.
	i = ok(i.Release("anna", noon.Add(10*time.Minute)))
	require.Empty(t, i.HeldBy(noon.Add(10*time.Minute)))
	ok(i.Claim("bob", noon.Add(10*time.Minute), one))
}

func TestADecisionWaitsToBeUndone(t *testing.T) {
	ok := must(t)
	i := ok(ok(item().Claim("anna", noon, one)).Decide(approve("anna"), noon.Add(time.Minute), one))
	require.Equal(t, Leaving, i.State)
	require.Equal(t, noon.Add(6*time.Minute), i.Leaves)
	refused(t, CodeNotDue)(i.Leave(noon.Add(6*time.Minute - 1)))
	refused(t, CodeNotOpen)(i.Claim("bob", noon.Add(2*time.Minute), one))

	back := ok(i.Undo(noon.Add(6*time.Minute - 1)))
	require.Equal(t, Waiting, back.State)
	require.Equal(t, Undone, back.Flag)
	require.Empty(t, back.Votes)
	require.Equal(t, item().Due, back.Due, "its clock went on")
	refused(t, CodeNotDue)(back.Leave(noon.Add(time.Hour)))

	refused(t, CodeGone)(i.Undo(noon.Add(6 * time.Minute)))
	out := ok(i.Leave(noon.Add(6 * time.Minute)))
	v, decided := out.Verdict()
	require.True(t, decided)
	require.Equal(t, journey.Approved, v.Decision)
	refused(t, CodeGone)(out.Undo(noon.Add(6 * time.Minute)))

	again := ok(out.Reopen(noon.Add(time.Hour), one))
	require.Equal(t, Reopened, again.Flag)
	require.Equal(t, noon.Add(21*time.Hour), again.Due)
}

func TestWithoutAnUndoWindowADecisionLeavesAtOnce(t *testing.T) {
	ok := must(t)
	p := one
	p.Undo = -1
	i := ok(ok(item().Claim("anna", noon, p)).Decide(approve("anna"), noon, p))
	ok(i.Leave(noon))
}

func TestTwoPeopleHaveToAgreeWherePolicySaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		second Vote
		state  State
		flag   Flag
		code   string
	}{
		"the same decision leaves":                     {reject("bob", "duplicate_user"), Leaving, "", ""},
		"another decision brings it back":              {approve("bob"), Waiting, Disagreed, ""},
		"another code of a rejection brings it back":   {reject("bob", "duplicated_face"), Waiting, Disagreed, ""},
		"the first person cannot be the second person": {reject("anna", "duplicate_user"), Second, "", CodeSamePerson},
	} {
		t.Run(name, func(t *testing.T) {
			ok := must(t)
			i := ok(ok(item().Claim("anna", noon, two)).Decide(reject("anna", "duplicate_user"), noon, two))
			require.Equal(t, Second, i.State)
			require.Empty(t, i.HeldBy(noon), "the first person has done their part")
			_, decided := i.Verdict()
			require.False(t, decided)
			next, err := i.Claim(c.second.Who, noon, two)
			if c.code != "" {
				require.Equal(t, c.code, fault.Code(err))
				return
			}
			i = ok(ok(next, err).Decide(c.second, noon.Add(time.Minute), two))
			require.Equal(t, c.state, i.State)
			require.Equal(t, c.flag, i.Flag)
			if c.state == Waiting {
				require.Empty(t, i.Votes, "both begin anew")
				ok(i.Claim("anna", noon, two))
			} else {
				require.Len(t, i.Votes, 2)
			}
		})
	}
}

func TestADecisionNeedsWhatTheContractKnows(t *testing.T) {
	held := must(t)(item().Claim("anna", noon, one))
	for name, c := range map[string]struct {
		v    Vote
		code string
	}{
		"a decision that people do not make":            {Vote{Decision: journey.Pending}, CodeMalformed},
		"an approval with a reason":                     {Vote{Decision: journey.Approved, Reason: journey.ReasonAgeLimit}, CodeMalformed},
		"a rejection without a code":                    {Vote{Decision: journey.Rejected, Reason: journey.ReasonAgeLimit}, CodeComment},
		"a code of another step":                        {Vote{Decision: journey.Rejected, Reason: journey.ReasonAgeLimit, Code: "no_face"}, CodeComment},
		"a code that no correction can lead to":         {Vote{Decision: journey.Rejected, Reason: journey.ReasonBlacklistCountry, Code: "id_info_blacklist"}, CodeComment},
		"a reason of a hold":                            {Vote{Decision: journey.Rejected, Reason: journey.ReasonFaceAgentReview, Code: "duplicate_user"}, CodeMalformed},
		"a code that says that a date was corrected":    {reject("", "id_info_notOfAge"), CodeNotCorrected},
		"the code other without a word":                 {reject("", "other"), CodeNoComment},
		"a comment that is too long":                    {Vote{Decision: journey.Approved, Internal: strings.Repeat("x", MaxText+1)}, CodeText},
		"a comment with control characters":             {Vote{Decision: journey.Approved, Comment: "a\x00b"}, CodeText},
		"a rejection as the contract has it is allowed": {reject("", "id_image_badImage"), ""},
		"an approval with comments is allowed":          {Vote{Decision: journey.Approved, Comment: "Welcome.\r\nBye.", Internal: "ok"}, ""},
		"the code other with a word is allowed":         {Vote{Decision: journey.Rejected, Reason: journey.ReasonCustomPolicy, Code: "other", Comment: "Please call."}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.v.Who = "anna"
			_, err := held.Decide(c.v, noon, one)
			require.Equal(t, c.code, fault.Code(err), "%v", err)
			require.Equal(t, c.code == "", err == nil)
		})
	}
	corrected := must(t)(held.Correct("anna", []Field{Birth}, noon, one)).Checked(nil)
	must(t)(corrected.Decide(reject("anna", "id_info_notOfAge"), noon, one))
}

func TestEveryCodeOfARejectionHasAReasonOfARejection(t *testing.T) {
	codes := Codes()
	require.Len(t, codes, 19, "the contract's 20 without one")
	for _, c := range codes {
		_, ok := journey.LookupReason(journey.Rejected, c.Reason)
		require.True(t, ok, c.Code)
		require.NotEmpty(t, c.Text, c.Code)
		if c.Code == "id_info_notOfAge" || c.Code == "other" {
			continue
		}
		held := must(t)(item().Claim("anna", noon, one))
		must(t)(held.Decide(reject("anna", c.Code), noon, one))
	}
	require.Equal(t, journey.ReasonDuplicateUser, ReasonOf("duplicate_user"))
	require.Equal(t, journey.ReasonIDInfoMismatch, ReasonOf("id_info_dataMismatch"))
	require.Empty(t, ReasonOf("nothing"))
}

func TestACorrectionMakesEverybodyLookAgain(t *testing.T) {
	ok := must(t)
	first := ok(ok(item().Claim("anna", noon, two)).Decide(approve("anna"), noon, two))
	i := ok(first.Claim("bob", noon, two))
	mark := i.Mark()
	i = ok(i.Correct("bob", []Field{Birth, Number}, noon, two))
	require.NotEqual(t, mark, i.Mark())
	require.Equal(t, Waiting, i.State, "what the first person decided was on other data")
	require.Empty(t, i.Votes)
	refused(t, CodeChecking)(i.Decide(approve("bob"), noon, two))
	refused(t, CodeUnchanged)(i.Correct("bob", nil, noon, two))
	i = ok(i.Correct("bob", []Field{Birth}, noon, two))
	require.Equal(t, []Field{Birth, Number}, i.Corrected)
	i = i.Checked([]Finding{{Check: "age"}})
	ok(i.Decide(approve("bob"), noon, two))
}

func TestWhatWasFoundAfterADecisionIsUnseen(t *testing.T) {
	old := item().Findings[0]
	fresh := Finding{"pii", journey.Ground{Decision: journey.Rejected, Reason: journey.ReasonPIIDuplicate}, ""}
	require.Equal(t, []Finding{fresh}, item().Unseen([]Finding{fresh, old}))
	require.Empty(t, item().Unseen(nil))
	for basis, unseen := range map[string]bool{"": false, "a": false, "b": true, "a b": true} {
		again := old
		again.Basis = basis
		require.Equal(t, unseen, len(item().Unseen([]Finding{again})) == 1, basis)
	}
	i := item().Return(Findings, []Finding{fresh})
	require.Equal(t, Waiting, i.State)
	require.Empty(t, i.Unseen([]Finding{fresh}))
}

func TestWhomAListCameToNameIsBroughtBackFromEveryState(t *testing.T) {
	var p journey.ReviewPolicy
	found := Finding{Check: "aml", Basis: "un_sc 17"}
	for state, want := range map[State]struct{ held, again bool }{
		Waiting: {held: true}, Second: {}, Leaving: {}, Done: {again: true},
	} {
		i := Item{
			State: state, Holder: "anna", Lease: noon.Add(time.Minute), Opened: noon.Add(-time.Hour), Due: noon.Add(time.Hour), Leaves: noon.Add(time.Minute),
			Votes: []Vote{{Who: "anna"}},
		}
		if state == Waiting {
			i.Votes, i.Leaves = nil, time.Time{}
		}
		got := i.Raise(Listed, found, noon, p)
		require.Equal(t, Waiting, got.State, state)
		require.Equal(t, Listed, got.Flag, state)
		require.Equal(t, []Finding{found}, got.Findings, state)
		require.Empty(t, got.Votes, state)
		require.True(t, got.Leaves.IsZero(), state)
		require.Equal(t, want.held, got.HeldBy(noon) == "anna", state)
		require.Equal(t, want.again, got.Opened.Equal(noon), state)
		require.Len(t, got.Raise(Listed, found, noon, p).Findings, 1, "the same again is nothing new")
	}
}

func TestTheClockGoesFromInTimeToLate(t *testing.T) {
	for after, want := range map[time.Duration]Grade{
		0: InTime, 16 * time.Hour: InTime, 16*time.Hour + 1: Soon, 20 * time.Hour: Soon, 20*time.Hour + 1: Late,
	} {
		left, grade := item().Clock(noon.Add(after))
		require.Equal(t, want, grade, after)
		require.Equal(t, 20*time.Hour-after, left)
	}
}

func TestTheMarkStaysWhileOnlyTimeGoesBy(t *testing.T) {
	i := must(t)(item().Claim("anna", noon, one))
	require.Equal(t, item().Mark(), i.Mark())
	require.Equal(t, i.Mark(), must(t)(i.Touch("anna", noon.Add(time.Minute), one)).Mark())
	require.NotEqual(t, i.Mark(), i.Return(Findings, nil).Mark())
}

func TestAPolicyOlderThanReviewsHasItsTimes(t *testing.T) {
	i := must(t)(item().Claim("anna", noon, journey.ReviewPolicy{}))
	require.Equal(t, noon.Add(10*time.Minute), i.Lease)
	i = must(t)(i.Decide(approve("anna"), noon, journey.ReviewPolicy{}))
	require.Equal(t, noon.Add(5*time.Minute), i.Leaves)
}

// TestNothingLeavesThatWasNotDecidedByEnoughPeople plays any steps of three people.
func TestNothingLeavesThatWasNotDecidedByEnoughPeople(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := rapid.SampledFrom([]journey.ReviewPolicy{one, two}).Draw(t, "policy")
		i, now := item(), noon
		people := []string{"anna", "bob", "eve"}
		for n := range rapid.IntRange(1, 40).Draw(t, "steps") {
			who := rapid.SampledFrom(people).Draw(t, "who")
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(12*time.Minute)).Draw(t, "later")))
			before := i
			next, err := i, error(nil)
			step := rapid.SampledFrom([]string{"claim", "release", "touch", "approve", "reject", "undo", "correct", "check", "leave", "reopen"}).Draw(t, "step")
			switch step {
			case "claim":
				next, err = i.Claim(who, now, policy)
			case "release":
				next, err = i.Release(who, now)
			case "touch":
				next, err = i.Touch(who, now, policy)
			case "approve":
				next, err = i.Decide(approve(who), now, policy)
			case "reject":
				next, err = i.Decide(reject(who, "duplicate_user"), now, policy)
			case "undo":
				next, err = i.Undo(now)
			case "correct":
				next, err = i.Correct(who, []Field{Birth}, now, policy)
			case "check":
				next = i.Checked(nil)
			case "leave":
				next, err = i.Leave(now)
			case "reopen":
				next, err = i.Reopen(now, policy)
			}
			if err != nil {
				require.NotEmpty(t, fault.Code(err), "step %d %s", n, step)
				continue
			}
			i = next
			require.LessOrEqual(t, len(before.Votes), 2)
			switch i.State {
			case Leaving, Done:
				need := 1
				if policy.TwoPersons {
					need = 2
				}
				require.Len(t, i.Votes, need, "%s by %s", step, who)
				if need == 2 {
					require.NotEqual(t, i.Votes[0].Who, i.Votes[1].Who)
					require.Equal(t, i.Votes[0].Decision, i.Votes[1].Decision)
				}
				require.False(t, i.Checking)
			case Second:
				require.Len(t, i.Votes, 1)
			case Waiting:
				require.Empty(t, i.Votes)
			default:
				require.Fail(t, fmt.Sprint("no such state ", i.State))
			}
			if before.HeldBy(now) != "" && step == "claim" {
				require.Equal(t, before.Holder, i.Holder, "nobody takes what another one has")
			}
		}
	})
}

func TestACorrectionChangesOnlyWhatWasEntered(t *testing.T) {
	before := journey.PersonData{FamilyName: "ERIKSSON", GivenNames: "ANNA", Birth: "1974-08-12", Gender: "female", Nationality: "UTO", Number: "L898902C3", Expiry: "2031-04-15"}
	after, changed, err := Corrected(before, map[Field]string{FamilyName: " ERIKSON ", Nationality: "d", GivenNames: "ANNA", Birth: "1974-08-00"})
	require.NoError(t, err)
	require.Equal(t, []Field{FamilyName, Birth, Nationality}, changed)
	want := before
	want.FamilyName, want.Nationality, want.Birth, want.Corrected = "ERIKSON", "D", "1974-08-00", true
	require.Equal(t, want, after)
	for f, bad := range map[Field][]string{
		FamilyName: {"", strings.Repeat("x", 201), "a\nb", "\xff"}, Birth: {"12.8.1974", "1974-13-01", "1974-00-12", ""},
		Gender: {"woman", ""}, Nationality: {"Utopia", "U1", ""}, Number: {"", "ÄÖ", strings.Repeat("1", 41)}, Expiry: {"2031-04-00", "soon"},
	} {
		for _, value := range bad {
			same, _, err := Corrected(before, map[Field]string{f: value})
			require.Equal(t, CodeField, fault.Code(err), "%s %q", f, value)
			require.Equal(t, before, same)
			if value != "" {
				require.NotContains(t, err.Error(), value, "no personal data in an error")
			}
		}
	}
}

func FuzzCorrected(f *testing.F) {
	f.Add("family", "given", "1974-08-12", "x", "UTO", "L1", "2031-04-15")
	f.Add("", "\xff\xfe", "0000-00-00", "", "<<<", "-", "9999-99-99")
	f.Fuzz(func(t *testing.T, family, given, birth, gender, nationality, number, expiry string) {
		entered := map[Field]string{FamilyName: family, GivenNames: given, Birth: birth, Gender: gender, Nationality: nationality, Number: number, Expiry: expiry}
		before := journey.PersonData{Birth: "1974-08-12"}
		after, changed, err := Corrected(before, entered)
		if err != nil {
			require.Equal(t, before, after)
			return
		}
		for _, c := range changed {
			require.LessOrEqual(t, len(c.Of(after)), 200)
			require.NotEqual(t, c.Of(before), c.Of(after))
		}
	})
}
