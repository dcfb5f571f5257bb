package store

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// ErrElsewhere is returned where the database is not ours to copy: PostgreSQL has tools of its own.
var ErrElsewhere = errors.New("the database is on a server of its own")

// Copy writes the database as it is at one moment into a new file, beside running readers and writers. What was
// deleted is not in it.
func (s *Store) Copy(ctx context.Context, path string) error {
	if s.pg {
		return ErrElsewhere
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // SQLite would make it readable by others
	if err != nil {
		return fmt.Errorf("copy database: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("copy database: %w", err)
	}
	if _, err := s.write.ExecContext(ctx, `VACUUM INTO ?`, path); err != nil {
		return fmt.Errorf("copy database: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}
