package consume

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

const (
	// answerTimeout is how long a bus may take to answer what needs no waiting, and to read what it is sent. One
	// that takes longer hangs: it is stopped in a debugger, say, or its disk does not answer.
	answerTimeout = 10 * time.Second
	// turnTimeout is how long a subscription waits for its turn, while other consumers make or end the platform
	// side: several calls of the platform's API, each of which may take answerTimeout.
	turnTimeout = time.Minute
)

// answerLimit is how long the answer to a request may take.
func answerLimit(req *protocol.Request) time.Duration {
	switch {
	case req.Fetch != nil:
		wait := time.Duration(req.Fetch.WaitMS) * time.Millisecond
		return min(max(wait, 0), protocol.MaxWait) + answerTimeout
	case req.Acquire != nil:
		return turnTimeout + answerTimeout
	}
	return answerTimeout
}

// answers reports whether an answer is one to that request.
func answers(answer *protocol.Response, req *protocol.Request) bool {
	switch {
	case req.Fetch != nil:
		return answer.Batch != nil
	case req.Seek != nil:
		return answer.Position != nil
	case req.Count != nil:
		return answer.Counted != nil
	case req.Acquire != nil:
		return answer.Acquired != nil
	case req.Release != nil:
		return answer.Released != nil
	case req.Status != nil:
		return answer.Status != nil
	}
	return true
}

// strangeAnswer is the error for a bus that answers with something else than was asked.
func strangeAnswer(pid int) error {
	return &eventcore.Error{
		Code: eventcore.CodeBusUnavailable, Message: fmt.Sprintf("the bus (process %d) gave an answer that is none", pid),
		Hint: "it is of another version, perhaps; run lark-events-mcp stop, and try again",
	}
}

// late is the error for a request that was not answered in time.
func (l *link) late(req *protocol.Request) error {
	if req.Acquire != nil { // what came before it was answered, so that it is not the bus that hangs
		return &eventcore.Error{
			Code:    eventcore.CodeBusUnavailable,
			Message: fmt.Sprintf("another consumer has been starting or ending %s on the platform for over %s", req.Acquire.Key, turnTimeout),
			Hint:    "try again; lark-events-mcp status lists the consumers, and ending the one that hangs helps",
		}
	}
	return noAnswer(l.welcome.PID)
}

// noAnswer is the error for a bus that hangs; pid is 0 if it is not known.
func noAnswer(pid int) error {
	process := "its process, which lark-events-mcp status names,"
	message := "the bus does not answer"
	if pid != 0 {
		process = fmt.Sprintf("process %d", pid)
		message = fmt.Sprintf("the bus (process %d) does not answer", pid)
	}
	return &eventcore.Error{
		Code: eventcore.CodeBusUnavailable, Message: message,
		Hint: "wait a little, or end " + process + " by force and subscribe again, which starts another; what was stored is kept",
	}
}

// promptConn is a connection whose other end must read: a write that waits for that too long fails, and closes it. After
// another failure what came before can still be read: the bus may have said that it was told to stop.
type promptConn struct{ net.Conn }

func (c promptConn) Write(line []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(line)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		c.Close() // a line that was written in part cannot be followed by another
	}
	return n, err
}
