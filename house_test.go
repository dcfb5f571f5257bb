// Package vestibule holds no code, only the house's own test: arrows point down.
package vestibule

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// below says which rooms a room may import from, besides itself.
var below = map[string][]string{
	"journey":  {},
	"hardware": {"journey"},
	"models":   {"journey"},
	"sync":     {"journey"},
	"agent":    {"hardware", "models", "sync", "journey"},
	"kiosk-ui": {"agent", "hardware", "models", "sync", "journey"},
	"server":   {"models", "sync", "journey"},
}

// nativeRooms may hold cgo. The SQLite driver is a module of its own.
var nativeRooms = map[string]bool{"hardware": true, "models": true}

type listed struct {
	ImportPath   string
	Standard     bool
	Imports      []string
	TestImports  []string
	XTestImports []string
	CgoFiles     []string
	GoFiles      []string
}

func TestArrowsPointDown(t *testing.T) {
	for _, p := range listPackages(t) {
		room := roomOf(p.ImportPath)
		if room == "" {
			continue
		}
		allowed, known := below[room]
		if !known {
			t.Errorf("%s stands outside the house: no such room %q", p.ImportPath, room)
			continue
		}
		imports := append(append(append([]string(nil), p.Imports...), p.TestImports...), p.XTestImports...)
		for _, imp := range imports {
			to := roomOf(imp)
			if to == "" || to == room {
				continue
			}
			if !contains(allowed, to) {
				t.Errorf("%s imports %s: %s may only use %v", p.ImportPath, imp, room, allowed)
			}
		}
		if len(p.CgoFiles) > 0 && !nativeRooms[room] {
			t.Errorf("%s uses cgo (%v), which lives in hardware/ and models/ only", p.ImportPath, p.CgoFiles)
		}
	}
}

func TestJourneyReadsAsTheSpecification(t *testing.T) {
	for _, p := range listPackages(t) {
		if p.ImportPath != "vestibule/journey" {
			continue
		}
		for _, imp := range p.Imports {
			if strings.Contains(strings.Split(imp, "/")[0], ".") || roomOf(imp) != "" {
				t.Errorf("journey imports %s; it may import the standard library only", imp)
			}
		}
	}
}

func TestSyncFolderHoldsNoGoFiles(t *testing.T) {
	for _, p := range listPackages(t) {
		if p.ImportPath == "vestibule/sync" {
			t.Errorf("sync/ holds %v: a package there would shadow the standard library's sync", p.GoFiles)
		}
	}
}

// listPackages asks the go command for every package of the module.
func listPackages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-e", "-json=ImportPath,Standard,Imports,TestImports,XTestImports,CgoFiles,GoFiles", "./...").Output()
	require.NoError(t, err)
	var all []listed
	dec := json.NewDecoder(bytes.NewReader(out))
	for dec.More() {
		var p listed
		require.NoError(t, dec.Decode(&p))
		all = append(all, p)
	}
	require.NotEmpty(t, all)
	return all
}

// roomOf gives the top folder of one of our packages, or nothing for others.
func roomOf(path string) string {
	rest, ours := strings.CutPrefix(path, "vestibule/")
	if !ours {
		return ""
	}
	room, _, _ := strings.Cut(rest, "/")
	return room
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
