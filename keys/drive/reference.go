package drive

import (
	"net/url"
	"regexp"
	"strings"
)

// reference is what a caller wrote to name a file: its token, and its type as far as a link or the token shows it.
type reference struct {
	token, kind string
	isLink      bool
}

// linkType is the file type by the part of a link that stands before the token.
func linkType(segment string) string {
	switch segment {
	case "docx":
		return typeDocx
	case "docs", "doc":
		return typeDoc
	case "sheets", "sheet":
		return typeSheet
	case "base", "bitable":
		return typeBitable
	case "slides":
		return typeSlides
	case "file":
		return typeFile
	case "folder":
		return typeFolder
	case "wiki":
		return typeWiki
	}
	return ""
}

// prefixTypes are the file types by the first letters of tokens made before they became random.
var prefixTypes = map[string]string{
	"doc": typeDoc, "dox": typeDocx, "sht": typeSheet, "bas": typeBitable, "sld": typeSlides, "box": typeFile,
	"fld": typeFolder, "nod": typeFolder, "wik": typeWiki,
}

// A token has a digit or a capital, which words of a link's path such as settings do not; a bare one is long, which
// keeps most titles out.
var (
	linkToken = regexp.MustCompile(`^[a-z_-]*[A-Z0-9][A-Za-z0-9_-]*$`)
	bareToken = regexp.MustCompile(`^[A-Za-z0-9_-]+$`) // see isBareToken
	oldToken  = regexp.MustCompile(`^([a-z]{3})(cn|us)[A-Za-z0-9]{15,}$`)
)

// isBareToken reports whether a text looks like a token. The bounds of its length are not in the expression: they take
// long to compile, at each start.
func isBareToken(text string) bool {
	return len(text) >= 10 && len(text) <= 64 && bareToken.MatchString(text)
}

// parseReference reads a link or a token; ok is false if the text is neither.
func parseReference(text string) (ref reference, ok bool) {
	text = strings.Trim(strings.TrimSpace(text), "<>")
	if isBareToken(text) && linkToken.MatchString(text) {
		ref := reference{token: text}
		if old := oldToken.FindStringSubmatch(text); old != nil {
			ref.kind = prefixTypes[old[1]]
		}
		return ref, true
	}
	link, err := url.Parse(text)
	if err != nil {
		return reference{}, false
	}
	segments := strings.Split(link.Path, "/")
	for i, segment := range segments[:len(segments)-1] {
		token := segments[i+1]
		if kind := linkType(segment); kind != "" && len(token) >= 5 && len(token) <= 64 && linkToken.MatchString(token) {
			return reference{token: token, kind: kind, isLink: true}, true
		}
	}
	return reference{}, false
}

// parseTableID reads the id of a table, also out of the link to it.
func parseTableID(text string) (id string, ok bool) {
	text = strings.TrimSpace(text)
	if link, err := url.Parse(text); err == nil && link.Query().Has("table") {
		text = link.Query().Get("table")
	}
	return text, strings.HasPrefix(text, "tbl") && isBareToken(text)
}
