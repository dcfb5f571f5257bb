package main

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/server/console"
	"vestibule/server/review/desk"
	"vestibule/server/store"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
)

func TestOnlyOperatorsLetKiosksInAtTheConsole(t *testing.T) {
	data := filepath.Join(t.TempDir(), "centre")
	ca, err := identity.NewCA("Test", time.Now())
	require.NoError(t, err)
	require.NoError(t, ca.Save(filepath.Join(data, folderIdentity)))
	s, err := store.Open(t.Context(), data)
	require.NoError(t, err)
	defer s.Close()
	for name, role := range map[string]string{"olga": desk.Operator, "rita": desk.Reviewer} {
		require.NoError(t, s.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.AddUser(t.Context(), store.User{Name: name, Role: role, Hash: name, Created: time.Now()})
			return err
		}))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c := &running{store: s, desk: l}
	c.data, c.mqtt = data, "0.0.0.0:8883"
	f := fleet{c}
	k := f.Suggest("centre.example.org:8080")
	assert.Equal(t, "centre.example.org:8883", k.Broker)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	assert.Equal(t, "centre.example.org:"+port, k.Centre)

	k.Name, k.Country = "hall-9", "uto"
	for _, who := range []string{"rita", "nobody", ""} {
		_, err := f.Invite(t.Context(), who, k)
		assert.Equal(t, "not_an_operator", fault.Code(err), who)
	}
	given, err := f.Invite(t.Context(), "olga", k)
	require.NoError(t, err)
	i, err := identity.ParseInvitation(given.Code)
	require.NoError(t, err)
	assert.Equal(t, k.Centre, i.Address)
	assert.Equal(t, given.Token, i.Token.String())
	assert.True(t, i.Token.Pins(ca.Cert))
	e, err := s.Read().Enrolment(t.Context(), i.Token.Hash())
	require.NoError(t, err)
	assert.Equal(t, [3]string{"hall-9", "UTO", "default"}, [3]string{e.Kiosk, e.Country, e.Project})
	_, err = f.Invite(t.Context(), "olga", console.NewKiosk{Name: "hall-10", Country: "UTO", Broker: "b:1", Centre: "nowhere"})
	assert.Equal(t, "enrolment_address", fault.Code(err))
}
