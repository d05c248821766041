package drive

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// The answers of the subscribe call that say what to do. Source: its documentation.
const (
	codeForbidden = 1069603
	codeNotFound  = 1069604
)

// watched makes def a key of one file: its params, its filter, and the subscribe call, which is scoped to the file.
// For documents the platform takes no event type there: the subscription brings all events of the file.
func watched(t target, def eventcore.KeyDefinition) eventcore.KeyDefinition {
	def.AuthTypes = []string{"user", "bot"}
	def.Params = append(t.params(), def.Params...)
	def.Match = t.match
	def.SubscriptionGroup = "drive.file"
	if def.NormalizeParams == nil {
		def.NormalizeParams = t.normalize
	}
	def = keydef.SubscribedBy(def, t.call(http.MethodPost, "subscribe"), t.call(http.MethodDelete, "delete_subscribe"))
	subscribe := def.PreConsume
	def.PreConsume = func(ctx context.Context, rt eventcore.APIClient, params map[string]string) (func() error, error) {
		cleanup, err := subscribe(ctx, rt, params)
		return cleanup, explain(err)
	}
	return def
}

// call is the subscribe or the unsubscribe call, which differ in method and last word only.
func (t target) call(method, word string) func(map[string]string) keydef.Call {
	return func(params map[string]string) keydef.Call {
		path := "/open-apis/drive/v1/files/" + url.PathEscape(params[paramFileToken]) + "/" + word +
			"?file_type=" + url.QueryEscape(params[paramFileType])
		if t.eventType != "" {
			path += "&event_type=" + url.QueryEscape(t.eventType)
		}
		return keydef.Call{Method: method, Path: path}
	}
}

// explain adds to a refusal of the subscribe call what helps.
func explain(err error) error {
	var refusal *eventcore.Error
	if !errors.As(err, &refusal) {
		return err
	}
	told := *refusal
	switch refusal.PlatformCode {
	case codeForbidden:
		told.Code = eventcore.CodePermissionDenied
		told.Hint = "only an owner or manager of the file can subscribe: to listen as the bot, add the app to the file " +
			"with the right to manage it (the file's menu, more, add document app); to listen as a user, let the owner share it so; the company must " +
			"have the record of document visits switched on"
	case codeNotFound:
		told.Param = paramFileToken
		told.Hint = "check file_token and file_type; for a page of a wiki give its link, or file_type wiki"
	default:
		return err
	}
	told.Cause = err
	return &told
}
