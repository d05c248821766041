package consume

import "context"

// Wanted returns how many calls of Subscribe are under way.
func Wanted(c *Client) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.subscribed {
		n += p.wanted
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
	p, _ := c.enter(sub, from)
	err = c.await(ctx, p)
	c.leave(p, false)
	return err
}
