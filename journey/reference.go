package journey

import (
	"encoding/hex"
	"strings"
)

// Reference gives the short code of a submission that a person can read out: the
// last five bytes of its id in Crockford's base 32, as XXXX-XXXX. It is no secret
// and no proof; 1 in 2^40 ids share one. It is empty for what is no UUID.
func Reference(submission string) string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	digits := strings.ReplaceAll(submission, "-", "")
	if len(digits) != 32 {
		return ""
	}
	tail, err := hex.DecodeString(digits[22:])
	if err != nil {
		return ""
	}
	var n uint64
	for _, b := range tail {
		n = n<<8 | uint64(b)
	}
	var out [9]byte
	for i := 8; i >= 0; i-- {
		if i == 4 {
			out[i] = '-'
			continue
		}
		out[i] = alphabet[n&31]
		n >>= 5
	}
	return string(out[:])
}
