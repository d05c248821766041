package bus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// scopeFile is the path of the file that remembers which subscriptions may exist on the platform.
type scopeFile string

// savedScope is one of them.
type savedScope struct {
	Identity string `json:"identity"`
	Key      string `json:"key"`
}

// load reads the file; a missing one is empty. A damaged one is an [*eventcore.Error], because what it held would be
// lost; one without content has nothing left to lose, and is no reason not to start.
func (f scopeFile) load(log *slog.Logger) ([]savedScope, error) {
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, f.unusable(err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		log.Warn("the remembered subscriptions are lost; some may be left on the platform", "file", string(f))
		return nil, nil
	}
	var saved []savedScope
	if err := json.Unmarshal(text, &saved); err != nil {
		return nil, f.unusable(err)
	}
	return saved, nil
}

func (f scopeFile) unusable(err error) error {
	return &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("the remembered subscriptions in %s cannot be read: %v", f, err),
		Hint:    "move it away to go on without them; subscriptions that they name may be left on the platform",
		Cause:   err,
	}
}

// save replaces the file in one step, which a crash of the machine leaves done or not begun; nothing to remember
// removes it.
func (f scopeFile) save(saved []savedScope) error {
	if len(saved) == 0 {
		return remove(string(f))
	}
	text, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	next := string(f) + ".new"
	if err := writeNew(next, text); err != nil {
		return err
	}
	if err := os.Rename(next, string(f)); err != nil {
		return err
	}
	// Not every system can sync a directory. Where it cannot, a crash may leave the file as it was before.
	if dir, err := os.Open(filepath.Dir(string(f))); err == nil {
		dir.Sync()
		dir.Close()
	}
	return nil
}

// writeNew writes a file of its own, in place of what is at the path, and has it on disk before it returns.
func writeNew(path string, text []byte) error {
	if err := remove(path); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// remove removes a file if it is there.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
