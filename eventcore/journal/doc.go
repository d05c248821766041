// Package journal is the durable, ordered log of events: what it has accepted survives a crash of the process or
// the machine, is kept once by its id, and is read in the same order by everyone.
//
// It knows events only as an id, a type, a time and bytes, and has no opinion on who reads them. Package bus
// appends and reads; [OpenSQLite] is the implementation for one machine.
package journal
