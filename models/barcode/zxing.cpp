// The only place that speaks C++: nothing thrown in here leaves it, because an exception
// that reaches Go ends the process.
#define ZX_USE_UTF8 1
#include <ZXing/ReadBarcode.h>

#include <cstring>

#include "zxing.h"

int vb_read(const unsigned char *grey, int width, int height, int binarizer,
            unsigned char *out, int cap, int corners[8]) {
	try {
		using namespace ZXing;
		if (!grey || !out || !corners || width < 1 || height < 1 || cap < 1) return 0;
		DecodeHints hints;
		hints.setFormats(BarcodeFormat::PDF417)
		    .setTryHarder(true)
		    .setTryRotate(false)
		    .setTryDownscale(false)
		    .setReturnErrors(false)
		    .setMaxNumberOfSymbols(1)
		    .setBinarizer(binarizer == VB_GLOBAL ? Binarizer::GlobalHistogram : Binarizer::LocalAverage);
		auto found = ReadBarcode(ImageView(grey, width, height, ImageFormat::Lum), hints);
		if (!found.isValid()) return 0;
		const auto &bytes = found.bytes();
		if (bytes.size() > static_cast<size_t>(cap)) return -1;
		if (bytes.empty()) return 0;
		std::memcpy(out, bytes.data(), bytes.size());
		for (int i = 0; i < 4; i++) {
			corners[2 * i] = found.position()[i].x;
			corners[2 * i + 1] = found.position()[i].y;
		}
		return static_cast<int>(bytes.size());
	} catch (...) {
		return -2;
	}
}
