package manifest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models"
	"vestibule/models/manifest"
)

func TestTheBuiltInManifestIsWholeAndItsOwnFilesAreAsPinned(t *testing.T) {
	m, err := manifest.Load()
	require.NoError(t, err)
	require.Equal(t, "https://registry.npmjs.org", m.Registry)
	own := 0
	for _, a := range m.Assets {
		if a.Kind == manifest.Own {
			own++
			require.NoError(t, a.CheckFile(filepath.Join("..", "..", filepath.FromSlash(a.File))), "write the new hash of %s into models/manifest.json", a.File)
		}
	}
	require.Positive(t, own)
	require.NotEmpty(t, m.In(manifest.Demo))
	require.Len(t, m.In(), len(m.Assets)-own)
}

// change edits the built-in manifest as plain JSON.
func change(t *testing.T, f func(top map[string]any, first map[string]any)) []byte {
	t.Helper()
	var top map[string]any
	require.NoError(t, json.Unmarshal([]byte(models.ManifestJSON()), &top))
	f(top, top["assets"].([]any)[0].(map[string]any))
	b, err := json.Marshal(top)
	require.NoError(t, err)
	return b
}

func TestAManifestThatCannotBeTrustedIsRefused(t *testing.T) {
	set := func(k string, v any) func(_, first map[string]any) {
		return func(_, first map[string]any) { first[k] = v }
	}
	source := func(path string) map[string]any {
		return map[string]any{"path": path, "sha256": strings.Repeat("ab", 32), "bytes": 1}
	}
	made := func(how map[string]any) func(_, first map[string]any) {
		return func(_, first map[string]any) {
			delete(first, "path")
			first["made"] = how
		}
	}
	good := made(map[string]any{"by": "tfjs", "outputs": []string{"x"}, "from": []any{source("a"), source("b")}})
	_, err := manifest.Parse(change(t, good))
	require.NoError(t, err)
	for name, f := range map[string]func(top, first map[string]any){
		"a file that leaves the directory":  set("file", "../../etc/passwd"),
		"an absolute file":                  set("file", "/etc/passwd"),
		"an unclean file":                   set("file", "a/../b"),
		"a tarball with a query":            set("tarball", "x.tgz?y"),
		"a path inside that leaves":         set("path", "../x"),
		"a short hash":                      set("sha256", "abcd"),
		"an upper-case hash":                set("sha256", strings.Repeat("AB", 32)),
		"no licence":                        set("licence", ""),
		"no size":                           set("bytes", 0),
		"an absurd size":                    set("bytes", 1<<40),
		"an unknown kind":                   set("kind", "magic"),
		"an unknown group":                  set("group", "all"),
		"a package without a version":       set("package", "@scope/name"),
		"an unknown field":                  set("url", "https://example.org"),
		"two assets of one name":            set("name", "face-landmark"),
		"one tarball with two hashes":       set("tarball_sha256", strings.Repeat("ab", 32)),
		"another version of the format":     func(top, _ map[string]any) { top["version"] = 2 },
		"no assets":                         func(top, _ map[string]any) { top["assets"] = []any{} },
		"an own asset that names a package": set("kind", "own"),
		"neither a path nor how it is made": set("path", ""),
		"made in an unknown way":            made(map[string]any{"by": "magic", "outputs": []string{"x"}, "from": []any{source("a"), source("b")}}),
		"made without an output":            made(map[string]any{"by": "tfjs", "from": []any{source("a"), source("b")}}),
		"made of one file":                  made(map[string]any{"by": "tfjs", "outputs": []string{"x"}, "from": []any{source("a")}}),
		"made of a file that leaves":        made(map[string]any{"by": "tfjs", "outputs": []string{"x"}, "from": []any{source("a"), source("../b")}}),
		"made, and with a path of its own": func(_, first map[string]any) {
			first["made"] = map[string]any{"by": "tfjs", "outputs": []string{"x"}, "from": []any{source("a"), source("b")}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := manifest.Parse(change(t, f))
			require.Error(t, err)
		})
	}
	_, err = manifest.Parse([]byte("{"))
	require.Error(t, err)
	_, err = manifest.Parse(change(t, func(_, _ map[string]any) {}))
	require.NoError(t, err)
}

func TestReadingReturnsOnlyWhatIsPinned(t *testing.T) {
	m, err := manifest.Load()
	require.NoError(t, err)
	good, err := m.Read(manifest.Dir(), "face-eye")
	require.NoError(t, err)
	dir := t.TempDir()

	_, err = m.Read(dir, "face-eye")
	require.ErrorIs(t, err, models.ErrModel)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, manifest.Hint)

	file := filepath.Join(dir, "fr_eye.onnx")
	for name, b := range map[string][]byte{
		"one bit differs":  append(append([]byte(nil), good[:len(good)-1]...), good[len(good)-1]^1),
		"one byte missing": good[:len(good)-1],
		"one byte more":    append(append([]byte(nil), good...), 0),
		"empty":            nil,
	} {
		require.NoError(t, os.WriteFile(file, b, 0o600))
		_, err = m.Read(dir, "face-eye")
		require.ErrorIs(t, err, models.ErrModel, name)
		var altered *manifest.AlteredError
		require.ErrorAs(t, err, &altered, name)
		require.Contains(t, err.Error(), altered.Want)
		require.Contains(t, err.Error(), altered.Got)
		_, err = m.Path(dir, "face-eye")
		require.ErrorIs(t, err, models.ErrModel, name)
	}
	require.NoError(t, os.WriteFile(file, good, 0o600))
	b, err := m.Read(dir, "face-eye")
	require.NoError(t, err)
	require.Equal(t, good, b)
	_, err = m.Read(dir, "nobody")
	require.ErrorIs(t, err, models.ErrModel)
	require.ErrorContains(t, m.Verify(dir, manifest.Models), "fr_detect.onnx")
}

func TestTheModelsDirectoryIsFoundFromInsideTheTreeAndCanBeMoved(t *testing.T) {
	require.True(t, filepath.IsAbs(manifest.Dir()) || os.Getenv(manifest.DirEnv) != "")
	t.Setenv(manifest.DirEnv, "/somewhere/else")
	require.Equal(t, "/somewhere/else", manifest.Dir())
	t.Setenv(manifest.DirEnv, "")
	t.Chdir(t.TempDir())
	require.Equal(t, filepath.Join("models", "cache"), manifest.Dir())
}

func FuzzNoManifestCrashesTheParser(f *testing.F) {
	f.Add([]byte(models.ManifestJSON()))
	f.Add([]byte(`{"version":1,"assets":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := manifest.Parse(b); err == nil {
			for _, a := range m.Assets {
				require.True(t, filepath.IsLocal(filepath.FromSlash(a.File)))
				require.Len(t, a.Version(), 12)
			}
		}
	})
}

func TestAnEngineIsKnownAndFitsTheNetwork(t *testing.T) {
	parse := func(kind, more string) error {
		_, err := manifest.Parse([]byte(`{"version":1,"registry":"r","assets":[{"name":"a","kind":"` + kind + `","group":"models","file":"a.onnx",` + more +
			`"sha256":"` + strings.Repeat("0", 64) + `","bytes":1,"licence":"MIT","origin":"o","purpose":"p"}]}`))
		return err
	}
	require.NoError(t, parse("own", ""))
	require.NoError(t, parse("own", `"engine":"onnxruntime",`))
	require.NoError(t, parse("own", `"opencv":true,`))
	require.NoError(t, parse("own", `"engine":"opencv","opencv":true,`))
	require.ErrorContains(t, parse("own", `"engine":"opencv",`), "marked")
	require.ErrorContains(t, parse("own", `"engine":"abacus","opencv":true,`), "abacus")
	require.ErrorContains(t, parse("table", `"opencv":true,`), "no engine")
}
