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

// A cursor is "_", the position in base 36, "." and the journal's name: short, because every event that a model
// reads has one, and told by its first character from the other forms that a start can have. The older form, in
// base64, is that of the cursors that were given before, and of journals whose names are not safe in URLs.
const (
	cursorMark   = "_"
	positionBase = 36
	olderMark    = "c1_"
	maxCursor    = 256 // bytes
)

// String returns the opaque form that [ParseCursor] reads; it is safe in URLs, shells and file names.
func (c Cursor) String() string {
	if !plainName(c.Journal) {
		plain := strconv.FormatUint(uint64(c.After), 10) + "." + c.Journal
		return olderMark + base64.RawURLEncoding.EncodeToString([]byte(plain))
	}
	return cursorMark + strconv.FormatUint(uint64(c.After), positionBase) + "." + c.Journal
}

// plainName reports whether a journal's name can be in a cursor as it is.
func plainName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return name != ""
}

// IsCursor reports whether text has the form of a cursor, not whether it is a good one.
func IsCursor(text string) bool {
	return strings.HasPrefix(text, cursorMark) || strings.HasPrefix(text, olderMark)
}

// ParseCursor reads what [Cursor.String] wrote, on this machine or another, in this version or an older one.
// Anything else is an [*Error] with [CodeInvalidCursor].
func ParseCursor(text string) (Cursor, error) {
	if c, ok := parseCursor(text); ok {
		return c, nil
	}
	return Cursor{}, &Error{
		Code:    CodeInvalidCursor,
		Message: fmt.Sprintf("%q is not a cursor of this server", clip(text, 80)),
		Hint: "pass a cursor exactly as a result or a line of consume gave it; without one, poll_events goes on where the " +
			"last poll ended, and lark-events-mcp consume begins now",
	}
}

func parseCursor(text string) (Cursor, bool) {
	if len(text) > maxCursor {
		return Cursor{}, false
	}
	if encoded, older := strings.CutPrefix(text, olderMark); older {
		plain, err := base64.RawURLEncoding.DecodeString(encoded)
		c, ok := splitCursor(string(plain), 10)
		return c, ok && err == nil
	}
	plain, marked := strings.CutPrefix(text, cursorMark)
	c, ok := splitCursor(plain, positionBase)
	return c, ok && marked && plainName(c.Journal)
}

// splitCursor reads a position in the base, a point and a journal's name.
func splitCursor(text string, base int) (Cursor, bool) {
	after, journal, ok := strings.Cut(text, ".")
	n, err := strconv.ParseUint(after, base, 63)
	return Cursor{Journal: journal, After: Position(n)}, ok && err == nil && journal != ""
}
