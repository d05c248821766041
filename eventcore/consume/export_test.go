package consume

import "context"

// Wanted returns how many calls of Subscribe are under way.
func Wanted(c *Client) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.subscribed {
		n += len(p.wanted)
	}
	return n
}

// Untaken makes a subscription that no call of Subscribe returns.
func Untaken(ctx context.Context, c *Client, req Request) error {
	from, err := parseFrom(req.From)
	if err != nil {
		return err
	}
	sub, err := c.define(ctx, req)
	if err != nil {
		return err
	}
	own := &wish{from: from}
	p, _ := c.enter(sub, own)
	_, err = c.await(ctx, p, own)
	c.leave(p, own, false)
	return err
}

// GivenUpLate makes a subscription that one call has just given up when another gets it, and returns how many are counted
// as abandoned when it has ended.
func GivenUpLate(ctx context.Context, c *Client, req Request) (abandoned int, err error) {
	sub, err := c.define(ctx, req)
	if err != nil {
		return 0, err
	}
	p, _ := c.enter(sub, &wish{})
	c.mu.Lock()
	p.wanted = nil // as leave does before it calls abandon
	c.mu.Unlock()
	own := &wish{}
	other, _ := c.enter(sub, own)
	if _, err := c.await(ctx, other, own); err != nil {
		return 0, err
	}
	c.leave(other, own, true)
	for range 50 { // it may see first that the making is done, or that PreConsume had begun
		c.abandon(p)
	}
	_, err = c.Unsubscribe(ctx, other.sub)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.abandoned, err
}

// AwaitMaking waits until nothing is being made or ended in the background.
func AwaitMaking(c *Client) { c.making.Wait() }
