package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Select gives a network whose last linear layer computes only some of its columns:
// weights and bias name the constants of that layer, of the shapes [n, m] and [m], and
// columns says which of the m outputs stay, in this order. A softmax behind the layer is
// then over these alone, which is the whole network's answer given that one of them is
// right. A reader of 6,625 characters that is asked for 63 saves a third of its work.
func Select(network []byte, weights, bias string, columns []int) ([]byte, error) {
	if len(columns) == 0 {
		return nil, errors.New("select columns: none named")
	}
	found := map[string]bool{}
	out, err := replace(network, 7, func(graph []byte) ([]byte, error) {
		return replace(graph, 1, func(node []byte) ([]byte, error) {
			name := ""
			if err := fields(node, func(n int, _ uint64, b []byte) error {
				if n == 2 { // output
					name = string(b)
				}
				return nil
			}); err != nil {
				return nil, err
			}
			if name != weights && name != bias {
				return node, nil
			}
			found[name] = true
			return replace(node, 5, func(attribute []byte) ([]byte, error) {
				return replace(attribute, 5, func(tensor []byte) ([]byte, error) {
					t, err := pick(tensor, columns)
					if err != nil {
						return nil, fmt.Errorf("%s: %w", name, err)
					}
					return t, nil
				})
			})
		})
	})
	if err != nil {
		return nil, fmt.Errorf("select columns: %w", err)
	}
	if !found[weights] || !found[bias] {
		return nil, fmt.Errorf("select columns: the network has no constants %q and %q", weights, bias)
	}
	return out, nil
}

// pick rewrites a TensorProto of floats (dims 1, data_type 2, raw_data 9) with some of the
// columns of its last dimension.
func pick(tensor []byte, columns []int) ([]byte, error) {
	var dims []uint64
	var raw []byte
	kind := uint64(0)
	if err := fields(tensor, func(n int, v uint64, b []byte) error {
		switch {
		case n == 1 && b != nil: // packed
			for len(b) > 0 {
				d, k := binary.Uvarint(b)
				if k <= 0 {
					return errProto
				}
				dims, b = append(dims, d), b[k:]
			}
		case n == 1:
			dims = append(dims, v)
		case n == 2:
			kind = v
		case n == 9:
			raw = b
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if kind != 1 || len(dims) == 0 || len(dims) > 2 || slices.ContainsFunc(dims, func(d uint64) bool { return d == 0 || d > MaxElements }) {
		return nil, fmt.Errorf("is no float vector or matrix: type %d, dimensions %v", kind, dims)
	}
	wide, rows := int(dims[len(dims)-1]), 1
	if len(dims) == 2 {
		rows = int(dims[0])
	}
	if len(raw) != 4*rows*wide {
		return nil, fmt.Errorf("holds %d bytes for %v values", len(raw), dims)
	}
	some := make([]byte, 0, 4*rows*len(columns))
	for r := range rows {
		for _, c := range columns {
			if c < 0 || c >= wide {
				return nil, fmt.Errorf("has no column %d", c)
			}
			at := 4 * (r*wide + c)
			some = append(some, raw[at:at+4]...)
		}
	}
	dims[len(dims)-1] = uint64(len(columns))
	var out []byte
	for _, d := range dims {
		out = binary.AppendUvarint(append(out, 1<<3), d)
	}
	out = append(out, 2<<3, 1)
	return appendBytes(out, 9, some), nil
}

// replace copies a message with every field of one number, which must be bytes, changed.
func replace(message []byte, number int, change func([]byte) ([]byte, error)) ([]byte, error) {
	out := make([]byte, 0, len(message))
	rest := message
	err := fields(message, func(n int, _ uint64, b []byte) error {
		size := wireSize(rest)
		whole := rest[:size]
		rest = rest[size:]
		if n != number || b == nil {
			out = append(out, whole...)
			return nil
		}
		b, err := change(b)
		if err != nil {
			return err
		}
		out = appendBytes(out, number, b)
		return nil
	})
	return out, err
}

// wireSize is the length of the first field of a message that fields has walked without
// an error.
func wireSize(b []byte) int {
	key, n := binary.Uvarint(b)
	switch key & 7 {
	case 0:
		_, k := binary.Uvarint(b[n:])
		return n + k
	case 1:
		return n + 8
	case 5:
		return n + 4
	default:
		size, k := binary.Uvarint(b[n:])
		return n + k + int(size)
	}
}

// appendBytes writes one field of bytes.
func appendBytes(out []byte, number int, b []byte) []byte {
	out = binary.AppendUvarint(out, uint64(number)<<3|2)
	return append(binary.AppendUvarint(out, uint64(len(b))), b...)
}
