package jsonscan

import (
	"bytes"
	"encoding/json"
)

// AppendString appends text as a JSON string to dst. It writes <, > and & as themselves, and what is no UTF-8 as U+FFFD.
func AppendString(dst []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendEscaped(dst, text)
		}
	}
	return append(append(append(dst, '"'), text...), '"')
}

func appendEscaped(dst []byte, text string) []byte {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string can always be encoded
	return append(dst, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}
