// The only place of this package that speaks C++: nothing thrown in here leaves it, because an
// exception that reaches Go ends the process.
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "buffer.h"

static int failed(void *dst) {
	try {
		static_cast<cv::Mat *>(dst)->release();
	} catch (...) {
	}
	return -1;
}

int vp_decode(const unsigned char *data, int n, int flags, void *dst) {
	if (!data || n < 1 || !dst) return -1;
	try {
		const cv::Mat coded(1, n, CV_8UC1, const_cast<unsigned char *>(data));
		cv::imdecode(coded, flags, static_cast<cv::Mat *>(dst));
		return 0;
	} catch (...) {
		return failed(dst);
	}
}

int vp_convert(const unsigned char *pix, int width, int height, int channels, int code, void *dst) {
	if (!pix || width < 1 || height < 1 || channels < 1 || channels > 4 || !dst) return -1;
	try {
		const cv::Mat packed(height, width, CV_8UC(channels), const_cast<unsigned char *>(pix));
		cv::cvtColor(packed, *static_cast<cv::Mat *>(dst), code);
		return 0;
	} catch (...) {
		return failed(dst);
	}
}
