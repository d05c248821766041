package bus

import (
	"context"
	"time"
)

// retentionInterval is how often the journal is trimmed.
const retentionInterval = time.Minute

// retain keeps the journal within its retention until ctx ends.
func (b *Bus) retain(ctx context.Context) {
	ticker := time.NewTicker(retentionInterval)
	defer ticker.Stop()
	for {
		if n, err := b.journal.Trim(ctx, b.opts.Retention, time.Now()); err != nil && ctx.Err() == nil {
			b.log.Error("old events could not be removed", "error", err)
		} else if n > 0 {
			b.log.Info("old events were removed", "events", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
