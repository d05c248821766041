package ownkeys

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// maxFile bounds one file, in bytes.
const maxFile = 1 << 20

// file is a key as a user writes it.
type file struct {
	Key           string               `json:"key"`
	EventType     string               `json:"event_type"`
	Title         string               `json:"title"`
	Description   string               `json:"description"`
	Keywords      []string             `json:"keywords"`
	Params        []eventcore.ParamDef `json:"params"`
	Schema        json.RawMessage      `json:"schema"`
	Match         string               `json:"match"`
	Transform     string               `json:"transform"`
	Example       json.RawMessage      `json:"example"`
	ExampleEvent  json.RawMessage      `json:"example_event"`
	Scopes        []string             `json:"scopes"`
	Auth          []string             `json:"auth"`
	ConsoleEvents []string             `json:"console_events"`
}

// readFile decodes a file. The error names the field, or the line.
func readFile(path string) (*file, error) {
	opened, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	raw, err := io.ReadAll(io.LimitReader(opened, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxFile {
		return nil, fmt.Errorf("the file is larger than %d bytes", maxFile)
	}
	var f file
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, decodeError(raw, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: there is more after the object", lineAt(raw, dec.InputOffset()))
	}
	return &f, nil
}

func decodeError(raw []byte, err error) error {
	var syntax *json.SyntaxError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: %w", lineAt(raw, syntax.Offset), err)
	case errors.As(err, &wrongType):
		return fmt.Errorf("line %d: %s: it is a %s, and must be a %s",
			lineAt(raw, wrongType.Offset), wrongType.Field, wrongType.Value, wrongType.Type)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON object is not complete")
	}
	return err // an unknown field, by name
}

func lineAt(raw []byte, offset int64) int {
	return bytes.Count(raw[:min(int(offset), len(raw))], []byte("\n")) + 1
}
