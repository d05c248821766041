package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// Check returns an error unless the app's folder is there and this user's. It changes nothing, and looks neither at the
// modes nor at what is in the folder.
func (a App) Check() error {
	folder, err := a.open()
	if err != nil {
		return unusable(a.Dir, err)
	}
	return folder.Close()
}

// CheckFile returns an error unless there is a regular file of this user at path. It does not follow a symbolic link.
func CheckFile(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if err := ordinary(info, info.Mode().IsRegular()); err != nil {
		return misplaced(path, err)
	}
	return nil
}

// open opens the folder if it is a directory of this user. What is done in it by the handle stays in it, whatever
// becomes of the path.
func (a App) open() (*os.Root, error) {
	there, err := os.Lstat(a.Dir)
	if err != nil {
		return nil, err
	}
	if !there.IsDir() {
		return nil, fmt.Errorf("it is %s, not a directory", kind(there.Mode()))
	}
	if err := owned(there); err != nil {
		return nil, err
	}
	folder, err := os.OpenRoot(a.Dir)
	if err != nil {
		return nil, err
	}
	info, err := folder.Stat(".")
	if err == nil && !os.SameFile(there, info) {
		err = errors.New("it was replaced while it was looked at")
	}
	if err != nil {
		folder.Close()
		return nil, err
	}
	return folder, nil
}

// tighten closes the folder to others, and then looks at what is in it: nobody but this user can change that any more.
// SQLite and others open the files by their names.
func (a App) tighten(folder *os.Root) error {
	if err := private(folder, "."); err != nil {
		return unusable(a.Dir, err)
	}
	entries, err := fs.ReadDir(folder.FS(), ".")
	if err != nil {
		return unusable(a.Dir, err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			continue // none of ours
		}
		info, err := folder.Lstat(entry.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue // another process's, which has removed it
		}
		if err != nil {
			return unusable(a.Dir, err)
		}
		socket := entry.Name() == filepath.Base(a.Socket()) && info.Mode()&fs.ModeSocket != 0
		err = ordinary(info, socket || info.Mode().IsRegular())
		if n := links(info); err == nil && n > 1 { // what is written to it appears elsewhere too
			err = fmt.Errorf("it has %d names (hard links), and should have one", n)
		}
		if err != nil {
			return misplaced(filepath.Join(a.Dir, entry.Name()), err)
		}
		if err := private(folder, entry.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unusable(a.Dir, err)
		}
	}
	return nil
}

// private takes the permissions of others away from what is at name.
func private(folder *os.Root, name string) error {
	info, err := folder.Lstat(name)
	if err != nil || runtime.GOOS == "windows" {
		return err
	}
	mode := info.Mode().Perm() &^ 0o077
	if info.IsDir() {
		mode = 0o700
	}
	if mode == info.Mode().Perm() {
		return nil
	}
	return folder.Chmod(name, mode)
}

// ordinary returns an error unless a file is of the right kind and belongs to this user.
func ordinary(info fs.FileInfo, rightKind bool) error {
	if !rightKind {
		return fmt.Errorf("it is %s, which does not belong there", kind(info.Mode()))
	}
	return owned(info)
}

// kind names what a file is.
func kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a file"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode.IsDir():
		return "a directory"
	}
	return "a special file"
}

// misplaced is the error for a file that is not as it must be.
func misplaced(path string, err error) error {
	return &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("%s cannot be used: %v", path, err),
		Hint:    "find out how it came there and move it away, or set " + EnvHome + " to another directory of yours",
		Cause:   fmt.Errorf("%w: %w", ErrUnusable, err),
	}
}
