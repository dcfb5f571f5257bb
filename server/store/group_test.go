package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/server/store"
)

// Writers at the same time are committed together where that is cheaper. None may notice.
func TestWritersAtTheSameTimeDoNotTakePartInEachOthersFailures(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		const n = 200
		boom := errors.New("boom")
		var working sync.WaitGroup
		results := make([]error, n)
		fell := make([]any, n)
		for i := range n {
			working.Go(func() {
				defer func() { fell[i] = recover() }()
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				results[i] = s.Write(ctx, func(tx *store.Tx) error {
					if err := tx.Audit(ctx, fmt.Sprintf("id-%d", i), "who", "what", "all", now); err != nil {
						return err
					}
					switch i % 5 {
					case 1:
						return boom
					case 2:
						panic("fell")
					case 3:
						cancel() // of one of them: its next statement fails
						return tx.Audit(ctx, fmt.Sprintf("id-%d-b", i), "who", "what", "all", now)
					}
					return nil
				})
			})
		}
		working.Wait()
		kept := map[string]bool{}
		lines, err := s.Read().AuditOf(ctx, "all")
		require.NoError(t, err)
		for _, l := range lines {
			kept[l.ID] = true
		}
		for i := range n {
			want := i%5 == 0 || i%5 == 4
			switch {
			case want:
				assert.NoError(t, results[i], "writer %d", i)
			case i%5 == 1:
				assert.ErrorIs(t, results[i], boom)
			case i%5 == 2:
				assert.Equal(t, "fell", fell[i], "its own goroutine hears of it")
			default:
				assert.Error(t, results[i]) // the drivers word it differently
			}
			assert.Equal(t, want, kept[fmt.Sprintf("id-%d", i)], "writer %d", i)
			assert.False(t, kept[fmt.Sprintf("id-%d-b", i)])
		}
	})
}

func TestAWriterWhoseTimeIsOverWhileOthersWriteDoesNothing(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		inside, leave := make(chan struct{}), make(chan struct{})
		var working sync.WaitGroup
		working.Go(func() {
			assert.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
				if err := tx.Turn(ctx, store.DeciderTurn); err != nil {
					return err
				}
				close(inside)
				<-leave
				return nil
			}))
		})
		<-inside
		late, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		err := s.Write(late, func(tx *store.Tx) error {
			if err := tx.Turn(late, store.DeciderTurn); err != nil {
				return err
			}
			return tx.Audit(late, "late", "who", "what", "all", now)
		})
		require.Error(t, err)
		close(leave)
		working.Wait()
		lines, err := s.Read().AuditOf(ctx, "all")
		require.NoError(t, err)
		require.Empty(t, lines)
	})
}
