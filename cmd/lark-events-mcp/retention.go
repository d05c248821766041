package main

import (
	"fmt"
	"os"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
)

// The variables behind the flags of the same meaning.
const (
	envRetention     = "LARK_EVENTS_RETENTION"
	envRetentionSize = "LARK_EVENTS_RETENTION_SIZE"
)

// retention returns what the journal keeps, each bound as its flag says, or, if that is empty, as its variable says,
// or as is the default.
func retention(age, size string) (journal.Retention, error) {
	r := journal.DefaultRetention
	if text, refuse := setting("--retention", age, envRetention); text != "" {
		d, err := consume.ParseAge(text)
		if err != nil || d <= 0 {
			return r, refuse("use a duration such as 12h or 7d")
		}
		r.Age = d
	}
	if text, refuse := setting("--retention-size", size, envRetentionSize); text != "" {
		n, err := parseSize(text)
		if err != nil {
			return r, refuse("use a size such as 64MiB or 1GiB")
		}
		r.Bytes = n
	}
	return r, nil
}

// setting returns the value of a flag, or of a variable if that is empty. Refuse returns the error for a value that
// cannot be used: it names the place to mend, which for a bus in the background is far from where the error is read.
func setting(flag, value, variable string) (text string, refuse func(hint string) error) {
	if value != "" {
		return value, func(hint string) error { return usageError{fmt.Errorf("%s %q: %s", flag, value, hint)} }
	}
	text = os.Getenv(variable)
	return text, func(hint string) error {
		return &eventcore.Error{
			Code: eventcore.CodeCredentialsMissing, Message: fmt.Sprintf("%s is %q, which cannot be used", variable, text), Hint: hint,
		}
	}
}
