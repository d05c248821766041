package mail

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// alphabet turns either alphabet of base64 into that of base64url, and drops padding and line ends.
var alphabet = strings.NewReplacer("+", "-", "/", "_", "=", "", "\r", "", "\n", "")

// decodeText decodes what the platform sends as base64url, padded or not. What is no base64 of a text is returned as
// it is: it is better than nothing, and the reader sees what came.
func decodeText(encoded keydef.Text) string {
	decoded, err := base64.RawURLEncoding.DecodeString(alphabet.Replace(string(encoded)))
	if err != nil || !utf8.Valid(decoded) {
		return string(encoded)
	}
	return string(decoded)
}

// cut returns the first limit characters of a text, and remembers under name that it did so.
func (r *Received) cut(name, text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	count := 0
	for i := range text {
		if count == limit {
			r.truncated(name)
			return text[:i]
		}
		count++
	}
	return text
}

func (r *Received) truncated(name string) {
	if !slices.Contains(r.Truncated, name) {
		r.Truncated = append(r.Truncated, name)
	}
}
