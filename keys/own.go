package keys

import (
	"errors"
	"fmt"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/ownkeys"
)

// RegisterOwn adds the keys that the user has written in the files of a folder, after [Register]. The error names file
// and field of each fault; nothing is registered then. It must not be called from several goroutines at once.
func RegisterOwn(dir string) error {
	defs, err := ownkeys.Load(dir)
	if err != nil {
		return err
	}
	var failed []error
	for _, def := range defs {
		if _, ok := eventcore.Lookup(def.Key); ok {
			failed = append(failed, fmt.Errorf("%s: key: %q is built in; give it another name", dir, def.Key))
		}
	}
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	for _, def := range defs {
		eventcore.RegisterKey(def)
	}
	return nil
}
