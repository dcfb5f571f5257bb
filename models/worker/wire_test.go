package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"vestibule/models"
)

func TestWhatIsWrongWithAFrameIsSaidHoweverLate(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		late bool
		want error
	}{
		"a bad frame":         {fmt.Errorf("%w: cut off", models.ErrFrame), false, models.ErrFrame},
		"a bad frame, late":   {fmt.Errorf("%w: cut off", models.ErrFrame), true, models.ErrFrame},
		"a bad network, late": {fmt.Errorf("%w: altered", models.ErrModel), true, models.ErrModel},
		"no time left":        {context.DeadlineExceeded, true, models.ErrWorker},
	} {
		t.Run(name, func(t *testing.T) {
			var r response
			r.failed(c.err, c.late)
			assert.ErrorIs(t, r.err(), c.want)
			assert.Equal(t, c.err.Error(), r.err().Error())
		})
	}
	var r response
	r.failed(errors.New("something else"), false)
	assert.NotErrorIs(t, r.err(), models.ErrWorker)
	r = response{}
	r.failed(nil, true)
	assert.NoError(t, r.err())
}
