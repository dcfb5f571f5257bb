package mail

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"unicode"
	"unicode/utf8"

	"vestibule/journey"
)

//go:embed letter.html
var letterPage string

// maxComment bounds what is printed of a reviewer's words, in runes; the form takes less.
const maxComment = 4000

// Letter is a message as it is read.
type Letter struct {
	Language Language
	Subject  string // without personal data
	Text     string
	HTML     string
}

// letter is what Letter is made of.
type letter struct {
	Language       Language
	Subject, Title string
	Body           []string
	CommentLabel   string
	Comment        []string // lines
	ReferenceLabel string
	Reference      string
	Footer         string
}

// result writes to a person what was decided. The comment is a reviewer's for them.
func result(tag string, d journey.Decision, comment, reference string) (Letter, error) {
	l := languageOf(tag)
	words := sentences(l.Code)
	return letter{
		Language: l, Subject: words[keySubject], Title: words[outcome(d)+keyTitle], Body: []string{words[outcome(d)+keyBody]},
		CommentLabel: words[keyComment], Comment: lines(comment),
		ReferenceLabel: words[keyReference], Reference: reference, Footer: words[keyFooter],
	}.write()
}

// lines splits a text that somebody wrote, without what is no character of a line.
func lines(text string) []string {
	text = strings.ToValidUTF8(text, "")
	if utf8.RuneCountInString(text) > maxComment {
		text = string([]rune(text)[:maxComment]) + "…"
	}
	var all []string
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' }) {
		line = strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
				return ' ' // directions that one text forces upon what stands behind it
			}
			return r
		}, line))
		if line != "" {
			all = append(all, line)
		}
	}
	return all
}

// write makes both forms. HTML goes through html/template, which escapes by where a value
// stands; the text is no template at all.
func (l letter) write() (Letter, error) {
	page, err := template.New("letter").Parse(letterPage)
	if err != nil {
		return Letter{}, fmt.Errorf("read the letter's page: %w", err)
	}
	var html bytes.Buffer
	if err := page.Execute(&html, l); err != nil {
		return Letter{}, fmt.Errorf("write the letter: %w", err)
	}
	parts := []string{l.Title}
	parts = append(parts, l.Body...)
	if len(l.Comment) > 0 {
		parts = append(parts, l.CommentLabel+"\n> "+strings.Join(l.Comment, "\n> "))
	}
	if l.Reference != "" {
		parts = append(parts, l.ReferenceLabel+" "+l.Reference)
	}
	// "-- " and a line's end begin what readers of mail take for a signature.
	parts = append(parts, "-- \n"+l.Footer)
	return Letter{Language: l.Language, Subject: l.Subject, Text: strings.Join(parts, "\n\n") + "\n", HTML: html.String()}, nil
}
