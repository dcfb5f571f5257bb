// Package config fills a command's flags from three places: the command line, the
// environment, and a file. The first that names a setting wins, in this order.
// Everything that is wrong in any of them is told at once.
//
// What may live here: reading, precedence, and telling what is wrong. What may not:
// what a setting means; the command that registers the flag knows.
package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"vestibule/sync/fault"
)

// Prefix leads the variables of the environment: -behind-proxy is VESTIBULE_BEHIND_PROXY.
const Prefix = "VESTIBULE_"

// FileFlag is the flag that names the file. It stands in no file itself.
const FileFlag = "config"

// Codes of what may be wrong.
const (
	CodeFlag        = "flag_wrong"         // on the command line
	CodeEnvironment = "environment_wrong"  // a variable
	CodeValue       = "config_value"       // a value in the file
	CodeKey         = "config_key_unknown" // a name in the file that is no setting
	CodeFile        = "config_unreadable"  // the file cannot be read, or is no YAML mapping
	CodeExposed     = "config_exposed"     // the file holds a password, and others may read it
)

// Source says where a setting comes from.
type Source string

// The sources, the first that names a setting wins.
const (
	FromFlag        Source = "flag"
	FromEnvironment Source = "environment"
	FromFile        Source = "file"
	FromDefault     Source = "default"
)

// Loaded is what Load found.
type Loaded struct {
	Operands []string
	File     string            // that was read; empty: none
	From     map[string]Source // of every flag
}

// Load sets the flags of fs from args, then from environ (as os.Environ gives it)
// what args left out, then from the file that FileFlag names what both left out. It
// returns flag.ErrHelp when help was asked for; else one fault for each thing that
// is wrong, joined. What could be set is set all the same. No fault repeats a value
// that came from the environment or the file: it may be a secret.
func Load(fs *flag.FlagSet, args, environ []string) (Loaded, error) {
	l := loading{fs: fs, out: Loaded{From: map[string]Source{}}}
	fs.VisitAll(func(f *flag.Flag) { l.out.From[f.Name] = FromDefault })
	if err := l.line(args); err != nil {
		return l.out, err
	}
	l.environment(environ)
	if f := fs.Lookup(FileFlag); f != nil && f.Value.String() != "" {
		l.out.File = f.Value.String()
		l.file(l.out.File)
	}
	return l.out, errors.Join(l.problems...)
}

type loading struct {
	fs       *flag.FlagSet
	out      Loaded
	problems []error
}

func (l *loading) wrong(code, message, hint string, err error) {
	l.problems = append(l.problems, fault.New(code, message, hint, err))
}

// line reads the command line to its end: the flag package stops at the first
// mistake, and goes on behind it when asked again.
func (l *loading) line(args []string) error {
	out, usage := l.fs.Output(), l.fs.Usage
	l.fs.SetOutput(io.Discard)
	l.fs.Usage = func() {}
	defer func() {
		l.fs.SetOutput(out)
		l.fs.Usage = usage
	}()
	for {
		err := l.fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			l.fs.SetOutput(out)
			usage()
			return err
		}
		args = l.fs.Args()
		if err != nil {
			l.wrong(CodeFlag, "the command line is not understood", l.hint(err), err)
			continue
		}
		if len(args) == 0 {
			break
		}
		l.out.Operands, args = append(l.out.Operands, args[0]), args[1:]
	}
	l.fs.Visit(func(f *flag.Flag) { l.out.From[f.Name] = FromFlag })
	return nil
}

// hint names the flag that was probably meant.
func (l *loading) hint(err error) string {
	if _, name, ok := strings.Cut(err.Error(), "flag provided but not defined: -"); ok {
		if near := l.near(strings.TrimLeft(name, "-")); near != "" {
			return "did you mean -" + near + "?"
		}
	}
	return "server " + l.fs.Name() + " -help lists the flags"
}

// Variable names the environment's variable for a flag.
func Variable(name string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// environment sets what the command line left out. An empty variable counts as none.
// A variable that is no setting may belong to another program of the house; only one
// that looks like a slip of the pen is told.
func (l *loading) environment(environ []string) {
	known := map[string]string{}
	l.fs.VisitAll(func(f *flag.Flag) { known[Variable(f.Name)] = f.Name })
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		variable, value, ok := strings.Cut(entry, "=")
		if !ok || value == "" || !strings.HasPrefix(variable, Prefix) {
			continue
		}
		name, is := known[variable]
		if !is {
			if near := l.near(plain(variable)); near != "" {
				l.wrong(CodeEnvironment, variable+" is no setting", "did you mean "+Variable(near)+"?", nil)
			}
			continue
		}
		if l.out.From[name] == FromFlag {
			continue
		}
		if l.fs.Set(name, value) != nil {
			l.wrong(CodeEnvironment, "the value of "+variable+" cannot be used", "-"+name+": "+l.fs.Lookup(name).Usage, nil)
			continue
		}
		l.out.From[name] = FromEnvironment
	}
}

// plain turns a variable's name into how its flag would be spelled.
func plain(variable string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, Prefix), "_", "-"))
}

// near finds the one flag that name may be a misspelling of; empty: none, or several.
func (l *loading) near(name string) string {
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	best, found, several := 2, "", false
	l.fs.VisitAll(func(f *flag.Flag) {
		d := distance(name, f.Name, best)
		if d >= len(f.Name) || d >= len(name) {
			return // nothing of it would be left
		}
		switch {
		case d < best, d == best && found == "":
			best, found, several = d, f.Name, false
		case d == best:
			several = true
		}
	})
	if several {
		return ""
	}
	return found
}

// distance counts the letters to insert, drop or change between two words, where
// swapping neighbours counts once; beyond most it only says that it is.
func distance(a, b string, most int) int {
	if len(a) > len(b)+most || len(b) > len(a)+most {
		return most + 1
	}
	two, one := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range one {
		one[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(one[j]+1, row[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
		}
		two, one = one, row
	}
	return min(one[len(b)], most+1)
}

// Show writes every setting as a file would hold it, with where it comes from; secrets
// are hidden. FileFlag is left out.
func Show(w io.Writer, fs *flag.FlagSet, l Loaded) error {
	var err error
	fs.VisitAll(func(f *flag.Flag) {
		if f.Name != FileFlag && err == nil {
			_, err = fmt.Fprintf(w, "%s: %s # %s\n", f.Name, quoted(Redact(f.Value.String())), l.From[f.Name])
		}
	})
	return err
}
