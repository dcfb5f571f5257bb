package main

import (
	"cmp"
	"context"
	"net"
	"path/filepath"
	"strings"
	"time"

	"vestibule/server/console"
	"vestibule/server/enrol"
	"vestibule/server/review/desk"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
)

// fleet lets kiosks in for operators at the console.
type fleet struct{ c *running }

var _ console.Fleet = fleet{}

// Suggest implements console.Fleet: the centre is reached where its console is.
func (f fleet) Suggest(host string) console.NewKiosk {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	k := console.NewKiosk{Project: "default"}
	if _, port, err := net.SplitHostPort(f.c.desk.Addr().String()); err == nil {
		k.Centre = net.JoinHostPort(host, port)
	}
	if _, port, err := net.SplitHostPort(f.c.mqtt); err == nil {
		k.Broker = net.JoinHostPort(host, port)
	}
	return k
}

// Invite implements console.Fleet.
func (f fleet) Invite(ctx context.Context, who string, k console.NewKiosk) (console.Invitation, error) {
	u, err := f.c.store.Read().User(ctx, who)
	if err != nil || u.Role != desk.Operator || !u.Disabled.IsZero() {
		return console.Invitation{}, fault.New("not_an_operator", "only operators do this", "log in with an operator's key; `server user add -role operator` makes one", err)
	}
	centre, err := identity.CheckAddress(k.Centre)
	if err != nil {
		return console.Invitation{}, err
	}
	ca, err := identity.LoadCA(filepath.Join(f.c.data, folderIdentity))
	if err != nil {
		return console.Invitation{}, err
	}
	info := identity.KioskInfo{Name: k.Name, SiteCountry: strings.ToUpper(k.Country), Project: cmp.Or(k.Project, "default"), Broker: k.Broker}
	t, expires, err := enrol.Issue(ctx, f.c.store, ca, info, enrol.DefaultLasts, who, newID(), time.Now())
	if err != nil {
		return console.Invitation{}, err
	}
	return console.Invitation{Token: t.String(), Code: identity.Invitation{Address: centre, Token: t}.String(), Expires: expires}, nil
}
