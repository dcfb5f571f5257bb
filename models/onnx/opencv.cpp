// The only place of this package that speaks C++: nothing thrown in here leaves it, because an
// exception that reaches Go ends the process.
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include <opencv2/dnn.hpp>

#include "opencv.h"

struct vp_net {
	cv::dnn::Net net;
	std::vector<std::string> inputs;
	std::vector<cv::String> outputs;
	std::vector<cv::Mat> in, out;
};

static void say(const char *what, char *text, int size) {
	if (text && size > 0) std::snprintf(text, size, "%s", what);
}

#define CATCH(failed)                 \
	catch (const std::exception &e) { \
		say(e.what(), text, size);    \
		return failed;                \
	}                                 \
	catch (...) {                     \
		say("thrown", text, size);    \
		return failed;                \
	}

vp_net *vp_net_open(const char *model, int bytes, char **inputs, int ins, char **outputs, int outs, char *text, int size) {
	vp_net *n = nullptr;
	try {
		n = new vp_net;
		n->net = cv::dnn::readNetFromONNX(model, bytes);
		if (n->net.empty()) throw std::runtime_error("it has no layers");
		n->net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
		n->net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
		n->inputs.assign(inputs, inputs + ins);
		n->outputs.assign(outputs, outputs + outs);
		n->in.resize(ins);
		return n;
	} catch (const std::exception &e) {
		say(e.what(), text, size);
	} catch (...) {
		say("thrown", text, size);
	}
	vp_net_close(n);
	return nullptr;
}

float *vp_net_input(vp_net *n, int i, const int *shape, int dims, char *text, int size) {
	try {
		n->in.at(i).create(dims, shape, CV_32F);
		return n->in[i].ptr<float>();
	}
	CATCH(nullptr)
}

int vp_net_run(vp_net *n, char *text, int size) {
	try {
		for (size_t i = 0; i < n->in.size(); i++) n->net.setInput(n->in[i], n->inputs[i]);
		n->out.clear();
		n->net.forward(n->out, n->outputs);
		if (n->out.size() != n->outputs.size()) throw std::runtime_error("another number of outputs");
		for (cv::Mat &m : n->out) {
			if (m.empty() || m.depth() != CV_32F || m.channels() != 1) throw std::runtime_error("an output that is no tensor of floats");
			if (!m.isContinuous()) m = m.clone();
		}
		return 0;
	}
	CATCH(-1)
}

const float *vp_net_output(vp_net *n, int i, int *shape, int most, int *dims) {
	if (i < 0 || size_t(i) >= n->out.size()) return nullptr;
	const cv::Mat &m = n->out[i];
	if (m.dims > most) return nullptr;
	for (int d = 0; d < m.dims; d++) shape[d] = m.size[d];
	*dims = m.dims;
	return m.ptr<float>();
}

void vp_net_close(vp_net *n) {
	try {
		delete n;
	} catch (...) {
	}
}
