package board

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

const paramWhiteboardID = "whiteboard_id"

var (
	// tokenForm is how the platform writes tokens: letters and digits, without a prefix that tells what they are of. Their
	// length, 10 to 64, is not in it: repetitions with a bound take long to compile, at each start.
	tokenForm = regexp.MustCompile(`^[A-Za-z0-9]+$`)
	// tagForm is a whiteboard in a document that was fetched as text.
	tagForm = regexp.MustCompile(`^<whiteboard\s[^>]*\btoken="([A-Za-z0-9]+)"`)
)

// normalize takes the token out of a link, or out of the tag that stands for a whiteboard in a document's text, and
// refuses what is neither.
func normalize(_ context.Context, _ eventcore.APIClient, params map[string]string) error {
	token := strings.TrimSpace(params[paramWhiteboardID])
	hint := "give the token of the whiteboard, or a link with /board/ or /whiteboard/ in it; a name does not do"
	if tag := tagForm.FindStringSubmatch(token); tag != nil {
		token = tag[1]
	} else if link, err := url.Parse(token); err == nil && link.Scheme != "" {
		token = fromLink(link.Path)
		hint = "this link names no whiteboard. If the whiteboard is in a document, list the document's blocks: the token is that of the " +
			"block with block_type 43"
	}
	if len(token) < 10 || len(token) > 64 || !tokenForm.MatchString(token) {
		return &eventcore.Error{
			Code: eventcore.CodeInvalidParams, Param: paramWhiteboardID, Hint: hint,
			Message: fmt.Sprintf("param %q of %s must be the token of a whiteboard or a link to one", paramWhiteboardID, whiteboardUpdated),
		}
	}
	params[paramWhiteboardID] = token
	return nil
}

// fromLink returns the part of a path that follows board or whiteboard.
func fromLink(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts[:len(parts)-1] {
		if part == "board" || part == "whiteboard" {
			return parts[i+1]
		}
	}
	return ""
}
