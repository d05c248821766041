package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	// attemptTime is how long an endpoint has for one request, from looking up its name to the head of its answer.
	attemptTime = 10 * time.Second
	// maxAnswer is how much of an answer is read where one is expected, in bytes.
	maxAnswer = 4 << 10
	// hostSlots is how many requests to one host are under way at once, those of all subscriptions together.
	hostSlots = 16

	headerSubscription = "X-MCP-Subscription-Id"
)

// envelope is one message to an endpoint.
type envelope struct {
	to           endpoint
	subscription string
	id           string
	keys         keyring
	body         []byte
}

// poster sends messages. It may be used from many goroutines at once.
type poster struct {
	transport *http.Transport
	hosts     *slots
}

// post sends a message and returns the status of the answer and, if wanted, the first bytes of one that accepts. The
// signature is as old as the request. The caller holds a slot of the host.
func (p *poster) post(ctx context.Context, e envelope, wantAnswer bool) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	now := time.Now()
	signature, err := e.keys.sign(e.id, now, e.body)
	if err != nil {
		return 0, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.to.url, bytes.NewReader(e.body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "lark-events-mcp")
	request.Header.Set(standardwebhooks.HeaderWebhookID, e.id)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	request.Header.Set(headerSubscription, e.subscription)
	// A connection of its own, dialled within the time of the request: a client would follow redirects, and a transport
	// goes on dialling when the request has been given up.
	conn, err := p.transport.NewClientConn(ctx, "https", e.to.host)
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close()
	response, err := conn.RoundTrip(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	// The body of other answers may not end with ctx: that of a 101 is the connection itself.
	if wantAnswer && success(response.StatusCode) {
		if answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
			return 0, nil, fmt.Errorf("read the answer: %w", err)
		}
	}
	return response.StatusCode, answer, nil
}

// success reports whether a status accepts what was sent.
func success(status int) bool { return status >= 200 && status <= 299 }

// reasonFor returns the category of what came instead of an acceptance.
func reasonFor(status int, err error) Reason {
	var timeout net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return ReasonTimeout
	case errors.Is(err, errTLS):
		return ReasonTLS
	case err != nil:
		return ReasonRefused
	case status <= 499:
		return ReasonHTTP4xx // also a redirect, or an upgrade: it is the URL that has to change
	}
	return ReasonHTTP5xx
}
