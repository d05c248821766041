package main

import (
	"encoding/json"
	"io"
)

// printJSON writes value indented, with a line end.
func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
