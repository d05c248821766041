// Package transport carries the bytes between a bus and its consumers: a Unix socket on POSIX, a named pipe on
// Windows, both open to this user alone.
//
// It knows nothing of the messages (package protocol does) and starts no bus. Package bus listens; consume and
// busctl dial.
package transport

import (
	"context"
	"errors"
	"net"
)

// ErrNoBus is wrapped by the errors of [Dial] when nobody listens at the address.
var ErrNoBus = errors.New("no bus is listening")

// Listener is the bus's end.
type Listener interface {
	net.Listener
	// Reachable reports whether [Dial] still leads here; it does not any more once the socket was removed, or replaced
	// by another one. Close leaves such another socket alone.
	Reachable() bool
}

// Listen binds the endpoint that belongs to path (the path of a bus's socket), replacing a stale one. The
// caller must hold the bus's lock, because a socket in use would be replaced too. Connections of other users
// are closed before Accept returns them. A path that the system cannot bind is an [*eventcore.Error].
func Listen(path string) (Listener, error) { return listen(path) }

// Dial connects to the bus that listens at path, and to nobody of another user. It returns an error wrapping [ErrNoBus]
// if there is none, and an [*eventcore.Error] for a path that the system cannot use.
func Dial(ctx context.Context, path string) (net.Conn, error) { return dial(ctx, path) }
