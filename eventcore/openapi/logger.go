package openapi

import (
	"context"
	"fmt"
	"log/slog"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
)

// sdkLogger passes on what the SDK logs, all at debug: what matters of it comes back as an error. With LogReqAtDebug
// off, the SDK logs the method and path of requests and no header or body (core/httptransport.go).
type sdkLogger struct{ log *slog.Logger }

var _ larkcore.Logger = sdkLogger{}

// Debug implements larkcore.Logger, and so do the rest.
func (l sdkLogger) Debug(ctx context.Context, args ...any) { l.pass(ctx, args) }
func (l sdkLogger) Info(ctx context.Context, args ...any)  { l.pass(ctx, args) }
func (l sdkLogger) Warn(ctx context.Context, args ...any)  { l.pass(ctx, args) }
func (l sdkLogger) Error(ctx context.Context, args ...any) { l.pass(ctx, args) }

func (l sdkLogger) pass(ctx context.Context, args []any) {
	if l.log.Enabled(ctx, slog.LevelDebug) {
		l.log.DebugContext(ctx, "sdk", "message", fmt.Sprint(args...))
	}
}
