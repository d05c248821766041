package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// ErrInUse is the cause of the error for a folder whose webhooks another process delivers.
var ErrInUse = errors.New("another process delivers the webhooks of this folder")

// storeVersion is the version of the file's format, the latest of those that are read. A file of a later one is not touched.
// Version 1 had watermarks in the older form of cursors only, of which the programs that wrote it knew no other.
const storeVersion = 2

// store is the file in which subscriptions are kept, secrets included, and the lock that makes this process its only
// user. One goroutine at a time may use it.
type store struct {
	path string
	lock *flock.Flock
}

// storeFile is the file's content.
type storeFile struct {
	Version       int      `json:"version"`
	Subscriptions []record `json:"subscriptions"`
}

// record is a subscription as it is kept. That there is one means that its endpoint was verified.
type record struct {
	ID        string          `json:"id"`
	Principal string          `json:"principal"`
	URL       string          `json:"url"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
	Given     json.RawMessage `json:"given,omitempty"`
	Secrets   keyring         `json:"secrets"`
	Expires   *time.Time      `json:"expires"`
	Watermark string          `json:"watermark"`
	Gap       bool            `json:"gap,omitempty"`
	Status    DeliveryStatus  `json:"status"`
}

// openStore takes the lock of a folder's file.
func openStore(dir string) (*store, error) {
	s := &store{path: filepath.Join(dir, "webhooks.json")}
	s.lock = flock.New(filepath.Join(dir, "webhooks.lock"), flock.SetPermissions(0o600))
	switch locked, err := s.lock.TryLock(); {
	case err != nil:
		return nil, s.unusable("lock", err, "make the folder writable, or use another one")
	case !locked:
		return nil, s.unusable("lock", ErrInUse, "stop that server, if this one is to deliver them")
	}
	return s, nil
}

// close gives the lock up. Its file stays, because removing it would let two processes lock two files of one name.
func (s *store) close() error { return s.lock.Unlock() }

// load returns the subscriptions that have not expired; none if there is no file. A file that cannot be understood in
// full is an error: what it promises must not be forgotten silently.
func (s *store) load() ([]*subscription, error) {
	const hint = "repair the file, or move it away to go on without its subscriptions, whose clients then have to subscribe again"
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, s.unusable("read", err, hint)
	}
	var file storeFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, s.unusable("read", err, hint)
	}
	if file.Version < 1 || file.Version > storeVersion {
		return nil, s.unusable("read", fmt.Errorf("its format is version %d, and this program reads up to %d", file.Version, storeVersion),
			"run the program that wrote it, or move it away")
	}
	var subs []*subscription
	for i, r := range file.Subscriptions {
		sub, err := r.subscription()
		if err != nil {
			return nil, s.unusable("read", fmt.Errorf("subscription %d: %w", i, err), hint)
		}
		if slices.ContainsFunc(subs, func(other *subscription) bool { return other.id == sub.id }) {
			return nil, s.unusable("read", fmt.Errorf("subscription %d is there twice", i), hint)
		}
		if over, _, _ := sub.ended(time.Now()); !over || r.Expires == nil {
			subs = append(subs, sub)
		}
	}
	return subs, nil
}

// save replaces the file in one step, which a crash of the machine leaves done or not begun.
func (s *store) save(records []record) error {
	slices.SortFunc(records, func(a, b record) int { return strings.Compare(a.ID, b.ID) })
	text, err := encode(storeFile{Version: storeVersion, Subscriptions: records})
	if err != nil {
		return fmt.Errorf("encode the webhook subscriptions: %w", err)
	}
	next := s.path + ".new"
	if err := writeNew(next, text); err != nil {
		return fmt.Errorf("save the webhook subscriptions: %w", err)
	}
	if err := os.Rename(next, s.path); err != nil {
		return fmt.Errorf("save the webhook subscriptions: %w", err)
	}
	// Not every system can sync a directory. Where it cannot, a crash may leave the file as it was before.
	if dir, err := os.Open(filepath.Dir(s.path)); err == nil {
		dir.Sync()
		dir.Close()
	}
	return nil
}

// writeNew writes a file of its own in place of what is at the path, and has it on disk before it returns.
func writeNew(path string, text []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func (s *store) unusable(verb string, err error, hint string) error {
	return &eventcore.Error{
		Code: eventcore.CodeInternal, Message: fmt.Sprintf("the webhook subscriptions in %s: cannot %s: %v", s.path, verb, err),
		Hint: hint, Cause: err,
	}
}

// record returns the subscription as it is to be kept. Secrets that sign no more are left out.
func (s *subscription) record(now time.Time) record {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := record{
		ID: s.id, Principal: s.principal, URL: s.to.url, Name: s.name, Arguments: s.arguments, Given: s.given,
		Watermark: s.watermark.String(), Gap: s.gap, Status: s.status,
	}
	r.Secrets = keyring{Current: s.keys.Current, Retired: slices.DeleteFunc(slices.Clone(s.keys.Retired),
		func(old retiredSecret) bool { return !now.Before(old.Until) })}
	if !s.expires.IsZero() {
		expires := s.expires
		r.Expires = &expires
	}
	return r
}

// subscription returns what was kept, if all of it is sound.
func (r record) subscription() (*subscription, error) {
	if r.ID != subscriptionID(r.Principal, r.URL, r.Name, r.Arguments) {
		return nil, errors.New("its id does not belong to the rest")
	}
	// What is no longer permitted shows at delivery; it is no damage.
	to, err := parseEndpoint(r.URL, everything)
	if err != nil {
		return nil, err
	}
	for _, old := range r.Secrets.Retired {
		if err := checkSecret(old.Secret); err != nil {
			return nil, err
		}
	}
	if err := checkSecret(r.Secrets.Current); err != nil {
		return nil, err
	}
	if r.Status.FailedSince != nil && r.Status.LastError == nil {
		return nil, errors.New("its status has failures without an error")
	}
	watermark, err := eventcore.ParseCursor(r.Watermark)
	if err != nil {
		return nil, err
	}
	sub := newSubscription(key{r.ID, r.Arguments, r.Given}, Request{Principal: r.Principal, Name: r.Name}, to)
	sub.keys, sub.watermark, sub.gap, sub.status = r.Secrets, watermark, r.Gap, r.Status
	if sub.status.Active && sub.status.FailedSince != nil {
		// While this server was down it was not the endpoint that failed.
		now := stamp(time.Now())
		sub.status.FailedSince = &now
	}
	if r.Expires != nil {
		sub.expires = *r.Expires
	}
	return sub, nil
}
