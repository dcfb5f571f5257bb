package onnx

// Describe is describe, for the tests outside.
var Describe = describe
