package config

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a file.
const maxFile = 64 << 10

// file sets what command line and environment left out.
func (l *loading) file(path string) {
	f, err := os.Open(path)
	if err != nil {
		l.wrong(CodeFile, "the file of settings cannot be read", "check path and owner", err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	var text []byte
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	}
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	if err != nil {
		l.wrong(CodeFile, "the file of settings cannot be read", "give a YAML file with a flag's name and its value on each line", err)
		return
	}
	if l.text(text) && info.Mode().Perm()&0o077 != 0 {
		l.wrong(CodeExposed, "the file of settings holds a password, and others may read it", "chmod 600 "+path, nil)
	}
}

// text reads a file's text, and tells whether a password stands in it.
func (l *loading) text(text []byte) (secret bool) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		// The parser's words may repeat the text, and the text may hold a password: its line is enough.
		l.wrong(CodeFile, "the file of settings is no YAML"+place(err), "one line for each setting, such as: http: 127.0.0.1:8080", nil)
		return false
	}
	if len(doc.Content) == 0 {
		return false // nothing but comments
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		l.wrong(CodeFile, "the file of settings is no list of names and values", "one line for each setting, such as: http: 127.0.0.1:8080", nil)
		return false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, node := top.Content[i], top.Content[i+1]
		name, where := key.Value, fmt.Sprintf("line %d: ", key.Line)
		f := l.fs.Lookup(name)
		if key.Kind != yaml.ScalarNode || f == nil || name == FileFlag {
			hint := "server " + l.fs.Name() + " -help lists the names"
			if near := l.near(name); near != "" && near != FileFlag {
				hint = "did you mean " + near + "?"
			}
			l.wrong(CodeKey, where+strconv.Quote(short(name))+" is no setting", hint, nil)
			continue
		}
		if seen[name] {
			l.wrong(CodeValue, where+name+" stands there twice", "leave one of them", nil)
			continue
		}
		seen[name] = true
		value, ok := scalar(node)
		if !ok {
			l.wrong(CodeValue, where+name+" has no value of its kind", "give one value, or a list of them in [ ]", nil)
			continue
		}
		secret = secret || Redact(value) != value
		if l.out.From[name] != FromDefault {
			continue
		}
		if l.fs.Set(name, value) != nil {
			l.wrong(CodeValue, where+"the value of "+name+" cannot be used", f.Usage, nil)
			continue
		}
		l.out.From[name] = FromFile
	}
	return secret
}

// scalar gives a value as the command line would have it: a list's entries are
// separated by commas.
func scalar(n *yaml.Node) (string, bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value, n.Tag != "!!null" && n.Tag != "!!binary"
	case yaml.SequenceNode:
		var all []string
		for _, one := range n.Content {
			if one.Kind != yaml.ScalarNode {
				return "", false
			}
			all = append(all, one.Value)
		}
		return strings.Join(all, ","), true
	}
	return "", false
}

// place gives the line that the parser names, and nothing else of what it says.
func place(err error) string {
	_, rest, ok := strings.Cut(err.Error(), "line ")
	if !ok {
		return ""
	}
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	if digits == 0 {
		return ""
	}
	return " at line " + rest[:digits]
}

// short bounds a name that is shown.
func short(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// Redact hides the password in a URL, if there is one; a URL that cannot be read is
// hidden whole.
func Redact(value string) string {
	if !strings.Contains(value, "://") {
		return value
	}
	const hidden = "hidden"
	u, err := url.Parse(value)
	if err != nil {
		return hidden
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), hidden)
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return hidden
	}
	changed := false
	for name := range q {
		if low := strings.ToLower(name); strings.Contains(low, "password") || strings.Contains(low, "secret") || strings.Contains(low, "token") {
			q[name] = []string{hidden}
			changed = true
		}
	}
	if changed {
		u.RawQuery = q.Encode()
	}
	if _, has := u.User.Password(); !has && !changed {
		return value // not respelled
	}
	return u.String()
}

// quoted writes a value so that YAML reads it back as it is.
func quoted(value string) string {
	out, err := yaml.Marshal(value)
	if err != nil || strings.Contains(strings.TrimSpace(string(out)), "\n") {
		return strconv.Quote(value)
	}
	text := strings.TrimSpace(string(out))
	if value == "true" || value == "false" {
		return value // a switch's value, not a word
	}
	return text
}
