package screen

import (
	"strings"

	"vestibule/agent"
	"vestibule/journey"
	"vestibule/kiosk-ui/text"
)

// start begins a visit. What the screen asks the agent for at the beginning of
// every visit is observed with it, once the agent has taken the start.
func (u *UI) start() {
	l := u.language
	u.command("start", agent.Start{},
		note{Name: journey.EventFrontSessionStart, Path: "/"},
		note{Name: journey.EventCreateFlow, Path: "/"},
		note{Name: journey.EventGetProject, Path: "/"},
		note{Name: journey.EventQueryProjectOptions, Path: "/"},
		note{Name: journey.EventGetNationalityList, Path: "/", Detail: map[string]string{"language": l}},
	)
}

// asked is the note of a command that has no name of its own in the contract.
func (u *UI) asked(command string) note {
	return note{Name: journey.EventAPICall, Path: u.state.Path, Detail: map[string]string{"command": command}}
}

func (u *UI) choose(code string) {
	u.command("choose-language", agent.ChooseLanguage{Language: code}, u.asked("choose-language"))
}

func (u *UI) consented(given bool) {
	u.command("consent", agent.Consent{Given: given}, u.asked("consent"))
}

func (u *UI) take() { u.command("take-now", agent.TakeNow{}, u.asked("take-now")) }

func (u *UI) retake() {
	u.command("retake", agent.Retake{}, note{Name: journey.EventIDDocumentRetry, Path: u.state.Path, Detail: map[string]string{"by": "person"}})
}

func (u *UI) confirm() {
	if u.state.Step != agent.StepReview || u.draft == nil {
		return
	}
	u.command("confirm", agent.Confirm{Person: *u.draft}, note{Name: journey.EventSubmitStep1, Path: u.state.Path})
}

func (u *UI) back() {
	if u.editing != "" {
		u.endEdit()
		return
	}
	u.command("back", agent.Back{}, u.asked("back"))
}

func (u *UI) stillHere() { u.command("still-here", agent.StillHere{}, u.asked("still-here")) }

// stop ends the visit. It is never dropped because something else is on its way.
func (u *UI) stop() {
	u.busy = false
	u.command("stop", agent.Stop{})
}

func (u *UI) finish() { u.command("done", agent.Done{}) }

func (u *UI) showHelp() {
	u.help = true
	u.observe(journey.EventAlertShown, map[string]string{"text": "help", "language": u.languageCode()})
	u.compose()
}

func (u *UI) hideHelp() {
	u.help = false
	u.compose()
}

func (u *UI) toggleContrast() {
	u.strong = !u.strong
	u.compose()
}

// nextLanguage changes what the attract screen speaks. The visit asks again.
func (u *UI) nextLanguage() {
	all := text.Languages()
	for i, l := range all {
		if l.Code == u.languageCode() {
			u.language = all[(i+1)%len(all)].Code
			break
		}
	}
	if u.state.Step != agent.StepAttract { // error, closed: the agent's language rules until the person changes it here
		u.state.Language = u.language
	}
	u.compose()
}

// listen reads title and sentence of the present screen out. Nothing of a person is in them.
func (u *UI) listen() {
	if u.opts.Voice != nil {
		u.opts.Voice.Say(u.look.Text.Voice, strings.Join(u.spoken(), ". "))
	}
}

func (u *UI) spoken() []string {
	s := u.state
	if u.fault != nil {
		title, advice := u.look.Text.Problem(u.fault.Code)
		return []string{title, advice}
	}
	if u.setup != nil {
		title, body := u.setUpWords()
		return []string{title, body}
	}
	switch s.Step {
	case agent.StepLanguage:
		return []string{u.t("language.title")}
	case agent.StepDocument:
		side := documentSide(s)
		out := []string{u.t("document." + side + ".title"), u.t("document." + side + ".body")}
		if !s.Retake.IsZero() {
			out = append(out, u.look.Text.ForCode(s.Retake, s.RetakeVariant))
		}
		if u.live.hint != nil {
			out = append(out, u.live.hint.words.Words())
		}
		return out
	case agent.StepSelfie:
		out := []string{u.t("selfie.title"), u.t("selfie.body")}
		if u.live.hint != nil {
			out = append(out, u.live.hint.words.Words())
		}
		return out
	case agent.StepConsent:
		return []string{u.t("consent.title"), u.t("consent.document"), u.t("consent.face"), u.t("consent.sealed"), u.t("consent.body")}
	case agent.StepError, agent.StepClosed:
		if s.Problem != nil {
			title, advice := u.look.Text.Problem(s.Problem.Code)
			return []string{title, advice}
		}
	}
	key := string(s.Step)
	if s.Step == agent.StepResult && s.Outcome != nil {
		key, _, _, _ = outcomeLook(s.Outcome, u.look.Palette)
	}
	return []string{u.t(key + ".title"), u.t(key + ".body")}
}
