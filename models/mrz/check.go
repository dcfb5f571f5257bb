package mrz

// CheckDigit computes the check digit of text: weights 7, 3, 1 from the left, A = 10 to
// Z = 35, filler = 0, modulo 10 (ICAO 9303-3 section 4.9). It is false for text
// with a character that has no value.
func CheckDigit(text ...string) (byte, bool) {
	sum, i := 0, 0
	for _, part := range text {
		for _, c := range []byte(part) {
			v, ok := value(c)
			if !ok {
				return 0, false
			}
			sum += v * [3]int{7, 3, 1}[i%3]
			i++
		}
	}
	return byte('0' + sum%10), true
}

func value(c byte) (int, bool) {
	switch {
	case c == '<':
		return 0, true
	case c >= '0' && c <= '9':
		return int(c - '0'), true
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 10, true
	}
	return 0, false
}

// check compares a field with its printed digit. An empty field may carry a filler
// in the digit's place (ICAO 9303-4 section 4.2.2.2 note j); some issuers print 0,
// which is what the sum of fillers gives.
func check(digit byte, text ...string) Check {
	want, ok := CheckDigit(text...)
	if !ok {
		return CheckWrong
	}
	if digit == '<' {
		for _, part := range text {
			if !onlyFiller(part) {
				return CheckWrong
			}
		}
		return CheckEmpty
	}
	if digit != want {
		return CheckWrong
	}
	return CheckValid
}

func onlyFiller(s string) bool {
	for i := range len(s) {
		if s[i] != '<' {
			return false
		}
	}
	return true
}
