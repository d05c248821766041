package source

import (
	"strings"
	"testing"
	"time"
)

func BenchmarkParseEnvelope(b *testing.B) {
	body := []byte(`{"schema":"2.0","header":{"event_id":"5e3702a84e847582be8db7fb73283c02","token":"rvaYgkND1GOiu5MM0E1rncYC6PLtF7JV",` +
		`"create_time":"1608725989000","event_type":"im.message.receive_v1","tenant_key":"2ca1d211f64f6438","app_id":"cli_9f5343c580712544"},` +
		`"event":{"sender":{"sender_id":{"open_id":"ou_84aad35d084aa403a838cf73ee18467","union_id":"on_8ed6aa67826108097d9ee143816345","user_id":"e33ggbyz"},` +
		`"sender_type":"user","tenant_key":"2ca1d211f64f6438"},"message":{"message_id":"om_5ce6d572455d361153b7cb51da133945","create_time":"1609073151345",` +
		`"chat_id":"oc_5ce6d572455d361153b7xx51da133945","chat_type":"group","message_type":"text","content":"{\"text\":\"` + strings.Repeat("x", 200) + `\"}"}}}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	now := time.Now()
	for b.Loop() {
		if _, err := ParseEnvelope(body, now); err != nil {
			b.Fatal(err)
		}
	}
}
