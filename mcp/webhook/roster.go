package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

func shuttingDown() *Error {
	return &Error{Code: CodeInternal, Message: "the server is shutting down; try again when it is back"}
}

// Standings returns how the subscriptions stand, in no order.
func (m *Manager) Standings() []Standing {
	m.mu.Lock()
	defer m.mu.Unlock()
	standings := make([]Standing, 0, len(m.subs))
	for _, sub := range m.subs {
		standings = append(standings, sub.standing())
	}
	return standings
}

func (m *Manager) find(id string) *subscription {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.subs[id]
}

// key names the subscription that a request is about.
type key struct {
	id        string
	arguments json.RawMessage // canonical
	given     json.RawMessage // checked
}

// key returns the key of what a client asks for. While the arguments cannot be normalized, as when a user's token has
// expired, a subscription is found by the arguments that it was made or refreshed with last.
func (m *Manager) key(ctx context.Context, principal, url, name string, arguments json.RawMessage) (key, error) {
	given, err := m.opts.Feeds.Checked(name, arguments)
	if err != nil {
		return key{}, err
	}
	if given, err = compact(given); err != nil {
		return key{}, err
	}
	arguments, err = m.opts.Feeds.Canonical(ctx, name, arguments)
	if err != nil {
		if sub := m.findGiven(target{principal, url}, name, given); sub != nil {
			return key{sub.id, sub.arguments, given}, nil
		}
		return key{}, err
	}
	if arguments, err = compact(arguments); err != nil {
		return key{}, err
	}
	return key{subscriptionID(principal, url, name, arguments), arguments, given}, nil
}

// compact returns arguments in the form that is kept and compared, to the byte.
func compact(arguments json.RawMessage) (json.RawMessage, error) {
	var text bytes.Buffer
	if err := json.Compact(&text, arguments); err != nil {
		return nil, fmt.Errorf("read the arguments: %w", err)
	}
	return text.Bytes(), nil
}

func (m *Manager) findGiven(who target, name string, given json.RawMessage) *subscription {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, sub := range m.subs {
		if sub.target() == who && sub.name == name && sub.wasGiven(given) {
			return sub
		}
	}
	return nil
}

// admit refuses a subscription beyond its principal's limit, and reports whether there is another one of its target,
// which means that the endpoint is verified.
func (m *Manager) admit(sub *subscription) (known bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.admitLocked(sub)
}

func (m *Manager) admitLocked(sub *subscription) (known bool, err error) {
	if m.closed {
		return false, shuttingDown()
	}
	n := 0
	for _, other := range m.subs {
		if other.principal == sub.principal {
			n++
			known = known || other.target() == sub.target()
		}
	}
	if most := m.opts.MaxSubscriptions; n >= most {
		return false, exhausted("subscriptions", most, "you have as many webhook subscriptions as you may; end one with events/unsubscribe")
	}
	return known, nil
}

// enter adds a subscription and starts to deliver, unless others took the last place meanwhile.
func (m *Manager) enter(sub *subscription, feed Feed) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.admitLocked(sub); err != nil {
		return err
	}
	m.startLocked(sub, feed)
	return nil
}

// start takes up a subscription that was kept.
func (m *Manager) start(sub *subscription, feed Feed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.startLocked(sub, feed)
}

func (m *Manager) startLocked(sub *subscription, feed Feed) {
	m.subs[sub.id] = sub
	courier := newCourier(m, sub, feed)
	ctx, cancel := context.WithCancel(m.life)
	sub.cancel = cancel
	m.couriers.Go(func() {
		defer cancel()
		courier.run(ctx)
	})
}

// remove ends a subscription, waits until nothing more is delivered, and takes it out.
func (m *Manager) remove(ctx context.Context, sub *subscription) {
	sub.cancel()
	select {
	case <-sub.done:
	case <-ctx.Done():
	}
	m.takeOut(sub)
}

// forget takes out a subscription that has ended by itself, and has that saved.
func (m *Manager) forget(sub *subscription) {
	m.takeOut(sub)
	if err := m.save(); err != nil {
		m.log.Error("the end of a webhook subscription could not be saved", "subscription", sub.id, "error", err)
		m.touch()
	}
}

func (m *Manager) takeOut(sub *subscription) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.subs[sub.id] == sub {
		delete(m.subs, sub.id)
	}
}

func (m *Manager) closeFeed(ctx context.Context, sub *subscription, feed Feed) {
	if feed == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), feedCloseTime)
	defer cancel()
	if err := feed.Close(ctx); err != nil {
		m.log.Warn("the feed of a webhook subscription was not closed cleanly", "subscription", sub.id, "error", err)
	}
}

// touch has the subscriptions saved before long.
func (m *Manager) touch() {
	select {
	case m.dirty <- struct{}{}:
	default:
	}
}

// keep saves what couriers report, until the manager's life ends.
func (m *Manager) keep() {
	for {
		select {
		case <-m.life.Done():
			return
		case <-m.dirty:
		}
		sleep(m.life, saveInterval)
		if m.life.Err() != nil {
			return // Close saves
		}
		if err := m.save(); err != nil {
			m.log.Error("the webhook subscriptions could not be saved; trying again", "error", err)
			sleep(m.life, longestReadWait-saveInterval)
			m.touch()
		}
	}
}

// commit has what a client asked for on disk.
func (m *Manager) commit() error {
	err := m.save()
	if err == nil {
		return nil
	}
	m.log.Error("the webhook subscriptions could not be saved", "error", err)
	m.touch()
	return &Error{Code: CodeInternal, Message: "the change could not be stored and may be lost when the server ends; try again, or " +
		"have the operator look at the server's log"}
}

// save writes all subscriptions to disk, if they are kept.
func (m *Manager) save() error {
	if m.store == nil {
		return nil
	}
	m.saving.Lock()
	defer m.saving.Unlock()
	if m.sealed {
		return nil
	}
	m.mu.Lock()
	records := make([]record, 0, len(m.subs))
	for _, sub := range m.subs {
		records = append(records, sub.record(time.Now()))
	}
	m.mu.Unlock()
	return m.store.save(records)
}
