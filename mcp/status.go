package mcp

import (
	"context"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// statusTimeout bounds the questions to the bus together. It is longer than [consume.Client.Status] waits for a bus
// that hangs, whose error says which process to end.
const statusTimeout = 15 * time.Second

// statusView is what event_status tells.
type statusView struct {
	App           appView              `json:"app"`
	Bus           busView              `json:"bus"`
	Source        sourceStatus         `json:"source"`
	Journal       journalView          `json:"journal"`
	Subscriptions []subscriptionStatus `json:"subscriptions"`
	Problems      []problem            `json:"problems"`
}

type appView struct {
	ID     string `json:"id"`
	Domain string `json:"domain"`
}

type busView struct {
	Running       bool  `json:"running"`
	PID           int   `json:"pid"`
	UptimeSeconds int64 `json:"uptime_seconds"`
	Consumers     int   `json:"consumers"`
}

type sourceStatus struct {
	State      source.Phase `json:"state"`
	Since      string       `json:"since,omitempty"`
	Reconnects int          `json:"reconnects"`
	LastError  string       `json:"last_error,omitempty"`
}

type journalView struct {
	Events int    `json:"events"`
	Bytes  int64  `json:"bytes"`
	Oldest string `json:"oldest,omitempty"`
	Newest string `json:"newest,omitempty"`
}

type subscriptionStatus struct {
	SubscriptionID string         `json:"subscription_id"`
	Key            string         `json:"key"`
	Params         map[string]any `json:"params"`
	Cursor         string         `json:"cursor"`
	Behind         *int           `json:"behind,omitempty"` // unknown while no bus answers
	Delivered      int            `json:"delivered"`
	Filtered       int            `json:"filtered"`
	Failed         int            `json:"failed"`
	Withheld       int            `json:"withheld,omitempty"` // from the channel, by its allow lists
	LastEventAt    string         `json:"last_event_at,omitempty"`
}

// status collects what there is to tell. It never fails: what could not be found out is among the problems.
func (s *Session) status(ctx context.Context) *statusView {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	view := &statusView{
		App:           appView{ID: s.server.opts.AppID, Domain: s.server.opts.Domain},
		Source:        sourceStatus{State: stateUnknown},
		Subscriptions: []subscriptionStatus{}, Problems: []problem{},
	}
	consumer, err := s.consumer()
	if err != nil {
		view.Problems = append(view.Problems, problemOf(err))
	} else if answer, err := consumer.Status(ctx); err != nil {
		view.Problems = append(view.Problems, problemOf(err))
	} else {
		view.fill(answer)
		view.Problems = append(view.Problems, busProblems(answer)...)
	}
	for _, sub := range s.subs.all() {
		status, lost := s.subscriptionStatus(ctx, consumer, sub, view.Bus.Running)
		view.Subscriptions = append(view.Subscriptions, status)
		if err := sub.Problem(); err != nil {
			view.Problems = append(view.Problems, subscriptionProblem(sub, err))
		}
		if lost {
			view.Problems = append(view.Problems, truncatedProblem(sub))
		}
	}
	return view
}

// stateUnknown stands for the source's state while no bus is there to tell it.
const stateUnknown source.Phase = "unknown"

func (v *statusView) fill(answer *protocol.Status) {
	if v.App.ID == "" {
		v.App.ID = answer.AppID
	}
	if v.App.Domain == "" {
		v.App.Domain = answer.Domain
	}
	v.Bus = busView{
		Running: true, PID: answer.PID, Consumers: len(answer.Consumers),
		UptimeSeconds: int64(time.Since(answer.Started).Seconds()),
	}
	v.Source = sourceStatus{
		State: viewSource(answer.Source).State, Since: formatTimeOrEmpty(answer.Source.Since),
		Reconnects: answer.Source.Reconnects, LastError: answer.Source.LastError,
	}
	v.Journal = journalView{
		Events: answer.Journal.Events, Bytes: answer.Journal.Bytes,
		Oldest: formatTimeOrEmpty(answer.Journal.Oldest), Newest: formatTimeOrEmpty(answer.Journal.Newest),
	}
}

// subscriptionStatus returns what there is to tell of a subscription, and whether it lost events to retention. It
// asks the bus how much is unread only if one runs: asking must not start one.
func (s *Session) subscriptionStatus(ctx context.Context, consumer Consumer, sub *subscription, running bool) (subscriptionStatus, bool) {
	stats, position := sub.readStats(), sub.at()
	status := subscriptionStatus{
		SubscriptionID: sub.ID, Key: sub.Key.Key, Params: eventcore.TypedParams(sub.Key, sub.Params),
		Cursor: position.String(), Delivered: stats.delivered, Filtered: stats.filtered, Failed: stats.failed, Withheld: stats.withheld,
		LastEventAt: formatTimeOrEmpty(stats.lastEvent),
	}
	if consumer != nil && running {
		behind, err := consumer.Behind(ctx, consume.At{Subscription: sub.Subscription, Cursor: position})
		if err == nil {
			status.Behind = &behind
		} else {
			s.logger.Warn("the unread events of a subscription could not be counted", "subscription", sub.ID, "error", err)
		}
	}
	return status, stats.lost
}

func formatTimeOrEmpty(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return formatTime(t)
}
