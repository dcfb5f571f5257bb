package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/sync/fault"
)

func TestAFaultIsFoundThroughItsWrappings(t *testing.T) {
	f := fault.New("port_in_use", "port 1 is taken", "choose another", io.EOF)
	err := fmt.Errorf("start: %w", f)
	require.Equal(t, "port_in_use", fault.Code(err))
	require.ErrorIs(t, err, io.EOF)
	require.ErrorIs(t, err, fault.New("port_in_use", "", "", nil))
	require.NotErrorIs(t, err, fault.New("other", "", "", nil))
	require.Equal(t, "port_in_use: port 1 is taken: EOF (choose another)", f.Error())
	require.Empty(t, fault.Code(errors.New("plain")))
	require.Empty(t, fault.Code(nil))
}
