package frame

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"testing"
)

// sdk is testdata/sdk.json: what the SDK's ws package writes. The file says how it was made.
type sdk struct {
	Frames []struct {
		Name  string
		Frame Frame
		Hex   string
	}
	Answers        map[string]string
	ClientConfig   string
	EndpointAnswer string
}

func readSDK(t testing.TB) sdk {
	t.Helper()
	raw, err := os.ReadFile("testdata/sdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var s sdk
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// encoded returns the bytes that the SDK wrote, by the name of the frame.
func encoded(t testing.TB) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for _, golden := range readSDK(t).Frames {
		raw, err := hex.DecodeString(golden.Hex)
		if err != nil {
			t.Fatalf("%s: %v", golden.Name, err)
		}
		found[golden.Name] = raw
	}
	return found
}

func TestFramesAreByteForByteTheSDKs(t *testing.T) {
	bytesOf := encoded(t)
	for _, golden := range readSDK(t).Frames {
		t.Run(golden.Name, func(t *testing.T) {
			want := bytesOf[golden.Name]
			if got := golden.Frame.Marshal(); !bytes.Equal(got, want) {
				t.Errorf("encoded\n%x, the SDK writes\n%x", got, want)
			}
			if size := golden.Frame.Size(); size != len(want) {
				t.Errorf("size %d, want %d", size, len(want))
			}
			got := Frame{SeqID: 1, Payload: []byte("of another frame")}
			if err := got.Unmarshal(want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, golden.Frame) {
				t.Errorf("decoded\n%+v, the SDK wrote\n%+v", got, golden.Frame)
			}
		})
	}
}

func TestAPingIsTheSDKs(t *testing.T) {
	if got, want := Ping(33554678).Marshal(), encoded(t)["ping"]; !bytes.Equal(got, want) {
		t.Errorf("encoded %x, the SDK writes %x", got, want)
	}
}

func TestAnswersAndConfigurationsAreTheSDKs(t *testing.T) {
	s := readSDK(t)
	if AnswerTaken != s.Answers["200"] || AnswerAgain != s.Answers["500"] {
		t.Errorf("answers %s and %s, the SDK writes %s and %s", AnswerTaken, AnswerAgain, s.Answers["200"], s.Answers["500"])
	}
	var config ClientConfig
	sameJSON(t, s.ClientConfig, &config)
	if want := (ClientConfig{ReconnectCount: -1, ReconnectInterval: 120, ReconnectNonce: 30, PingInterval: 90}); config != want {
		t.Errorf("configuration %+v, want %+v", config, want)
	}
	var answer EndpointAnswer
	sameJSON(t, s.EndpointAnswer, &answer)
	if answer.Msg != "success" || answer.Data == nil || answer.Data.URL == "" || *answer.Data.ClientConfig != config {
		t.Errorf("the endpoint's answer lacks something: %+v", answer)
	}
}

// sameJSON decodes text into v and encodes it again: nothing may be lost or added.
func sameJSON(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatal(err)
	}
	if got, err := json.Marshal(v); err != nil || string(got) != text {
		t.Errorf("encoded %s (%v), the SDK writes %s", got, err, text)
	}
}
