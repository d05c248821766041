package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// commonTable describes, by name, fields that events of all domains have.
const commonTable = "common"

// table is what people need to know of one domain's event types, and the SDK does not say in English.
type table struct {
	Domain string   `json:"domain"`
	Auth   []string `json:"auth"`
	// Fields are by name, wherever it occurs in the domain.
	Fields map[string]meaning `json:"fields"`
	Keys   map[string]entry   `json:"keys"` // by event type

	used map[string]bool // names of Fields that occur
}

// entry is what people need to know of one event type.
type entry struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Keywords    []string `json:"keywords"`
	Scopes      []string `json:"scopes"`
	Auth        []string `json:"auth"` // instead of the table's
	// Console is what the developer console calls the event, where that is not the event type.
	Console []string `json:"console"`
	// SupersededBy is the key to prefer, if the platform has a newer event type for the same thing.
	SupersededBy string `json:"superseded_by"`
	// Fields are by pointer into the event member.
	Fields map[string]meaning `json:"fields"`
}

// meaning is what a field holds; in a table it is written as a description or as an object.
type meaning struct {
	Description string          `json:"desc"`
	Enum        []string        `json:"enum"`
	Example     json.RawMessage `json:"example"`
	// Kind is instead of the one that the field's name gives; "" for none.
	Kind *string `json:"kind"`
}

func (m *meaning) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &m.Description)
	}
	type plain meaning
	return decodeStrictly(raw, (*plain)(m))
}

// readTables reads all tables of a folder, by domain.
func readTables(dir string) (tables, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	all := tables{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		t := &table{used: map[string]bool{}}
		if err := decodeStrictly(raw, t); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if t.Domain != strings.TrimSuffix(filepath.Base(file), ".json") {
			return nil, fmt.Errorf("%s: it is of the domain %q", file, t.Domain)
		}
		all[t.Domain] = t
	}
	if all[commonTable] == nil {
		return nil, fmt.Errorf("%s has no %s.json", dir, commonTable)
	}
	return all, nil
}

func decodeStrictly(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// check returns what is missing in an entry.
func (e entry) check() error {
	if err := keydef.CheckTitle(e.Title); err != nil {
		return fmt.Errorf("title: %w", err)
	}
	if err := keydef.CheckDescription(e.Description); err != nil {
		return fmt.Errorf("description: %w", err)
	}
	if len(e.Keywords) == 0 {
		return errors.New("keywords: there are none")
	}
	return nil
}
