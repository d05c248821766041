// Package mail defines the event keys of Lark Mail: what arrives in a mailbox.
//
// It is not for reading or sending mail; the one call it makes for an event fetches the mail that the event is about.
// Package keys registers what [Keys] returns.
package mail
