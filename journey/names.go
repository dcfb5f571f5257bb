package journey

// The 115 event names of the contract, in its order. Catalogue says for each which
// stage it belongs to, who speaks, and what it means at a kiosk.
const (
	// Session start · entry.
	EventSessionCreated        EventName = "SESSION_CREATED"
	EventSessionReused         EventName = "SESSION_REUSED"
	EventFrontSessionStart     EventName = "FRONT_SESSION_START"
	EventFrontSessionResumed   EventName = "FRONT_SESSION_RESUMED"
	EventProjectOptionsFetched EventName = "PROJECT_OPTIONS_FETCHED"
	EventNationalityInfoLookup EventName = "NATIONALITY_INFO_LOOKUP"
	EventFlowIDIssued          EventName = "FLOW_ID_ISSUED"
	EventLiveFormHashCreated   EventName = "LIVEFORM_HASH_CREATED"
	EventCheckpointHashCheck   EventName = "CHECKPOINT_HASH_CHECK"
	EventStepView              EventName = "STEP_VIEW"

	// Pre-checks · blocking (Guard / policy).
	EventTokenValidationCheck        EventName = "TOKEN_VALIDATION_CHECK"
	EventPrivateTokenUsageRecorded   EventName = "PRIVATE_TOKEN_USAGE_RECORDED"
	EventPeriodCheck                 EventName = "PERIOD_CHECK"
	EventPacketAbuseCheck            EventName = "PACKET_ABUSE_CHECK"
	EventTurnstileTokenCheck         EventName = "TURNSTILE_TOKEN_CHECK"
	EventIPRiskCheck                 EventName = "IP_RISK_CHECK"
	EventRateLimitCheck              EventName = "RATE_LIMIT_CHECK"
	EventDeviceVerification          EventName = "DEVICE_VERIFICATION"
	EventDeviceValidationRecorded    EventName = "DEVICE_VALIDATION_RECORDED"
	EventFingerprintCheck            EventName = "FINGERPRINT_CHECK"
	EventFingerprintSubmissionLinked EventName = "FINGERPRINT_SUBMISSION_LINKED"

	// Observing API calls from the screen (FE).
	EventCreateFlow                  EventName = "CREATE_FLOW"
	EventGetProject                  EventName = "GET_PROJECT"
	EventQueryProjectOptions         EventName = "QUERY_PROJECT_OPTIONS"
	EventGetNationalityList          EventName = "GET_NATIONALITY_LIST"
	EventCheckpointHash              EventName = "CHECKPOINT_HASH"
	EventHandleLinkToken             EventName = "HANDLE_LINK_TOKEN"
	EventCheckTurnstile              EventName = "CHECK_TURNSTILE"
	EventCheckIPRisk                 EventName = "CHECK_IP_RISK"
	EventCheckRateLimit              EventName = "CHECK_RATE_LIMIT"
	EventCheckFingerprintDuplication EventName = "CHECK_FINGERPRINT_DUPLICATION"
	EventPostDeviceValidation        EventName = "POST_DEVICE_VALIDATION"
	EventCheckApproved               EventName = "CHECK_APPROVED"
	EventSendAuxIDSMS                EventName = "SEND_AUXID_SMS"
	EventVerifyAuxIDSMS              EventName = "VERIFY_AUXID_SMS"
	EventKBStage2SendSMS             EventName = "KB_STAGE2_SEND_SMS"
	EventKBStage2VerifySMS           EventName = "KB_STAGE2_VERIFY_SMS"
	EventAPICall                     EventName = "API_CALL"

	// Screen · environment observation (FE).
	EventAlertShown            EventName = "ALERT_SHOWN"
	EventAPIError              EventName = "API_ERROR"
	EventJSError               EventName = "JS_ERROR"
	EventPageHidden            EventName = "PAGE_HIDDEN"
	EventPageVisible           EventName = "PAGE_VISIBLE"
	EventNetworkOnline         EventName = "NETWORK_ONLINE"
	EventNetworkOffline        EventName = "NETWORK_OFFLINE"
	EventErrorPageViewed       EventName = "ERROR_PAGE_VIEWED"
	EventWebSocketConnected    EventName = "WEBSOCKET_CONNECTED"
	EventWebSocketDisconnected EventName = "WEBSOCKET_DISCONNECTED"
	EventWebSocketError        EventName = "WEBSOCKET_ERROR"

	// Camera · capture (FE).
	EventCameraRequested        EventName = "CAMERA_REQUESTED"
	EventCameraActivated        EventName = "CAMERA_ACTIVATED"
	EventCameraPermissionDenied EventName = "CAMERA_PERMISSION_DENIED"
	EventCameraError            EventName = "CAMERA_ERROR"
	EventTipDialogShown         EventName = "TIP_DIALOG_SHOWN"
	EventIDDocumentRetry        EventName = "ID_DOCUMENT_RETRY"
	EventUploadImage            EventName = "UPLOAD_IMAGE"

	// Auxiliary authentication (SMS · email · address · account).
	EventAuxIDPhoneVerificationStarted   EventName = "AUXID_PHONE_VERIFICATION_STARTED"
	EventAuxIDPhoneVerificationCompleted EventName = "AUXID_PHONE_VERIFICATION_COMPLETED"
	EventVerifyEmail                     EventName = "VERIFY_EMAIL"
	EventSearchAddress                   EventName = "SEARCH_ADDRESS"
	EventGetAddressDetail                EventName = "GET_ADDRESS_DETAIL"
	EventVerifyAccount                   EventName = "VERIFY_ACCOUNT"

	// STEP1 — ID document.
	EventStep1Entered                   EventName = "STEP1_ENTERED"
	EventRegionalValidation             EventName = "REGIONAL_VALIDATION"
	EventDuplicateSubmissionPeriodCheck EventName = "DUPLICATE_SUBMISSION_PERIOD_CHECK"
	EventIDRecognition                  EventName = "ID_RECOGNITION"
	EventIDLivenessVerification         EventName = "ID_LIVENESS_VERIFICATION"
	EventRecognitionScoreEvaluation     EventName = "RECOGNITION_SCORE_EVALUATION"
	EventAgeVerification                EventName = "AGE_VERIFICATION"
	EventMRZValidation                  EventName = "MRZ_VALIDATION"
	EventBarcodeValidation              EventName = "BARCODE_VALIDATION"
	EventBlacklistCountryEvaluation     EventName = "BLACKLIST_COUNTRY_EVALUATION"
	EventExpiredIDCheck                 EventName = "EXPIRED_ID_CHECK"
	EventSubmissionCreated              EventName = "SUBMISSION_CREATED"
	EventStep1Completed                 EventName = "STEP1_COMPLETED"
	EventSubmitStep1                    EventName = "SUBMIT_STEP1"
	EventStep1Result                    EventName = "STEP1_RESULT"

	// Pre-STEP2 (account verification).
	EventValidationAccountEntered    EventName = "VALIDATION_ACCOUNT_ENTERED"
	EventTransferFrequencyLimitCheck EventName = "TRANSFER_FREQUENCY_LIMIT_CHECK"
	EventBankOccupancyRequest        EventName = "BANK_OCCUPANCY_REQUEST"
	EventBankNameCheckRequest        EventName = "BANK_NAMECHECK_REQUEST"
	EventPreStep2Completed           EventName = "PRE_STEP2_COMPLETED"

	// STEP2 — selfie · face.
	EventStep2Entered               EventName = "STEP2_ENTERED"
	EventPIIDuplicatePeriodCheck    EventName = "PII_DUPLICATE_PERIOD_CHECK"
	EventActiveLivenessVerification EventName = "ACTIVE_LIVENESS_VERIFICATION"
	EventLivenessVerification       EventName = "LIVENESS_VERIFICATION"
	EventFaceCompare                EventName = "FACE_COMPARE"
	EventSelfieDuplicateCheck       EventName = "SELFIE_DUPLICATE_CHECK"
	EventCodefVerification          EventName = "CODEF_VERIFICATION"
	EventMexCURPVerification        EventName = "MEX_CURP_VERIFICATION"
	EventBankAuthentication         EventName = "BANK_AUTHENTICATION"
	EventExpiryDateOfStayCheck      EventName = "EXPIRY_DATE_OF_STAY_CHECK"
	EventCountryCodeMatchCheck      EventName = "COUNTRY_CODE_MATCH_CHECK"
	EventCustomPolicyEvaluation     EventName = "CUSTOM_POLICY_EVALUATION"
	EventDuplicateApprovedUserCheck EventName = "DUPLICATE_APPROVED_USER_CHECK"
	EventAMLCheck                   EventName = "AML_CHECK"
	EventFaceCollectionAdd          EventName = "FACE_COLLECTION_ADD"
	EventAddressCollection          EventName = "ADDRESS_COLLECTION"
	EventCreateLivenessSession      EventName = "CREATE_LIVENESS_SESSION"
	EventGetLivenessResult          EventName = "GET_LIVENESS_RESULT"
	EventSubmitStep2                EventName = "SUBMIT_STEP2"
	EventStep2Result                EventName = "STEP2_RESULT"

	// Face Auth (add-on).
	EventGetFaceAuthPreload EventName = "GET_FACEAUTH_PRELOAD"
	EventSubmitFaceAuth     EventName = "SUBMIT_FACEAUTH"

	// Knowledge-Base verification.
	EventKBStage1Init           EventName = "KB_STAGE1_INIT"
	EventKBStage3VerifyIdentity EventName = "KB_STAGE3_VERIFY_IDENTITY"
	EventKBStage4VerifyFace     EventName = "KB_STAGE4_VERIFY_FACE"

	// Final decision · notification.
	EventPending              EventName = "PENDING"
	EventRejected             EventName = "REJECTED"
	EventApproved             EventName = "APPROVED"
	EventStep2Completed       EventName = "STEP2_COMPLETED"
	EventKYCResultWebhookSent EventName = "KYC_RESULT_WEBHOOK_SENT"
	EventKYCResultEmailSent   EventName = "KYC_RESULT_EMAIL_SENT"

	// Post-process.
	EventInjectValidation EventName = "INJECT_VALIDATION"
	EventFinalPageView    EventName = "FINAL_PAGE_VIEW"
)

// Names that a kiosk adds. The contract has no word for these; all start with KIOSK_.
const (
	KioskConsentGiven     EventName = "KIOSK_CONSENT_GIVEN"      // FE: the person agreed; detail: text version
	KioskConsentRefused   EventName = "KIOSK_CONSENT_REFUSED"    // FE: the person declined; the visit ends without a submission
	KioskLanguageChosen   EventName = "KIOSK_LANGUAGE_CHOSEN"    // FE: the person chose a language; detail: language (BCP 47)
	KioskDataConfirmed    EventName = "KIOSK_DATA_CONFIRMED"     // FE: the person accepted what was read
	KioskDataCorrected    EventName = "KIOSK_DATA_CORRECTED"     // FE: the person changed fields; detail: names of the fields, never values
	KioskHandShutter      EventName = "KIOSK_HAND_SHUTTER"       // FE: picture taken by hand, the automatic one did not come
	KioskAskedIfPresent   EventName = "KIOSK_ASKED_IF_PRESENT"   // FE: "are you still there?" was shown
	KioskVisitStopped     EventName = "KIOSK_VISIT_STOPPED"      // FE: the person or staff pressed Stop
	KioskVisitTimedOut    EventName = "KIOSK_VISIT_TIMED_OUT"    // FE: nobody touched the screen for the policy's limit
	KioskPrivacyReset     EventName = "KIOSK_PRIVACY_RESET"      // BE: screen, memory and temporary files cleared; detail: trigger
	KioskStaffLogin       EventName = "KIOSK_STAFF_LOGIN"        // FE: staff unlocked the kiosk
	KioskReceiptShown     EventName = "KIOSK_RECEIPT_SHOWN"      // FE: reference and QR code were on the screen
	KioskStaffHelpOffered EventName = "KIOSK_STAFF_HELP_OFFERED" // FE: a step failed as often as policy allows, staff are called

	KioskChallengeAsked        EventName = "KIOSK_CHALLENGE_ASKED"         // BE: one movement of the active check; detail: challenge
	KioskFlashCheck            EventName = "KIOSK_FLASH_CHECK"             // BE: whether the skin reflected the colours of the screen; detail: score, delay, declined
	KioskInjectionCheck        EventName = "KIOSK_INJECTION_CHECK"         // BE: whether the face's pictures came from the camera; detail: score, findings
	KioskAcceptedDocumentCheck EventName = "KIOSK_ACCEPTED_DOCUMENT_CHECK" // BE: document type and issuer against the policy
	KioskPersonalNumberCheck   EventName = "KIOSK_PERSONAL_NUMBER_CHECK"   // BE: form, check digits and birth date of a personal number; detail: kind, check, differs, never the number
	KioskFrontBackCheck        EventName = "KIOSK_FRONT_BACK_CHECK"        // BE: both sides belong to one document
	KioskChipRead              EventName = "KIOSK_CHIP_READ"               // BE: contactless chip of the document
	KioskImageQualityCheck     EventName = "KIOSK_IMAGE_QUALITY_CHECK"     // BE: sharpness, glare and light of a captured picture
	KioskRetryExhausted        EventName = "KIOSK_RETRY_EXHAUSTED"         // BE: a step failed as often as policy allows; provisional, the centre decides
	KioskProvisionalOutcome    EventName = "KIOSK_PROVISIONAL_OUTCOME"     // BE: what the kiosk could tell before the centre decides
	KioskVerdictReceived       EventName = "KIOSK_VERDICT_RECEIVED"        // BE: the centre's decision arrived at the kiosk
	KioskVisitRecovered        EventName = "KIOSK_VISIT_RECOVERED"         // BE: a visit was found after a crash or power cut; result says resumed or dropped

	KioskSelfTest         EventName = "KIOSK_SELF_TEST"         // BE: cameras, models, store and clock tested
	KioskLivenessHead     EventName = "KIOSK_LIVENESS_HEAD"     // BE: the calibration of passive liveness that is in force, or why there is none; detail: clips, eerBefore, eerAfter, model, made
	KioskPolicyApplied    EventName = "KIOSK_POLICY_APPLIED"    // BE: a new policy version is in force
	KioskSealKeyApplied   EventName = "KIOSK_SEAL_KEY_APPLIED"  // BE: evidence is sealed to another key of the centre from the next visit on, or why not; detail: key, number, code
	KioskFrameRefused     EventName = "KIOSK_FRAME_REFUSED"     // BE: frames came that are not proved to be the centre's; at most one an hour; detail: code
	KioskPolicyOld        EventName = "KIOSK_POLICY_OLD"        // BE: the centre's last word passed 80 % of the policy's offlineLimit, or all of it; detail: hours
	KioskListApplied      EventName = "KIOSK_LIST_APPLIED"      // BE: a new list version is in force
	KioskStorageLow       EventName = "KIOSK_STORAGE_LOW"       // BE: free space under the warning or the limit
	KioskQueueOld         EventName = "KIOSK_QUEUE_OLD"         // BE: the oldest unsent record passed the warning or the limit
	KioskClockChanged     EventName = "KIOSK_CLOCK_CHANGED"     // BE: the clock jumped or its confidence changed
	KioskTamper           EventName = "KIOSK_TAMPER"            // BE: housing or a device was interfered with
	KioskWorkerRestarted  EventName = "KIOSK_WORKER_RESTARTED"  // BE: the vision worker died and was started again
	KioskCameraStalled    EventName = "KIOSK_CAMERA_STALLED"    // BE: frames stopped coming
	KioskCameraRecovered  EventName = "KIOSK_CAMERA_RECOVERED"  // BE: frames come again
	KioskCameraClosed     EventName = "KIOSK_CAMERA_CLOSED"     // BE: the camera was released
	KioskScannerRequested EventName = "KIOSK_SCANNER_REQUESTED" // FE: a scan was asked for
	KioskScannerActivated EventName = "KIOSK_SCANNER_ACTIVATED" // FE: the scanner began
	KioskScannerCompleted EventName = "KIOSK_SCANNER_COMPLETED" // FE: a page was scanned
	KioskScannerError     EventName = "KIOSK_SCANNER_ERROR"     // FE: the scanner failed
	KioskClosed           EventName = "KIOSK_CLOSED"            // BE: the kiosk takes no visits; detail: problem code
	KioskOpened           EventName = "KIOSK_OPENED"            // BE: the kiosk takes visits again
)

// Names that the centre adds. All start with CENTRE_.
const (
	CentreRecheck                 EventName = "CENTRE_RECHECK"                   // BE: sealed evidence read again; pass when kiosk and centre agree
	CentreRecheckDiffers          EventName = "CENTRE_RECHECK_DIFFERS"           // BE: a kiosk and the centre read evidence differently too often; detail: how often, of how many
	CentreReceived                EventName = "CENTRE_RECEIVED"                  // BE: a submission's records are complete in the centre's database
	CentreAcceptedDocumentCheck   EventName = "CENTRE_ACCEPTED_DOCUMENT_CHECK"   // BE: document type and issuer against the policy
	CentreFaceAgeCheck            EventName = "CENTRE_FACE_AGE_CHECK"            // BE: how old the face looks, against the policy's conditions
	CentreFlashCheck              EventName = "CENTRE_FLASH_CHECK"               // BE: whether the colour challenge was held, where policy wants it
	CentreSupersededPassportCheck EventName = "CENTRE_SUPERSEDED_PASSPORT_CHECK" // BE: another passport of the same holder and state is newer, or this one is void
	CentreSuspectedDuplicateCheck EventName = "CENTRE_SUSPECTED_DUPLICATE_CHECK" // BE: whether somebody came before whose data nearly agree
	CentreEvidenceCheck           EventName = "CENTRE_EVIDENCE_CHECK"            // BE: evidence opened and its hashes and signatures hold
	CentreReviewed                EventName = "CENTRE_REVIEWED"                  // BE: a reviewer decided; detail: who, and what they overrode
	CentreCorrected               EventName = "CENTRE_CORRECTED"                 // BE: a reviewer corrected personal data; detail: who, and which fields, never values
	CentreVerdictSent             EventName = "CENTRE_VERDICT_SENT"              // BE: the decision was queued for the kiosk
	CentreVerdictDelivered        EventName = "CENTRE_VERDICT_DELIVERED"         // BE: the kiosk acknowledged the decision
	CentreSequenceGap             EventName = "CENTRE_SEQUENCE_GAP"              // BE: records of a kiosk are missing, altered or repeated
	CentreRescreened              EventName = "CENTRE_RESCREENED"                // BE: a person was screened again against a newer list
)

// Prefixes of the names that are not the contract's.
const (
	KioskPrefix  = "KIOSK_"
	CentrePrefix = "CENTRE_"
)
