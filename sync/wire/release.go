package wire

import "runtime/debug"

// releaseDigits is how much of a revision names a build.
const releaseDigits = 12

// Release names a build as frames carry it: the revision it was made from, with a + when files were changed
// since, or the toolchain where no revision is known. ok is false for a program without build
// information.
func Release(info *debug.BuildInfo, ok bool) string {
	if !ok || info == nil {
		return "unknown"
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(releaseDigits, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+"
			}
		}
	}
	name := revision + dirty
	if revision == "" {
		name = info.GoVersion
	}
	if !word(name, MaxID) {
		return "unknown"
	}
	return name
}
