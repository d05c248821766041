package journal

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// errForeignFormat is a journal that only another version of this program can read.
var errForeignFormat = errors.New("it was written by another version of this program")

// diskFull marks err with [ErrFull] if SQLite says that there is no room.
func diskFull(err error) error {
	if saysFull(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// saysFull reports whether SQLite found no room: for its data, or for the index of its log, which it says in another way.
func saysFull(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_FULL || e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE)
}

// sqliteCode returns the primary result code in err's chain, 0 if there is none: https://www.sqlite.org/rescode.html.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return sqlite3.SQLITE_OK
	}
	return e.Code() & 0xff
}

// undone reports whether a rollback failed because SQLite had made it by itself, as it does where there is no room:
// https://www.sqlite.org/lang_transaction.html.
func undone(err error) bool {
	return sqliteCode(err) == sqlite3.SQLITE_ERROR && strings.Contains(err.Error(), "no transaction is active")
}

// unusable is the error for a journal that cannot be opened.
func unusable(path string, err error) error {
	return &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("the journal %s cannot be used: %v", path, err),
		Hint:    mend(err),
		Cause:   err,
	}
}

// mend says what to do about a journal that cannot be opened. Only one that nobody can read is to be moved away: it
// holds events that were not read yet.
func mend(err error) string {
	const moveAway = "move the file and its -wal and -shm away; a new, empty journal is then started"
	if saysFull(err) {
		return "free space on its disk; the journal itself is whole"
	}
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return "check that its directory exists and that this user may write to it and to the file"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "another program has it open: end that program"
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR:
		// SQLITE_ERROR here means that a table or a column is missing.
		return moveAway
	}
	switch {
	case errors.Is(err, errForeignFormat):
		return "run the version that wrote it, or " + moveAway
	case errors.Is(err, sql.ErrNoRows): // a row that every journal has is missing
		return moveAway
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "free space on its disk"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "check that its directory exists and that this user may write to it and to the file"
	}
	return "check its disk and the system's log, and try again; do not remove the file, it holds events that were not read yet"
}

// explain turns what SQLite says of a damaged file, found after it was opened, into an [*eventcore.Error] with the way
// out. Other errors, which may pass, are returned as they are.
func (j *SQLite) explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	damaged := false
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		damaged = true
	case sqlite3.SQLITE_IOERR:
		damaged = e.Code() == sqlite3.SQLITE_IOERR_SHORT_READ
	case sqlite3.SQLITE_ERROR: // another file has its name
		damaged = strings.Contains(e.Error(), "no such table")
	}
	if !damaged {
		return err
	}
	return &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("the journal %s is damaged: %v", j.path, err),
		Hint:    "run lark-events-mcp stop, and move the file and its -wal and -shm away; the next bus starts a new, empty journal",
		Cause:   err,
	}
}
