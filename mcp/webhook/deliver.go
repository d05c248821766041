package webhook

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// verdict is what became of one try to deliver.
type verdict int

const (
	verdictDelivered verdict = iota
	verdictFailed            // to be tried again
	verdictRefused           // 413: too large, for good
	verdictGone              // 410: the endpoint wants nothing more
	verdictLost              // the event can be read no more, or not be sent at all
	verdictUnread            // the event could not be read now
	verdictCut               // the try was cut off by the end of the courier
)

// outcome is a verdict; reason is set with verdictFailed, err may be.
type outcome struct {
	verdict verdict
	reason  Reason
	err     error
}

// result is the outcome for a queue's entry, or for the gap message's.
type result struct {
	entry *entry
	outcome
}

var errNotRetained = errors.New("it is no longer retained")

// deliver sends an event, which it reads again unless o is there.
func (c *courier) deliver(ctx context.Context, feed Feed, eventID string, cursor eventcore.Cursor, o *Occurrence) outcome {
	release, err := c.manager.poster.hosts.acquire(ctx, c.sub.to.host)
	if err != nil {
		return outcome{verdict: verdictCut}
	}
	defer release()
	if o == nil {
		page, err := feed.Read(ctx, justBefore(cursor), 1, 0)
		switch {
		case ctx.Err() != nil:
			return outcome{verdict: verdictCut}
		case err != nil:
			return outcome{verdict: verdictUnread, err: err}
		case len(page.Occurrences) == 0 || page.Occurrences[0].EventID != eventID:
			return outcome{verdict: verdictLost, err: errNotRetained}
		}
		o = &page.Occurrences[0]
	}
	body, err := encodeOccurrence(*o, c.sub.position())
	if err != nil {
		return outcome{verdict: verdictLost, err: err}
	}
	sent := c.send(ctx, deliveryID(eventID), body)
	if sent.verdict == verdictDelivered {
		c.manager.opts.Delivered(*o)
	}
	return sent
}

// deliverGap tells of a gap, and of the cursor to go on from.
func (c *courier) deliverGap(ctx context.Context, id string) outcome {
	release, err := c.manager.poster.hosts.acquire(ctx, c.sub.to.host)
	if err != nil {
		return outcome{verdict: verdictCut}
	}
	defer release()
	body, err := encode(control{Type: typeGap, Cursor: c.sub.position().String()})
	if err != nil {
		return outcome{verdict: verdictLost, err: err}
	}
	return c.send(ctx, id, body)
}

// send makes one request. The caller holds a slot of the host.
func (c *courier) send(ctx context.Context, id string, body []byte) outcome {
	status, _, err := c.manager.poster.post(ctx, c.sub.envelope(id, body), false)
	switch {
	case err == nil && success(status):
		return outcome{verdict: verdictDelivered}
	case ctx.Err() != nil:
		return outcome{verdict: verdictCut}
	case status == http.StatusGone:
		return outcome{verdict: verdictGone}
	case status == http.StatusRequestEntityTooLarge:
		return outcome{verdict: verdictRefused}
	}
	c.manager.log.Debug("a webhook delivery failed", "subscription", c.sub.id, "host", c.sub.to.host, "status", status, "error", err)
	return outcome{verdict: verdictFailed, reason: reasonFor(status, err)}
}

// sendTerminated tells the endpoint that the subscription ended. It tries three times; nobody waits for it longer.
func (c *courier) sendTerminated(ctx context.Context, why *Error) {
	body, err := encode(control{Type: typeTerminated, Error: why})
	if err != nil {
		c.manager.log.Error("a termination could not be encoded", "subscription", c.sub.id, "error", err)
		return
	}
	id := controlID(typeTerminated)
	for try := 1; ctx.Err() == nil; try++ {
		release, err := c.manager.poster.hosts.acquire(ctx, c.sub.to.host)
		if err != nil {
			return
		}
		sent := c.send(ctx, id, body)
		release()
		if sent.verdict != verdictFailed || try == 3 {
			return
		}
		sleep(ctx, backoff(try, longestReadWait))
	}
}

// sleep waits, or returns early when ctx ends.
func sleep(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
