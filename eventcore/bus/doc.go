// Package bus is the daemon of one app: it takes events from a source, makes them durable, acknowledges them, and
// serves any number of consumers from the journal.
//
// It knows no event key and runs no hook; consumers do (package consume). It never queues events for anybody: a
// consumer is a reader at a position of its own. The command line runs it with [Run].
package bus
