package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// door speaks to the kiosk's automation socket: JSON lines, one answer a question.
type door struct {
	conn net.Conn
	in   *bufio.Reader
}

// screenState is what the kiosk says of its current screen.
type screenState struct {
	Step     string `json:"step"`
	Session  string `json:"session"`
	Attempt  int    `json:"attempt"`
	Hint     string `json:"hint"`
	Online   bool   `json:"online"`
	Ready    bool   `json:"ready"`
	Waiting  int    `json:"waiting"`
	Decided  bool   `json:"decided"`
	Decision string `json:"decision"`
	Problem  string `json:"problem"`
}

// reply is one line of the door.
type reply struct {
	OK    bool        `json:"ok"`
	Error string      `json:"error"`
	State screenState `json:"state"`
}

func openDoor(path string) (*door, error) {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return nil, err
	}
	return &door{conn: conn, in: bufio.NewReaderSize(conn, 1<<20)}, nil
}

func (d *door) ask(question map[string]string) (screenState, error) {
	line, err := json.Marshal(question)
	if err != nil {
		return screenState{}, err
	}
	if err := d.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return screenState{}, err
	}
	if _, err := d.conn.Write(append(line, '\n')); err != nil {
		return screenState{}, fmt.Errorf("ask the kiosk: %w", err)
	}
	answer, err := d.in.ReadSlice('\n')
	if err != nil {
		return screenState{}, fmt.Errorf("hear the kiosk: %w", err)
	}
	var r reply
	if err := json.Unmarshal(answer, &r); err != nil {
		return screenState{}, fmt.Errorf("hear the kiosk: %w", err)
	}
	if !r.OK {
		return screenState{}, errors.New(r.Error)
	}
	return r.State, nil
}

func (d *door) state() (screenState, error) { return d.ask(map[string]string{"do": "state"}) }

// tap touches the widget with that name, as a finger would.
func (d *door) tap(id string) error {
	_, err := d.ask(map[string]string{"do": "tap", "id": id})
	return err
}

func (d *door) close() { d.conn.Close() }
