package lark

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/larksuite/oapi-sdk-go/v3/ws"
)

// What an answer's payload says; any code but 200 makes the platform deliver again.
//
// Source: the SDK's ws.Response, as its client encodes it.
const (
	answerTaken = `{"code":200,"headers":null,"data":null}`
	answerAgain = `{"code":500,"headers":null,"data":null}`
)

// delivery is a data frame on its way to the sink, and then its answer on the way back. It is answered once;
// whoever comes first decides.
type delivery struct {
	frame    ws.Frame // without its payload
	arrived  time.Time
	answers  chan<- *delivery
	answered atomic.Bool
	code     int
}

// done is the event's Done.
func (d *delivery) done(err error) {
	if err != nil {
		d.answer(http.StatusInternalServerError)
		return
	}
	d.answer(http.StatusOK)
}

// answer queues the answer and reports whether it was the first. It never blocks: the queue has room for every
// delivery that the connection lets be under way.
func (d *delivery) answer(code int) bool {
	if !d.answered.CompareAndSwap(false, true) {
		return false
	}
	d.code = code
	d.answers <- d
	return true
}

// appendTo appends the encoded answer: the frame as it came, with our payload and how long we took.
func (d *delivery) appendTo(buffer []byte, now time.Time) ([]byte, error) {
	payload := answerTaken
	if d.code != http.StatusOK {
		payload = answerAgain
	}
	took := strconv.FormatInt(now.Sub(d.arrived).Milliseconds(), 10)
	d.frame.Headers = append(d.frame.Headers, ws.Header{Key: ws.HeaderBizRt, Value: took})
	d.frame.Payload = []byte(payload)
	start, size := len(buffer), d.frame.Size()
	buffer = append(buffer, make([]byte, size)...)
	if _, err := d.frame.MarshalToSizedBuffer(buffer[start:]); err != nil {
		return buffer[:start], err
	}
	return buffer, nil
}
