package journal

import (
	"errors"
	"fmt"
	"os"
)

const (
	pageSize = 4096 // SQLite's default
	// logBytes is how long the log may be before it begins anew: a page there has a header of 24 bytes.
	logBytes = checkpointPages * (pageSize + 24)
)

// Reserve makes SQLite's log as long as it will become, with zeros, which SQLite takes for the end of the log. A commit
// that makes the file longer takes half as long again as one that writes over it, because the file system has to keep
// where it lies. It is worth calling, once, where events are awaited; appends wait for it for milliseconds. If that
// fails, for want of room say, the log is as it was, and as good.
func (j *SQLite) Reserve() error {
	file, err := os.OpenFile(j.path+"-wal", os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("reserve room for the journal's log: %w", err)
	}
	defer file.Close()
	if err := j.lengthen(file); err != nil {
		return fmt.Errorf("reserve room for the journal's log: %w", err)
	}
	// Beside the appends, which would otherwise wait for all of it to be written.
	if err := file.Sync(); err != nil {
		return fmt.Errorf("reserve room for the journal's log: %w", err)
	}
	return nil
}

// lengthen writes zeros behind what SQLite has written. Nobody writes to the log meanwhile.
func (j *SQLite) lengthen(file *os.File) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	zeros := make([]byte, 64<<10)
	for at := info.Size(); at < logBytes; at += int64(len(zeros)) {
		if _, err := file.WriteAt(zeros, at); err != nil {
			return errors.Join(err, file.Truncate(info.Size()))
		}
	}
	return nil
}
