package im

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestAScannedEnvelopeIsAsADecodedOne(t *testing.T) {
	payloads := []string{
		`{"event":{"sender":{"sender_id":{"open_id":"ou_1"},"sender_type":"user"},"message":{"message_id":"om_1","content":"é\n\"x\""}}}`,
		`{"event":{"message":{"message_id":7,"root_id":null,"chat_id":{"a":[1]},"chat_type":["p2p"],"thread_id":true}}}`,
		`{"event":{"sender":{"sender_id":"ou_1"},"message":{"message_id":"om_1","mentions":[{"key":"@_user_1","id":"ou_2","name":7},{"id":{"open_id":null}},{}]}}}`,
		`{"event":{"sender":{"sender_id":null,"sender_type":null},"message":{"message_id":"om_1","mentions":[]}},"more":[{}]}`,
		`{"event":{"sender":null,"message":{"message_id":"om_1","mentions":null}}}`,
		`{"event":{"message":{"message_id":"om_1","mentions":"none"}}}`,
		`{"Event":{"MESSAGE":{"Message_Id":"om_1"}}}`,
		`{"event":{"message":[]}}`, `{"event":7}`, `{}`, `[]`, `{"event":{"message":{"message_id":"om_1"}}`,
	}
	for _, name := range recordedNames(t) {
		payloads = append(payloads, string(recorded(t, name).Payload))
	}
	for _, payload := range payloads {
		want, wantErr := decodeReceived(json.RawMessage(payload))
		got, err := parseReceived(&eventcore.RawEvent{Payload: json.RawMessage(payload)})
		if (err != nil) != (wantErr != nil) {
			t.Errorf("%s: error %v, want %v", payload, err, wantErr)
			continue
		}
		if err != nil {
			continue
		}
		if len(got.Event.Message.Mentions) == 0 && len(want.Event.Message.Mentions) == 0 {
			got.Event.Message.Mentions, want.Event.Message.Mentions = nil, nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v,\nwant %+v", payload, got, want)
		}
	}
}

// BenchmarkProcess makes the flat message of a text of 200 characters.
func BenchmarkProcess(b *testing.B) {
	raw := &eventcore.RawEvent{EventType: receiveMessage, Payload: []byte(`{"schema":"2.0","header":{"event_id":"5e3702a84e847582be8db7fb73283c02",` +
		`"create_time":"1608725989000","event_type":"im.message.receive_v1","tenant_key":"2ca1d211f64f6438","app_id":"cli_9f5343c580712544"},` +
		`"event":{"sender":{"sender_id":{"open_id":"ou_84aad35d084aa403a838cf73ee18467","union_id":"on_8ed6aa67826108097d9ee143816345","user_id":"e33ggbyz"},` +
		`"sender_type":"user","tenant_key":"2ca1d211f64f6438"},"message":{"message_id":"om_5ce6d572455d361153b7cb51da133945","create_time":"1609073151345",` +
		`"chat_id":"oc_5ce6d572455d361153b7xx51da133945","chat_type":"group","message_type":"text","content":"{\"text\":\"` + strings.Repeat("x", 200) + `\"}"}}}`)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := processReceive(b.Context(), nil, raw, nil); err != nil {
			b.Fatal(err)
		}
	}
}
