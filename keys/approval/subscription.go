package approval

import (
	"net/http"
	"net/url"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const paramSubscriptionType = "subscription_type"

const (
	involved = "INVOLVED_APPROVAL"
	managed  = "MANAGED_APPROVAL"
)

// subscriptionTypeParam chooses among the platform's two subscriptions. It takes one value, not several: the platform
// keeps one record for each value, so that with one value an identity has a record of its own, and ending it takes
// nothing from another subscription.
func subscriptionTypeParam() eventcore.ParamDef {
	return eventcore.ParamDef{
		Name: paramSubscriptionType, Type: eventcore.ParamEnum, Default: involved, SubscriptionKey: true,
		Description: "whose approvals: the platform sends events of these for the user who listens. An event does not tell which " +
			"of the two it came by. For both, subscribe twice; while both are on, each subscription gets the events of both",
		Values: []eventcore.ParamValue{
			{Value: involved, Desc: "approvals that the user takes part in, as the one who asked or as one who decides; enough for my approvals"},
			{Value: managed, Desc: "approvals filed with a form that the user administers, whoever asks and decides; needs that role"},
		},
	}
}

// subscribed adds the calls by which the user subscribes at path. Ending takes the type in the query, and without one
// ends both types.
func subscribed(def eventcore.KeyDefinition, path string) eventcore.KeyDefinition {
	return keydef.SubscribedBy(def,
		func(params map[string]string) keydef.Call {
			return keydef.Call{
				Method: http.MethodPost, Path: path,
				Body: map[string]string{paramSubscriptionType: params[paramSubscriptionType]},
			}
		},
		func(params map[string]string) keydef.Call {
			return keydef.Call{
				Method: http.MethodDelete,
				Path:   path + "?" + paramSubscriptionType + "=" + url.QueryEscape(params[paramSubscriptionType]),
			}
		})
}
