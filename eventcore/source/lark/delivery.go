package lark

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
)

// delivery is a data frame on its way to the sink, and then its answer on the way back. It is answered once;
// whoever comes first decides.
type delivery struct {
	frame    frame.Frame // without its payload
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
func (d *delivery) appendTo(buffer []byte, now time.Time) []byte {
	answer := d.frame
	took := strconv.FormatInt(now.Sub(d.arrived).Milliseconds(), 10)
	answer.Headers = append(answer.Headers, frame.Header{Key: frame.HeaderBizRt, Value: took})
	answer.Payload = []byte(frame.AnswerTaken)
	if d.code != http.StatusOK {
		answer.Payload = []byte(frame.AnswerAgain)
	}
	return answer.Append(buffer)
}
