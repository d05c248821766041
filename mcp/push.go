package mcp

import (
	"context"
	"fmt"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

const (
	// updateInterval is the least time between two resource updates of one subscription: four a second.
	updateInterval = 250 * time.Millisecond
	pushWait       = 30 * time.Second // how long one read waits for events
	pushPage       = 50               // events of one read
	minPushBackoff = 250 * time.Millisecond
	maxPushBackoff = 10 * time.Second
)

// pushEvents tells the client of a subscription's events as they arrive, until ctx ends. It reads with a cursor of
// its own, from the subscription's start, and consumes nothing. It reads only while the client wants to be told,
// because reading runs the key's hooks. No failure ends it: it tries again, more and more slowly.
func (s *Session) pushEvents(ctx context.Context, consumer Consumer, sub *subscription) {
	p := pusher{session: s, consumer: consumer, sub: sub, cursor: sub.Start}
	for ctx.Err() == nil {
		audience := s.audience.next()
		switch s.pushMode(sub) {
		case PushOff:
			select {
			case <-audience.Done():
				p.skipRead()
			case <-ctx.Done():
			}
			continue
		case PushChannel:
			p.lend(ctx)
			continue
		}
		reading, release := endWithAny(ctx, audience)
		pause, err := p.step(reading)
		interrupted := reading.Err() != nil
		release()
		if err != nil && !interrupted {
			pause = p.backOff(err)
		}
		sleep(ctx, pause)
	}
}

// pusher is the state of one push loop.
type pusher struct {
	session  *Session
	consumer Consumer
	sub      *subscription
	cursor   eventcore.Cursor
	backoff  time.Duration
}

// skipRead moves past what the client has polled while it did not want to be told. Positions in two journals say
// nothing about each other; then the cursor stays, and its read finds out.
func (p *pusher) skipRead() {
	if position := p.sub.at(); position.Journal == p.cursor.Journal && position.After > p.cursor.After {
		p.cursor = position
	}
}

// lend leaves the subscription to the session's channel for as long as the mode is channel.
func (p *pusher) lend(ctx context.Context) {
	s := p.session
	member := s.channel.join(p.sub, p.cursor)
	defer func() { p.cursor = s.channel.leave(member) }()
	for {
		audience := s.audience.next()
		if s.pushMode(p.sub) != PushChannel {
			return
		}
		select {
		case <-audience.Done():
		case <-ctx.Done():
			return
		}
	}
}

// step reads one page and tells of it. It returns how long to wait before the next.
func (p *pusher) step(ctx context.Context) (pause time.Duration, err error) {
	began := time.Now()
	page, err := p.consumer.Read(ctx, []consume.At{{Subscription: p.sub.Subscription, Cursor: p.cursor}}, consume.Limit{Events: pushPage}, pushWait)
	if err != nil {
		return 0, err
	}
	p.backoff = 0
	if len(page.Events) == 0 && page.Next[0] == p.cursor && time.Since(began) < pushWait {
		pause = minPushBackoff // a wait that is cut short for no reason must not make the loop spin
	}
	if len(page.Events) > 0 {
		if pause, err = p.tell(ctx, page.Events); err != nil {
			return 0, err
		}
	}
	p.cursor = page.Next[0]
	if p.session.pushMode(p.sub).bringsEvents() {
		p.sub.setPushed(p.cursor, gap{})
		p.session.server.metrics.filtered(byPush, p.sub.Key.Key, page.Filtered[0])
	}
	return pause, nil
}

func (p *pusher) tell(ctx context.Context, events []consume.Event) (time.Duration, error) {
	switch p.session.pushMode(p.sub) {
	case PushResource:
		// What arrives during the pause is read after it, and told as one more update: the last state always is.
		p.sub.setUpdated(events[len(events)-1].Cursor)
		p.session.resourceUpdated(p.sub.uri())
		return updateInterval, nil
	case PushLog:
		return 0, p.log(ctx, events)
	}
	return 0, nil
}

// log waits for the client to take each event. The cursor follows, so that none is told twice if it is cut short.
func (p *pusher) log(ctx context.Context, events []consume.Event) error {
	for _, event := range events {
		line, err := logNotification(viewEvent(event))
		if err != nil {
			return fmt.Errorf("encode event %s: %w", event.EventID, err)
		}
		if err := p.session.out.send(ctx, line); err != nil {
			return err
		}
		p.session.server.metrics.delivered(byPush, p.sub.Key.Key, event.Received, event.Err != nil)
		p.cursor = event.Cursor
	}
	return nil
}

// nextBackoff returns how long to wait after one more failure: twice as long each time.
func nextBackoff(last time.Duration) time.Duration {
	return min(max(2*last, minPushBackoff), maxPushBackoff)
}

func (p *pusher) backOff(err error) time.Duration {
	p.backoff = nextBackoff(p.backoff)
	p.session.logger.Warn("events could not be read to push them; trying again",
		"subscription", p.sub.ID, "pause", p.backoff, "error", err)
	return p.backoff
}

// sleep waits, or returns early when ctx ends.
func sleep(ctx context.Context, pause time.Duration) {
	if pause <= 0 {
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// pushMode returns what happens with an event of the subscription, as things stand.
func (s *Session) pushMode(sub *subscription) PushMode {
	switch wanted := s.wantedPush(sub); {
	case wanted == PushChannel && s.ProtocolVersion() != "":
		return PushChannel
	case (wanted == PushResource || wanted == PushAuto) && s.resourceWanted(sub.uri()):
		return PushResource
	case (wanted == PushLog || wanted == PushAuto) && s.wantsLog():
		return PushLog
	}
	return PushOff
}

// wantedPush returns what was chosen for the subscription, or for the server.
func (s *Session) wantedPush(sub *subscription) PushMode {
	if chosen := sub.chosenPush(); chosen != "" && chosen != PushAuto {
		return chosen
	}
	return s.server.opts.Push
}

// describePush says what happens, and, if nothing does, what the client can do about it.
func (s *Session) describePush(sub *subscription) pushView {
	uri := sub.uri()
	switch mode := s.pushMode(sub); mode {
	case PushResource:
		return pushView{mode, "notifications/resources/updated for " + uri + " tells of new events; poll_events returns them"}
	case PushLog:
		return pushView{mode, "notifications/message of logger " + logger + " brings each event; poll_events still returns it"}
	case PushChannel:
		detail := channelMethod + " brings the events of allowed senders and chats, at most one message a second; poll_events still returns all events"
		if n := sub.readStats().withheld; n > 0 {
			detail += fmt.Sprintf("; %d were only to be polled so far", n)
		}
		return pushView{mode, detail}
	}
	switch s.wantedPush(sub) {
	case PushResource, PushAuto:
		return pushView{PushOff, "use poll_events, with wait_seconds to wait; or subscribe to " + uri + " to be notified"}
	case PushLog:
		return pushView{PushOff, "use poll_events, with wait_seconds to wait; the client set no log level of info or lower"}
	case PushChannel:
		return pushView{PushOff, "use poll_events, with wait_seconds to wait; channel messages need a client that used initialize"}
	}
	return pushView{PushOff, "use poll_events, with wait_seconds to wait"}
}
