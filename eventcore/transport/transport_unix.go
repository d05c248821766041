//go:build unix

package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

// maxPath is the longest path of a Unix socket, in bytes, without its NUL: see unix(4) on macOS and the BSDs,
// where it is 104, unix(7) on Linux, where it is 108. The smaller one keeps a state directory portable.
const maxPath = 103

func listen(path string) (Listener, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, unbindable(path, fmt.Errorf("remove the stale socket: %w", err))
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, unbindable(path, fmt.Errorf("listen on the bus's socket: %w", err))
	}
	// The directory is private already (package statedir); the mode is a second fence.
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, unbindable(path, fmt.Errorf("make the bus's socket private: %w", err))
	}
	own := &ownListener{UnixListener: listener.(*net.UnixListener), path: path}
	if own.socket, err = os.Lstat(path); err != nil {
		listener.Close()
		return nil, fmt.Errorf("listen on the bus's socket: %w", err)
	}
	return own, nil
}

func dial(ctx context.Context, path string) (net.Conn, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w: %w", ErrNoBus, err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.EACCES):
		return nil, unreachable(path, err)
	default:
		return nil, fmt.Errorf("connect to the bus: %w", err)
	}
	if err := checkPeer(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// ownListener accepts connections of this process's user only.
type ownListener struct {
	*net.UnixListener
	path   string
	socket os.FileInfo // what was bound at path
}

func (l *ownListener) Reachable() bool {
	there, err := os.Lstat(l.path)
	return err == nil && os.SameFile(l.socket, there) || err != nil && !os.IsNotExist(err)
}

func (l *ownListener) Close() error {
	// Closing removes what is at the path, which may be another bus's socket by now.
	l.SetUnlinkOnClose(l.Reachable())
	return l.UnixListener.Close()
}

func (l *ownListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.UnixListener.Accept()
		if err != nil {
			return nil, err
		}
		if checkPeer(conn) == nil {
			return conn, nil
		}
		conn.Close()
	}
}

// checkPeer returns an error unless the other end runs as this process's user.
func checkPeer(conn net.Conn) error {
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return fmt.Errorf("check the peer's user: %w", err)
	}
	uid, peerErr := -1, error(nil)
	if err := raw.Control(func(fd uintptr) { uid, peerErr = peerUID(int(fd)) }); err != nil {
		return fmt.Errorf("check the peer's user: %w", err)
	}
	if peerErr != nil {
		return fmt.Errorf("check the peer's user: %w", peerErr)
	}
	if uid != os.Geteuid() {
		return &eventcore.Error{
			Code:    eventcore.CodeBusUnavailable,
			Message: fmt.Sprintf("the other end of the bus's socket runs as user %d, not as this user (%d)", uid, os.Geteuid()),
			Hint:    "run this program as the bus's user, or set " + statedir.EnvHome + " to a directory of yours, where no other user can put a socket",
		}
	}
	return nil
}

// unbindable is the error for a socket that cannot be made.
func unbindable(path string, err error) error {
	return &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("the bus cannot be reached at %s: %v", path, err),
		Hint:    "move away what is there, or set " + statedir.EnvHome + " to a directory of yours on a local disk",
		Cause:   fmt.Errorf("%w: %w", statedir.ErrUnusable, err),
	}
}

// unreachable is the error for a socket whose directory is none, a loop of symbolic links, say, or is closed to this user.
func unreachable(path string, err error) error {
	return &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("the state directory of %s cannot be used: %v", path, err),
		Hint:    "set " + statedir.EnvHome + " to a directory of yours",
		Cause:   fmt.Errorf("%w: %w", statedir.ErrUnusable, err),
	}
}

func checkPath(path string) error {
	if len(path) <= maxPath {
		return nil
	}
	return &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("the socket path %s is %d bytes long, the system allows %d", path, len(path), maxPath),
		Hint:    "set " + statedir.EnvHome + " to a directory with a shorter path",
		Cause:   statedir.ErrUnusable,
	}
}
