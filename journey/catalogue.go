package journey

import "sync"

// Stage is a part of the journey under which the contract lists events. It groups
// for reading; the order of stages is not the order of causes.
type Stage string

// The 13 stages, in the contract's order.
const (
	StageSession   Stage = "Session start · entry"
	StageGuard     Stage = "Pre-checks · blocking (Guard / policy)"
	StageRequests  Stage = "Observing API calls from the screen (FE)"
	StageScreen    Stage = "Screen · environment observation (FE)"
	StageCamera    Stage = "Camera · capture (FE)"
	StageAuxiliary Stage = "Auxiliary authentication (SMS · email · address · account)"
	StageStep1     Stage = "STEP1 — ID document"
	StagePreStep2  Stage = "Pre-STEP2 (account verification)"
	StageStep2     Stage = "STEP2 — selfie · face"
	StageFaceAuth  Stage = "Face Auth (add-on)"
	StageKnowledge Stage = "Knowledge-Base verification"
	StageDecision  Stage = "Final decision · notification"
	StagePost      Stage = "Post-process"
)

// Stages gives the 13 stages in the contract's order.
func Stages() []Stage {
	return []Stage{
		StageSession,
		StageGuard,
		StageRequests,
		StageScreen,
		StageCamera,
		StageAuxiliary,
		StageStep1,
		StagePreStep2,
		StageStep2,
		StageFaceAuth,
		StageKnowledge,
		StageDecision,
		StagePost,
	}
}

// Entry is what the catalogue says about one event name.
type Entry struct {
	Name     EventName
	Stage    Stage
	Source   Source
	Impact   Impact    // what a failure brings; a recorded pass has ImpactNone
	Pair     EventName // the other side's record of the same action, FE to BE and back; may be empty
	Emitters []Origin  // who may say it first-hand
	Meaning  string    // what it means at a kiosk
}

// EmittedBy reports whether o is among the entry's emitters.
func (e Entry) EmittedBy(o Origin) bool {
	for _, emitter := range e.Emitters {
		if emitter == o {
			return true
		}
	}
	return false
}

// ServerOnly reports whether only the centre may say it.
func (e Entry) ServerOnly() bool {
	return len(e.Emitters) == 1 && e.Emitters[0] == OriginServer
}

// Catalogue gives the 115 events of the contract, in its order. The slice is the caller's.
func Catalogue() []Entry {
	return []Entry{
		{EventSessionCreated, StageSession, BE, ImpactNone, EventFrontSessionStart, byAgent(), "A visit began: the kiosk gave it an id of its own, with or without a network."},
		{EventSessionReused, StageSession, BE, ImpactNone, EventFrontSessionResumed, byAgent(), "A visit was taken up again, by resume code or by staff, never by itself on a shared screen."},
		{EventFrontSessionStart, StageSession, FE, ImpactNone, EventSessionCreated, byUI(), "Somebody touched the attract screen."},
		{EventFrontSessionResumed, StageSession, FE, ImpactNone, EventSessionReused, byUI(), "Somebody came back with a resume slip, or staff reopened the visit."},
		{EventProjectOptionsFetched, StageSession, BE, ImpactNone, EventQueryProjectOptions, byAgent(), "The policy in force was read from the kiosk's store."},
		{EventNationalityInfoLookup, StageSession, BE, ImpactNone, EventGetNationalityList, byAgent(), "The kiosk's site country was looked up; a kiosk has no visitor's address to locate."},
		{EventFlowIDIssued, StageSession, BE, ImpactNone, EventCreateFlow, byAgent(), "Policy, kiosk and session were tied together under one flow id."},
		{EventLiveFormHashCreated, StageSession, BE, ImpactNone, "", byAgent(), "A resume code was made from the last checkpoint."},
		{EventCheckpointHashCheck, StageSession, BE, ImpactBlocked, EventCheckpointHash, byAgent(), "A resume code was checked: known, not too old, of this kiosk, under this policy."},
		{EventStepView, StageSession, FE, ImpactNone, "", byUI(), "A screen came up; the path names it."},
		{EventTokenValidationCheck, StageGuard, BE, ImpactBlocked, EventHandleLinkToken, byAgent(), "An appointment or invitation token was verified against the key the kiosk holds."},
		{EventPrivateTokenUsageRecorded, StageGuard, BE, ImpactNone, "", byBoth(), "A token was used for the first time; the centre settles it when two kiosks claim it."},
		{EventPeriodCheck, StageGuard, BE, ImpactBlocked, "", byBoth(), "Whether this person handed in too recently, after an approval, a rejection or a hold."},
		{EventPacketAbuseCheck, StageGuard, BE, ImpactBlocked, "", byServer(), "Whether records or flow ids arrived again that were already used elsewhere."},
		{EventTurnstileTokenCheck, StageGuard, BE, ImpactBlocked, EventCheckTurnstile, byAgent(), "Whether a person really stands here: a face in front of the camera and a touch, or staff."},
		{EventIPRiskCheck, StageGuard, BE, ImpactBlocked, EventCheckIPRisk, byServer(), "Whether the kiosk speaks from the network it is registered for."},
		{EventRateLimitCheck, StageGuard, BE, ImpactBlocked, EventCheckRateLimit, byBoth(), "Whether this kiosk or this person hands in too often."},
		{EventDeviceVerification, StageGuard, FE, ImpactNone, "", byAgent(), "The kiosk's test of itself as its screen showed it."},
		{EventDeviceValidationRecorded, StageGuard, BE, ImpactBlocked, EventPostDeviceValidation, byServer(), "The centre recorded the kiosk's certificate, software and model versions."},
		{EventFingerprintCheck, StageGuard, BE, ImpactBlocked, EventCheckFingerprintDuplication, byBoth(), "Whether the enrolled identity and the attached devices are this kiosk's own; a second bearer is a clone."},
		{EventFingerprintSubmissionLinked, StageGuard, BE, ImpactBlocked, "", byServer(), "The submission carries the signature of the kiosk that made it."},
		{EventCreateFlow, StageRequests, FE, ImpactNone, EventFlowIDIssued, byUI(), "The screen asked for a new visit."},
		{EventGetProject, StageRequests, FE, ImpactNone, "", byUI(), "The screen asked for the whole policy."},
		{EventQueryProjectOptions, StageRequests, FE, ImpactNone, EventProjectOptionsFetched, byUI(), "The screen asked for single settings of the policy."},
		{EventGetNationalityList, StageRequests, FE, ImpactNone, EventNationalityInfoLookup, byUI(), "The screen asked for the list of countries."},
		{EventCheckpointHash, StageRequests, FE, ImpactNone, EventCheckpointHashCheck, byUI(), "The screen asked for a resume code, or to have one checked."},
		{EventHandleLinkToken, StageRequests, FE, ImpactNone, EventTokenValidationCheck, byUI(), "The screen passed a scanned token on."},
		{EventCheckTurnstile, StageRequests, FE, ImpactNone, EventTurnstileTokenCheck, byUI(), "The screen asked whether a person is present."},
		{EventCheckIPRisk, StageRequests, FE, ImpactNone, EventIPRiskCheck, byUI(), "The screen asked for the standing of the kiosk's network."},
		{EventCheckRateLimit, StageRequests, FE, ImpactNone, EventRateLimitCheck, byUI(), "The screen asked whether another visit is allowed now."},
		{EventCheckFingerprintDuplication, StageRequests, FE, ImpactNone, EventFingerprintCheck, byUI(), "The screen asked for the check of the kiosk's identity."},
		{EventPostDeviceValidation, StageRequests, FE, ImpactNone, EventDeviceValidationRecorded, byUI(), "The kiosk's report about itself was queued for the centre."},
		{EventCheckApproved, StageRequests, FE, ImpactNone, "", byUI(), "The screen asked whether this person is known already."},
		{EventSendAuxIDSMS, StageRequests, FE, ImpactNone, EventAuxIDPhoneVerificationStarted, byUI(), "The screen asked for a code by text message."},
		{EventVerifyAuxIDSMS, StageRequests, FE, ImpactNone, EventAuxIDPhoneVerificationCompleted, byUI(), "The person typed the code from the text message."},
		{EventKBStage2SendSMS, StageRequests, FE, ImpactNone, "", byUI(), "A code by text message was asked for in the flow without a document."},
		{EventKBStage2VerifySMS, StageRequests, FE, ImpactNone, "", byUI(), "The code was typed in the flow without a document."},
		{EventAPICall, StageRequests, FE, ImpactNone, "", byUI(), "Any other command of the screen; the detail names it."},
		{EventAlertShown, StageScreen, FE, ImpactNone, "", byUI(), "A notice covered the screen or a banner appeared."},
		{EventAPIError, StageScreen, FE, ImpactBlocked, "", byUI(), "A command of the screen failed; a missing network alone never counts."},
		{EventJSError, StageScreen, FE, ImpactNone, "", byUI(), "The screen's program failed and recovered."},
		{EventPageHidden, StageScreen, FE, ImpactNone, "", byUI(), "The person walked away, or staff covered the screen."},
		{EventPageVisible, StageScreen, FE, ImpactNone, "", byUI(), "The person came back before everything was cleared."},
		{EventNetworkOnline, StageScreen, FE, ImpactNone, "", byAgent(), "The centre can be reached again."},
		{EventNetworkOffline, StageScreen, FE, ImpactNone, "", byAgent(), "The centre cannot be reached; the visit goes on."},
		{EventErrorPageViewed, StageScreen, FE, ImpactBlocked, "", byUI(), "The error screen came up and the visit could not go on."},
		{EventWebSocketConnected, StageScreen, FE, ImpactNone, "", byAgent(), "The channel that brings results is open."},
		{EventWebSocketDisconnected, StageScreen, FE, ImpactNone, "", byAgent(), "The channel that brings results broke; records are kept and sent later."},
		{EventWebSocketError, StageScreen, FE, ImpactNone, "", byAgent(), "The channel that brings results was refused or failed."},
		{EventCameraRequested, StageCamera, FE, ImpactNone, "", byUI(), "A camera was asked for; the detail says which."},
		{EventCameraActivated, StageCamera, FE, ImpactNone, "", byAgent(), "The first picture of a camera arrived."},
		{EventCameraPermissionDenied, StageCamera, FE, ImpactBlocked, "", byAgent(), "The camera may not be used: refused by the system, shuttered, or refused by the person."},
		{EventCameraError, StageCamera, FE, ImpactBlocked, "", byAgent(), "The camera did not start, froze, or was unplugged."},
		{EventTipDialogShown, StageCamera, FE, ImpactNone, "", byUI(), "A hint for a better picture was shown."},
		{EventIDDocumentRetry, StageCamera, FE, ImpactRetake, "", byUI(), "The document was to be shown again."},
		{EventUploadImage, StageCamera, FE, ImpactNone, "", byAgent(), "A picture was sealed and stored, or its arrival at the centre was confirmed."},
		{EventAuxIDPhoneVerificationStarted, StageAuxiliary, BE, ImpactNone, EventSendAuxIDSMS, byServer(), "A text message with a code went out."},
		{EventAuxIDPhoneVerificationCompleted, StageAuxiliary, BE, ImpactCompleted, EventVerifyAuxIDSMS, byServer(), "The phone number was confirmed by its code."},
		{EventVerifyEmail, StageAuxiliary, FE, ImpactNone, "", byUI(), "The code from an e-mail was typed."},
		{EventSearchAddress, StageAuxiliary, FE, ImpactNone, "", byUI(), "An address was looked for."},
		{EventGetAddressDetail, StageAuxiliary, FE, ImpactNone, "", byUI(), "One of the found addresses was opened."},
		{EventVerifyAccount, StageAuxiliary, FE, ImpactNone, "", byUI(), "An account was to be confirmed."},
		{EventStep1Entered, StageStep1, BE, ImpactNone, "", byAgent(), "The document part began."},
		{EventRegionalValidation, StageStep1, BE, ImpactBlocked, "", byAgent(), "Whether the document's issuer fits the country the kiosk stands in."},
		{EventDuplicateSubmissionPeriodCheck, StageStep1, BE, ImpactBlocked, "", byBoth(), "Whether the same e-mail, phone or document came in before within the period; never the site's address."},
		{EventIDRecognition, StageStep1, BE, ImpactRetake, "", byAgent(), "The document was found in the picture and read."},
		{EventIDLivenessVerification, StageStep1, BE, ImpactRetake, "", byAgent(), "Whether it is the document itself and not a screen, a print or an exchanged portrait."},
		{EventRecognitionScoreEvaluation, StageStep1, BE, ImpactRetake, "", byAgent(), "Whether the reading is certain enough."},
		{EventAgeVerification, StageStep1, BE, ImpactRetake, "", byAgent(), "Whether the person's age could be told and is allowed."},
		{EventMRZValidation, StageStep1, BE, ImpactRetake, "", byAgent(), "Whether the machine readable lines hold together (ICAO 9303 check digits)."},
		{EventBarcodeValidation, StageStep1, BE, ImpactRetake, "", byAgent(), "Whether the document's barcode can be read and is well formed."},
		{EventBlacklistCountryEvaluation, StageStep1, BE, ImpactBlocked, "", byAgent(), "Whether the issuer is one the policy blocks."},
		{EventExpiredIDCheck, StageStep1, BE, ImpactRetake, "", byAgent(), "Whether the document is still valid; the detail tells how far the clock may be trusted."},
		{EventSubmissionCreated, StageStep1, BE, ImpactNone, "", byAgent(), "The submission exists from here on, stored together with its place in the queue."},
		{EventStep1Completed, StageStep1, BE, ImpactCompleted, "", byAgent(), "The document part is done; the selfie may follow."},
		{EventSubmitStep1, StageStep1, FE, ImpactNone, "", byUI(), "The person confirmed what was read."},
		{EventStep1Result, StageStep1, FE, ImpactNone, "", byUI(), "The screen told how the document part ended."},
		{EventValidationAccountEntered, StagePreStep2, BE, ImpactNone, "", byServer(), "The account part began."},
		{EventTransferFrequencyLimitCheck, StagePreStep2, BE, ImpactRejected, "", byServer(), "Whether the day's limit of test transfers is used up."},
		{EventBankOccupancyRequest, StagePreStep2, BE, ImpactRetake, "", byServer(), "A test transfer with a code was asked for."},
		{EventBankNameCheckRequest, StagePreStep2, BE, ImpactRetake, "", byServer(), "The bank was asked for the holder's name."},
		{EventPreStep2Completed, StagePreStep2, BE, ImpactCompleted, "", byServer(), "The account part is done."},
		{EventStep2Entered, StageStep2, BE, ImpactNone, "", byAgent(), "The selfie part began."},
		{EventPIIDuplicatePeriodCheck, StageStep2, BE, ImpactRejected, "", byBoth(), "Whether the same name, birth date, gender and nationality came in within the period."},
		{EventActiveLivenessVerification, StageStep2, BE, ImpactRetake, "", byAgent(), "Whether the person made the movements that were asked for."},
		{EventLivenessVerification, StageStep2, BE, ImpactRetake, "", byAgent(), "Whether the pictures show a living face and not a copy of one."},
		{EventFaceCompare, StageStep2, BE, ImpactRetake, "", byBoth(), "Whether the selfie and the document's portrait show the same person."},
		{EventSelfieDuplicateCheck, StageStep2, BE, ImpactRejected, "", byServer(), "Whether the face belongs to somebody approved already."},
		{EventCodefVerification, StageStep2, BE, ImpactRetake, "", byServer(), "What the Korean authorities' register says about the document."},
		{EventMexCURPVerification, StageStep2, BE, ImpactRetake, "", byBoth(), "Whether the Mexican population number is valid and registered."},
		{EventBankAuthentication, StageStep2, BE, ImpactRetake, "", byServer(), "Whether the code of the test transfer is right."},
		{EventExpiryDateOfStayCheck, StageStep2, BE, ImpactRetake, "", byAgent(), "Whether the permitted stay is still running."},
		{EventCountryCodeMatchCheck, StageStep2, BE, ImpactPending, "", byBoth(), "Whether site, issuer, nationality and declared country agree."},
		{EventCustomPolicyEvaluation, StageStep2, BE, ImpactNone, "", byBoth(), "What the project's own rules make of the evidence."},
		{EventDuplicateApprovedUserCheck, StageStep2, BE, ImpactRejected, "", byServer(), "Whether this applicant was approved before."},
		{EventAMLCheck, StageStep2, BE, ImpactNone, "", byServer(), "Whether the person resembles an entry of a sanctions list."},
		{EventFaceCollectionAdd, StageStep2, BE, ImpactNone, "", byServer(), "The face of an approved person was added to those that later faces are compared with."},
		{EventAddressCollection, StageStep2, BE, ImpactNone, "", byBoth(), "A proof of address was taken or asked for."},
		{EventCreateLivenessSession, StageStep2, FE, ImpactNone, "", byUI(), "The screen asked for movements to show."},
		{EventGetLivenessResult, StageStep2, FE, ImpactNone, "", byUI(), "The screen asked how the movements were judged."},
		{EventSubmitStep2, StageStep2, FE, ImpactNone, "", byUI(), "The selfie was handed in."},
		{EventStep2Result, StageStep2, FE, ImpactNone, "", byUI(), "The screen told how the selfie part ended; without a network that is a receipt."},
		{EventGetFaceAuthPreload, StageFaceAuth, FE, ImpactNone, "", byUI(), "A sign-in by face was prepared."},
		{EventSubmitFaceAuth, StageFaceAuth, FE, ImpactNone, "", byUI(), "A face was shown to sign in."},
		{EventKBStage1Init, StageKnowledge, FE, ImpactNone, "", byUI(), "The flow without a document began."},
		{EventKBStage3VerifyIdentity, StageKnowledge, FE, ImpactNone, "", byUI(), "The given data were to be verified in the flow without a document."},
		{EventKBStage4VerifyFace, StageKnowledge, FE, ImpactNone, "", byUI(), "The face was to be verified in the flow without a document."},
		{EventPending, StageDecision, BE, ImpactPending, "", byServer(), "The centre holds the submission for a person to look at."},
		{EventRejected, StageDecision, BE, ImpactRejected, "", byServer(), "The centre rejected the submission."},
		{EventApproved, StageDecision, BE, ImpactApproved, "", byServer(), "The centre approved the submission."},
		{EventStep2Completed, StageDecision, BE, ImpactCompleted, "", byAgent(), "Everything asked for was captured and checked; the rest is the centre's."},
		{EventKYCResultWebhookSent, StageDecision, BE, ImpactNone, "", byServer(), "The result went out to the customer's system."},
		{EventKYCResultEmailSent, StageDecision, BE, ImpactNone, "", byServer(), "The result went out by e-mail."},
		{EventInjectValidation, StagePost, FE, ImpactApproved, "", byServer(), "The result of an address verification was added afterwards."},
		{EventFinalPageView, StagePost, FE, ImpactCompleted, "", byUI(), "The result or the receipt was on the screen; the journey is complete."},
	}
}

// Additions gives the events that a kiosk or the centre adds to the contract's.
func Additions() []Entry {
	return []Entry{
		{KioskConsentGiven, StageSession, FE, ImpactNone, "", byUI(), "The person agreed."},
		{KioskConsentRefused, StageSession, FE, ImpactBlocked, "", byUI(), "The person declined; the visit ends without a submission."},
		{KioskLanguageChosen, StageSession, FE, ImpactNone, "", byUI(), "The person chose a language."},
		{KioskDataConfirmed, StageStep1, FE, ImpactNone, "", byUI(), "The person accepted what was read."},
		{KioskDataCorrected, StageStep1, FE, ImpactNone, "", byUI(), "The person changed fields."},
		{KioskHandShutter, StageCamera, FE, ImpactNone, "", byUI(), "Picture taken by hand, the automatic one did not come."},
		{KioskAskedIfPresent, StageScreen, FE, ImpactNone, "", byUI(), "The screen asked whether somebody is still there."},
		{KioskVisitStopped, StageScreen, FE, ImpactNone, "", byUI(), "The person or staff pressed Stop."},
		{KioskVisitTimedOut, StageScreen, FE, ImpactNone, "", byUI(), "Nobody touched the screen for the policy's limit."},
		{KioskPrivacyReset, StagePost, BE, ImpactNone, "", byAgent(), "Screen, memory and temporary files cleared."},
		{KioskStaffLogin, StageScreen, FE, ImpactNone, "", byUI(), "Staff unlocked the kiosk."},
		{KioskReceiptShown, StagePost, FE, ImpactNone, "", byUI(), "Reference and QR code were on the screen."},
		{KioskStaffHelpOffered, StageScreen, FE, ImpactNone, "", byUI(), "A step failed as often as policy allows, staff are called."},
		{KioskChallengeAsked, StageStep2, BE, ImpactRetake, "", byAgent(), "One movement of the active check."},
		{KioskFlashCheck, StageStep2, BE, ImpactRetake, "", byAgent(), "Whether the skin reflected the colours that the screen showed; experimental."},
		{KioskInjectionCheck, StageStep2, BE, ImpactRetake, "", byAgent(), "Whether the face's pictures came from the camera."},
		{KioskAcceptedDocumentCheck, StageStep1, BE, ImpactRetake, "", byAgent(), "Document type and issuer against the policy."},
		{KioskPersonalNumberCheck, StageStep1, BE, ImpactRetake, "", byAgent(), "Whether a personal number can exist and says of its holder what the document says."},
		{KioskFrontBackCheck, StageStep1, BE, ImpactRetake, "", byAgent(), "Both sides belong to one document."},
		{KioskChipRead, StageStep1, BE, ImpactNone, "", byAgent(), "Contactless chip of the document."},
		{KioskImageQualityCheck, StageCamera, BE, ImpactRetake, "", byAgent(), "Sharpness, glare and light of a captured picture."},
		{KioskRetryExhausted, StageDecision, BE, ImpactBlocked, "", byAgent(), "A step failed as often as policy allows; provisional, the centre decides."},
		{KioskProvisionalOutcome, StageDecision, BE, ImpactNone, "", byAgent(), "What the kiosk could tell before the centre decides."},
		{KioskVerdictReceived, StageDecision, BE, ImpactNone, "", byAgent(), "The centre's decision arrived at the kiosk."},
		{KioskVisitRecovered, StageSession, BE, ImpactBlocked, "", byAgent(), "A visit was found after a crash or power cut; result says resumed or dropped."},
		{KioskSelfTest, StageGuard, BE, ImpactNone, "", byAgent(), "Cameras, models, store and clock tested."},
		{KioskLivenessHead, StageGuard, BE, ImpactNone, "", byAgent(), "The calibration of passive liveness that is in force, or why there is none."},
		{KioskPolicyApplied, StageGuard, BE, ImpactNone, "", byAgent(), "A new policy version is in force."},
		{KioskSealKeyApplied, StageGuard, BE, ImpactNone, "", byAgent(), "Evidence is sealed to another key of the centre from the next visit on."},
		{KioskFrameRefused, StageGuard, BE, ImpactNone, "", byAgent(), "Frames came that are not proved to be the centre's; nothing of them was believed."},
		{KioskPolicyOld, StageGuard, BE, ImpactNone, "", byAgent(), "The centre's last word passed the warning or the limit of the policy."},
		{KioskListApplied, StageGuard, BE, ImpactNone, "", byAgent(), "A new list version is in force."},
		{KioskStorageLow, StageGuard, BE, ImpactNone, "", byAgent(), "Free space under the warning or the limit."},
		{KioskQueueOld, StageGuard, BE, ImpactNone, "", byAgent(), "The oldest unsent record passed the warning or the limit."},
		{KioskClockChanged, StageGuard, BE, ImpactNone, "", byAgent(), "The clock jumped or its confidence changed."},
		{KioskTamper, StageGuard, BE, ImpactNone, "", byAgent(), "Housing or a device was interfered with."},
		{KioskWorkerRestarted, StageCamera, BE, ImpactNone, "", byAgent(), "The vision worker died and was started again."},
		{KioskCameraStalled, StageCamera, BE, ImpactNone, "", byAgent(), "Frames stopped coming."},
		{KioskCameraRecovered, StageCamera, BE, ImpactNone, "", byAgent(), "Frames come again."},
		{KioskCameraClosed, StageCamera, BE, ImpactNone, "", byAgent(), "The camera was released."},
		{KioskScannerRequested, StageCamera, FE, ImpactNone, "", byUI(), "A scan was asked for."},
		{KioskScannerActivated, StageCamera, FE, ImpactNone, "", byUI(), "The scanner began."},
		{KioskScannerCompleted, StageCamera, FE, ImpactNone, "", byUI(), "A page was scanned."},
		{KioskScannerError, StageCamera, FE, ImpactBlocked, "", byUI(), "The scanner failed."},
		{KioskClosed, StageGuard, BE, ImpactBlocked, "", byAgent(), "The kiosk takes no visits."},
		{KioskOpened, StageGuard, BE, ImpactNone, "", byAgent(), "The kiosk takes visits again."},
		{CentreRecheck, StageStep2, BE, ImpactPending, "", byServer(), "Sealed evidence read again; pass when kiosk and centre agree."},
		{CentreReceived, StageDecision, BE, ImpactNone, "", byServer(), "A submission's records are complete in the centre's database."},
		{CentreAcceptedDocumentCheck, StageStep1, BE, ImpactRejected, "", byServer(), "Document type and issuer against the policy that holds at the centre."},
		{CentreFaceAgeCheck, StageStep2, BE, ImpactPending, "", byServer(), "Whether the face looks as old as the policy wants it to; an impression, which holds and never rejects."},
		{CentreFlashCheck, StageStep2, BE, ImpactPending, "", byServer(), "Whether the colour challenge was held, where the policy wants it."},
		{CentreSupersededPassportCheck, StageStep2, BE, ImpactRejected, "", byServer(), "Another passport of the same holder and state is newer, or this one is void."},
		{CentreSuspectedDuplicateCheck, StageStep2, BE, ImpactPending, "", byServer(), "Whether somebody came before whose data nearly agree."},
		{CentreEvidenceCheck, StageStep2, BE, ImpactPending, "", byServer(), "Evidence opened and its hashes and signatures hold."},
		{CentreReviewed, StageDecision, BE, ImpactNone, "", byServer(), "A reviewer decided."},
		{CentreCorrected, StageDecision, BE, ImpactNone, "", byServer(), "A reviewer corrected personal data, and the centre's checks ran again."},
		{CentreVerdictSent, StageDecision, BE, ImpactNone, "", byServer(), "The decision was queued for the kiosk."},
		{CentreVerdictDelivered, StageDecision, BE, ImpactNone, "", byServer(), "The kiosk acknowledged the decision."},
		{CentreRecheckDiffers, StageGuard, BE, ImpactNone, "", byServer(), "A kiosk and the centre read evidence differently too often."},
		{CentreSequenceGap, StageGuard, BE, ImpactNone, "", byServer(), "Records of a kiosk are missing, altered or repeated."},
		{CentreRescreened, StageStep2, BE, ImpactNone, "", byServer(), "A person was screened again against a newer list."},
	}
}

// Lookup finds a name among the contract's events and our additions.
func Lookup(name EventName) (Entry, bool) {
	e, ok := index()[name]
	return e, ok
}

// index is built once and only read afterwards.
var index = sync.OnceValue(func() map[EventName]Entry {
	m := make(map[EventName]Entry)
	for _, e := range append(Catalogue(), Additions()...) {
		m[e.Name] = e
	}
	return m
})

func byUI() []Origin     { return []Origin{OriginKioskUI} }
func byAgent() []Origin  { return []Origin{OriginAgent} }
func byServer() []Origin { return []Origin{OriginServer} }
func byBoth() []Origin   { return []Origin{OriginAgent, OriginServer} }
