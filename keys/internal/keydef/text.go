package keydef

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// Text is a text that may come as a string or a number; null is empty, and anything else is kept as JSON. Processed
// keys read with it what the SDK's types would refuse a whole event for.
type Text string

// UnmarshalJSON never fails on valid JSON.
func (t *Text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	*t = Text(s)
	return nil
}

// Int returns the number that the text is, 0 if it is none.
func (t Text) Int() int64 {
	n, err := strconv.ParseInt(string(t), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// UTC returns the text, a time in seconds or milliseconds since 1970 as the platform writes both, in RFC 3339. What
// is no such time is left out: the result is empty.
func (t Text) UTC() string {
	n := t.Int()
	if n <= 0 {
		return ""
	}
	at := time.UnixMilli(n)
	if n < 1e11 { // seconds, until the year 5138
		at = time.Unix(n, 0)
	}
	if at.UTC().Year() > 9999 { // RFC 3339 has no form for it
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// UserID is the open_id of a user, read from an object of ids or, as in answers of the API, from the one id.
type UserID string

// UnmarshalJSON never fails on valid JSON.
func (u *UserID) UnmarshalJSON(raw []byte) error {
	var ids struct {
		OpenID Text `json:"open_id"`
	}
	if json.Unmarshal(raw, &ids) == nil {
		*u = UserID(ids.OpenID)
		return nil
	}
	var id Text
	if err := id.UnmarshalJSON(raw); err != nil {
		return err
	}
	*u = UserID(id)
	return nil
}

// Encode marshals a payload. It writes <, > and & as themselves: the text is read by a model, and each escape is
// six bytes.
func Encode(value any) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
