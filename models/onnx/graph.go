package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// describe reads the names, types and shapes of a network's inputs and outputs
// from its bytes (ONNX is a protocol buffer, onnx/onnx.proto). ONNX Runtime
// would tell as well, but only by loading the whole network a second time.
func describe(model []byte) (in, out []Info, err error) {
	var graph []byte
	if err := fields(model, func(n int, _ uint64, b []byte) error {
		if n == 7 {
			graph = b
		}
		return nil
	}); err != nil {
		return nil, nil, err
	}
	if graph == nil {
		return nil, nil, errors.New("not an ONNX network: it has no graph")
	}
	constant := map[string]bool{} // old networks list their weights as inputs too
	err = fields(graph, func(n int, _ uint64, b []byte) error {
		switch n {
		case 5:
			return fields(b, func(n int, _ uint64, b []byte) error {
				if n == 8 {
					constant[string(b)] = true
				}
				return nil
			})
		case 11, 12:
			i, err := value(b)
			if err != nil {
				return err
			}
			if n == 11 {
				in = append(in, i)
			} else {
				out = append(out, i)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	real := in[:0]
	for _, i := range in {
		if !constant[i.Name] {
			real = append(real, i)
		}
	}
	return real, out, nil
}

// value reads a ValueInfoProto, which must be a tensor of floats.
func value(b []byte) (i Info, err error) {
	float := false
	err = fields(b, func(n int, _ uint64, b []byte) error {
		switch n {
		case 1:
			i.Name = string(b)
		case 2: // type
			return fields(b, func(n int, _ uint64, b []byte) error {
				if n != 1 { // tensor_type
					return nil
				}
				return fields(b, func(n int, v uint64, b []byte) error {
					switch n {
					case 1: // elem_type
						float = v == 1
					case 2: // shape
						return fields(b, func(n int, _ uint64, b []byte) error {
							if n != 1 {
								return nil
							}
							size := int64(-1) // named or absent: any
							err := fields(b, func(n int, v uint64, _ []byte) error {
								if n == 1 && v > 0 && v <= MaxElements {
									size = int64(v)
								}
								return nil
							})
							i.Shape = append(i.Shape, size)
							return err
						})
					}
					return nil
				})
			})
		}
		return nil
	})
	if err == nil && !float {
		err = fmt.Errorf("%q is not a tensor of floats", i.Name)
	}
	return i, err
}

var errProto = errors.New("not an ONNX network: the protocol buffer is damaged")

// fields walks one message: number, and the varint or the bytes of each field.
func fields(b []byte, each func(number int, v uint64, b []byte) error) error {
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 || key>>3 == 0 || key>>3 > 1<<29 {
			return errProto
		}
		b = b[n:]
		var v uint64
		var body []byte
		switch key & 7 {
		case 0:
			if v, n = binary.Uvarint(b); n <= 0 {
				return errProto
			}
			b = b[n:]
		case 1, 5:
			size := 8
			if key&7 == 5 {
				size = 4
			}
			if len(b) < size {
				return errProto
			}
			b = b[size:]
		case 2:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return errProto
			}
			body, b = b[n:n+int(size)], b[n+int(size):]
		default:
			return errProto
		}
		if err := each(int(key>>3), v, body); err != nil {
			return err
		}
	}
	return nil
}

// tapped is the network with further tensors of its graph as outputs. It uses the
// protocol buffer's own rule that an embedded message given twice is merged: a second
// graph that holds nothing but outputs is written behind the first.
func tapped(model []byte, taps []Info) ([]byte, error) {
	if len(taps) == 0 {
		return model, nil
	}
	var graph []byte
	for _, t := range taps {
		var shape []byte
		for _, d := range t.Shape {
			if d < 1 || d > MaxElements {
				return nil, fmt.Errorf("the shape of %q is not whole: %v", t.Name, t.Shape)
			}
			size := binary.AppendUvarint([]byte{1 << 3}, uint64(d)) // dim_value
			shape = embed(shape, 1, size)
		}
		tensor := embed([]byte{1 << 3, 1}, 2, shape) // elem_type FLOAT, then shape
		value := embed(nil, 1, []byte(t.Name))
		value = embed(value, 2, embed(nil, 1, tensor))
		graph = embed(graph, 12, value)
	}
	out := make([]byte, 0, len(model)+len(graph)+16)
	return embed(append(out, model...), 7, graph), nil
}

// embed appends a field of bytes.
func embed(to []byte, number int, b []byte) []byte {
	to = binary.AppendUvarint(to, uint64(number)<<3|2)
	to = binary.AppendUvarint(to, uint64(len(b)))
	return append(to, b...)
}
