package eventcore

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Position is a place in a journal, between two events: all events up to it are before it. Zero is before every
// event. Positions of one journal are ordered; what lies between two numbers is the journal's affair.
type Position uint64

// Cursor is a [Position] with the journal it belongs to. It stays good over restarts of every process, for as
// long as the journal retains the events after it.
type Cursor struct {
	Journal string
	After   Position
}

// cursorPrefix marks a cursor, so that it is told from the other forms that a start can have.
const cursorPrefix = "c1_"

// String returns the opaque form that [ParseCursor] reads; it is safe in URLs and file names.
func (c Cursor) String() string {
	plain := strconv.FormatUint(uint64(c.After), 10) + "." + c.Journal
	return cursorPrefix + base64.RawURLEncoding.EncodeToString([]byte(plain))
}

// IsCursor reports whether text has the form of a cursor, not whether it is a good one.
func IsCursor(text string) bool { return strings.HasPrefix(text, cursorPrefix) }

// ParseCursor reads what [Cursor.String] wrote, on this machine or another. Anything else is an [*Error] with
// [CodeInvalidCursor].
func ParseCursor(text string) (Cursor, error) {
	invalid := &Error{
		Code:    CodeInvalidCursor,
		Message: fmt.Sprintf("%q is not a cursor of this server", clip(text, 80)),
		Hint: "pass a cursor exactly as a result or a line of consume gave it; without one, poll_events goes on where the " +
			"last poll ended, and lark-events-mcp consume begins now",
	}
	encoded, ok := strings.CutPrefix(text, cursorPrefix)
	if !ok || len(encoded) > 256 {
		return Cursor{}, invalid
	}
	plain, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return Cursor{}, invalid
	}
	after, journal, ok := strings.Cut(string(plain), ".")
	if !ok || journal == "" {
		return Cursor{}, invalid
	}
	n, err := strconv.ParseUint(after, 10, 63)
	if err != nil {
		return Cursor{}, invalid
	}
	return Cursor{Journal: journal, After: Position(n)}, nil
}
