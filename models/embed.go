package models

import _ "embed"

//go:embed manifest.json
var manifestJSON string

// ManifestJSON is manifest.json as it was when this binary was built: the list
// of trained networks it trusts. Package manifest reads it. It travels inside
// the binary so that somebody who can change the models directory cannot change
// what is expected of it.
func ManifestJSON() string { return manifestJSON }
