package personal

import (
	"context"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// settleDelay is how long the platform is given to finish what its event already tells of. Users of the platform's own
// command line report half a second to a second.
const settleDelay = time.Second

// GetSettled is [keydef.Get] that asks once more, a second later, if the first answer says that the thing is not there
// yet. pending gets what Get returned.
func GetSettled[T any](ctx context.Context, rt eventcore.APIClient, path string, pending func(*T, error) bool) (*T, error) {
	answer, err := keydef.Get[T](ctx, rt, path)
	if !pending(answer, err) {
		return answer, err
	}
	timer := time.NewTimer(settleDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return answer, err
	}
	return keydef.Get[T](ctx, rt, path)
}
