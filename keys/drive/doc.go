// Package drive defines the event keys of cloud documents: edits, titles, access and deletion of one file, new files in a
// folder, records and fields of a Base, and comments.
//
// It is not for reading or writing documents. Package keys registers what [Keys] returns.
package drive
