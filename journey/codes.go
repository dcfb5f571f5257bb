package journey

import (
	"strings"
	"sync"
)

// Keys of the contract's codes: step, kind, then the code's own spelling, which
// is kept to the letter (face_compare_underscore included). These are values, not
// settings: nothing assigns to them.
var (
	// The document part asks for another try.
	Step1RetryMRZProtocolFail           = CodeKey{Step1, Retry, "mrz_protocol_fail"}
	Step1RetryBarcodeProtocolFail       = CodeKey{Step1, Retry, "barcode_protocol_fail"}
	Step1RetryInvalidBackDocument       = CodeKey{Step1, Retry, "invalid_back_document"}
	Step1RetryDocumentCountryMismatch   = CodeKey{Step1, Retry, "document_country_mismatch"}
	Step1RetryDocumentExpired           = CodeKey{Step1, Retry, "document_expired"}
	Step1RetryDocumentNameMismatch      = CodeKey{Step1, Retry, "document_name_mismatch"}
	Step1RetryDocumentDOBMismatch       = CodeKey{Step1, Retry, "document_dob_mismatch"}
	Step1RetryMissingExpiryDate         = CodeKey{Step1, Retry, "missing_expiry_date"}
	Step1RetryMissingIssueDate          = CodeKey{Step1, Retry, "missing_issue_date"}
	Step1RetryMissingBirthDate          = CodeKey{Step1, Retry, "missing_birth_date"}
	Step1RetryMissingDocumentNumber     = CodeKey{Step1, Retry, "missing_document_number"}
	Step1RetryMissingPersonalNumber     = CodeKey{Step1, Retry, "missing_personal_number"}
	Step1RetryMissingName               = CodeKey{Step1, Retry, "missing_name"}
	Step1RetryGlareDetected             = CodeKey{Step1, Retry, "glare_detected"}
	Step1RetryRecapturedDocument        = CodeKey{Step1, Retry, "recaptured_document"}
	Step1RetryScreenDetected            = CodeKey{Step1, Retry, "screen_detected"}
	Step1RetryImageForgery              = CodeKey{Step1, Retry, "image_forgery"}
	Step1RetryFeatureVerificationFailed = CodeKey{Step1, Retry, "feature_verification_failed"}
	Step1RetryImageEdited               = CodeKey{Step1, Retry, "image_edited"}
	Step1RetryFakeID                    = CodeKey{Step1, Retry, "fake_id"}
	Step1RetryArtificialImage           = CodeKey{Step1, Retry, "artificial_image"}
	Step1RetryArtificialText            = CodeKey{Step1, Retry, "artificial_text"}
	Step1RetryTextForgery               = CodeKey{Step1, Retry, "text_forgery"}
	Step1RetryCheckDigitFailed          = CodeKey{Step1, Retry, "check_digit_failed"}
	Step1RetryImageTooBlurry            = CodeKey{Step1, Retry, "image_too_blurry"}
	Step1RetryBlackWhiteDocument        = CodeKey{Step1, Retry, "black_white_document"}
	Step1RetryPhysicalDocumentMissing   = CodeKey{Step1, Retry, "physical_document_missing"}
	Step1RetryExpiredID                 = CodeKey{Step1, Retry, "expired_id"}
	Step1RetryIDLivenessFail            = CodeKey{Step1, Retry, "id_liveness_fail"}

	// The document part cannot go on.
	Step1ErrorInvalidPayload      = CodeKey{Step1, Error, "invalid_payload"}
	Step1ErrorInvalidIDImage      = CodeKey{Step1, Error, "invalid_id_image"}
	Step1ErrorInvalidRequest      = CodeKey{Step1, Error, "invalid_request"}
	Step1ErrorInvalidProject      = CodeKey{Step1, Error, "invalid_project"}
	Step1ErrorMissingParameters   = CodeKey{Step1, Error, "missing_parameters"}
	Step1ErrorInvalidIDType       = CodeKey{Step1, Error, "invalid_id_type"}
	Step1ErrorInvalidInputFormat  = CodeKey{Step1, Error, "invalid_input_format"}
	Step1ErrorInvalidEmail        = CodeKey{Step1, Error, "invalid_email"}
	Step1ErrorIDImageError        = CodeKey{Step1, Error, "id_image_error"}
	Step1ErrorDataProcessingError = CodeKey{Step1, Error, "data_processing_error"}
	Step1ErrorSaveImageError      = CodeKey{Step1, Error, "save_image_error"}
	Step1ErrorProcessedSubmission = CodeKey{Step1, Error, "processed_submission"}
	Step1ErrorRejectedSubmission  = CodeKey{Step1, Error, "rejected_submission"}
	Step1ErrorReviewing           = CodeKey{Step1, Error, "reviewing"}
	Step1ErrorNotAnID             = CodeKey{Step1, Error, "not_an_id"}
	Step1ErrorIDDetectionError    = CodeKey{Step1, Error, "id_detection_error"}
	Step1ErrorOcrFail             = CodeKey{Step1, Error, "ocr_fail"}
	Step1ErrorInvalidID           = CodeKey{Step1, Error, "invalid_id"}
	Step1ErrorIDValidationError   = CodeKey{Step1, Error, "id_validation_error"}
	Step1ErrorInvalidIDTypeMode   = CodeKey{Step1, Error, "invalid_idType"}
	Step1ErrorIDLivenessError     = CodeKey{Step1, Error, "id_liveness_error"}

	// The selfie part asks for another try.
	Step2RetryIdentityVerificationFail   = CodeKey{Step2, Retry, "identity_verification_fail"}
	Step2RetryNoFace                     = CodeKey{Step2, Retry, "no_face"}
	Step2RetryFaceCompareUnderscore      = CodeKey{Step2, Retry, "face_compare_underscore"}
	Step2RetryFaceCompareFail            = CodeKey{Step2, Retry, "face_compare_fail"}
	Step2RetryFaceDetectError            = CodeKey{Step2, Retry, "face_detect_error"}
	Step2RetryLivenessFail               = CodeKey{Step2, Retry, "liveness_fail"}
	Step2RetryLivenessError              = CodeKey{Step2, Retry, "liveness_error"}
	Step2RetryBankAuthenticationFail     = CodeKey{Step2, Retry, "bank_authentication_fail"}
	Step2RetryBankAuthenticationCodeFail = CodeKey{Step2, Retry, "bank_authentication_code_fail"}
	Step2RetryBankAuthenticationNameFail = CodeKey{Step2, Retry, "bank_authentication_name_fail"}

	// The selfie part cannot go on.
	Step2ErrorInvalidPayload            = CodeKey{Step2, Error, "invalid_payload"}
	Step2ErrorInvalidRequest            = CodeKey{Step2, Error, "invalid_request"}
	Step2ErrorInvalidFaceImage          = CodeKey{Step2, Error, "invalid_face_image"}
	Step2ErrorMissingParameters         = CodeKey{Step2, Error, "missing_parameters"}
	Step2ErrorInvalidAddressImage       = CodeKey{Step2, Error, "invalid_address_image"}
	Step2ErrorInvalidSubmissionID       = CodeKey{Step2, Error, "invalid_submission_id"}
	Step2ErrorNoSubmission              = CodeKey{Step2, Error, "no_submission"}
	Step2ErrorProcessedSubmission       = CodeKey{Step2, Error, "processed_submission"}
	Step2ErrorRejectedSubmission        = CodeKey{Step2, Error, "rejected_submission"}
	Step2ErrorUnauthorized              = CodeKey{Step2, Error, "unauthorized"}
	Step2ErrorMissingAddress            = CodeKey{Step2, Error, "missing_address"}
	Step2ErrorUnexpectedError           = CodeKey{Step2, Error, "unexpected_error"}
	Step2ErrorVerifyKorError            = CodeKey{Step2, Error, "verify_kor_error"}
	Step2ErrorInvalidBankAuthentication = CodeKey{Step2, Error, "invalid_bank_authentication"}
	Step2ErrorMissingRequiredField      = CodeKey{Step2, Error, "missing_required_field"}
	Step2ErrorBankAuthenticationFail    = CodeKey{Step2, Error, "bank_authentication_fail"}
	Step2ErrorExceeded72hourLimit       = CodeKey{Step2, Error, "exceeded_72hour_limit"}
	Step2ErrorInvalidIDTypeMode         = CodeKey{Step2, Error, "invalid_idType"}
	Step2ErrorFaceValidationError       = CodeKey{Step2, Error, "face_validation_error"}

	// Comment codes of a rejection.
	FinalRejectTooManyRetry               = CodeKey{StepFinal, Reject, "too_many_retry"}
	FinalRejectTimeout                    = CodeKey{StepFinal, Reject, "timeout"}
	FinalRejectDuplicateUser              = CodeKey{StepFinal, Reject, "duplicate_user"}
	FinalRejectBlacklistCountry           = CodeKey{StepFinal, Reject, "blacklistCountry"}
	FinalRejectUnderAgeLimit              = CodeKey{StepFinal, Reject, "under_ageLimit"}
	FinalRejectInvalidAcceptedID          = CodeKey{StepFinal, Reject, "invalid_acceptedID"}
	FinalRejectIDImageInvalidImage        = CodeKey{StepFinal, Reject, "id_image_invalidImage"}
	FinalRejectIDImageInvalidID           = CodeKey{StepFinal, Reject, "id_image_invalidId"}
	FinalRejectIDImageError               = CodeKey{StepFinal, Reject, "id_image_error"}
	FinalRejectIDImageBadImage            = CodeKey{StepFinal, Reject, "id_image_badImage"}
	FinalRejectIDInfoDataMismatch         = CodeKey{StepFinal, Reject, "id_info_dataMismatch"}
	FinalRejectIDInfoBlacklist            = CodeKey{StepFinal, Reject, "id_info_blacklist"}
	FinalRejectIDInfoNotOfAge             = CodeKey{StepFinal, Reject, "id_info_notOfAge"}
	FinalRejectAddressImageInvalidImage   = CodeKey{StepFinal, Reject, "address_image_invalidImage"}
	FinalRejectAddressImageError          = CodeKey{StepFinal, Reject, "address_image_error"}
	FinalRejectAddressImageBadImage       = CodeKey{StepFinal, Reject, "address_image_badImage"}
	FinalRejectAddressInfoExpiredDocument = CodeKey{StepFinal, Reject, "address_info_expiredDocument"}
	FinalRejectAddressInfoDataMismatch    = CodeKey{StepFinal, Reject, "address_info_dataMismatch"}
	FinalRejectOther                      = CodeKey{StepFinal, Reject, "other"}
	FinalRejectDuplicatedFace             = CodeKey{StepFinal, Reject, "duplicated_face"}

	// The API refuses a request.
	AnswerErrorInvalidPayload   = CodeKey{StepGetAnswer, Error, "invalid_payload"}
	AnswerErrorMissingData      = CodeKey{StepGetAnswer, Error, "missing_data"}
	AnswerErrorInvalidProject   = CodeKey{StepGetAnswer, Error, "invalid_project"}
	AnswerErrorInvalidAdmin     = CodeKey{StepGetAnswer, Error, "invalid_admin"}
	AnswerErrorInvalidParameter = CodeKey{StepGetAnswer, Error, "invalid_parameter"}
	AnswerErrorInvalidFormat    = CodeKey{StepGetAnswer, Error, "invalid_format"}
	AnswerErrorProcessingError  = CodeKey{StepGetAnswer, Error, "processing_error"}
)

// DetailVariant is the key of an event's detail that tells the message variant of
// its code, for codes that have several.
const DetailVariant = "variant"

// Code is one message of the contract. Several entries may share a key, and one
// entry may have several messages; Variant, a short name of ours, tells them apart.
type Code struct {
	Key     CodeKey
	Entry   int    // 1..110: place in the contract's list
	Variant string // empty where the key has one message only
	Message string // what is so; words in {braces} are filled by Text
	Hint    string // what to do
}

// Name gives step/kind/code, and the variant after a # where there is one.
func (c Code) Name() string {
	if c.Variant == "" {
		return c.Key.String()
	}
	return c.Key.String() + "#" + c.Variant
}

// Text gives the message with its words in braces filled. One without a
// value goes, together with the brackets around it.
func (c Code) Text(values map[string]string) string {
	text := c.Message
	for _, name := range []string{"pipelines", "parameters", "parameter", "message", "country", "age"} {
		place := "{" + name + "}"
		if value := values[name]; value != "" {
			text = strings.ReplaceAll(text, place, value)
			continue
		}
		text = strings.ReplaceAll(text, " ("+place+")", "")
		text = strings.ReplaceAll(text, place, standIn(name))
	}
	return text
}

func standIn(name string) string {
	switch name {
	case "country":
		return "this country"
	case "age":
		return "the required age"
	}
	return "?"
}

// Codes gives the contract's 120 messages in its order.
func Codes() []Code {
	return []Code{
		{Step1RetryMRZProtocolFail, 1, "", "The machine readable lines could not be found completely.", "Lay the page with the two or three lines of < signs flat, all of it in view."},
		{Step1RetryBarcodeProtocolFail, 2, "", "The barcode could not be read.", "Turn the side with the barcode to the camera and hold it still."},
		{Step1RetryInvalidBackDocument, 3, "", "The two sides do not belong to one document.", "Show both sides of the same document."},
		{Step1RetryDocumentCountryMismatch, 4, "", "The two sides name different issuing countries.", "Show both sides of the same document."},
		{Step1RetryDocumentExpired, 5, "", "The document's validity is over.", "Use a document that is still valid."},
		{Step1RetryDocumentNameMismatch, 6, "", "The two sides carry different names.", "Show both sides of the same document."},
		{Step1RetryDocumentDOBMismatch, 7, "", "The two sides carry different dates of birth.", "Show both sides of the same document."},
		{Step1RetryMissingExpiryDate, 8, "", "The date of expiry could not be found.", "Take the picture again, with that part sharp and uncovered."},
		{Step1RetryMissingIssueDate, 9, "", "The date of issue could not be found.", "Take the picture again, with that part sharp and uncovered."},
		{Step1RetryMissingBirthDate, 10, "", "The date of birth could not be found.", "Take the picture again, with that part sharp and uncovered."},
		{Step1RetryMissingDocumentNumber, 11, "", "The document number could not be found.", "Take the picture again, with that part sharp and uncovered."},
		{Step1RetryMissingPersonalNumber, 12, "", "The personal number could not be found.", "Take the picture again, with that part sharp and uncovered."},
		{Step1RetryMissingName, 13, "", "The name could not be found.", "Take the picture again, with that part sharp and uncovered."},
		{Step1RetryGlareDetected, 14, "", "Light reflects on the document and hides a part of it.", "Tilt the document until the reflection is gone."},
		{Step1RetryRecapturedDocument, 15, "", "The picture shows a copy on another device, not the document.", "Show the document itself."},
		{Step1RetryScreenDetected, 16, "", "The picture shows a screen, not the document.", "Show the document itself."},
		{Step1RetryImageForgery, 17, "", "The document shows signs of forgery.", "Show the original document."},
		{Step1RetryFeatureVerificationFailed, 18, "", "The document does not look like others of its kind.", "Show the original document."},
		{Step1RetryImageEdited, 19, "", "The picture shows traces of editing.", "Show the original document."},
		{Step1RetryFakeID, 20, "", "The document is a known specimen.", "Show the original document."},
		{Step1RetryArtificialImage, 21, "", "The document appears to be computer-made.", "Show the original document."},
		{Step1RetryArtificialText, 22, "", "The writing on the document appears to be computer-made.", "Show the original document."},
		{Step1RetryTextForgery, 23, "", "The writing on the document was altered.", "Show the original document."},
		{Step1RetryCheckDigitFailed, 24, "", "A check digit of the machine readable lines is wrong.", "Show the original document; take care that no reflection or finger covers the lines."},
		{Step1RetryImageTooBlurry, 25, "", "The picture is not sharp.", "Hold the document still until the picture is taken."},
		{Step1RetryBlackWhiteDocument, 26, "", "The document is a copy in black and white.", "Show the original document."},
		{Step1RetryPhysicalDocumentMissing, 27, "", "The document lies at too steep an angle.", "Lay the document flat and straight in the frame."},
		{Step1RetryExpiredID, 28, "", "The document expired.", "Use a document that has not expired."},
		{Step1RetryIDLivenessFail, 29, "", "The document did not prove to be a physical one ({pipelines}).", "Show the document itself: no screen, no print, no exchanged portrait."},
		{Step1ErrorInvalidPayload, 30, "", "The data could not be read, or the picture is missing.", "Send the request again with the picture."},
		{Step1ErrorInvalidIDImage, 31, "", "The picture of the document cannot be used.", "Take another picture of the document."},
		{Step1ErrorInvalidRequest, 32, "", "The project does not exist, or no longer.", "Check the project's id."},
		{Step1ErrorInvalidProject, 33, "", "The project is closed.", "Ask whoever runs the project."},
		{Step1ErrorMissingParameters, 34, "given", "A needed value is missing.", "Fill in everything that is required."},
		{Step1ErrorInvalidIDType, 35, "", "The kind of document is unknown.", "Choose passport, government_id or drivers_license."},
		{Step1ErrorInvalidInputFormat, 36, "", "A value has the wrong format ({parameters}).", "Correct the value that is named."},
		{Step1ErrorInvalidEmail, 37, "", "The e-mail address is not well formed.", "Correct the e-mail address."},
		{Step1ErrorIDImageError, 38, "", "The picture of the document could not be processed.", "Try again."},
		{Step1ErrorDataProcessingError, 39, "", "The data could not be processed.", "Try again."},
		{Step1ErrorSaveImageError, 40, "", "The picture of the document could not be stored.", "Try again; if it happens again, the storage needs attention."},
		{Step1ErrorProcessedSubmission, 41, "step-done", "The document part of this submission is done already.", "Go on with the selfie, or begin anew."},
		{Step1ErrorProcessedSubmission, 41, "approved-period", "An approved submission of the same person exists and the period after it is still running.", "Wait for the period to pass, or use the approved one."},
		{Step1ErrorRejectedSubmission, 42, "", "A rejected submission of the same person exists and the period after it is still running.", "Wait for the period to pass."},
		{Step1ErrorReviewing, 43, "", "A submission of the same person is waiting for its decision.", "Wait for the decision."},
		{Step1ErrorNotAnID, 44, "", "The picture does not show an identity document.", "Show an identity document."},
		{Step1ErrorIDDetectionError, 45, "", "The document could not be looked for.", "Try again."},
		{Step1ErrorOcrFail, 46, "", "This document cannot be read by machine here.", "Use another document."},
		{Step1ErrorInvalidID, 47, "", "This document is not valid under local rules.", "Use another document."},
		{Step1ErrorIDValidationError, 48, "", "The validation of the document could not be carried out.", "Try again later."},
		{Step1ErrorInvalidIDTypeMode, 49, "off", "The project does not let the kind of document be found out by itself.", "Name the kind of document."},
		{Step1ErrorInvalidIDTypeMode, 50, "korea", "For Korean documents the kind must be named.", "Name the kind of document."},
		{Step1ErrorInvalidIDTypeMode, 51, "named", "The project finds the kind of document by itself; none may be named.", "Leave the kind of document open."},
		{Step1ErrorMissingParameters, 52, "back-side", "The back of the document is missing.", "Add the picture of the back."},
		{Step1ErrorIDLivenessError, 53, "", "Whether the document is a physical one could not be checked.", "Try again."},
		{Step2RetryIdentityVerificationFail, 54, "registry", "The authorities' register does not confirm the document ({message}).", "Check the data of the document."},
		{Step2RetryIdentityVerificationFail, 54, "barcode", "The barcode and the data disagree ({message}).", "Check the data of the document."},
		{Step2RetryIdentityVerificationFail, 54, "egn", "The Bulgarian personal number and the data disagree ({message}).", "Check the data of the document."},
		{Step2RetryNoFace, 55, "", "No face could be found in the selfie or on the document.", "Look into the camera, with the whole face in view."},
		{Step2RetryFaceCompareUnderscore, 56, "", "The selfie does not match the portrait of the document.", "Take off what covers the face and look straight into the camera."},
		{Step2RetryFaceCompareFail, 57, "", "No face similar enough to compare could be found.", "Take another selfie."},
		{Step2RetryFaceDetectError, 58, "", "The search for a face failed.", "Try again."},
		{Step2RetryLivenessFail, 59, "", "The face did not prove to be a living one.", "Look straight into the camera in even light; no pictures or screens."},
		{Step2RetryLivenessError, 60, "face-size", "The face is too small to be found.", "Come closer."},
		{Step2RetryLivenessError, 60, "border", "The face is too near the edge of the picture.", "Move to the middle of the frame."},
		{Step2RetryLivenessError, 60, "eye-distance", "The eyes are too near each other in the picture.", "Come closer."},
		{Step2RetryLivenessError, 60, "absolute-size", "The face covers too few pixels.", "Come closer."},
		{Step2RetryLivenessError, 60, "cropped", "A part of the face is outside the picture.", "Move until the whole face is in the frame."},
		{Step2RetryLivenessError, 60, "rotation", "The face is turned away too far.", "Look straight into the camera."},
		{Step2RetryLivenessError, 60, "relative-size", "The face fills too little of the picture.", "Come closer."},
		{Step2RetryBankAuthenticationFail, 61, "", "Neither the code of the test transfer nor the holder's name is right.", "Check the code and the name."},
		{Step2RetryBankAuthenticationCodeFail, 62, "", "The code of the test transfer is not right.", "Check the code."},
		{Step2RetryBankAuthenticationNameFail, 63, "", "The holder's name is not right.", "Check the name."},
		{Step2ErrorInvalidPayload, 64, "", "The data could not be read, or the picture is missing.", "Send the request again with the picture."},
		{Step2ErrorInvalidRequest, 65, "", "The project does not exist, or no longer.", "Check the project's id."},
		{Step2ErrorInvalidFaceImage, 66, "", "The selfie cannot be used.", "Take another selfie."},
		{Step2ErrorMissingParameters, 67, "", "A needed value is missing.", "Fill in everything that is required."},
		{Step2ErrorInvalidAddressImage, 68, "", "The picture of the proof of address cannot be used.", "Take another picture of it."},
		{Step2ErrorInvalidSubmissionID, 69, "", "The submission's id is not right.", "Check the submission's id."},
		{Step2ErrorNoSubmission, 70, "", "The submission could not be found.", "Ask the staff."},
		{Step2ErrorProcessedSubmission, 71, "step-done", "The selfie part of this submission is done already.", "Wait for the decision."},
		{Step2ErrorProcessedSubmission, 71, "approved-period", "An approved submission of the same person exists and the period after it is still running.", "Wait for the period to pass, or use the approved one."},
		{Step2ErrorRejectedSubmission, 72, "", "A rejected submission of the same person exists and the period after it is still running.", "Wait for the period to pass."},
		{Step2ErrorUnauthorized, 73, "", "The API key is not right.", "Check the key."},
		{Step2ErrorMissingAddress, 74, "", "The address is missing.", "Add the address."},
		{Step2ErrorUnexpectedError, 75, "", "The submission could not be completed.", "Try again."},
		{Step2ErrorVerifyKorError, 76, "", "The Korean register cannot be asked just now.", "Use another document, or try again later."},
		{Step2ErrorInvalidBankAuthentication, 77, "", "The account part was not completed.", "Complete the account part first."},
		{Step2ErrorMissingRequiredField, 78, "", "The holder's name or the code of the test transfer is missing.", "Give both."},
		{Step2ErrorBankAuthenticationFail, 79, "", "The holder's name differs between the account part and the selfie part.", "Check the name."},
		{Step2ErrorExceeded72hourLimit, 80, "", "More than 72 hours passed since the document part.", "Begin anew."},
		{Step2ErrorInvalidIDTypeMode, 81, "", "The kind of document was never named.", "Name the kind of document."},
		{Step2ErrorFaceValidationError, 82, "search", "The search for the same face could not be carried out.", "Try again."},
		{Step2ErrorFaceValidationError, 83, "add", "The face could not be added to those of approved people.", "Try again."},
		{FinalRejectTooManyRetry, 84, "", "One step failed as often as the policy allows.", "Ask the staff, or begin anew another day."},
		{FinalRejectTimeout, 85, "", "The submission was begun and retried, but never completed in time.", "Begin anew."},
		{FinalRejectDuplicateUser, 86, "", "The same applicant was approved already.", "Use the approved submission."},
		{FinalRejectBlacklistCountry, 87, "", "Documents issued by {country} are not accepted here.", "Use a document of another issuer, if there is one."},
		{FinalRejectUnderAgeLimit, 88, "", "People under {age} are not accepted here.", "Come back at that age."},
		{FinalRejectInvalidAcceptedID, 89, "", "This kind of document is not accepted here.", "Use one of the accepted documents."},
		{FinalRejectIDImageInvalidImage, 90, "", "The picture does not show an identity document.", "Take a picture of the document."},
		{FinalRejectIDImageInvalidID, 91, "", "The document is not valid for this purpose.", "Use another document."},
		{FinalRejectIDImageError, 92, "", "The picture of the document did not arrive whole.", "Begin anew."},
		{FinalRejectIDImageBadImage, 93, "", "The picture of the document cannot be read.", "Take a sharp picture of the document."},
		{FinalRejectIDInfoDataMismatch, 94, "", "The data given and the document disagree.", "Check the data."},
		{FinalRejectIDInfoBlacklist, 95, "", "Documents issued by {country} are not accepted here; a reviewer corrected the issuer.", "Use a document of another issuer, if there is one."},
		{FinalRejectIDInfoNotOfAge, 96, "", "People under {age} are not accepted here; a reviewer corrected the date of birth.", "Come back at that age."},
		{FinalRejectAddressImageInvalidImage, 97, "", "The proof of address lacks the name or the address.", "Show one with the full name and address."},
		{FinalRejectAddressImageError, 98, "", "The picture of the proof of address did not arrive whole.", "Take it again."},
		{FinalRejectAddressImageBadImage, 99, "", "The picture of the proof of address cannot be read.", "Take a sharp picture of it."},
		{FinalRejectAddressInfoExpiredDocument, 100, "", "The proof of address is too old.", "Show one issued within the last six months."},
		{FinalRejectAddressInfoDataMismatch, 101, "", "The data given and the proof of address disagree.", "Check the data."},
		{FinalRejectOther, 102, "", "A reviewer gave a reason of their own.", "Read the reviewer's note."},
		{FinalRejectDuplicatedFace, 103, "", "The same face belongs to people approved already.", "Ask the staff if this is not so."},
		{AnswerErrorInvalidPayload, 104, "", "The request could not be read.", "Check the format of the request."},
		{AnswerErrorMissingData, 105, "", "A needed value is missing.", "Add it to the request."},
		{AnswerErrorInvalidProject, 106, "", "The project's id is not right.", "Check the project's id."},
		{AnswerErrorInvalidAdmin, 107, "", "The account may not see this project.", "Use an account of this project."},
		{AnswerErrorInvalidParameter, 108, "", "A parameter is not known ({parameter}).", "Remove the parameter."},
		{AnswerErrorInvalidFormat, 109, "", "A parameter has the wrong format ({parameter}).", "Correct the parameter."},
		{AnswerErrorProcessingError, 110, "", "The request could not be completed.", "Try again."},
	}
}

// LookupCode finds the messages of a key: none if the contract does not know it,
// several where it has variants.
func LookupCode(key CodeKey) []Code {
	return codeIndex()[key]
}

// LookupVariant finds one message of a key. An empty or unknown variant gives the key's first.
func LookupVariant(key CodeKey, variant string) (Code, bool) {
	codes := LookupCode(key)
	for _, c := range codes {
		if c.Variant == variant {
			return c, true
		}
	}
	if len(codes) == 0 {
		return Code{}, false
	}
	return codes[0], true
}

// codeIndex is built once and only read afterwards.
var codeIndex = sync.OnceValue(func() map[CodeKey][]Code {
	m := make(map[CodeKey][]Code)
	for _, c := range Codes() {
		m[c.Key] = append(m[c.Key], c)
	}
	return m
})
