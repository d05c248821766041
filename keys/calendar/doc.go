// Package calendar defines the event keys of calendars: changes of events on a calendar, of the list of calendars that
// a user has, and of who may see a calendar.
//
// It is not for reading or writing calendars; the one call it makes for an event fetches what changed. Package keys
// registers what [Keys] returns.
package calendar
