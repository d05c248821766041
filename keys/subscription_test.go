package keys

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/openapi"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// platformSubscription is what a key asks of the platform, as "METHOD PATH?QUERY BODY".
type platformSubscription struct {
	params  map[string]any
	on, off string
	// other is another resource, for a key that is subscribed to for each resource by itself.
	other *otherResource
}

// otherResource is what differs for another resource than the one of a platformSubscription.
type otherResource struct {
	params map[string]any
	// inCalls are pairs: a part of the calls, and what is there instead.
	inCalls []string
}

// forOther is the same subscription to the other resource.
func (s platformSubscription) forOther() platformSubscription {
	calls := strings.NewReplacer(s.other.inCalls...)
	return platformSubscription{params: s.other.params, on: calls.Replace(s.on), off: calls.Replace(s.off)}
}

// Resources that keys are subscribed to for, and another of each kind.
const (
	fileToken      = "doxcnBdH5Xt1XcA9RgjTBkk1cPf"
	otherFileToken = "shtcnmBA4yhcfooH6pBkHxhCxxx"

	whiteboard      = "Ta8dwXWyqhvRLHbvFvTcnvQonob"
	otherWhiteboard = "Kp3xwRTzqmsNUGcwHxVeorSrpqd"

	mailbox      = "ada@example.com"
	otherMailbox = "support@example.com"

	calendarID      = "feishu.cn_abc@group.calendar.feishu.cn"
	otherCalendarID = "feishu.cn_def@group.calendar.feishu.cn"
)

// platformSubscriptions are the calls of all keys that make some. KEY in a call stands for the key.
func platformSubscriptions() map[string]platformSubscription {
	const byType = ` {"event_type":"KEY"}`
	found := map[string]platformSubscription{
		"board.whiteboard.updated_v1": {
			map[string]any{"whiteboard_id": whiteboard},
			"POST /open-apis/board/v1/whiteboards/" + whiteboard + "/subscribe" + byType,
			"POST /open-apis/board/v1/whiteboards/" + whiteboard + "/unsubscribe" + byType,
			&otherResource{map[string]any{"whiteboard_id": otherWhiteboard}, []string{whiteboard, otherWhiteboard}},
		},
		"mail.user_mailbox.event.message_received_v1": {
			map[string]any{"mailbox": "me"},
			"POST /open-apis/mail/v1/user_mailboxes/" + mailbox + `/event/subscribe {"event_type":1}`,
			"POST /open-apis/mail/v1/user_mailboxes/" + mailbox + `/event/unsubscribe {"event_type":1}`,
			&otherResource{map[string]any{"mailbox": otherMailbox}, []string{mailbox, otherMailbox}},
		},
		"calendar.calendar.changed_v4": {
			nil, "POST /open-apis/calendar/v4/calendars/subscription", "POST /open-apis/calendar/v4/calendars/unsubscription", nil,
		},
		"drive.notice.comment_add_v1": {
			nil, "POST /open-apis/drive/v1/user/subscription" + byType, "DELETE /open-apis/drive/v1/user/remove_subscription?event_type=KEY", nil,
		},
		"task.task.update_user_access_v2": {nil, "POST /open-apis/task/v2/task_v2/task_subscription?user_id_type=open_id", "", nil},
	}
	for _, key := range []string{"vc.meeting.participant_meeting_started_v1", "vc.meeting.participant_meeting_joined_v1", "vc.meeting.participant_meeting_ended_v1"} {
		found[key] = platformSubscription{nil, "POST /open-apis/vc/v1/meetings/subscription" + byType, "POST /open-apis/vc/v1/meetings/unsubscription" + byType, nil}
	}
	for _, key := range []string{"vc.recording.recording_started_v1", "vc.recording.recording_ended_v1", "vc.recording.recording_transcript_generated_v1"} {
		found[key] = platformSubscription{nil, "POST /open-apis/vc/v1/recordings/subscription" + byType, "POST /open-apis/vc/v1/recordings/unsubscription" + byType, nil}
	}
	found["vc.note.generated_v1"] = platformSubscription{nil, "POST /open-apis/vc/v1/notes/subscription" + byType, "POST /open-apis/vc/v1/notes/unsubscription" + byType, nil}
	found["minutes.minute.generated_v1"] = platformSubscription{
		nil, "POST /open-apis/minutes/v1/minutes/subscription" + byType, "POST /open-apis/minutes/v1/minutes/unsubscription" + byType, nil,
	}
	for key, what := range map[string]string{"approval.instance.status_changed_v4": "instances", "approval.task.status_changed_v4": "tasks"} {
		path := "/open-apis/approval/v4/" + what + "/subscription"
		found[key] = platformSubscription{
			map[string]any{"subscription_type": "MANAGED_APPROVAL"},
			"POST " + path + ` {"subscription_type":"MANAGED_APPROVAL"}`, "DELETE " + path + "?subscription_type=MANAGED_APPROVAL",
			&otherResource{map[string]any{"subscription_type": "INVOLVED_APPROVAL"}, []string{"MANAGED", "INVOLVED"}},
		}
	}
	for key, what := range map[string]string{
		"calendar.calendar.event.changed_v4": "events", "calendar.calendar.acl.created_v4": "acls", "calendar.calendar.acl.deleted_v4": "acls",
	} {
		path := "POST /open-apis/calendar/v4/calendars/" + calendarID + "/" + what
		found[key] = platformSubscription{
			map[string]any{"calendar_id": "primary"}, path + "/subscription", path + "/unsubscription",
			&otherResource{map[string]any{"calendar_id": otherCalendarID}, []string{calendarID, otherCalendarID}},
		}
	}
	for _, def := range All() {
		if !strings.HasPrefix(def.Key, "drive.file.") {
			continue
		}
		kind, query := "docx", "?file_type=docx"
		switch {
		case strings.HasPrefix(def.Key, "drive.file.bitable"):
			kind, query = "bitable", "?file_type=bitable"
		case def.Key == "drive.file.created_in_folder_v1":
			kind, query = "folder", "?event_type=file.created_in_folder_v1&file_type=folder"
		}
		found[def.Key] = platformSubscription{
			map[string]any{"file_token": fileToken, "file_type": kind},
			"POST /open-apis/drive/v1/files/" + fileToken + "/subscribe" + query,
			"DELETE /open-apis/drive/v1/files/" + fileToken + "/delete_subscribe" + query,
			&otherResource{map[string]any{"file_token": otherFileToken, "file_type": kind}, []string{fileToken, otherFileToken}},
		}
	}
	for key, s := range found {
		s.on, s.off = strings.ReplaceAll(s.on, "KEY", key), strings.ReplaceAll(s.off, "KEY", key)
		found[key] = s
	}
	return found
}

// subscriptions is a bus and a platform for one key; the platform answers also the calls for its other resource.
type subscriptions struct {
	t        *testing.T
	platform *larksim.Platform
	bus      *testutil.RunningBus
	key      string
	platformSubscription
}

func newSubscriptions(t *testing.T, key string, s platformSubscription) *subscriptions {
	platform, err := larksim.Start(larksim.Options{UserAccessTokens: []string{"u-1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(platform.Close)
	calls := []string{s.on, s.off}
	if s.other != nil {
		other := s.forOther()
		calls = append(calls, other.on, other.off)
	}
	for _, call := range calls {
		if method, rest, ok := strings.Cut(call, " "); ok {
			path, _, _ := strings.Cut(rest, " ")
			path, _, _ = strings.Cut(path, "?")
			platform.Answer(method, path, 200, map[string]any{"code": 0, "data": map[string]any{}})
		}
	}
	platform.Answer("GET", "/open-apis/mail/v1/user_mailboxes/me/profile", 200,
		map[string]any{"code": 0, "data": map[string]any{"primary_email_address": mailbox}})
	platform.Answer("POST", "/open-apis/calendar/v4/calendars/primary", 200, map[string]any{"code": 0, "data": map[string]any{
		"calendars": []any{map[string]any{"calendar": map[string]any{"calendar_id": calendarID}}},
	}})
	return &subscriptions{t, platform, testutil.StartBus(t, testutil.Home(t).App("cli_test")), key, s}
}

func (s *subscriptions) api(identity string) (eventcore.APIClient, error) {
	api := openapi.New(openapi.Options{
		AppID: s.platform.AppID(), AppSecret: s.platform.AppSecret(), BaseURL: s.platform.URL(), UserAccessToken: "u-1",
	})
	s.t.Cleanup(api.Close)
	return api.As(identity)
}

func (s *subscriptions) client() *consume.Client {
	c := consume.New(consume.Options{App: s.bus.App, Name: "test", API: s.api})
	s.t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			s.t.Error(err)
		}
	})
	return c
}

// consumer subscribes to the key as a process of its own would.
func (s *subscriptions) consumer() (*consume.Client, *consume.Subscription) {
	s.t.Helper()
	return s.consumerOf(s.key, s.params)
}

// consumerOf does so for another key, or for another resource.
func (s *subscriptions) consumerOf(key string, params map[string]any) (*consume.Client, *consume.Subscription) {
	s.t.Helper()
	c := s.client()
	sub, _, err := c.Subscribe(s.t.Context(), consume.Request{Key: key, Params: params})
	if err != nil {
		s.t.Fatal(err)
	}
	return c, sub
}

func (s *subscriptions) leave(c *consume.Client, sub *consume.Subscription, want consume.Cleanup) {
	s.t.Helper()
	if got, err := c.Unsubscribe(s.t.Context(), sub); got != want || err != nil {
		s.t.Errorf("cleanup %s (%v), want %s", got, err, want)
	}
}

// killed is the first consumer of the key, up to the moment when it is killed by calling the function that is returned.
// It speaks the protocol itself, because a consume.Client never leaves without a word.
func (s *subscriptions) killed() (kill func()) {
	s.t.Helper()
	def, _ := eventcore.Lookup(s.key)
	api, err := s.api(def.AuthTypes[0])
	if err != nil {
		s.t.Fatal(err)
	}
	params, err := eventcore.ResolveParams(def, s.params)
	if err == nil && def.NormalizeParams != nil {
		err = def.NormalizeParams(s.t.Context(), api, params)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	conn, err := transport.Dial(s.t.Context(), s.bus.App.Socket())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	out, in := protocol.NewWriter(conn), protocol.NewReader(conn, protocol.MaxResponseLine)
	ask := func(req protocol.Request) protocol.Response {
		var answer protocol.Response
		err := out.Write(req)
		for err == nil && answer.ID != req.ID || answer.Welcome == nil && req.Hello != nil && err == nil {
			answer = protocol.Response{}
			err = in.Read(&answer)
		}
		if err != nil || answer.Error != nil {
			s.t.Fatalf("%+v: %v %v", req, err, answer.Error)
		}
		return answer
	}
	identity := eventcore.SubscriptionIdentity(def, params)
	ask(protocol.Request{ID: 1, Hello: &protocol.Hello{Version: protocol.Version, Role: protocol.RoleConsumer, Name: "killed"}})
	acquired := ask(protocol.Request{ID: 2, Acquire: &protocol.Acquire{Holder: 1, Identity: identity, Key: s.key, Platform: true}})
	if !acquired.Acquired.First {
		s.t.Fatal("it is not the first")
	}
	if _, err := def.PreConsume(s.t.Context(), api, params); err != nil {
		s.t.Fatal(err)
	}
	ask(protocol.Request{ID: 3, Settle: &protocol.Settle{Holder: 1, Identity: identity, OK: true}})
	return func() { conn.Close() }
}

// awaitHolders waits until the bus counts so many holders of the scope.
func (s *subscriptions) awaitHolders(c *consume.Client, n int) {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		status, err := c.Status(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		if len(status.Scopes) == 1 && status.Scopes[0].Holders == n {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("scopes: %+v, want %d holders", status.Scopes, n)
		}
	}
}

// want holds the calls that the platform has recorded, but for the lookups of names, against those expected.
func (s *subscriptions) want(calls ...string) {
	s.t.Helper()
	var got []string
	for _, call := range s.platform.Calls() {
		text := call.Method + " " + call.Path
		if len(call.Query) > 0 {
			text += "?" + call.Query.Encode()
		}
		if len(call.Body) > 0 {
			text += " " + string(call.Body)
		}
		if !strings.Contains(text, "/profile") && !strings.Contains(text, "/primary") {
			got = append(got, text)
		}
	}
	calls = slices.DeleteFunc(calls, func(call string) bool { return call == "" })
	if !slices.Equal(got, calls) {
		s.t.Errorf("the platform was asked\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(calls, "\n"))
	}
}

func TestEachKeySubscribesOnceAndUnsubscribesOnce(t *testing.T) {
	eventcore.ResetRegistryForTest()
	t.Cleanup(eventcore.ResetRegistryForTest)
	Register()
	known := platformSubscriptions()
	for _, def := range eventcore.ListAll() {
		if _, described := known[def.Key]; described != (def.PreConsume != nil) {
			t.Errorf("%s: it has a PreConsume: %t, calls are known: %t", def.Key, def.PreConsume != nil, described)
		}
	}
	for key, calls := range known {
		t.Run(key, func(t *testing.T) {
			t.Run("two consumers", func(t *testing.T) {
				s := newSubscriptions(t, key, calls)
				first, a := s.consumer()
				if def, _ := eventcore.Lookup(key); def.SingleConsumer {
					s.leave(first, a, consume.CleanupDone)
					s.want(s.on, s.off)
					return
				}
				second, b := s.consumer()
				s.leave(first, a, consume.CleanupNotLast)
				s.leave(second, b, consume.CleanupDone)
				s.want(s.on, s.off)
			})
			t.Run("the first is killed", func(t *testing.T) {
				if def, _ := eventcore.Lookup(key); def.SingleConsumer {
					t.Skip("there is no second")
				}
				s := newSubscriptions(t, key, calls)
				kill := s.killed()
				second, b := s.consumer()
				s.awaitHolders(second, 2)
				kill()
				s.awaitHolders(second, 1)
				s.leave(second, b, consume.CleanupDone)
				s.want(s.on, s.off)
			})
			t.Run("the only one is killed", func(t *testing.T) {
				s := newSubscriptions(t, key, calls)
				s.killed()()
				s.awaitHolders(s.client(), 0)
				next, sub := s.consumer()
				s.leave(next, sub, consume.CleanupDone)
				s.want(s.on, s.on, s.off)
			})
		})
	}
}
