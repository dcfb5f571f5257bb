package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// natsMain is a NATS server in a process of its own, as an MQTT broker: it admits whoever shows a certificate of the
// centre's authority. It keeps what it has in dir, as its MQTT side demands.
func natsMain(args []string) int {
	f := flag.NewFlagSet("chaos nats", flag.ContinueOnError)
	dir := f.String("dir", "", "folder of certificates and of what it keeps")
	listen := f.String("listen", "", "host:port")
	if f.Parse(args) != nil {
		return 2
	}
	if err := nats(*dir, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "nats:", err)
		return 1
	}
	return 0
}

func nats(dir, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, "centre.pem"), filepath.Join(dir, "centre.key"))
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return errors.New("no authority in ca.pem")
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "chaos", Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: filepath.Join(dir, "store"),
		MQTT: server.MQTTOpts{
			Host: host, Port: number, TLSTimeout: 10,
			TLSConfig: &tls.Config{
				Certificates: []tls.Certificate{own}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
			},
		},
	})
	if err != nil {
		return err
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(20 * time.Second) {
		return errors.New("not ready in time")
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	<-stop
	return nil
}
