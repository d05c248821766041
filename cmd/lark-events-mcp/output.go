package main

import (
	"encoding/json"
	"errors"
	"io"
	"syscall"
)

// printed returns the error of printing a result. Who reads no further, as head does, has what they wanted.
func printed(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}

// printJSON writes value indented, with a line end.
func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return printed(encoder.Encode(value))
}
