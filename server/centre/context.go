package centre

// FaceContext binds an encrypted face template to its submission.
func FaceContext(submission string) string { return faceContext(submission) }

// InputContext binds the encrypted input of a decision to it.
func InputContext(decision string) string { return inputContext(decision) }
