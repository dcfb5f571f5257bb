package journey

import "embed"

//go:embed policy.go age.go rule.go
var policySource embed.FS

// PolicySource gives the files that say what a policy holds, so that its description for people is made
// from the very comments that stand at the fields.
func PolicySource() map[string]string {
	out := map[string]string{}
	for _, name := range []string{"policy.go", "age.go", "rule.go"} {
		text, err := policySource.ReadFile(name)
		if err != nil {
			continue // compiled in: cannot be missing
		}
		out[name] = string(text)
	}
	return out
}
