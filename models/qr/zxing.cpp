// The only place of this package that speaks C++: nothing thrown in here leaves it, because
// an exception that reaches Go ends the process.
#define ZX_USE_UTF8 1
#include <ZXing/ReadBarcode.h>

#include <cstring>

#include "zxing.h"

int vq_read(const unsigned char *grey, int width, int height, unsigned char *out, int cap) {
	try {
		using namespace ZXing;
		if (!grey || !out || width < 1 || height < 1 || cap < 1) return 0;
		DecodeHints hints;
		hints.setFormats(BarcodeFormat::QRCode)
		    .setTryHarder(true)
		    .setTryRotate(true)
		    .setTryDownscale(true)
		    .setReturnErrors(false)
		    .setMaxNumberOfSymbols(1)
		    .setBinarizer(Binarizer::LocalAverage);
		auto found = ReadBarcode(ImageView(grey, width, height, ImageFormat::Lum), hints);
		if (!found.isValid()) return 0;
		const auto &bytes = found.bytes();
		if (bytes.size() > static_cast<size_t>(cap)) return -1;
		if (bytes.empty()) return 0;
		std::memcpy(out, bytes.data(), bytes.size());
		return static_cast<int>(bytes.size());
	} catch (...) {
		return -2;
	}
}
