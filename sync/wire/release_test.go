package wire

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEveryBuildHasANameThatAFrameCarries(t *testing.T) {
	vcs := func(revision, modified string) *debug.BuildInfo {
		return &debug.BuildInfo{GoVersion: "go1.26.8", Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: modified},
		}}
	}
	const revision = "d0705c95feaa0123456789abcdef0123456789ab"
	for name, c := range map[string]struct {
		info *debug.BuildInfo
		want string
	}{
		"from a clone":                     {vcs(revision, "false"), "d0705c95feaa"},
		"from a clone that was edited":     {vcs(revision, "true"), "d0705c95feaa+"},
		"from an archive":                  {&debug.BuildInfo{GoVersion: "go1.26.8"}, "go1.26.8"},
		"by a toolchain of somebody's own": {&debug.BuildInfo{GoVersion: "devel go1.27-abc Tue"}, "unknown"},
		"without information":              {nil, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Release(c.info, c.info != nil)
			assert.Equal(t, c.want, got)
			assert.True(t, word(got, MaxID))
		})
	}
}
