package consume

import (
	"context"
	"encoding/json"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// refusingAPI is the client of hooks for which no identity could be had: every call returns why.
type refusingAPI struct{ err error }

func (r refusingAPI) CallAPI(context.Context, string, string, any) (json.RawMessage, error) {
	return nil, r.err
}

// apiFor returns the client that a key's hooks call: as the first of its identities that can be had.
func (c *Client) apiFor(def *eventcore.KeyDefinition) eventcore.APIClient {
	if def.NormalizeParams == nil && def.PreConsume == nil && def.Process == nil {
		return nil
	}
	identities := def.AuthTypes
	if len(identities) == 0 {
		identities = []string{"bot"}
	}
	var first error = &eventcore.Error{
		Code: eventcore.CodeCredentialsMissing, Message: "this client was made without access to the open API",
	}
	if c.opts.API == nil {
		return refusingAPI{first}
	}
	for i, identity := range identities {
		api, err := c.opts.API(identity)
		if err == nil {
			return api
		}
		if i == 0 {
			first = err
		}
	}
	return refusingAPI{first}
}
