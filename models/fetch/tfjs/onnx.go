package tfjs

import (
	"encoding/binary"
	"math"
)

// message is a protocol buffer under construction.
type message []byte

func (m *message) key(field, wire int) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|uint64(wire))
}

func (m *message) whole(field int, v int64) {
	m.key(field, 0)
	*m = binary.AppendUvarint(*m, uint64(v))
}

func (m *message) message(field int, b []byte) {
	m.key(field, 2)
	*m = append(binary.AppendUvarint(*m, uint64(len(b))), b...)
}

func (m *message) text(field int, s string) { m.message(field, []byte(s)) }

// Attributes of a node (AttributeProto): 1 name, 3 i, 4 s, 8 ints, 20 type.
func whole(name string, v int) message {
	var m message
	m.text(1, name)
	m.whole(3, int64(v))
	m.whole(20, 2)
	return m
}

func text(name, v string) message {
	var m message
	m.text(1, name)
	m.text(4, v)
	m.whole(20, 3)
	return m
}

func wholes(name string, vs ...int) message {
	var m message
	m.text(1, name)
	for _, v := range vs {
		m.whole(8, int64(v))
	}
	m.whole(20, 7)
	return m
}

// write adds a node (NodeProto: 1 input, 2 output, 3 name, 4 op_type, 5 attribute).
func (c *converter) write(name, op string, shape []int, inputs []string, attributes ...message) tensor {
	var m message
	for _, in := range inputs {
		m.text(1, in)
	}
	m.text(2, name)
	m.text(3, name)
	m.text(4, op)
	for _, a := range attributes {
		m.message(5, a)
	}
	c.body.message(1, m)
	return tensor{name: name, shape: shape}
}

// weight adds a constant once (TensorProto: 1 dims, 2 data_type, 8 name, 9 raw_data).
func (c *converter) weight(name string, shape []int, v []float32) string {
	if c.written[name] {
		return name
	}
	c.written[name] = true
	if c.full = c.full || len(c.weights)+4*len(v) > maxWritten; c.full {
		return name
	}
	var m message
	for _, d := range shape {
		m.whole(1, int64(d))
	}
	m.whole(2, 1) // float
	m.text(8, name)
	raw := make([]byte, 0, 4*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	m.message(9, raw)
	c.weights.message(5, m)
	return name
}

// valueInfo describes an input or output (ValueInfoProto: 1 name, 2 type).
func valueInfo(name string, shape []int) message {
	var dims message
	for _, d := range shape {
		var dim message
		dim.whole(1, int64(d))
		dims.message(1, dim)
	}
	var tensor, kind, m message
	tensor.whole(1, 1) // float
	tensor.message(2, dims)
	kind.message(1, tensor)
	m.text(1, name)
	m.message(2, kind)
	return m
}

// model is the whole (ModelProto: 1 ir_version, 2 producer_name, 7 graph, 8 opset_import).
func (c *converter) model() []byte {
	var graph message
	graph = append(graph, c.body...)
	graph.text(2, "graph")
	graph = append(append(append(graph, c.weights...), c.inputs...), c.outputs...)
	var opset, m message
	opset.text(1, "")
	opset.whole(2, 13)
	m.whole(1, 7)
	m.text(2, "vestibule tfjs")
	m.message(7, graph)
	m.message(8, opset)
	return m
}
