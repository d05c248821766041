package im

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// botInfoPath tells of the app's own bot. On the wire its answer has a member bot beside code and msg, and no data
// (source: the SDK's channel package, which calls it by hand), so that both forms are read.
const botInfoPath = "/open-apis/bot/v3/info"

// fetchBotOpenID returns the open_id of the app's bot. Errors are [*eventcore.Error].
func fetchBotOpenID(ctx context.Context, rt eventcore.APIClient) (string, error) {
	refused := &eventcore.Error{
		Code:    eventcore.CodePlatformError,
		Message: "the platform did not say who the bot is, so that mentions_me cannot be decided",
		Hint:    "switch on the bot ability of the app in the developer console and publish a version, or leave mentions_me out",
	}
	if rt == nil {
		return "", refused
	}
	answer, err := rt.CallAPI(ctx, http.MethodGet, botInfoPath, nil)
	if err != nil {
		return "", fmt.Errorf("ask who the bot is: %w", err)
	}
	var info struct {
		OpenID string `json:"open_id"`
		Bot    struct {
			OpenID string `json:"open_id"`
		} `json:"bot"`
	}
	if err := json.Unmarshal(answer, &info); err != nil {
		refused.Cause = err
		return "", refused
	}
	if info.Bot.OpenID != "" {
		return info.Bot.OpenID, nil
	}
	if info.OpenID == "" {
		return "", refused
	}
	return info.OpenID, nil
}
