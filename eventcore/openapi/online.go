package openapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// OnlineConnections asks how many long connections the app has open, anywhere. It fits
// the option of source/lark of that name.
func (a *API) OnlineConnections(ctx context.Context) (int, error) {
	bot, err := a.As(Bot)
	if err != nil {
		return 0, err
	}
	data, err := bot.CallAPI(ctx, http.MethodGet, "/open-apis/event/v1/connection", nil)
	if err != nil {
		return 0, err
	}
	var connections struct {
		Count *int `json:"online_instance_cnt"`
	}
	err = json.Unmarshal(data, &connections)
	if err == nil && (connections.Count == nil || *connections.Count < 0) {
		err = errors.New("the answer has none")
	}
	if err != nil {
		return 0, fmt.Errorf("read the number of connections: %w", err)
	}
	return *connections.Count, nil
}
