package agent

import (
	"errors"

	"vestibule/agent/capture"
	"vestibule/agent/store"
	"vestibule/models"
)

// Codes of problems. A screen looks its texts up by them.
const (
	ProblemStarting      = "starting"
	ProblemStoreFull     = "store_full"
	ProblemStoreCorrupt  = "store_corrupt"
	ProblemStoreFailed   = "store_failed"
	ProblemStoreInUse    = "store_in_use"
	ProblemCameraMissing = "camera_missing"
	ProblemCameraDenied  = "camera_denied"
	ProblemCameraGone    = "camera_gone"
	ProblemCameraStalled = "camera_stalled"
	ProblemCameraFormat  = "camera_format"
	ProblemCameraFailed  = "camera_failed"
	ProblemCameraBlack   = "camera_black"
	ProblemModelMissing  = "model_missing"
	ProblemWorkerLost    = "worker_lost"
	ProblemTooOften      = "too_often"
	ProblemPolicyOld     = "policy_old"
)

// problems gives the English texts.
func problems() []Problem {
	return []Problem{
		{ProblemStarting, "The kiosk is starting.", "Please wait a moment."},
		{ProblemStoreFull, "The kiosk's storage is full.", "Ask the staff: connect the kiosk to the centre so that it can hand over what is stored."},
		{ProblemStoreCorrupt, "The kiosk's database is damaged.", "Ask the staff: keep the file, then start once with recovery, which moves it aside and begins anew."},
		{ProblemStoreFailed, "The kiosk could not store what was done.", "Ask the staff: check the storage device, then restart the kiosk."},
		{ProblemStoreInUse, "Another program holds the kiosk's database.", "Ask the staff: only one agent may run with this directory."},
		{ProblemCameraMissing, "The camera is not there.", "Ask the staff: check the camera's cable and its name in the configuration."},
		{ProblemCameraDenied, "The camera may not be used.", "Ask the staff: open its privacy shutter, and close any other program that uses it."},
		{ProblemCameraGone, "The camera was unplugged.", "Ask the staff: plug the camera in again."},
		{ProblemCameraStalled, "The camera sends no pictures.", "Ask the staff: unplug the camera and plug it in again."},
		{ProblemCameraFormat, "The camera offers no format that can be read.", "Ask the staff: use a camera that offers MJPEG or YUYV."},
		{ProblemCameraFailed, "The camera does not work.", "Ask the staff: unplug the camera and plug it in again."},
		{ProblemCameraBlack, "The camera sees nothing.", "Ask the staff: check the camera's shutter and the light."},
		{ProblemModelMissing, "A trained network is missing or altered.", "Ask the staff: install the networks again and restart the kiosk."},
		{ProblemWorkerLost, "The part that looks at pictures does not answer.", "Please try again in a moment. If it stays, ask the staff to restart the kiosk."},
		{ProblemPolicyOld, "The kiosk has not heard from its centre for too long.", "Ask the staff: connect the kiosk to the centre; it opens by itself when it has heard."},
		{ProblemTooOften, "Too many visits were started here.", "Please wait a few minutes, or ask the staff."},
	}
}

// problem gives the Problem of a code.
func problem(code string) *Problem {
	for _, p := range problems() {
		if p.Code == code {
			return &p
		}
	}
	return &Problem{Code: code, Message: "Something does not work.", Hint: "Ask the staff."}
}

// problemOf finds the Problem behind an error.
func problemOf(err error) *Problem {
	var p *Problem
	var f *capture.Failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &p):
		return p
	case errors.As(err, &f):
		return problem(f.Code)
	case errors.Is(err, store.ErrFull):
		return problem(ProblemStoreFull)
	case errors.Is(err, store.ErrCorrupt):
		return problem(ProblemStoreCorrupt)
	case errors.Is(err, store.ErrInUse):
		return problem(ProblemStoreInUse)
	case errors.Is(err, models.ErrModel):
		return problem(ProblemModelMissing)
	case errors.Is(err, models.ErrWorker):
		return problem(ProblemWorkerLost)
	}
	return problem(ProblemStoreFailed)
}
