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
)

func listen(path string) (Listener, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, fmt.Errorf("find out the current user: %w", err)
	}
	// Full access for this user, none for anybody else, and nothing inherited.
	access := "D:P(A;;GA;;;" + user.User.Sid.String() + ")"
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
	return conn, nil
}

// pipeName derives the pipe's name, which lives in a space of its own, from the path a socket would have.
func pipeName(path string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(path)))
	return `\\.\pipe\lark-events-` + hex.EncodeToString(sum[:12])
}
