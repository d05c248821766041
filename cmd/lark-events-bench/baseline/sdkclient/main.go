// Command sdkclient is what lark-events-mcp is measured against: the least that receives Lark's events with the SDK's
// own client and prints each body on a line. It keeps nothing and serves nobody.
//
// The handler is one for any event type, so that the SDK does not decode the body into a struct that nobody looks at.
package main

import (
	"context"
	"log"
	"os"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
	larkevent "github.com/larksuite/oapi-sdk-go/v3/event"
	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher"
	"github.com/larksuite/oapi-sdk-go/v3/ws"
)

func main() {
	// A long connection is not encrypted or signed by the app's keys, so that the dispatcher needs none.
	handler := dispatcher.NewEventDispatcher("", "").OnCustomizedEvent("im.message.receive_v1",
		func(_ context.Context, event *larkevent.EventReq) error {
			_, err := os.Stdout.Write(append(event.Body, '\n')) // in one call, because handlers run beside each other
			return err
		})
	log.Fatal(ws.NewClient(os.Getenv("LARK_APP_ID"), os.Getenv("LARK_APP_SECRET"),
		ws.WithEventHandler(handler), ws.WithDomain(os.Getenv("LARK_DOMAIN")),
		ws.WithLogLevel(larkcore.LogLevelError)). // it logs to stdout
		Start(context.Background()))
}
