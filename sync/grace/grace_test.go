package grace_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"vestibule/sync/grace"
)

func TestWorkUnderWayHasItsTimeAfterAStopAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		under, done := grace.Extend(ctx, 5*time.Second)
		defer done()
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.NoError(t, under.Err())
		stop()
		time.Sleep(5*time.Second - 1)
		synctest.Wait()
		assert.NoError(t, under.Err())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		assert.ErrorIs(t, under.Err(), context.Canceled)
	})
}

func TestWorkThatIsDoneLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails when a goroutine stays
		ctx, stop := context.WithCancel(t.Context())
		before, done := grace.Extend(ctx, time.Hour)
		done()
		assert.Error(t, before.Err())
		after, done := grace.Extend(ctx, time.Hour)
		stop()
		synctest.Wait()
		assert.NoError(t, after.Err())
		done()
		synctest.Wait()
		assert.Error(t, after.Err())
	})
}
