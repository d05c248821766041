package bus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// scopeFile is the path of the file that remembers which subscriptions may exist on the platform.
type scopeFile string

// savedScope is one of them.
type savedScope struct {
	Identity string `json:"identity"`
	Key      string `json:"key"`
}

// load reads the file; a missing one is empty. A damaged one is an error, because what it held would be lost.
func (f scopeFile) load() ([]savedScope, error) {
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the remembered subscriptions: %w", err)
	}
	var saved []savedScope
	if err := json.Unmarshal(text, &saved); err != nil {
		return nil, fmt.Errorf("read the remembered subscriptions in %s: %w; remove the file to go on without them", f, err)
	}
	return saved, nil
}

// save replaces the file in one step; nothing to remember removes it.
func (f scopeFile) save(saved []savedScope) error {
	if len(saved) == 0 {
		if err := os.Remove(string(f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	next := string(f) + ".new"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, string(f))
}
