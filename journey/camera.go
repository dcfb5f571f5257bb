package journey

// CameraProcessType says how pictures were taken at one stage of the visit.
type CameraProcessType string

// The ten types of the contract.
const (
	FrontUpload      CameraProcessType = "idcard-front-upload"
	FrontCapture     CameraProcessType = "idcard-front-capture"
	FrontAutocapture CameraProcessType = "idcard-front-autocapture"
	BackUpload       CameraProcessType = "idcard-back-upload"
	BackCapture      CameraProcessType = "idcard-back-capture"
	BackAutocapture  CameraProcessType = "idcard-back-autocapture"
	FacePassive      CameraProcessType = "id-document-face-passive"
	FaceActive       CameraProcessType = "id-document-face-active"
	KnowledgePassive CameraProcessType = "knowledge-face-passive"
	KnowledgeActive  CameraProcessType = "knowledge-face-active"
)
