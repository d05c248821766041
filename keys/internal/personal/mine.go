package personal

import (
	"context"
	"fmt"
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// The params of [OnlyMine].
const (
	paramOnlyMine = "only_mine"
	// listener is no param that a caller can give: Normalize puts the user's own id there for Mine.
	listener = "listener_open_id"
)

// userPath tells who the user is that a call is made for.
const userPath = "/open-apis/authen/v1/user_info"

// OnlyMine is the param that leaves out what concerns only other users. It is needed where several people subscribed
// through one app: the app's connection receives the events of all of them.
func OnlyMine() eventcore.ParamDef {
	return eventcore.ParamDef{
		Name: paramOnlyMine, Type: eventcore.ParamBool, Default: "false",
		Description: "true: only events for the signed-in user, at the cost of one call when subscribing; false: also events for other " +
			"people who subscribed through the same app, so choose true if the app is shared",
	}
}

// Normalize asks the platform who the signed-in user is, if the params ask for that user's events only.
func Normalize(ctx context.Context, rt eventcore.APIClient, params map[string]string) error {
	if params[paramOnlyMine] != "true" {
		return nil
	}
	user, err := keydef.Get[struct {
		OpenID keydef.Text `json:"open_id"`
	}](ctx, rt, userPath)
	if err != nil {
		return fmt.Errorf("ask who the signed-in user is: %w", err)
	}
	if user.OpenID == "" {
		return &eventcore.Error{
			Code:    eventcore.CodePlatformError,
			Message: "the platform did not say who the signed-in user is, so that only_mine cannot be decided",
			Hint:    "sign in again, or leave only_mine out",
			Param:   paramOnlyMine,
		}
	}
	params[listener] = string(user.OpenID)
	return nil
}

// Mine reports whether an event is for the user the params ask for. An event that does not say for whom it is
// passes.
func Mine(raw *eventcore.RawEvent, params map[string]string) bool {
	user := params[listener]
	if user == "" {
		return true
	}
	in, err := keydef.Decode[struct {
		SubscriberIDs Subscribers `json:"subscriber_ids"`
	}](raw)
	if err != nil {
		return true
	}
	ids := in.SubscriberIDs.OpenIDs()
	return len(ids) == 0 || slices.Contains(ids, user)
}

// Subscribers are the users an event is for.
type Subscribers []keydef.UserID

// OpenIDs returns the ids that were given.
func (s Subscribers) OpenIDs() []string {
	var ids []string
	for _, id := range s {
		if id != "" {
			ids = append(ids, string(id))
		}
	}
	return ids
}
