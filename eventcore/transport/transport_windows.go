package transport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func listen(path string) (Listener, error) {
	user, err := currentUser()
	if err != nil {
		return nil, err
	}
	// Full access for this user, none for anybody else, and nothing inherited. The owner is named, because it would be
	// the group of administrators for a process that runs elevated, and dial looks for the user.
	access := "O:" + user.String() + "D:P(A;;GA;;;" + user.String() + ")"
	listener, err := winio.ListenPipe(pipeName(path), &winio.PipeConfig{SecurityDescriptor: access})
	if err != nil {
		return nil, fmt.Errorf("listen on the bus's pipe: %w", err)
	}
	return pipeListener{listener}, nil
}

// pipeListener is always reachable: a pipe's name is taken for as long as the pipe is open.
type pipeListener struct{ net.Listener }

func (pipeListener) Reachable() bool { return true }

func dial(ctx context.Context, path string) (net.Conn, error) {
	conn, err := winio.DialPipeContext(ctx, pipeName(path))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrNoBus, err)
	}
	if err != nil {
		return nil, fmt.Errorf("connect to the bus: %w", err)
	}
	if err := checkOwner(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// checkOwner returns an error unless the pipe was made by this process's user. Any user may make a pipe of any name,
// and would be told what this user's agents ask for; only the user can be a pipe's owner without special privileges.
func checkOwner(conn net.Conn) error {
	pipe, ok := conn.(interface{ Fd() uintptr })
	if !ok {
		return fmt.Errorf("find out who serves the bus's pipe: a %T has no handle", conn)
	}
	security, err := windows.GetSecurityInfo(windows.Handle(pipe.Fd()), windows.SE_KERNEL_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return fmt.Errorf("find out who serves the bus's pipe: %w", err)
	}
	owner, _, err := security.Owner()
	if err != nil {
		return fmt.Errorf("find out who serves the bus's pipe: %w", err)
	}
	user, err := currentUser()
	if err != nil {
		return err
	}
	if !owner.Equals(user) {
		return &eventcore.Error{
			Code:    eventcore.CodeBusUnavailable,
			Message: fmt.Sprintf("the bus's pipe belongs to %s, not to this user (%s)", owner, user),
			Hint:    "find and end the process of the other user that took the pipe's name; Process Explorer shows who has a handle to it",
		}
	}
	return nil
}

// currentUser is the user as whom this process runs.
func currentUser() (*windows.SID, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, fmt.Errorf("find out the current user: %w", err)
	}
	return user.User.Sid, nil
}

// pipeName derives the pipe's name, which lives in a space of its own, from the path a socket would have.
func pipeName(path string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(path)))
	return `\\.\pipe\lark-events-` + hex.EncodeToString(sum[:12])
}
