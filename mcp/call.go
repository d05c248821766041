package mcp

import (
	"context"
)

// call is what the server keeps of one request while it is handled. It belongs to the request's goroutine.
type call struct {
	session *Session
	// out takes what is told in the course of the request, as a stream's notifications: on stdio the session's own
	// output, over HTTP the response to the request.
	out      sender
	onSettle []func(answered bool)
	// override replaces the error that mcp-go makes of a failed handler, for codes it has no way to say.
	override *rpcError
	// failed means that the handler broke down, so that nothing it prepared may take effect.
	failed bool
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// callFrom returns the call that ctx belongs to, or nil outside of one.
func callFrom(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// whenSettled registers what is to happen once it is decided whether the client gets the answer.
func (c *call) whenSettled(f func(answered bool)) { c.onSettle = append(c.onSettle, f) }

// settle runs what whenSettled registered. It does nothing the second time.
func (c *call) settle(answered bool) {
	pending := c.onSettle
	c.onSettle = nil
	for _, f := range pending {
		f(answered && !c.failed)
	}
}
