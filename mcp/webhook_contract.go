package mcp

import (
	"context"
	"encoding/json"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// What this package and the one that delivers webhooks tell each other.
type (
	webhookOccurrence struct {
		EventID, Name string
		Timestamp     time.Time
		Data, Meta    json.RawMessage // Meta is _meta, and may be nil
		Cursor        eventcore.Cursor
	}
	webhookPage struct {
		Occurrences        []webhookOccurrence
		Next               eventcore.Cursor
		HasMore, Truncated bool
	}
	webhookFeed interface {
		Start() eventcore.Cursor
		Truncated() bool
		Read(ctx context.Context, from eventcore.Cursor, limit int, wait time.Duration) (webhookPage, error)
		Close(ctx context.Context) error
	}
	webhookFeeds interface {
		Open(ctx context.Context, name string, arguments json.RawMessage, cursor *string, maxAge time.Duration) (webhookFeed, error)
		Canonical(ctx context.Context, name string, arguments json.RawMessage) (json.RawMessage, error)
	}
	webhookRequest struct {
		Principal, Name string
		Arguments       json.RawMessage
		URL, Secret     string
		Cursor          *string
		MaxAge          time.Duration
		TTL             *time.Duration // nil: no expiry
	}
	webhookGrant struct {
		ID            string
		RefreshBefore *time.Time
		Cursor        eventcore.Cursor
		Truncated     bool
		Status        *webhookDeliveryStatus
	}
	webhookDeliveryStatus struct {
		Active         bool       `json:"active"`
		LastDeliveryAt *time.Time `json:"lastDeliveryAt"`
		LastError      *string    `json:"lastError"`
		FailedSince    *time.Time `json:"failedSince,omitempty"`
	}
	webhookError struct {
		Code    int
		Message string
		Data    map[string]any
	}
)

func (e *webhookError) Error() string { return e.Message }
